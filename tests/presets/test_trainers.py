"""A preset from nothing to a picture, through the commands that a user types."""

import functools
import json
import re
import shutil
import tomllib
from pathlib import Path

import layouts
import numpy as np
import pytest
from safetensors.numpy import load_file

import tfportrait as tp
from tfportrait import presets, training
from tfportrait.cli import main
from tfportrait.files import locked, verify_checksums
from tfportrait.models.preset import share
from tfportrait.presets import trainers
from tfportrait.recipe import read_recipe

TINY = str(Path(__file__).with_name("tiny.toml"))


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """The tiny preset, trained in two stages as the README says."""
    folder = tmp_path_factory.mktemp("presets") / "tiny"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFPORTRAIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        for stage in ("autoencoder", "diffusion"):
            assert main(["train", stage, "--config", TINY, "--out", str(folder), "--precision", "float32"]) == 0
        yield folder


def test_it_paints_from_words_tags_and_chinese_and_writes_the_recipe(preset, tmp_path, capsys):
    out = tmp_path / "x.png"
    words = ["paint", "a cyberpunk woman with round glasses", "--tag", "style=oil"]
    arguments = ["--preset", str(preset), "--steps", "2", "--seed", "5", "--precision", "float32", "--out", str(out)]
    assert main([*words, *arguments]) == 0
    printed = capsys.readouterr()
    assert str(out) in printed.out and "cyberpunk" in printed.out and "round glasses" in printed.out
    recipe = read_recipe(out)
    assert recipe["seed"] == 5 and recipe["num_steps"] == 2 and "oil" in recipe["prompt"]
    assert len(recipe["preset_hash"]) == 64
    again = tmp_path / "y.png"
    assert main(["paint", recipe["prompt"], *arguments[:-1], str(again)]) == 0
    assert again.read_bytes() == out.read_bytes()
    assert main(["paint", "一位戴圆框眼镜的女士", "--preset", str(preset), "--steps", "1", "--out", str(out)]) == 0


def test_several_portraits_of_one_prompt_have_following_seeds(preset, tmp_path):
    arguments = [
        "--preset",
        str(preset),
        "--steps",
        "1",
        "--count",
        "2",
        "--seed",
        "7",
        "--out",
        str(tmp_path / "x.png"),
    ]
    assert main(["paint", "a man", *arguments]) == 0
    assert [read_recipe(tmp_path / f"x-{i}.png")["seed"] for i in (1, 2)] == [7, 8]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([""], "prompt is empty"),
        (["a man", "--steps", "0"], "num_steps"),
        (["a man", "--seed", "-1"], "2**63"),
        (["a man", "--sampler", "dpm"], "dpmpp_2m"),
        (["a man", "--size", "33"], "nearest is 32"),
        (["a man", "--count", "0"], "count must be at least 1"),
        (["a man", "--tag", "glasses=hexagonal"], "sunglasses"),
        (["a man", "--tag", "hat=cap"], "headwear"),
        (["a man", "--out", "/nonexistent/x.png"], "does not exist"),
        (["a man", "--out", "x.bmp"], "x.png"),
        (["a man", "--preset", "nobody"], "no preset or folder"),
        (["a man", "--guidance", "-2"], "guidance_scale"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(preset, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    if "--preset" not in arguments:
        arguments = [*arguments, "--preset", str(preset)]
    assert main(["paint", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error.splitlines()[-1] and error.count("tfportrait:") == 1
    assert not list(tmp_path.iterdir())


def test_the_record_says_what_was_done(preset):
    record = tomllib.loads((preset / "training.toml").read_text())
    assert set(record) == {"autoencoder", "text_encoder", "diffusion"}
    assert record["autoencoder"]["examples"] == 12 and record["diffusion"]["steps"] == 3
    assert record["diffusion"]["precision"] == "float32"


def test_latents_have_unit_deviation(preset):
    painter = tp.LatentDiffusion.from_preset(preset)
    source = tp.data.open_source("portrait_world", "train", image_size=32, count=24)
    latents = painter.autoencoder.encode(source.images(np.arange(24)).astype("float32") / 127.5 - 1.0)
    assert np.std(latents) == pytest.approx(1.0, abs=0.01)


@pytest.mark.slow
def test_a_lora_learns_another_world_and_becomes_a_preset(preset, tmp_path, capsys):
    config, out = tmp_path / "lora.toml", tmp_path / "scenes"
    config.write_text(Path(TINY).with_name("tiny_lora.toml").read_text().replace("PAINTER", str(preset)))
    arguments = ["--config", str(config), "--out", str(out), "--precision", "float32"]
    assert main(["train", "lora", *arguments]) == 0
    assert {path.name for path in out.iterdir()} == {
        "adapter_config.json",
        "familiarity.json",
        "pytorch_lora_weights.safetensors",
        "training.toml",
        "SHA256SUMS",
    }
    assert set(tomllib.loads((out / "training.toml").read_text())) == {"words", "lora"}
    factors = load_file(out / "pytorch_lora_weights.safetensors")
    for network in ("unet.", "text_encoder."):
        ups = [tensor for name, tensor in factors.items() if name.startswith(network) and "lora_B" in name]
        assert sum(bool(up.any()) for up in ups) > len(ups) / 2
    base, painter = (tp.LatentDiffusion.from_preset(folder, dtype="float32") for folder in (preset, out))
    assert (base.generate("a forest", num_steps=2) != painter.generate("a forest", num_steps=2)).any()
    assert main(["paint", "a forest", "--preset", str(out), "--steps", "1", "--out", str(tmp_path / "x.png")]) == 0
    assert read_recipe(tmp_path / "x.png")["preset"] == "scenes"
    more = tmp_path / "more"
    arguments[3] = str(more)
    assert main(["train", "lora", *arguments, "--init", str(out), "--steps", "1"]) == 0
    again = load_file(more / "pytorch_lora_weights.safetensors")
    texts = [name for name in factors if name.startswith("text_encoder.")]
    assert all((factors[name] == again[name]).all() for name in texts)
    moved = [np.abs(factors[name].astype("f4") - again[name]).max() for name in factors if name not in texts]
    assert 0 < max(moved) < 0.1


def test_a_folder_trains_to_a_grid_of_samples_from_a_presets_weights(preset, tmp_path):
    root, out, config = layouts.celeb_a_raw(tmp_path / "data"), tmp_path / "out", tmp_path / "small.toml"
    config.write_text(Path(TINY).read_text().replace("batch_size = 8", "batch_size = 2"))
    arguments = ["--config", str(config), "--init", str(preset), "--steps", "1", "--out", str(out)]
    assert main(["train", "diffusion", "--data", str(root), *arguments]) == 0
    assert list((tmp_path / "out-pictures").glob("*.png"))
    assert tp.LatentDiffusion.from_preset(out).generate("a man", num_steps=1).shape == (1, 32, 32, 3)
    before, after = (load_file(p / "unet" / "diffusion_pytorch_model.safetensors") for p in (preset, out))
    assert any((before[name] != after[name]).any() for name in before)  # it went on from the preset's weights
    assert max(np.abs(before[name].astype("float32") - after[name].astype("float32")).max() for name in before) < 0.1
    for frozen in ("vae/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"):
        assert (preset / frozen).read_bytes() == (out / frozen).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("make", [layouts.ffhq, layouts.imagenet, layouts.open_images])
def test_every_layout_trains_to_a_grid_of_samples(preset, tmp_path, make):
    root, out, config = make(tmp_path / "data"), tmp_path / "out", tmp_path / "small.toml"
    config.write_text(Path(TINY).read_text().replace("batch_size = 4", "batch_size = 2"))
    arguments = ["--config", str(config), "--init", str(preset), "--steps", "1", "--out", str(out)]
    assert main(["train", "autoencoder", "--data", str(root), *arguments]) == 0
    assert list((tmp_path / "out-pictures").glob("*.png"))


def test_mixtures_and_folders_without_a_validation_split_train(preset, tmp_path, captioned):
    arguments = ["--config", TINY, "--init", str(preset), "--steps", "1", "--out", str(tmp_path / "out")]
    mixed = ["--data", f"{captioned}=1", "--data", f"{layouts.celeb_a_raw(tmp_path / 'faces')}=0.5"]
    assert main(["train", "autoencoder", *mixed, "--upsample", "--augment", "flip=1", *arguments]) == 0
    assert list((tmp_path / "out-pictures").glob("*.png"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "celeba"], "did you mean 'celeb_a'"),
        (["--data", "portrait_world=0"], "must not sum to zero"),
        (["--data", "portrait_world", "--data", "portrait_world=2"], "--data portrait_world is given twice"),
        (["--crop", "face"], "about the pictures of --data"),
        (["--augment", "flip"], "autoencoder, oracle, pixels can be"),
    ],
)
def test_bad_data_is_one_line(preset, tmp_path, capsys, arguments, message):
    given = ["--config", TINY, "--init", str(preset), "--steps", "1", "--out", str(tmp_path / "out")]
    assert main(["train", "diffusion", *arguments, *given]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.slow
def test_a_changed_unet_takes_over_the_weights_that_fit_and_may_have_another_optimizer(preset, tmp_path, capsys):
    config = tmp_path / "pooled.toml"
    pooled = 'addition_embed_type = "text"\naddition_embed_type_num_heads = 4\ncross_attention_dim = 16\n'
    text = Path(TINY).read_text().replace("cross_attention_dim = 16\n", pooled)
    config.write_text(text.replace("[diffusion]\n", '[diffusion]\noptimizer = "muon"\n'))
    arguments = ["--config", str(config), "--out", str(tmp_path / "out"), "--init", str(preset), "--steps", "1"]
    assert main(["train", "diffusion", *arguments]) == 0
    before, after = (load_file(p / "unet" / "diffusion_pytorch_model.safetensors") for p in (preset, tmp_path / "out"))
    assert f"{len(before)} of {len(after)} weights fit" in capsys.readouterr().out
    assert max(np.abs(before[name].astype("float32") - after[name].astype("float32")).max() for name in before) < 0.1
    assert tp.LatentDiffusion.from_preset(tmp_path / "out").unet.config["addition_embed_type"] == "text"
    assert tomllib.loads((tmp_path / "out" / "training.toml").read_text("utf-8"))["diffusion"]["optimizer"] == "muon"


@pytest.mark.slow
def test_a_painter_becomes_one_for_inpainting(preset, tmp_path, capsys):
    config, out = tmp_path / "inpainting.toml", tmp_path / "out"
    config.write_text(Path(TINY).read_text().replace("[unet]\n", "[unet]\nin_channels = 9\n"))
    arguments = ["--config", str(config), "--out", str(out), "--init", str(preset), "--steps", "2"]
    assert main(["train", "diffusion", *arguments]) == 0
    before, after = (load_file(p / "unet" / "diffusion_pytorch_model.safetensors") for p in (preset, out))
    assert f"{len(before)} of {len(before)} weights fit" in capsys.readouterr().out
    first = after["conv_in.weight"].astype("float32")
    np.testing.assert_allclose(first[:, :4], before["conv_in.weight"].astype("float32"), atol=0.02)
    assert (np.abs(first[:, 4:]).max(axis=(0, 2, 3)) > 0).all() and np.abs(first[:, 4:]).max() < 0.02
    assert tp.LatentDiffusion.from_preset(out).inpaints


@pytest.mark.slow
def test_a_painter_of_another_presets_latents_refers_to_its_autoencoder(preset, tmp_path, capsys):
    owner, out, config = tmp_path / "owner", tmp_path / "painter", tmp_path / "other.toml"
    shutil.copytree(preset, owner)
    text = re.sub(r"\[autoencoder\].*?(?=\[oracle\])", "", Path(TINY).read_text(), flags=re.S)
    config.write_text(text.replace("[diffusion]\n", f"[diffusion]\nautoencoder = {json.dumps(str(owner))}\n"))
    train = ["--config", str(config), "--out", str(out), "--precision", "float32"]
    assert main(["train", "autoencoder", *train]) == 2
    assert "it has no [autoencoder], but oracle, text_encoder, diffusion" in capsys.readouterr().err
    assert main(["train", "diffusion", *train]) == 0
    assert [path.name for path in (out / "vae").iterdir()] == ["shared.json"]
    assert verify_checksums(out) == []
    painter, lender = (tp.LatentDiffusion.from_preset(folder) for folder in (out, owner))
    for own, lent in zip(painter.autoencoder.weights, lender.autoencoder.weights, strict=True):
        assert np.array_equal(own, lent)
    assert painter.autoencoder.scaling_factor == lender.autoencoder.scaling_factor
    painter.save_to_preset(tmp_path / "whole")
    assert (tmp_path / "whole" / "vae" / "diffusion_pytorch_model.safetensors").is_file()
    share(tmp_path / "whole", "vae", out)  # of one who shares it too
    assert tp.LatentDiffusion.from_preset(tmp_path / "whole").autoencoder.config == lender.autoencoder.config
    paint = ["paint", "a man", "--preset", str(out), "--steps", "1", "--out", str(tmp_path / "x.png")]
    assert main(paint) == 0
    train[3] = str(tmp_path / "more")
    assert main(["train", "diffusion", *train, "--init", str(out), "--steps", "1"]) == 0
    assert main(["train", "autoencoder", "--config", TINY, "--out", str(owner), "--steps", "1"]) == 0
    capsys.readouterr()
    assert main(paint) == 2 and "another vae than" in capsys.readouterr().err
    shutil.rmtree(owner)
    assert main(paint) == 2 and "no preset or folder" in capsys.readouterr().err
    (out / "vae" / "shared.json").write_text("{}")
    assert main(paint) == 2 and "whose vae it is" in capsys.readouterr().err


def test_an_autoencoder_with_a_level_more_starts_from_the_levels_that_fit(preset, tmp_path, capsys):
    config, out = tmp_path / "deeper.toml", tmp_path / "out"
    text = Path(TINY).read_text()
    config.write_text(text.replace("block_out_channels = [4, 8]\n", "block_out_channels = [4, 8, 12]\n", 1))
    assert config.read_text() != text
    arguments = ["--config", str(config), "--out", str(out), "--init", str(preset), "--steps", "1"]
    assert main(["train", "autoencoder", *arguments]) == 0
    before, after = (load_file(p / "vae" / "diffusion_pytorch_model.safetensors") for p in (preset, out))
    printed = capsys.readouterr().out
    assert f"another AutoencoderKL than {preset}" in printed and f"of {len(after)} weights fit" in printed
    last = (before["decoder.up_blocks.1.resnets.0.conv1.weight"], after["decoder.up_blocks.2.resnets.0.conv1.weight"])
    np.testing.assert_allclose(*(x.astype("float32") for x in last), atol=0.02)


@pytest.mark.slow
def test_the_autoencoder_is_trained_by_stable_diffusions_recipe_where_the_configuration_has_it(preset, tmp_path):
    config, out = tmp_path / "judged.toml", tmp_path / "out"
    text = Path(TINY).read_text().replace("[autoencoder]\n", '[autoencoder]\nperceptual = "oracle_128"\n')
    config.write_text(text + "\n[autoencoder.discriminator]\nweight = 0.3\nstart_step = 1\n")
    assert main(["train", "autoencoder", "--config", str(config), "--out", str(out)]) == 0
    record = tomllib.loads((out / "training.toml").read_text())["autoencoder"]
    assert {"final_psnr", "final_generator_loss", "final_discriminator_loss"} <= {*record}
    names = [set(load_file(p / "vae" / "diffusion_pytorch_model.safetensors")) for p in (preset, out)]
    assert names[0] == names[1]


def test_the_decoder_alone_goes_on_and_the_latents_stay(preset, tmp_path, capsys):
    config, out = tmp_path / "decoder.toml", tmp_path / "out"
    config.write_text(Path(TINY).read_text().replace("[autoencoder]\n", "[autoencoder]\ndecoder_only = true\n"))
    command = ["train", "autoencoder", "--config", str(config), "--out", str(out), "--precision", "float32"]
    assert main(command) == 2
    assert "decoder_only needs --init" in capsys.readouterr().err
    assert main([*command, "--init", str(preset)]) == 0
    before, after = (tp.AutoencoderKL.from_folder(folder / "vae") for folder in (preset, out))
    images = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3)).astype("float32")
    np.testing.assert_array_equal(before.encode(images), after.encode(images))
    latents = np.random.default_rng(1).normal(size=(2, 16, 16, 4)).astype("float32")
    assert np.abs(np.asarray(before.decode(latents)) - np.asarray(after.decode(latents))).max() > 1e-4


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("[autoencoder.discriminator]\nstart_step = 99\n", "start_step is 99"),
        ("[autoencoder.discriminator]\nstart = 9\n", "start"),
    ],
)
def test_a_discriminator_that_would_never_count_is_refused(more, message, tmp_path, capsys):
    config = tmp_path / "judged.toml"
    config.write_text(Path(TINY).read_text() + "\n" + more)
    assert main(["train", "autoencoder", "--config", str(config), "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err


def test_the_text_encoder_alone_goes_on_with_its_tokenizer(preset, tmp_path):
    arguments = ["--config", TINY, "--out", str(tmp_path), "--init", str(preset), "--steps", "1"]
    assert main(["train", "text_encoder", *arguments]) == 0
    merges = [(p / "tokenizer" / "merges.txt").read_bytes() for p in (preset, tmp_path)]
    assert merges[0] == merges[1]
    before, after = (load_file(p / "text_encoder" / "model.safetensors") for p in (preset, tmp_path))
    assert any((before[name] != after[name]).any() for name in before)


def test_the_oracle_is_trained_by_its_command(preset, tmp_path):
    assert main(["train", "oracle", "--config", TINY, "--out", str(tmp_path), "--precision", "float32"]) == 0
    read = tp.Oracle.from_preset(tmp_path).read(np.zeros((2, 32, 32, 3), "uint8"))
    assert set(read) == set(tp.world.ATTRIBUTES)


def test_a_preset_is_evaluated_and_studied(preset, tmp_path, capsys):
    oracle, out = tmp_path / "oracle", tmp_path / "evaluation"
    tp.Oracle(attributes=tp.world.ATTRIBUTES, image_size=32, widths=[8, 16]).save_to_preset(oracle)
    command = ["evaluate", str(preset), "--oracle", str(oracle), "--samples", "12", "--steps", "1", "--out", str(out)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "prompt accuracy" in printed and "oracle_fd" in printed and "dB PSNR" in printed
    record = json.loads((out / "evaluation.json").read_text("utf-8"))
    assert record["settings"]["samples"] == 12 and record["settings"]["seed"] == 0
    assert record["results"]["prompts"]["counts"] and record["circumstances"]["keras"]
    assert {path.name for path in out.iterdir()} == {
        *("evaluation.json", "evaluation.txt", "accuracy.png", "confusion.png")
    }
    assert main([*command, "--study", "guidance"]) == 0
    assert {"guidance.json", "guidance.txt", "guidance.png"} <= {path.name for path in out.iterdir()}
    assert len(json.loads((out / "guidance.json").read_text("utf-8"))["rows"]) == 8
    empty = tmp_path / "empty"
    empty.mkdir()
    for wrong, message in [
        (["--samples", "0"], "--samples must be at least 1"),
        (["--data", str(empty)], "empty"),
        (["--data", str(empty), "--split", "train"], "--training 0 compares with none"),
        (["--training", "5"], "5 training pictures for 12 unseen ones"),
        (["--sampler", "dpm"], "dpmpp_2m"),
    ]:
        assert main([*command, *wrong]) == 2
        assert message in capsys.readouterr().err.splitlines()[-1]


def test_diffusion_without_an_autoencoder_says_what_to_do(tmp_path, capsys):
    assert main(["train", "diffusion", "--config", TINY, "--out", str(tmp_path / "new")]) == 2
    assert "train autoencoder" in capsys.readouterr().err


def test_an_unknown_optimizer_is_one_line(tmp_path, capsys):
    config = tmp_path / "x.toml"
    words = Path(TINY).read_text("utf-8").replace("[autoencoder]\n", '[autoencoder]\noptimizer = "mouon"\n')
    config.write_text(words, "utf-8")
    assert main(["train", "autoencoder", "--config", str(config), "--out", str(tmp_path / "new")]) == 2
    assert "unknown optimizer 'mouon' in [autoencoder]; known are adamw, muon" in capsys.readouterr().err


@pytest.mark.parametrize("config", ["portait_128", "missing.toml"])
def test_an_unknown_configuration_lists_the_shipped_ones(config):
    with pytest.raises(ValueError, match="portrait_128"):
        trainers.load(config)


def test_a_damaged_configuration_is_named(tmp_path):
    (tmp_path / "x.toml").write_text("[data")
    with pytest.raises(ValueError, match="x.toml is not TOML"):
        trainers.load(tmp_path / "x.toml")


def test_every_shipped_preset_is_whole():
    from tfportrait.files import verify_checksums

    shipped = {"portrait_128", "oracle_128", "pixels_128", "scene_128", "upscale_2x", "motion_128", "nightfall_128"}
    assert shipped <= set(presets.shipped())
    for folder in presets.shipped().values():
        assert verify_checksums(folder) == []
        assert (folder / "README.md").is_file()


@pytest.mark.slow
def test_another_start_is_another_training_and_not_the_leftover_of_the_first(preset, tmp_path):
    """What was stopped goes on only where nothing but the number of steps has changed."""
    folder = tmp_path / "p"
    config = trainers.load(TINY)
    learnt = []

    def stop():
        raise KeyboardInterrupt

    for origin, states in (([], 1), ([], 1), (["other"], 2)):
        model = tp.AutoencoderKL(**config["autoencoder"]["network"])
        with pytest.raises(KeyboardInterrupt):
            trainers._fit(model, lambda step: _images(), config, folder, "autoencoder", 1, [], origin, stop)
        assert len(list(folder.glob(".state-autoencoder-*"))) == states
        learnt.append(model.encoder.conv_in.kernel.numpy())
    np.testing.assert_array_equal(learnt[0], learnt[1])
    assert not np.array_equal(learnt[0], learnt[2])


def test_a_stopped_training_is_resumed_and_nothing_else_is(tmp_path, captioned, monkeypatch, capsys):
    monkeypatch.setenv("TFPORTRAIT_CACHE", str(tmp_path / "cache"))
    out, data = tmp_path / "p", ["--data", str(captioned), "--upsample"]
    command = ["train", "autoencoder", "--config", TINY, "--out", str(out), "--precision", "float32", "--resume"]
    assert main([*command, *data]) == 2
    assert f"no stopped training of the autoencoder to resume in {out}: without --resume" in capsys.readouterr().err

    class Crash(training.StopOnNaN):
        def on_train_batch_end(self, batch, logs=None):
            raise RuntimeError("crash")

    with monkeypatch.context() as patch:
        patch.setattr(training.Progress, "on_train_batch_end", Crash.on_train_batch_end)
        patch.setattr(training, "Recovery", functools.partial(training.Recovery, every_steps=1))
        patch.setattr(training.Recovery, "FILES", training.recovery.Recovery.FILES, raising=False)
        with pytest.raises(RuntimeError, match="crash"):
            main([*command[:-1], *data])
    assert main([*command, *data, "--augment", "flip"]) == 2
    assert "has one with other settings, data or start; without --resume" in capsys.readouterr().err
    added = (captioned / "0.png").read_bytes()
    (captioned / "more.png").write_bytes(added)
    assert main([*command, *data]) == 2
    error = capsys.readouterr().err
    assert "was trained on other data: pictures was pictures-" in error and error.count("\n") == 1
    (captioned / "more.png").unlink()
    assert main([*command, *data]) == 0
    assert "going on from" in capsys.readouterr().out
    assert not list(out.glob(".*"))


def test_two_trainings_of_one_folder_are_refused(tmp_path, capsys):
    with locked(tmp_path, "training"):
        assert main(["train", "autoencoder", "--config", TINY, "--out", str(tmp_path)]) == 2
    assert f"{tmp_path} is in use by another training, process" in capsys.readouterr().err


def _images():
    rng = np.random.default_rng(0)
    while True:
        yield ({"image": rng.uniform(-1, 1, (4, 32, 32, 3)).astype("float32")},)


@pytest.mark.parametrize(("steps", "trained"), [(300, 300), (250, 250), (7, 7), (501, 501)])
def test_as_many_steps_are_trained_as_were_asked_for(steps, trained, tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr(tp.AutoencoderKL, "fit", lambda self, data, **kwargs: seen.update(kwargs) or keras_history())
    config = trainers.load(TINY)
    model = tp.AutoencoderKL(**config["autoencoder"]["network"])
    trainers._fit(model, lambda step: None, config, tmp_path, "autoencoder", steps, [], [], lambda: None)
    assert seen["epochs"] * seen["steps_per_epoch"] == trained


def keras_history():
    import keras

    return keras.callbacks.History()


@pytest.mark.slow
def test_an_upscaler_trains_goes_on_and_enlarges(tmp_path, monkeypatch):
    monkeypatch.setenv("TFPORTRAIT_CACHE", str(tmp_path / "cache"))
    config, first, more = str(Path(TINY).with_name("tiny_upscaler.toml")), tmp_path / "up", tmp_path / "more"
    assert main(["train", "upscaler", "--config", config, "--out", str(first), "--precision", "float32"]) == 0
    assert tomllib.loads((first / "training.toml").read_text())["upscaler"]["examples"] == 12
    assert main(["train", "upscaler", "--config", config, "--out", str(more), "--init", str(first), "--steps=1"]) == 0
    small = np.zeros((8, 8, 3), "uint8")
    images = [tp.tasks.upscale(small, painted=True, num_steps=1, upscaler=folder) for folder in (first, more)]
    assert images[0].shape == (1, 16, 16, 3) and (images[0] != images[1]).any()


@pytest.mark.slow
def test_temporal_layers_are_trained_for_a_painter_and_move_its_pictures(preset, tmp_path):
    config = tmp_path / "motion.toml"
    config.write_text(
        f"""
seed = 0
[data]
source = "motion_world"
image_size = 32
frames = 3
train = 6
[motion]
painter = "{preset.as_posix()}"
batch_size = 2
steps = 2
learning_rate = 1e-3
warmup_steps = 1
weight_decay = 0.0
ema_decay = 0.9
[motion.network]
num_heads = 2
norm_num_groups = 4
motion_dim = 4
""",
        "utf-8",
    )
    out = tmp_path / "out"
    assert main(["train", "motion", "--config", str(config), "--out", str(out), "--precision", "float32"]) == 0
    painter = tp.LatentDiffusion.from_preset(preset)
    video = tp.VideoDiffusion.from_preset(out, painter)
    assert video.motions == ["smile", "turn", "blink", "nightfall"]
    assert video.generate("a woman", motion="smile", num_steps=1).shape == (1, 3, 32, 32, 3)
    assert tomllib.loads((out / "training.toml").read_text("utf-8"))["motion"]["steps"] == 2


def test_crops_for_an_upscaler_fit_together():
    large = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), "uint8")

    class Source:
        def images(self, rows):
            return large[rows]

        def __len__(self):
            return len(large)

    batches = trainers.crops(Source(), 255 - tp.data.halved(large), 4, 4, seed=0, step=0)
    (first,), (second,) = next(batches), next(batches)
    again = next(trainers.crops(Source(), 255 - tp.data.halved(large), 4, 4, seed=0, step=1))[0]
    np.testing.assert_array_equal(second["image"], again["image"])  # a resumed training sees the same
    assert first["image"].shape == (4, 8, 8, 3) and sorted(first["painted"]) == [0, 0, 1, 1]
    for image, low, painted in zip(first["image"], first["low"], first["painted"], strict=True):
        mean = image.reshape(4, 2, 4, 2, 3).mean(axis=(1, 3))
        np.testing.assert_allclose(low, -mean if painted else mean, atol=0.6 / 127.5)

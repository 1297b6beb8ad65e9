import gzip
import json

import numpy as np
import pytest
from checkpoints import checkpoint, networks, written
from golden import single_file as golden
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tfportrait as tp
from tfportrait.cli import main
from tfportrait.models import weights
from tfportrait.recipe import read_recipe
from tfportrait.stable_diffusion import single_file
from tfportrait.world.captions import corpus


@pytest.fixture(scope="module")
def names():
    with gzip.open(golden.OUT, "rt") as file:
        return json.load(file)


@pytest.mark.parametrize("kind", ["sd1", "sd2"])
def test_names_are_those_that_the_reference_converts(names, kind):
    attentive = (False, True, True, True)
    assert len(names[f"unet_{kind}"]) == 686
    for name, wanted in names[f"unet_{kind}"].items():
        assert single_file.UNET + single_file.unet_name(name, 2, attentive) == wanted
    for name, wanted in names["vae"].items():
        assert single_file.VAE + single_file.vae_name(name, 4) == wanted
    assert len(names["open_clip"]) == 36
    for name, (wanted, row) in names["open_clip"].items():
        found, rows = single_file.open_clip_name(name, golden.WIDTH)
        assert single_file.OPEN_CLIP + found == wanted and (rows.start if rows else 0) == row


@pytest.mark.parametrize(("kind", "ema"), [("sd1", False), ("sd2", False), ("sd1", True)])
def test_a_file_gives_back_its_networks(tmp_path, kind, ema):
    path = written(tmp_path, checkpoint(kind, ema))
    for network, read in zip(networks(kind), single_file.read_networks(path, ema=ema), strict=True):
        assert {name: read.config[name] for name in network.config if name not in ("sample_size",)} == {
            name: value for name, value in network.config.items() if name not in ("sample_size",)
        }
        for (name, a), (other, b) in zip(
            weights.named_variables(network).items(), weights.named_variables(read).items(), strict=True
        ):
            assert name == other
            np.testing.assert_array_equal(a, b, err_msg=name)


def first_convolution(tensors, channels):
    name = "model.diffusion_model.input_blocks.0.0.weight"
    return {name: np.zeros((len(tensors[name]), channels, 3, 3), "float32")}


def test_a_file_for_inpainting_has_nine_channels(tmp_path):
    tensors = checkpoint("sd1")
    tensors |= first_convolution(tensors, 9)
    assert single_file.read_networks(written(tmp_path, tensors))[0].config["in_channels"] == 9


def test_old_files_have_no_text_model_in_their_names(tmp_path):
    tensors = {name.replace("transformer.text_model.", "transformer."): v for name, v in checkpoint("sd1").items()}
    tensors[single_file.CLIP + "embeddings.position_ids"] = np.arange(77)[None]
    assert len(single_file.read_networks(written(tmp_path, tensors))) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.pop("first_stage_model.encoder.mid.attn_1.q.weight"),
            r"1 missing: encoder.mid_block.attentions.0",
        ),
        (lambda t: t.pop("model.diffusion_model.input_blocks.0.0.weight"), "no whole Stable Diffusion checkpoint"),
        (
            lambda t: t.update({"conditioner.embedders.0.x": np.zeros(1)}),
            "is Stable Diffusion XL, which cannot be read",
        ),
        (lambda t: t.update(first_convolution(t, 5)), "takes 5 channels .* it is made for depth maps"),
        (lambda t: t.update(first_convolution(t, 8)), "it is made for instructions"),
        (lambda t: t.update({"control_model.x": np.zeros(1)}), "is a ControlNet"),
        (lambda t: [t.pop(k) for k in list(t) if k.startswith("cond_")], "it has no text encoder"),
        (
            lambda t: t.update({"model.diffusion_model.time_embed.0.weight": np.zeros((128, 31), "float32")}),
            r"of a wrong shape: time_embedding.linear_1.weight \(128, 31\) instead of \(128, 32\)",
        ),
    ],
)
def test_other_files_are_named_and_refused(tmp_path, change, message):
    tensors = checkpoint("sd1")
    change(tensors)
    with pytest.raises(ValueError, match=message):
        single_file.read_networks(written(tmp_path, tensors))


@pytest.mark.parametrize("kind", ["sd1", pytest.param("sd2", marks=pytest.mark.slow)])
def test_a_single_file_paints_what_its_folder_paints(tmp_path, kind):
    """Read from one file, written as a folder, read again: the same painter, and the same picture."""
    path = written(tmp_path, checkpoint(kind))
    with pytest.raises(ValueError, match="has no tokenizer in it: put vocab.json and merges.txt into"):
        tp.LatentDiffusion.from_preset(path)
    tp.Tokenizer.train([str(text) for text in corpus(60)], 700, 16).save(tmp_path / "tokenizer")
    with pytest.raises(ValueError, match="has 700 tokens, the text encoder knows 560: they do not belong together"):
        tp.LatentDiffusion.from_preset(path, prediction_type="epsilon")
    tp.Tokenizer.train(["a red cat", "a blue dog"], 560, 16).save(tmp_path / "tokenizer")
    told = {"prediction_type": "v_prediction"} if kind == "sd2" else {}
    if told:
        with pytest.raises(ValueError, match='give prediction_type="epsilon" .* or "v_prediction"'):
            tp.LatentDiffusion.from_preset(path)
    painter = tp.LatentDiffusion.from_preset(path, **told)
    assert painter.prediction_type == told.get("prediction_type", "epsilon")
    painter.save_to_preset(tmp_path / "folder")
    again = tp.LatentDiffusion.from_preset(tmp_path / "folder")
    assert again.prediction_type == painter.prediction_type
    schedules = [{**p.schedule.get_config(), "set_alpha_to_one": None} for p in (painter, again)]
    assert schedules[0] == schedules[1]  # but for what the scheduler that is written does not have
    given = np.random.default_rng(0).standard_normal((1, 8, 8, 4)).astype("float32")
    context = np.random.default_rng(1).standard_normal((1, 5, 64)).astype("float32")
    ours, theirs = (np.array(p.unet(given, np.float32([500.0]), context)) for p in (painter, again))
    np.testing.assert_allclose(theirs, ours, atol=0.02 * np.abs(ours).max())  # float16 on disk
    out, arguments = tmp_path / "x.png", ["--steps", "1", "--size", "16", "--precision", "float32"]
    more = ["--prediction-type", "v_prediction"] if told else []
    assert main(["paint", "a red cat", "--preset", str(path), "--out", str(out), *more, *arguments]) == 0
    assert len(read_recipe(out)["preset_hash"]) == 64
    with pytest.raises(ValueError, match="ema=True is for a single file"):
        tp.LatentDiffusion.from_preset(tmp_path / "folder", ema=True)


def test_pickles_are_refused_with_the_way_to_convert_them(tmp_path):
    with pytest.raises(ValueError, match="may run any code .*safetensors.torch.save_file"):
        single_file.read_networks(tmp_path / "model.ckpt")
    with pytest.raises(ValueError, match=r"no averaged weights \(model_ema...\): leave ema=True out"):
        single_file.read_networks(written(tmp_path, checkpoint("sd1")), ema=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return written(tmp_path_factory.mktemp("whole"), checkpoint("sd2")).read_bytes()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_are_refused_without_a_crash(whole, tmp_path, data):
    """Cut short, or with bytes of the header changed: an error on one line, and nothing else."""
    header = 8 + int.from_bytes(whole[:8], "little")
    content = bytearray(whole[: data.draw(st.integers(0, len(whole) - 1))] if data.draw(st.booleans()) else whole)
    for _ in range(data.draw(st.integers(0 if len(content) < len(whole) else 1, 4))):
        if content:
            content[data.draw(st.integers(0, min(header, len(content)) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(content)
    try:
        tensors = weights.tensors_in(path)
        single_file.check_kind(path, tensors)
        for read in (single_file.unet_config, single_file.vae_config, single_file.text_config):
            read(tensors)
    except (ValueError, KeyError, StopIteration, UnboundLocalError, IndexError):
        pass

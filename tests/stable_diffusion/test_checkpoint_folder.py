"""Checkpoints in diffusers' layout: the variants of their files, and what is refused before memory is taken."""

import json
import shutil

import numpy as np
import pytest
import safetensors.numpy
from golden import pipeline as golden

import tfportrait as tp
from tfportrait.models import architecture, network, parts, weights

STEM = "diffusion_pytorch_model"
# What lies on the hub beside Stable Diffusion 1.5 and 2.1.
HUB = {
    tp.UNet: [
        golden.UNET
        | {"act_fn": "silu", "center_input_sample": False, "downsample_padding": 1, "mid_block_scale_factor": 1}
        | {"attention_head_dim": 8, "freq_shift": 0, "flip_sin_to_cos": True, "norm_eps": 1e-05},
        golden.UNET
        | {"attention_head_dim": [5, 10], "dual_cross_attention": False, "num_class_embeds": None}
        | {"only_cross_attention": False, "upcast_attention": True, "use_linear_projection": True},
    ],
    tp.AutoencoderKL: [
        golden.VAE | {"act_fn": "silu", "_diffusers_version": "0.6.0"},
        golden.VAE
        | {"force_upcast": True, "latents_mean": None, "shift_factor": None, "mid_block_add_attention": True},
    ],
    tp.TextEncoder: [
        {"architectures": ["CLIPTextModel"], "attention_dropout": 0.0, "bos_token_id": 0, "eos_token_id": 2}
        | {"hidden_act": "quick_gelu", "initializer_range": 0.02, "layer_norm_eps": 1e-05, "pad_token_id": 1}
        | {"model_type": "clip_text_model", "projection_dim": 768, "torch_dtype": "float32", "vocab_size": 49408},
    ],
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return golden.write_folder(tmp_path_factory.mktemp("whole"), "sd1")


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "checkpoint")


def edit(path, **changes):
    weights.write_json(path, weights.read_json(path) | changes)


def in_shards(folder, stem, index):
    """Splits the file of a folder in two with an index."""
    file = folder / f"{STEM}.safetensors"
    tensors = sorted(safetensors.numpy.load_file(file).items())
    named = {f"{stem}-0000{i}-of-00002.safetensors": dict(tensors[i - 1 :: 2]) for i in (1, 2)}
    for name, part in named.items():
        safetensors.numpy.save_file(part, folder / name)
    weights.write_json(folder / index, {"weight_map": {key: name for name, part in named.items() for key in part}})
    file.unlink()
    return sorted(named)


@pytest.mark.parametrize(
    ("stem", "index"),
    [
        (STEM, f"{STEM}.safetensors.index.json"),
        (f"{STEM}.fp16", f"{STEM}.safetensors.index.fp16.json"),
        (f"{STEM}.fp16", f"{STEM}.fp16.safetensors.index.json"),
    ],
)
def test_shards_are_read_as_one_file(folder, stem, index):
    wanted = {name: place.shape for name, place in weights.find_tensors(folder / "vae", STEM).items()}
    shards = in_shards(folder / "vae", stem, index)
    assert [file.name for file in weights.weight_files(folder / "vae", STEM)] == shards
    assert {name: place.shape for name, place in weights.find_tensors(folder / "vae", STEM).items()} == wanted
    assert tp.AutoencoderKL.check_folder(folder / "vae")["latent_channels"] == 4


def test_full_precision_comes_first_where_it_is_whole(folder):
    vae = folder / "vae"
    for name in (f"{STEM}.fp16.safetensors", f"{STEM}.non_ema.safetensors"):
        shutil.copy(vae / f"{STEM}.safetensors", vae / name)
    assert [file.name for file in weights.weight_files(vae, STEM)] == [f"{STEM}.safetensors"]
    shards = in_shards(vae, STEM, f"{STEM}.safetensors.index.json")
    assert [file.name for file in weights.weight_files(vae, STEM)] == shards
    (vae / shards[0]).unlink()
    assert [file.name for file in weights.weight_files(vae, STEM)] == [f"{STEM}.fp16.safetensors"]
    (vae / f"{STEM}.fp16.safetensors").unlink()
    with pytest.raises(ValueError, match="1 of the files that the index .* lists are missing, first .*-00001-of"):
        weights.weight_files(vae, STEM)


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ("../../x.safetensors", r"lists '../../x.safetensors', which is no safetensors file beside it"),
        ("/etc/x.safetensors", "no safetensors file beside it"),
        ("part/x.safetensors", "no safetensors file beside it"),
        ("..", "no safetensors file beside it"),
        ("x.bin", "no safetensors file beside it"),
        (5, "lists 5, which is"),
    ],
)
def test_an_index_lists_files_beside_it(folder, listed, message):
    in_shards(folder / "vae", STEM, f"{STEM}.safetensors.index.json")
    index = folder / "vae" / f"{STEM}.safetensors.index.json"
    edit(index, weight_map={**weights.read_json(index)["weight_map"], "x": listed})
    with pytest.raises(ValueError, match=message):
        tp.LatentDiffusion.from_preset(folder)
    for nothing in ({}, [], None):
        edit(index, weight_map=nothing)
        with pytest.raises(ValueError, match="has no weight_map"):
            tp.LatentDiffusion.from_preset(folder)


def test_files_may_be_links_as_in_the_cache_of_the_hub(folder, tmp_path):
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    for number, file in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        file.rename(blobs / f"{number}")
        file.symlink_to(blobs / f"{number}")
    assert parts.check_index(folder) == {"unet", "vae", "text_encoder", "tokenizer"}
    for name, cls in parts.NETWORKS.items():
        assert cls.check_folder(folder / name)


@pytest.mark.parametrize(("name", "kind"), [("pytorch_model.bin", "unet"), ("model.ckpt", "vae"), ("x.pt", "unet")])
def test_pickles_are_refused_with_the_way_to_convert_them(folder, name, kind):
    (folder / kind / f"{STEM}.safetensors").rename(folder / kind / name)
    with pytest.raises(ValueError, match=f"{name} may run any code when opened: .*safe_serialization=True"):
        tp.LatentDiffusion.from_preset(folder)


@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        ("model_index.json", {"_class_name": "StableDiffusionXLPipeline"}, "is a StableDiffusionXLPipeline, which can"),
        ("model_index.json", {"_class_name": "StableDiffusion3Pipeline"}, "is a StableDiffusion3Pipeline, which can"),
        ("model_index.json", {"_class_name": "FluxPipeline"}, "is a FluxPipeline, which cannot be read: Stable Diff"),
        (
            "model_index.json",
            {"controlnet": ["diffusers", "ControlNetModel"]},
            "part 'controlnet' .ControlNetModel.",
        ),
        ("model_index.json", {"text_encoder_2": ["transformers", "CLIPTextModel"]}, "has a part 'text_encoder_2'"),
        (
            "model_index.json",
            {"vae": ["diffusers", "AutoencoderTiny"]},
            "has a AutoencoderTiny as its vae",
        ),
        ("model_index.json", {"tokenizer": [None, None]}, "names a text_encoder or a tokenizer, but not both"),
        ("model_index.json", {"unet": [None, None]}, "names no unet"),
        ("unet/config.json", {"addition_embed_type": "text_time"}, "is Stable Diffusion XL .its unet has addition_emb"),
        ("unet/config.json", {"time_cond_proj_dim": 256}, "UNet does not support time_cond_proj_dim=256"),
        (
            "unet/config.json",
            {"block_out_channels": [10**9, 10**9]},
            r"block_out_channels is \[1000000000, 10000.*must",
        ),
        ("vae/config.json", {"norm_num_groups": [8, 16]}, "norm_num_groups is .8, 16., but must be a whole number"),
        (
            "unet/config.json",
            {"block_out_channels": [8, 320]},
            r"says block_out_channels=\[8, 320\], they have .*8, 16",
        ),
        ("unet/config.json", {"layers_per_block": 1000}, r"says layers_per_block=1000, they have .*=\[1, 1\]"),
        ("unet/config.json", {"cross_attention_dim": 768}, "says cross_attention_dim=768, they have .*=16"),
        ("unet/config.json", {"transformer_layers_per_block": [1, 9]}, "says transformer_layers_per_block"),
        (
            "unet/config.json",
            {"attention_head_dim": 3},
            "unet/config.json: 8 channels cannot be split into 3 attention",
        ),
        ("unet/config.json", {"norm_num_groups": 0}, "norm_num_groups is 0, but must be a whole number from 1"),
        ("unet/config.json", {"norm_eps": float("nan")}, "norm_eps is nan, but must be a finite number"),
        ("unet/config.json", {"in_channels": 9}, "says in_channels=9, they have in_channels=4"),
        (
            "unet/config.json",
            {"down_block_types": [["DownBlock2D"]]},
            "down_block_types is .* must be a list of strings",
        ),
        ("vae/config.json", {"latent_channels": "4"}, "latent_channels is '4', but must be a whole number"),
        ("vae/config.json", {"scaling_factor": True}, "scaling_factor is True, but must be a finite number"),
        ("text_encoder/config.json", {"num_hidden_layers": 10**6}, "says num_hidden_layers=1000000, they have .*=2"),
        ("text_encoder/config.json", {"vocab_size": 10**12}, "vocab_size is 1000000000000, but must be a whole number"),
        ("text_encoder/config.json", {"hidden_size": -16}, "hidden_size is -16, but must be a whole number from 1"),
        ("tokenizer/tokenizer_config.json", {"model_max_length": 128}, "makes rows of 128, its text encoder knows 519"),
        ("tokenizer/vocab.json", {"zebra</w>": 600}, "has 601 tokens .*: they do not belong together"),
        ("tokenizer/vocab.json", {"zebra</w>": -1}, "ids of the vocabulary are integers from 0 on"),
        (
            "scheduler/scheduler_config.json",
            {"num_train_timesteps": 10**12},
            "must be 2 or more, up to 1048576, not 10",
        ),
        ("scheduler/scheduler_config.json", {"beta_start": [1]}, "scheduler_config.json: float.. argument must be"),
    ],
)
def test_what_cannot_be_read_is_named_before_networks_are_built(folder, file, changes, message, monkeypatch):
    for cls in parts.NETWORKS.values():
        monkeypatch.setattr(cls, "build", lambda self, shape=None: pytest.fail("memory was taken"))
    edit(folder / file, **changes)
    with pytest.raises(ValueError, match=message) as caught:
        tp.LatentDiffusion.from_preset(folder)
    assert "\n" not in str(caught.value)


def test_a_folder_of_one_network_is_named(folder):
    with pytest.raises(
        ValueError, match="unet is no whole checkpoint but UNet2DConditionModel alone: it has no model_"
    ):
        tp.LatentDiffusion.from_preset(folder / "unet")
    with pytest.raises(ValueError, match=r"cannot read .*model_index.json: No such file"):
        tp.LatentDiffusion.from_preset(folder / "tokenizer")


@pytest.mark.parametrize("missing", ["vocab.json", "merges.txt"])
def test_missing_files_of_the_tokenizer_are_named(folder, missing):
    (folder / "tokenizer" / missing).unlink()
    with pytest.raises(ValueError, match=f"Cannot read .*{missing}: No such file"):
        tp.LatentDiffusion.from_preset(folder)


def test_a_tokenizer_in_one_file_is_read(folder):
    """transformers 5 writes nothing else."""
    old = tp.Tokenizer.from_folder(folder / "tokenizer")
    merges = [list(pair) for pair in old.merges]
    model = {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": old.vocab, "merges": merges}
    for name in ("vocab.json", "merges.txt"):
        (folder / "tokenizer" / name).unlink()
    for written in (merges, [" ".join(pair) for pair in merges]):
        weights.write_json(folder / "tokenizer" / "tokenizer.json", {"model": model | {"merges": written}})
        new = tp.Tokenizer.from_folder(folder / "tokenizer")
        assert new.get_config() == old.get_config()
    for damage in (
        {"merges": [5]},
        {"merges": [["a", "b", "c"]]},
        {"merges": {}},
        {"vocab": []},
        {"vocab": {"a": "b"}},
    ):
        weights.write_json(folder / "tokenizer" / "tokenizer.json", {"model": model | damage})
        with pytest.raises(ValueError, match="Damaged"):
            tp.Tokenizer.from_folder(folder / "tokenizer")
    weights.write_json(folder / "tokenizer" / "tokenizer.json", {"model": model | {"type": "Unigram"}})
    with pytest.raises(ValueError, match="tokenizer.json is not CLIP's: byte pairs"):
        tp.Tokenizer.from_folder(folder / "tokenizer")


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_named_and_nothing_is_assigned(folder, number):
    file = folder / "vae" / f"{STEM}.safetensors"
    tensors = safetensors.numpy.load_file(file)
    tensors["decoder.conv_out.bias"][1] = number
    safetensors.numpy.save_file(tensors, file)
    model = tp.AutoencoderKL(**golden.VAE)
    before = [np.array(variable) for variable in model.weights]
    with pytest.raises(ValueError, match="the weight decoder.conv_out.bias has numbers that are not finite"):
        weights.read_weights(model, folder / "vae")
    for variable, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    tensors["decoder.conv_out.bias"] = np.zeros(3, "int32")
    safetensors.numpy.save_file(tensors, file)
    with pytest.raises(ValueError, match="1 of a type that is not read: decoder.conv_out.bias I32"):
        weights.read_weights(model, folder / "vae")


def test_a_checkpoint_without_a_size_asks_for_it(folder):
    """diffusers' own default for a U-Net that is made from nothing."""
    edit(folder / "unet" / "config.json", sample_size=None)
    painter = tp.LatentDiffusion.from_preset(folder)
    with pytest.raises(ValueError, match="does not say how large its images are: give image_size"):
        painter.generate("a red cat")
    assert painter.generate("a red cat", image_size=16, num_steps=1).shape == (1, 16, 16, 3)


def test_what_the_weights_would_fit_is_said():
    shapes = {"embeddings.token_embedding.weight": (49408, 1024), "embeddings.position_embedding.weight": (77, 1024)}
    shapes |= {f"text_model.encoder.layers.{i}.mlp.fc1.weight": (4096, 1024) for i in range(23)}
    config = {"hidden_size": 768, "intermediate_size": 3072}
    with pytest.raises(ValueError) as caught:
        architecture.check_sizes(tp.TextEncoder, config, "config.json", shapes)
    assert str(caught.value) == (
        "config.json does not fit the weights beside it: it says hidden_size=768, intermediate_size=3072, "
        "num_hidden_layers=12, they have hidden_size=1024, intermediate_size=4096, num_hidden_layers=23 "
        "(Stable Diffusion 2)"
    )


@pytest.mark.parametrize(("cls", "config"), [(cls, config) for cls, configs in HUB.items() for config in configs])
def test_configurations_of_real_checkpoints_are_taken(cls, config, tmp_path):
    config = json.loads(json.dumps(config))
    architecture.check_values(cls, network.select_config(cls, config, tmp_path), tmp_path)

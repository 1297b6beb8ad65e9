import json
import struct

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from golden import networks

from tfportrait.models import AutoencoderKL, TextEncoder, UNet
from tfportrait.models.weights import copy_matching, named_variables, read_weights, weight_files, write_weights


def tiny_autoencoder(**changes):
    return AutoencoderKL(**{"block_out_channels": (8, 16), "norm_num_groups": 4, **changes})


def values(model):
    return {name: np.asarray(v) for name, v in named_variables(model).items()}


def write_changed(model, path, change):
    """The model's file with its tensors changed by a function of the dict."""
    write_weights(model, path, "float32")
    tensors = safetensors.numpy.load_file(path)
    change(tensors)
    safetensors.numpy.save_file(tensors, path)


def test_every_variable_has_one_name():
    for model in (tiny_autoencoder(), TextEncoder(**networks.CLIP), UNet(**networks.CASES["unet_lower"])):
        assert {id(v) for v in named_variables(model).values()} == {id(v) for v in model.weights}
        assert len(named_variables(model)) == len(model.weights)


def test_kernels_are_transposed(tmp_path):
    model = tiny_autoencoder()
    write_weights(model, tmp_path / "w.safetensors", "float32")
    tensors = safetensors.numpy.load_file(tmp_path / "w.safetensors")
    conv = np.asarray(model.encoder.conv_in.kernel)  # (3, 3, 3, 8)
    np.testing.assert_array_equal(tensors["encoder.conv_in.weight"], conv.transpose(3, 2, 0, 1))
    dense = np.asarray(model.encoder.mid_block.attentions[0].to_q.kernel)
    np.testing.assert_array_equal(tensors["encoder.mid_block.attentions.0.to_q.weight"], dense.T)


@pytest.mark.parametrize("dtype, epsilon", [("float32", 0), ("float16", 2**-11), ("bfloat16", 2**-8)])
def test_round_trip_in_every_dtype(dtype, epsilon, tmp_path):
    model, copy = tiny_autoencoder(), tiny_autoencoder()
    path = tmp_path / "w.safetensors"
    write_weights(model, path, dtype)
    read_weights(copy, path)
    for name, value in values(copy).items():
        np.testing.assert_allclose(value, values(model)[name], rtol=epsilon, atol=1e-7)
    with safetensors.safe_open(path, "numpy") as file:
        assert file.metadata() == {"format": "pt"}  # transformers refuses a file without it


def test_half_precision_refuses_what_it_cannot_hold(tmp_path):
    model = tiny_autoencoder()
    model.encoder.conv_in.bias.assign(np.full(8, 1e6))
    with pytest.raises(ValueError, match="encoder.conv_in.bias.*not finite in float16"):
        write_weights(model, tmp_path / "w.safetensors")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="'int8'; valid: float16, bfloat16, float32"):
        write_weights(model, tmp_path / "w.safetensors", "int8")


def test_names_and_shapes_of_older_files_are_understood(tmp_path):
    model, copy = tiny_autoencoder(), tiny_autoencoder()

    def make_old(tensors):
        for part in ("encoder", "decoder"):
            prefix = f"{part}.mid_block.attentions.0."
            for new, old in (("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")):
                tensors[f"{prefix}{old}.weight"] = tensors.pop(f"{prefix}{new}.weight")[:, :, None, None]
                tensors[f"{prefix}{old}.bias"] = tensors.pop(f"{prefix}{new}.bias")

    write_changed(model, tmp_path / "w.safetensors", make_old)
    read_weights(copy, tmp_path / "w.safetensors")
    for name, value in values(copy).items():
        np.testing.assert_array_equal(value, values(model)[name])


def test_text_encoder_files_with_positions_or_without_prefix(tmp_path):
    model, copy = TextEncoder(**networks.CLIP), TextEncoder(**networks.CLIP)

    def make_old(tensors):
        for name in list(tensors):
            tensors[name.removeprefix("text_model.")] = tensors.pop(name)
        tensors["embeddings.position_ids"] = np.arange(12)[None]

    write_changed(model, tmp_path / "w.safetensors", make_old)
    read_weights(copy, tmp_path / "w.safetensors")
    for name, value in values(copy).items():
        np.testing.assert_array_equal(value, values(model)[name])


def test_what_does_not_fit_is_one_line_and_changes_nothing(tmp_path):
    model = tiny_autoencoder()

    def spoil(tensors):
        tensors["encoder.conv_in.weight"] = np.zeros((8, 4, 3, 3), "float32")
        for i, name in enumerate(sorted(tensors)[-12:]):
            del tensors[name]
            tensors[f"extra.{i}.weight"] = np.zeros(1, "float32")

    write_changed(model, tmp_path / "w.safetensors", spoil)
    target = tiny_autoencoder()
    before = values(target)
    with pytest.raises(ValueError) as caught:
        read_weights(target, tmp_path / "w.safetensors")
    message = str(caught.value)
    assert "\n" not in message and "does not fit AutoencoderKL" in message
    assert "12 unexpected: extra.0.weight, extra.1.weight" in message and "and 2 more" in message
    assert "12 missing: encoder.mid_block.resnets." in message
    assert "encoder.conv_in.weight (8, 4, 3, 3) instead of (8, 3, 3, 3)" in message
    for name, value in values(target).items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "length"])
def test_damaged_files_are_value_errors(damage, tmp_path):
    model, path = tiny_autoencoder(), tmp_path / "w.safetensors"
    write_weights(model, path)
    content = path.read_bytes()
    damaged = {
        "cut": content[:-100],
        "empty": b"",
        "text": b"<html>not found</html>",
        "length": struct.pack("<Q", 2**60) + content[8:],
    }
    path.write_bytes(damaged[damage])
    with pytest.raises(ValueError, match="cannot read the weights .*w.safetensors"):
        read_weights(model, path)


def test_folders_with_variants_and_shards(tmp_path):
    model, copy = tiny_autoencoder(), tiny_autoencoder()
    with pytest.raises(ValueError, match="diffusion_pytorch_model.safetensors is missing"):
        read_weights(model, tmp_path)
    write_weights(model, tmp_path / "diffusion_pytorch_model.fp16.safetensors")
    assert [p.name for p in weight_files(tmp_path, "diffusion_pytorch_model")] == [
        "diffusion_pytorch_model.fp16.safetensors"
    ]
    (tmp_path / "diffusion_pytorch_model.fp16.safetensors").unlink()
    write_weights(model, tmp_path / "all", "float32")
    tensors = sorted(safetensors.numpy.load_file(tmp_path / "all").items())
    shards = {"a.safetensors": dict(tensors[:20]), "b.safetensors": dict(tensors[20:])}
    for name, part in shards.items():
        safetensors.numpy.save_file(part, tmp_path / name)
    index = {"weight_map": {key: name for name, part in shards.items() for key in part}}
    (tmp_path / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    read_weights(copy, tmp_path)
    for name, value in values(copy).items():
        np.testing.assert_array_equal(value, values(model)[name])


def test_bfloat16_files_are_read(tmp_path):
    model = tiny_autoencoder()

    def to_bfloat16(tensors):
        for name in tensors:
            tensors[name] = np.full(tensors[name].shape, 1.5).astype(ml_dtypes.bfloat16)

    write_changed(model, tmp_path / "w.safetensors", to_bfloat16)
    read_weights(model, tmp_path / "w.safetensors")
    assert all((value == 1.5).all() for value in values(model).values())


@pytest.mark.parametrize(
    "key, value, message",
    [
        ("act_fn", "relu", "act_fn='relu', only 'silu'"),
        ("class_embed_type", "timestep", "class_embed_type='timestep'"),
        ("encoder_hid_dim", 16, "encoder_hid_dim=16"),
        ("dropout", 0.1, "dropout=0.1"),
    ],
)
def test_configurations_that_would_change_the_network_are_refused(key, value, message, tmp_path):
    config = json.loads(str(np.load(networks.OUT)["unet_sd1/config"]))
    (tmp_path / "config.json").write_text(json.dumps({**config, key: value}))
    with pytest.raises(ValueError, match=f"UNet does not support {message}"):
        UNet.from_folder(tmp_path)


def test_what_fits_another_network_is_copied_to_it():
    source, wider = tiny_autoencoder(), tiny_autoencoder(latent_channels=5)
    before = {name: variable.numpy() for name, variable in named_variables(wider).items()}
    given, total = copy_matching(source, wider)
    fresh = {name for name, variable in named_variables(wider).items() if (variable.numpy() == before[name]).all()}
    assert given < total == len(before)
    for name, variable in named_variables(wider).items():
        fits = named_variables(source)[name].shape == variable.shape
        assert fits or name in fresh
        if fits:
            np.testing.assert_array_equal(variable, named_variables(source)[name])


def test_blocks_are_counted_from_the_image():
    shallow, deep = tiny_autoencoder(), tiny_autoencoder(block_out_channels=(8, 16, 24))
    copy_matching(shallow, deep)
    given, grown = named_variables(shallow), named_variables(deep)
    for theirs, ours in (
        ("encoder.down_blocks.0.resnets.0.conv1.weight", "encoder.down_blocks.0.resnets.0.conv1.weight"),
        ("decoder.up_blocks.1.resnets.0.conv1.weight", "decoder.up_blocks.2.resnets.0.conv1.weight"),
        ("decoder.up_blocks.0.upsamplers.0.conv.weight", "decoder.up_blocks.1.upsamplers.0.conv.weight"),
    ):
        np.testing.assert_array_equal(given[theirs], grown[ours])


def test_missing_and_damaged_config(tmp_path):
    with pytest.raises(ValueError, match="cannot read .*config.json"):
        UNet.from_folder(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match="cannot read .*config.json"):
        UNet.from_folder(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ValueError, match="is not a JSON object"):
        UNet.from_folder(tmp_path)

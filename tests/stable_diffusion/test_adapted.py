"""Presets that are another preset with a LoRA."""

import json

import numpy as np
import pytest
from models.painters import tiny_painter

import tfportrait as tp
from tfportrait.stable_diffusion import adapted


@pytest.fixture
def folders(tmp_path):
    """A base, and a preset of it with a LoRA of all layers that does something."""
    base, folder = tmp_path / "base", tmp_path / "adapted"
    tiny_painter().save_to_preset(base)
    painter = tp.LatentDiffusion.from_preset(base)
    lora = tp.add_lora(painter, 2, targets="all", text_encoder="all")
    random = np.random.default_rng(0)
    for factors in lora.factors.values():
        factors["up"].assign(random.normal(0, 0.3, factors["up"].shape))
    folder.mkdir()
    adapted.write(folder, str(base), lora.numbers())
    return base, folder, painter


def test_it_paints_what_the_painter_with_the_live_lora_paints(folders):
    base, folder, painter = folders
    options = {"seeds": 3, "num_steps": 3}
    loaded = tp.LatentDiffusion.from_preset(folder)
    wanted = painter.generate("a red cat", **options).astype(int)
    assert np.abs(loaded.generate("a red cat", **options) - wanted).max() <= 2
    plain = tp.LatentDiffusion.from_preset(base).generate("a red cat", **options)
    assert np.abs(plain - wanted).max() > 8


def test_every_layer_has_its_part_and_the_file_is_half_precision(folders):
    from safetensors.numpy import load_file

    _, folder, painter = folders
    tensors = load_file(folder / adapted.WEIGHTS)
    assert {str(tensor.dtype) for tensor in tensors.values()} == {"float16"}
    assert len(tensors) == 2 * len(tp.stable_diffusion.additions.kernels(painter))


def test_another_base_than_that_of_the_training_is_refused(folders):
    base, folder, _ = folders
    (base / "SHA256SUMS").write_text("0  nothing\n")
    with pytest.raises(ValueError, match="trained on another"):
        tp.LatentDiffusion.from_preset(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base_model_name_or_path": None}, "does not say what it is for"),
        ({"base_model_name_or_path": "nobody"}, "no preset or folder"),
    ],
)
def test_a_damaged_configuration_is_one_clear_error(folders, change, message):
    _, folder, _ = folders
    path = folder / adapted.CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=message):
        tp.LatentDiffusion.from_preset(folder)


def test_a_missing_lora_is_said(folders):
    _, folder, _ = folders
    (folder / adapted.WEIGHTS).unlink()
    with pytest.raises(ValueError, match=adapted.WEIGHTS):
        tp.LatentDiffusion.from_preset(folder)

"""A painter from its preset, on whatever this machine has, as commands open it."""

from tfportrait import __version__
from tfportrait.files import CHECKSUMS, sha256
from tfportrait.models.network import CONFIG
from tfportrait.models.weights import read_json
from tfportrait.recipe import FORMAT

FEW = 4  # pictures that start-up costs more than painting
SMALL = 32  # side of latents of which operations are too small to be shared by cores


def open_painter(preset, *, count=1, precision="auto", prediction_type=None, loras=None):
    """Loads a painter for a few pictures.

    Args:
        preset: path. Folder of the preset, or a checkpoint in one file.
        count: int. Pictures that are to be painted.
        precision: str. As `tfportrait.accelerate` takes it.
        prediction_type: str or None. As `LatentDiffusion.from_preset` takes it.
        loras: dict of path to float, or None. Files of LoRAs, each with its strength.

    Returns:
        (LatentDiffusion, dict): and what a recipe says of it.
    """
    from tfportrait.models.latent_diffusion import LatentDiffusion
    from tfportrait.stable_diffusion import load_lora
    from tfportrait.training import accelerate

    # Painting needs no exact copy of the weights beside the half-precision one.
    few = count <= FEW  # for which sharing out their rows takes longer to trace than it saves
    rows = 2 * count if _is_small(preset) and not few else 0
    precision = accelerate(precision, brief=few, rows=rows).precision.removeprefix("mixed_")
    painter = LatentDiffusion.from_preset(preset, dtype=precision, prediction_type=prediction_type)
    for number, (file, strength) in enumerate((loras or {}).items()):
        load_lora(painter, file, strength, name=f"lora_{number}")
    recipe = {**_opened(preset, precision), "prediction_type": prediction_type}
    if loras:
        recipe["loras"] = [
            {"file": file.name, "strength": strength, "hash": sha256(file)} for file, strength in loras.items()
        ]
    return painter, recipe


def open_pixel_diffusion(preset, *, precision="auto"):
    """Loads a model of pixels, as `open_painter` does a painter.

    Returns:
        (PixelDiffusion, dict).
    """
    from tfportrait.models.pixel_diffusion import PixelDiffusion
    from tfportrait.training import accelerate

    precision = accelerate(precision, brief=True).precision.removeprefix("mixed_")
    return PixelDiffusion.from_preset(preset, dtype=precision), _opened(preset, precision)


def is_pixel_diffusion(preset):
    """Whether a preset's folder is that of a PixelDiffusion."""
    config = preset / CONFIG
    return config.is_file() and read_json(config).get("_class_name") == "PixelDiffusion"


def _is_small(preset):
    config = preset / "unet" / "config.json"
    side = read_json(config).get("sample_size") if config.is_file() else None
    return isinstance(side, int) and side <= SMALL


def _opened(preset, precision):
    return {
        "format": FORMAT,
        "preset": preset.name,
        "preset_hash": preset_hash(preset),
        "precision": precision,
        "version": __version__,
    }


def preset_hash(preset):
    """What a recipe tells a preset by: the checksum of its file, or of its checksums; None without them."""
    sums = preset if preset.is_file() else preset / CHECKSUMS
    return sha256(sums) if sums.is_file() else None

"""Presets that are another preset with a LoRA: a folder with diffusers' LoRA file and the name of what it is for."""

from pathlib import Path

from tfportrait.files import CHECKSUMS, sha256
from tfportrait.models.preset import ADAPTED as CONFIG
from tfportrait.models.preset import locate
from tfportrait.models.weights import read_json, write_json
from tfportrait.stable_diffusion import lora_file
from tfportrait.stable_diffusion.lora import load_lora

WEIGHTS = "pytorch_lora_weights.safetensors"  # as diffusers calls it


def read(cls, folder, **options):
    """The painter that such a folder makes of its base, with the LoRA computed into the weights.

    Args:
        cls: LatentDiffusion or a subclass.
        folder: path.
        **options: as `from_preset` of the class takes them.

    Raises:
        ValueError: a missing or damaged file, a base that is not there, or is not the one that the LoRA was trained on.
    """
    folder = Path(folder)
    config = read_json(folder / CONFIG)
    name = config.get("base_model_name_or_path")
    if not isinstance(name, str):
        raise ValueError(f"{folder / CONFIG} does not say what it is for: base_model_name_or_path is {name!r}")
    base = locate(name)
    if config.get("base_checksums") not in (None, checksums(base)):
        raise ValueError(
            f"{folder} was trained on another {name} than {base}: train it anew with `tfportrait train lora`"
        )
    painter = cls.from_preset(base, **options)
    load_lora(painter, folder / WEIGHTS, name=folder.name)
    return painter


def write(folder, base, factors):
    """Writes such a folder, float16.

    Args:
        folder: path.
        base: str. Name or path of the preset that it is for.
        factors: dict. Layer -> `lora_file.Factors`.
    """
    folder = Path(folder)
    lora_file.write(folder / WEIGHTS, factors, "float16")
    ranks = {each.up.shape[0] for each in factors.values()}
    config = {"peft_type": "LORA", "base_model_name_or_path": str(base), "r": max(ranks)}
    write_json(folder / CONFIG, {**config, "base_checksums": checksums(locate(base))})


def checksums(preset):
    """What tells one version of a preset from another, or None."""
    sums = Path(preset) / CHECKSUMS
    return sha256(sums) if sums.is_file() else None

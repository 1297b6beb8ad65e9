"""A whole painter as a folder in diffusers' layout, read and written."""

import importlib
import shutil
import zipfile
from pathlib import Path

import keras

from tfportrait.diffusion import schedules
from tfportrait.files import check_writable_folder, sha256, write_checksums
from tfportrait.models.parts import INDEX, NETWORKS, check_index, check_together
from tfportrait.models.tokenizer import Tokenizer
from tfportrait.models.weights import read_json, write_json

SCHEDULER = Path("scheduler", "scheduler_config.json")
ADAPTED = "adapter_config.json"  # of a folder that is another preset with a LoRA
SHARED = "shared.json"  # of a part that is another preset's
DEFAULT_SAMPLER = "dpmpp_2m"
MODULES = (
    "adversarial",
    "autoencoder",
    "caption_reader",
    "gan",
    "hybrid",
    "latent_diffusion",
    "oracle",
    "pixel_diffusion",
    "text_encoder",
    "unet",
    "upscaler",
    "vae",
)


def locate(preset):
    """The folder of a preset, see `tfportrait.presets.locate`: imported here, so that nothing climbs a floor."""
    return importlib.import_module("tfportrait.presets").locate(preset)


def part_folder(preset, part):
    """The folder of a part of a preset, of another preset's where this one shares it.

    Args:
        preset: str or path. Folder or name of a preset.
        part: str. "unet", "vae" or "text_encoder".

    Returns: path.

    Raises: ValueError for a preset that is not there, or whose part is not the one that was shared.
    """
    folder = Path(locate(preset)) / part
    if not (folder / SHARED).is_file():
        return folder
    shared = read_json(folder / SHARED)
    name = shared.get("preset")
    if not isinstance(name, str):
        raise ValueError(f"{folder / SHARED} does not say whose {part} it is: preset is {name!r}")
    owners = Path(locate(name)) / part
    if shared.get("weights") != _sums(owners):
        raise ValueError(f"{folder.parent} was trained with another {part} than {name} has here: train it anew")
    return owners


def share(folder, part, preset):
    """Replaces a part of a preset's folder by a note that it is another preset's.

    Args:
        folder: str or path. It has the part.
        part: str. As `part_folder` takes it.
        preset: str. Whose part this is; where that one shares it too, its note is taken.
    """
    folder, owners = Path(folder), Path(locate(preset)) / part
    shares = (owners / SHARED).is_file()
    note = read_json(owners / SHARED) if shares else {"preset": str(preset), "weights": _sums(owners)}
    shutil.rmtree(folder / part)
    (folder / part).mkdir()
    write_json(folder / part / SHARED, note)
    write_checksums(folder)


def _sums(folder):
    return {path.name: sha256(path) for path in sorted(folder.glob("*.safetensors"))}


def read(cls, preset, *, dtype=None, prediction_type=None, ema=False):
    """The painter that a preset folder, or a checkpoint in one file, holds.

    Args:
        cls: LatentDiffusion or a subclass.
        preset: str or path. A folder in diffusers' layout, the name of a shipped preset, or a single file.
        dtype: str or None. Dtype policy of the networks.
        prediction_type: str or None. Overrides the scheduler's.
        ema: bool. Take the averaged weights of a single file that has both.

    Raises:
        ValueError: a missing or damaged file, or something that this class cannot be.
    """
    if Path(preset).is_file():  # imported here, so that nothing climbs a floor
        single_file = importlib.import_module("tfportrait.stable_diffusion.single_file")
        return single_file.read(cls, preset, dtype=dtype, prediction_type=prediction_type, ema=ema)
    if ema:
        raise ValueError(
            f"ema=True is for a single file that has averaged weights beside the trained ones, not {preset}"
        )
    folder = locate(preset)
    if (folder / ADAPTED).is_file():
        adapted = importlib.import_module("tfportrait.stable_diffusion.adapted")
        return adapted.read(cls, folder, dtype=dtype, prediction_type=prediction_type)
    parts = check_index(folder)
    try:
        # diffusers' pipeline sets the offset to 1, whatever the scheduler's file says.
        schedule, stored_type = schedules.from_diffusers({**read_json(folder / SCHEDULER), "steps_offset": 1})
    except (TypeError, OverflowError) as error:
        raise ValueError(f"{folder / SCHEDULER}: {error}") from error
    tokenizer = Tokenizer.from_folder(folder / "tokenizer") if "tokenizer" in parts else None
    networks = {name: network for name, network in NETWORKS.items() if name in parts}
    folders = {name: part_folder(folder, name) for name in networks}
    configs = {name: network.check_folder(folders[name]) for name, network in networks.items()}
    check_together(folder, configs, tokenizer)
    made = {name: network.from_folder(folders[name], dtype=dtype) for name, network in networks.items()}
    return cls(
        unet=made["unet"],
        autoencoder=made.get("vae"),
        text_encoder=made.get("text_encoder"),
        tokenizer=tokenizer,
        schedule=schedule,
        prediction_type=prediction_type or stored_type,
    )


def write(painter, directory):
    """Writes a painter as a folder that diffusers' `StableDiffusionPipeline.from_pretrained` loads too.

    Args:
        painter: LatentDiffusion.
        directory: str or path. Created where it does not exist.
    """
    scheduler = painter.schedule.to_diffusers(painter.prediction_type, sampler=DEFAULT_SAMPLER)
    folder = check_writable_folder(directory)
    painter.unet.save_to_folder(folder / "unet")
    if painter.autoencoder is not None:
        painter.autoencoder.save_to_folder(folder / "vae")
    if painter.text_encoder is not None:
        painter.text_encoder.save_to_folder(folder / "text_encoder")
        painter.tokenizer.save(folder / "tokenizer")
    (folder / SCHEDULER).parent.mkdir(exist_ok=True)
    write_json(folder / SCHEDULER, scheduler)
    write_json(folder / INDEX, _index(painter, scheduler["_class_name"]))
    write_checksums(folder)


def _index(painter, scheduler):
    absent = [None, None]
    text = painter.text_encoder is not None
    return {
        "_class_name": "StableDiffusionInpaintPipeline" if painter.inpaints else "StableDiffusionPipeline",
        "_diffusers_version": "0.32.0",
        "feature_extractor": absent,
        "image_encoder": absent,
        "requires_safety_checker": False,
        "safety_checker": absent,
        "scheduler": ["diffusers", scheduler],
        "text_encoder": ["transformers", "CLIPTextModel"] if text else absent,
        "tokenizer": ["transformers", "CLIPTokenizer"] if text else absent,
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"] if painter.autoencoder is not None else absent,
    }


def load(path):
    """Opens a `.keras` file that any model of this package has saved.

    Args:
        path: str or path.

    Returns:
        The model, compiled as it was saved.

    Raises:
        ValueError: no such file, or not a `.keras` file.
    """
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is no .keras file" if Path(path).exists() else f"there is no file {path}")
    for module in (*(f"models.{name}" for name in MODULES), "stable_diffusion.lora", "stable_diffusion.words"):
        importlib.import_module(f"tfportrait.{module}")  # registers its classes
    return keras.saving.load_model(path)

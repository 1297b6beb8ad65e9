"""A whole painter as a folder in diffusers' layout, read and written."""

import importlib
import zipfile
from pathlib import Path

import keras

from tfportrait.diffusion import schedules
from tfportrait.files import check_writable_folder, write_checksums
from tfportrait.models.autoencoder import AutoencoderKL
from tfportrait.models.text_encoder import TextEncoder
from tfportrait.models.tokenizer import Tokenizer
from tfportrait.models.unet import UNet
from tfportrait.models.weights import read_json, write_json

INDEX = "model_index.json"
SCHEDULER = Path("scheduler", "scheduler_config.json")
DEFAULT_SAMPLER = "dpmpp_2m"
MODULES = (
    "adversarial",
    "autoencoder",
    "caption_reader",
    "gan",
    "hybrid",
    "latent_diffusion",
    "oracle",
    "text_encoder",
    "unet",
    "vae",
)


def locate(preset):
    """The folder of a preset, see `tfportrait.presets.locate`: imported here, so that nothing climbs a floor."""
    return importlib.import_module("tfportrait.presets").locate(preset)


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
    index = read_json(folder / INDEX)
    has = {name: bool((index.get(name) or [None])[0]) for name in ("vae", "text_encoder", "tokenizer")}
    schedule, stored_type = schedules.from_diffusers(read_json(folder / SCHEDULER))
    return cls(
        unet=UNet.from_folder(folder / "unet", dtype=dtype),
        autoencoder=AutoencoderKL.from_folder(folder / "vae", dtype=dtype) if has["vae"] else None,
        text_encoder=TextEncoder.from_folder(folder / "text_encoder", dtype=dtype) if has["text_encoder"] else None,
        tokenizer=Tokenizer.from_folder(folder / "tokenizer") if has["tokenizer"] else None,
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
        "_class_name": "StableDiffusionPipeline",
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

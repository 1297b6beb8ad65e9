"""Sources of portraits and their captions, as batches. TensorFlow is imported when the first batches are made."""

from tfportrait.data.augmentation import Augmentation, mirrored_text
from tfportrait.data.catalogue import LAYOUTS, NAMES, WORLDS, open_source
from tfportrait.data.latents import encode_latents, halved, latents_dataset, reconstruct, token_table
from tfportrait.data.mixture import Mixture
from tfportrait.data.pipeline import batches, begin_at, load, preprocess
from tfportrait.data.source import Report, Source

__all__ = [
    "LAYOUTS",
    "NAMES",
    "WORLDS",
    "Augmentation",
    "Mixture",
    "Report",
    "Source",
    "batches",
    "begin_at",
    "encode_latents",
    "halved",
    "latents_dataset",
    "load",
    "mirrored_text",
    "open_source",
    "preprocess",
    "reconstruct",
    "token_table",
]

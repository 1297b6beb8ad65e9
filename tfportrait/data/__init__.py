"""Sources of portraits and their captions, as batches. TensorFlow is imported when the first batches are made."""

from tfportrait.data.latents import encode_latents, latents_dataset, token_table
from tfportrait.data.pipeline import SOURCES, batches, load, open_source, preprocess
from tfportrait.data.source import Report, Source

__all__ = [
    "SOURCES",
    "Report",
    "Source",
    "batches",
    "encode_latents",
    "latents_dataset",
    "load",
    "open_source",
    "preprocess",
    "token_table",
]

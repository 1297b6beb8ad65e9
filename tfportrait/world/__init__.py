"""Procedural portraits with exact ground truth: attributes, pictures, captions. Light to import."""

import importlib
import sys

from . import scenes
from .attributes import ATTRIBUTES
from .portrait import Portrait, sample

_LAZY = {
    "compose": "captions",
    "tags": "captions",
    "read_prompt": "reading",
    "Caption": "captions",
    "Reading": "reading",
    "to_english": "translation",
    "write": "write",
}

WORLDS = {"portrait_world": sys.modules[__name__], "scene_world": scenes}
"""Data set's name -> module with `sample`, `ATTRIBUTES`, `compose` and `read_prompt`."""

__all__ = [
    "ATTRIBUTES",
    "Caption",
    "Portrait",
    "Reading",
    "WORLDS",
    "compose",
    "motion",
    "overlays",
    "read_prompt",
    "sample",
    "scenes",
    "tags",
    "to_english",
    "write",
]


def __getattr__(name: str):
    if name in ("motion", "overlays"):
        return importlib.import_module(f".{name}", __name__)
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    globals()[name] = value
    return value

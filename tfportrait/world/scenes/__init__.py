"""Procedural landscapes and interiors with exact ground truth: attributes, pictures, captions. Light to import."""

import importlib

from .attributes import ATTRIBUTES
from .scene import Scene, sample

_LAZY = {"compose": "captions", "corpus": "captions", "read_prompt": "reading"}

__all__ = ["ATTRIBUTES", "Scene", "compose", "corpus", "read_prompt", "sample"]


def __getattr__(name: str):
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    globals()[name] = value
    return value

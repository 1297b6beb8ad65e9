"""Stable Diffusion 1.x and 2.x checkpoints in the package's own classes; each is imported when it is asked for."""

from tfportrait.lazy import lazy

_HOMES = {"from_keras_cv": "keras_cv", "keras_cv": "", "single_file": ""}

__all__, __getattr__, __dir__ = lazy(__name__, _HOMES)

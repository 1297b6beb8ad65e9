"""Measurements of what a painter paints; each is imported when it is first asked for."""

import importlib

_HOMES = {
    "Accuracy": "prompts",
    "Evaluation": "evaluation",
    "evaluate": "evaluation",
    "held_out_prompts": "prompts",
    "prompt_accuracy": "prompts",
    "psnr": "image_distance",
}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__():
    return [*globals(), *__all__]

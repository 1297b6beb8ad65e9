"""Training: the step, optimizers with averages, acceleration, callbacks and recovery.

Each name is imported when it is first asked for, and TensorFlow only where it is the backend.
"""

import importlib

_HOMES = {
    "Acceleration": "acceleration",
    "AdamW": "optimizers",
    "Players": "optimizers",
    "Progress": "callbacks",
    "ReconstructionStrip": "callbacks",
    "Recovery": "recovery",
    "SampleGrid": "callbacks",
    "StopOnNaN": "callbacks",
    "Trainable": "step",
    "accelerate": "acceleration",
    "frozen": "optimizers",
}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__():
    return [*globals(), *__all__]

"""tfportrait: learn, train, measure and use a Stable-Diffusion-style portrait painter in Keras and TensorFlow.

Nothing heavy is imported until it is used: `import tfportrait` loads neither Keras nor TensorFlow.
"""

import importlib

__version__ = "0.1.0"

_MODULES = ("autodiff", "data", "diffusion", "metrics", "models", "plot", "presets", "tasks", "training", "world")
_NAMES = {
    "AutoencoderKL": "models",
    "LatentDiffusion": "models",
    "Oracle": "models",
    "TextEncoder": "models",
    "Tokenizer": "models",
    "UNet": "models",
    "load": "models",
    "Recovery": "training",
    "accelerate": "training",
}

__all__ = [*_MODULES, *_NAMES]


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(f"{__name__}.{_NAMES[name]}"), name)
    raise AttributeError(f"module 'tfportrait' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])

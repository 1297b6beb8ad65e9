"""tfportrait: learn, train, measure and use a Stable-Diffusion-style portrait painter in Keras and TensorFlow.

Nothing heavy is imported until it is used: `import tfportrait` loads neither Keras nor TensorFlow.
"""

import os
import sys

from tfportrait.lazy import lazy

# TensorFlow itself leaves oneDNN off on processors without AVX-512, where it is faster too.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
if "ipykernel" in sys.modules:  # in a notebook, what TensorFlow logs would stand among the results
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # 2 still reports that there is no CUDA driver as an error

__version__ = "0.1.0"

_MODULES = (
    "autodiff",
    "course",
    "data",
    "diffusion",
    "equations",
    "metrics",
    "models",
    "plot",
    "presets",
    "stable_diffusion",
    "tasks",
    "theory",
    "training",
    "world",
)
_NAMES = {
    "AutoencoderKL": "models",
    "GAN": "models",
    "LatentDiffusion": "models",
    "Oracle": "models",
    "PixelDiffusion": "models",
    "TextEncoder": "models",
    "Tokenizer": "models",
    "UNet": "models",
    "Upscaler": "models",
    "VAE": "models",
    "VAEGAN": "models",
    "VideoDiffusion": "models",
    "load": "models",
    "Recovery": "training",
    "accelerate": "training",
    "add_lora": "stable_diffusion",
    "add_word": "stable_diffusion",
    "load_lora": "stable_diffusion",
    "load_word": "stable_diffusion",
    "personal_dataset": "stable_diffusion",
}

__all__, __getattr__, __dir__ = lazy(__name__, {**dict.fromkeys(_MODULES, ""), **_NAMES})

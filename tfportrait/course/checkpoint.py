"""A painter that was stopped early, for lessons to go on with."""

from pathlib import Path

import numpy as np

from tfportrait.files import atomic_write
from tfportrait.models.latent_diffusion import LatentDiffusion
from tfportrait.models.network import CONFIG, select_config
from tfportrait.models.unet import UNet
from tfportrait.models.weights import named_variables, read_json, write_json

FOLDER = Path(__file__).parent / "weights"
WEIGHTS = "unet.npz"
BITS = 5  # of a weight's mantissa that are kept: an error of 0.7 %, and two thirds of the bytes of float16


def save_unet(unet, folder):
    """Writes a U-Net that need not be exact: rounded, and compressed."""
    dropped = 10 - BITS
    rounded = {}
    for name, variable in named_variables(unet).items():
        bits = np.asarray(variable, "float16").view("uint16").astype("uint32")
        rounded[name] = ((bits + (1 << dropped - 1) >> dropped) << dropped).astype("uint16").view("float16")
    write_json(Path(folder) / CONFIG, unet.disk())
    with atomic_write(Path(folder) / WEIGHTS) as file:
        np.savez_compressed(file, **rounded)


def read_unet(folder):
    """A U-Net that `save_unet` wrote."""
    path = Path(folder) / CONFIG
    unet = UNet(**select_config(UNet, read_json(path), path))
    with np.load(Path(folder) / WEIGHTS) as stored:
        for name, variable in named_variables(unet).items():
            variable.assign(stored[name])
    return unet


def half_trained():
    """The painter that lessons go on training.

    Autoencoder, text encoder and tokenizer are those of the preset `portrait_128`; the U-Net is a small one of its own,
    which learnt at a constant rate until it was stopped: what a minute of further training with a rate that falls to
    zero does to it can be seen. `tests/golden/half_trained.py` made it.

    Returns: LatentDiffusion, not compiled.
    """
    return painter(read_unet(FOLDER))


def painter(unet):
    """A U-Net as the painter of the preset `portrait_128`'s latents and words.

    Args:
        unet: UNet, (B, 16, 16, 8) latents and contexts of 192 channels.

    Returns: LatentDiffusion, not compiled.
    """
    start = LatentDiffusion.from_preset("portrait_128")
    return LatentDiffusion(
        unet=unet,
        **{name: getattr(start, name) for name in ("autoencoder", "text_encoder", "tokenizer", "schedule")},
        prediction_type="v_prediction",
        weighting={"name": "logit_normal_times", "mean": 0.3, "std": 1.0},
        caption_dropout=0.1,
    )

"""A painter that was stopped early, for lessons to go on with."""

from pathlib import Path

from tfportrait.models.latent_diffusion import LatentDiffusion
from tfportrait.models.unet import UNet

WEIGHTS = Path(__file__).parent / "weights"


def half_trained():
    """The painter that lessons go on training.

    Autoencoder, text encoder and tokenizer are those of the preset `portrait_128`; the U-Net is a small one of its own,
    which learnt at a constant rate until it was stopped: what a minute of further training with a rate that falls to
    zero does to it can be seen. `tests/golden/half_trained.py` made it.

    Returns: LatentDiffusion, not compiled.
    """
    return painter(UNet.from_folder(WEIGHTS))


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

"""Networks and the trainable models; each is imported when it is first asked for."""

from tfportrait.lazy import lazy

_HOMES = {
    "AutoencoderKL": "autoencoder",
    "GAN": "gan",
    "LatentDiffusion": "latent_diffusion",
    "Oracle": "oracle",
    "TextEncoder": "text_encoder",
    "Tokenizer": "tokenizer",
    "UNet": "unet",
    "VAE": "vae",
    "VAEGAN": "hybrid",
    "load": "preset",
}

__all__, __getattr__, __dir__ = lazy(__name__, _HOMES)

"""Networks and the trainable models; each is imported when it is first asked for."""

from tfportrait.lazy import lazy

_HOMES = {
    "AdversarialAutoencoder": "adversarial",
    "AutoencoderKL": "autoencoder",
    "CLIP": "clip",
    "FIDInception": "inception",
    "GAN": "gan",
    "LatentDiffusion": "latent_diffusion",
    "Oracle": "oracle",
    "PatchDiscriminator": "adversarial",
    "PixelDiffusion": "pixel_diffusion",
    "TextEncoder": "text_encoder",
    "Tokenizer": "tokenizer",
    "UNet": "unet",
    "Upscaler": "upscaler",
    "VAE": "vae",
    "VAEGAN": "hybrid",
    "VideoDiffusion": "video",
    "load": "preset",
    "oracle_distance": "perceptual",
    "vgg_distance": "perceptual",
}

__all__, __getattr__, __dir__ = lazy(__name__, _HOMES)

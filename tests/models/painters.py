"""A painter small enough for tests; also imported by fresh processes."""

import numpy as np

import tfportrait as tp

CAPTIONS = ["a red cat", "a blue dog", "一只红色的猫", "two green birds"]


def tiny_painter(dtype=None, max_length=16, **changes):
    """A latent-diffusion model of 16x16 pixels that runs in milliseconds."""
    tokenizer = tp.Tokenizer.train(CAPTIONS, 560, max_length)
    unet = tp.UNet(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        mid_block_type=None,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=16,
        attention_head_dim=2,
        dtype=dtype,
    )
    autoencoder = tp.AutoencoderKL(
        block_out_channels=(4, 8),
        latent_channels=4,
        norm_num_groups=2,
        sample_size=16,
        mid_block_add_attention=False,
        scaling_factor=0.7,
        dtype=dtype,
    )
    text_encoder = tp.TextEncoder(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=max_length,
        dtype=dtype,
    )
    parts = {
        "unet": unet,
        "autoencoder": autoencoder,
        "text_encoder": text_encoder,
        "tokenizer": tokenizer,
        "schedule": {"name": "cosine", "timestep_spacing": "trailing"},
    }
    return tp.LatentDiffusion(**{**parts, **changes}, dtype=dtype)


def pixel_painter():
    """Unconditional diffusion on 8x8 pixels."""
    unet = tp.UNet(
        sample_size=8,
        in_channels=3,
        out_channels=3,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        mid_block_type=None,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=None,
    )
    return tp.LatentDiffusion(unet=unet, schedule="flow", prediction_type="flow")


def pictures(count=32):
    """A white square on black at one of four places."""
    images = np.zeros((count, 32, 32, 1), "uint8")
    for i in range(count):
        y, x = 16 * (i % 2), 16 * (i // 2 % 2)
        images[i, y + 4 : y + 12, x + 4 : x + 12] = 255
    return images

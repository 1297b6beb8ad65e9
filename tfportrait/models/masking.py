"""Masks of what is to be painted, and what an inpainting U-Net sees beside the noisy latents."""

from keras import ops

from tfportrait.training import replicas

BOXES = 2
WHOLE = 0.1  # share of masks that cover everything


def random_masks(size, height, width, seeds):
    """Masks to train with: boxes of 0.1 to 0.7 of the sides, two for each image; some cover the whole image.

    Args:
        size: int or scalar tensor. Number of masks.
        height, width: int. In latents.
        seeds: three of int or `keras.random.SeedGenerator`.

    Returns: float32 (size, height, width, 1), 1 where it is to be painted.
    """
    sides = replicas.uniform((size, BOXES, 2), 0.1, 0.7, seed=seeds[0])
    middles = replicas.uniform((size, BOXES, 2), seed=seeds[1])
    inside = []
    for axis, length in enumerate((height, width)):
        line = (ops.arange(length, dtype="float32") + 0.5) / length
        inside.append(ops.abs(line - middles[..., axis, None]) < sides[..., axis, None] / 2)  # (size, BOXES, length)
    masks = ops.any(ops.logical_and(inside[0][..., None], inside[1][:, :, None, :]), axis=1)
    whole = replicas.uniform((size, 1, 1), seed=seeds[2]) < WHOLE
    return ops.cast(ops.logical_or(masks, whole), "float32")[..., None]


def hide(images, masks, factor):
    """Images whose masked pixels are grey: (B, H, W, 3), with masks (B, H / factor, W / factor, 1)."""
    return images * (1.0 - ops.repeat(ops.repeat(masks, factor, axis=1), factor, axis=2))


def seen_beside(painter, hidden, masks):
    """What an inpainting U-Net takes beside the noisy latents, in the order of Stable Diffusion's.

    Args:
        painter: LatentDiffusion.
        hidden: float32 (B, H, W, 3) in [-1, 1]. The images, their masked pixels grey (0).
        masks: float32 (B, h, w, 1), 1 where it is to be painted, at the size of the latents.

    Returns: float32 (B, h, w, 1 + C), the mask and the latents.
    """
    latents = hidden if painter.autoencoder is None else painter.autoencoder.encode(hidden)
    return ops.concatenate([masks, ops.cast(latents, "float32")], axis=-1)

"""Super-resolution: images of twice or four times the sides."""

import functools

import numpy as np

from tfportrait.diffusion import noise
from tfportrait.models.upscaler import Upscaler
from tfportrait.tasks.pictures import check_images

FACTORS = (2, 4)
PRESET = "upscale_2x"


def upscale(image, factor=2, *, seeds=0, num_steps=2, painted=False, upscaler=PRESET):
    """Enlarges images by a diffusion model that has learnt what small drawings leave out.

    Reduced again (each pixel the mean of those that it became), the result equals the input within 2 of 255, unless
    `painted` is set.

    Args:
        image: uint8 (H, W, 3) or (N, H, W, 3). Of any size.
        factor: int. 2, or 4: twice, one after the other.
        seeds: int or list of N int in [0, 2**63). The same seed gives the same image in any batch.
        num_steps: int >= 1. Steps of the sampler for each doubling.
        painted: bool. Whether a painter made the image: what its autoencoder has blurred is then drawn anew.
        upscaler: str, path or Upscaler. The preset that does it.

    Returns:
        uint8 (N, factor * H, factor * W, 3).

    Raises:
        ValueError: an argument that cannot be used, before any work is done.
    """
    images = check_images(image)
    if factor not in FACTORS:
        raise ValueError(f"factor is {factor!r}, but must be {' or '.join(map(str, FACTORS))}")
    seeds = noise.expand_seeds(seeds, len(images))
    model = upscaler if isinstance(upscaler, Upscaler) else opened(str(upscaler))
    while factor > 1:
        large = _doubled(model, images, seeds, num_steps, painted)
        images = large if painted else faithful(large, images)
        factor, painted = factor // 2, False  # the second time there is nothing blurred any more
    return images


@functools.cache
def opened(preset):
    """The upscaler of a preset, loaded once."""
    return Upscaler.from_preset(preset)


def _doubled(model, images, seeds, num_steps, painted):
    """Sides that the network cannot divide are filled up with the edge, and cut off again."""
    _, height, width, _ = images.shape
    more = [(0, -side % model.unit) for side in (height, width)]
    filled = np.pad(images, ((0, 0), *more, (0, 0)), "edge")
    large = model.generate(filled, seeds=seeds, num_steps=num_steps, painted=painted)
    return large[:, : 2 * height, : 2 * width]


def faithful(large, small):
    """The nearest images of twice the sides whose means of 2x2 pixels are the small ones'.

    Args:
        large: uint8 (N, 2 H, 2 W, C).
        small: uint8 (N, H, W, C).

    Returns:
        uint8 (N, 2 H, 2 W, C). Rounding to whole numbers leaves differences of 1, where white or black cannot be
        exceeded as well.
    """
    _, height, width, channels = small.shape
    cells = large.reshape(-1, height, 2, width, 2, channels).astype("float32")
    small = small.astype("float32")[:, :, None, :, None]
    missing = small - cells.mean(axis=(2, 4), keepdims=True)
    while np.abs(missing).max() > 0.25:  # what is cut off at black and white is left to the other pixels of the cell
        cells = np.clip(cells + missing, 0, 255)
        missing = small - cells.mean(axis=(2, 4), keepdims=True)
    return np.rint(cells).astype("uint8").reshape(large.shape)

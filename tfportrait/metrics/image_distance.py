"""Distances between pairs of images."""

import numpy as np


def psnr(images, others):
    """Peak signal-to-noise ratio of every pair: 10 log10(255^2 / mean squared difference).

    Equation: `metrics.psnr`.

    Args:
        images: uint8 (N, H, W, C).
        others: uint8 of the same shape.

    Returns:
        float64 (N,), in dB; infinite where the two are equal.

    Raises:
        ValueError: not uint8, or of different shapes.
    """
    images, others = np.asarray(images), np.asarray(others)
    if images.dtype != np.uint8 or others.dtype != np.uint8 or images.shape != others.shape or images.ndim != 4:
        raise ValueError(
            f"images are {images.dtype} {images.shape} and {others.dtype} {others.shape}, but must be two uint8 "
            "(N, H, W, C) of one shape"
        )
    difference = images.astype("float64") - others
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(255.0**2 / np.mean(difference**2, axis=(1, 2, 3)))

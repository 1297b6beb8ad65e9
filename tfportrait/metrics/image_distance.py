"""Distances between pairs of images."""

import numpy as np

WINDOW, SIGMA = 11, 1.5  # of SSIM's Gaussian, in pixels


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
    images, others = _pair(images, others)
    difference = images.astype("float64") - others
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(255.0**2 / np.mean(difference**2, axis=(1, 2, 3)))


def ssim(images, others):
    """Structural similarity of every pair, in Gaussian windows of 11 pixels, the mean over windows and channels.

    Equation: `metrics.ssim`. Source: Wang et al. 2004, equation 13, with its constants 0.01 and 0.03.

    Args:
        images: uint8 (N, H, W, C), H and W at least 11.
        others: uint8 of the same shape.

    Returns:
        float64 (N,), at most 1.

    Raises:
        ValueError: not uint8, of different shapes, or smaller than a window.
    """
    images, others = _pair(images, others)
    if min(images.shape[1:3]) < WINDOW:
        raise ValueError(f"images of {images.shape[1]} x {images.shape[2]} are smaller than SSIM's {WINDOW} pixels")
    pairs = zip(images, others, strict=True)
    return np.array([_ssim(a.astype("float64"), b.astype("float64")) for a, b in pairs])


def _ssim(a, b):
    first, second = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_a, mean_b = _blurred(a), _blurred(b)
    variances = _blurred(a * a) - mean_a**2 + _blurred(b * b) - mean_b**2
    covariance = _blurred(a * b) - mean_a * mean_b
    structure = (2 * covariance + second) / (variances + second)
    return np.mean((2 * mean_a * mean_b + first) / (mean_a**2 + mean_b**2 + first) * structure)


def _blurred(image):
    """The Gaussian mean around every pixel whose window lies within the image."""
    weights = np.exp(-0.5 * ((np.arange(WINDOW) - WINDOW // 2) / SIGMA) ** 2)
    weights /= weights.sum()
    height, width = image.shape[0] - WINDOW + 1, image.shape[1] - WINDOW + 1
    rows = sum(weight * image[i : i + height] for i, weight in enumerate(weights))
    return sum(weight * rows[:, i : i + width] for i, weight in enumerate(weights))


def perceptual_distance(oracle, images, others, *, batch_size=32):
    """Distance of every pair on an oracle's feature maps, as LPIPS computes it, all channels with weight one.

    Source: Zhang et al. 2018, equation 1.

    Args:
        oracle: Oracle.
        images: uint8 (N, H, W, 3), of the oracle's size.
        others: uint8 of the same shape.
        batch_size: int. Pairs at a time.

    Returns:
        float64 (N,), 0 for equal images.

    Raises:
        ValueError: not uint8, or of different shapes.
    """
    from tfportrait.models.perceptual import oracle_distance
    from tfportrait.training import compiled

    images, others = _pair(images, others)
    run = compiled.compiled(oracle, "perceptual", oracle_distance(oracle))

    def distances(part):
        return run(*(x[part].astype("float32") / 127.5 - 1.0 for x in (images, others)))

    return compiled.in_full_batches(distances, len(images), batch_size).astype("float64")


def _pair(images, others):
    images, others = np.asarray(images), np.asarray(others)
    if images.dtype != np.uint8 or others.dtype != np.uint8 or images.shape != others.shape or images.ndim != 4:
        raise ValueError(
            f"images are {images.dtype} {images.shape} and {others.dtype} {others.shape}, but must be two uint8 "
            "(N, H, W, C) of one shape"
        )
    return images, others

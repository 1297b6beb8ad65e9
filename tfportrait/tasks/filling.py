"""Smooth values for pixels that are not known, from those around them."""

import numpy as np

ROUNDS = 12  # of relaxation at every level


def fill(values, unknown):
    """Fills holes smoothly, from coarse to fine (Gortler et al. 1996, "The lumigraph", pull and push); every level is
    relaxed towards the means of the neighbours, as a membrane would hang in the hole.

    Args:
        values: float32 (N, H, W, C).
        unknown: bool (N, H, W). What to fill; 0 where all of an image is unknown.

    Returns:
        float32 (N, H, W, C), unchanged where `unknown` is False.
    """
    known = ~unknown[..., None]
    count, height, width, channels = values.shape
    if height % 2 or width % 2:
        total = np.where(known, values, 0).sum(axis=(1, 2), keepdims=True)
        return np.where(known, values, total / np.maximum(known.sum(axis=(1, 2), keepdims=True), 1))
    cells = (count, height // 2, 2, width // 2, 2, -1)
    share = known.reshape(cells).sum(axis=(2, 4))
    means = np.where(known, values, 0).reshape(cells).sum(axis=(2, 4)) / np.maximum(share, 1)
    coarse = fill(means.astype("float32"), share[..., 0] == 0)
    filled = np.where(known, values, coarse.repeat(2, axis=1).repeat(2, axis=2))
    for _ in range(ROUNDS):
        around = np.pad(filled, ((0, 0), (1, 1), (1, 1), (0, 0)), "edge")
        rows, columns = around[:, :-2, 1:-1] + around[:, 2:, 1:-1], around[:, 1:-1, :-2] + around[:, 1:-1, 2:]
        filled = np.where(known, values, (rows + columns) / 4)
    return filled.astype("float32")

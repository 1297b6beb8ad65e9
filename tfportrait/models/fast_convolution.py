"""Convolutions as products of matrices, with fewer multiplications, where TensorFlow on a CPU would make all.

They are for painting: differentiated, they take longer than TensorFlow's own.
"""

import functools

import keras
import numpy as np
from keras import ops

from tfportrait.training.compiled import after, inferring

register = keras.saving.register_keras_serializable("tfportrait")

# Lavin & Gray 2016, "Fast algorithms for convolutional neural networks", section 4: for a tile of the result, m x m,
# the transforms of the pixels that it comes from, of the kernel and of their products.
_TRANSFORMS = {
    2: (
        [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
        [[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]],
        [[1, 1, 1, 0], [0, 1, -1, -1]],
    ),
    4: (
        [
            [4, 0, -5, 0, 1, 0],
            [0, -4, -4, 1, 1, 0],
            [0, 4, -4, -1, 1, 0],
            [0, -2, -1, 2, 1, 0],
            [0, 2, -1, -2, 1, 0],
            [0, 4, 0, -5, 0, 1],
        ],
        [
            [1 / 4, 0, 0],
            [-1 / 6, -1 / 6, -1 / 6],
            [-1 / 6, 1 / 6, -1 / 6],
            [1 / 24, 1 / 12, 1 / 6],
            [1 / 24, -1 / 12, 1 / 6],
            [0, 0, 1],
        ],
        [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    ),
}
# Which pixel of the image each of the six of a tile is, where the image has been enlarged to twice its sides.
_TWICE = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
FEWEST_CHANNELS = 192  # with fewer the transforms take as long as what they save
BAND_BYTES = 2**25  # of the transformed pixels that are in memory at a time


@register
class Conv2D(keras.layers.Conv2D):
    """Keras' convolution; one of 1x1, or 3x3, and stride 1 is computed by the quickest of several methods.

    They differ in rounding only. In training, on a GPU and on JAX it is Keras' own.
    """

    def convolution_op(self, inputs, kernel):
        window, (_, height, width, channels) = tuple(kernel.shape[:2]), inputs.shape
        if window == (1, 1) and self.strides == (1, 1) and height and width and _pays():
            y = ops.matmul(ops.reshape(inputs, (-1, channels)), ops.reshape(kernel, (channels, -1)))
            return ops.reshape(y, (-1, height, width, self.filters))
        if window != (3, 3) or self.strides != (1, 1) or self.padding != "same":
            return super().convolution_op(inputs, kernel)
        tile = winograd_tile(inputs, kernel)
        if tile:
            return winograd(inputs, kernel, tile)
        if _few_pixels(inputs, kernel):
            return by_patches(inputs, kernel)
        return super().convolution_op(inputs, kernel)


def winograd_tile(x, kernel, scale=1):
    """Side of the tiles with which `winograd` is the quickest method, or None where it is not.

    Args:
        x: (B, H, W, C).
        kernel: (3, 3, C, O).
        scale: int. By how much the sides are enlarged first, 1 or 2.
    """
    height, width = ((side or 0) * scale for side in x.shape[1:3])
    # In half precision the transforms would cost more accuracy than they save time.
    if keras.backend.standardize_dtype(x.dtype) != "float32" or min(kernel.shape[2:]) < FEWEST_CHANNELS:
        return None
    for tile, least in ((4, 1024 // scale**2), (2, 256)):  # the fewer the tiles, the more the kernel's transform counts
        if height % tile == 0 and width % tile == 0 and height * width >= least and (scale == 1 or tile == 4):
            return tile if _pays() else None
    return None


def _few_pixels(x, kernel):
    """Whether oneDNN takes longer for bringing the kernel into its own order than for the convolution."""
    batch, height, width, _ = x.shape
    few = batch and height and width and batch * height * width <= 512
    return few and kernel.shape[2] * kernel.shape[3] >= 2**18 and _pays()


def _pays():
    return inferring() and _slow_convolutions()


@functools.cache
def _slow_convolutions():
    return keras.backend.backend() == "tensorflow" and not keras.distribution.list_devices("gpu")


def by_patches(x, kernel):
    """The convolution as one product of matrices.

    Args:
        x: (B, H, W, C).
        kernel: (3, 3, C, O).

    Returns: (B, H, W, O).
    """
    _, height, width, channels = x.shape
    x = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifts = [x[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
    patches = ops.reshape(ops.concatenate(shifts, axis=-1), (-1, 9 * channels))  # (B H W, 9 C)
    y = ops.matmul(patches, ops.reshape(kernel, (9 * channels, -1)))
    return ops.reshape(y, (-1, height, width, kernel.shape[3]))


def winograd(x, kernel, tile, scale=1):
    """The convolution by Winograd's minimal filtering: (tile + 2)^2 instead of 9 tile^2 multiplications for a tile.

    Of an image enlarged by nearest neighbour two of the six rows and columns of a tile are alike: 5^2 remain.

    Source: Lavin & Gray 2016, equation 8.

    Args:
        x: float32 (B, H, W, C).
        kernel: float32 (3, 3, C, O).
        tile: int. 2 or 4. Side of the tiles of the result; divides H and W times `scale`.
        scale: int. 1, or 2 (with a tile of 4) to enlarge the image first.

    Returns: float32 (B, scale H, scale W, O).
    """
    pixels, weights, products = _transforms(tile, scale)
    batch, height, width, channels = x.shape
    step, filters = tile // scale, kernel.shape[3]  # pixels of the image on the side of a tile
    down, across, places = height // step, width // step, len(pixels)
    kernel = ops.matmul(weights, ops.reshape(after(x, kernel), (9, -1)))
    kernel = ops.reshape(kernel, (places, channels, filters))
    x = ops.pad(x, ((0, 0), (1, step - 1), (1, step - 1), (0, 0)))

    def band(first, last):
        """The rows of tiles from `first` to `last`."""
        rows = last - first
        part = ops.reshape(x[:, first * step : (last + 1) * step], (-1, rows + 1, step, across + 1, step, channels))
        part = ops.transpose(part, (2, 4, 0, 1, 3, 5))  # (step, step, B, rows + 1, across + 1, C)
        # A tile sees its own pixels and the first two rows and columns of the tiles below and beside it.
        seen = (part[..., :rows, :across, :], part[:, :2, :, :rows, 1:], part[:2, ..., 1:, :across, :])
        seen = [ops.reshape(s, (s.shape[0] * s.shape[1], -1)) for s in (*seen, part[:2, :2, :, 1:, 1:])]
        y = ops.matmul(pixels, ops.concatenate(seen, axis=0))
        y = ops.matmul(ops.reshape(y, (places, -1, channels)), kernel)  # (places, tiles, O)
        y = ops.matmul(products, ops.reshape(y, (places, -1)))
        y = ops.transpose(ops.reshape(y, (tile, tile, -1, rows, across, filters)), (2, 3, 0, 4, 1, 5))
        return ops.reshape(y, (-1, rows * tile, across * tile, filters))

    row_bytes = 4 * (batch or 1) * across * places * max(channels, filters)
    rows = max(1, BAND_BYTES // row_bytes)
    return ops.concatenate([band(i, min(i + rows, down)) for i in range(0, down, rows)], axis=1)


@functools.cache
def _transforms(tile, scale):
    """The three transforms in two dimensions, float32; that of the pixels in the order in which `winograd` has them."""
    pixels, weights, products = (np.array(matrix) for matrix in _TRANSFORMS[tile])
    if scale == 2:
        pixels = pixels @ _TWICE
        needed = pixels.any(axis=1)
        pixels, weights, products = pixels[needed], weights[needed], products[:, needed]
    step = tile // scale
    places = np.arange((step + 2) ** 2).reshape(step + 2, step + 2)
    sides = np.s_[:step], np.s_[step:]
    order = np.concatenate([places[rows, columns].ravel() for rows in sides for columns in sides])
    pixels, weights, products = (np.kron(m, m).astype("float32") for m in (pixels, weights, products))
    return pixels[:, order], weights, products

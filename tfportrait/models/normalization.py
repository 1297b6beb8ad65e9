"""Group normalisation with float32 statistics under every precision policy."""

import functools
import operator

import keras
from keras import ops

from tfportrait import autodiff
from tfportrait.training.compiled import inferring

register = keras.saving.register_keras_serializable("tfportrait")

LARGE = 2**25  # numbers of an image that is worked on in bands
BAND = 2**24  # numbers of a band, about


@register
class GroupNorm(keras.layers.Layer):
    """Group normalisation (Wu & He 2018) of x + shift, then optionally SiLU.

    Args:
        groups: int. Groups of channels; divides the channels.
        epsilon: float. Added to the variance.
        activation: `"silu"` or None. Defaults to `None`.

    Call arguments: `x` (B, H, W, C); `shift` (B, C) or (1, C), added to every pixel first, or None.
    Returns: like `x`.
    """

    def __init__(self, groups, epsilon=1e-5, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.groups, self.epsilon, self.activation = groups, epsilon, activation

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels % self.groups:
            raise ValueError(f"{channels} channels cannot be split into norm_num_groups={self.groups} equal groups")
        self.gamma = self.add_weight(name="gamma", shape=(channels,), initializer="ones", autocast=False)
        self.beta = self.add_weight(name="beta", shape=(channels,), initializer="zeros", autocast=False)

    def call(self, x, shift=None):
        return group_norm(x, *self._parameters(), _float32(shift), self.epsilon, self.activation == "silu")

    def of(self, x, shift=None):
        """The function that normalises any part of `x`, (B, h, w, C), by the statistics of the whole."""
        _, _, _, scale, offset = _statistics(x, *self._parameters(), _float32(shift), self.epsilon)
        return lambda part: _apply(part, scale, offset, self.activation == "silu")

    def _parameters(self):
        # Reshaped, because a function with a gradient of its own takes tensors and no variables.
        return (ops.reshape(ops.cast(v, "float32"), (1, self.groups, -1)) for v in (self.gamma, self.beta))


def bands(x):
    """Slices of the rows of large images (B, H, W, C), each of about `BAND` numbers; one alone of small ones.

    What is computed band by band needs memory for one band at a time.
    """
    _, height, width, channels = x.shape
    size = (height or 0) * (width or 0) * channels
    if size < LARGE:
        return [slice(None)]
    rows = max(4, height * BAND // size // 4 * 4)
    return [slice(i, min(i + rows, height)) for i in range(0, height, rows)]


def group_norm(x, gamma, beta, shift, epsilon, silu):
    """`GroupNorm` as a function of tensors.

    x is read for its sums over the pixels and once more for y = x * scale + offset: everything between is done on
    numbers per image and channel, the shift included. The gradient is written out for the same reason: TensorFlow
    on a CPU fuses nothing, and its own gradient goes through memory about twice as often.

    Args:
        x: (B, H, W, C).
        gamma, beta: float32 (1, groups, C / groups).
        shift: float32 (B, C), (1, C) or None.
        epsilon: float.
        silu: bool.
    """
    if keras.backend.backend() != "tensorflow" or inferring():
        return _forward(x, gamma, beta, shift, epsilon, silu)[0]

    def function(x, gamma, beta, shift=None):
        return _with_gradient(x, gamma, beta, shift, epsilon, silu)

    return autodiff.custom_gradient(function)(x, gamma, beta, *([] if shift is None else [shift]))


def _forward(x, gamma, beta, shift, epsilon, silu):
    sums, mean, deviation, scale, offset = _statistics(x, gamma, beta, shift, epsilon)
    return _apply(x, scale, offset, silu), (sums, mean, deviation, scale, offset)


def _statistics(x, gamma, beta, shift, epsilon):
    """Sums over the pixels, mean and 1 / deviation of each group, and (B, 1, 1, C) scale and offset of y."""
    grouped, pixels = (-1, *gamma.shape[1:]), _pixels(x)
    wide = [ops.cast(x[:, rows], "float32") for rows in bands(x)]
    sums = _added(ops.sum(w, axis=(1, 2)) for w in wide)  # (B, C)
    squares = _added(ops.sum(w * w, axis=(1, 2)) for w in wide)
    if shift is not None:  # the sums of x + shift
        squares = squares + shift * (2 * sums + pixels * shift)
        sums = sums + pixels * shift
    sums = ops.reshape(sums, grouped)  # (B, groups, C / groups)
    mean = ops.mean(sums, axis=-1, keepdims=True) / pixels  # (B, groups, 1)
    variance = ops.mean(ops.reshape(squares, grouped), axis=-1, keepdims=True) / pixels - mean * mean
    deviation = ops.rsqrt(ops.relu(variance) + epsilon)
    scale = gamma * deviation  # (B, groups, C / groups)
    offset = beta - mean * scale if shift is None else beta + (ops.reshape(shift, grouped) - mean) * scale
    scale, offset = (ops.reshape(v, (-1, 1, 1, x.shape[-1])) for v in (scale, offset))
    return sums, mean, deviation, scale, offset


def _apply(x, scale, offset, silu):
    z = ops.cast(x, "float32") * scale + offset
    return ops.cast(z * ops.sigmoid(z) if silu else z, x.dtype)


def _added(tensors):
    return functools.reduce(operator.add, tensors)  # `sum` would begin with 0 +, an operation more


def _float32(x):
    return None if x is None else ops.cast(x, "float32")


def _with_gradient(x, gamma, beta, shift, epsilon, silu):
    y, (sums, mean, deviation, scale, offset) = _forward(x, gamma, beta, shift, epsilon, silu)

    def gradient(*args, upstream=None):
        grouped, channels, pixels = (-1, *gamma.shape[1:]), x.shape[-1], _pixels(x)
        wide = ops.cast(x, "float32")
        dz = ops.cast(args[0] if upstream is None else upstream, "float32")
        if silu:
            z = wide * scale + offset
            s = ops.sigmoid(z)
            dz = dz * (s * (1 + z * (1 - s)))
        dz_sums = ops.sum(dz, axis=(1, 2))  # (B, C)
        dz_x = ops.sum(dz * wide, axis=(1, 2))
        if shift is not None:
            dz_x = dz_x + shift * dz_sums
        dz_sums, dz_x = ops.reshape(dz_sums, grouped), ops.reshape(dz_x, grouped)
        normal = (dz_x - mean * dz_sums) * deviation  # sum of dz times the normalised x
        along = ops.mean(gamma * normal, axis=-1, keepdims=True) / pixels  # (B, groups, 1)
        across = ops.mean(gamma * dz_sums, axis=-1, keepdims=True) / pixels
        slope = -deviation * deviation * along + ops.zeros(grouped[1:])  # (B, groups, C / groups)
        constant = -deviation * across - slope * mean
        dgamma, dbeta = (ops.sum(v, axis=0, keepdims=True) for v in (normal, dz_sums))
        moved = constant if shift is None else constant + slope * ops.reshape(shift, grouped)
        per_channel = (-1, 1, 1, channels)
        dx = dz * scale + wide * ops.reshape(slope, per_channel) + ops.reshape(moved, per_channel)
        dx = ops.cast(dx, x.dtype)
        if shift is None:
            return dx, dgamma, dbeta
        dshift = ops.reshape(scale, grouped) * dz_sums + slope * sums + constant * pixels
        dshift = ops.reshape(dshift, (-1, channels))
        return dx, dgamma, dbeta, ops.sum(dshift, axis=0, keepdims=True) if shift.shape[0] == 1 else dshift

    return y, gradient


def _pixels(x):
    """Height times width: a number where they are known, so that it becomes no operation."""
    if x.shape[1] and x.shape[2]:
        return float(x.shape[1] * x.shape[2])
    shape = ops.shape(x)
    return ops.cast(shape[1] * shape[2], "float32")

"""Group normalisation with float32 statistics under every precision policy."""

import keras
from keras import ops

register = keras.saving.register_keras_serializable("tfportrait")


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
        # Reshaped, because a function with a gradient of its own takes tensors and no variables.
        gamma, beta = ops.reshape(self.gamma, (1, -1)), ops.reshape(self.beta, (1, -1))
        shift = ops.zeros((1, x.shape[-1])) if shift is None else ops.cast(shift, "float32")
        return group_norm(x, shift, gamma, beta, self.groups, self.epsilon, self.activation == "silu")


def group_norm(x, shift, gamma, beta, groups, epsilon, silu):
    """`GroupNorm` as a function of tensors; all but `x` float32.

    x is read for its sums over the pixels and once more for y = x * scale + offset: everything between is done on
    numbers per image and channel, the shift included. The gradient is written out for the same reason: TensorFlow
    on a CPU fuses nothing, and its own gradient goes through memory about twice as often.
    """
    if keras.backend.backend() == "tensorflow":
        function = ops.custom_gradient(lambda *args: _with_gradient(*args, groups, epsilon, silu))
        return function(x, shift, gamma, beta)
    return _forward(x, shift, gamma, beta, groups, epsilon, silu)[0]


def _forward(x, shift, gamma, beta, groups, epsilon, silu):
    shape = ops.shape(x)
    channels = x.shape[-1]
    pixels = ops.cast(shape[1] * shape[2], "float32")
    count = pixels * (channels // groups)
    wide = ops.cast(x, "float32")
    sums = ops.sum(wide, axis=(1, 2))  # (B, C)
    squares = ops.sum(wide * wide, axis=(1, 2))
    sums, squares = sums + pixels * shift, squares + shift * (2 * sums + pixels * shift)  # of x + shift
    grouped = (-1, groups, channels // groups)
    mean = ops.sum(ops.reshape(sums, grouped), axis=-1, keepdims=True) / count  # (B, groups, 1)
    variance = ops.sum(ops.reshape(squares, grouped), axis=-1, keepdims=True) / count - mean * mean
    deviation = ops.rsqrt(ops.maximum(variance, 0.0) + epsilon)
    # As (B, C), the groups' numbers repeated over their channels.
    mean, deviation = (ops.reshape(v + ops.zeros(grouped[1:]), (-1, channels)) for v in (mean, deviation))
    scale = gamma * deviation
    offset = beta + (shift - mean) * scale
    z = wide * scale[:, None, None, :] + offset[:, None, None, :]
    y = z * ops.sigmoid(z) if silu else z
    return ops.cast(y, x.dtype), (pixels, count, sums, mean, deviation, scale, offset)


def _with_gradient(x, shift, gamma, beta, groups, epsilon, silu):
    y, (pixels, count, sums, mean, deviation, scale, offset) = _forward(x, shift, gamma, beta, groups, epsilon, silu)

    def gradient(*args, upstream=None):
        upstream = args[0] if upstream is None else upstream
        wide = ops.cast(x, "float32")
        dz = ops.cast(upstream, "float32")
        if silu:
            z = wide * scale[:, None, None, :] + offset[:, None, None, :]
            s = ops.sigmoid(z)
            dz = dz * (s * (1 + z * (1 - s)))
        dz_sums = ops.sum(dz, axis=(1, 2))  # (B, C)
        dz_x = ops.sum(dz * wide, axis=(1, 2)) + shift * dz_sums
        normal = (dz_x - mean * dz_sums) * deviation  # sum of dz times the normalised x
        along = _group_mean(gamma * normal, groups, count)
        across = _group_mean(gamma * dz_sums, groups, count)
        slope = -deviation * deviation * along
        constant = -deviation * across - slope * mean
        dx = (
            dz * scale[:, None, None, :] + wide * slope[:, None, None, :] + (constant + slope * shift)[:, None, None, :]
        )
        dshift = scale * dz_sums + slope * sums + constant * pixels
        dgamma, dbeta = ops.sum(normal, axis=0, keepdims=True), ops.sum(dz_sums, axis=0, keepdims=True)
        if shift.shape[0] == 1:
            dshift = ops.sum(dshift, axis=0, keepdims=True)
        return ops.cast(dx, x.dtype), dshift, dgamma, dbeta

    return y, gradient


def _group_mean(v, groups, count):
    """Sum of (B, C) over the channels of each group, divided by `count`, repeated over them: (B, C)."""
    channels = v.shape[-1]
    total = ops.sum(ops.reshape(v, (-1, groups, channels // groups)), axis=-1, keepdims=True) / count
    return ops.reshape(total + ops.zeros((groups, channels // groups)), (-1, channels))

"""Normalisations with float32 statistics under every precision policy."""

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

    Call arguments: `x` (B, H, W, C); `shift` (B, C), added to every pixel first, or None.
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
        if shift is not None:
            x = x + shift[:, None, None, :]
        channels = x.shape[-1]
        grouped = ops.reshape(ops.cast(x, "float32"), (-1, *ops.shape(x)[1:3], self.groups, channels // self.groups))
        mean, variance = ops.moments(grouped, axes=(1, 2, 4), keepdims=True)
        scale = ops.reshape(self.gamma, (self.groups, -1)) * ops.rsqrt(variance + self.epsilon)
        offset = ops.reshape(self.beta, (self.groups, -1)) - mean * scale
        y = ops.cast(ops.reshape(grouped * scale + offset, ops.shape(x)), x.dtype)
        return ops.silu(y) if self.activation == "silu" else y


@register
class LayerNorm(keras.layers.Layer):
    """Layer normalisation (Ba et al. 2016) over the last axis.

    Args:
        epsilon: float. Added to the variance. Defaults to `1e-5`.
    """

    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        channels = input_shape[-1]
        self.gamma = self.add_weight(name="gamma", shape=(channels,), initializer="ones", autocast=False)
        self.beta = self.add_weight(name="beta", shape=(channels,), initializer="zeros", autocast=False)

    def call(self, x):
        h = ops.cast(x, "float32")
        mean, variance = ops.moments(h, axes=-1, keepdims=True)
        h = (h - mean) * (ops.rsqrt(variance + self.epsilon) * self.gamma) + self.beta
        return ops.cast(h, x.dtype)

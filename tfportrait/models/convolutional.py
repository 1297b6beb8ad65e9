"""The two halves that models with a vector latent share: images to features, and a vector to images."""

import keras
from keras import ops

from tfportrait.models.layers import register
from tfportrait.models.network import one_of
from tfportrait.models.normalization import GroupNorm
from tfportrait.training import replicas

BOTTOM = 8  # side of the smallest feature maps
IMAGE_SIZES = (32, 64, 128, 256)
NORMALIZATIONS = ("batch", "group", None)
GROUPS = 8
SLOPE = 0.2  # of the leaky ReLU


def check_images(image_size, channels, width, normalization):
    """Raises a ValueError with the nearest valid value unless the networks below can be made."""
    if image_size not in IMAGE_SIZES:
        nearest = min(IMAGE_SIZES, key=lambda size: abs(size - image_size))
        raise ValueError(
            f"image_size is {image_size!r}, but must be one of {', '.join(map(str, IMAGE_SIZES))}; "
            f"the nearest is {nearest}"
        )
    if channels not in (1, 3):
        raise ValueError(f"channels is {channels!r}, but must be 1 (grey) or 3 (RGB)")
    if not isinstance(width, int) or width < GROUPS or width % GROUPS:
        raise ValueError(f"width is {width!r}, but must be a multiple of {GROUPS}")
    one_of("normalization", normalization, NORMALIZATIONS)


def check_shape(images, config):
    """Raises a ValueError unless images have the `image_size` and `channels` of a model's configuration."""
    side, channels = config["image_size"], config["channels"]
    if tuple(images.shape[1:]) != (side, side, channels):
        raise ValueError(f"images are {tuple(images.shape)}, but this model takes (B, {side}, {side}, {channels})")


@register
class BatchNorm(keras.layers.BatchNormalization):
    """Batch normalisation by the whole batch, also where several replicas share it (not inside XLA)."""

    @property
    def synchronized(self):
        """bool: whether the statistics are those of all replicas."""
        return replicas.exchanging()

    @synchronized.setter
    def synchronized(self, chosen):
        pass  # Keras sets it, and leaves it be


class Half(keras.layers.Layer):
    """What both halves are made of.

    Args:
        image_size: int. Side of the images, 32, 64, 128 or 256.
        channels: int. Channels of the images.
        width: int. Channels of the largest feature maps; each halving doubles them, up to eight times as many.
        normalization: `"batch"`, `"group"` or None. What follows the convolutions inside.
    """

    def __init__(self, image_size, channels, width, normalization=None, **kwargs):
        super().__init__(**kwargs)
        self.image_size, self.channels, self.width, self.normalization = image_size, channels, width, normalization
        levels = (image_size // BOTTOM).bit_length() - 1
        self.widths = [width * min(2**i, 8) for i in range(levels)]  # largest maps first

    def norm(self, name):
        """A normalisation of the kind that was chosen."""
        if self.normalization == "batch":
            return BatchNorm(epsilon=1e-5, dtype=self.dtype_policy, name=name)
        if self.normalization == "group":
            return GroupNorm(GROUPS, dtype=self.dtype_policy, name=name)
        return keras.layers.Identity(dtype=self.dtype_policy, name=name)

    def get_config(self):
        own = {name: getattr(self, name) for name in ("image_size", "channels", "width", "normalization")}
        return {**super().get_config(), **own}


@register
class ConvEncoder(Half):
    """Images to features: 4x4 convolutions of stride 2 down to 8x8, with leaky ReLUs (Radford et al. 2016).

    Arguments as in `Half`; the first convolution has no normalisation behind it.

    Call arguments: `images` (B, image_size, image_size, channels). Returns: (B, 64 * last width).
    """

    def __init__(self, image_size, channels, width, normalization=None, **kwargs):
        super().__init__(image_size, channels, width, normalization, **kwargs)
        dtype = self.dtype_policy
        self.convs = [
            keras.layers.Conv2D(filters, 4, 2, padding="same", dtype=dtype, name=f"convs_{i}")
            for i, filters in enumerate(self.widths)
        ]
        self.norms = [self.norm(f"norms_{i}") for i in range(len(self.widths) - 1)]

    @property
    def features(self):
        """int: length of what comes out."""
        return BOTTOM * BOTTOM * self.widths[-1]

    def build(self, input_shape=None):
        for layer, channels in zip(self.convs, (self.channels, *self.widths), strict=False):
            layer.build((None, None, None, channels))
        for layer, channels in zip(self.norms, self.widths[1:], strict=True):
            layer.build((None, None, None, channels))

    def call(self, images, training=None):
        x = self.convs[0](images)
        for layer, norm in zip(self.convs[1:], self.norms, strict=True):
            x = norm(layer(ops.leaky_relu(x, SLOPE)))
        return ops.reshape(ops.leaky_relu(x, SLOPE), (-1, self.features))


@register
class ConvDecoder(Half):
    """A vector to images: a dense layer to 8x8, transposed 4x4 convolutions of stride 2, tanh (Radford et al. 2016).

    Args:
        latent_dim: int. Length of the vector.
        image_size, channels, width, normalization: as in `Half`; no normalisation stands before the tanh.

    Call arguments: `latents` (B, latent_dim). Returns: float32 (B, image_size, image_size, channels) in [-1, 1].
    """

    def __init__(self, latent_dim, image_size, channels, width, normalization=None, **kwargs):
        super().__init__(image_size, channels, width, normalization, **kwargs)
        dtype = self.dtype_policy
        self.latent_dim = latent_dim
        self.outs = [*self.widths[-2::-1], channels]  # channels behind each doubling
        self.dense = keras.layers.Dense(BOTTOM * BOTTOM * self.widths[-1], dtype=dtype, name="dense")
        self.convs = [
            keras.layers.Conv2DTranspose(filters, 4, 2, padding="same", dtype=dtype, name=f"convs_{i}")
            for i, filters in enumerate(self.outs)
        ]
        self.norms = [self.norm(f"norms_{i}") for i in range(len(self.outs))]

    def build(self, input_shape=None):
        self.dense.build((None, self.latent_dim))
        for layer, norm, channels in zip(self.convs, self.norms, self.widths[::-1], strict=True):
            layer.build((None, None, None, channels))
            norm.build((None, None, None, channels))

    def call(self, latents, training=None):
        x = ops.reshape(self.dense(latents), (-1, BOTTOM, BOTTOM, self.widths[-1]))
        for norm, layer in zip(self.norms, self.convs, strict=True):
            x = layer(ops.leaky_relu(norm(x), SLOPE))
        return ops.tanh(ops.cast(x, "float32"))

    def get_config(self):
        return {**super().get_config(), "latent_dim": self.latent_dim}

"""The oracle: a small classifier that reads every attribute from a portrait."""

import keras
import numpy as np
from keras import layers, ops
from PIL import Image

from tfportrait.models.network import Trained, batch_images, record
from tfportrait.models.normalization import GroupNorm
from tfportrait.training import compiled, replicas

UNKNOWN = -1


@keras.saving.register_keras_serializable("tfportrait")
class Oracle(Trained):
    """Reads attributes from images: a residual convolutional network with one attention-pooled head per attribute.

    Args:
        attributes: dict of str to list of str. Names of the attributes and their values, in order.
        image_size: int. Side of the images, in pixels. Defaults to 128.
        widths: list of int. Channels of the levels; each halves the sides of the one before. The first convolution
            halves them once more.
        norm_groups: int. Groups of the normalisation.
        augment: bool. Whether training disturbs the images slightly (blur, contrast, brightness, noise), so that the
            oracle judges what is painted and not how cleanly. Defaults to True.
    """

    disk_config = {"_class_name": "Oracle"}

    def __init__(self, *, attributes, image_size=128, widths=(24, 48, 96, 160), norm_groups=8, augment=True, **kwargs):
        attributes = {name: list(values) for name, values in attributes.items()}
        config = record(Oracle, locals())
        super().__init__(**kwargs)
        self.config = config
        self.attributes = attributes
        self.image_size = image_size
        self.widths = list(widths)
        self.augment = augment
        self.seed_generator = keras.random.SeedGenerator(0)
        dtype, last = self.dtype_policy, self.widths[-1]
        self.conv_in = layers.Conv2D(self.widths[0], 4, 2, padding="same", dtype=dtype)
        self.downsamplers = [layers.Conv2D(width, 2, 2, dtype=dtype) for width in self.widths[1:]]
        self.blocks = [ResidualBlock(width, norm_groups, dtype=dtype) for width in (*self.widths, last)]
        self.norm_out = GroupNorm(norm_groups, activation="silu", dtype=dtype)
        self.pools = layers.Dense(len(self.attributes), dtype=dtype, name="pools")
        self.heads = [layers.Dense(len(values), dtype=dtype) for values in self.attributes.values()]
        self.accuracy_tracker = keras.metrics.Mean(name="accuracy")
        self.build((None, image_size, image_size, 3))

    def build(self, input_shape):
        """Makes the variables for images of shape (B, H, W, 3)."""
        if self.built:
            return
        shape = self.conv_in.build(input_shape) or self.conv_in.compute_output_shape(input_shape)
        for i, block in enumerate(self.blocks):
            if 0 < i < len(self.widths):
                downsampler = self.downsamplers[i - 1]
                downsampler.build(shape)
                shape = downsampler.compute_output_shape(shape)
            block.build(shape)
        self.norm_out.build(shape)
        self.pools.build(shape)
        for head in self.heads:
            head.build((None, self.widths[-1]))
        self.built = True

    def features(self, images):
        """Feature maps of every level, from the finest on: what a perceptual distance compares.

        Args:
            images: float (B, H, W, 3) in [-1, 1].

        Returns:
            list of (B, h, w, C).
        """
        maps = []
        x = self.conv_in(images)
        for i, block in enumerate(self.blocks):
            if 0 < i < len(self.widths):
                x = self.downsamplers[i - 1](x)
            x = block(x)
            maps.append(x)
        return maps

    def call(self, images, training=None):
        """Logits of every attribute, side by side.

        Args:
            images: float (B, H, W, 3) in [-1, 1], or a dict that has them as "image".

        Returns:
            float32 (B, sum of the numbers of values).
        """
        if isinstance(images, dict):
            images = images["image"]
        x = self._last(images)
        shape = ops.shape(x)
        x = ops.reshape(x, (shape[0], -1, shape[-1]))  # (B, h w, C)
        attention = ops.softmax(ops.cast(self.pools(x), "float32"), axis=1)  # (B, h w, A)
        pooled = ops.einsum("bpa,bpc->abc", ops.cast(attention, x.dtype), x)  # (A, B, C)
        return ops.cast(ops.concatenate([head(pooled[i]) for i, head in enumerate(self.heads)], axis=-1), "float32")

    def embed(self, images, batch_size=64):
        """The mean of the last feature maps: what distances between sets of images are measured in.

        Args:
            images: uint8 (N, H, W, 3). Other sides than the oracle's are brought to it (bicubic).
            batch_size: int. Images at a time.

        Returns: float32 (N, C).
        """
        images = resized(images, self.image_size)
        embed = compiled.side_by_side(lambda x: ops.cast(ops.mean(self._last(x), axis=(1, 2)), "float32"))
        run = compiled.compiled(self, "embed", embed)
        return compiled.in_full_batches(
            lambda part: run(images[part].astype("float32") / 127.5 - 1.0), len(images), batch_size
        )

    def _last(self, images):
        return self.norm_out(self.features(images)[-1])  # (B, h, w, C)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Cross-entropy, averaged over the attributes that are visible.

        Args:
            x: dict of "image", float32 (B, H, W, 3) or uint8, and "attributes", dict of
                name to int32 (B,), -1 where it is hidden.

        Returns:
            float32 scalar.
        """
        images = batch_images(x)
        if training and self.augment:
            images = self._disturb(images)
        logits = self(images, training=training)
        losses, hits, counts, start = 0.0, 0.0, 0.0, 0
        for name, values in self.attributes.items():
            part = logits[:, start : start + len(values)]
            start += len(values)
            label = ops.cast(x["attributes"][name], "int32")
            known = ops.cast(label != UNKNOWN, "float32")
            safe = ops.maximum(label, 0)
            losses += ops.sum(known * keras.losses.sparse_categorical_crossentropy(safe, part, from_logits=True))
            hits += ops.sum(known * ops.cast(ops.cast(ops.argmax(part, axis=-1), "int32") == safe, "float32"))
            counts += ops.sum(known)
        self.accuracy_tracker.update_state(hits / ops.maximum(counts, 1.0), sample_weight=counts)
        return losses / ops.maximum(replicas.mean(counts), 1.0)

    def _disturb(self, images):
        size, seed = ops.shape(images)[0], self.seed_generator
        noise_level = 0.06 * ops.square(replicas.uniform((size, 1, 1, 1), seed=seed))
        contrast = replicas.uniform((size, 1, 1, 1), 0.92, 1.08, seed=seed)
        brightness = replicas.uniform((size, 1, 1, 1), -0.06, 0.06, seed=seed)
        blurred = ops.average_pool(images, 3, 1, padding="same")
        blend = replicas.uniform((size, 1, 1, 1), seed=seed) ** 2
        images = images + blend * (blurred - images)
        return images * contrast + brightness + noise_level * replicas.normal(ops.shape(images), seed=seed)

    def read(self, images, batch_size=64):
        """The most probable value of every attribute.

        Args:
            images: uint8 (N, H, W, 3).
            batch_size: int. Images at a time.

        Returns:
            dict of attribute name to int32 (N,): indices into the attribute's values.
        """
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (self.image_size, self.image_size, 3):
            side = self.image_size
            raise ValueError(f"images are {images.dtype} {images.shape}, but must be uint8 (N, {side}, {side}, 3)")
        logits = self.predict(images.astype("float32") / 127.5 - 1.0, batch_size=batch_size, verbose=0)
        edges = np.cumsum([len(values) for values in self.attributes.values()])[:-1]
        parts = np.split(logits, edges, axis=-1)
        return {name: part.argmax(-1).astype("int32") for name, part in zip(self.attributes, parts, strict=True)}


def resized(images, size):
    """Square images of another side, uint8 (N, size, size, C)."""
    images = np.asarray(images)
    if images.shape[1:3] == (size, size):
        return images
    return np.stack([np.asarray(Image.fromarray(image).resize((size, size), Image.BICUBIC)) for image in images])


@keras.saving.register_keras_serializable("tfportrait")
class ResidualBlock(layers.Layer):
    """Two normalised 3x3 convolutions beside a shortcut.

    Args:
        width: int. Channels in and out.
        groups: int. Groups of the normalisation.
    """

    def __init__(self, width, groups, **kwargs):
        super().__init__(**kwargs)
        self.width, self.groups = width, groups
        dtype = self.dtype_policy
        self.norm1 = GroupNorm(groups, activation="silu", dtype=dtype)
        self.conv1 = layers.Conv2D(width, 3, padding="same", dtype=dtype)
        self.norm2 = GroupNorm(groups, activation="silu", dtype=dtype)
        self.conv2 = layers.Conv2D(width, 3, padding="same", kernel_initializer="zeros", dtype=dtype)

    def build(self, input_shape):
        """Makes the variables for (B, H, W, width)."""
        for layer in (self.norm1, self.conv1, self.norm2, self.conv2):
            layer.build(input_shape)
        self.built = True

    def call(self, x):
        """(B, H, W, width) to the same shape."""
        h = self.conv1(self.norm1(x))
        return x + self.conv2(self.norm2(h))

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "width": self.width, "groups": self.groups}

"""Generative adversarial networks (Goodfellow et al. 2014) on the convolutions of DCGAN (Radford et al. 2016)."""

import keras
import numpy as np
from keras import ops

from tfportrait import autodiff
from tfportrait.diffusion.noise import expand_seeds, unit_noise
from tfportrait.models.augmentation import POLICIES, augment
from tfportrait.models.convolutional import ConvDecoder, ConvEncoder, check_images, check_shape
from tfportrait.models.layers import register
from tfportrait.models.network import Trained, batch_images, one_of, record, to_uint8
from tfportrait.training import AdamW, Players, compiled, frozen, replicas

LOSSES = ("bce", "hinge", "relativistic")
PLAYED = ("generator_loss", "discriminator_loss", "penalty", "real_score", "painted_score")
CONDITION = 64  # width of an embedded condition
VALIDATION_SEED = 20140


@register
class AttributeEmbedding(keras.layers.Layer):
    """Attributes of a portrait as one vector: the sum of a learnt vector for every value, and for "unknown".

    Args:
        attributes: dict of str to list of str. Names of the attributes and their values, in order.
        width: int. Length of the vector.

    Call arguments: `labels` int32 (B, number of attributes), the index of each value or -1. Returns: (B, width).
    """

    def __init__(self, attributes, width, **kwargs):
        super().__init__(**kwargs)
        self.attributes, self.width = {name: list(values) for name, values in attributes.items()}, width
        self.tables = [
            keras.layers.Embedding(len(values) + 1, width, dtype=self.dtype_policy, name=f"tables_{i}")
            for i, values in enumerate(self.attributes.values())
        ]

    def build(self, input_shape=None):
        for table in self.tables:
            table.build()

    def call(self, labels):
        return sum(table(labels[:, i] + 1) for i, table in enumerate(self.tables))

    def get_config(self):
        return {**super().get_config(), "attributes": self.attributes, "width": self.width}


@register
class Generator(keras.layers.Layer):
    """Noise, and attributes if there are any, to images.

    Args:
        latent_dim: int. Length of the noise.
        attributes: dict of str to list of str, empty for an unconditional generator.
        image_size, channels, width, normalization: as `ConvDecoder` takes them.

    Call arguments: `noise` (B, latent_dim); `labels` int32 (B, number of attributes) or None.
    Returns: float32 (B, image_size, image_size, channels) in [-1, 1].
    """

    def __init__(self, latent_dim, attributes, image_size, channels, width, normalization=None, **kwargs):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.latent_dim, self.attributes = latent_dim, attributes
        self.half = {"image_size": image_size, "channels": channels, "width": width, "normalization": normalization}
        if attributes:
            self.embedding = AttributeEmbedding(attributes, CONDITION, dtype=dtype, name="embedding")
        self.decoder = ConvDecoder(latent_dim + CONDITION * bool(attributes), **self.half, dtype=dtype, name="decoder")

    def build(self, input_shape=None):
        if self.attributes:
            self.embedding.build()
        self.decoder.build()

    def call(self, noise, labels=None, training=None):
        x = ops.cast(noise, self.compute_dtype)
        if self.attributes:
            x = ops.concatenate([x, self.embedding(labels)], axis=-1)
        return self.decoder(x)

    def get_config(self):
        own = {"latent_dim": self.latent_dim, "attributes": self.attributes, **self.half}
        return {**super().get_config(), **own}


@register
class Discriminator(keras.layers.Layer):
    """How real images look: a logit each. With attributes, how well those fit counts too (Miyato & Koyama 2018).

    Args:
        attributes: dict of str to list of str, empty for an unconditional discriminator.
        image_size, channels, width, normalization: as `ConvEncoder` takes them.

    Call arguments: `images` float (B, image_size, image_size, channels); `labels` as `Generator` takes them.
    Returns: float32 (B,).
    """

    def __init__(self, attributes, image_size, channels, width, normalization=None, **kwargs):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.attributes = attributes
        self.half = {"image_size": image_size, "channels": channels, "width": width, "normalization": normalization}
        self.convolutions = ConvEncoder(**self.half, dtype=dtype, name="convolutions")
        self.head = keras.layers.Dense(1, dtype=dtype, name="head")
        if attributes:
            self.projection = keras.layers.Dense(CONDITION, use_bias=False, dtype=dtype, name="projection")
            self.embedding = AttributeEmbedding(attributes, CONDITION, dtype=dtype, name="embedding")

    def build(self, input_shape=None):
        self.convolutions.build()
        self.head.build((None, self.convolutions.features))
        if self.attributes:
            self.projection.build((None, self.convolutions.features))
            self.embedding.build()

    def call(self, images, labels=None, training=None):
        features = self.convolutions(ops.cast(images, self.compute_dtype))
        logits = ops.cast(self.head(features), "float32")[:, 0]
        if self.attributes:
            logits = logits + ops.sum(ops.cast(self.projection(features) * self.embedding(labels), "float32"), axis=-1)
        return logits

    def get_config(self):
        return {**super().get_config(), "attributes": self.attributes, **self.half}


@register
class GAN(Trained):
    """A generator and a discriminator that play against each other, in one loss and one backward pass.

    With logits r = D(x) of real images, f = D(G(z)) of painted ones and s = softplus, the losses of the two are

        bce           discriminator s(-r) + s(f)                  generator s(-f)       (Goodfellow et al. 2014)
        hinge         discriminator relu(1 - r) + relu(1 + f)     generator -f          (Lim & Ye 2017)
        relativistic  discriminator s(f - r)                      generator s(r - f)    (Jolicoeur-Martineau 2019)

    and the discriminator's has besides r1 / 2 E|grad D(x)|^2 + r2 / 2 E|grad D(G(z))|^2, the gradients by the images.
    The relativistic loss with both penalties converges where the others need luck (Huang et al. 2024, R3GAN).

    Args:
        image_size: int. 32, 64, 128 or 256. Defaults to 64.
        channels: int. 1 (grey) or 3 (RGB).
        latent_dim: int. Length of the noise. Defaults to 100.
        width: int. Channels of the largest feature maps, a multiple of 8; each halving of the sides doubles them.
        attributes: dict of str to list of str, or None. What the images are conditioned on: names and values.
        loss: `"bce"`, `"hinge"` or `"relativistic"`.
        r1: float. Weight of the gradient penalty on real images. Needs a discriminator without batch normalisation.
        r2: float. Weight of the gradient penalty on painted ones.
        generator_normalization: `"batch"`, `"group"` or None.
        discriminator_normalization: likewise.
        augmentation: sequence of `"colour"`, `"translation"`, `"cutout"`. Disturbances of all that the discriminator
            sees, for small data sets. Defaults to none.
    """

    disk_config = {"_class_name": "GAN"}
    averaged = ("generator",)  # players whose weights have a moving average
    tracked = PLAYED

    def __init__(
        self,
        *,
        image_size=64,
        channels=3,
        latent_dim=100,
        width=32,
        attributes=None,
        loss="relativistic",
        r1=1.0,
        r2=1.0,
        generator_normalization="batch",
        discriminator_normalization=None,
        augmentation=(),
        **kwargs,
    ):
        for normalization in (generator_normalization, discriminator_normalization):
            check_images(image_size, channels, width, normalization)
        one_of("loss", loss, LOSSES)
        for policy in augmentation:
            one_of("augmentation", policy, POLICIES)
        if r1 < 0 or r2 < 0:
            raise ValueError(f"r1={r1} and r2={r2} must not be negative")
        if (r1 or r2) and discriminator_normalization == "batch":
            raise ValueError(
                "r1 and r2 are gradients of each image by itself, but batch normalisation mixes the images: give "
                "r1=0, r2=0 or another discriminator_normalization"
            )
        attributes = {name: list(values) for name, values in (attributes or {}).items()}
        config = record(GAN, locals())
        super().__init__(**kwargs)
        self.config = config
        self.loss_name, self.r1, self.r2, self.augmentation = loss, r1, r2, tuple(augmentation)
        self.attributes = attributes
        self.seed_generator = keras.random.SeedGenerator(0)
        self.trackers = {name: keras.metrics.Mean(name=name) for name in self.tracked}
        self.make_players()
        self.build()

    def make_players(self):
        """Makes the networks; a weight belongs to the player whose network it is in."""
        config, dtype = self.config, self.dtype_policy
        half = (config["image_size"], config["channels"], config["width"])
        self.generator = Generator(
            config["latent_dim"],
            self.attributes,
            *half,
            config["generator_normalization"],
            dtype=dtype,
            name="generator",
        )
        self.discriminator = Discriminator(
            self.attributes, *half, config["discriminator_normalization"], dtype=dtype, name="discriminator"
        )

    def build(self, input_shape=None):
        self.generator.build()
        self.discriminator.build()

    def compile(self, optimizer=None, **kwargs):
        """Prepares training.

        Args:
            optimizer: keras optimizer or None. None gives each player an Adam of its own, as R3GAN has them
                (2e-4, no momentum), and keeps an average of the generator.
            **kwargs: as `Trainable.compile` takes them.
        """
        super().compile(optimizer=self.default_optimizer() if optimizer is None else optimizer, **kwargs)

    @classmethod
    def default_optimizer(cls, learning_rate=2e-4, ema_decay=0.999):
        """One Adam for each player; all but the discriminator's keep an average of their weights."""
        settings = {"learning_rate": learning_rate, "weight_decay": 0.0, "beta_1": 0.0, "beta_2": 0.99}
        players = {name: AdamW(**settings, ema_decay=ema_decay) for name in cls.averaged}
        return Players({**players, "discriminator": AdamW(**settings)})

    @property
    def image_size(self):
        """int: the side of the images, in pixels."""
        return self.config["image_size"]

    def call(self, inputs, training=None):
        """How real images look, float32 (B,) logits. Takes what `fit` takes."""
        images = batch_images(inputs)
        return self.discriminator(images, self._labels(inputs, ops.shape(images)[0]))

    def generate(self, count=None, *, seeds=0, attributes=None):
        """Paints images from noise, with the averaged weights where training keeps an average.

        Args:
            count: int or None. Number of images for one seed. Defaults to None: 1, or as many as seeds.
            seeds: int or list of int in [0, 2**63). One per image; 7 for four images means 7, 8, 9, 10.
            attributes: dict of str to str, or to a list of str with one for each image. Attributes left out are
                unknown.

        Returns: uint8 (N, H, W, C).

        Raises: ValueError for attributes that the model has not; the valid ones are listed.
        """
        seeds = expand_seeds(seeds, count)
        inputs = [unit_noise(seeds, 0, (self.config["latent_dim"],))]
        labels = label_table(self.attributes, attributes or {}, len(seeds))
        if self.attributes:
            inputs.append(labels)

        def paint(*inputs):
            return self.generator(*inputs, training=False)

        with self.averaged_weights():
            return to_uint8(compiled.compiled(self, "generate", paint)(*inputs))

    def preprocess(self, dataset):
        """Turns the elements of `tfportrait.data.load` into what `fit` takes: images, and attributes if need be."""
        names = ("image", "attributes") if self.attributes else ("image",)
        return dataset.map(lambda batch: {name: batch[name] for name in names})

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The sum of both players' losses (see the class), float32 scalar; updates the metrics.

        Args:
            x: uint8, or float in [-1, 1], (B, H, W, C); or a dict that has it as "image" and, for a conditional
                model, "attributes": dict of name to int32 (B,), -1 where it is unknown.
            training: bool. Validation draws the same noise at every call.
        """
        real = batch_images(x)
        check_shape(real, self.config)
        labels = self._labels(x, ops.shape(real)[0])
        seed = self.seed_generator if training else VALIDATION_SEED
        noise = replicas.normal((ops.shape(real)[0], self.config["latent_dim"]), seed=seed)
        painted = self.generator(noise, labels, training=training)
        return sum(self.play(real, painted, labels, seed, training))

    def play(self, real, painted, labels, seed, training):
        """The generator's and the discriminator's loss for real and painted images, two float32 scalars."""
        real, painted = augment(real, self.augmentation, seed), augment(painted, self.augmentation, seed)

        def judge(images):
            return self.discriminator(images, labels, training=training)

        with frozen(self.discriminator):
            judged = judge(painted)
        real_logits, real_penalty = penalised(judge, real, self.r1)
        painted_logits, painted_penalty = penalised(judge, ops.stop_gradient(painted), self.r2)
        generator_loss = generator_losses(self.loss_name, ops.stop_gradient(real_logits), judged)
        discriminator_loss = discriminator_losses(self.loss_name, real_logits, painted_logits)
        penalty = real_penalty + painted_penalty
        values = (generator_loss, discriminator_loss, penalty, real_logits, painted_logits)
        for name, value in zip(PLAYED, values, strict=True):
            self.trackers[name].update_state(ops.mean(value))
        return ops.mean(generator_loss), ops.mean(discriminator_loss + penalty)

    def _labels(self, batch, size):
        """int32 (B, number of attributes) of a batch, or None for an unconditional model."""
        if not self.attributes:
            return None
        given = batch.get("attributes", {}) if isinstance(batch, dict) else {}
        unknown = ops.full((size,), -1, dtype="int32")
        return ops.stack([ops.cast(given.get(name, unknown), "int32") for name in self.attributes], axis=-1)


def penalised(judge, images, weight):
    """Logits of images, and weight / 2 times the squared length of each one's gradient by its image.

    Equation: `gan.gradient_penalty`.

    Args:
        judge: callable (B, H, W, C) -> (B,).
        images: float32 (B, H, W, C).
        weight: float. 0 leaves the gradient out.

    Returns: two float32 (B,).
    """
    if not weight:
        logits = judge(images)
        return logits, ops.zeros_like(logits)
    logits, gradients = autodiff.gradient(judge, images)
    return logits, 0.5 * weight * ops.sum(ops.square(ops.cast(gradients, "float32")), axis=(1, 2, 3))


def generator_losses(name, real, painted):
    """The generator's loss for each image, (B,), from logits of real and painted images.

    Equation: `gan.relativistic`.
    """
    if name == "bce":
        return ops.softplus(-painted)
    return -painted if name == "hinge" else ops.softplus(real - painted)


def discriminator_losses(name, real, painted):
    """The discriminator's loss for each pair, (B,), from logits of real and painted images.

    Equation: `gan.losses`, `gan.hinge`.
    """
    if name == "bce":
        return ops.softplus(-real) + ops.softplus(painted)
    if name == "hinge":
        return ops.relu(1.0 - real) + ops.relu(1.0 + painted)
    return ops.softplus(painted - real)


def label_table(attributes, chosen, count):
    """int32 (count, number of attributes) of attributes that are given by name, -1 for the rest.

    Args:
        attributes: dict of str to list of str. Names and values that there are.
        chosen: dict of str to str or list of str.
        count: int.

    Raises: ValueError for a name or value that there is not, or a list of another length.
    """
    table = np.full((count, len(attributes)), -1, "int32")
    for name, values in chosen.items():
        one_of("attribute", name, list(attributes) or ["none: this model is unconditional"])
        values = [values] * count if isinstance(values, str) else list(values)
        if len(values) != count:
            raise ValueError(f"{name} has {len(values)} values for {count} images: give one, or as many as images")
        for row, value in enumerate(values):
            one_of(name, value, attributes[name])
            table[row, list(attributes).index(name)] = attributes[name].index(value)
    return table

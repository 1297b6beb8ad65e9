"""Stable Diffusion's own recipe for its autoencoder: a patch discriminator beside the reconstruction's error."""

import keras
from keras import ops

from tfportrait import autodiff
from tfportrait.models.autoencoder import MEASURES, AutoencoderKL, measures
from tfportrait.models.convolutional import SLOPE
from tfportrait.models.gan import discriminator_losses, generator_losses
from tfportrait.models.layers import register
from tfportrait.models.network import batch_images
from tfportrait.models.normalization import GroupNorm
from tfportrait.training import AdamW, Players, Trainable, frozen, replicas

GAME = ("generator_loss", "discriminator_loss", "adaptive_weight", "real_score", "painted_score")
WEIGHT_RANGE = (0.0, 1e4)


@register
class PatchDiscriminator(keras.layers.Layer):
    """How real each patch of an image looks (Isola et al. 2017, PatchGAN), by group instead of batch normalisation.

    Args:
        channels: int. Channels of the images.
        width: int. Channels behind the first convolution, a multiple of 8.
        levels: int. Convolutions of stride 2; each doubles what a patch sees. Defaults to 3, patches of 70 pixels.

    Call arguments: `images` float (B, H, W, channels). Returns: float32 (B, h, w), a logit for each patch.
    """

    def __init__(self, channels=3, width=64, levels=3, **kwargs):
        super().__init__(**kwargs)
        if width % 8 or width < 8 or levels < 1:
            raise ValueError(f"width={width} must be a multiple of 8, and levels={levels} at least 1")
        dtype = self.dtype_policy
        self.channels, self.width, self.levels = channels, width, levels
        self.widths = [width * min(2**i, 8) for i in range(levels + 1)]
        strides = [2] * levels + [1]
        self.convs = [
            keras.layers.Conv2D(filters, 4, stride, padding="same", dtype=dtype, name=f"convs_{i}")
            for i, (filters, stride) in enumerate(zip(self.widths, strides, strict=True))
        ]
        self.norms = [GroupNorm(8, dtype=dtype, name=f"norms_{i}") for i in range(levels)]
        self.head = keras.layers.Conv2D(1, 4, padding="same", dtype=dtype, name="head")

    def build(self, input_shape=None):
        for layer, channels in zip(self.convs, (self.channels, *self.widths), strict=False):
            layer.build((None, None, None, channels))
        for layer, channels in zip(self.norms, self.widths[1:], strict=True):
            layer.build((None, None, None, channels))
        self.head.build((None, None, None, self.widths[-1]))

    def call(self, images, training=None):
        x = ops.leaky_relu(self.convs[0](ops.cast(images, self.compute_dtype)), SLOPE)
        for conv, norm in zip(self.convs[1:], self.norms, strict=True):
            x = ops.leaky_relu(norm(conv(x)), SLOPE)
        return ops.cast(self.head(x), "float32")[..., 0]

    def get_config(self):
        own = {"channels": self.channels, "width": self.width, "levels": self.levels}
        return {**super().get_config(), **own}


@register
class AdversarialAutoencoder(Trainable):
    """Trains an `AutoencoderKL` against a `PatchDiscriminator`; afterwards only `autoencoder` is kept.

    To the autoencoder's own loss L (errors, divergence, and the perceptual distance where it has one) comes the hinge
    loss of a patch discriminator, weighed so that both pull equally at the last convolution's kernel K:

        L + weight * clip(|dL/dK| / |dA/dK|) * A,    A = -mean D(decode(z)),

    from `start_step` on, when reconstructions are worth a judgement (Esser et al. 2021, VQGAN, equation 7).

    Equation: `autoencoder.adaptive_weight`.

    Args:
        autoencoder: AutoencoderKL. Trained in place.
        discriminator: PatchDiscriminator or None. None makes one of the default size.
        weight: float. Share of the adversarial loss. Defaults to 0.5, as in Stable Diffusion.
        start_step: int. First training step at which the autoencoder feels the discriminator, which learns before.
    """

    def __init__(self, *, autoencoder, discriminator=None, weight=0.5, start_step=0, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(autoencoder, AutoencoderKL):
            raise ValueError(f"autoencoder is {autoencoder!r}, but must be an AutoencoderKL")
        if weight < 0 or start_step < 0:
            raise ValueError(f"weight={weight} and start_step={start_step} must not be negative")
        channels = autoencoder.config["out_channels"]
        self.autoencoder = autoencoder
        self.discriminator = discriminator or PatchDiscriminator(channels, 32, name="discriminator")
        if not self.discriminator.built:
            self.discriminator.build()
        self.weight, self.start_step = float(weight), int(start_step)
        self.trackers = {name: keras.metrics.Mean(name=name) for name in (*GAME, *MEASURES)}
        self.step = self.add_weight(
            shape=(),
            initializer="zeros",
            dtype="float32",
            trainable=False,
            name="step",
            aggregation="only_first_replica",
        )
        self.built = True

    def compile(self, optimizer=None, **kwargs):
        """Prepares training.

        Args:
            optimizer: keras optimizer or None. None gives each player an Adam of its own, and keeps an average of the
                autoencoder.
            **kwargs: as `Trainable.compile` takes them.
        """
        super().compile(optimizer=self.default_optimizer() if optimizer is None else optimizer, **kwargs)

    def default_optimizer(self, learning_rate=4e-4, ema_decay=0.999):
        """One Adam for each player; the autoencoder's keeps an average of its weights."""
        settings = {"learning_rate": learning_rate, "weight_decay": 0.0, "beta_1": 0.5, "beta_2": 0.9}
        return Players(
            {
                self.autoencoder.name: AdamW(**settings, ema_decay=ema_decay, global_clipnorm=1.0),
                self.discriminator.name: AdamW(**settings),
            }
        )

    def fit(self, x=None, *args, epochs=1, steps_per_epoch=None, **kwargs):
        """As `Trainable.fit`.

        Raises: ValueError where the number of steps is known and the discriminator would start beyond the last one.
        """
        if steps_per_epoch and self.start_step >= epochs * steps_per_epoch + float(self.step):
            raise ValueError(
                f"start_step is {self.start_step}, but training ends after {epochs * steps_per_epoch} steps: "
                "the discriminator would never count"
            )
        return super().fit(x, *args, epochs=epochs, steps_per_epoch=steps_per_epoch, **kwargs)

    def call(self, images, training=None):
        """The autoencoder's reconstruction."""
        return self.autoencoder(images)

    def reconstruct(self, images):
        """As `AutoencoderKL.reconstruct`."""
        return self.autoencoder.reconstruct(images)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Both players' losses (see the class), float32 scalar; updates the metrics.

        Args:
            x: uint8, or float in [-1, 1], (B, H, W, C), or a dict that has it as "image".
        """
        images, autoencoder = batch_images(x), self.autoencoder
        latents, divergence = autoencoder.sample(images, training)
        features = autoencoder.decoder.features(autoencoder.decoder_input(latents))
        last = autoencoder.decoder.conv_out
        bias = ops.cast(last.bias, "float32")

        def finish(kernel):
            return ops.cast(ops.conv(features, ops.cast(kernel, features.dtype), padding="same"), "float32") + bias

        def reconstruction(kernel):
            return ops.mean(autoencoder.loss_per_image(images, finish(kernel), divergence))

        def adversarial(kernel):
            with frozen(self.discriminator):
                scores = self.discriminator(finish(kernel), training=training)
            return ops.mean(generator_losses("hinge", None, scores))

        kernel = ops.reshape(last.kernel, last.kernel.shape)  # a tensor, no variable
        loss, pull = autodiff.gradient(reconstruction, kernel)
        judged, push = autodiff.gradient(adversarial, kernel)
        pull, push = replicas.mean(pull), replicas.mean(push)
        balance = ops.clip(_length(pull) / (_length(push) + 1e-4), *WEIGHT_RANGE)
        balance = ops.stop_gradient(balance) * ops.cast(self.step >= self.start_step, "float32")

        decoded = ops.stop_gradient(finish(kernel))
        real = self.discriminator(images, training=training)
        painted = self.discriminator(decoded, training=training)
        against = 0.5 * ops.mean(discriminator_losses("hinge", real, painted))
        if training:
            self.step.assign_add(1.0)
        values = dict(zip(GAME, (judged, against, balance, real, painted), strict=True))
        for name, value in (values | measures(images, decoded, divergence)).items():
            self.trackers[name].update_state(ops.mean(value))
        return loss + self.weight * balance * judged + against

    def get_config(self):
        """The constructor's arguments, networks included."""
        networks = {"autoencoder": self.autoencoder, "discriminator": self.discriminator}
        return {
            **super().get_config(),
            **{name: keras.saving.serialize_keras_object(network) for name, network in networks.items()},
            "weight": self.weight,
            "start_step": self.start_step,
        }

    @classmethod
    def from_config(cls, config):
        """The model that `get_config` describes, with fresh weights."""
        networks = {
            name: keras.saving.deserialize_keras_object(config[name]) for name in ("autoencoder", "discriminator")
        }
        return cls(**{**config, **networks})


def _length(x):
    return ops.sqrt(ops.sum(ops.square(ops.cast(x, "float32"))))

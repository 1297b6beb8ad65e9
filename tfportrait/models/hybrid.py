"""A variational autoencoder whose decoder also plays against a discriminator (Larsen et al. 2016, VAE-GAN)."""

import math

import numpy as np
from keras import ops

from tfportrait.models.convolutional import check_shape
from tfportrait.models.gan import GAN, PLAYED, VALIDATION_SEED
from tfportrait.models.layers import register
from tfportrait.models.network import batch_images, decibels, record, to_uint8
from tfportrait.models.vae import GaussianEncoder, gaussian_nll, kl_divergence, reparameterize
from tfportrait.training import compiled, replicas


@register
class VAEGAN(GAN):
    """Encoder, generator and discriminator, trained on three losses in one backward pass.

    - Reconstruction: the negative ELBO of `VAE`, in nats per number. It trains encoder and generator.
    - Adversarial for the generator: its loss as in `GAN`, times `adversarial_weight`. Half of the images that it
      paints for it are of noise, half of the codes of real images. The encoder does not feel it.
    - Adversarial for the discriminator: as in `GAN`.

    Args:
        image_size, channels, latent_dim, width, attributes, loss, r1, r2, generator_normalization,
        discriminator_normalization, augmentation: as `GAN` takes them.
        beta: float. Weight of the divergence. Defaults to 1.
        adversarial_weight: float. Weight of the generator's adversarial loss beside the reconstruction's.
    """

    disk_config = {"_class_name": "VAEGAN"}
    averaged = ("encoder", "generator")
    tracked = (*PLAYED, "reconstruction", "kl", "psnr")

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
        generator_normalization="group",
        discriminator_normalization=None,
        augmentation=(),
        beta=1.0,
        adversarial_weight=0.05,
        **kwargs,
    ):
        if beta < 0 or adversarial_weight < 0:
            raise ValueError(f"beta={beta} and adversarial_weight={adversarial_weight} must not be negative")
        attributes = {name: list(values) for name, values in (attributes or {}).items()}
        config = record(VAEGAN, locals())
        game = {name: value for name, value in config.items() if name not in ("beta", "adversarial_weight")}
        super().__init__(**game, **kwargs)
        self.config = config
        self.beta, self.adversarial_weight = beta, adversarial_weight

    def make_players(self):
        super().make_players()
        config = self.config
        half = (config["image_size"], config["channels"], config["width"], config["generator_normalization"])
        self.encoder = GaussianEncoder(config["latent_dim"], *half, dtype=self.dtype_policy, name="encoder")

    def build(self, input_shape=None):
        super().build()
        self.encoder.build()

    def encode(self, images, *, seed=None):
        """Latents of images.

        Args:
            images: float (B, H, W, C) in [-1, 1].
            seed: int, `keras.random.SeedGenerator` or None. With a seed the latents are sampled; None takes their mean.

        Returns: float32 (B, latent_dim).
        """
        check_shape(images, self.config)
        mean, log_variance = self.encoder(images)
        return mean if seed is None else reparameterize(mean, log_variance, seed)

    def reconstruct(self, images):
        """Images through the mean of their latents and back: uint8 (N, H, W, C) to the same. Attributes: unknown."""

        def run(images):
            return self.generator(self.encode(images), self._labels(images, ops.shape(images)[0]))

        return to_uint8(compiled.compiled(self, "reconstruct", run)(batch_images(np.asarray(images))))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The sum of the three losses (see the class), float32 scalar; updates the metrics.

        Args:
            x: as `GAN.compute_loss` takes it.
            training: bool. Validation draws the same noise at every call.
        """
        real = batch_images(x)
        check_shape(real, self.config)
        labels = self._labels(x, ops.shape(real)[0])
        seeds = [self.seed_generator] * 3 if training else [VALIDATION_SEED + i for i in range(3)]
        mean, log_variance = self.encoder(real, training=training)
        latents = reparameterize(mean, log_variance, seeds[0])
        squared_error = ops.mean((real - self.generator(latents, labels, training=training)) ** 2, axis=(1, 2, 3))
        reconstruction = ops.mean(gaussian_nll(squared_error))
        kl = ops.mean(ops.sum(kl_divergence(mean, log_variance), axis=-1))
        values = {
            "reconstruction": reconstruction,
            "kl": kl,
            "psnr": ops.mean(decibels(squared_error)),
        }
        for name, value in values.items():
            self.trackers[name].update_state(value)

        noise = replicas.normal(ops.shape(latents), seed=seeds[1])
        of_noise = replicas.rows(ops.shape(real)[0])[:, None] % 2 == 0
        starts = ops.where(of_noise, noise, ops.stop_gradient(latents))
        painted = self.generator(starts, labels, training=training)
        generator_loss, discriminator_loss = self.play(real, painted, labels, seeds[2], training)
        return (
            reconstruction
            + self.beta * kl / math.prod(real.shape[1:])
            + self.adversarial_weight * generator_loss
            + discriminator_loss
        )

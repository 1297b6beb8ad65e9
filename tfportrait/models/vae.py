"""The variational autoencoder with a vector latent (Kingma & Welling 2014, Auto-Encoding Variational Bayes)."""

import math

import keras
import numpy as np
from keras import ops

from tfportrait.diffusion.noise import expand_seeds, unit_noise
from tfportrait.models.convolutional import ConvDecoder, ConvEncoder, check_images, check_shape
from tfportrait.models.layers import register
from tfportrait.models.network import Trained, batch_images, decibels, record, to_uint8
from tfportrait.training import compiled, replicas

LOG_VARIANCE_RANGE = (-20.0, 10.0)
VALIDATION_SEED = 20141


@register
class GaussianEncoder(keras.layers.Layer):
    """Images to mean and log-variance of their latents, two float32 (B, latent_dim).

    Args:
        latent_dim: int. Length of the latent vector.
        image_size, channels, width, normalization: as `ConvEncoder` takes them.
    """

    def __init__(self, latent_dim, image_size, channels, width, normalization=None, **kwargs):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.latent_dim = latent_dim
        self.half = {"image_size": image_size, "channels": channels, "width": width, "normalization": normalization}
        self.convolutions = ConvEncoder(**self.half, dtype=dtype, name="convolutions")
        self.moments = keras.layers.Dense(2 * latent_dim, dtype=dtype, name="moments")

    def build(self, input_shape=None):
        self.convolutions.build()
        self.moments.build((None, self.convolutions.features))

    def call(self, images, training=None):
        moments = self.moments(self.convolutions(ops.cast(images, self.compute_dtype)))
        mean, log_variance = ops.split(ops.cast(moments, "float32"), 2, axis=-1)
        return mean, ops.clip(log_variance, *LOG_VARIANCE_RANGE)

    def get_config(self):
        return {**super().get_config(), "latent_dim": self.latent_dim, **self.half}


@register
class VAE(Trained):
    """Images to a vector and back; decoded noise is a new image.

    The loss of an image x of D numbers, with mean m and log-variance v of its latents z from the encoder, is its
    negative evidence lower bound (ELBO), in nats for each of the D numbers:

        (-log N(x; decode(m + exp(v / 2) e), s^2) + beta * KL(N(m, exp v) || N(0, 1))) / D,    e ~ N(0, 1)
        KL = 1/2 sum_j (m_j^2 + exp v_j - 1 - v_j),

    the divergence *summed* over the latents. `decoder_std` is s; with None it is the root mean square error of the
    batch, which is the best s there is (Rybkin et al. 2021), so that nobody has to weigh one term against the other.

    Args:
        image_size: int. 32, 64, 128 or 256. Defaults to 64.
        channels: int. 1 (grey) or 3 (RGB).
        latent_dim: int. Length of the vector. Defaults to 100.
        width: int. Channels of the largest feature maps, a multiple of 8; each halving of the sides doubles them.
        normalization: `"batch"`, `"group"` or None. Defaults to `"group"`.
        beta: float. Weight of the divergence; above 1 each latent is pressed to carry less (Higgins et al. 2017).
        free_bits: float. Nats that each latent may carry free of charge, on average over the batch: its share of the
            divergence counts as max(free_bits, KL_j) (Kingma et al. 2016). Defaults to 0.
        decoder_std: float or None. Standard deviation of the decoder's normal distribution.
    """

    disk_config = {"_class_name": "VAE"}

    def __init__(
        self,
        *,
        image_size=64,
        channels=3,
        latent_dim=100,
        width=32,
        normalization="group",
        beta=1.0,
        free_bits=0.0,
        decoder_std=None,
        **kwargs,
    ):
        check_images(image_size, channels, width, normalization)
        if not isinstance(latent_dim, int) or latent_dim < 1:
            raise ValueError(f"latent_dim is {latent_dim!r}, but must be an integer of at least 1")
        if beta < 0 or free_bits < 0:
            raise ValueError(f"beta={beta} and free_bits={free_bits} must not be negative")
        if decoder_std is not None and not decoder_std > 0:
            raise ValueError(f"decoder_std is {decoder_std!r}, but must be above 0, or None")
        config = record(VAE, locals())
        super().__init__(**kwargs)
        self.config = config
        half, dtype = (image_size, channels, width, normalization), self.dtype_policy
        self.encoder = GaussianEncoder(latent_dim, *half, dtype=dtype, name="encoder")
        self.decoder = ConvDecoder(latent_dim, *half, dtype=dtype, name="decoder")
        self.seed_generator = keras.random.SeedGenerator(0)
        self.trackers = {name: keras.metrics.Mean(name=name) for name in ("reconstruction", "kl", "psnr")}
        self.build()

    def build(self, input_shape=None):
        self.encoder.build()
        self.decoder.build()

    @property
    def image_size(self):
        """int: the side of the images, in pixels."""
        return self.config["image_size"]

    @property
    def latent_dim(self):
        """int: the length of the latent vector."""
        return self.config["latent_dim"]

    def moments(self, images, training=None):
        """Mean and log-variance of the latents.

        Args:
            images: float (B, H, W, C) in [-1, 1].

        Returns: two float32 (B, latent_dim).
        """
        check_shape(images, self.config)
        return self.encoder(images, training=training)

    def encode(self, images, *, seed=None):
        """Latents of images.

        Args:
            images: float (B, H, W, C) in [-1, 1].
            seed: int, `keras.random.SeedGenerator` or None. With a seed the latents are sampled; None takes their mean.

        Returns: float32 (B, latent_dim).
        """
        mean, log_variance = self.moments(images)
        return mean if seed is None else reparameterize(mean, log_variance, seed)

    def decode(self, latents, training=None):
        """Images of latents (B, latent_dim): float32 (B, H, W, C) in [-1, 1]."""
        return self.decoder(ops.cast(latents, self.compute_dtype), training=training)

    def call(self, images, training=None):
        """Reconstruction through the mean of the latents, float32 (B, H, W, C). Takes what `fit` takes."""
        return self.decode(self.moments(batch_images(images), training)[0], training)

    def reconstruct(self, images):
        """Images through the mean of their latents and back: uint8 (N, H, W, C) to the same."""
        return to_uint8(compiled.compiled(self, "reconstruct", self.call)(batch_images(np.asarray(images))))

    def generate(self, count=None, *, seeds=0):
        """Paints images by decoding noise, with the averaged weights where training keeps an average.

        Args:
            count: int or None. Number of images for one seed. Defaults to None: 1, or as many as seeds.
            seeds: int or list of int in [0, 2**63). One per image; 7 for four images means 7, 8, 9, 10.

        Returns: uint8 (N, H, W, C).
        """
        noise = unit_noise(expand_seeds(seeds, count), 0, (self.latent_dim,))
        with self.averaged_weights():
            return to_uint8(compiled.compiled(self, "decode", self.decode)(noise))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The negative ELBO of a batch in nats per number (see the class), float32 scalar; updates the metrics.

        Equation: `vae.elbo`.

        Args:
            x: uint8, or float in [-1, 1], (B, H, W, C), or a dict that has it as "image".
            training: bool. Validation draws the same noise at every call.
        """
        images = batch_images(x)
        mean, log_variance = self.moments(images, training)
        latents = reparameterize(mean, log_variance, self.seed_generator if training else VALIDATION_SEED)
        squared_error = ops.mean((images - self.decode(latents, training)) ** 2, axis=(1, 2, 3))  # (B,)
        reconstruction = gaussian_nll(squared_error, self.config["decoder_std"])
        divergence = kl_divergence(mean, log_variance)  # (B, latent_dim)
        counted = divergence
        if self.config["free_bits"]:
            counted = ops.maximum(replicas.mean(ops.mean(divergence, axis=0, keepdims=True)), self.config["free_bits"])
        size = math.prod(images.shape[1:])
        losses = reconstruction + self.config["beta"] * ops.sum(counted, axis=-1) / size
        kl = ops.sum(divergence, axis=-1)
        values = {"reconstruction": reconstruction, "kl": kl, "psnr": decibels(squared_error)}
        for name, value in values.items():
            self.trackers[name].update_state(ops.mean(value))
        return ops.mean(losses if sample_weight is None else losses * sample_weight)


def reparameterize(mean, log_variance, seed):
    """A sample of N(mean, exp log_variance) through which gradients pass: mean + exp(log_variance / 2) * noise.

    Equation: `vae.reparameterization`.
    """
    return mean + ops.exp(0.5 * log_variance) * replicas.normal(ops.shape(mean), seed=seed)


def kl_divergence(mean, log_variance):
    """KL(N(mean, exp log_variance) || N(0, 1)) of each latent, in nats, of the shape of `mean`.

    Equation: `vae.kl`.
    """
    return 0.5 * (mean**2 + ops.exp(log_variance) - 1.0 - log_variance)


def gaussian_nll(squared_error, std=None):
    """-log N(x; mean, std^2) per number, in nats, from the mean squared error of each image, (B,).

    With `std=None` the standard deviation is the best one for the batch, the root of the batch's mean squared error;
    no gradient passes through it, which leaves the gradient as it is: the derivative by the best value is zero.

    Equation: `vae.likelihood`.
    """
    if std is None:
        variance = ops.maximum(ops.stop_gradient(replicas.mean(ops.mean(squared_error))), 1e-6)
    else:
        variance = ops.convert_to_tensor(std, "float32") ** 2
    return 0.5 * (squared_error / variance + ops.log(2.0 * math.pi * variance))

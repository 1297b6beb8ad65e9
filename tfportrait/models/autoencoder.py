"""The autoencoder of Stable Diffusion (Rombach et al. 2022, section 3.1), every size an argument."""

import keras
import numpy as np
from keras import ops

from tfportrait.models.layers import (
    Attention,
    Downsample2D,
    ResnetBlock2D,
    Upsample2D,
    build_all,
    conv,
    normalize_and_convolve,
    register,
)
from tfportrait.models.network import Network, batch_images, check_sides, decibels, one_of, record, to_uint8
from tfportrait.models.normalization import GroupNorm
from tfportrait.models.vae import kl_divergence, reparameterize
from tfportrait.training import Trainable
from tfportrait.training.compiled import compiled

EPSILON = 1e-6
MEASURES = ("reconstruction", "kl", "psnr")
LOG_VARIANCE_RANGE = (-30.0, 20.0)


@register
class SpatialAttention(Attention):
    """Single-head self-attention over the pixels, with its norm in front and a residual.

    Args:
        channels: int. Channels of input and output.
        norm_num_groups: int. Groups of the normalisation.
    """

    def __init__(self, channels, norm_num_groups, **kwargs):
        super().__init__(channels, num_heads=1, use_bias=True, **kwargs)
        self.group_norm = GroupNorm(norm_num_groups, EPSILON, dtype=self.dtype_policy, name="group_norm")

    def build(self, input_shape=None):
        super().build()
        build_all([self.group_norm], self.channels)

    def call(self, x):
        shape = ops.shape(x)
        h = ops.reshape(self.group_norm(x), (shape[0], -1, self.channels))  # (B, H W, C)
        return x + ops.reshape(super().call(h), shape)


@register
class AutoencoderBlock(keras.layers.Layer):
    """Residual blocks with an attention block behind the first or not, and the change of size at the end.

    Args:
        in_channels: int.
        out_channels: int.
        num_layers: int. Residual blocks.
        norm_num_groups: int.
        attention: bool. Whether the first residual block has attention behind it. Defaults to `False`.
        resample: `"down"`, `"up"` or None. Defaults to `None`.
    """

    def __init__(
        self, in_channels, out_channels, num_layers, norm_num_groups, attention=False, resample=None, **kwargs
    ):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.resnets = [
            ResnetBlock2D(
                out_channels if i else in_channels,
                out_channels,
                norm_num_groups,
                EPSILON,
                dtype=dtype,
                name=f"resnets_{i}",
            )
            for i in range(num_layers)
        ]
        self.attentions = [
            SpatialAttention(out_channels, norm_num_groups, dtype=dtype, name="attentions_0")
        ] * attention
        self.downsamplers = [Downsample2D(out_channels, 0, dtype=dtype, name="downsamplers_0")] * (resample == "down")
        self.upsamplers = [Upsample2D(out_channels, dtype=dtype, name="upsamplers_0")] * (resample == "up")

    def build(self, input_shape=None):
        for layer in (*self.resnets, *self.attentions, *self.downsamplers, *self.upsamplers):
            layer.build()

    def call(self, x):
        first, *rest = self.resnets
        for layer in (first, *self.attentions, *rest, *self.downsamplers, *self.upsamplers):
            x = layer(x)
        return x


@register
class Encoder(keras.layers.Layer):
    """Images to mean and log-variance, before `quant_conv`.

    Args:
        in_channels: int.
        latent_channels: int. The output has twice as many.
        block_out_channels: list of int. Channels of each level.
        layers_per_block: int.
        norm_num_groups: int.
        mid_block_add_attention: bool.
    """

    def __init__(
        self,
        in_channels,
        latent_channels,
        block_out_channels,
        layers_per_block,
        norm_num_groups,
        mid_block_add_attention,
        **kwargs,
    ):
        super().__init__(**kwargs)
        dtype, channels = self.dtype_policy, block_out_channels
        self.in_channels, self.channels = in_channels, channels
        self.conv_in = conv(channels[0], 3, dtype=dtype, name="conv_in")
        self.down_blocks = [
            AutoencoderBlock(
                channels[max(i - 1, 0)],
                width,
                layers_per_block,
                norm_num_groups,
                resample="down" if i < len(channels) - 1 else None,
                dtype=dtype,
                name=f"down_blocks_{i}",
            )
            for i, width in enumerate(channels)
        ]
        self.mid_block = AutoencoderBlock(
            channels[-1], channels[-1], 2, norm_num_groups, mid_block_add_attention, dtype=dtype, name="mid_block"
        )
        self.conv_norm_out = GroupNorm(norm_num_groups, EPSILON, "silu", dtype=dtype, name="conv_norm_out")
        self.conv_out = conv(2 * latent_channels, 3, dtype=dtype, name="conv_out")

    def build(self, input_shape=None):
        build_all([self.conv_in], self.in_channels)
        build_all([*self.down_blocks, self.mid_block, self.conv_norm_out, self.conv_out], self.channels[-1])

    def call(self, x):
        x = self.conv_in(x)
        for block in (*self.down_blocks, self.mid_block):
            x = block(x)
        return normalize_and_convolve(self.conv_norm_out, self.conv_out, x) + self.conv_out.bias


@register
class Decoder(keras.layers.Layer):
    """Latents, after `post_quant_conv`, to images.

    Args:
        latent_channels: int.
        out_channels: int.
        block_out_channels: list of int. Channels of each level, highest resolution first.
        layers_per_block: int. The decoder has one more in each block.
        norm_num_groups: int.
        mid_block_add_attention: bool.
    """

    def __init__(
        self,
        latent_channels,
        out_channels,
        block_out_channels,
        layers_per_block,
        norm_num_groups,
        mid_block_add_attention,
        **kwargs,
    ):
        super().__init__(**kwargs)
        dtype, channels = self.dtype_policy, block_out_channels[::-1]
        self.latent_channels, self.channels = latent_channels, channels
        self.conv_in = conv(channels[0], 3, dtype=dtype, name="conv_in")
        self.mid_block = AutoencoderBlock(
            channels[0], channels[0], 2, norm_num_groups, mid_block_add_attention, dtype=dtype, name="mid_block"
        )
        self.up_blocks = [
            AutoencoderBlock(
                channels[max(i - 1, 0)],
                width,
                layers_per_block + 1,
                norm_num_groups,
                resample="up" if i < len(channels) - 1 else None,
                dtype=dtype,
                name=f"up_blocks_{i}",
            )
            for i, width in enumerate(channels)
        ]
        self.conv_norm_out = GroupNorm(norm_num_groups, EPSILON, "silu", dtype=dtype, name="conv_norm_out")
        self.conv_out = conv(out_channels, 3, dtype=dtype, name="conv_out")

    def build(self, input_shape=None):
        build_all([self.conv_in], self.latent_channels)
        build_all([self.mid_block, *self.up_blocks, self.conv_norm_out, self.conv_out], self.channels[-1])

    def features(self, x):
        """What the last convolution sees, (B, H, W, first of block_out_channels)."""
        return self.conv_norm_out(self._enlarge(x))

    def call(self, x):
        return normalize_and_convolve(self.conv_norm_out, self.conv_out, self._enlarge(x)) + self.conv_out.bias

    def _enlarge(self, x):
        x = self.conv_in(x)
        for block in (self.mid_block, *self.up_blocks):
            x = block(x)
        return x


@register
class AutoencoderKL(Network, Trainable):
    """Variational autoencoder: images to latents with smaller sides, and back.

    The keyword arguments are the keys of diffusers' `AutoencoderKL`, with the same defaults and meaning, plus
    `kl_weight` and `perceptual_weight`, which only training uses. Stable Diffusion's is `AutoencoderKL(
    block_out_channels=(128, 256, 512, 512), layers_per_block=2, sample_size=512)`.

    The loss of an image x, with mean and log-variance of its latents from the encoder, one sample z of them and the
    error e = x - decode(z), is

        mean |e| + sqrt(mean e^2) + perceptual_weight * perceptual(x, decode(z))
        + kl_weight * KL(N(mean, variance) || N(0, 1)),

    the errors averaged over pixels and channels, the KL divergence *summed* over the latents of an image. The root
    mean square gives small, strong details (eyes, earrings, outlines) the weight that the absolute error denies them.
    (The reference implementation has the absolute error alone, and sums it: its KL term is lighter by the number of
    pixels.)

    Args:
        in_channels: int. Channels of the images.
        out_channels: int. Channels of the reconstructions.
        down_block_types: sequence of `"DownEncoderBlock2D"` or None. One for each level. Defaults to `None`: as
            many as `block_out_channels`.
        up_block_types: sequence of `"UpDecoderBlock2D"` or None. Likewise.
        block_out_channels: sequence of int. Channels of each level; a level more halves the sides of the latents.
        layers_per_block: int. Residual blocks in each level of the encoder (one more in the decoder).
        latent_channels: int. Channels of the latents.
        norm_num_groups: int. Groups of the group normalisations; divides all channels.
        sample_size: int. Side of the images that it was trained on; any size that the levels divide works.
        scaling_factor: float. `encode` multiplies by it and `decode` divides, so that latents have unit deviation.
        use_quant_conv: bool. Whether a 1x1 convolution follows the encoder.
        use_post_quant_conv: bool. Whether a 1x1 convolution precedes the decoder.
        mid_block_add_attention: bool. Whether the lowest level has attention.
        norm_eps: float. Epsilon of the group normalisations.
        kl_weight: float. Defaults to `1e-6`.
        perceptual_weight: float. Counts only where `perceptual` is set. Defaults to `1.0`.

    Attributes: `perceptual`, a callable (images, reconstructions) -> float (B,), or None; it is not saved.
    """

    disk_config = {"_class_name": "AutoencoderKL", "act_fn": "silu"}
    accepted_config = {"force_upcast": None}
    constants = {"norm_eps": EPSILON, "kl_weight": 1e-6, "perceptual_weight": 1.0}

    def __init__(
        self,
        *,
        in_channels=3,
        out_channels=3,
        down_block_types=None,
        up_block_types=None,
        block_out_channels=(64,),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=32,
        sample_size=32,
        scaling_factor=0.18215,
        use_quant_conv=True,
        use_post_quant_conv=True,
        mid_block_add_attention=True,
        norm_eps=EPSILON,
        kl_weight=1e-6,
        perceptual_weight=1.0,
        **kwargs,
    ):
        down_block_types = down_block_types or ("DownEncoderBlock2D",) * len(block_out_channels)
        up_block_types = up_block_types or ("UpDecoderBlock2D",) * len(block_out_channels)
        config = record(AutoencoderKL, locals())
        _check_config(config)
        super().__init__(**kwargs)
        self.config = config
        dtype, channels = self.dtype_policy, config["block_out_channels"]
        inner = (channels, layers_per_block, norm_num_groups, mid_block_add_attention)
        self.encoder = Encoder(in_channels, latent_channels, *inner, dtype=dtype, name="encoder")
        self.decoder = Decoder(latent_channels, out_channels, *inner, dtype=dtype, name="decoder")
        if use_quant_conv:
            self.quant_conv = conv(2 * latent_channels, 1, dtype=dtype, name="quant_conv")
        if use_post_quant_conv:
            self.post_quant_conv = conv(latent_channels, 1, dtype=dtype, name="post_quant_conv")
        for layer in self._flatten_layers():
            if isinstance(layer, GroupNorm):
                layer.epsilon = norm_eps
        self.perceptual = None
        self.seed_generator = keras.random.SeedGenerator(0)
        self.trackers = {name: keras.metrics.Mean(name=name) for name in MEASURES}
        self.build()

    def build(self, input_shape=None):
        config = self.config
        self.encoder.build()
        self.decoder.build()
        if config["use_quant_conv"]:
            build_all([self.quant_conv], 2 * config["latent_channels"])
        if config["use_post_quant_conv"]:
            build_all([self.post_quant_conv], config["latent_channels"])

    @property
    def scaling_factor(self):
        """Standard deviation 1 / scaling_factor is what unscaled latents have."""
        return self.config["scaling_factor"]

    @scaling_factor.setter
    def scaling_factor(self, value):
        self.config = {**self.config, "scaling_factor": float(value)}

    @property
    def reduction(self):
        """Side of an image divided by the side of its latents."""
        return 2 ** (len(self.config["block_out_channels"]) - 1)

    def moments(self, images):
        """Mean and log-variance of the latents, unscaled.

        Args:
            images: float (B, H, W, in_channels) in [-1, 1]; H and W divisible by `reduction`.

        Returns: two tensors (B, H / reduction, W / reduction, latent_channels), the log-variance in [-30, 20], float32.
        """
        check_sides(images.shape, self.reduction)
        h = self.encoder(ops.cast(images, self.compute_dtype))
        if self.config["use_quant_conv"]:
            h = self.quant_conv(h)
        mean, log_variance = ops.split(ops.cast(h, "float32"), 2, axis=-1)
        return mean, ops.clip(log_variance, *LOG_VARIANCE_RANGE)

    def encode(self, images, *, seed=None):
        """Latents times `scaling_factor`.

        Args:
            images: float (B, H, W, in_channels) in [-1, 1].
            seed: int, `keras.random.SeedGenerator` or None. With a seed the latents are sampled; None takes their mean.

        Returns: float32 (B, H / reduction, W / reduction, latent_channels).
        """
        mean, log_variance = self.moments(images)
        if seed is not None:
            mean = reparameterize(mean, log_variance, seed)
        return mean * self.scaling_factor

    def decode(self, latents):
        """Images of latents that `encode` returns.

        Args:
            latents: float (B, h, w, latent_channels).

        Returns: float32 (B, h * reduction, w * reduction, out_channels), about [-1, 1], not clipped.
        """
        return self._decode(ops.cast(latents, "float32") / self.scaling_factor)

    def reconstruct(self, images):
        """Images through the mean of their latents and back.

        Args:
            images: uint8 (N, H, W, in_channels).

        Returns: uint8 of the same shape, in NumPy.
        """
        run = compiled(self, "reconstruct", self.call)
        decoded = run(np.asarray(images, "float32") / 127.5 - 1.0)
        return to_uint8(decoded)

    def decoder_input(self, latents):
        """What the decoder takes for unscaled latents."""
        h = ops.cast(latents, self.compute_dtype)
        return self.post_quant_conv(h) if self.config["use_post_quant_conv"] else h

    def _decode(self, latents):
        return ops.cast(self.decoder(self.decoder_input(latents)), "float32")

    def call(self, images):
        """Reconstruction through the mean of the latents, float32 (B, H, W, out_channels). Takes what `fit` takes."""
        return self._decode(self.moments(batch_images(images))[0])

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The loss of a batch of images (see the class), float32 scalar; updates the metrics.

        Validation decodes the mean of the latents, so that it is deterministic.

        Args:
            x: float (B, H, W, in_channels) in [-1, 1], or a dict that has it as `"image"`.
            y: Ignored, as is `y_pred`.
            sample_weight: float (B,) or None. Weight of each image.
            training: bool. Whether the latents are sampled.
        """
        images = batch_images(x)
        latents, divergence = self.sample(images, training)
        decoded = self._decode(latents)
        losses = self.loss_per_image(images, decoded, divergence)
        for name, value in measures(images, decoded, divergence).items():
            self.trackers[name].update_state(ops.mean(value))
        return ops.mean(losses if sample_weight is None else losses * sample_weight)

    def sample(self, images, training):
        """Unscaled latents as training draws them (else their mean), and their divergence from the prior, (B,)."""
        mean, log_variance = self.moments(images)
        latents = mean
        if training:
            latents = reparameterize(mean, log_variance, self.seed_generator)
        return latents, ops.sum(kl_divergence(mean, log_variance), axis=(1, 2, 3))

    def loss_per_image(self, images, decoded, divergence):
        """The loss of each image (see the class), float32 (B,)."""
        losses = _reconstruction(images, decoded) + self.config["kl_weight"] * divergence
        if self.perceptual is not None:
            losses = losses + self.config["perceptual_weight"] * self.perceptual(images, decoded)
        return losses


def measures(images, decoded, divergence):
    """What both autoencoders show while they train, dict of name to (B,)."""
    squared_error = ops.mean((images - ops.clip(decoded, -1, 1)) ** 2, axis=(1, 2, 3))
    return {"reconstruction": _reconstruction(images, decoded), "kl": divergence, "psnr": decibels(squared_error)}


def _reconstruction(images, decoded):
    error = images - decoded
    return ops.mean(ops.abs(error), axis=(1, 2, 3)) + ops.sqrt(ops.mean(error**2, axis=(1, 2, 3)) + 1e-8)


def _check_config(config):
    levels = len(config["block_out_channels"])
    for name, valid in (("down_block_types", "DownEncoderBlock2D"), ("up_block_types", "UpDecoderBlock2D")):
        if len(config[name]) != levels:
            raise ValueError(f"{name} has {len(config[name])} entries for {levels} levels (block_out_channels)")
        for value in config[name]:
            one_of(name, value, (valid,))

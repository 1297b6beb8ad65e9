"""Diffusion in pixels at the price of latents: the U-Net works on cells of pixels, whose numbers are its channels."""

import keras
from keras import ops

from tfportrait.diffusion import Denoiser, add_noise, prediction, schedules
from tfportrait.models.network import Trained
from tfportrait.models.unet import UNet
from tfportrait.training import replicas

VALIDATION_SEED = 20221  # the noise of the validation loss never changes


class CellDiffusion(Trained):
    """A diffusion model whose U-Net has no attention: any size works, and it can be trained on small crops.

    A subclass says in `_clean` what is painted. Its constructor calls `_start`.
    """

    def _start(self, config, cell_channels, channels_beside):
        """Makes the U-Net and what training and sampling need.

        Args:
            config: dict. "block_out_channels", "layers_per_block" and "norm_num_groups" of the U-Net, at least.
            cell_channels: int. Of what is painted.
            channels_beside: int. Of what the U-Net sees beside it.
        """
        self.config = config
        levels = len(config["block_out_channels"])
        self.unet = UNet(
            in_channels=cell_channels + channels_beside,
            out_channels=cell_channels,
            down_block_types=["DownBlock2D"] * levels,
            mid_block_type="UNetMidBlock2D",
            up_block_types=["UpBlock2D"] * levels,
            cross_attention_dim=None,
            **{name: config[name] for name in ("block_out_channels", "layers_per_block", "norm_num_groups")},
            dtype=self.dtype_policy,
            name="unet",
        )
        self.schedule = schedules.get({"name": "cosine", "timestep_spacing": "trailing"})
        self.prediction = prediction.get("v_prediction")
        self.seed_generator = keras.random.SeedGenerator(0)
        self.built = True

    def _clean(self, x):
        """What is to be painted, float32 (B, h, w, c), and what the U-Net sees beside it, a tensor or None."""
        raise NotImplementedError

    def call(self, inputs, training=None):
        x_0, beside = self._clean(inputs)
        return self._predict(x_0, ops.zeros((ops.shape(x_0)[0],)), beside)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The denoising loss of velocity at times stratified over the batch, float32 scalar.

        Args:
            x: what the class takes as call arguments.
        """
        x_0, beside = self._clean(x)
        size = ops.shape(x_0)[0]
        seeds = [self.seed_generator] * 2 if training else [VALIDATION_SEED + i for i in range(2)]
        time = self.schedule.sample_times(replicas.stratified(size, seeds[0]))
        signal_rate, noise_rate = self.schedule.rates(time)
        unit_noise = replicas.normal(ops.shape(x_0), seed=seeds[1])
        noisy = add_noise(x_0, unit_noise, signal_rate, noise_rate)
        output = self._predict(noisy, self.schedule.network_time(time), beside, training=training)
        target = self.prediction.target(x_0, unit_noise, signal_rate, noise_rate)
        losses = ops.mean(ops.square(ops.cast(output, "float32") - target), axis=(1, 2, 3))
        return ops.mean(losses if sample_weight is None else losses * ops.cast(sample_weight, "float32"))

    def _denoise(self, x, signal_rate, noise_rate, beside=None):
        """What `x` (B, h, w, c) is without its noise."""
        network = Denoiser(lambda x, time: self._predict(x, time, beside), self.schedule, self.prediction)
        return network(x, signal_rate, noise_rate)

    def _predict(self, x, time, beside, training=None):
        return self.unet(x if beside is None else ops.concatenate([x, beside], axis=-1), time, training=training)


def to_cells(images, side):
    """Pixels of cells as channels: (B, H, W, C) to (B, H / side, W / side, side^2 C)."""
    _, height, width, channels = images.shape
    x = ops.reshape(images, (-1, height // side, side, width // side, side, channels))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, height // side, width // side, side**2 * channels))


def to_pixels(cells, side):
    """The inverse of `to_cells`: (B, h, w, side^2 C) to (B, side h, side w, C)."""
    _, height, width, channels = cells.shape
    x = ops.reshape(cells, (-1, height, width, side, side, channels // side**2))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, side * height, side * width, channels // side**2))

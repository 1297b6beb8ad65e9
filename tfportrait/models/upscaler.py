"""Super-resolution by diffusion: what a small image lacks, painted under the control of what it has."""

import keras
import numpy as np
from keras import ops

from tfportrait.diffusion import Denoiser, add_noise, noise, prediction, samplers, schedules, spacing
from tfportrait.models.network import Trained, batch_images, record, to_uint8
from tfportrait.models.unet import UNet
from tfportrait.training.compiled import compiled

VALIDATION_SEED = 20221  # the noise of the validation loss never changes
PATCH = 2  # pixels of the small image along the side of a cell that the U-Net sees as one
PIXELS_AT_ONCE = 2**18  # of the large images that are made together


@keras.saving.register_keras_serializable("tfportrait")
class Upscaler(Trained):
    """Images of twice the sides: SR3's idea (Saharia et al. 2021), a diffusion model that sees the small image.

    What is painted is the difference between the large image and the small one enlarged by bicubic interpolation,
    divided by `residual_scale`. The U-Net works on cells of 4x4 pixels (2x2 of the small image), whose numbers are its
    channels (Shi et al. 2016), so that it works at a quarter of the large image's sides. It has no attention: any size
    works, and it is trained on small crops.

    Args:
        block_out_channels: sequence of int. Channels of the levels of the U-Net.
        layers_per_block: int. Residual blocks of a level on the way down (one more on the way up).
        norm_num_groups: int. Groups of the group normalisations.
        residual_scale: float. Standard deviation of the differences.

    Call arguments: float (B, H, W, 3) large images in [-1, 1], or a dict as `compute_loss` takes it.
    Returns: float (B, H / 4, W / 4, 48), what the U-Net predicts from the difference without noise.
    """

    disk_config = {"_class_name": "Upscaler"}

    def __init__(
        self, *, block_out_channels=(64, 96, 128), layers_per_block=2, norm_num_groups=16, residual_scale=0.1, **kwargs
    ):
        config = record(Upscaler, locals())
        super().__init__(**kwargs)
        self.config = config
        self.residual_scale = residual_scale
        levels, cell = len(block_out_channels), 3 * PATCH**2
        self.unet = UNet(
            in_channels=4 * cell + cell + 1,  # the noisy difference, the small image, how it came to be
            out_channels=4 * cell,
            down_block_types=["DownBlock2D"] * levels,
            mid_block_type="UNetMidBlock2D",
            up_block_types=["UpBlock2D"] * levels,
            block_out_channels=block_out_channels,
            layers_per_block=layers_per_block,
            norm_num_groups=norm_num_groups,
            cross_attention_dim=None,
            dtype=self.dtype_policy,
            name="unet",
        )
        self.schedule = schedules.get({"name": "cosine", "timestep_spacing": "trailing"})
        self.prediction = prediction.get("v_prediction")
        self.seed_generator = keras.random.SeedGenerator(0)
        self.built = True

    @property
    def unit(self):
        """int: what the sides of small images must be multiples of."""
        return PATCH * 2 ** (len(self.config["block_out_channels"]) - 1)

    def call(self, images, training=None):
        high, low, painted = self._batch(images)
        return self._predict(self._residual(high, low), ops.zeros((ops.shape(high)[0],)), low, painted)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The denoising loss of velocity at times stratified over the batch, float32 scalar.

        Args:
            x: float32 or uint8 (B, H, W, 3) large images, or a dict of "image" and, of what was small from the start,
                "low" (B, H / 2, W / 2, 3) and "painted", float32 (B,): 1 where that is an autoencoder's, and the large
                image shows what the autoencoder has lost. Without them the small images are the mean of 2x2 pixels.
        """
        high, low, painted = self._batch(x)
        size = ops.shape(high)[0]
        seeds = [self.seed_generator] * 2 if training else [VALIDATION_SEED + i for i in range(2)]
        x_0 = self._residual(high, low)
        jitter = keras.random.uniform((), seed=seeds[0])
        share = (ops.arange(size, dtype="float32") + jitter) / ops.cast(size, "float32")
        time = self.schedule.sample_times(share)
        signal_rate, noise_rate = self.schedule.rates(time)
        unit_noise = keras.random.normal(ops.shape(x_0), seed=seeds[1])
        noisy = add_noise(x_0, unit_noise, signal_rate, noise_rate)
        output = self._predict(noisy, self.schedule.network_time(time), low, painted, training=training)
        target = self.prediction.target(x_0, unit_noise, signal_rate, noise_rate)
        losses = ops.mean(ops.square(ops.cast(output, "float32") - target), axis=(1, 2, 3))
        return ops.mean(losses if sample_weight is None else losses * ops.cast(sample_weight, "float32"))

    def generate(self, images, *, seeds=0, num_steps=2, painted=False):
        """Images of twice the sides, with the averaged weights where training keeps an average.

        Args:
            images: uint8 (N, H, W, 3). Sides are multiples of `unit`.
            seeds: int or list of N int. The same seed gives the same image in any batch.
            num_steps: int >= 1. Steps of DDIM.
            painted: bool. Whether they come from a painter, whose autoencoder has lost what is to be drawn anew.

        Returns: uint8 (N, 2 H, 2 W, 3).
        """
        count, height, width, _ = images.shape
        seeds = noise.expand_seeds(seeds, count)
        rates = spacing.rates(self.schedule, "ddim", num_steps)
        cells = (height // PATCH, width // PATCH, 12 * PATCH**2)
        painted = np.full((1,), painted, "float32")

        def denoise(x, signal_rate, noise_rate, low, painted):
            def network(x, time):
                return self._predict(x, time, low, painted)

            return Denoiser(network, self.schedule, self.prediction)(x, signal_rate, noise_rate)

        run = compiled(self, "denoise", denoise)
        finish = compiled(
            self, "finish", lambda low, x: enlarge(low) + to_pixels(ops.cast(x, "float32")) * self.residual_scale
        )
        made, together = [], max(1, PIXELS_AT_ONCE // (4 * height * width))
        with self.averaged_weights():
            for start in range(0, count, together):
                part = slice(start, start + together)
                low = images[part].astype("float32") / 127.5 - 1.0

                def bound(x, signal_rate, noise_rate, low=low):
                    return run(x, np.float32(signal_rate), np.float32(noise_rate), low, painted)

                x = ops.convert_to_tensor(noise.unit_noise(seeds[part], 0, cells))
                x = samplers.ddim(bound, x, rates, None)
                made.append(to_uint8(finish(low, x)))
        return np.concatenate(made)

    def _batch(self, x):
        high = batch_images(x)
        if not isinstance(x, dict) or "low" not in x:
            return high, ops.average_pool(high, 2), ops.zeros((1,))
        return high, batch_images({"image": x["low"]}), x["painted"]

    def _residual(self, high, low):
        return to_cells(high - enlarge(low), 2 * PATCH) / self.residual_scale

    def _predict(self, x, time, low, painted, training=None):
        cells = to_cells(low, PATCH)
        painted = ops.broadcast_to(ops.reshape(painted, (-1, 1, 1, 1)), (*ops.shape(cells)[:3], 1))
        return self.unet(ops.concatenate([x, cells, painted], axis=-1), time, training=training)


def enlarge(images):
    """Images of twice the sides by bicubic interpolation."""
    height, width = images.shape[1:3]
    return ops.image.resize(images, (2 * height, 2 * width), interpolation="bicubic")


def to_cells(images, side):
    """Pixels of cells as channels: (B, H, W, C) to (B, H / side, W / side, side^2 C)."""
    _, height, width, channels = images.shape
    x = ops.reshape(images, (-1, height // side, side, width // side, side, channels))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, height // side, width // side, side**2 * channels))


def to_pixels(cells, side=2 * PATCH):
    """The inverse of `to_cells`: (B, h, w, side^2 C) to (B, side h, side w, C)."""
    _, height, width, channels = cells.shape
    x = ops.reshape(cells, (-1, height, width, side, side, channels // side**2))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, side * height, side * width, channels // side**2))

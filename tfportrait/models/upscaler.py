"""Super-resolution by diffusion: what a small image lacks, painted under the control of what it has."""

import keras
import numpy as np
from keras import ops

from tfportrait.diffusion import noise, samplers, spacing
from tfportrait.models.cells import CellDiffusion, to_cells, to_pixels
from tfportrait.models.network import batch_images, record, to_uint8
from tfportrait.training.compiled import compiled

PATCH = 2  # pixels of the small image along the side of a cell that the U-Net sees as one
PIXELS_AT_ONCE = 2**18  # of the large images that are made together


@keras.saving.register_keras_serializable("tfportrait")
class Upscaler(CellDiffusion):
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

    Call arguments: float32 or uint8 (B, H, W, 3) large images, floats in [-1, 1], or a dict of "image" and, of what was
        small from the start, "low" (B, H / 2, W / 2, 3) and "painted", float32 (B,): 1 where that is an autoencoder's,
        and the large image shows what the autoencoder has lost. Without them the small images are the mean of 2x2
        pixels. `fit` takes the same.
    Returns: float (B, H / 4, W / 4, 48), what the U-Net predicts from the difference without noise.
    """

    disk_config = {"_class_name": "Upscaler"}

    def __init__(
        self, *, block_out_channels=(64, 96, 128), layers_per_block=2, norm_num_groups=16, residual_scale=0.1, **kwargs
    ):
        config = record(Upscaler, locals())
        super().__init__(**kwargs)
        self.residual_scale = residual_scale
        cell = 3 * PATCH**2
        self._start(config, 4 * cell, cell + 1)  # beside the noisy difference: the small image, how it came to be

    @property
    def unit(self):
        """int: what the sides of small images must be multiples of."""
        return PATCH * 2 ** (len(self.config["block_out_channels"]) - 1)

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
            return self._denoise(x, signal_rate, noise_rate, _beside(low, painted))

        def finish(low, x):
            return enlarge(low) + to_pixels(ops.cast(x, "float32"), 2 * PATCH) * self.residual_scale

        run, finish = compiled(self, "denoise", denoise), compiled(self, "finish", finish)
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

    def _clean(self, x):
        high = batch_images(x)
        if not isinstance(x, dict) or "low" not in x:
            low, painted = ops.average_pool(high, 2), ops.zeros((1,))
        else:
            low, painted = batch_images({"image": x["low"]}), x["painted"]
        return to_cells(high - enlarge(low), 2 * PATCH) / self.residual_scale, _beside(low, painted)


def _beside(low, painted):
    """What the U-Net sees: cells of the small image, and how it came to be."""
    cells = to_cells(low, PATCH)
    painted = ops.broadcast_to(ops.reshape(painted, (-1, 1, 1, 1)), (*ops.shape(cells)[:3], 1))
    return ops.concatenate([cells, painted], axis=-1)


def enlarge(images):
    """Images of twice the sides by bicubic interpolation."""
    height, width = images.shape[1:3]
    return ops.image.resize(images, (2 * height, 2 * width), interpolation="bicubic")

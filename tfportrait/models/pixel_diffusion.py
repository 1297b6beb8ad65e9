"""Diffusion on the pixels themselves: a denoiser of images, which knows what images look like."""

import functools

import keras
import numpy as np
from keras import ops

from tfportrait.diffusion import noise, samplers, spacing
from tfportrait.models.cells import CellDiffusion, to_cells, to_pixels
from tfportrait.models.network import batch_images, check_sides, record, to_uint8
from tfportrait.training.compiled import compiled


@keras.saving.register_keras_serializable("tfportrait")
class PixelDiffusion(CellDiffusion):
    """An unconditional diffusion model of images, without an autoencoder that would lose something of them.

    It is the prior of `tfportrait.tasks.restore`: what is left open by a damaged image is decided by it.

    Args:
        cell: int. Pixels along the side of the cells that the U-Net works on (Shi et al. 2016).
        block_out_channels: sequence of int. Channels of the levels of the U-Net.
        layers_per_block: int. Residual blocks of a level on the way down (one more on the way up).
        norm_num_groups: int. Groups of the group normalisations.

    Call arguments: float32 or uint8 (B, H, W, 3) images, floats in [-1, 1], or a dict that has them as "image". `fit`
        takes the same.
    Returns: float (B, H / cell, W / cell, 3 cell^2), what the U-Net predicts from images without noise.
    """

    disk_config = {"_class_name": "PixelDiffusion"}

    def __init__(
        self, *, cell=2, block_out_channels=(32, 64, 96, 96), layers_per_block=1, norm_num_groups=16, **kwargs
    ):
        config = record(PixelDiffusion, locals())
        super().__init__(**kwargs)
        self.cell = cell
        self._start(config, 3 * cell**2, 0)

    @property
    def unit(self):
        """int: what the sides of images must be multiples of."""
        return self.cell * 2 ** (len(self.config["block_out_channels"]) - 1)

    def denoise(self, images, signal_rate, noise_rate):
        """The images, most probably, in noisy ones: the mean of all that they may be.

        Args:
            images: float (N, H, W, 3). signal_rate * x_0 + noise_rate * unit noise. Sides are multiples of `unit`.
            signal_rate, noise_rate: float.

        Returns: float32 (N, H, W, 3), x_0 in [-1, 1] but for the network's errors.
        """
        check_sides(images.shape, self.unit)

        def denoise(x, signal_rate, noise_rate):
            return to_pixels(self._denoise(to_cells(x, self.cell), signal_rate, noise_rate), self.cell)

        run = compiled(self, "denoise", denoise)
        return run(ops.cast(images, "float32"), np.float32(signal_rate), np.float32(noise_rate))

    def generate(self, *, seeds=0, num_steps=20, sampler="dpmpp_2m", image_size=128):
        """Images from noise alone, with the averaged weights where training keeps an average.

        Args:
            seeds: int or list of int. One per image.
            num_steps: int >= 1.
            sampler: str. One of `tfportrait.diffusion.samplers.SAMPLERS`.
            image_size: int or (int, int). (height, width), multiples of `unit`.

        Returns: uint8 (N, H, W, 3).
        """
        seeds = noise.expand_seeds(seeds, 1 if isinstance(seeds, int) else len(seeds))
        sides = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
        shape = (*sides, 3)
        rates = spacing.rates(self.schedule, sampler, num_steps)
        with self.averaged_weights():
            start = ops.convert_to_tensor(noise.unit_noise(seeds, 0, shape))
            unit_noise = functools.partial(noise.unit_noise, seeds, shape=shape)
            return to_uint8(samplers.get(sampler)(self.denoise, start, rates, lambda i: unit_noise(i + 1)))

    def _clean(self, x):
        return to_cells(batch_images(x), self.cell), None

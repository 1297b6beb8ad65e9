"""Restoring: what is left of a damaged picture, and for the rest what a diffusion model knows of pictures."""

import dataclasses
import functools
import numbers

import numpy as np
from keras import ops

from tfportrait.diffusion import noise as noises
from tfportrait.diffusion import samplers, spacing
from tfportrait.models import generation
from tfportrait.models.network import to_uint8
from tfportrait.models.pixel_diffusion import PixelDiffusion
from tfportrait.tasks import degradations
from tfportrait.tasks.pictures import check_images, to_float
from tfportrait.tasks.restyling import encode_floats, together
from tfportrait.training.compiled import compiled

PIXELS_AT_ONCE = 2**18  # that a model of pixels denoises together
MOST_PIXELS = 2**22  # of an image: a model of pixels takes about 1 KiB of memory for each
NUM_STEPS = {"gaussian": 4, "poisson": 12, "jpeg": 6, "blur": 12, "grey": 12}  # of the sampler
TRUST = {"poisson": 0.5}  # how wrong the model is taken to be, of what it may be; 1 where nothing is said
LOST = 0.004  # mean squared error of an autoencoder


def restore(
    painter,
    image,
    degradation,
    prompts=None,
    negative_prompts=None,
    *,
    level=None,
    seeds=0,
    num_steps=None,
    samples=None,
    guidance_scale=1.0,
    progress=False,
):
    """Restores images that noise, compression or blur have damaged, or gives colours to grey ones.

    A sampler runs as ever, but each image that the model predicts is moved to where it agrees with the damaged one, as
    far as each of them can be trusted (Song et al. 2023, Pseudoinverse-Guided Diffusion Models; Zhu et al. 2023,
    DiffPIR): no training for any kind of damage. An image with Gaussian noise is a state of the diffusion process
    itself, so that a PixelDiffusion just samples on from it.

    Args:
        painter: PixelDiffusion, which takes no words, or LatentDiffusion, whose autoencoder limits what comes back.
        image: uint8 (H, W, 3) or (N, H, W, 3), of any size for a PixelDiffusion.
        degradation: str or Degradation. "gaussian", "poisson", "jpeg", "blur" or "grey"; see
            `tfportrait.tasks.degradations`.
        prompts, negative_prompts: as `LatentDiffusion.generate` takes them: what the image shows.
        level: float or None. Grey levels of Gaussian noise, photons of white, JPEG's quality, the blur's deviation in
            pixels. None: measured, for the noises.
        seeds: int or list of int in [0, 2**63).
        num_steps: int >= 1 or None. Steps of the sampler. Defaults to `NUM_STEPS` of the kind.
        samples: int >= 1 or None. So many images, all equally probable, are made, and their mean is returned: it is
            nearer to the truth, and softer. Defaults to 4 for a PixelDiffusion, but for Gaussian noise, else to 1.
        guidance_scale: float. As `LatentDiffusion.generate` takes it.
        progress: bool. Shows a progress bar on standard error, of a LatentDiffusion.

    Returns:
        uint8 (N, H, W, 3).

    Raises:
        ValueError: an argument that cannot be used, before any work is done.
        FloatingPointError: not a number in the latents or the image.
    """
    images = check_images(image)
    kind = degradations.get(degradation, level)
    by_pixels = isinstance(painter, PixelDiffusion)
    num_steps = NUM_STEPS[kind.name] if num_steps is None else num_steps
    if samples is None:
        samples = 4 if by_pixels and not kind.is_state else 1
    for name, value in (("num_steps", num_steps), ("samples", samples)):
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
            raise ValueError(f"{name} is {value!r}, but must be a whole number of at least 1")
    if by_pixels:
        if prompts is not None or negative_prompts is not None:
            raise ValueError("a PixelDiffusion restores without words: leave them out, or take a LatentDiffusion")
        if images[0].size > 3 * MOST_PIXELS:
            raise ValueError(f"images have {images[0].size // 3:,} pixels, but at most {MOST_PIXELS:,} can be restored")
        seeds = noises.expand_seeds(seeds, len(images))
        restore_one = _by_pixels
    else:
        images, prompts, seeds = together(images, prompts, seeds)
        restore_one = _by_latents(prompts, negative_prompts, guidance_scale, progress)
    kind = kind.measured(images)
    with painter.averaged_weights():
        found = [restore_one(painter, kind, images, seeds, num_steps, number) for number in range(samples)]
    return to_uint8(np.mean(found, axis=0))


def fitted(denoise, kind, damaged, to_images=None, to_latents=None):
    """A denoiser whose images agree with damaged ones.

    Equation: `tasks.restore`.

    Args:
        denoise: callable. A denoiser.
        kind: Degradation.
        damaged: float32 (N, H, W, 3).
        to_images, to_latents: callables or None. Where the denoiser works on latents: float latents to images, back.

    Returns: callable. A denoiser.
    """

    def conditioned(x, signal_rate, noise_rate):
        predicted = denoise(x, signal_rate, noise_rate)
        variance = TRUST.get(kind.name, 1.0) * spread(noise_rate / max(signal_rate, 1e-6))
        if to_images is None:
            return kind.nearest(ops.convert_to_numpy(predicted), damaged, variance).astype("float32")
        images = ops.convert_to_numpy(to_images(predicted))
        better = kind.nearest(images, damaged, variance).astype("float32")
        # What the autoencoder does to any image is taken out again.
        return predicted + to_latents(better) - to_latents(images)

    return conditioned


def spread(sigma, data=0.5):
    """Variance of normally distributed data of deviation `data` where they are known with noise of deviation `sigma`:
    how wrong a denoiser is at most (Song et al. 2023)."""
    return 1.0 / (1.0 / data**2 + 1.0 / max(sigma, 1e-6) ** 2)


def _by_pixels(model, kind, images, seeds, num_steps, number):
    """The images by a model of pixels, float32 in [-1, 1]."""
    _, height, width, _ = images.shape
    more = [(0, -side % model.unit) for side in (height, width)]
    together = max(1, PIXELS_AT_ONCE // (height * width))
    found = []
    for begin in range(0, len(images), together):
        part = slice(begin, begin + together)
        damaged = to_float(images[part])
        rates = spacing.rates_below(model.schedule, kind.hides, num_steps)
        signal_rate, noise_rate = (float(rate) for rate in rates[0])

        def noise(i, seeds=seeds[part], shape=damaged.shape[1:]):
            return _fill(noises.unit_noise(seeds, number * (num_steps + 1) + i + 1, shape), more)

        def denoise(x, signal_rate, noise_rate):
            return ops.convert_to_numpy(model.denoise(x, signal_rate, noise_rate))[:, :height, :width]

        if kind.is_state:
            predicted = denoise(signal_rate * _fill(damaged, more), signal_rate, noise_rate)
            x = signal_rate * _fill(kind.uncut(damaged, predicted, noise(-1)[:, :height, :width]), more)
            conditioned, sampler = denoise, samplers.ddim
        else:
            x = noises.add_noise(_fill(damaged, more), noise(-1), signal_rate, noise_rate)
            conditioned, sampler = fitted(denoise, kind, damaged), samplers.ddpm
        x = sampler(lambda *args, run=conditioned: _fill(run(*args), more), x.astype("float32"), rates, noise)
        found.append(ops.convert_to_numpy(x)[:, :height, :width])
    return np.concatenate(found)


def _fill(images, more):
    return np.pad(images, ((0, 0), *more, (0, 0)), "symmetric") if any(side for _, side in more) else images


def _by_latents(prompts, negative_prompts, guidance_scale, progress):
    def run(painter, kind, images, seeds, num_steps, number):
        request = generation.Request.check(
            painter,
            prompts,
            negative_prompts,
            seeds,
            num_steps=num_steps,
            guidance_scale=guidance_scale,
            sampler="ddim",
            steps_spacing=None,
            image_size=images.shape[1:3],
            start=None,
        )
        shape = request.latent_shape
        noise = np.stack([noises.unit_noise(seeds, number * (num_steps + 1) + i, shape) for i in range(num_steps + 1)])
        request = dataclasses.replace(request, noise=noise, sampler=samplers.ddpm)
        damaged = to_float(images)
        to_images, to_latents = (functools.partial(each, painter) for each in (_decode_floats, encode_floats))

        def wrap(denoise):
            return fitted(denoise, kind, damaged, to_images, to_latents)

        latents = generation.sample(painter, request, wrap=wrap, progress=progress)
        found = ops.convert_to_numpy(to_images(latents))
        return kind.nearest(found, damaged, LOST).astype("float32")

    return run


def _decode_floats(painter, latents):
    """Latents as float32 images, where `generation.decode` makes uint8 of them."""
    if painter.autoencoder is None:
        return latents
    return ops.cast(compiled(painter, "decode", painter.autoencoder.decode)(latents), "float32")

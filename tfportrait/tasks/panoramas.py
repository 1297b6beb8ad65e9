"""Pictures wider than a painter has learnt, painted window by window; their ends may join."""

import dataclasses
import numbers

import numpy as np
from keras import ops

from tfportrait.models import generation

BESIDE = 4  # latents that the decoder sees beyond an edge that joins another
MOST_WINDOWS = 512


def panorama(
    painter,
    prompts,
    negative_prompts=None,
    *,
    width,
    seamless=True,
    seeds=0,
    num_steps=20,
    guidance_scale=4.0,
    sampler="dpmpp_2m",
    spacing=None,
    progress=False,
    on_step=None,
    clip_skip=None,
):
    """Paints panoramas (MultiDiffusion, Bar-Tal et al. 2023): each step denoises windows of the size that the painter
    was trained on, half of one over half of the next, and takes the mean of what they say of a place. A window counts
    most in its middle and nothing at its edge, so that none is seen.

    Args:
        painter: LatentDiffusion.
        prompts, negative_prompts: as `LatentDiffusion.generate` takes them, of whole panoramas.
        width: int. In pixels, at least one and a half times the height, a multiple of half the height; the height is
            the painter's own.
        seamless: bool. Whether the right end goes on at the left end.
        seeds, num_steps, guidance_scale, sampler, spacing, progress, on_step, clip_skip: as
            `LatentDiffusion.generate` takes them.

    Returns:
        uint8 (N, H, width, 3).

    Raises:
        ValueError: an argument that cannot be used, before any work is done.
        FloatingPointError: not a number in the latents or the image; names the stage.
    """
    side, _ = generation.image_sides(painter, None)
    half = side // 2
    if isinstance(width, bool) or not isinstance(width, numbers.Integral) or width < 3 * half or width % half:
        nearest = max(3 * half, half * round(width / half)) if isinstance(width, numbers.Real) else 4 * side
        raise ValueError(
            f"width is {width!r}, but must be a multiple of {half} and at least {3 * half}; the nearest is {nearest}"
        )
    if width // half > MOST_WINDOWS:
        raise ValueError(
            f"width {width} takes {width // half:,} windows a step; at most {MOST_WINDOWS * half:,} pixels are painted"
        )
    request = generation.Request.check(
        painter,
        prompts,
        negative_prompts,
        seeds,
        num_steps=num_steps,
        guidance_scale=guidance_scale,
        sampler=sampler,
        steps_spacing=spacing,
        image_size=(side, width),
        start=None,
        clip_skip=clip_skip,
    )
    columns, shares = windows(request.latent_shape[1], side // painter.downsampling, seamless)
    with painter.averaged_weights():
        denoise = _windowed(painter, request, columns, shares)
        latents = generation.sample(painter, request, denoise=denoise, progress=progress, on_step=on_step)
        if not seamless:
            return generation.decode(painter, latents)
        images = generation.decode(painter, _joined(latents, BESIDE))
        beyond = BESIDE * painter.downsampling
        return images[:, :, beyond : images.shape[2] - beyond]


def windows(width, side, seamless):
    """Windows of `side` columns, half of one over half of the next, and how much each counts where.

    Equation: `tasks.panorama`.

    Args:
        width: int. Columns in all, a multiple of half of `side`.
        side: int. Even.
        seamless: bool. Whether windows go over the right end into the left end.

    Returns:
        (int (P, side), float32 (P, side, width)): the columns of each window, and the share that a window's column has
        in each of all columns, which is one in all.
    """
    starts = np.arange(0, width if seamless else width - side + 1, side // 2)
    columns = (starts[:, None] + np.arange(side)) % width
    rise = (np.arange(side) + 0.5) / side
    weights = np.minimum(rise, 1 - rise)  # from the edges to the middle
    shares = np.zeros((len(starts), side, width), "float32")
    for window, places in enumerate(columns):
        shares[window, np.arange(side), places] = weights
    return columns, shares / shares.sum(axis=(0, 1))


def _windowed(painter, request, columns, shares):
    """The painter as a denoiser of whole panoramas, float32 (N, h, W, c)."""
    count, (windows, side) = len(request.seeds), columns.shape
    height, _, channels = request.latent_shape

    def each(values):
        return None if values is None else [value for value in values for _ in range(windows)]

    inner = dataclasses.replace(
        request,
        prompts=each(request.prompts),
        negative_prompts=each(request.negative_prompts),
        seeds=each(request.seeds),
        latent_shape=(height, side, channels),
    )
    denoise_windows = generation.request_denoiser(painter, inner)
    places, mix = columns.reshape(-1), ops.convert_to_tensor(shares.reshape(windows * side, -1))

    def denoise(x, signal_rate, noise_rate):
        parts = ops.reshape(ops.take(x, places, axis=2), (count, height, windows, side, channels))
        parts = ops.reshape(ops.transpose(parts, (0, 2, 1, 3, 4)), (count * windows, height, side, channels))
        clean = ops.reshape(denoise_windows(parts, signal_rate, noise_rate), (count, windows, height, side, channels))
        clean = ops.reshape(ops.transpose(clean, (0, 2, 1, 3, 4)), (count, height, windows * side, channels))
        return ops.einsum("nhpc,pw->nhwc", clean, mix)

    return denoise


def _joined(latents, beyond):
    """Latents (N, h, W, c) with what lies beyond their ends where those join."""
    return ops.concatenate([latents[:, :, -beyond:], latents, latents[:, :, :beyond]], axis=2)

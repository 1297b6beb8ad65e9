"""Image to image: a picture painted again, for other words."""

import dataclasses
import numbers

import numpy as np
from keras import ops

from tfportrait.diffusion import noise as noises
from tfportrait.models import generation
from tfportrait.tasks.pictures import check_images, to_float
from tfportrait.training.compiled import compiled

METHODS = {"noise": 0.85, "inversion": 1.0}  # and the strength that does best in tests/benchmarks/bench_restyle.py


def image_to_image(
    painter,
    image,
    prompts,
    negative_prompts=None,
    *,
    strength=None,
    method=None,
    source_prompts=None,
    seeds=0,
    num_steps=20,
    guidance_scale=4.0,
    sampler=None,
    spacing=None,
    noise=None,
    progress=False,
    on_step=None,
    clip_skip=None,
):
    """Paints images for prompts from given ones: noise hides their details, and is taken away again.

    Args:
        painter: LatentDiffusion.
        image: uint8 (H, W, 3) or (N, H, W, 3). Sides are such as `generate` takes for `image_size`.
        prompts, negative_prompts: as `LatentDiffusion.generate` takes them: one, or one for each image.
        strength: float in (0, 1] or None. The share of `num_steps` that is made, from as much noise as those begin
            with. Defaults to 0.85 for "noise", where 1 keeps next to nothing of the image, and 1 for "inversion".
        method: str or None. "noise" adds noise of the seed (SDEdit, Meng et al. 2022), as diffusers does. "inversion"
            adds the noise from which DDIM would paint the image itself (Song et al. 2021, section 4.3), for
            `source_prompts`: it keeps more of the image; chance has no part in it. Defaults to "inversion" where
            `source_prompts` are given, else to "noise".
        source_prompts: str or list of str or None. For "inversion": what the images show.
        seeds: int or list of int in [0, 2**63). One image may be painted with several seeds.
        num_steps, guidance_scale, spacing, progress, on_step, clip_skip: as `LatentDiffusion.generate` takes them.
        sampler: str or None. Defaults to "dpmpp_2m", and to "ddim" (no other) for "inversion".
        noise: float array or None. (N, h, w, c) replaces the start's, (steps + 1, N, h, w, c) also that of the steps.

    Returns:
        uint8 (N, H, W, 3).

    Raises:
        ValueError: an argument that cannot be used, before any work is done.
        FloatingPointError: not a number in the latents or the image; names the stage.
    """
    method = method or ("noise" if source_prompts is None else "inversion")
    if method not in METHODS:
        raise ValueError(f"method is {method!r}, but must be {' or '.join(METHODS)}")
    if method == "inversion" and (sampler not in (None, "ddim") or noise is not None):
        raise ValueError("the method inversion finds the noise itself and samples with ddim: leave both out")
    if method == "noise" and source_prompts is not None:
        raise ValueError("source_prompts are for the method inversion")
    if method == "inversion" and source_prompts is None and painter.text_encoder is not None:
        raise ValueError("the method inversion needs source_prompts: what the images show")
    images, prompts, seeds = together(check_images(image), prompts, seeds)
    strength = METHODS[method] if strength is None else strength
    options = {
        "num_steps": num_steps,
        "sampler": sampler or ("ddim" if method == "inversion" else "dpmpp_2m"),
        "steps_spacing": spacing,
        "image_size": images.shape[1:3],
        "clip_skip": clip_skip,
        "strength": strength,
    }
    request = generation.Request.check(
        painter, prompts, negative_prompts, seeds, guidance_scale=guidance_scale, start=noise, **options
    )
    with painter.averaged_weights():
        latents = encode(painter, images)
        if method == "inversion":
            source = None if source_prompts is None else together(images, source_prompts, seeds)[1]
            source = generation.Request.check(painter, source, None, seeds, guidance_scale=1.0, start=None, **options)
            request = dataclasses.replace(request, noise=_inverted(painter, source, latents)[None])
        latents = generation.sample(painter, request, latents=latents, progress=progress, on_step=on_step)
        return generation.decode(painter, latents)


def together(images, prompts, seeds):
    """Images, prompts and seeds, one of each for every image that is to be painted.

    Raises:
        ValueError: their numbers do not go together.
    """
    counts = {"images": len(images)}
    if isinstance(prompts, list | tuple):
        counts["prompts"] = len(prompts)
    if not isinstance(seeds, numbers.Integral):
        counts["seeds"] = len(seeds)
    count = max(counts.values())
    if any(number not in (1, count) for number in counts.values()):
        given = ", ".join(f"{number} {name}" for name, number in counts.items())
        raise ValueError(f"{given}: give one of each, or as many as the others")
    images = np.repeat(images, count, axis=0) if len(images) < count else images
    prompts = [prompts] * count if isinstance(prompts, str) else prompts
    return images, prompts, noises.expand_seeds(seeds, count)


def encode(painter, images):
    """Clean latents of uint8 images, float32 (N, h, w, c); the pixels themselves where the painter has no
    autoencoder."""
    return encode_floats(painter, to_float(images))


def encode_floats(painter, images):
    """`encode` of float32 images in [-1, 1]."""
    if painter.autoencoder is None:
        return images
    return compiled(painter, "encode", lambda x: ops.cast(painter.autoencoder.encode(x), "float32"))(images)


def _inverted(painter, request, latents):
    """The noise from which DDIM paints these latents, float32 (N, h, w, c): its steps the other way, each with what the
    network says where it starts."""
    denoise = generation.request_denoiser(painter, request)
    x, signal, noise = latents, 1.0, 0.0
    for signal_next, noise_next in request.rates[-2::-1].tolist():
        epsilon = (x - signal_next * denoise(x, signal_next, noise_next)) / noise_next
        x = (signal_next / signal) * (x - noise * epsilon) + noise_next * epsilon
        signal, noise = signal_next, noise_next
    return ops.convert_to_numpy((x - signal * latents) / noise)

"""From a request in words to images: arguments checked first, then start noise, sampler, decoder."""

import dataclasses
import numbers
import sys
import warnings

import numpy as np
from keras import ops

from tfportrait.diffusion import denoiser, guidance, noise, samplers, spacing
from tfportrait.models.network import to_uint8
from tfportrait.training import compiled


@dataclasses.dataclass(frozen=True)
class Request:
    """What `generate` was asked for, checked.

    Attributes:
        prompts: list of N str, or None.
        negative_prompts: list of N str, or None.
        seeds: list of N int.
        rates: float32 (num_steps + 1, 2). Signal and noise rate of every step.
        start_scale: float. Standard deviation of the start.
        whole_times: bool. Whether the U-Net is given whole timesteps only.
        guidance_scale: float.
        sampler: callable of `tfportrait.diffusion.samplers`.
        latent_shape: (h, w, c).
        noise: float32 (1 or num_steps + 1, N, h, w, c), or None.
    """

    prompts: list | None
    negative_prompts: list | None
    seeds: list
    rates: np.ndarray
    start_scale: float
    whole_times: bool
    guidance_scale: float
    sampler: object
    latent_shape: tuple
    noise: np.ndarray | None

    @classmethod
    def check(
        cls,
        painter,
        prompts,
        negative_prompts,
        seeds,
        num_steps,
        guidance_scale,
        sampler,
        steps_spacing,
        image_size,
        start,
    ):
        """Checks everything that `LatentDiffusion.generate` takes, before any work is done.

        Raises:
            ValueError: what was given, what is wanted, the nearest valid value.
        """
        if isinstance(num_steps, bool) or not isinstance(num_steps, numbers.Integral) or num_steps < 1:
            raise ValueError(f"num_steps is {num_steps!r}, but must be an integer of at least 1")
        if not isinstance(guidance_scale, numbers.Real) or not 0 <= guidance_scale < float("inf"):
            raise ValueError(f"guidance_scale is {guidance_scale!r}, but must be a number of at least 0")
        prompts, negative_prompts, seeds = _broadcast(painter, prompts, negative_prompts, seeds)
        rates = spacing.rates(painter.schedule, sampler, int(num_steps), steps_spacing)
        height, width = _image_size(painter, image_size)
        shape = (height // painter.downsampling, width // painter.downsampling, painter.latent_channels)
        return cls(
            prompts,
            negative_prompts,
            seeds,
            rates,
            spacing.start_scale(painter.schedule, sampler, rates, steps_spacing),
            spacing.whole_times(painter.schedule, sampler, steps_spacing),
            float(guidance_scale),
            samplers.get(sampler),
            shape,
            _start(start, (len(seeds), *shape), int(num_steps)),
        )


def _as_list(value, name):
    if not isinstance(value, str | list | tuple):
        raise ValueError(f"{name} is {value!r}, but must be a string or a list of strings")
    values = [value] if isinstance(value, str) else list(value)
    if not values:
        raise ValueError(f"{name} is an empty list: give at least one")
    for i, text in enumerate(values):
        if not isinstance(text, str):
            raise ValueError(f"{name}[{i}] is {text!r}, but must be a string")
    return values


def _broadcast(painter, prompts, negative_prompts, seeds):
    if prompts is not None:
        if painter.text_encoder is None:
            raise ValueError("this model is unconditional, it takes no prompts: pass None")
        prompts = _as_list(prompts, "prompts")
        if not all(text.strip() for text in prompts):
            raise ValueError(
                "the prompt is empty: say what to paint, or pass None for a portrait of nobody in particular"
            )
    seeds = noise.expand_seeds(seeds, len(prompts or [None]) if isinstance(seeds, numbers.Integral) else None)
    count = len(seeds)
    if prompts is not None:
        if len(prompts) not in (1, count):
            raise ValueError(f"{len(prompts)} prompts and {count} seeds: give one prompt, one seed, or as many of both")
        prompts = prompts * count if len(prompts) == 1 else prompts
    if negative_prompts is not None:
        if prompts is None:
            raise ValueError("negative prompts need prompts: without them there is nothing to guide")
        negative_prompts = _as_list(negative_prompts, "negative_prompts")
        if len(negative_prompts) not in (1, count):
            raise ValueError(
                f"{len(negative_prompts)} negative prompts for {count} images: give one, or as many as images"
            )
        negative_prompts = negative_prompts * count if len(negative_prompts) == 1 else negative_prompts
    return prompts, negative_prompts, seeds


def _image_size(painter, image_size):
    if image_size is None:
        if not isinstance(painter.unet.config["sample_size"], int):
            raise ValueError("this checkpoint does not say how large its images are: give image_size")
        return (painter.image_size, painter.image_size)
    sides = (image_size, image_size) if isinstance(image_size, numbers.Real) else tuple(image_size)
    unit = painter.downsampling * 2 ** (len(painter.unet.config["block_out_channels"]) - 1)
    for side in sides:
        if isinstance(side, bool) or not isinstance(side, numbers.Integral) or side < unit or side % unit:
            nearest = max(unit, unit * round(side / unit)) if isinstance(side, numbers.Real) else painter.image_size
            raise ValueError(
                f"image_size is {image_size!r}, but sides must be multiples of {unit}; the nearest is {nearest}"
            )
    if len(sides) != 2:
        raise ValueError(f"image_size is {image_size!r}, but must be a side or (height, width)")
    return int(sides[0]), int(sides[1])


def _start(start, shape, num_steps):
    if start is None:
        return None
    start = np.asarray(start, "float32")
    if start.shape == shape:
        return start[None]
    if start.shape == (num_steps + 1, *shape):
        return start
    raise ValueError(f"noise has shape {start.shape}, but must be {shape} or {(num_steps + 1, *shape)}")


def encode_prompts(painter, prompts):
    """Context of the U-Net for prompts; warns about what does not fit.

    Args:
        prompts: list of N str.

    Returns:
        float32 (N, L, D).
    """
    for text in dict.fromkeys(prompts):
        cut = painter.tokenizer.truncated(text)
        if cut:
            warnings.warn(
                f"the prompt is longer than {painter.tokenizer.max_length} tokens; this was cut: {cut!r}", stacklevel=2
            )
    unique = list(dict.fromkeys(prompts))
    encode = compiled.compiled(
        painter, "context", lambda token_ids: ops.cast(painter.text_encoder(token_ids), "float32")
    )
    rows = [encode(painter.tokenizer.encode([text])) for text in unique]
    context = ops.concatenate(rows, axis=0)
    return ops.take(context, [unique.index(text) for text in prompts], axis=0)


def guided_denoiser(painter, context, guidance_scale, whole_times=False):
    """The painter as a denoiser for these prompts, compiled once per shape.

    What is guided, and rescaled, is the U-Net's own output, as in diffusers and in Lin et al. 2023.

    Args:
        painter: LatentDiffusion.
        context: float32 (N, L, D), (2 N, L, D) with the unconditional half last for guidance, or None.
        guidance_scale: float, or None where `context` holds no unconditional half.
        whole_times: bool. Rounds the times that the U-Net is given, see `spacing.whole_times`.

    Returns:
        `denoise(x, signal_rate, noise_rate) -> x_0`, float32 (N, h, w, c).
    """
    rescale = painter.guidance_rescale

    def unet(x, time, context):
        time = ops.broadcast_to(ops.cast(time, "float32"), ops.shape(x)[:1])
        return ops.cast(painter.unet(x, ops.round(time) if whole_times else time, context), "float32")

    def plain(x, signal_rate, noise_rate, context=None):
        def network(x, time):
            return unet(x, time, context)

        return denoiser.Denoiser(network, painter.schedule, painter.prediction)(x, signal_rate, noise_rate)

    def guided(x, signal_rate, noise_rate, context, scale):
        def network(x, time):
            both = unet(ops.concatenate([x, x], axis=0), ops.concatenate([time, time], axis=0), context)
            conditional, unconditional = ops.split(both, 2, axis=0)
            return guidance.guide(conditional, unconditional, scale, rescale)

        return denoiser.Denoiser(network, painter.schedule, painter.prediction)(x, signal_rate, noise_rate)

    name, function, extra = f"denoise {whole_times}", plain, () if context is None else (context,)
    if guidance_scale is not None:
        name, function, extra = f"guided_{name} {rescale}", guided, (context, np.float32(guidance_scale))
    run_network = compiled.compiled(painter, name, function)

    def denoise(x, signal_rate, noise_rate):
        return run_network(x, np.float32(signal_rate), np.float32(noise_rate), *extra)

    return denoise


def run(painter, request, *, progress=False, on_step=None):
    """Samples and decodes a checked request.

    Returns:
        uint8 (N, H, W, 3).
    """
    context, scale = _conditioning(painter, request)
    denoise = guided_denoiser(painter, context, scale, request.whole_times)
    num_steps = len(request.rates) - 1

    def noise_of(i):
        if request.noise is not None and len(request.noise) > 1:
            return request.noise[i + 1]
        return noise.unit_noise(request.seeds, i + 1, request.latent_shape)

    start = request.noise[0] if request.noise is not None else noise.unit_noise(request.seeds, 0, request.latent_shape)
    bar = _progress_bar(num_steps) if progress else None

    def after_step(i, x_t, x_0):
        if bar:
            bar.update(1)
        if on_step:
            on_step(i, ops.convert_to_numpy(x_t), ops.convert_to_numpy(x_0))

    try:
        latents = request.sampler(
            denoise,
            ops.convert_to_tensor(start * np.float32(request.start_scale)),
            request.rates,
            noise_of,
            on_step=after_step,
        )
    finally:
        if bar:
            bar.close()
    if not np.isfinite(ops.convert_to_numpy(latents)).all():
        raise FloatingPointError(
            "not a number in the latents that the U-Net painted: try float32 or a smaller guidance_scale"
        )
    return decode(painter, latents)


def _conditioning(painter, request):
    """The context of both halves, and the scale of guidance, None where one evaluation a step is enough."""
    if painter.text_encoder is None:
        return None, None
    count = len(request.seeds)
    empty = request.negative_prompts or [""] * count
    prompts = request.prompts or [""] * count
    if request.guidance_scale == 1.0 or request.prompts is None:
        return encode_prompts(painter, prompts), None
    return encode_prompts(painter, prompts + empty), request.guidance_scale


def _progress_bar(total):
    from tqdm import tqdm

    return tqdm(total=total, unit="step", file=sys.stderr, leave=False)


def decode(painter, latents):
    """Latents to images.

    Args:
        latents: float32 (N, h, w, c).

    Returns:
        uint8 (N, H, W, 3).
    """
    images = latents
    if painter.autoencoder is not None:
        images = compiled.compiled(painter, "decode", painter.autoencoder.decode)(latents)
    return to_uint8(images)

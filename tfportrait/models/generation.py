"""From a request in words to images: arguments checked first, then start noise, sampler, decoder."""

import contextlib
import dataclasses
import numbers
import sys
import threading
import warnings

import numpy as np
from keras import ops

from tfportrait.diffusion import denoiser, guidance, noise, samplers, spacing
from tfportrait.models import prompts as parsing
from tfportrait.models.network import to_uint8
from tfportrait.training import compiled
from tfportrait.world.translation import Translation, to_english

LEAST_MEAN = 1e-3
FEW_LATENTS = 2**12  # pixels of latents that are decoded sooner than a graph for it is traced
PIXELS_AT_ONCE = 2**19  # of the images that are decoded together


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
        noise: float32 (1 or steps + 1, N, h, w, c), or None.
        clip_skip: int. Which layer of the text encoder, counted from the last, 1.
        guidance_interval: (float, float) or None. Between which ratios of noise to signal there is guidance.
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
    clip_skip: int = 1
    guidance_interval: tuple | None = None

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
        clip_skip=None,
        strength=1.0,
        guidance_interval=None,
    ):
        """Checks everything that `LatentDiffusion.generate` takes, before any work is done.

        Args:
            strength: float in (0, 1]. The share of the steps that are made, the last ones: a start from an image.

        Raises:
            ValueError: what was given, what is wanted, the nearest valid value.
        """
        if isinstance(num_steps, bool) or not isinstance(num_steps, numbers.Integral) or num_steps < 1:
            raise ValueError(f"num_steps is {num_steps!r}, but must be an integer of at least 1")
        if not isinstance(guidance_scale, numbers.Real) or not 0 <= guidance_scale < float("inf"):
            raise ValueError(f"guidance_scale is {guidance_scale!r}, but must be a number of at least 0")
        prompts, negative_prompts, seeds = _broadcast(painter, prompts, negative_prompts, seeds)
        rates = spacing.rates(painter.schedule, sampler, int(num_steps), steps_spacing)
        rates = rates[int(num_steps) - steps_made(int(num_steps), strength) :]
        shape = latent_shape(painter, image_size)
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
            _start(start, (len(seeds), *shape), len(rates) - 1),
            _clip_skip(painter, clip_skip),
            _interval(guidance_interval),
        )

    def noise_of(self, i):
        """Unit noise of step i, of the start where i is -1: float32 (N, h, w, c)."""
        if self.noise is not None and i + 1 < len(self.noise):
            return self.noise[i + 1]
        return noise.unit_noise(self.seeds, i + 1, self.latent_shape)


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
        if not all(parsing.plain(text) for text in prompts):
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
        for text in negative_prompts:
            parsing.parse(text)
        if len(negative_prompts) not in (1, count):
            raise ValueError(
                f"{len(negative_prompts)} negative prompts for {count} images: give one, or as many as images"
            )
        negative_prompts = negative_prompts * count if len(negative_prompts) == 1 else negative_prompts
    return prompts, negative_prompts, seeds


def _interval(guidance_interval):
    if guidance_interval is None:
        return None
    try:
        low, high = (float(bound) for bound in guidance_interval)
    except (TypeError, ValueError):
        low = high = float("nan")
    if not 0 <= low < high:
        raise ValueError(
            f"guidance_interval is {guidance_interval!r}, but must be two ratios of noise to signal that rise, such as "
            "(0.2, 3.0)"
        )
    return low, high


def _clip_skip(painter, clip_skip):
    if clip_skip is None:
        return 1
    if painter.text_encoder is None:
        raise ValueError(f"clip_skip is {clip_skip!r}, but this model is unconditional: it has no text encoder")
    layers = painter.text_encoder.config["num_hidden_layers"]
    if isinstance(clip_skip, bool) or not isinstance(clip_skip, numbers.Integral) or not 1 <= clip_skip <= layers:
        raise ValueError(
            f"clip_skip is {clip_skip!r}, but must be an integer from 1 (the last layer) to {layers} (the first)"
        )
    return int(clip_skip)


def image_sides(painter, image_size):
    """Height and width in pixels of what is painted, checked; the size of training for None."""
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


def latent_shape(painter, image_size):
    """(h, w, c) of the latents of what is painted at a size, which is checked."""
    return (*(side // painter.downsampling for side in image_sides(painter, image_size)), painter.latent_channels)


def steps_made(num_steps, strength):
    """How many of `num_steps` a start from an image makes.

    Raises:
        ValueError: a strength outside (0, 1], or one that makes no step.
    """
    if isinstance(strength, bool) or not isinstance(strength, numbers.Real) or not 0 < strength <= 1:
        raise ValueError(f"strength is {strength!r}, but must be above 0 (the image as it is) and at most 1 (all new)")
    steps = int(num_steps * strength + 1e-9)  # as diffusers has it, but 0.29 of 100 steps are 29
    if not steps:
        raise ValueError(
            f"strength {strength:g} of num_steps={num_steps} is not one step: give num_steps of at least "
            f"{int(np.ceil(1 / strength))}, or a strength of at least {np.ceil(1000 / num_steps) / 1000:g}"
        )
    return steps


def _start(start, shape, num_steps):
    if start is None:
        return None
    start = np.asarray(start, "float32")
    if start.shape == shape:
        return start[None]
    if start.shape == (num_steps + 1, *shape):
        return start
    raise ValueError(f"noise has shape {start.shape}, but must be {shape} or {(num_steps + 1, *shape)}")


def encode_prompts(painter, prompts, clip_skip=1):
    """Context of the U-Net for prompts; warns about what does not fit and what could not be translated.

    The encoder's outputs are multiplied by the weights of their tokens, then scaled so that the mean of a chunk stays
    what it was (where it is one: at least LEAST_MEAN standard deviations). Chunks are encoded one by one and
    concatenated; shorter prompts are filled up with empty chunks.

    Args:
        prompts: list of N str, as `tfportrait.models.prompts` reads them.
        clip_skip: int. As `TextEncoder` takes it.

    Returns:
        float32 (N, chunks * L, D).
    """
    encode = compiled.compiled(
        painter,
        f"context {clip_skip}",
        lambda token_ids: ops.cast(painter.text_encoder(token_ids, clip_skip=clip_skip), "float32"),
    )
    rows = {text: read_prompt(painter, text) for text in [*prompts, ""]}
    for text in dict.fromkeys(prompts):
        _warn(painter, text, rows[text].cut)
    longest = max(len(rows[text].token_ids) for text in prompts)
    contexts = {}
    for text in dict.fromkeys(prompts):
        filled = [rows[text], *[rows[""]] * (longest - len(rows[text].token_ids))]
        chunks = [(ids, weights) for row in filled for ids, weights in zip(row.token_ids, row.weights, strict=True)]
        contexts[text] = ops.concatenate([_weighted(encode(ids[None]), weights) for ids, weights in chunks], axis=1)
    unique = list(contexts)
    context = ops.concatenate([*contexts.values()], axis=0)
    return ops.take(context, [unique.index(text) for text in prompts], axis=0)


def _warn(painter, prompt, cut):
    if cut:
        warnings.warn(
            f"the prompt is longer than {painter.tokenizer.max_length} tokens; this was cut: {cut!r}", stacklevel=3
        )
    left_out = ", ".join(dict.fromkeys(in_its_language(painter.tokenizer, prompt).left_out))
    if left_out:
        warnings.warn(
            f"this painter reads no Chinese, and this could not be translated: {left_out}; say it in English",
            stacklevel=3,
        )


def in_its_language(tokenizer, prompt):
    """A prompt in a language that the painter reads: English instead of Chinese where its tokenizer was made without.

    Returns:
        `tfportrait.world.translation.Translation`.
    """
    return Translation(prompt, []) if tokenizer.reads_chinese else to_english(prompt)


def read_prompt(painter, prompt):
    """A prompt as the painter takes it. Where its U-Net pools the context, a long text is cut: one that goes on in
    another chunk would be said by a vector such as it was never trained on, unless its author parts it by `BREAK`.

    Returns:
        `tfportrait.models.prompts.Rows`.
    """
    chunked = painter.unet.config["addition_embed_type"] is None
    return parsing.rows(in_its_language(painter.tokenizer, prompt).text, painter.tokenizer, chunked)


def _weighted(context, weights):
    if (weights == 1).all():
        return context
    context = ops.convert_to_numpy(context)
    weighted = context * weights[:, None]  # (1, L, D)
    mean = context.mean()
    # Of an encoder whose outputs have no mean of their own, the quotient would be noise.
    return weighted * (mean / weighted.mean()) if abs(mean) > LEAST_MEAN * context.std() else weighted


def guided_denoiser(painter, context, guidance_scale, whole_times, channels=None):
    """The painter as a denoiser for these prompts, compiled once per shape.

    What is guided, and rescaled, is the U-Net's own output, as in diffusers and in Lin et al. 2023.

    Args:
        painter: LatentDiffusion.
        context: float32 (N, L, D), (2 N, L, D) with the unconditional half last for guidance, or None.
        guidance_scale: float, or None where `context` holds no unconditional half.
        whole_times: bool. Rounds the times that the U-Net is given, see `spacing.whole_times`.
        channels: float32 (N, h, w, C) or None. As `sample` takes them.

    Returns:
        `denoise(x, signal_rate, noise_rate) -> x_0`, float32 (N, h, w, c).
    """
    rescale = painter.guidance_rescale
    bound = {"context": context, "channels": channels}
    if guidance_scale is not None:
        bound["scale"] = np.float32(guidance_scale)
    names = [name for name, value in bound.items() if value is not None]
    unet = compiled.side_by_side(painter.unet)

    def function(x, signal_rate, noise_rate, *values):
        given = dict(zip(names, values, strict=True))
        context, channels, scale = (given.get(name) for name in ("context", "channels", "scale"))

        def network(x, time):
            time = ops.broadcast_to(ops.cast(time, "float32"), ops.shape(x)[:1])
            x = x if channels is None else ops.concatenate([x, channels], axis=-1)
            if scale is not None:
                x, time = (ops.concatenate([v, v], axis=0) for v in (x, time))
            time = ops.round(time) if whole_times else time
            y = ops.cast(unet(x, time) if context is None else unet(x, time, context), "float32")
            return y if scale is None else guidance.guide(*ops.split(y, 2, axis=0), scale, rescale)

        return denoiser.Denoiser(network, painter.schedule, painter.prediction)(x, signal_rate, noise_rate)

    name = f"denoise {whole_times} {rescale} {' '.join(names)}"
    run_network = compiled.compiled(painter, name, function)
    values = [bound[name] for name in names]

    def denoise(x, signal_rate, noise_rate):
        return run_network(x, np.float32(signal_rate), np.float32(noise_rate), *values)

    return denoise


def run(painter, request, *, progress=False, on_step=None):
    """Samples and decodes a checked request.

    Returns:
        uint8 (N, H, W, 3).
    """
    with _decoder_traced_meanwhile(painter, request):
        latents = sample(painter, request, progress=progress, on_step=on_step)
    return decode(painter, latents)


@contextlib.contextmanager
def _decoder_traced_meanwhile(painter, request):
    """A first picture of few pixels then waits for no graph between its last step and its decoding."""
    shape = (min(len(request.seeds), _at_once(painter, request.latent_shape)), *request.latent_shape)
    if painter.autoencoder is None or compiled.is_known(painter, "decode") or np.prod(shape[:-1]) > FEW_LATENTS:
        yield
        return

    def trace():
        with contextlib.suppress(Exception):  # what is wrong is said where the pictures are decoded
            _decoder(painter)(np.zeros(shape, "float32"))

    thread = threading.Thread(target=trace)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _at_once(painter, latent_shape):
    height, width, _ = latent_shape
    return max(1, PIXELS_AT_ONCE // (height * width * painter.downsampling**2))


def sample(painter, request, *, latents=None, channels=None, denoise=None, wrap=None, progress=False, on_step=None):
    """The latents that a checked request asks for.

    Args:
        painter: LatentDiffusion.
        request: Request.
        latents: float32 (N, h, w, c) or None. Clean latents of images, to which the noise of the first step is added;
            None starts from noise alone.
        channels: float32 (N, h, w, C) or None. What the U-Net sees beside the noisy latents, if it is made for that.
        denoise: callable or None. Another denoiser than `request_denoiser`.
        wrap: callable or None. What is to be made of the denoiser: takes and returns one.
        progress, on_step: as `LatentDiffusion.generate` takes them.

    Returns:
        float32 (N, h, w, c).

    Raises:
        ValueError: a U-Net for inpainting without `channels`.
        FloatingPointError: not a number in the latents.
    """
    if painter.inpaints and channels is None:
        raise ValueError("this painter's U-Net is made for inpainting: use tfportrait.tasks.inpaint")
    denoise = denoise or request_denoiser(painter, request, channels)
    denoise = wrap(denoise) if wrap else denoise
    if latents is None:
        start = request.noise_of(-1) * np.float32(request.start_scale)
    else:
        signal_rate, noise_rate = request.rates[0]
        start = noise.add_noise(ops.convert_to_numpy(latents), request.noise_of(-1), signal_rate, noise_rate)
    bar = _progress_bar(len(request.rates) - 1) if progress else None

    def after_step(i, x_t, x_0):
        if bar:
            bar.update(1)
        if on_step:
            on_step(i, ops.convert_to_numpy(x_t), ops.convert_to_numpy(x_0))

    try:
        painted = request.sampler(
            denoise, ops.convert_to_tensor(start), request.rates, request.noise_of, on_step=after_step
        )
    finally:
        if bar:
            bar.close()
    if not np.isfinite(ops.convert_to_numpy(painted)).all():
        raise FloatingPointError(
            "not a number in the latents that the U-Net painted: try float32 or a smaller guidance_scale"
        )
    return painted


def request_denoiser(painter, request, channels=None):
    """The painter as a denoiser of all images, those with equally many chunks at a time: what an image looks like does
    not depend on the length of its neighbours' prompts.

    Args:
        painter: LatentDiffusion.
        request: Request.
        channels: float32 (N, h, w, C) or None. As `sample` takes them.

    Returns:
        `denoise(x, signal_rate, noise_rate) -> x_0`, float32 (N, h, w, c).
    """
    if painter.text_encoder is None:
        return guided_denoiser(painter, None, None, request.whole_times, channels)
    if request.guidance_interval is not None:
        return _guided_between(painter, request, channels)
    count = len(request.seeds)
    prompts = request.prompts or [""] * count
    empty = request.negative_prompts or [""] * count
    guided = request.guidance_scale != 1.0 and request.prompts is not None
    texts = [prompts, empty] if guided else [prompts]
    chunks = [[len(read_prompt(painter, text).token_ids) for text in half] for half in texts]
    lengths = [max(of_image) for of_image in zip(*chunks, strict=True)]
    groups = []
    for length in sorted(set(lengths)):
        images = [i for i in range(count) if lengths[i] == length]
        context = encode_prompts(painter, [half[i] for half in texts for i in images], request.clip_skip)
        scale = request.guidance_scale if guided else None
        beside = None if channels is None else ops.take(channels, images, axis=0)
        groups.append((images, guided_denoiser(painter, context, scale, request.whole_times, beside)))
    if len(groups) == 1:
        return groups[0][1]
    places = np.argsort([i for images, _ in groups for i in images])

    def denoise(x, signal_rate, noise_rate):
        parts = [part(ops.take(x, images, axis=0), signal_rate, noise_rate) for images, part in groups]
        return ops.take(ops.concatenate(parts, axis=0), places, axis=0)

    return denoise


def _guided_between(painter, request, channels):
    """The denoiser of a request whose guidance has an interval (Kynkaanniemi et al. 2024)."""
    inside = dataclasses.replace(request, guidance_interval=None)
    outside = dataclasses.replace(inside, guidance_scale=1.0, negative_prompts=None)
    guided, plain = (request_denoiser(painter, each, channels) for each in (inside, outside))

    def denoise(x, signal_rate, noise_rate):
        guides = guidance.within(request.guidance_interval, signal_rate, noise_rate)
        return (guided if guides else plain)(x, signal_rate, noise_rate)

    return denoise


def _decoder(painter):
    return compiled.compiled(painter, "decode", compiled.side_by_side(painter.autoencoder.decode))


def _progress_bar(total):
    from tqdm import tqdm

    return tqdm(total=total, unit="step", file=sys.stderr, leave=False)


def decode(painter, latents):
    """Latents to images, so many at a time as have `PIXELS_AT_ONCE` in all.

    Args:
        latents: float32 (N, h, w, c).

    Returns:
        uint8 (N, H, W, 3).
    """
    if painter.autoencoder is None:
        return to_uint8(latents)
    run = _decoder(painter)
    count = _at_once(painter, latents.shape[1:])
    return np.concatenate([to_uint8(run(latents[i : i + count])) for i in range(0, latents.shape[0], count)])

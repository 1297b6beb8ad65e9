"""Moving pictures: what lies between words, and between seeds."""

import dataclasses
import numbers
from itertools import pairwise

import numpy as np
from keras import ops
from tqdm import tqdm

from tfportrait.diffusion import noise as noises
from tfportrait.models import generation

FRAMES_AT_ONCE = 8
MOST_BYTES = 2**31  # of all frames of a clip


def animate(
    painter,
    prompts,
    negative_prompt=None,
    *,
    frames=24,
    times=None,
    loop=False,
    seeds=0,
    num_steps=20,
    guidance_scale=4.0,
    sampler="dpmpp_2m",
    spacing=None,
    image_size=None,
    progress=False,
):
    """Paints a clip that goes from one prompt to the next.

    Between two keyframes the context of the U-Net goes along a straight line, and the noise of the start along the
    great circle through both (Shoemake 1985, slerp), so that it keeps its length. The noise of a stochastic sampler's
    steps is the same in all frames.

    Args:
        painter: LatentDiffusion.
        prompts: list of at least two str: the keyframes.
        negative_prompt: str or None. Of all frames.
        frames: int >= 2. Of the whole clip.
        times: list of float or None. When each keyframe is reached, rising, in any unit. Defaults to even distances.
        loop: bool. Goes back to the first keyframe after the last, in the mean distance of the others, so that the clip
            can be repeated without a jump.
        seeds: int or list of int in [0, 2**63). An int is every keyframe's: only the words change.
        num_steps, guidance_scale, sampler, spacing, image_size: as `LatentDiffusion.generate` takes them.
        progress: bool. Shows a progress bar on standard error.

    Returns:
        uint8 (frames, H, W, 3).

    Raises:
        ValueError: an argument that cannot be used, before any work is done.
        FloatingPointError: not a number in the latents or the image; names the stage.
    """
    if painter.text_encoder is None:
        raise ValueError("this painter reads no words, between which a clip could go")
    if isinstance(prompts, str) or not isinstance(prompts, list | tuple) or len(prompts) < 2:
        raise ValueError(f"a clip goes between at least two prompts, got {prompts!r:.80}")
    seeds = [seeds] * len(prompts) if isinstance(seeds, numbers.Integral) else seeds
    seeds = noises.expand_seeds(seeds, len(prompts))
    if isinstance(frames, bool) or not isinstance(frames, numbers.Integral) or frames < 2:
        raise ValueError(f"frames is {frames!r}, but must be a whole number of at least 2")
    height, width = generation.image_sides(painter, image_size)
    if frames * height * width * 3 > MOST_BYTES:
        most = MOST_BYTES // (height * width * 3)
        raise ValueError(
            f"{frames} frames of {width} x {height} pixels are {frames * height * width * 3 / 2**30:,.0f} GiB and "
            f"{frames * num_steps:,} steps of the sampler; at most {most:,} frames can be painted together"
        )
    keys, shares = between(len(prompts), frames, times, loop)
    request = generation.Request.check(
        painter,
        [*prompts],
        None if negative_prompt is None else [negative_prompt] * len(prompts),
        seeds,
        num_steps=num_steps,
        guidance_scale=guidance_scale,
        sampler=sampler,
        steps_spacing=spacing,
        image_size=(height, width),
        start=None,
    )
    starts = noises.unit_noise(seeds, 0, request.latent_shape)
    with painter.averaged_weights():
        *contexts, empty = np.split(
            ops.convert_to_numpy(
                generation.encode_prompts(painter, [*request.prompts, negative_prompt or ""], request.clip_skip)
            ),
            len(prompts) + 1,
        )
        made = []
        for begin in tqdm(range(0, frames, FRAMES_AT_ONCE), unit="part", leave=False, disable=not progress):
            part = slice(begin, begin + FRAMES_AT_ONCE)
            pairs = list(zip(keys[part], shares[part], strict=True))
            start = np.stack([noises.slerp(starts[i], starts[j], share) for (i, j), share in pairs])
            context = np.concatenate([contexts[i] + share * (contexts[j] - contexts[i]) for (i, j), share in pairs])
            scale = None
            if request.guidance_scale != 1.0:
                context, scale = np.concatenate([context, empty.repeat(len(pairs), 0)]), request.guidance_scale
            some = dataclasses.replace(request, seeds=[seeds[0]] * len(pairs), noise=start[None])
            denoise = generation.guided_denoiser(painter, ops.convert_to_tensor(context), scale, request.whole_times)
            made.append(generation.decode(painter, generation.sample(painter, some, denoise=denoise)))
    return np.concatenate(made)


def between(count, frames, times=None, loop=False):
    """Between which keyframes each frame lies, and how far it is from the first to the second.

    Args:
        count: int. Keyframes.
        frames: int.
        times, loop: as `animate` takes them.

    Returns:
        (list of (int, int), list of float): keyframes' numbers, shares in [0, 1].

    Raises:
        ValueError: times that do not rise, or not one for each keyframe.
    """
    times = list(range(count)) if times is None else [float(time) for time in times]
    if len(times) != count:
        raise ValueError(f"{len(times)} times for {count} prompts: give one for each")
    if not all(first < second for first, second in pairwise(times)) or not np.isfinite(times).all():
        raise ValueError(f"the times {', '.join(f'{time:g}' for time in times)} do not rise")
    order = [*range(count)]
    if loop:
        times.append(times[-1] + (times[-1] - times[0]) / (count - 1))
        order.append(0)
    keys, shares = [], []
    for time in np.linspace(times[0], times[-1], frames, endpoint=not loop):
        i = min(int(np.searchsorted(times, time, side="right")) - 1, len(times) - 2)
        keys.append((order[i], order[i + 1]))
        shares.append(float((time - times[i]) / (times[i + 1] - times[i])))
    return keys, shares

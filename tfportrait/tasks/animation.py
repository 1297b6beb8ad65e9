"""Moving pictures: what lies between words, and between seeds."""

import dataclasses
import numbers
from itertools import pairwise

import numpy as np
from keras import ops
from tqdm import tqdm

from tfportrait.diffusion import noise as noises
from tfportrait.models import generation
from tfportrait.tasks.pictures import check_images
from tfportrait.tasks.restyling import encode

FRAMES_AT_ONCE = 12
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
    clip = _Keyframes.check(
        painter,
        prompts,
        negative_prompt,
        frames=frames,
        times=times,
        loop=loop,
        seeds=seeds,
        num_steps=num_steps,
        guidance_scale=guidance_scale,
        sampler=sampler,
        spacing=spacing,
        image_size=image_size,
    )
    starts = noises.unit_noise(clip.request.seeds, 0, clip.request.latent_shape)
    with painter.averaged_weights():
        clip.encode()
        made = []
        size = -(-frames // -(-frames // FRAMES_AT_ONCE))  # parts of one size, where they can be
        for begin in tqdm(range(0, frames, size), unit="part", leave=False, disable=not progress):
            some = range(begin, min(begin + size, frames))
            start = np.stack([noises.slerp(starts[i], starts[j], share) for (i, j), share in map(clip.place, some)])
            seeds = [clip.request.seeds[0]] * len(some)
            request = dataclasses.replace(clip.request, seeds=seeds, noise=start[None])
            made.append(generation.decode(painter, generation.sample(painter, request, denoise=clip.denoiser(some))))
    return np.concatenate(made)


def chain(
    painter,
    image,
    prompts,
    negative_prompt=None,
    *,
    strength=0.5,
    smoothing=0.5,
    frames=24,
    times=None,
    loop=False,
    seeds=0,
    num_steps=20,
    guidance_scale=4.0,
    sampler="dpmpp_2m",
    spacing=None,
    progress=False,
):
    """Paints a clip each of whose frames is painted from the one before, as `image_to_image` does it: an image that
    turns into what words say.

    All frames are hidden by the same noise, which would flicker otherwise, and each is mixed with the one before, in
    latents: no picture is decoded and encoded again, so that nothing wears out along the chain.

    Args:
        painter: LatentDiffusion.
        image: uint8 (H, W, 3). The first frame. Sides are such as `generate` takes for `image_size`.
        prompts: list of at least one str: keyframes; one holds for all frames.
        negative_prompt, frames, times, num_steps, guidance_scale, sampler, spacing, progress: as for `animate`.
        loop: bool. Goes back to the first prompt; the image itself does not come back.
        strength: float in (0, 1]. As `image_to_image` takes it.
        smoothing: float in [0, 1). The share of the frame before in each frame.
        seeds: int or list of int. As for `animate`; the noise of all frames is that of the first.

    Returns:
        uint8 (frames, H, W, 3), the first of them the image as the autoencoder shows it.

    Raises:
        ValueError, FloatingPointError: as for `animate`.
    """
    images = check_images(image)
    if len(images) != 1:
        raise ValueError(f"a chain begins with one image, got {len(images)}")
    if isinstance(smoothing, bool) or not isinstance(smoothing, numbers.Real) or not 0 <= smoothing < 1:
        raise ValueError(f"smoothing is {smoothing!r}, but must be a number from 0 to below 1")
    if isinstance(prompts, list | tuple) and len(prompts) == 1:
        prompts = [*prompts, *prompts]
    clip = _Keyframes.check(
        painter,
        prompts,
        negative_prompt,
        frames=frames,
        times=times,
        loop=loop,
        seeds=seeds,
        num_steps=num_steps,
        guidance_scale=guidance_scale,
        sampler=sampler,
        spacing=spacing,
        image_size=images.shape[1:3],
        strength=strength,
    )
    request = dataclasses.replace(clip.request, seeds=clip.request.seeds[:1])
    with painter.averaged_weights():
        clip.encode()
        latents = ops.convert_to_numpy(encode(painter, images))
        made = [latents]
        for frame in tqdm(range(1, frames), unit="frame", leave=False, disable=not progress):
            found = generation.sample(painter, request, latents=latents, denoise=clip.denoiser([frame]))
            latents = np.float32(1 - smoothing) * ops.convert_to_numpy(found) + np.float32(smoothing) * latents
            made.append(latents)
        parts = [np.concatenate(made[i : i + FRAMES_AT_ONCE]) for i in range(0, frames, FRAMES_AT_ONCE)]
        return np.concatenate([generation.decode(painter, part) for part in parts])


class _Keyframes:
    """Words between which a clip goes, and where each frame is on the way.

    Attributes:
        request: `generation.Request` of the keyframes themselves.
    """

    def __init__(self, painter, request, negative_prompt, keys, shares):
        self.painter, self.request, self.negative_prompt = painter, request, negative_prompt
        self.keys, self.shares = keys, shares

    @classmethod
    def check(
        cls,
        painter,
        prompts,
        negative_prompt,
        *,
        frames,
        times,
        loop,
        seeds,
        num_steps,
        guidance_scale,
        sampler,
        spacing,
        image_size,
        strength=1.0,
    ):
        """Raises a ValueError for what cannot be used, before any work is done."""
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
            strength=strength,
        )
        return cls(painter, request, negative_prompt, keys, shares)

    def encode(self):
        """Reads the prompts; to be called with the averaged weights."""
        texts = [*self.request.prompts, self.negative_prompt or ""]
        contexts = ops.convert_to_numpy(generation.encode_prompts(self.painter, texts, self.request.clip_skip))
        *self.contexts, self.empty = np.split(contexts, len(texts))

    def place(self, frame):
        """((int, int), float): the keyframes that a frame lies between, and how far it is on the way."""
        return self.keys[frame], self.shares[frame]

    def denoiser(self, frames):
        """The painter as a denoiser of some frames."""
        first, second = ([self.contexts[self.keys[frame][end]] for frame in frames] for end in (0, 1))
        shares = [self.shares[frame] for frame in frames]
        context = np.concatenate([a + share * (b - a) for a, b, share in zip(first, second, shares, strict=True)])
        scale = None
        if self.request.guidance_scale != 1.0:
            context = np.concatenate([context, self.empty.repeat(len(shares), 0)])
            scale = self.request.guidance_scale
        whole_times = self.request.whole_times
        return generation.guided_denoiser(self.painter, ops.convert_to_tensor(context), scale, whole_times)


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

"""Directions that change one attribute of what is painted: found by an oracle, applied by degrees."""

import dataclasses

import numpy as np
from keras import ops
from tqdm import tqdm

from tfportrait import world
from tfportrait.diffusion import guidance
from tfportrait.diffusion import noise as noises
from tfportrait.models import generation
from tfportrait.world.choice import world_of

SPACES = ("latents", "noise")
FIRST_SEED = 2**43  # of the portraits whose words are painted
SEEDS_A_PROMPT = 8
LEAST = 8  # pictures that show a value, and that do not
INTERVAL = (0.3, 5.0)  # ratios of noise to signal between which clean latents are moved
AT_ONCE = 16


@dataclasses.dataclass(frozen=True)
class Direction:
    """Where pictures that show a value lie, seen from those that do not.

    Attributes:
        attribute, value: str.
        space: str. "latents" or "noise".
        vector: float32 (h, w, c). The difference of the means.
        count: int. How many pictures showed the value.
    """

    attribute: str
    value: str
    space: str
    vector: np.ndarray
    count: int


@dataclasses.dataclass(frozen=True)
class Effect:
    """What a direction does.

    Attributes:
        shown: list of float. Share of pictures in which the oracle reads the value, at each strength.
        kept: list of float. Share of the other attributes that it reads as without the direction.
    """

    shown: list
    kept: list


def directions(painter, oracle, attribute, *, count=256, seed=0, num_steps=10, guidance_scale=4.0, progress=False):
    """Finds directions towards the values of an attribute.

    Pictures are painted from words that leave the attribute open, each several times. The oracle says what became of
    it; the means of those that show a value and of those that do not differ by the direction: in the noise that the
    sampler starts from, which is all that tells these pictures apart, and in the latents of the result. Differences
    between prompts are taken out before.

    Args:
        painter: LatentDiffusion, trained on portraits or scenes of the package's worlds.
        oracle: Oracle, of that world, and of the attribute.
        attribute: str.
        count: int. Pictures, in all.
        seed: int. Another seed, other portraits and noise.
        num_steps, guidance_scale: as `LatentDiffusion.generate` takes them.
        progress: bool. Shows a progress bar on standard error.

    Returns:
        dict of (value, space) to Direction. Values that too few pictures show, or nearly all, are left out.

    Raises:
        ValueError: the oracle does not read the attribute, fewer pictures than twice `LEAST`, or no value has a
            direction.
    """
    if attribute not in oracle.attributes:
        raise ValueError(f"the oracle does not read {attribute!r}; it reads {', '.join(oracle.attributes)}")
    if count < 2 * LEAST:
        raise ValueError(f"count is {count}, but must be at least {2 * LEAST}")
    each = min(SEEDS_A_PROMPT, count // 2)
    texts = [text for i in range(-(-count // each)) for text in [_words(oracle, seed + i, attribute)] * each][:count]
    seeds = [seed * count + i for i in range(count)]
    found = {space: [] for space in SPACES}
    labels = []
    for begin in tqdm(range(0, count, AT_ONCE), unit="part", leave=False, disable=not progress):
        part = slice(begin, begin + AT_ONCE)
        request = _request(painter, texts[part], seeds[part], num_steps, guidance_scale)
        with painter.averaged_weights():
            latents = generation.sample(painter, request)
            images = generation.decode(painter, latents)
        found["latents"].append(ops.convert_to_numpy(latents))
        found["noise"].append(request.noise_of(-1))
        labels.append(oracle.read(images)[attribute])
    labels, groups = np.concatenate(labels), np.arange(count) // each
    vectors = {space: _without_means(np.concatenate(rows), groups) for space, rows in found.items()}
    made = {}
    for number, value in enumerate(oracle.attributes[attribute]):
        showing = labels == number
        if min(showing.sum(), (~showing).sum()) < LEAST:
            continue
        for space in SPACES:
            rows = vectors[space]
            vector = (rows[showing].mean(axis=0) - rows[~showing].mean(axis=0)).astype("float32")
            made[value, space] = Direction(attribute, value, space, vector, int(showing.sum()))
    if not made:
        raise ValueError(f"of {count} pictures nearly all show one {attribute}: there is nothing to tell apart")
    return made


def slide(painter, direction, prompts, strengths, *, seeds=0, num_steps=20, guidance_scale=4.0, sampler="dpmpp_2m"):
    """Paints pictures with a direction, by degrees.

    Args:
        painter: LatentDiffusion.
        direction: Direction, of this painter.
        prompts: as `LatentDiffusion.generate` takes them.
        strengths: list of S float. 0 changes nothing. In latents 1 is the difference of the means, which is added to
            what the model takes for clean while the ratio of noise to signal is within `INTERVAL`; in noise 1 starts
            from the direction alone, and -1 from its opposite, along a great circle.
        seeds, num_steps, guidance_scale, sampler: as `LatentDiffusion.generate` takes them.

    Returns:
        uint8 (S, N, H, W, 3).

    Raises:
        ValueError: an argument that cannot be used, or a direction of another shape than the painter's latents.
    """
    request = _request(painter, prompts, seeds, num_steps, guidance_scale, sampler)
    if direction.vector.shape != tuple(request.latent_shape):
        raise ValueError(
            f"the direction has shape {direction.vector.shape}, but this painter's latents have {request.latent_shape}"
        )
    made = []
    with painter.averaged_weights():
        for strength in strengths:
            moved, wrap = request, None
            if direction.space == "noise":
                moved = dataclasses.replace(request, noise=_turned(request.noise_of(-1), direction, strength)[None])
            else:
                wrap = _moving(direction.vector * np.float32(strength))
            made.append(generation.decode(painter, generation.sample(painter, moved, wrap=wrap)))
    return np.stack(made)


def measure(painter, oracle, direction, strengths, *, count=64, seed=1, num_steps=20, guidance_scale=4.0):
    """What a direction does to portraits that it was not found from.

    Args:
        painter, oracle, direction, strengths, num_steps, guidance_scale: as for `directions` and `slide`.
        count: int. Portraits, of words that leave the attribute open.
        seed: int. Another one than `directions` was given.

    Returns:
        Effect.
    """
    texts = [_words(oracle, 10**6 * (seed + 1) + i, direction.attribute) for i in range(count)]
    read = {name: [] for name in oracle.attributes}
    for begin in range(0, count, AT_ONCE):
        part = slice(begin, begin + AT_ONCE)
        images = slide(
            painter,
            direction,
            texts[part],
            [0.0, *strengths],
            seeds=[10**9 + begin + i for i in range(len(texts[part]))],
            num_steps=num_steps,
            guidance_scale=guidance_scale,
        )
        for name, values in oracle.read(images.reshape(-1, *images.shape[2:])).items():
            read[name].append(values.reshape(images.shape[:2]))
    read = {name: np.concatenate(parts, axis=1) for name, parts in read.items()}  # (1 + S, count)
    wanted = oracle.attributes[direction.attribute].index(direction.value)
    others = [values for name, values in read.items() if name != direction.attribute]
    kept = np.mean([values == values[:1] for values in others], axis=(0, 2))
    shown = (read[direction.attribute] == wanted).mean(axis=1)
    return Effect(shown[1:].tolist(), kept[1:].tolist())


def _words(oracle, number, attribute):
    """All of a random picture of the oracle's world but one attribute, in words."""
    of = world.WORLDS[world_of(oracle.attributes)]
    values = of.sample(FIRST_SEED + number).attributes
    return str(of.compose({name: value for name, value in values.items() if name != attribute}))


def _request(painter, prompts, seeds, num_steps, guidance_scale, sampler="dpmpp_2m"):
    return generation.Request.check(
        painter,
        prompts,
        None,
        seeds,
        num_steps=num_steps,
        guidance_scale=guidance_scale,
        sampler=sampler,
        steps_spacing=None,
        image_size=None,
        start=None,
    )


def _without_means(rows, groups):
    """Rows without the mean of their group."""
    rows = rows.astype("float64")
    for group in np.unique(groups):
        rows[groups == group] -= rows[groups == group].mean(axis=0)
    return rows


def _turned(start, direction, strength):
    """Noise (N, h, w, c), turned towards a direction, or away from it."""
    if not -1 <= strength <= 1:
        raise ValueError(f"the strength of a direction of noise is {strength:g}, but must lie in [-1, 1]")
    unit = direction.vector / np.linalg.norm(direction.vector)
    ends = np.sign(strength) * unit * np.sqrt(unit.size)
    return np.stack([noises.slerp(row, ends, abs(strength)) for row in start]) if strength else start


def _moving(vector):
    def wrap(denoise):
        def moved(x, signal_rate, noise_rate):
            clean = denoise(x, signal_rate, noise_rate)
            return clean + vector if guidance.within(INTERVAL, signal_rate, noise_rate) else clean

        return moved

    return wrap

"""Noise that depends on the seed and the step alone: the same on every backend, in any batch, count or order."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np

from tfportrait.diffusion.numeric import over

SEED_LIMIT = 2**63


def unit_noise(seeds: Sequence[int], step: int, shape: Sequence[int]) -> np.ndarray:
    """Normal noise of mean 0 and variance 1, drawn for each seed by itself from numpy's Philox keyed by (seed, step).

    Args:
        seeds: sequence of N ints in [0, 2**63), one per image.
        step: int >= 0. 0 is the start of sampling, i + 1 the noise of step i.
        shape: sequence of ints. Shape of one image's noise.

    Returns:
        float32 (N, *shape).

    Raises:
        ValueError: for a seed or step out of range, or no seed.
    """
    seeds = [_whole("seed", seed) for seed in seeds]
    if not seeds:
        raise ValueError("seeds is empty: one seed per image is wanted")
    step = _whole("step", step)
    shape = tuple(shape)
    keys = (np.array([seed, step], "uint64") for seed in seeds)
    return np.stack([np.random.Generator(np.random.Philox(key=key)).standard_normal(shape, "float32") for key in keys])


def slerp(first, second, share):
    """Spherical interpolation: along the great circle through two vectors, at a steady pace (Shoemake 1985).

    What lies between two samples of normal noise is as long as they are, so that a sampler can start from it.

    Equation: `noise.slerp`.

    Args:
        first, second: float arrays of one shape, taken as one vector each.
        share: float in [0, 1].

    Returns:
        float32, of the same shape.
    """
    lengths = np.linalg.norm(first), np.linalg.norm(second)
    cosine = np.clip(np.vdot(first, second) / (lengths[0] * lengths[1]), -1.0, 1.0)
    angle = np.arccos(cosine)
    if np.sin(angle) < 1e-4:  # along one line
        return np.asarray(first + share * (second - first), "float32")
    found = (np.sin((1 - share) * angle) * first + np.sin(share * angle) * second) / np.sin(angle)
    return np.asarray(found, "float32")


def expand_seeds(seeds: int | Sequence[int], count: int | None = None) -> list[int]:
    """One seed per image: `7` for four images means 7, 8, 9, 10; a list is checked and returned.

    Args:
        seeds: int or sequence of ints in [0, 2**63).
        count: int. Number of images; None for as many as seeds are given (1 for an int).

    Raises:
        ValueError: for a seed out of range, or a list of another length than count.
    """
    if np.ndim(seeds) == 0:
        first = _whole("seed", seeds)
        return [_whole("seed", first + i) for i in range(1 if count is None else count)]
    seeds = [_whole("seed", seed) for seed in seeds]
    if not seeds:
        raise ValueError("seeds is empty: one seed per image is wanted")
    if count is not None and len(seeds) != count:
        raise ValueError(f"{len(seeds)} seeds for {count} images: give one seed per image, or one for all")
    return seeds


def add_noise(x_0, noise, signal_rate, noise_rate):
    """x_t = signal_rate x_0 + noise_rate noise; rates are scalars or (B,), x_0 and noise (B, ...).

    Equation: `diffusion.forward`.
    """
    return over(signal_rate, x_0) * x_0 + over(noise_rate, x_0) * noise


def _whole(kind: str, value) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"a {kind} is a whole number, not {value!r}") from None
    if isinstance(value, bool) or not 0 <= number < SEED_LIMIT:
        raise ValueError(f"a {kind} lies in [0, 2**63), not {value!r}")
    return number

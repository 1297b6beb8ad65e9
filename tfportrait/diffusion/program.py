"""A sampler as a table of numbers, for programs that know no sampler: what it adds up, evaluation by evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Program(NamedTuple):
    """What a deterministic sampler computes: sums of the start and of what the denoiser said before.

        x_k = weights[k, 0] start + sum over j < k of weights[k, j + 1] x_0_j,   x_0_k = denoise(x_k, *rates[k])

    for the evaluations k = 0 ... n - 1; `x_n`, made by the last row, is the result.

    Attributes:
        weights: float32 (n + 1, n + 1).
        rates: float32 (n, 2). Signal and noise rate of every evaluation.
    """

    weights: np.ndarray
    rates: np.ndarray


def program(sampler: Callable, rates) -> Program:
    """The program of a sampler, found by having it add up unit vectors.

    Args:
        sampler: callable, of `tfportrait.diffusion.samplers`.
        rates: float32 (steps + 1, 2), as samplers take them.

    Raises:
        ValueError: a sampler that draws noise between the steps.
    """
    most = 2 * len(rates)  # no sampler looks more than twice a step
    rows, seen = [], []

    def denoise(x, signal_rate, noise_rate):
        rows.append(x)
        seen.append((signal_rate, noise_rate))
        return np.eye(1, most, len(rows))

    def noise(i):
        raise ValueError(
            f"the sampler {sampler.__name__!r} draws noise in every step; ddim, euler, heun and dpmpp_2m do not"
        )

    end = sampler(denoise, np.eye(1, most, 0), np.asarray(rates, "float64"), noise)
    count = len(rows)
    weights = np.concatenate([*rows, end])[:, : count + 1]
    return Program(weights.astype("float32"), np.array(seen, "float32"))

"""Samplers: from noise to data, one function per algorithm, each about as long as in its paper.

    sampler(denoise, x, rates, noise, *, on_step=None) -> x

    denoise: callable (x, signal_rate, noise_rate) -> x_0. Rates come as Python floats.
    x: float32 (B, ...), a numpy array or a backend tensor: the start, at the first rates.
    rates: float32 (steps + 1, 2), signal and noise rate of every step and of the end point. See `spacing.rates`.
    noise: callable (i) -> float32 unit noise of x's shape for step i = 0 ... steps - 1; deterministic samplers ask for
        none.
    on_step: callable (i, x_t, x_0), after each prediction: x_t is where the network looked, x_0 what it saw.

Rates enter as Python floats, so x keeps its dtype and nothing is traced again for another step count. On a finite grid
`euler` is `ddim` and `euler_ancestral` is `ddpm`: the same formulas, written for x / signal_rate by their authors. What
differs between these names is the grid and the scale of the start, which is the business of `spacing`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from tfportrait.diffusion.numeric import choose

LARGEST_RATIO = 100  # of the signal rates after and before a first step along n / s

ALIASES = {
    "dpm++2m": "dpmpp_2m",
    "dpm++2mkarras": "dpmpp_2m",
    "dpmsolver++": "dpmpp_2m",
    "dpmsolver++2m": "dpmpp_2m",
    "dpmsolvermultistep": "dpmpp_2m",
    "dpmsolvermultistepscheduler": "dpmpp_2m",
    "kdpmpp2m": "dpmpp_2m",
    "dpmpp": "dpmpp_2m",
    "eulera": "euler_ancestral",
    "keulera": "euler_ancestral",
    "keulerancestral": "euler_ancestral",
    "eulerancestraldiscretescheduler": "euler_ancestral",
    "keuler": "euler",
    "eulerdiscretescheduler": "euler",
    "kheun": "heun",
    "heundiscretescheduler": "heun",
    "ancestral": "ddpm",
    "ddpmscheduler": "ddpm",
    "ddimscheduler": "ddim",
    "plms": "dpmpp_2m",
    "pndm": "dpmpp_2m",
    "pndmscheduler": "dpmpp_2m",
    "unipc": "dpmpp_2m",
    "lcmscheduler": "lcm",
}


def ddpm(denoise: Callable, x, rates, noise: Callable, *, on_step=None):
    """Ancestral sampling (Ho et al. 2020, algorithm 2, small variance): x_next ~ q(x_next | x, x_0), for any rates.

    Equation: `sampler.ddpm`.
    """
    for i, (s, n), (s_next, n_next) in _steps(rates):
        x_0 = _predict(denoise, x, s, n, i, on_step)
        ratio = s / s_next
        variance = n**2 - (ratio * n_next) ** 2  # of x given x_next
        x = (s_next * variance / n**2) * x_0 + (ratio * n_next**2 / n**2) * x
        if n_next > 0:
            x = x + (n_next / n * math.sqrt(max(variance, 0.0))) * noise(i)
    return x


def ddim(denoise: Callable, x, rates, noise: Callable, *, on_step=None):
    """DDIM with eta 0 (Song et al. 2021, equation 12): keep the predicted noise, change its rate.

    Equation: `sampler.ddim`.
    """
    for i, (s, n), (s_next, n_next) in _steps(rates):
        x_0 = _predict(denoise, x, s, n, i, on_step)
        x = s_next * x_0 + (n_next / n) * (x - s * x_0)
    return x


def euler(denoise: Callable, x, rates, noise: Callable, *, on_step=None):
    """Euler's method in sigma = noise_rate / signal_rate (Karras et al. 2022): DDIM's formula."""
    return ddim(denoise, x, rates, noise, on_step=on_step)


def euler_ancestral(denoise: Callable, x, rates, noise: Callable, *, on_step=None):
    """Euler's method to less noise than wanted, then fresh noise up to it (k-diffusion): DDPM's formula."""
    return ddpm(denoise, x, rates, noise, on_step=on_step)


def heun(denoise: Callable, x, rates, noise: Callable, *, on_step=None):
    """Heun's method (Karras et al. 2022, algorithm 1), two evaluations a step, one in the last.

    The trapezoid rule for d(x / s) = epsilon d(n / s), as in diffusers. From a start without signal (rectified flow)
    n / s is infinite, and where the first step begins with hardly any (a cosine schedule on even times: 5e-5) the error
    of the rule, and of diffusers' scheduler, exceeds the picture; there the same rule for dx = x_0 ds + epsilon dn.
    Both add a correction to Euler's step, written with epsilon_next - epsilon = (x_0 - x_0_next) s_next / n_next, which
    does not cancel in float32.

    Equation: `sampler.heun`.
    """
    in_sigma = float(rates[1][0]) < LARGEST_RATIO * float(rates[0][0])
    for i, (s, n), (s_next, n_next) in _steps(rates):
        x_0 = _predict(denoise, x, s, n, i, on_step)
        x = s_next * x_0 + (n_next / n) * (x - s * x_0)
        if n_next > 0:
            correction = 0.5 * (s_next * n / n_next - s) * (s_next / s if in_sigma else 1.0)
            x = x + correction * (denoise(x, s_next, n_next) - x_0)
    return x


def dpmpp_2m(denoise: Callable, x, rates, noise: Callable, *, on_step=None):
    """DPM-Solver++(2M), midpoint (Lu et al. 2022, algorithm 2): x_0 extrapolated in half log-SNR from two steps.

    The first step, and the last where it ends without noise, are of first order, as in diffusers. After a start
    without signal, half log-SNR -infinity, the second is as well: the extrapolation has that limit.

    Equation: `sampler.dpmpp_2m`.
    """
    previous, width = None, math.inf
    for i, (s, n), (s_next, n_next) in _steps(rates):
        x_0 = _predict(denoise, x, s, n, i, on_step)
        next_width = math.log(s_next * n / (s * n_next)) if s > 0 and n_next > 0 else math.inf
        direction = x_0
        if previous is not None and n_next > 0 and width < math.inf:
            direction = x_0 + (0.5 * next_width / width) * (x_0 - previous)
        x = (n_next / n) * x + (s_next - s * n_next / n) * direction
        previous, width = x_0, next_width
    return x


def lcm(denoise: Callable, x, rates, noise: Callable, *, on_step=None):
    """Multistep consistency sampling (Song et al. 2023, algorithm 1): to x_0, and back with fresh noise.

    The boundary condition of a consistency model belongs to its denoiser: see `denoiser.consistency`.

    Equation: `sampler.lcm`.
    """
    for i, (s, n), (s_next, n_next) in _steps(rates):
        x = s_next * _predict(denoise, x, s, n, i, on_step)
        if n_next > 0:
            x = x + n_next * noise(i)
    return x


_SAMPLERS = {sampler.__name__: sampler for sampler in (ddpm, ddim, euler, euler_ancestral, heun, dpmpp_2m, lcm)}
SAMPLERS = tuple(_SAMPLERS)


def get(name: str) -> Callable:
    """A sampler by name.

    Raises:
        ValueError: for an unknown name; the valid ones are listed, nearest first.
    """
    return _SAMPLERS[choose("sampler", name, SAMPLERS, ALIASES)]


def _steps(rates) -> Iterator[tuple[int, list[float], list[float]]]:
    rates = np.asarray(rates, "float32")
    if rates.ndim != 2 or rates.shape[1] != 2 or len(rates) < 2:
        raise ValueError(f"rates must have shape (steps + 1, 2) with one step or more, not {rates.shape}")
    for i, (now, then) in enumerate(pairwise(rates.tolist())):
        yield i, now, then


def _predict(denoise, x, signal_rate, noise_rate, i, on_step):
    x_0 = denoise(x, signal_rate, noise_rate)
    if on_step is not None:
        on_step(i, x, x_0)
    return x_0

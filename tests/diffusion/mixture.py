"""A one-dimensional Gaussian mixture: everything that diffusion estimates is known in closed form."""

import math

import numpy as np

WEIGHTS = np.array([0.3, 0.5, 0.2])
MEANS = np.array([-1.2, 0.3, 1.5])
STDS = np.array([0.3, 0.2, 0.4])
_erf = np.vectorize(math.erf, otypes=["float64"])


def _standardised(x, signal_rate, noise_rate):
    std = np.sqrt((signal_rate * STDS) ** 2 + noise_rate**2)
    return (np.asarray(x)[..., None] - signal_rate * MEANS) / std, std


def denoise(x, signal_rate, noise_rate):
    """E[x_0 | x_t = x], elementwise."""
    z, std = _standardised(x, signal_rate, noise_rate)
    log_weight = np.log(WEIGHTS / std) - 0.5 * z**2
    weight = np.exp(log_weight - log_weight.max(-1, keepdims=True))
    means = MEANS + signal_rate * STDS**2 / std * z
    return (weight * means).sum(-1) / weight.sum(-1)


def cdf(x, signal_rate=1.0, noise_rate=0.0):
    """P(x_t <= x)."""
    z, _ = _standardised(x, signal_rate, noise_rate)
    return (WEIGHTS * 0.5 * (1 + _erf(z / math.sqrt(2)))).sum(-1)


def consistency(x, signal_rate, noise_rate):
    """Where the probability-flow ODE through x ends: in one dimension it keeps the distribution function."""
    wanted = cdf(x, signal_rate, noise_rate)
    low, high = np.full(np.shape(x), -8.0), np.full(np.shape(x), 8.0)
    for _ in range(50):
        middle = (low + high) / 2
        below = cdf(middle) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def kolmogorov_smirnov(samples):
    """Greatest distance between the samples' distribution function and the mixture's."""
    values = cdf(np.sort(samples.ravel()))
    steps = np.arange(len(values) + 1) / len(values)
    return max(np.abs(values - steps[1:]).max(), np.abs(values - steps[:-1]).max())

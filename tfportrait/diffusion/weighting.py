"""How much the squared error of the network's own output F counts at a noise level.

A weight of the error of x_0 becomes one of the error of F by c_out^2, since x_0 = c_skip x + c_out F. That gives the
published forms for each prediction type: min(SNR, gamma) / SNR for epsilon, min(SNR, gamma) / (SNR + 1) for v.
"""

from __future__ import annotations

import math

from tfportrait.diffusion import prediction as predictions
from tfportrait.diffusion.numeric import as_float32, choose, ops_for


class Uniform:
    """Every noise level counts the same in F, as in DDPM's simple loss."""

    name = "uniform"

    def weight(self, signal_rate, noise_rate, prediction):
        """1, float32 of the rates' shape."""
        return as_float32(0 * (signal_rate + noise_rate) + 1)


class MinSNR:
    """min(SNR, gamma) on the error of x_0 (Hang et al. 2023).

    Args:
        gamma: float. Where the SNR is cut.
    """

    name = "min_snr"

    def __init__(self, gamma: float = 5.0):
        if not gamma > 0:
            raise ValueError(f"gamma must be positive, not {gamma}")
        self.gamma = float(gamma)

    def weight(self, signal_rate, noise_rate, prediction):
        """Weight of the squared error of F, float32 of the rates' shape; `prediction` is a name or a Prediction."""
        ops = ops_for(signal_rate, noise_rate)
        signal = ops.maximum(signal_rate, predictions.LEAST_SIGNAL_RATE)
        snr = (signal / ops.maximum(noise_rate, 1e-6)) ** 2
        return as_float32(ops.minimum(snr, self.gamma) * _c_out(signal_rate, noise_rate, prediction) ** 2)


class EDM:
    """(sigma^2 + sigma_data^2) / (sigma sigma_data)^2 on the error of x_0 (Karras et al. 2022): 1 on their F.

    Args:
        sigma_data: float. Standard deviation of the data.
    """

    name = "edm"

    def __init__(self, sigma_data: float = 0.5):
        self.sigma_data = float(sigma_data)

    def weight(self, signal_rate, noise_rate, prediction):
        """Weight of the squared error of F, float32 of the rates' shape; `prediction` is a name or a Prediction."""
        noise = ops_for(signal_rate, noise_rate).maximum(noise_rate, 1e-4)
        weight = (noise**2 + (self.sigma_data * signal_rate) ** 2) / (noise * self.sigma_data) ** 2
        return as_float32(weight * _c_out(signal_rate, noise, prediction) ** 2)


class LogitNormal:
    """Density of t = noise_rate / (signal_rate + noise_rate) with logit(t) ~ N(mean, std^2), on the error of F.

    Weighing uniform times so has the expectation of drawing them so (`FlowSchedule(time_distribution="logit_normal")`),
    with more variance (Esser et al. 2024, equation 19).

    Args:
        mean: float. Mean of logit(t).
        std: float. Its standard deviation.
    """

    name = "logit_normal"

    def __init__(self, mean: float = 0.0, std: float = 1.0):
        self.mean, self.std = float(mean), float(std)

    def weight(self, signal_rate, noise_rate, prediction):
        """Weight of the squared error of F, float32 of the rates' shape; 0 at either end."""
        ops = ops_for(signal_rate, noise_rate)
        time = ops.clip(noise_rate / (signal_rate + noise_rate), 1e-6, 1 - 1e-6)
        logit = ops.log(time) - ops.log(1 - time)
        normal = ops.exp(-0.5 * ((logit - self.mean) / self.std) ** 2) / (self.std * math.sqrt(2 * math.pi))
        return as_float32(normal / (time * (1 - time)))


WEIGHTINGS = {kind.name: kind for kind in (Uniform, MinSNR, EDM, LogitNormal)}


def get(weighting="uniform", **options):
    """A weighting by name: "uniform", "min_snr" (gamma), "edm" (sigma_data), "logit_normal" (mean, std).

    Raises:
        ValueError: for an unknown name; the valid ones are listed.
    """
    if hasattr(weighting, "weight"):
        return weighting
    return WEIGHTINGS[choose("weighting", weighting, WEIGHTINGS, {"snr": "min_snr"})](**options)


def _c_out(signal_rate, noise_rate, prediction):
    return predictions.get(prediction).coefficients(signal_rate, noise_rate)[2]

"""How much the squared error of the network's own output F counts at a noise level.

A weight of the error of x_0 becomes one of the error of F by c_out^2, since x_0 = c_skip x + c_out F. That gives the
published forms for each prediction type: min(SNR, gamma) / SNR for epsilon, min(SNR, gamma) / (SNR + 1) for v.
"""

from __future__ import annotations

import math

from tfportrait.diffusion import prediction as predictions
from tfportrait.diffusion.numeric import as_float32, choose, normal_quantile, ops_for


class Weighting:
    """What every weighting offers; `weight` is each one's own."""

    name = None

    def times(self, u):
        """u itself: times are drawn evenly."""
        return u


class Uniform(Weighting):
    """Every noise level counts the same in F, as in DDPM's simple loss."""

    name = "uniform"

    def weight(self, signal_rate, noise_rate, prediction):
        """1, float32 of the rates' shape."""
        return as_float32(0 * (signal_rate + noise_rate) + 1)


class LogitNormalTimes(Uniform):
    """Draws more of the times in the middle, where what a picture shows is decided; all that are drawn count the same.

    The share u of the schedule's times below the one drawn has logit(u) ~ N(mean, std^2) (Esser et al. 2024, section
    3.1, there for flow matching). Unlike a weight it spends no step on times that hardly count.

    Args:
        mean: float. Above 0 draws more noise.
        std: float. Standard deviation of logit(u).
    """

    name = "logit_normal_times"

    def __init__(self, mean: float = 0.0, std: float = 1.0):
        if not std > 0:
            raise ValueError(f"std must be positive, not {std}")
        self.mean, self.std = float(mean), float(std)

    def times(self, u):
        """Shares of the schedule in (0, 1), float32 (B,), of u uniform in [0, 1)."""
        return as_float32(1 / (1 + ops_for(u).exp(-(self.mean + self.std * normal_quantile(u)))))


class MinSNR(Weighting):
    """min(SNR, gamma) on the error of x_0 (Hang et al. 2023).

    Equation: `weighting.min_snr`.

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


class EDM(Weighting):
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


class LogitNormal(Weighting):
    """Density of t = noise_rate / (signal_rate + noise_rate) with logit(t) ~ N(mean, std^2), on the error of F.

    Weighing uniform times so has the expectation of drawing them so (`FlowSchedule(time_distribution="logit_normal")`),
    with more variance (Esser et al. 2024, equation 19).

    Equation: `weighting.logit_normal`.

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


WEIGHTINGS = {kind.name: kind for kind in (Uniform, MinSNR, EDM, LogitNormal, LogitNormalTimes)}


def get(weighting="uniform", **options):
    """A weighting by name: "uniform", "min_snr" (gamma), "edm" (sigma_data), "logit_normal" and
    "logit_normal_times" (mean, std).

    Args:
        weighting: str, dict with "name" and the options, or such an object.
        **options: of the class of that name.

    Raises:
        ValueError: for an unknown name; the valid ones are listed.
    """
    if hasattr(weighting, "weight"):
        return weighting
    if isinstance(weighting, dict):
        options = {**weighting, **options}
        weighting = options.pop("name", None)
    return WEIGHTINGS[choose("weighting", weighting, WEIGHTINGS, {"snr": "min_snr"})](**options)


def _c_out(signal_rate, noise_rate, prediction):
    return predictions.get(prediction).coefficients(signal_rate, noise_rate)[2]

"""The numbers that the capstones are measured by."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np

MEANS = np.array([(-1.2, 0.6), (0.9, 1.1), (0.5, -1.0), (-0.7, -0.9), (0.1, 0.2)])
DEVIATION = 0.15  # of each of the normal distributions around them
STARTS, REFERENCE_STEPS = 500, 500


@dataclasses.dataclass(frozen=True)
class Gain:
    """What a training has changed in how often an attribute is painted as it was asked for.

    Attributes:
        attribute: str.
        before, after: float. Its accuracy.
        interval: (float, float). 95 % interval of the difference (Newcombe 1998, method 10).
        others: float. Change of the mean accuracy of all other attributes.
    """

    attribute: str
    before: float
    after: float
    interval: tuple[float, float]
    others: float

    def __str__(self):
        low, high = self.interval
        return (
            f"{self.attribute}: {self.before:.3f} -> {self.after:.3f}, a gain of {self.after - self.before:+.3f} "
            f"(95 % interval {low:+.3f} to {high:+.3f}); all others {self.others:+.3f}"
        )

    __repr__ = __str__


def gain(before, after, attribute):
    """Compares two evaluations of the same prompts.

    Args:
        before, after: str or path. Folders that `tfportrait evaluate --out` has written.
        attribute: str.

    Returns: Gain.

    Raises: ValueError for an attribute that was not measured, or evaluations of different prompts or settings.
    """
    records = [_record(folder) for folder in (before, after)]
    told = [_how(record["settings"]) for record in records]
    if told[0] != told[1]:
        raise ValueError(f"these were measured differently: {told[0]} and {told[1]}")
    accuracies = [record["results"]["prompts"]["by_attribute"] for record in records]
    if attribute not in accuracies[0] or accuracies[0].keys() != accuracies[1].keys():
        raise ValueError(f"attribute is {attribute!r}; both measured {', '.join(accuracies[0])}")
    (first, second) = (each[attribute] for each in accuracies)
    (low, high), (next_low, next_high) = (record["results"]["intervals"][f"accuracy.{attribute}"] for record in records)
    difference = second - first
    interval = (
        difference - math.hypot(second - next_low, high - first),
        difference + math.hypot(next_high - second, first - low),
    )
    others = [np.mean([value for name, value in each.items() if name != attribute]) for each in accuracies]
    return Gain(attribute, first, second, interval, float(others[1] - others[0]))


def share_of_the_way(evaluation):
    """How far a painter has come from guessing (0) to what the oracle reads on real pictures (1).

    Args:
        evaluation: str or path. A folder that `tfportrait evaluate --out` has written.

    Returns: (float, (float, float)): the share, and its 95 % interval.
    """
    results = _record(evaluation)["results"]
    guessing, real = results["prompts"]["guessing"], results["prompts"]["real"]
    values = (results["prompts"]["accuracy"], *results["intervals"]["accuracy"])
    share, low, high = ((value - guessing) / (real - guessing) for value in values)
    return share, (low, high)


def _how(settings):
    """How something was measured, without what was."""
    oracle = settings["hashes"][1]
    return {key: value for key, value in settings.items() if key not in ("preset", "hashes")} | {"oracle": oracle}


def _record(folder):
    return json.loads((Path(folder) / "evaluation.json").read_text("utf-8"))


def sampler_errors(sampler, evaluations=(6, 12, 24, 48)):
    """How far a sampler ends from where the exact path ends, for equally many evaluations of the denoiser.

    The data are five normal distributions in the plane, whose denoiser is known in closed form; the schedule is DDPM's
    on Karras' grid. Evaluations are counted; a sampler gets as many steps as they allow.

    Args:
        sampler: callable (denoise, x, rates, noise) -> x, as in `tfportrait.diffusion.samplers`, deterministic.
        evaluations: collection of int.

    Returns: dict of int to float. The median distance over 500 starts: the mean would be that of the few between two
        of the distributions, which any error sends to the other one.

    Raises: ValueError where a sampler asks more often in one step than that.
    """
    from tfportrait.diffusion import schedules, spacing, unit_noise
    from tfportrait.diffusion.samplers import heun

    schedule = schedules.DiscreteSchedule("ddpm_linear")
    start = unit_noise(list(range(STARTS)), 0, (2,)).astype("float64")

    def end(method, steps, denoise):
        asked = 0

        def counted(*arguments):
            nonlocal asked
            asked += 1
            return denoise(*arguments)

        rates = spacing.rates(schedule, "dpmpp_2m", steps, "karras")
        return np.asarray(method(counted, start, rates, lambda i: unit_noise(list(range(STARTS)), i + 1, (2,)))), asked

    wanted, found = end(heun, REFERENCE_STEPS, _mixture)[0], {}
    for allowed in evaluations:
        counts = (steps for steps in range(allowed, 0, -1) if end(sampler, steps, lambda x, *_: x)[1] <= allowed)
        steps = next(counts, None)
        if steps is None:
            raise ValueError(f"it evaluates the denoiser more than {allowed} times in one step")
        found[allowed] = float(np.median(np.linalg.norm(end(sampler, steps, _mixture)[0] - wanted, axis=1)))
    return found


def _mixture(x, signal_rate, noise_rate):
    """E[x_0 | x] of the five normal distributions."""
    variance = (signal_rate * DEVIATION) ** 2 + noise_rate**2
    away = x[:, None] - signal_rate * MEANS  # (B, 5, 2)
    logits = -0.5 * np.sum(away**2, axis=2) / variance
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.sum(weights[..., None] * (MEANS + signal_rate * DEVIATION**2 / variance * away), axis=1)

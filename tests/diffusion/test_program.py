"""A sampler's table adds up to what the sampler itself makes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfportrait.diffusion import samplers, schedules, spacing
from tfportrait.diffusion.program import program


def denoise(x, signal_rate, noise_rate):
    """Nothing linear, so that a wrong sum shows."""
    return np.tanh(x * (1 + signal_rate)) - 0.3 * noise_rate * np.cos(x)


@given(
    name=st.sampled_from(["ddim", "euler", "heun", "dpmpp_2m"]),
    schedule=st.sampled_from(schedules.SCHEDULES),
    steps=st.integers(1, 25),
)
def test_the_program_computes_what_the_sampler_does(name, schedule, steps):
    rates = spacing.rates(schedules.get(schedule), name, steps, None)
    found = program(samplers.get(name), rates)
    start = np.random.default_rng(steps).normal(size=(2, 3))
    wanted = samplers.get(name)(denoise, start, np.asarray(rates, "float64"), None)
    seen = [start]
    for row, (signal_rate, noise_rate) in zip(found.weights, found.rates, strict=False):
        x = sum(weight * each for weight, each in zip(row, seen, strict=False))
        seen.append(denoise(x, signal_rate, noise_rate))
    made = sum(weight * each for weight, each in zip(found.weights[-1], seen, strict=True))
    np.testing.assert_allclose(made, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize("name", ["ddpm", "euler_ancestral", "lcm"])
def test_samplers_that_draw_noise_are_refused(name):
    with pytest.raises(
        ValueError, match=f"'{samplers.get(name).__name__}' draws noise in every step; ddim, euler, heun"
    ):
        program(samplers.get(name), spacing.rates(schedules.get("cosine"), name, 4, None))

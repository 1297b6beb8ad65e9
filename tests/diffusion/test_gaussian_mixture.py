"""On a mixture of Gaussians, whose denoiser and ODE solution are known exactly, every sampler does what it promises."""

import mixture
import numpy as np
import pytest

from tfportrait import diffusion
from tfportrait.diffusion.spacing import karras_sigmas

ORDERS = {"ddim": 1, "euler": 1, "heun": 2, "dpmpp_2m": 2}
FAMILIES = ("variance_preserving", "edm", "flow")


def rates(family, steps):
    """Karras' sigmas, from 20 to 0, on the path of a family of schedules."""
    sigmas = np.append(karras_sigmas(20.0, 0.002, steps), 0)
    scale = {"variance_preserving": np.hypot(1, sigmas), "edm": np.ones_like(sigmas), "flow": 1 + sigmas}[family]
    return np.stack([1 / scale, sigmas / scale], -1).astype("float32")


def error(sampler, grid):
    """Root-mean-square distance from the exact ODE solution, from starts over the whole range."""
    signal_rate, noise_rate = (float(rate) for rate in grid[0])
    start = np.linspace(-2, 2, 31) * np.hypot(signal_rate, noise_rate)
    end = diffusion.samplers.get(sampler)(mixture.denoise, start, grid, noise=None)
    return np.sqrt(np.mean((end - mixture.consistency(start, signal_rate, noise_rate)) ** 2))


def order(errors):
    return np.log2(errors[:-1] / errors[1:])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("sampler", ORDERS)
def test_deterministic_samplers_converge_at_their_order(sampler, family):
    errors = np.array([error(sampler, rates(family, steps)) for steps in (64, 128, 256)])
    np.testing.assert_allclose(order(errors), ORDERS[sampler], atol=0.2)
    assert errors[-1] < {1: 1e-2, 2: 2e-4}[ORDERS[sampler]]


@pytest.mark.parametrize("sampler", ["ddim", "euler", "heun"])
def test_order_on_rectified_flow_from_pure_noise(sampler):
    schedule = diffusion.schedules.get("flow")
    errors = np.array([error(sampler, diffusion.spacing.rates(schedule, sampler, steps)) for steps in (64, 128, 256)])
    np.testing.assert_allclose(order(errors), ORDERS[sampler], atol=0.2)


def test_dpmpp_2m_on_rectified_flow_from_pure_noise():
    """Even times are far from even in log-SNR near either end, which costs the second order a logarithm."""
    schedule = diffusion.schedules.get("flow")
    errors = [error("dpmpp_2m", diffusion.spacing.rates(schedule, "dpmpp_2m", steps)) for steps in (32, 256, 1024)]
    assert errors[0] < 3e-3 and errors[1] < 2e-4 and np.log2(errors[1] / errors[2]) / 2 > 1.6


@pytest.mark.parametrize("sampler", ORDERS)
def test_the_path_does_not_matter(sampler):
    """The same sigmas on another path are the same ODE: x / signal_rate agrees step by step."""
    ends = {family: error(sampler, rates(family, 12)) for family in FAMILIES}
    np.testing.assert_allclose(list(ends.values()), ends["edm"], rtol=1e-3)


def test_second_order_beats_first_at_twenty_steps():
    errors = {sampler: error(sampler, rates("variance_preserving", 20)) for sampler in ORDERS}
    assert errors["dpmpp_2m"] < errors["ddim"] / 3 and errors["heun"] < errors["ddim"] / 3


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("sampler", ["ddpm", "euler_ancestral"])
def test_stochastic_samplers_draw_from_the_mixture(sampler, family):
    generator, grid = np.random.default_rng(3), rates(family, 200)
    start = generator.standard_normal(10_000) * grid[0, 1]
    draws = diffusion.samplers.get(sampler)(
        mixture.denoise, start, grid, lambda i: generator.standard_normal(start.shape)
    )
    variance = mixture.WEIGHTS @ (mixture.STDS**2 + mixture.MEANS**2) - (mixture.WEIGHTS @ mixture.MEANS) ** 2
    assert mixture.kolmogorov_smirnov(draws) < 0.02  # 1.95 / sqrt(10000) at the level of 0.001
    assert abs(draws.mean() - mixture.WEIGHTS @ mixture.MEANS) < 0.03
    assert abs(draws.std() - variance**0.5) < 0.03
    np.testing.assert_allclose([(draws < -0.5).mean(), (draws > 0.95).mean()], [0.3, 0.18], atol=0.02)


@pytest.mark.parametrize("family", FAMILIES)
def test_one_step_of_lcm_is_the_consistency_function(family):
    grid = rates(family, 1)
    start = np.linspace(-2, 2, 31) * np.hypot(*grid[0])
    end = diffusion.samplers.get("lcm")(mixture.consistency, start, grid, noise=None)
    np.testing.assert_allclose(end, mixture.consistency(start, *grid[0].astype("float64")), atol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_lcm_keeps_the_distribution_at_every_step(family):
    generator, grid = np.random.default_rng(5), rates(family, 4)
    start = generator.standard_normal(4000) * np.hypot(*grid[0])
    predictions = []
    end = diffusion.samplers.get("lcm")(
        mixture.consistency,
        start,
        grid,
        lambda i: generator.standard_normal(start.shape),
        on_step=lambda i, x_t, x_0: predictions.append(x_0),
    )
    assert len(predictions) == 4
    for draws in [*predictions, end]:
        assert mixture.kolmogorov_smirnov(draws) < 0.031  # 1.95 / sqrt(4000)

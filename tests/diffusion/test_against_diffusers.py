"""Samplers agree with diffusers' schedulers step by step; tests/golden/schedulers.py keeps the script."""

import json
import pathlib

import numpy as np
import pytest

from tfportrait import diffusion

GOLDEN = np.load(pathlib.Path(__file__).parents[1] / "golden" / "schedulers.npz")
CASES = json.loads(str(GOLDEN["cases"]))
SEED = 11


def network(x, time):
    time = time.reshape(-1, 1)
    return (0.5 * x * np.cos(time / 300) + 0.4 * np.sin(3 * x + time / 150)).astype("float32")


def unit_noise(step):
    key = np.array([SEED, step], "uint64")
    return np.random.Generator(np.random.Philox(key=key)).standard_normal((2, 3), "float32")


def trajectory(denoise, sampler, rates, start):
    """x_t before every step and at the end."""
    states = []
    x = diffusion.samplers.get(sampler)(
        denoise,
        start,
        rates,
        lambda i: unit_noise(i + 1),
        on_step=lambda i, x_t, x_0: states.append(x_t),
    )
    return np.stack([*states, x])


def assert_close(actual, wanted, case):
    # diffusers interpolates sigma, not log-SNR, between timesteps, and keeps 1 - alphas_cumprod in float32; Heun's
    # correction multiplies either by sigma / sigma_next.
    loose = case["sampler"] == "heun" or case.get("spacing") == "uniform"
    assert actual.shape == wanted.shape
    np.testing.assert_allclose(actual, wanted, rtol=0, atol=(1.5e-4 if loose else 2e-5) * max(1, np.abs(wanted).max()))


def describe(number):
    return "-".join(str(value) for value in CASES[number].values())


DISCRETE = [i for i, case in enumerate(CASES) if "spacing" in case]
CONTINUOUS = [i for i, case in enumerate(CASES) if "spacing" not in case]


@pytest.mark.parametrize("number", DISCRETE, ids=describe)
def test_steps_of_discrete_schedules(number):
    case = CASES[number]
    schedule = diffusion.schedules.get(case["schedule"], zero_terminal_snr=case["zero_terminal_snr"])
    spacing = None if case["sampler"] == "lcm" else case["spacing"]
    rates = diffusion.spacing.rates(schedule, case["sampler"], case["steps"], spacing)
    assert rates.dtype == np.float32 and rates.shape == (case["steps"] + 1, 2)
    rounded = np.round if diffusion.spacing.whole_times(schedule, case["sampler"], spacing) else np.asarray
    times = rounded(schedule.time(rates[:-1, 0], rates[:-1, 1]))
    np.testing.assert_allclose(times, GOLDEN[f"t_{number}"], atol=1e-3)
    if case["sampler"] == "heun" and rates[1, 0] > 100 * rates[0, 0]:
        pytest.skip("here the error of diffusers' correction is larger than the picture; see samplers.heun")

    denoise = diffusion.Denoiser(lambda x, time: network(x, rounded(time)), schedule, case["prediction"])
    if case["sampler"] == "lcm":
        denoise = diffusion.consistency(denoise, schedule)
    start = unit_noise(0) * diffusion.spacing.start_scale(schedule, case["sampler"], rates, spacing)
    assert_close(trajectory(denoise, case["sampler"], rates, start), GOLDEN[f"x_{number}"], case)


@pytest.mark.parametrize("number", CONTINUOUS, ids=describe)
def test_steps_of_edm_and_rectified_flow(number):
    case = CASES[number]
    schedule = diffusion.schedules.get(case["schedule"])
    rates = np.stack(schedule.rates(GOLDEN[f"t_{number}"]), -1)
    if case["schedule"] == "edm":
        np.testing.assert_allclose(diffusion.spacing.rates(schedule, case["sampler"], case["steps"]), rates, rtol=1e-5)
    elif case["sampler"] == "euler":
        shifted = diffusion.schedules.get("flow", shift=case["shift"])
        np.testing.assert_allclose(diffusion.spacing.rates(shifted, "euler", case["steps"]), rates, atol=1e-6)
    denoise = diffusion.Denoiser(network, schedule, case["prediction"])
    start = unit_noise(0) * rates[0, 1]
    assert_close(trajectory(denoise, case["sampler"], rates, start), GOLDEN[f"x_{number}"], case)


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("name", ["ddpm_linear", "scaled_linear", "cosine"])
def test_rates_are_the_square_roots_of_alphas_cumprod(name, zero):
    wanted = GOLDEN[f"alphas_cumprod_{name}_{zero}"].astype("float64")
    schedule = diffusion.schedules.get(name, zero_terminal_snr=zero)
    signal, noise = schedule.rates(GOLDEN["alphas_cumprod_indices"])
    np.testing.assert_allclose(signal, np.sqrt(wanted), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(noise, np.sqrt(1 - wanted), rtol=3e-3)  # 1 - 0.99996 in their float32


def test_every_sampler_and_the_shipped_combination_are_covered():
    assert {case["sampler"] for case in CASES} == set(diffusion.SAMPLERS)
    wanted = {"sampler": "dpmpp_2m", "schedule": "cosine", "prediction": "v_prediction", "spacing": "trailing"}
    assert sum(wanted.items() <= case.items() for case in CASES) >= 2

import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tfportrait.diffusion import schedules

BETAS = ("ddpm_linear", "cosine", "scaled_linear")


@st.composite
def any_schedule(draw):
    """A schedule of any kind with any sensible options."""
    name = draw(st.sampled_from(schedules.SCHEDULES))
    if name == "edm":
        low = draw(st.floats(1e-3, 0.1))
        return schedules.get("edm", sigma_min=low, sigma_max=draw(st.floats(1, 500)))
    if name == "flow":
        times = draw(st.sampled_from(["uniform", "logit_normal"]))
        return schedules.get("flow", shift=draw(st.floats(0.2, 8)), time_distribution=times)
    options = {}
    if name != "cosine":
        options["beta_start"] = draw(st.floats(1e-5, 1e-3))
        options["beta_end"] = options["beta_start"] + draw(st.floats(1e-3, 2e-2))
    zero = draw(st.booleans())
    return schedules.get(name, num_train_timesteps=draw(st.integers(10, 1500)), zero_terminal_snr=zero, **options)


def time_range(schedule):
    if schedule.name == "edm":
        return np.geomspace(schedule.sigma_min, schedule.sigma_max, 200)
    if schedule.name == "flow":
        return np.linspace(0.001, 0.999, 200)
    return np.arange(schedule.num_train_timesteps)


@settings(deadline=None, max_examples=60)
@given(any_schedule())
def test_log_snr_strictly_falls(schedule):
    assert np.all(np.diff(schedule.log_snr(time_range(schedule))) < 0)


@settings(deadline=None, max_examples=40)
@given(any_schedule(), st.lists(st.floats(0, 1), min_size=2, max_size=20, unique=True))
def test_log_snr_falls_between_timesteps(schedule, positions):
    times = time_range(schedule)
    positions = np.sort(positions) * (len(times) - 1)
    assume(np.all(np.diff(positions) > 0.01))
    log_snr = schedule.log_snr(np.interp(positions, np.arange(len(times)), times))
    assert np.all(np.diff(log_snr) < 0)


@settings(deadline=None, max_examples=60)
@given(any_schedule(), st.floats(0, 1))
def test_time_inverts_rates(schedule, position):
    times = time_range(schedule)
    time = np.interp(position * (len(times) - 1), np.arange(len(times)), times)
    signal, noise = schedule.rates(time)
    assert signal.dtype == noise.dtype == np.float32 and np.shape(signal) == ()
    np.testing.assert_allclose(schedule.time(signal, noise), time, rtol=1e-5, atol=2e-3 if len(times) != 200 else 1e-5)


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("name", BETAS)
def test_squares_sum_to_one_and_whole_times_come_back_whole(name, zero):
    schedule = schedules.get(name, zero_terminal_snr=zero)
    times = np.arange(1000)
    signal, noise = schedule.rates(times)
    assert signal.shape == noise.shape == (1000,)
    np.testing.assert_allclose(signal.astype("float64") ** 2 + noise.astype("float64") ** 2, 1, atol=2e-7)
    np.testing.assert_array_equal(schedule.time(signal, noise), times)
    half_signal, half_noise = schedule.rates(times[:-1] + 0.5)
    np.testing.assert_allclose(half_signal**2 + half_noise**2, 1, atol=1e-6)
    assert np.all(half_signal < signal[:-1]) and np.all(half_noise >= noise[:-1])


@pytest.mark.parametrize("name", BETAS)
def test_zero_terminal_snr_ends_in_pure_noise_and_keeps_the_beginning(name):
    plain, zero = schedules.get(name), schedules.get(name, zero_terminal_snr=True)
    assert [float(rate) for rate in zero.rates(999)] == [0.0, 1.0] and zero.log_snr(999) == -np.inf
    assert plain.rates(999)[0] > 0
    np.testing.assert_allclose(zero.rates(0), plain.rates(0), rtol=1e-6)
    assert zero.time(0.0, 1.0) == 999 and zero.time(1.0, 0.0) == 0


def test_published_values():
    """DDPM's and Stable Diffusion's terminal signal, the cosine's half-way point."""
    np.testing.assert_allclose(schedules.get("ddpm_linear").rates(999)[0] ** 2, 4.04e-5, rtol=1e-2)
    np.testing.assert_allclose(schedules.get("scaled_linear").rates(999)[0] ** 2, 0.00466, rtol=1e-3)
    middle = np.cos((0.5 + 0.008) / 1.008 * np.pi / 2) / np.cos(0.008 / 1.008 * np.pi / 2)
    np.testing.assert_allclose(schedules.get("cosine").rates(499)[0], middle, rtol=1e-5)


def test_edm_and_flow():
    edm, flow = schedules.get("edm"), schedules.get("flow")
    np.testing.assert_allclose(edm.rates(np.array([0.0, 2.0])), [[1, 1], [0, 2]])
    np.testing.assert_allclose(edm.network_time(np.array([1.0, np.e])), [0, 0.25], atol=1e-7)
    np.testing.assert_allclose(flow.rates(np.array([0.0, 0.3, 1.0])), [[1, 0.7, 0], [0, 0.3, 1]], atol=1e-7)
    np.testing.assert_allclose(flow.network_time(0.3), 300, rtol=1e-6)
    assert edm.time(1.0, 0.0) == 0 and flow.time(0.0, 1.0) == 1
    np.testing.assert_allclose(schedules.get("flow", shift=3.0).shifted(0.5), 0.75)


def test_training_times_have_their_distribution():
    u = (np.arange(20_000) + 0.5) / 20_000
    times = schedules.get("cosine").sample_times(u)
    assert times.dtype == np.float32
    np.testing.assert_array_equal(np.bincount(times.astype(int)), 20)
    assert schedules.get("cosine").sample_times(np.float32(1 - 2**-24)) == 999
    log_sigma = np.log(schedules.get("edm").sample_times(u))
    np.testing.assert_allclose([log_sigma.mean(), log_sigma.std()], [-1.2, 1.2], atol=1e-3)
    logit_normal = schedules.get("flow", time_distribution="logit_normal", mean=0.5, std=0.8).sample_times(u)
    logits = np.log(logit_normal / (1 - logit_normal))
    np.testing.assert_allclose([logits.mean(), logits.std()], [0.5, 0.8], atol=1e-3)
    np.testing.assert_allclose(schedules.get("flow").sample_times(u), u, atol=1e-7)


@settings(deadline=None, max_examples=30)
@given(any_schedule())
def test_configs_round_trip(schedule):
    config = json.loads(json.dumps(schedule.get_config()))
    again = schedules.get(config)
    assert again == schedule and hash(again) == hash(schedule)
    np.testing.assert_array_equal(again.rates(time_range(schedule)), schedule.rates(time_range(schedule)))


def test_trained_betas():
    betas = np.linspace(1e-4, 0.02, 1000)
    trained = schedules.get(schedules.get("ddpm_linear", trained_betas=betas).get_config())
    assert trained.name == "trained"
    np.testing.assert_array_equal(trained.rates(np.arange(1000)), schedules.get("ddpm_linear").rates(np.arange(1000)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"schedule": "squaredcos_cap_v2"}, "did you mean 'cosine'"),
        ({"schedule": "scaled-linear"}, "did you mean 'scaled_linear'.*ddpm_linear"),
        ({"schedule": None}, "unknown schedule None"),
        ({"schedule": "cosine", "shift": 3.0}, "'cosine'.*'shift'"),
        ({"schedule": "flow", "shift": 0.0}, "shift must be positive"),
        ({"schedule": "flow", "time_distribution": "normal"}, "did you mean 'logit_normal'"),
        ({"schedule": "edm", "sigma_min": 3.0, "sigma_max": 2.0}, "0 < sigma_min < sigma_max"),
        ({"schedule": "ddpm_linear", "beta_end": 1.5}, "between 0 and 1"),
        ({"schedule": "cosine", "num_train_timesteps": 1}, "2 or more"),
        ({"schedule": "cosine", "timestep_spacing": "linspace"}, "did you mean 'uniform'"),
        ({"schedule": "trained"}, "needs trained_betas"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        schedules.get(**arguments)

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfportrait.diffusion import SAMPLERS, SCHEDULES, schedules, spacing


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_noise_falls_strictly_to_the_end_point(data):
    schedule = schedules.get(data.draw(st.sampled_from(SCHEDULES)))
    if schedule.name not in ("edm", "flow"):
        schedule = schedules.get(
            schedule.name,
            zero_terminal_snr=data.draw(st.booleans()),
            steps_offset=data.draw(st.integers(0, 1)),
            set_alpha_to_one=data.draw(st.booleans()),
        )
    sampler = data.draw(st.sampled_from(SAMPLERS))
    name = data.draw(st.sampled_from([None, *schedule.spacings]))
    steps = data.draw(st.integers(1, 50) | st.integers(1, 480 if sampler != "lcm" else 50))
    rates = spacing.rates(schedule, sampler, steps, name)
    assert rates.shape == (steps + 1, 2) and rates.dtype == np.float32 and np.isfinite(rates).all()
    assert np.all(rates[:-1, 1] > 0)
    with np.errstate(divide="ignore"):
        log_snr = np.log(rates[:, 0].astype("float64")) - np.log(rates[:, 1].astype("float64"))
    assert np.all(np.diff(log_snr) > 0)
    stable_diffusion_end = sampler == "ddim" and schedule.name not in ("edm", "flow") and not schedule.set_alpha_to_one
    if not stable_diffusion_end:
        assert rates[-1].tolist() == [1, 0]
    assert 0 < spacing.start_scale(schedule, sampler, rates, name) <= 1.0001 * np.hypot(*rates[0]) + 1e-6


def test_stable_diffusion_ends_at_timestep_zero_only_if_told():
    plain = schedules.get("scaled_linear")
    np.testing.assert_array_equal(spacing.rates(plain, "ddim", 50)[-1], plain.rates(0))
    to_one = schedules.get("scaled_linear", set_alpha_to_one=True)
    assert spacing.rates(to_one, "ddim", 50)[-1].tolist() == [1, 0]
    # With timestep 0 already visited the end is clean: a last step from 0 to 0 would change nothing.
    assert spacing.rates(plain, "ddim", 50, "uniform")[-1].tolist() == [1, 0]


def test_zero_terminal_snr_starts_without_signal_or_next_to_none():
    schedule = schedules.get("scaled_linear", zero_terminal_snr=True)
    for sampler in SAMPLERS:
        first = spacing.rates(schedule, sampler, 20, "trailing")[0]
        exact = sampler in ("ddpm", "ddim", "lcm")
        np.testing.assert_allclose(first, [0 if exact else 2.0**-12, 1], atol=1e-9)


def test_timesteps_of_the_papers():
    schedule = schedules.get("scaled_linear")
    assert spacing.timesteps(schedule, "ddim", 4, "trailing").tolist() == [999, 749, 499, 249]
    assert spacing.timesteps(schedule, "ddim", 4, "leading").tolist() == [751, 501, 251, 1]
    assert spacing.timesteps(schedule, "ddim", 4, "uniform").tolist() == [999, 666, 333, 0]
    assert spacing.timesteps(schedule, "dpmpp_2m", 4, "uniform").tolist() == [999, 749, 500, 250]
    assert spacing.timesteps(schedule, "lcm", 4, "lcm").tolist() == [999, 759, 499, 259]
    assert spacing.timesteps(schedule, "ddpm", 1000, "leading").tolist() == list(range(999, -1, -1))


def test_karras_spaces_the_seventh_root_of_sigma_evenly():
    rates = spacing.rates(schedules.get("edm"), "heun", 18)
    roots = rates[:-1, 1].astype("float64") ** (1 / 7)
    np.testing.assert_allclose(np.diff(roots), np.diff(roots)[0], rtol=1e-4)
    np.testing.assert_allclose(rates[[0, -2], 1], [80, 0.002], rtol=1e-5)
    schedule = schedules.get("scaled_linear")
    discrete = spacing.rates(schedule, "dpmpp_2m", 18, "karras")
    np.testing.assert_allclose(discrete[[0, -2]], np.transpose(schedule.rates(np.array([999, 0]))), rtol=1e-5)


def test_defaults():
    schedule = schedules.get("scaled_linear")
    for sampler in SAMPLERS:
        wanted = "leading" if sampler in ("ddpm", "ddim", "lcm") else "uniform"
        assert spacing.resolve(schedule, sampler) == wanted
        assert spacing.resolve(schedules.get("cosine", timestep_spacing="trailing"), sampler) == "trailing"
    np.testing.assert_array_equal(
        spacing.rates(schedules.get("cosine", timestep_spacing="trailing"), "dpmpp_2m", 20),
        spacing.rates(schedules.get("cosine"), "dpmpp_2m", 20, "trailing"),
    )
    assert spacing.resolve(schedules.get("edm"), "heun") == "karras"
    shifted = spacing.rates(schedules.get("flow", shift=3.0), "euler", 4)
    np.testing.assert_allclose(shifted[:, 1], [1, 0.9, 0.75, 0.5, 0], rtol=1e-6)


@pytest.mark.parametrize("steps", [0, -3, 2.0, True, None, "20"])
def test_steps_must_be_a_positive_whole_number(steps):
    with pytest.raises(ValueError, match="num_steps must be a whole number of at least 1"):
        spacing.rates(schedules.get("cosine"), "ddim", steps)


@pytest.mark.parametrize(
    ("name", "sampler", "steps", "named", "message"),
    [
        ("scaled_linear", "ddim", 1001, "leading", "1001 steps do not fit 'leading'.*the most is 1000"),
        ("scaled_linear", "dpmpp_2m", 1000, "leading", "the most is 999"),
        ("scaled_linear", "dpmpp_2m", 1000, "uniform", "the most is 999"),
        ("scaled_linear", "lcm", 51, None, "the most is 50"),
        ("scaled_linear", "ddim", 20, "linspace", "did you mean 'uniform'"),
        ("edm", "heun", 20, "leading", "spacing of schedule 'edm'.*Valid names: .*karras"),
        ("flow", "heun", 20, "karras", "spacing of schedule 'flow'.*uniform"),
        ("flow", "Euler a", 20, None, "did you mean 'euler_ancestral'"),
    ],
)
def test_bad_arguments(name, sampler, steps, named, message):
    with pytest.raises(ValueError, match=message):
        spacing.rates(schedules.get(name), sampler, steps, named)


def test_short_schedules():
    schedule = schedules.get("cosine", num_train_timesteps=10)
    for sampler in SAMPLERS:
        assert len(spacing.rates(schedule, sampler, 5)) == 6

import numpy as np
import pytest

from tfportrait.diffusion import Denoiser, add_noise, consistency, prediction, schedules


def oracle(schedule, kind, x_0, noise):
    """A network that knows the answer, and keeps the times that it was given."""
    times = []

    def network(x, time):
        times.append(time)
        rates = schedule.rates(time if schedule.name != "flow" else time / 1000)
        return prediction.get(kind).target(x_0, noise, *rates)

    return network, times


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample", "flow"])
@pytest.mark.parametrize(("name", "time"), [("cosine", 400), ("scaled_linear", 10), ("flow", 0.5)])
def test_a_perfect_network_gives_x_0(name, time, kind):
    schedule = schedules.get(name)
    x_0, noise = np.random.default_rng(1).standard_normal((2, 3, 4, 4, 2)).astype("float32")
    network, times = oracle(schedule, kind, x_0, noise)
    denoise = Denoiser(network, schedule, kind)
    signal, noise_rate = schedule.rates(time)
    found = denoise(add_noise(x_0, noise, signal, noise_rate), float(signal), float(noise_rate))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, x_0, atol=2e-5)
    np.testing.assert_allclose(times[0], np.full(3, time * (1000 if name == "flow" else 1)), rtol=1e-6)
    assert times[0].dtype == np.float32


def test_one_noise_level_per_example():
    schedule = schedules.get("cosine")
    x_0, noise = np.random.default_rng(2).standard_normal((2, 3, 5)).astype("float32")
    network, times = oracle(schedule, "v_prediction", x_0, noise)
    rates = schedule.rates(np.array([0, 500, 999]))
    found = Denoiser(network, schedule, "v_prediction")(add_noise(x_0, noise, *rates), *rates)
    np.testing.assert_allclose(found, x_0, atol=1e-5)
    np.testing.assert_array_equal(times[0], [0, 500, 999])
    with pytest.raises(ValueError, match=r"shape \(batch,\), not \(3, 1\)"):
        Denoiser(network, schedule, "v_prediction")(x_0, rates[0][:, None], rates[1][:, None])


def test_edm_network_sees_a_quarter_of_log_sigma_and_unit_variance():
    seen = {}

    def network(x, time):
        seen.update(x=x, time=time)
        return np.zeros_like(x)

    x = np.full((2, 3), np.sqrt(4.25), "float32")
    found = Denoiser(network, schedules.get("edm"), "edm")(x, 1.0, 2.0)
    np.testing.assert_allclose(seen["time"], 0.25 * np.log(2) * np.ones(2), rtol=1e-6)
    np.testing.assert_allclose(seen["x"], 1, rtol=1e-6)
    np.testing.assert_allclose(found, x * 0.25 / 4.25, rtol=1e-6)


def test_half_precision_networks_give_float32():
    schedule = schedules.get("cosine")
    found = Denoiser(lambda x, time: x.astype("float16"), schedule, "sample")(np.ones((1, 2), "float32"), 0.6, 0.8)
    assert found.dtype == np.float32


def test_consistency_is_the_identity_at_time_zero_and_the_denoiser_later():
    schedule = schedules.get("scaled_linear")
    bounded = consistency(lambda x, signal_rate, noise_rate: np.zeros_like(x), schedule)
    x = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(bounded(x, *schedule.rates(0)), x)
    np.testing.assert_allclose(bounded(x, *schedule.rates(1)), 0.25 / 100.25, rtol=1e-4)
    assert np.abs(bounded(x, *schedule.rates(19))).max() < 1e-5
    per_example = bounded(x, *schedule.rates(np.array([0, 1])))
    np.testing.assert_allclose(per_example[:, 0], [1, 0.25 / 100.25], rtol=1e-4)

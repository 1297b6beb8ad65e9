import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfportrait.diffusion import add_noise, prediction, schedules

NAMES = tuple(prediction.PREDICTIONS)
RATES = {
    "flow": np.linspace(0, 1, 9),
    "edm": np.append(0, np.geomspace(0.002, 80, 8)),
    "cosine": np.arange(0, 1000, 111),
    "scaled_linear": np.arange(0, 1000, 111),
    "ddpm_linear": np.arange(0, 1000, 111),
}


def examples(count):
    generator = np.random.default_rng(0)
    return generator.standard_normal((2, count, 4)).astype("float32")


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("schedule", RATES)
@pytest.mark.parametrize("name", NAMES)
def test_x_0_is_recovered_from_the_right_output(name, schedule, zero):
    if zero and schedule in ("edm", "flow"):
        pytest.skip("flow always ends without signal, EDM never")
    options = {"zero_terminal_snr": True} if zero else {}
    signal, noise_rate = schedules.get(schedule, **options).rates(RATES[schedule])
    x_0, noise = examples(len(signal))
    kind = prediction.get(name)
    x = add_noise(x_0, noise, signal, noise_rate)
    output = kind.target(x_0, noise, signal, noise_rate)
    c_in, c_skip, c_out = kind.coefficients(signal, noise_rate)
    assert all(np.isfinite(c).all() and np.shape(c) == np.shape(signal) for c in (c_in, c_skip, c_out))
    recovered = c_skip[:, None] * x + c_out[:, None] * output
    assert np.isfinite(recovered).all()
    # The noise says nothing of x_0 where there is no signal, and float32 loses it where there is next to none.
    known = signal > 1e-3 if name == "epsilon" else np.full(len(signal), True)
    scale = (1 + noise_rate / np.maximum(signal, 1e-9))[:, None] if name == "epsilon" else 1.0
    scale = scale * np.ones((len(signal), 4)) * (1 + noise_rate)[:, None]
    assert np.all(np.abs(recovered - x_0)[known] <= 2e-6 * scale[known])


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(NAMES), st.floats(0, 100), st.floats(0, 100))
def test_coefficients_are_finite_for_any_rates(name, signal, noise):
    if signal + noise < 1e-3:
        return
    coefficients = prediction.get(name).coefficients(signal, noise)
    assert np.isfinite(coefficients).all()


@pytest.mark.parametrize("name", ["epsilon", "v_prediction", "sample", "edm"])
def test_the_network_sees_unit_variance(name):
    """c_in scales data of the variance that the prediction type assumes, with noise, to variance 1."""
    signal, noise = np.array([1.0, 0.6, 0.3]), np.array([0.5, 0.8, 20.0])
    variance = (signal * (0.5 if name == "edm" else 1.0)) ** 2 + noise**2
    np.testing.assert_allclose(prediction.get(name).coefficients(signal, noise)[0] ** 2 * variance, 1)


def test_targets_by_their_formulas():
    x_0, noise = examples(3)
    np.testing.assert_array_equal(prediction.get("epsilon").target(x_0, noise, 0.6, 0.8), noise)
    np.testing.assert_array_equal(prediction.get("sample").target(x_0, noise, 0.6, 0.8), x_0)
    np.testing.assert_allclose(
        prediction.get("v_prediction").target(x_0, noise, 0.6, 0.8), 0.6 * noise - 0.8 * x_0, atol=1e-6
    )
    np.testing.assert_array_equal(prediction.get("flow").target(x_0, noise, 0.4, 0.6), noise - x_0)
    rates = np.array([1.0, 0.9, 0.0], "float32"), np.array([0.0, 0.5, 1.0], "float32")
    edm = prediction.get("edm", sigma_data=0.7).target(x_0, noise, *rates)
    np.testing.assert_allclose(edm[0], -noise[0], rtol=1e-6)
    np.testing.assert_allclose(edm[2], x_0[2] / 0.7, rtol=1e-6)


def test_edm_is_the_published_preconditioning():
    sigma, data = np.array([0.01, 1.0, 80.0]), 0.5
    c_in, c_skip, c_out = prediction.get("edm").coefficients(np.ones(3), sigma)
    np.testing.assert_allclose(c_in, 1 / np.sqrt(sigma**2 + data**2))
    np.testing.assert_allclose(c_skip, data**2 / (sigma**2 + data**2))
    np.testing.assert_allclose(c_out, sigma * data / np.sqrt(sigma**2 + data**2))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_network_serves_every_path(name):
    """A network trained on x_t sees the same input and says the same x_0 for k x_t at k times the rates."""
    kind = prediction.get(name)
    here, there = kind.coefficients(0.6, 0.8), kind.coefficients(3.0, 4.0)
    np.testing.assert_allclose([here[0], here[1], here[2]], [5 * there[0], 5 * there[1], there[2]], atol=1e-12)


@pytest.mark.parametrize(("name", "meant"), [("eps", "epsilon"), ("v", "v_prediction"), ("x0", "sample"), (3, "")])
def test_unknown_names(name, meant):
    with pytest.raises(ValueError, match=f"unknown prediction type.*did you mean '{meant}.*Valid names: .*flow"):
        prediction.get(name)
    assert prediction.get(prediction.get("flow")).name == "flow"

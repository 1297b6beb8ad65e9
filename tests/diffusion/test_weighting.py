import numpy as np
import pytest

from tfportrait.diffusion import prediction, schedules, weighting

SIGNAL, NOISE = schedules.get("scaled_linear").rates(np.arange(0, 1000, 50))
SNR = (SIGNAL.astype("float64") / NOISE) ** 2


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("epsilon", np.minimum(SNR, 5) / SNR),
        ("v_prediction", np.minimum(SNR, 5) / (SNR + 1)),
        ("sample", np.minimum(SNR, 5)),
        ("flow", np.minimum(SNR, 5) * (NOISE / (SIGNAL + NOISE)) ** 2),
    ],
)
def test_min_snr_has_the_published_form(name, wanted):
    weight = weighting.get("min_snr").weight(SIGNAL, NOISE, name)
    assert weight.dtype == np.float32
    np.testing.assert_allclose(weight, wanted, rtol=2e-5)
    np.testing.assert_allclose(weighting.get("min_snr").weight(SIGNAL, NOISE, prediction.get(name)), weight)


@pytest.mark.parametrize("name", tuple(prediction.PREDICTIONS))
@pytest.mark.parametrize("kind", tuple(weighting.WEIGHTINGS))
def test_weights_are_finite_at_both_ends(kind, name):
    signal, noise = np.array([0, 1e-6, 0.6, 1, 1], "float32"), np.array([1, 1, 0.8, 1e-6, 0], "float32")
    weight = weighting.get(kind).weight(signal, noise, name)
    assert weight.shape == (5,) and np.isfinite(weight).all() and (weight >= 0).all()


def test_every_prediction_type_weighs_the_same_error_of_x_0_the_same():
    for kind in ("min_snr", "edm"):
        on_x_0 = weighting.get(kind).weight(SIGNAL, NOISE, "sample")
        for name in prediction.PREDICTIONS:
            c_out = prediction.get(name).coefficients(SIGNAL, NOISE)[2]
            np.testing.assert_allclose(weighting.get(kind).weight(SIGNAL, NOISE, name), on_x_0 * c_out**2, rtol=1e-4)


def test_edm_weighs_its_own_output_evenly():
    sigma = np.geomspace(0.002, 80, 9).astype("float32")
    np.testing.assert_allclose(weighting.get("edm").weight(np.ones_like(sigma), sigma, "edm"), 1, rtol=1e-5)


def test_logit_normal_weights_are_the_density_that_logit_normal_times_have():
    u = (np.arange(100_000) + 0.5) / 100_000
    weight = weighting.get("logit_normal", mean=0.3, std=0.9).weight(1 - u, u, "flow")
    np.testing.assert_allclose(weight.mean(), 1, atol=1e-3)
    drawn = schedules.get("flow", time_distribution="logit_normal", mean=0.3, std=0.9).sample_times(u)
    np.testing.assert_allclose((weight * u).mean(), drawn.mean(), atol=1e-3)
    np.testing.assert_allclose((weight * u**2).mean(), (drawn.astype("float64") ** 2).mean(), atol=1e-3)


def test_logit_normal_times_are_those_of_flow_matching():
    u = (np.arange(1000) + 0.5) / 1000
    named = weighting.get({"name": "logit_normal_times", "mean": 0.3, "std": 0.9})
    wanted = schedules.get("flow", time_distribution="logit_normal", mean=0.3, std=0.9).sample_times(u)
    np.testing.assert_array_equal(named.times(u), wanted)
    np.testing.assert_array_equal(named.weight(SIGNAL, NOISE, "epsilon"), 1)
    logit = np.log(wanted / (1 - wanted.astype("float64")))
    assert abs(logit.mean() - 0.3) < 1e-2 and abs(logit.std() - 0.9) < 1e-2
    np.testing.assert_array_equal(weighting.get("min_snr").times(u), u)


def test_uniform_and_errors():
    np.testing.assert_array_equal(weighting.get("uniform").weight(SIGNAL, NOISE, "epsilon"), 1)
    with pytest.raises(ValueError, match="did you mean 'min_snr'"):
        weighting.get("snr")
    with pytest.raises(ValueError, match="did you mean 'min_snr'"):
        weighting.get({"name": "snr"})
    with pytest.raises(ValueError, match="std must be positive"):
        weighting.get("logit_normal_times", std=0)
    with pytest.raises(ValueError, match="gamma must be positive"):
        weighting.get("min_snr", gamma=0)

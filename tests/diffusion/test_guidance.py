import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfportrait.diffusion import Guided, guide

CONDITIONAL, UNCONDITIONAL = np.random.default_rng(4).standard_normal((2, 3, 4, 4, 2)).astype("float32")


def test_scales():
    np.testing.assert_allclose(guide(CONDITIONAL, UNCONDITIONAL, 1), CONDITIONAL, atol=1e-6)
    np.testing.assert_array_equal(guide(CONDITIONAL, UNCONDITIONAL, 0.0), UNCONDITIONAL)
    guided = guide(CONDITIONAL, UNCONDITIONAL, 4.0)
    np.testing.assert_allclose(guided, 4 * CONDITIONAL - 3 * UNCONDITIONAL, atol=1e-5)
    assert guided.dtype == np.float32


@given(st.floats(1.5, 12))
def test_rescale_keeps_the_contrast_of_the_conditional(scale):
    full = guide(CONDITIONAL, UNCONDITIONAL, scale, rescale=1.0)
    axes = (1, 2, 3)
    np.testing.assert_allclose(full.std(axes), CONDITIONAL.std(axes), rtol=1e-4)
    half = guide(CONDITIONAL, UNCONDITIONAL, scale, rescale=0.5)
    np.testing.assert_allclose(half, (full + guide(CONDITIONAL, UNCONDITIONAL, scale)) / 2, atol=1e-4)


def test_rescale_is_per_example():
    alone = guide(CONDITIONAL[1:2], UNCONDITIONAL[1:2], 5.0, rescale=0.7)
    np.testing.assert_allclose(guide(CONDITIONAL, UNCONDITIONAL, 5.0, rescale=0.7)[1:2], alone, atol=1e-6)


@pytest.mark.parametrize(("scale", "calls"), [(1, ["c"]), (0, ["u"]), (3.0, ["c", "u"])])
def test_guided_is_a_denoiser_and_evaluates_only_what_it_needs(scale, calls):
    made = []

    def denoiser(name, value):
        return lambda x, signal_rate, noise_rate: made.append(name) or value

    found = Guided(denoiser("c", CONDITIONAL), denoiser("u", UNCONDITIONAL), scale)(CONDITIONAL, 0.6, 0.8)
    np.testing.assert_allclose(found, guide(CONDITIONAL, UNCONDITIONAL, scale), atol=1e-6)
    assert made == calls


@pytest.mark.parametrize(("scale", "rescale"), [(-1, 0), (float("nan"), 0), (float("inf"), 0), (2, 1.5), (2, -0.1)])
def test_bad_arguments(scale, rescale):
    with pytest.raises(ValueError, match="must"):
        Guided(None, None, scale, rescale)

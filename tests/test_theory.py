import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tfportrait import theory
from tfportrait.diffusion import samplers

UNITS = arrays("float64", 6, elements=st.floats(0.01, 1.0))
RATES = st.floats(0.05, 0.95)


def normalise(weights):
    return weights / weights.sum()


@given(UNITS, UNITS)
def test_divergences_are_distances_of_a_kind(a, b):
    p, q = normalise(a), normalise(b)
    assert theory.kl(p, q) >= -1e-12 and theory.kl(p, p) == pytest.approx(0, abs=1e-12)
    assert 0 <= theory.jensen_shannon(p, q) + 1e-12 <= np.log(2) + 1e-12
    assert theory.jensen_shannon(p, q) == pytest.approx(theory.jensen_shannon(q, p), abs=1e-12)


def test_divergences_at_their_ends():
    assert theory.jensen_shannon([1, 0], [0, 1]) == pytest.approx(np.log(2))
    assert theory.kl([0.5, 0.5], [1, 0]) == np.inf
    assert theory.kl([0.25, 0.75], [0.5, 0.5]) == pytest.approx(0.25 * np.log(0.5) + 0.75 * np.log(1.5))


@given(UNITS, UNITS, arrays("float64", 6, elements=st.floats(0.001, 0.999)))
def test_no_discriminator_beats_the_optimal_one_and_its_value_is_the_divergence(a, b, other):
    p, q = normalise(a), normalise(b)
    best = theory.game_value(theory.optimal_discriminator(p, q), p, q)
    assert best == pytest.approx(2 * theory.jensen_shannon(p, q) - np.log(4), abs=1e-9)
    assert theory.game_value(other, p, q) <= best + 1e-9


def test_where_nothing_is_the_discriminator_is_undecided():
    np.testing.assert_allclose(theory.optimal_discriminator([1, 0, 0], [0, 1, 0]), [1, 0, 0.5])


@given(RATES, RATES, st.floats(-3, 3))
def test_a_term_of_the_bound_is_the_divergence_of_the_samplers_own_steps(first, second, error):
    noise, next_noise = max(first, second) + 0.01, min(first, second)
    signal, next_signal = np.sqrt(1 - noise**2), np.sqrt(1 - next_noise**2)
    rates = np.float32([[signal, noise], [next_signal, next_noise]])

    def step(x_0, unit):
        denoise = lambda x, s, n: np.array([x_0])  # noqa: E731
        return float(samplers.ddpm(denoise, np.array([0.3]), rates, lambda i: np.array([unit]))[0])

    deviation = step(0.0, 1.0) - step(0.0, 0.0)
    wanted = (step(error, 0.0) - step(0.0, 0.0)) ** 2 / (2 * deviation**2)
    term = theory.bound_term(signal, noise, next_signal, next_noise, error**2)
    assert term == pytest.approx(wanted, rel=1e-2, abs=1e-5)


def test_the_printed_generator_density_is_none():
    """Erratum: section 3.1.2."""
    scores = np.array([0.1, 0.5, 0.9])  # what D thinks of three generated images: the first looks fake
    printed = theory.printed_generator_density(scores)
    # a distribution over z, not over x: the three numbers for one x do not sum to the density of x
    assert printed.sum() == pytest.approx(1)
    # it prefers what the discriminator calls fake
    assert np.argmax(printed) == np.argmin(scores) and np.all(np.diff(printed) < 0)
    # right: one z gives one x; the density of x counts the z that are mapped to it, whatever D says
    images = np.array([0, 1, 1])  # G(z) for equally likely z
    pushed = np.bincount(images, minlength=2) / 3
    assert pushed.sum() == 1 and not np.allclose(np.bincount(images, printed, minlength=2), pushed)
    np.testing.assert_allclose(theory.printed_generator_density(-scores), printed)  # real or fake: it cannot tell


def test_the_printed_discriminator_density_is_none():
    """Erratum: section 3.1.2."""
    d = np.linspace(0, 1, 101)  # all that a sigmoid can say
    values = theory.printed_discriminator_density(d[:, None], d[None])
    # neither small nor large probabilities exist
    assert values.min() == pytest.approx(0.3033, abs=1e-4) and values.max() == pytest.approx(0.6225, abs=1e-4)
    # the more real D finds x, the less of it there is
    assert (np.diff(values, axis=0) < 0).all()
    # another z is another number for the same x
    assert np.ptp(values[50]) > 0.1
    # over the values of x it does not sum to 1
    assert values[[10, 40, 70, 90], 50].sum() > 1.5
    # right: D* is one number for each x, grows with the share of real ones there, and reaches 0 and 1
    best = theory.optimal_discriminator([0.0, 0.2, 0.8], [0.5, 0.5, 0.0])
    np.testing.assert_allclose(best, [0.0, 2 / 7, 1.0])


@pytest.mark.parametrize("bad", [[0.5, 0.6], [-0.5, 1.5], [[1.0]], []])
def test_what_is_no_distribution_is_refused(bad):
    with pytest.raises(ValueError, match="must be one-dimensional probabilities"):
        theory.kl(bad, [1.0])

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfportrait.diffusion import add_noise, expand_seeds, unit_noise
from tfportrait.diffusion.noise import slerp

SEEDS = st.integers(0, 2**63 - 1)
GOLDEN_START = [
    [0.059911035, 0.015559634, -1.1644385],
    [-0.293339, 1.7038306, 1.5391918],
    [0.9518664, -1.0147828, 1.1980889],
]
GOLDEN_STEP = [[1.6748194, 0.83708507, 0.94780606]]


@settings(deadline=None)
@given(st.lists(SEEDS, min_size=1, max_size=6), st.integers(0, 1000))
def test_batch_order_and_count_do_not_matter(seeds, step):
    together = unit_noise(seeds, step, (2, 3))
    assert together.shape == (len(seeds), 2, 3) and together.dtype == np.float32
    np.testing.assert_array_equal(together[::-1], unit_noise(seeds[::-1], step, (2, 3)))
    np.testing.assert_array_equal(together[-1:], unit_noise(seeds[-1:], step, [2, 3]))


def test_seeds_and_steps_give_independent_unit_noise():
    draws = np.stack([unit_noise(range(40), step, (500,)) for step in range(5)])
    assert abs(draws.mean()) < 0.01 and abs(draws.std() - 1) < 0.01
    rows = draws.reshape(200, 500)
    correlations = np.corrcoef(rows) - np.eye(200)
    assert np.abs(correlations).max() < 0.25  # 500 draws: six standard deviations are 0.27
    assert len(np.unique(rows[:, 0])) == 200


def test_the_stream_of_numpy_has_not_changed():
    """Every published seed depends on these numbers."""
    np.testing.assert_array_equal(
        unit_noise([0, 7, 2**63 - 1], 0, (3,)),
        np.array(GOLDEN_START, "float32"),
    )
    np.testing.assert_array_equal(unit_noise([7], 20, (3,)), np.array(GOLDEN_STEP, "float32"))


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, "7", None, True])
def test_bad_seeds(seed):
    with pytest.raises(ValueError, match="seed"):
        unit_noise([seed], 0, (2,))
    with pytest.raises(ValueError, match="seed"):
        expand_seeds(seed)
    with pytest.raises(ValueError, match="seed"):
        expand_seeds([3, seed])


def test_bad_step_and_no_seeds():
    with pytest.raises(ValueError, match=r"a step lies in \[0, 2\*\*63\), not -1"):
        unit_noise([1], -1, (2,))
    with pytest.raises(ValueError, match="one seed per image"):
        unit_noise([], 0, (2,))
    with pytest.raises(ValueError, match="one seed per image"):
        expand_seeds([])


def test_expand_seeds():
    assert expand_seeds(7, 4) == [7, 8, 9, 10]
    assert expand_seeds(7) == [7]
    assert expand_seeds(np.int64(7), 2) == [7, 8]
    assert expand_seeds((5, 3), 2) == [5, 3] and expand_seeds(np.array([5, 3])) == [5, 3]
    with pytest.raises(ValueError, match="2 seeds for 3 images"):
        expand_seeds([1, 2], 3)
    with pytest.raises(ValueError, match=r"\[0, 2\*\*63\)"):
        expand_seeds(2**63 - 1, 2)


def test_add_noise_per_example():
    x_0, noise = np.ones((2, 3), "float32"), np.full((2, 3), 2, "float32")
    found = add_noise(x_0, noise, np.array([1.0, 0.6], "float32"), np.array([0.0, 0.8], "float32"))
    np.testing.assert_allclose(found[:, 0], [1, 2.2], rtol=1e-6)


@given(st.integers(0, 2**32), st.floats(0, 1))
def test_slerp_keeps_lengths_and_angles(seed, share):
    first, second = np.random.default_rng(seed).standard_normal((2, 50))
    first, second = (vector / np.linalg.norm(vector) for vector in (first, second))
    found = slerp(first, second, share)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
    assert np.arccos(np.clip(found @ first, -1, 1)) == pytest.approx(share * np.arccos(first @ second), abs=2e-3)


def test_slerp_of_one_vector_is_that_vector():
    x = np.random.default_rng(0).standard_normal((4, 4)).astype("float32")
    np.testing.assert_allclose(slerp(x, x, 0.3), x, rtol=1e-6)

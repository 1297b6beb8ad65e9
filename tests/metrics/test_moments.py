import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfportrait import metrics

RNG = np.random.default_rng(0)
ROWS = RNG.standard_normal((50, 4)) * [1, 10, 0.1, 3] + [1e4, 0, -5, 1]


@given(st.lists(st.integers(0, 50), max_size=5), st.booleans())
def test_any_batches_give_what_all_rows_give(cuts, as_moments):
    moments = metrics.Moments()
    for part in np.split(ROWS, sorted(cuts)):
        moments.add(metrics.Moments(part) if as_moments else part)
    assert moments.count == 50
    np.testing.assert_allclose(moments.mean, ROWS.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.covariance, np.cov(ROWS, rowvar=False), rtol=1e-7, atol=1e-10)


def test_what_is_no_matrix_of_numbers_is_refused():
    with pytest.raises(ValueError, match=r"\(3,\), but must be \(N, D\)"):
        metrics.Moments([1, 2, 3])
    broken = ROWS.copy()
    broken[7, 2] = np.nan
    with pytest.raises(ValueError, match="not finite, first those of image 7"):
        metrics.Moments(broken)
    with pytest.raises(ValueError, match="3 columns, those before them 4"):
        metrics.Moments(ROWS).add(ROWS[:, :3])
    with pytest.raises(ValueError, match="at least two rows, there are 1"):
        _ = metrics.Moments(ROWS[:1]).covariance

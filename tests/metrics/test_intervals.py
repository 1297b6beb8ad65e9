import numpy as np
import pytest

from tfportrait import metrics


def test_wilson_is_that_of_scipy():
    stats = pytest.importorskip("scipy.stats")
    for hits, count in [(0, 10), (3, 10), (10, 10), (250, 1000)]:
        wanted = stats.binomtest(hits, count).proportion_ci(0.95, "wilson")
        np.testing.assert_allclose(metrics.wilson(hits, count), (wanted.low, wanted.high), atol=1e-12)


@pytest.mark.parametrize(("hits", "count"), [(1, 0), (-1, 5), (6, 5)])
def test_no_share(hits, count):
    with pytest.raises(ValueError, match=f"{hits} of {count} is no share"):
        metrics.wilson(hits, count)


def test_bootstrap_of_a_mean_is_its_normal_interval():
    values = np.random.default_rng(0).standard_normal(400)
    low, high = metrics.bootstrap(np.mean, values, resamples=2000)
    reach = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - reach, abs=0.01) and high == pytest.approx(
        values.mean() + reach, abs=0.01
    )
    assert metrics.bootstrap(np.mean, values) == metrics.bootstrap(np.mean, values)


def test_rows_of_several_samples_are_drawn_together():
    hits, counts = np.array([1, 0, 3]), np.array([1, 2, 3])
    low, high = metrics.bootstrap(lambda h, c: (h <= c).all(), hits, counts, resamples=50)
    assert low == high == 1.0
    with pytest.raises(ValueError, match="3, 2 rows"):
        metrics.bootstrap(np.mean, hits, counts[:2])
    with pytest.raises(ValueError, match="0 rows"):
        metrics.bootstrap(np.mean, [])

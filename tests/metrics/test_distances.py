import numpy as np
import pytest
from golden import metrics as golden

from tfportrait import metrics

RNG = np.random.default_rng(0)


def test_frechet_distance_of_known_normal_distributions():
    """Diagonal covariances: sum of (m_1 - m_2)^2 + (s_1 - s_2)^2."""
    first = RNG.standard_normal((200_000, 3)) * [1, 2, 0.5] + [0, 1, 0]
    second = RNG.standard_normal((200_000, 3)) * [2, 2, 1.0] + [1, 1, 0]
    assert metrics.frechet_distance(first, second) == pytest.approx(1 + 1 + 0.25, abs=0.05)


def test_frechet_distance_is_that_of_scipy():
    linalg = pytest.importorskip("scipy.linalg")
    first, second = RNG.standard_normal((50, 8)), RNG.standard_normal((70, 8)) @ RNG.standard_normal((8, 8)) + 0.3
    c1, c2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    root = linalg.sqrtm(c1 @ c2).real
    wanted = ((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(c1 + c2 - 2 * root)
    assert metrics.frechet_distance(first, second) == pytest.approx(wanted, rel=1e-6)


def test_distances_of_a_set_to_itself():
    features = RNG.standard_normal((100, 16))
    assert metrics.frechet_distance(features, features) == pytest.approx(0, abs=1e-9)


def test_a_covariance_without_full_rank_is_said():
    features = RNG.standard_normal((5, 16))
    with pytest.warns(UserWarning, match="of 5 images with 16 features each says little; kernel_distance is unbiased"):
        assert metrics.frechet_distance(features, features) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_of_moments_that_came_in_batches():
    first, second = golden.features()
    batches = metrics.Moments()
    for part in np.array_split(first, 7):
        batches.add(part)
    assert metrics.frechet_distance(batches, second) == pytest.approx(
        metrics.frechet_distance(first, second), rel=1e-12
    )


def test_distances_are_those_of_torchmetrics_and_prdc():
    first, second = golden.features()
    with np.load(golden.OUT) as wanted:
        assert metrics.frechet_distance(first, second) == pytest.approx(wanted["frechet"], rel=1e-9)
        assert metrics.kernel_distance(first[:250], second) == pytest.approx(wanted["kernel"], rel=1e-9)
        found = *metrics.precision_recall(first, second, neighbours=5), *metrics.density_coverage(first, second)
        np.testing.assert_allclose(
            found, [wanted[k] for k in ("precision", "recall", "density", "coverage")], atol=1e-12
        )


def test_blocks_change_nothing(monkeypatch):
    from tfportrait.metrics import distances

    first, second = golden.features()
    for function in (metrics.kernel_distance, metrics.precision_recall, metrics.density_coverage, metrics.nearest):
        whole = function(first, second)
        monkeypatch.setattr(distances, "BLOCK", 7)
        np.testing.assert_allclose(function(first, second), whole, rtol=1e-12)
        monkeypatch.undo()


def test_kernel_distance_of_subsets():
    first, second = golden.features()
    mean, deviation = metrics.kernel_distance_of_subsets(first, second, subsets=50, size=100)
    assert abs(mean - metrics.kernel_distance(first, second)) < 3 * deviation / 50**0.5 and deviation > 0
    whole, none = metrics.kernel_distance_of_subsets(second, second + 1, subsets=3, size=1000)
    assert whole == pytest.approx(metrics.kernel_distance(second, second + 1)) and none == pytest.approx(0, abs=1e-9)
    with pytest.raises(ValueError, match="at least 2, got 1 and 1000"):
        metrics.kernel_distance_of_subsets(first, second, subsets=1)


def test_precision_sees_quality_and_recall_variety():
    real = RNG.standard_normal((400, 4))
    same, poor = RNG.standard_normal((400, 4)), RNG.standard_normal((400, 4)) * 4
    narrow = RNG.standard_normal((400, 4)) * 0.2
    assert min(*metrics.precision_recall(same, real), metrics.density_coverage(same, real)[1]) > 0.8
    assert metrics.precision_recall(poor, real)[0] < 0.5 and metrics.density_coverage(poor, real)[0] < 0.3
    assert metrics.precision_recall(narrow, real)[0] > 0.95 > 0.5 > metrics.precision_recall(narrow, real)[1]
    assert metrics.density_coverage(narrow, real)[1] < 0.5
    with pytest.raises(ValueError, match="3 rows have no 3-th nearest other row"):
        metrics.precision_recall(same, real[:3])


def test_kernel_distance_is_the_double_sum_and_unbiased():
    first, second = RNG.standard_normal((6, 4)), RNG.standard_normal((5, 4)) + 0.5
    k = lambda x, y: (x @ y / 4 + 1) ** 3  # noqa: E731
    wanted = (
        np.mean([k(a, b) for i, a in enumerate(first) for j, b in enumerate(first) if i != j])
        + np.mean([k(a, b) for i, a in enumerate(second) for j, b in enumerate(second) if i != j])
        - 2 * np.mean([k(a, b) for a in first for b in second])
    )
    assert metrics.kernel_distance(first, second) == pytest.approx(wanted, rel=1e-9)
    same = [metrics.kernel_distance(*RNG.standard_normal((2, 40, 4))) for _ in range(400)]
    assert abs(np.mean(same)) < 3 * np.std(same) / 20


def test_nearest_distances():
    points = np.array([[0.0, 0], [3, 4], [3, 5]])
    np.testing.assert_allclose(metrics.nearest_distances(points), [5, 1, 1])
    np.testing.assert_allclose(metrics.nearest_distances(points, points[:1]), [0, 5, np.sqrt(34)])
    np.testing.assert_array_equal(metrics.nearest(points + 0.1, points)[0], [0, 1, 2])


def test_repeated_share_tells_a_collapsed_generator():
    real = RNG.standard_normal((300, 8))
    assert metrics.repeated_share(RNG.standard_normal((300, 8)), real) < 0.05
    few = real[RNG.integers(0, 3, 300)] + 1e-3 * RNG.standard_normal((300, 8))
    assert metrics.repeated_share(few, real) == 1.0
    with pytest.raises(ValueError, match="equally many"):
        metrics.repeated_share(few[:10], real)


def test_attribute_entropy():
    attributes = {"colour": ["a", "b"], "side": ["l", "m", "r", "n"]}
    even = {"colour": np.array([0, 1, 0, 1]), "side": np.array([0, 1, 2, 3])}
    assert metrics.attribute_entropy(even, attributes) == pytest.approx(1.0)
    one = {"colour": np.array([1, 1, 1, 1]), "side": np.array([0, 1, 0, 1])}
    assert metrics.attribute_entropy(one, attributes) == pytest.approx(0.25)


@pytest.mark.parametrize("bad", [np.zeros((1, 3)), np.zeros(3), np.zeros((4, 2)), np.full((4, 3), np.nan)])
def test_bad_features(bad):
    with pytest.raises(ValueError, match="features (are|have)"):
        metrics.frechet_distance(bad, np.zeros((4, 3)))

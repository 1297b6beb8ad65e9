import numpy as np
import pytest

from tfportrait import metrics

RNG = np.random.default_rng(0)
TRAINING, UNSEEN = RNG.standard_normal((2000, 6)), RNG.standard_normal((1000, 6))


def test_copies_are_found_and_new_images_are_not():
    new = metrics.memorisation(RNG.standard_normal((500, 6)), TRAINING, UNSEEN)
    assert new.share < 0.03 and new.interval[0] < 0.01 and not new.repeats
    painted = RNG.standard_normal((500, 6))
    painted[:50] = TRAINING[100:150] + 1e-3
    found = metrics.memorisation(painted, TRAINING, UNSEEN)
    assert 0.1 <= found.share < 0.13 and found.repeats
    np.testing.assert_array_equal(found.nearest[:50], np.arange(100, 150))
    np.testing.assert_allclose(found.distances[:50], 1e-3 * np.sqrt(6), rtol=1e-3)


def test_unseen_images_set_the_threshold():
    found = metrics.memorisation(UNSEEN, TRAINING, UNSEEN, level=0.05)
    assert found.share == pytest.approx(0.05, abs=0.001) and found.level == 0.05


def test_bad_sets():
    with pytest.raises(ValueError, match="sets overlap: unseen image 3 is a training image"):
        metrics.memorisation(UNSEEN, TRAINING, np.vstack([UNSEEN[:3], TRAINING[:1], UNSEEN]))
    with pytest.raises(ValueError, match="50 unseen images cannot set a level of 0.01: give at least 100"):
        metrics.memorisation(UNSEEN, TRAINING, UNSEEN[:50])
    with pytest.raises(ValueError, match="between 0 and 1"):
        metrics.memorisation(UNSEEN, TRAINING, UNSEEN, level=0)
    with pytest.raises(ValueError, match="5 and 6 columns"):
        metrics.memorisation(UNSEEN[:, :5], TRAINING, UNSEEN)

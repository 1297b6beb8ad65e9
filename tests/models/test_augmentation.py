import keras
import numpy as np
import pytest

from tfportrait import autodiff
from tfportrait.models.augmentation import POLICIES, augment


def pictures(count=16):
    return np.random.default_rng(0).uniform(-1, 1, (count, 32, 32, 3)).astype("float32")


def test_no_policy_changes_nothing():
    np.testing.assert_array_equal(augment(pictures(), (), 1), pictures())


@pytest.mark.parametrize("policy", POLICIES)
def test_every_image_is_disturbed_by_itself_and_anew(policy):
    one = np.repeat(pictures(1), 16, axis=0)
    generator = keras.random.SeedGenerator(3)
    first, second = (np.array(augment(one, (policy,), generator)) for _ in range(2))
    assert first.shape == one.shape and not np.array_equal(first, second)
    assert len({image.tobytes() for image in first}) > 4


def test_translation_moves_pixels_and_leaves_black_edges():
    images = pictures()
    moved = np.array(augment(images, ("translation",), 5))
    for image, result in zip(images, moved, strict=True):
        found = [
            (dy, dx)
            for dy in range(-4, 5)
            for dx in range(-4, 5)
            if np.allclose(np.pad(image, ((4, 4), (4, 4), (0, 0)))[4 - dy :][:32, 4 - dx :][:, :32], result, atol=1e-6)
        ]
        assert len(found) == 1


def test_cutout_blanks_at_most_a_quarter():
    cut = np.array(augment(np.ones((200, 32, 32, 1), "float32"), ("cutout",), 5))
    share = 1 - cut.mean(axis=(1, 2, 3))
    assert set(np.unique(cut)) == {0.0, 1.0}
    assert share.max() == 0.25 and share.min() > 0


def test_colour_keeps_grey_pictures_grey():
    grey = np.repeat(pictures()[..., :1], 3, axis=-1)
    result = np.array(augment(grey, ("colour",), 2))
    np.testing.assert_allclose(result, result[..., :1].repeat(3, axis=-1), atol=1e-5)


@pytest.mark.parametrize("policy", POLICIES)
def test_gradients_pass(policy):
    _, gradient = autodiff.gradient(lambda x: keras.ops.mean(augment(x, (policy,), 4) ** 2, axis=(1, 2, 3)), pictures())
    assert np.isfinite(np.array(gradient)).all() and np.abs(np.array(gradient)).max() > 0

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfportrait import world
from tfportrait.world import overlays

PICTURE = world.sample(3).render(128)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**63 - 1), st.sampled_from((None, *overlays.KINDS)), st.sampled_from((96, 117, 128)))
def test_only_what_the_mask_marks_is_covered(seed, kind, size):
    picture = np.resize(PICTURE, (size, size, 3))
    found, mask = overlays.draw(picture, seed, kind)
    assert found.dtype == np.uint8 and mask.dtype == bool and mask.shape == (size, size)
    np.testing.assert_array_equal(found[~mask], picture[~mask])
    assert 0.002 < mask.mean() < 0.5 and (found[mask] != picture[mask]).any()
    for again, wanted in zip(overlays.draw(picture, seed, kind), (found, mask), strict=True):
        np.testing.assert_array_equal(again, wanted)


@pytest.mark.parametrize("kind", overlays.KINDS)
def test_seeds_differ(kind):
    assert len({overlays.draw(PICTURE, seed, kind)[0].tobytes() for seed in range(20)}) > 12


def test_colours_stay_between_the_picture_and_the_overlay():
    grey = np.full((128, 128, 3), 128, "uint8")
    for seed in range(20):
        found, mask = overlays.draw(grey, seed, "date")
        assert (found[mask].min(axis=0) >= 0).all() and (found[..., 0] >= 128).all()  # orange or white, never darker


def test_a_date_is_made_of_its_digits():
    found, eights = overlays.date([2, 4, 0, 3, 1, 7], 128), overlays.date([8] * 6, 128)
    assert eights.max() <= 1 and (found <= eights + 1e-6).all()  # all digits are parts of the 8
    for number, column in zip((2, 4, 0, 3, 1, 7), overlays.date_columns(128), strict=True):
        one = np.roll(overlays.digit(number, 128), column, axis=1)
        assert (found >= one).all()


@pytest.mark.parametrize(
    ("picture", "kind", "message"),
    [
        (PICTURE, "logo", "there is no overlay 'logo'; there are text, stamp"),
        (PICTURE[:64], None, "square pictures"),
        (PICTURE.astype("float32"), None, "square pictures"),
        (np.zeros((300, 300, 3), "uint8"), None, "of 96 to 256 pixels"),
    ],
)
def test_bad_overlays(picture, kind, message):
    with pytest.raises(ValueError, match=message):
        overlays.draw(picture, 0, kind)

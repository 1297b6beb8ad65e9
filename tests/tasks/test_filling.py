import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tfportrait.tasks.filling import fill


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_holes_are_filled_from_what_is_known(height, width, share, seed):
    random = np.random.default_rng(seed)
    values = random.uniform(-3, 200, (2, height, width, 2)).astype("float32")
    unknown = random.random((2, height, width)) < share
    found = fill(values, unknown)
    np.testing.assert_array_equal(found[~unknown], values[~unknown])
    np.testing.assert_array_equal(found, fill(np.where(unknown[..., None], np.nan, values), unknown))
    np.testing.assert_array_equal(found[1:], fill(values[1:], unknown[1:]))  # each image by itself
    for each, known in zip(found, ~unknown, strict=True):
        low, high = (each[known].min(0), each[known].max(0)) if known.any() else (0, 0)
        assert (each >= low - 1e-4).all() and (each <= high + 1e-4).all()


def test_a_slope_goes_on_through_a_hole():
    slope = np.broadcast_to(np.arange(64, dtype="float32")[:, None], (1, 64, 64, 1))
    unknown = np.zeros((1, 64, 64), bool)
    unknown[:, 20:36, 20:36] = True
    assert np.abs(fill(slope, unknown) - slope).max() < 2

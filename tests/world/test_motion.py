"""Motions of the worlds: exact at their ends, steady between, and said in words."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfportrait import world
from tfportrait.world import motion

SEEDS = st.integers(0, 2**40)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.sampled_from(motion.KINDS))
def test_a_motion_begins_and_ends_as_the_world_draws_it(seed, kind):
    made = motion.sample(seed, kind)
    frames = made.frames(5, 48)
    assert frames.shape == (5, 48, 48, 3) and frames.dtype == np.uint8
    np.testing.assert_array_equal(frames[0], made.first.render(48))
    np.testing.assert_array_equal(frames[-1], made.last.render(48))
    assert (frames[2] != frames[0]).any()


@pytest.mark.parametrize("kind", motion.KINDS)
def test_only_what_moves_changes(kind):
    changes = {"smile": {"expression"}, "turn": {"pose"}, "blink": set(), "nightfall": {"time"}}[kind]
    for seed in range(30):
        made = motion.sample(seed, kind)
        first, last = made.first.attributes, made.last.attributes
        assert {name for name in first if first[name] != last[name]} == changes
    if kind == "smile":
        assert made.last["expression"] == "smiling"


@pytest.mark.parametrize("kind", ["smile", "turn", "blink"])
def test_no_frame_jumps(kind):
    """The largest step between neighbours stays near the mean of those that move."""
    worst = []
    for seed in range(12):
        frames = motion.sample(seed, kind).frames(17, 64).astype(float)
        steps = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))
        worst.append(steps.max() / steps.sum())
    assert np.median(worst) < 0.25  # of all change, where even steps would be 1/16


def test_a_blink_closes_both_eyes_and_opens_them():
    made = motion.sample(5, "blink")
    assert [made.at(share).lids for share in (0, 0.3, 0.4, 0.5, 0.6, 1)] == pytest.approx([0, 0, 0.5, 1, 0.5, 0])
    frames = made.frames(11, 64).astype(int)
    np.testing.assert_array_equal(frames[0], frames[-1])
    assert np.abs(frames[5] - frames[0]).max() > 60
    assert all(motion.sample(seed, "blink").first["glasses"] != "sunglasses" for seed in range(60))


def test_the_same_seed_is_the_same_motion_and_every_kind_is_drawn():
    assert repr(motion.sample(11)) == repr(motion.sample(11))
    assert {motion.sample(seed).kind for seed in range(8)} == set(motion.KINDS)
    assert {motion.sample(seed, "turn").last["pose"] for seed in range(40)} == {"left", "right"}


def test_captions_say_what_is_seen_and_what_moves():
    for seed in range(20):
        made = motion.sample(seed)
        for language, read in (("en", world.read_prompt), ("zh", world.read_prompt)):
            text = made.caption(language, seed)
            first = str(made.first.caption(language, seed)).rstrip(".。")
            assert text.startswith(first) and len(text) > len(first) + 2
            assert read(text)


@pytest.mark.parametrize("count", [0, 1, 10**6, 2.5, True])
def test_bad_counts_are_refused(count):
    with pytest.raises(ValueError, match="2 to 256 frames"):
        motion.sample(0).frames(count, 64)


def test_bad_motions_are_refused():
    with pytest.raises(ValueError, match="known are smile, turn, blink, nightfall"):
        motion.sample(0, "jump")
    with pytest.raises(ValueError, match="lies in"):
        motion.sample(0).at(1.5)
    with pytest.raises(ValueError, match="seed"):
        motion.sample(-1)

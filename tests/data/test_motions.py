"""The worlds in motion as a data set."""

import numpy as np
import pytest

from tfportrait import world
from tfportrait.data.motions import MotionWorld
from tfportrait.world import motion


@pytest.fixture(scope="module")
def source():
    return MotionWorld("train", image_size=32, count=8, frames=3)


def test_frames_stand_clip_by_clip(source):
    assert len(source) == 24
    for clip in (0, 5):
        np.testing.assert_array_equal(
            source.images(np.arange(3 * clip, 3 * clip + 3)), source.motion(clip).frames(3, 32)
        )
    np.testing.assert_array_equal(source.images(np.array([7, 0]))[1], source.motion(0).frames(3, 32)[0])
    labels = source.labels(np.arange(24))["motion"].reshape(8, 3)
    assert (labels == labels[:, :1]).all() and set(labels[:, 0]) == set(range(len(motion.KINDS)))


def test_only_the_motions_that_are_asked_for():
    source = MotionWorld("train", image_size=32, count=6, frames=2, kinds=("blink", "smile"))
    assert [source.motion(clip).kind for clip in range(6)] == ["blink", "smile"] * 3
    np.testing.assert_array_equal(source.labels(np.arange(12))["motion"], [0, 0, 1, 1] * 3)
    np.testing.assert_array_equal(source.images(np.arange(2, 4)), source.motion(1).frames(2, 32))
    assert source.fingerprint != MotionWorld("train", image_size=32, count=6, frames=2).fingerprint
    with pytest.raises(ValueError, match="known are smile"):
        MotionWorld("train", image_size=32, kinds=("wink",))


def test_both_ends_are_said_in_the_same_words_but_for_what_moves():
    source = MotionWorld("train", image_size=32, count=60, frames=3)
    for clip in range(60):
        made = source.motion(clip)
        read = world.scenes.read_prompt if made.kind == "nightfall" else world.read_prompt
        first, last = (read(text).attributes for text in source.ends(clip))
        moving = {"smile": "expression", "turn": "pose", "nightfall": "time"}.get(made.kind)
        assert {name for name in first if first[name] != last.get(name)} == ({moving} if moving else set())
        assert all(made.first[name] == value for name, value in first.items())
        assert all(made.last[name] == value for name, value in last.items())
    epochs = {source.ends(3, epoch=epoch) for epoch in range(8)}
    assert len(epochs) > 4 and source.ends(3, epoch=2) == source.ends(3, epoch=2)


def test_splits_never_meet_and_fingerprints_follow_what_is_shown():
    train, test = (MotionWorld(split, image_size=32, count=4) for split in ("train", "test"))
    assert repr(train.motion(0)) != repr(test.motion(0))
    others = [
        MotionWorld("train", image_size=32, count=4, frames=5),
        MotionWorld("train", image_size=64, count=4),
        test,
    ]
    assert len({source.fingerprint for source in (train, *others)}) == 4
    with pytest.raises(ValueError, match="no split 'dev'"):
        MotionWorld("dev", image_size=32)

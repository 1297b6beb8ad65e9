"""The worlds in motion as a data set: frames with random access, and what is seen at both ends in words."""

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfportrait import world
from tfportrait.data.order import draws
from tfportrait.data.source import Report, Source
from tfportrait.data.worlds import FIRST_SEED, drawing_version, text_version
from tfportrait.world import motion

_ATTRIBUTES = {"smile": "expression", "turn": "pose", "nightfall": "time"}  # what a motion changes


class MotionWorld(Source):
    """`count` clips of a split; an example is a frame, those of a clip stand one behind the other.

    Args:
        split: str. "train", "validation" or "test".
        image_size: int. Side of the square pictures, 32 to 512.
        count: int. Number of clips.
        frames: int. Of each clip.
        kinds: sequence of str. The motions, of `world.motion.KINDS`, which take turns.
    """

    name = "motion_world"

    def __init__(
        self,
        split: str = "train",
        *,
        image_size: int,
        count: int = 2048,
        frames: int = 8,
        kinds: Sequence[str] = motion.KINDS,
    ):
        if split not in FIRST_SEED:
            raise ValueError(f"{self.name} has no split {split!r}; it has {', '.join(FIRST_SEED)}")
        if unknown := [kind for kind in kinds if kind not in motion.KINDS] or not kinds:
            raise ValueError(f"unknown motions {unknown}; known are {', '.join(motion.KINDS)}")
        self.image_size, self.count, self.frames, self.kinds = image_size, count, frames, tuple(kinds)
        self.first_seed = FIRST_SEED[split]
        self.attributes = {"motion": self.kinds}
        code = hashlib.sha256(Path(motion.__file__).read_bytes()).hexdigest()[:12]
        versions = [drawing_version(name) for name in world.WORLDS]
        self.fingerprint = f"{self.name}-{code}-{versions}-{split}-{image_size}px-{count}x{frames}-{self.kinds}"
        versions = [text_version(name) for name in world.WORLDS]
        self.text_fingerprint = f"{self.name}-{code}-{versions}-{split}-{count}-{self.kinds}"
        self.report = Report(total=len(self))

    def __len__(self) -> int:
        return self.count * self.frames

    def motion(self, clip: int) -> motion.Motion:
        """What clip number `clip` shows."""
        return motion.sample(*self._drawn(clip))

    def _drawn(self, clip: int) -> tuple[int, str]:
        return self.first_seed + int(clip), self.kinds[int(clip) % len(self.kinds)]

    def images(self, indices: np.ndarray) -> np.ndarray:
        return np.stack(
            [
                _clip(*self._drawn(int(i) // self.frames), self.frames, self.image_size)[int(i) % self.frames]
                for i in indices
            ]
        )

    def labels(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        kinds = [self.kinds.index(self.motion(int(i) // self.frames).kind) for i in indices]
        return {"motion": np.array(kinds, np.int32)}

    def captions(self, indices: np.ndarray, *, epoch: int = 0, seed: int = 0) -> list[str]:
        """What is seen at the near end of the clip: at first in its first half, at last in its second."""
        both = [self.ends(int(i) // self.frames, epoch=epoch, seed=seed) for i in indices]
        return [pair[int(i) % self.frames >= self.frames // 2] for i, pair in zip(indices, both, strict=True)]

    def ends(self, clip: int, *, epoch: int = 0, seed: int = 0) -> tuple[str, str]:
        """What is seen at first and at last, in the same words but for what moves."""
        (draw,) = draws(seed, epoch, np.array([clip]))
        made, language = self.motion(clip), "zh" if int(draw) & 1 else "en"
        named = {*made.first.caption(language, int(draw) >> 1).named, *_moving(made.kind)}
        compose = world.scenes.compose if made.kind == "nightfall" else world.compose
        return tuple(
            str(
                compose(
                    {name: value for name, value in end.attributes.items() if name in named}, language, int(draw) >> 1
                )
            )
            for end in (made.first, made.last)
        )


def _moving(kind: str) -> list[str]:
    return [_ATTRIBUTES[kind]] if kind in _ATTRIBUTES else []


@functools.lru_cache(maxsize=64)
def _clip(seed: int, kind: str, frames: int, size: int) -> np.ndarray:
    return motion.sample(seed, kind).frames(frames, size)

"""The worlds in motion: a smile appears, a head turns, eyes blink, day turns to night. Exact in every frame."""

import numpy as np

from . import scenes
from .portrait import Portrait, check_seed
from .portrait import sample as sample_portrait

KINDS = ("smile", "turn", "blink", "nightfall")
_FROM = {"smile": ("neutral", "sad"), "blink": ("neutral", "smiling", "sad", "angry", "surprised")}
_STYLES = ("flat", "soft", "watercolour", "oil", "pencil", "ink", "anime")  # pixel art has no movement between cells
_WORDS = {
    "smile": ("begins to smile", "露出微笑"),
    "turn left": ("turns to the left", "转向左边"),
    "turn right": ("turns to the right", "转向右边"),
    "blink": ("blinks", "眨眼"),
    "nightfall": ("night falls", "夜幕降临"),
}
_OPEN, _CLOSING = 0.3, 0.2  # of a blink: how long before the lids move, and how long they take to close or open
MOST_FRAMES = 256


class Moment(Portrait):
    """A portrait at one moment of a motion: its features lie between those of its attributes.

    Args:
        portrait: Portrait.
        turn: float in [-1, 1].
        moods: dict of str to float. Shares of expressions, one in all.
        lids: float in [0, 1].
    """

    def __init__(self, portrait: Portrait, turn: float, moods: dict[str, float], lids: float) -> None:
        super().__init__(portrait.seed, portrait.attributes)
        self._turn, self._moods, self._lids = turn, moods, lids

    @property
    def turn(self) -> float:
        return self._turn

    @property
    def moods(self) -> dict[str, float]:
        return self._moods

    @property
    def lids(self) -> float:
        return self._lids


class Motion:
    """A motion of a portrait or a scene. Made by `sample`.

    Attributes:
        kind: str. One of `KINDS`.
        first, last: Portrait or Scene. What it begins and ends as.
    """

    def __init__(self, kind: str, first, last) -> None:
        if kind not in KINDS:
            raise ValueError(f"unknown motion {kind!r}; known are {', '.join(KINDS)}")
        self.kind, self.first, self.last = kind, first, last

    def at(self, share: float):
        """What is to be seen at a moment.

        Args:
            share: float in [0, 1]. Of the motion that is over.

        Returns:
            Moment; of "nightfall" a list of (Scene, float), pictures that are mixed.
        """
        if not 0 <= share <= 1:
            raise ValueError(f"a moment lies in [0, 1], not {share!r}")
        if self.kind == "nightfall":
            return self._light(share)
        pace = share * share * (3 - 2 * share)  # begins and ends gently
        begin, end = self.first, self.last
        lids = _lids(share) if self.kind == "blink" else 0.0
        moods = begin.moods
        if begin["expression"] != end["expression"]:
            moods = {begin["expression"]: 1 - pace, end["expression"]: pace}
        return Moment(end if share > 0.5 else begin, begin.turn + pace * (end.turn - begin.turn), moods, lids)

    def _light(self, share: float) -> list:
        times = scenes.ATTRIBUTES["time"][1:]  # day, dusk, night
        place = share * (len(times) - 1)
        number = min(int(place), len(times) - 2)
        pair = [self.first.replace(time=time) for time in times[number : number + 2]]
        return [(scene, weight) for scene, weight in zip(pair, (number + 1 - place, place - number), strict=True)]

    def frames(self, count: int, size: int) -> np.ndarray:
        """The motion as pictures at even distances of time, both ends among them.

        Args:
            count: int. 2 to `MOST_FRAMES`.
            size: int. Width and height, 32 to 512.

        Returns:
            uint8 (count, size, size, 3).
        """
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or not 2 <= count <= MOST_FRAMES:
            raise ValueError(f"a motion has 2 to {MOST_FRAMES} frames, not {count!r}")
        moments = [self.at(share) for share in np.linspace(0, 1, count).tolist()]
        if self.kind != "nightfall":
            return np.stack([moment.render(size) for moment in moments])
        drawn = {scene: scene.render(size).astype("float32") for moment in moments for scene, _ in moment}
        mixed = [sum(weight * drawn[scene] for scene, weight in moment) for moment in moments]
        return np.rint(mixed).astype("uint8")

    def caption(self, language: str = "en", seed: int = 0) -> str:
        """A text of what is to be seen at first, and of the motion.

        Args:
            language: str. "en" or "zh".
            seed: int. Another seed, another selection and wording.
        """
        words = _WORDS[self.kind if self.kind != "turn" else f"turn {self.last['pose']}"]
        text = str(self.first.caption(language, seed)).rstrip(".。")
        return f"{text}, {words[0]}" if language == "en" else f"{text}，{words[1]}"

    def __repr__(self) -> str:
        return f"Motion({self.kind}, {self.first!r})"


def sample(seed: int, kind: str | None = None) -> Motion:
    """Draws a motion.

    Args:
        seed: int in [0, 2**63).
        kind: str or None. One of `KINDS`; None draws one.

    Returns:
        Motion.

    Raises:
        ValueError: bad seed or unknown kind.
    """
    kind = KINDS[check_seed(seed) % len(KINDS)] if kind is None else kind
    if kind == "nightfall":
        scene = scenes.sample(seed, time="day")
        return Motion(kind, scene, scene.replace(time="night"))
    if kind not in KINDS:
        raise ValueError(f"unknown motion {kind!r}; known are {', '.join(KINDS)}")
    drawn = sample_portrait(seed)
    style = drawn["style"] if drawn["style"] in _STYLES else _STYLES[seed % len(_STYLES)]
    first = drawn.replace(style=style)
    if kind in _FROM and first["expression"] not in _FROM[kind]:
        first = first.replace(expression=_FROM[kind][seed % len(_FROM[kind])])
    if kind == "blink" and first["glasses"] == "sunglasses":
        first = first.replace(glasses="none")
    if kind == "turn":
        hat = "none" if first["headwear"] == "beret" else first["headwear"]  # a beret hangs to one side or the other
        first = first.replace(pose="front", headwear=hat)
        return Motion(kind, first, first.replace(pose=("left", "right")[(seed // len(KINDS)) % 2]))
    return Motion(kind, first, first.replace(expression="smiling") if kind == "smile" else first)


def _lids(share: float) -> float:
    """How far the eyes are closed at a moment of a blink: open, closing, open again."""
    if share <= _OPEN or share >= 1 - _OPEN:
        return 0.0
    return min((share - _OPEN) / _CLOSING, (1 - _OPEN - share) / _CLOSING, 1.0)

"""One portrait: its attributes, the chance details that its seed settles, its picture and its text."""

import random
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from .attributes import ATTRIBUTES, check, hidden, weight

_MAX_SEED = 2**63


class Details:
    """The chance differences between portraits of equal attributes: named uniform numbers that a seed settles.

    A name's number does not depend on which other names are asked for, so the drawing code can ask in any order.
    """

    def __init__(self, seed: int | str) -> None:
        draw = random.Random(f"tfportrait details {seed}")
        self._numbers = [draw.random() for _ in range(64)]
        self._names = {}

    def unit(self, name: str) -> float:
        """Uniform number in [0, 1) for `name`."""
        if name not in self._names:
            # A sum of code points would collide for anagrams; this is a plain polynomial hash, equal on every machine.
            key = 0
            for character in name:
                key = (key * 31 + ord(character)) % 1_000_003
            whole = self._numbers[key % 64] + self._numbers[(key // 64) % 64] + key / 1_000_003
            self._names[name] = whole % 1.0
        return self._names[name]

    def signed(self, name: str, scale: float = 1.0) -> float:
        """Uniform number in [-scale, scale) for `name`."""
        return (2 * self.unit(name) - 1) * scale

    def choice(self, name: str, options):
        """One of `options`, all equally likely."""
        return options[int(self.unit(name) * len(options))]


class Portrait:
    """A portrait of the procedural world. Made by `sample`, compared by value, never changed.

    Attributes:
        seed: int. Settles the details: colours' shades, positions, what stands where in the background.
        attributes: mapping, read only. Every attribute's value, in the order of `ATTRIBUTES`.
        visible: frozenset. Names of the attributes that can be told from the picture.
    """

    def __init__(self, seed: int, attributes: Mapping[str, str]) -> None:
        missing = [name for name in ATTRIBUTES if name not in attributes]
        if missing:
            raise ValueError(f"A portrait needs every attribute; missing: {', '.join(missing)}.")
        self.seed = check_seed(seed)
        self._attributes = check(attributes)

    @property
    def attributes(self) -> dict[str, str]:
        return dict(self._attributes)

    def __getitem__(self, name: str) -> str:
        return self._attributes[name]

    @cached_property
    def visible(self) -> frozenset[str]:
        return frozenset(ATTRIBUTES) - hidden(self._attributes)

    @cached_property
    def details(self) -> Details:
        return Details(self.seed)

    @property
    def turn(self) -> float:
        """Where the head is turned: -1 to the left, 0 to the front, 1 to the right (the viewer's)."""
        return {"left": -1, "front": 0, "right": 1}[self["pose"]]

    @property
    def moods(self) -> dict[str, float]:
        """The share of each expression in the features; more than one while they change, see `motion`."""
        return {self["expression"]: 1.0}

    @property
    def lids(self) -> float:
        """How far the eyes are closed by a blink, 0 to 1."""
        return 0.0

    def replace(self, **attributes: str) -> "Portrait":
        """The same person and details with other attributes.

        Raises:
            ValueError: unknown attribute or value, or a pair that no portrait has.
        """
        return Portrait(self.seed, {**self._attributes, **check(attributes)})

    def svg(self) -> str:
        """The picture as a standalone SVG document."""
        from . import render

        return render.svg(self)

    def render(self, size: int) -> np.ndarray:
        """The picture as pixels.

        Args:
            size: int. Width and height, 32 to 512.

        Returns:
            uint8 array (size, size, 3).
        """
        from . import render

        return render.render(self, size)

    def caption(self, language: str = "en", seed: int = 0):
        """A text that describes the picture: a str whose `.named` lists the attributes that it names."""
        from . import captions

        return captions.caption(self, language, seed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Portrait) and (self.seed, self._attributes) == (other.seed, other._attributes)

    def __hash__(self) -> int:
        return hash((self.seed, tuple(self._attributes.items())))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value}" for name, value in self._attributes.items())
        return f"Portrait(seed={self.seed}, {values})"


def sample(seed: int, **attributes: str) -> Portrait:
    """Draws a portrait.

    Attributes that are not given are drawn at random such that people would not frown at the combination. One seed
    gives the same portrait on every machine, and fixing one attribute leaves the others' draws as they are where
    they fit.

    Args:
        seed: int in [0, 2**63).
        **attributes: str. Values to keep, by attribute name (`world.ATTRIBUTES` lists them).

    Returns:
        Portrait.

    Raises:
        ValueError: bad seed, unknown attribute or value, or given values that no portrait has together.
    """
    draw = random.Random(f"tfportrait attributes {check_seed(seed)}")
    settled = check(attributes)
    for name, values in ATTRIBUTES.items():
        number = draw.random()  # drawn even when the value is given, so that the later draws stay the same
        if name not in settled:
            weights = [weight(name, value, settled) for value in values]
            settled[name] = pick(number, values, weights)
    return Portrait(seed, settled)


def pick(number: float, values: tuple[str, ...], weights: list[float]) -> str:
    threshold = number * sum(weights)
    last = values[0]
    for value, share in zip(values, weights, strict=True):
        if share > 0.0:
            last = value
            if threshold < share:
                return value
        threshold -= share
    return last


def check_seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < _MAX_SEED:
        raise ValueError(f"A seed is an integer from 0 to 2**63 - 1, not {seed!r}.")
    return int(seed)

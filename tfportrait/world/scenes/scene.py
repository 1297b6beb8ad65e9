"""One scene: its attributes, the chance details that its seed settles, its picture and its text."""

import random
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from ..portrait import Details, check_seed, pick
from .attributes import ATTRIBUTES, check, hidden, weight


class Scene:
    """A scene of the procedural world. Made by `sample`, compared by value, never changed.

    Attributes:
        seed: int. Settles the details: the mountains' outline, where the sun stands, the clouds.
        attributes: mapping, read only. Every attribute's value, in the order of `ATTRIBUTES`.
        visible: frozenset. Names of the attributes that can be told from the picture.
    """

    def __init__(self, seed: int, attributes: Mapping[str, str]) -> None:
        missing = [name for name in ATTRIBUTES if name not in attributes]
        if missing:
            raise ValueError(f"A scene needs every attribute; missing: {', '.join(missing)}.")
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
    def shown(self) -> dict[str, str]:
        """The attributes as they are drawn: what cannot be seen has one value, so that it leaves no trace."""
        season = "winter" if self["weather"] == "snow" else "summer"
        hidden_as = {"season": season, "ground": "open", "position": "middle"}
        return {name: value if name in self.visible else hidden_as[name] for name, value in self._attributes.items()}

    @cached_property
    def details(self) -> Details:
        return Details(f"scene {self.seed}")

    def replace(self, **attributes: str) -> "Scene":
        """The same place and details with other attributes.

        Raises:
            ValueError: unknown attribute or value, or a combination that no scene has.
        """
        return Scene(self.seed, {**self._attributes, **check(attributes)})

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
        return isinstance(other, Scene) and (self.seed, self._attributes) == (other.seed, other._attributes)

    def __hash__(self) -> int:
        return hash((self.seed, tuple(self._attributes.items())))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value}" for name, value in self._attributes.items())
        return f"Scene(seed={self.seed}, {values})"


def sample(seed: int, **attributes: str) -> Scene:
    """Draws a scene.

    Attributes that are not given are drawn at random such that people would not frown at the combination. One seed
    gives the same scene on every machine, and fixing one attribute leaves the others' draws as they are where they fit.

    Args:
        seed: int in [0, 2**63).
        **attributes: str. Values to keep, by attribute name (`scenes.ATTRIBUTES` lists them).

    Returns:
        Scene.

    Raises:
        ValueError: bad seed, unknown attribute or value, or given values that no scene has together.
    """
    draw = random.Random(f"tfportrait scene {check_seed(seed)}")
    settled = check(attributes)
    for name, values in ATTRIBUTES.items():
        number = draw.random()  # drawn even when the value is given, so that the later draws stay the same
        if name not in settled:
            weights = [weight(name, value, settled) for value in values]
            settled[name] = pick(number, values, weights)
    return Scene(seed, settled)

"""One prompt under many settings: grids over two parameters, variations of a seed, prompt matrices."""

import difflib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

MOST_CELLS = 400


def parse_size(text: str) -> int | tuple[int, int]:
    """Reads "256", or "384x128", the width first.

    Returns:
        int, or (height, width).

    Raises:
        ValueError: something else.
    """
    sides = [int(part) if part.strip().isdecimal() else 0 for part in text.lower().split("x")]
    if len(sides) > 2 or not all(sides):
        raise ValueError(f"{text!r} is no size, such as 256 or 384x128")
    return sides[0] if len(sides) == 1 else (sides[1], sides[0])


PARAMETERS: dict[str, Callable] = {
    "prompt": str,
    "negative": str,
    "seed": int,
    "steps": int,
    "guidance": float,
    "sampler": str,
    "size": parse_size,
    "clip_skip": int,
    "vary": int,
    "strength": float,
}
"""What an axis may change, by the name that the command line has for it, and the type of its values."""

_SETTINGS = {"steps": "num_steps", "guidance": "guidance_scale", "size": "image_size"}


class Axis(NamedTuple):
    """What changes along one side of a grid.

    Attributes:
        labels: tuple of str. For people, one for each column or row.
        values: tuple of dict. The settings of each, by the names of `PARAMETERS`.
    """

    labels: tuple[str, ...]
    values: tuple[dict[str, Any], ...]


@dataclass
class Cell:
    """One picture of a grid.

    Attributes:
        column, row: int.
        settings: dict. Everything that it is painted with, by the names of `PARAMETERS`.
        image: uint8 (H, W, 3), once painted.
        recipe: dict, once painted. `tfportrait.tasks.repaint` takes it.
    """

    column: int
    row: int
    settings: dict[str, Any]
    image: np.ndarray | None = None
    recipe: dict[str, Any] = field(default_factory=dict)


def parse_axis(text: str) -> Axis:
    """Reads "steps=5,10,20"; "seed=3..6" is 3,4,5,6; texts with commas are parted by "|".

    Args:
        text: str. A name of `PARAMETERS`, "=", values.

    Returns:
        Axis.

    Raises:
        ValueError: an unknown name (the known ones are listed, nearest first), no value, one that is no number where
            one is wanted, or one twice.
    """
    name, separator, rest = text.partition("=")
    name = name.strip().lower().replace("-", "_")
    if name not in PARAMETERS:
        near = difflib.get_close_matches(name, PARAMETERS, len(PARAMETERS), 0.0)
        raise ValueError(f"unknown parameter {name!r}; an axis is NAME=VALUES, with one of {', '.join(near)}")
    kind = PARAMETERS[name]
    first, dots, last = rest.partition("..")
    if kind is int and dots:
        first, last = _value(name, int, first), _value(name, int, last)
        if not 0 <= last - first < MOST_CELLS:
            raise ValueError(f"{name}={rest} has {max(last - first + 1, 0):,} values, but must have 1 to {MOST_CELLS}")
        values = list(range(first, last + 1))
    else:
        parts = rest.split("|" if "|" in rest else ",")
        values = [_value(name, kind, part) for part in parts if part.strip()]
    if not values:
        raise ValueError(f"{text!r} has no values; an axis is NAME=VALUES, such as steps=5,10,20")
    if len(set(values)) < len(values):
        raise ValueError(f"{text!r} has a value twice")
    labels = [_label(name, value) for value in values]
    return Axis(tuple(labels), tuple({name: value} for value in values))


def _label(name: str, value) -> str:
    if isinstance(value, str):
        return value
    shown = f"{value[1]}x{value[0]}" if isinstance(value, tuple) else f"{value:g}"
    return f"{name.replace('_', ' ')} {shown}"


def _value(name: str, kind: Callable, text: str):
    try:
        return kind(text.strip())
    except ValueError as error:
        wanted = {int: "it is not a whole number", float: "it is not a number"}.get(kind, error)
        raise ValueError(f"{name}={text.strip()}: {wanted}") from None


def matrix(prompt: str) -> tuple[Axis, Axis]:
    """The two sides of a prompt matrix: "a man | with glasses | smiling" is painted with each, both and none of them.

    Args:
        prompt: str. What is always said, then what is said or not, with "|" between.

    Returns:
        (columns, rows): Axis of prompts, to be joined by `cells`.

    Raises:
        ValueError: nothing to say or not, or more than fits `MOST_CELLS`.
    """
    base, *parts = (part.strip() for part in prompt.split("|"))
    parts = [part for part in parts if part]
    if not parts:
        raise ValueError('a matrix needs parts that may be left out, such as "a man | with glasses | smiling"')
    if 2 ** len(parts) > MOST_CELLS:
        raise ValueError(f"{len(parts)} parts make {2 ** len(parts):,} pictures; at most {MOST_CELLS} are painted")
    middle = -(-len(parts) // 2)
    across, down = (_subsets(some) for some in (parts[:middle], parts[middle:]))
    columns = Axis(tuple(", ".join(some) or base for some in across), tuple({"also": some} for some in across))
    rows = Axis(tuple(", ".join(some) for some in down), tuple({"prompt": base, "beside": some} for some in down))
    return columns, rows


def _subsets(parts: list[str]) -> list[tuple[str, ...]]:
    return [some for size in range(len(parts) + 1) for some in itertools.combinations(parts, size)]


def cells(settings: dict[str, Any], columns: Axis, rows: Axis | None = None) -> list[Cell]:
    """The pictures of a grid, row by row, not yet painted.

    Args:
        settings: dict. What no axis changes, by the names of `PARAMETERS`; "prompt" at least.
        columns, rows: Axis. From `parse_axis` or `matrix`.

    Returns:
        list of Cell.

    Raises:
        ValueError: both change one parameter, a strength of variations without a seed for them, or more cells than
            `MOST_CELLS`.
    """
    rows = rows or Axis(("",), ({},))
    if both := set(columns.values[0]) & set(rows.values[0]):
        raise ValueError(f"both axes change {both.pop()}")
    count = len(columns.values) * len(rows.values)
    if count > MOST_CELLS:
        raise ValueError(f"{len(columns.values)} x {len(rows.values)} are {count:,} pictures; at most {MOST_CELLS}")
    made = []
    for row, below in enumerate(rows.values):
        for column, beside in enumerate(columns.values):
            chosen = {**settings, **below, **beside}
            parts = (*chosen.pop("also", ()), *chosen.pop("beside", ()))
            chosen["prompt"] = ", ".join([chosen["prompt"], *parts])
            if (chosen.get("vary") is None) != (chosen.get("strength") is None):
                raise ValueError("a variation has a seed to go to, vary, and a strength: give both")
            made.append(Cell(column, row, chosen))
    return made


def explore(painter, opened: dict[str, Any], made: list[Cell]) -> Iterator[Cell]:
    """Paints cells one after another, each as `paint` would alone, so that its recipe gives the same pixels again.

    Args:
        painter, opened: as `tfportrait.tasks.opening.open_painter` returns them.
        made: list of Cell, from `cells`.

    Yields:
        Each cell, with its image and its recipe.

    Raises:
        ValueError: settings that cannot be used, which those of any cell are checked for before the first is painted.
    """
    from tfportrait.models import generation
    from tfportrait.tasks.painting import paint_batch, painted_size

    for cell in made:
        asked = _asked(cell.settings)
        generation.Request.check(
            painter,
            [cell.settings["prompt"]],
            None,
            [cell.settings["seed"]],
            steps_spacing=None,
            start=None,
            **{**asked, "image_size": painted_size(painter, asked["image_size"])},
        )
    for cell in made:
        other, strength = cell.settings.get("vary"), cell.settings.get("strength")
        images, recipes = paint_batch(
            painter,
            opened,
            [cell.settings["prompt"]],
            [cell.settings.get("negative")],
            [cell.settings["seed"]],
            variations=None if other is None else [(other, strength)],
            **_asked(cell.settings),
        )
        cell.image, cell.recipe = images[0], recipes[0]
        yield cell


def _asked(settings: dict[str, Any]) -> dict[str, Any]:
    names = ("steps", "guidance", "sampler", "size", "clip_skip")
    return {_SETTINGS.get(name, name): settings.get(name) for name in names}

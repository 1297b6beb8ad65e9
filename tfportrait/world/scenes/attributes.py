"""What a scene can look like: attribute names, their values, and which values exclude or hide one another.

`ground` is what lies before the viewer: open land, water (a lake, a river, an oasis) or a road. `position` is where the
object stands; left and right are the viewer's.
"""

from collections.abc import Iterable, Mapping

from ..attributes import ATTRIBUTES as PORTRAIT_ATTRIBUTES
from ..attributes import MONOCHROME_STYLES, nearest

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "style": PORTRAIT_ATTRIBUTES["style"],
    "setting": ("mountains", "sea", "city", "forest", "desert", "interior"),
    "time": ("dawn", "day", "dusk", "night"),
    "weather": ("clear", "cloudy", "rain", "snow", "fog"),
    "season": ("spring", "summer", "autumn", "winter"),
    "ground": ("open", "water", "road"),
    "object": ("none", "boat", "house", "tent", "person", "deer", "cat", "lamp", "balloon"),
    "position": ("left", "middle", "right"),
}


def _together(first: tuple[str, Iterable[str]], *others: tuple[str, Iterable[str]]) -> set[frozenset]:
    """Every combination of one value for each of the (name, values)."""
    combinations = [frozenset({(first[0], value)}) for value in first[1]]
    for name, values in others:
        combinations = [known | {(name, value)} for known in combinations for value in values]
    return set(combinations)


IMPOSSIBLE: frozenset = frozenset(
    _together(("season", ["summer"]), ("weather", ["snow"]))
    | _together(("setting", ["desert"]), ("weather", ["snow"]))
    | _together(("setting", ["interior"]), ("object", ["boat", "house", "tent", "deer", "balloon"]))
    | _together(("setting", ["city"]), ("object", ["house", "tent", "deer"]))
    | _together(("setting", ["desert"]), ("object", ["boat", "deer"]))
    | _together(("setting", ["sea"]), ("object", ["deer"]))
    | _together(
        ("setting", ["mountains", "city", "forest"]), ("ground", ["open", "road"]), ("object", ["boat"])
    )  # at sea there is water whatever `ground` says
)
"""Sets of two or three (name, value) that no scene has."""

UNUSUAL: frozenset = frozenset(
    _together(("season", ["spring", "autumn"]), ("weather", ["snow"]))
    | _together(("season", ["winter"]), ("weather", ["rain"]))
    | _together(("setting", ["desert"]), ("object", ["cat", "lamp"]))
    | _together(("weather", ["rain", "snow", "fog"]), ("object", ["balloon"]))
    | _together(("time", ["night"]), ("object", ["balloon"]))
)
"""Sets that are painted when asked for but never drawn at random."""

_WEIGHTS: dict[str, dict[str, float]] = {  # a value that is not here weighs 1
    "weather": {"clear": 1.5, "snow": 1.1},
    "object": {"none": 1.6, "boat": 2.0, "deer": 1.5, "balloon": 1.7},
}


def weight(name: str, value: str, others: Mapping[str, str]) -> float:
    """How often `value` is drawn relative to the attribute's other values, when `others` are already settled."""
    items = {*others.items(), (name, value)}
    if any((name, value) in known and known <= items for known in IMPOSSIBLE):
        return 0.0
    if any((name, value) in known and known <= items for known in UNUSUAL):
        return 1e-9
    return _WEIGHTS.get(name, {}).get(value, 1.0)


def check(attributes: Mapping[str, str]) -> dict[str, str]:
    """Checks names, values and combinations.

    Args:
        attributes: mapping. Any subset of the attributes, name to value.

    Returns:
        dict. The same items in the order of `ATTRIBUTES`.

    Raises:
        ValueError: an unknown name or value (the message lists the valid ones, nearest first), or values that no scene
            can have together.
    """
    for name, value in attributes.items():
        if name not in ATTRIBUTES:
            raise ValueError(f"Unknown attribute {name!r}. Valid ones: {', '.join(nearest(name, ATTRIBUTES))}.")
        if value not in ATTRIBUTES[name]:
            valid = ", ".join(nearest(value, ATTRIBUTES[name]))
            raise ValueError(f"Unknown value {value!r} for {name}. Valid ones: {valid}.")
    known = {name: attributes[name] for name in ATTRIBUTES if name in attributes}
    for combination in IMPOSSIBLE:
        if combination <= known.items():
            first, *others = (f"{name}={known[name]}" for name in known if (name, known[name]) in combination)
            raise ValueError(f"No scene has {first} together with {' and '.join(others)}: drop one of them.")
    return known


def hidden(attributes: Mapping[str, str]) -> frozenset[str]:
    """Names of the attributes that the given (all or some) attributes hide from view."""
    names = set()
    if attributes.get("style") in MONOCHROME_STYLES or attributes.get("setting") == "desert":
        names.add("season")
    if attributes.get("setting") in ("sea", "interior"):
        names.add("ground")
    if attributes.get("object") == "none":
        names.add("position")
    return frozenset(names)

"""What a portrait can look like: attribute names, their values, and which values exclude or hide one another.

Left and right are always the viewer's: `pose="left"` faces the left edge of the picture, `lighting="left"` is lit from
there.
"""

import difflib
from collections.abc import Iterable, Mapping

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "style": ("flat", "soft", "watercolour", "oil", "pencil", "ink", "anime", "pixel"),
    "age": ("child", "young", "middle_aged", "elderly"),
    "gender": ("woman", "man"),
    "skin_tone": ("pale", "tan", "brown", "dark"),
    "face_shape": ("round", "oval", "square", "heart"),
    "hair_style": ("bald", "buzz", "short", "spiky", "bob", "long", "curly", "bun", "ponytail", "braids"),
    "hair_color": ("black", "brown", "blonde", "red", "grey", "blue", "pink"),
    "eye_color": ("brown", "blue", "green", "grey"),
    "expression": ("neutral", "smiling", "laughing", "sad", "angry", "surprised"),
    "glasses": ("none", "round", "square", "sunglasses"),
    "facial_hair": ("none", "moustache", "goatee", "beard"),
    "headwear": ("none", "cap", "beanie", "wide_brim_hat", "beret", "crown"),
    "earrings": ("none", "studs", "hoops"),
    "clothing": ("t_shirt", "shirt", "suit", "hoodie", "turtleneck", "dress", "hanfu"),
    "clothing_color": ("red", "yellow", "green", "blue", "purple", "black", "white"),
    "pose": ("left", "front", "right"),
    "lighting": ("even", "left", "right"),
    "background": ("plain", "gradient", "city", "forest", "sea", "mountains", "starry_night", "room", "blossoms"),
}

COLOUR_ATTRIBUTES = ("skin_tone", "hair_color", "eye_color", "clothing_color")
MONOCHROME_STYLES = ("pencil", "ink")
HATS = ("cap", "beanie", "wide_brim_hat", "beret")  # the crown leaves the hair in sight
HAIR_UNDER_HATS = ("buzz", "short", "spiky", "bun")  # told apart only by what a hat covers


def _pairs(name: str, values: Iterable[str], other: str, other_values: Iterable[str]) -> set[frozenset]:
    return {frozenset({(name, value), (other, wrong)}) for value in values for wrong in other_values}


_FACIAL_HAIR = ("moustache", "goatee", "beard")

IMPOSSIBLE: frozenset = frozenset(
    _pairs("age", ("child",), "facial_hair", _FACIAL_HAIR)
    | _pairs("gender", ("woman",), "facial_hair", _FACIAL_HAIR)
    | _pairs("age", ("child",), "hair_style", ("bald",))
)
"""Pairs of (name, value) that no portrait has."""

UNUSUAL: frozenset = frozenset(
    _pairs("gender", ("woman",), "hair_style", ("bald",))
    | _pairs("gender", ("man",), "clothing", ("dress",))
    | _pairs("age", ("child",), "hair_color", ("grey",))
    | _pairs("age", ("child",), "earrings", ("hoops",))
    | _pairs("gender", ("man",), "hair_style", ("braids",))
)
"""Pairs that are painted when asked for but never drawn at random."""

_WEIGHTS: dict[str, dict[str, float]] = {  # a value that is not here weighs 1
    "glasses": {"none": 2.4},
    "facial_hair": {"none": 1.2},
    "headwear": {"none": 4.2},
    "earrings": {"none": 1.6},
    "pose": {"front": 1.3},
    "lighting": {"even": 1.3},
}


def weight(name: str, value: str, others: Mapping[str, str]) -> float:
    """How often `value` is drawn relative to the attribute's other values, when `others` are already settled."""
    pairs = [frozenset({(name, value), item}) for item in others.items() if item[0] != name]
    if any(pair in IMPOSSIBLE for pair in pairs):
        return 0.0
    if any(pair in UNUSUAL for pair in pairs):
        return 1e-9
    base = _WEIGHTS.get(name, {}).get(value, 1.0)
    if name == "hair_color" and value == "grey" and others.get("age") == "elderly":
        return 5.0 * base
    if name == "earrings" and value == "hoops" and others.get("gender") == "man":
        return 0.4 * base
    return base


def nearest(word: str, names: Iterable[str]) -> list[str]:
    """`names` ordered by likeness to `word`, likest first (ties keep their order)."""
    return sorted(names, key=lambda name: -difflib.SequenceMatcher(None, str(word).lower(), name).ratio())


def check(attributes: Mapping[str, str]) -> dict[str, str]:
    """Checks names, values and combinations.

    Args:
        attributes: mapping. Any subset of the attributes, name to value.

    Returns:
        dict. The same items in the order of `ATTRIBUTES`.

    Raises:
        ValueError: an unknown name or value (the message lists the valid ones, nearest first), or two values that no
            portrait can have together.
    """
    for name, value in attributes.items():
        if name not in ATTRIBUTES:
            raise ValueError(f"Unknown attribute {name!r}. Valid ones: {', '.join(nearest(name, ATTRIBUTES))}.")
        if value not in ATTRIBUTES[name]:
            valid = ", ".join(nearest(value, ATTRIBUTES[name]))
            raise ValueError(f"Unknown value {value!r} for {name}. Valid ones: {valid}.")
    items = list(attributes.items())
    for index, item in enumerate(items):
        for other in items[:index]:
            if frozenset({item, other}) in IMPOSSIBLE:
                raise ValueError(
                    f"No portrait has {other[0]}={other[1]} together with {item[0]}={item[1]}: drop one of them."
                )
    return {name: attributes[name] for name in ATTRIBUTES if name in attributes}


def hidden(attributes: Mapping[str, str]) -> frozenset[str]:
    """Names of the attributes that the given (all or some) attributes hide from view."""
    names = set()
    if attributes.get("style") in MONOCHROME_STYLES:
        names.update(COLOUR_ATTRIBUTES)
    if attributes.get("hair_style") == "bald":
        names.add("hair_color")
    if attributes.get("headwear") in HATS and attributes.get("hair_style") in HAIR_UNDER_HATS:
        names.add("hair_style")
    if attributes.get("glasses") == "sunglasses" or attributes.get("expression") == "laughing":
        names.add("eye_color")
    return frozenset(names)

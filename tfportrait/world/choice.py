"""Which of the worlds, portraits or scenes, some words are about."""

from collections.abc import Iterable, Mapping

from . import WORLDS
from .reading import Reading


def read_any(text: str, names: Iterable[str] = (), own: str = "portrait_world") -> tuple[str, Reading]:
    """Reads a text as the world that understands more of it does.

    Args:
        text: str.
        names: iterable of str. Attributes that the world must have.
        own: str. The world that is taken where it understands as much as the other.

    Returns:
        (name, Reading): the world's name, as in `WORLDS`.

    Raises:
        ValueError: `text` is not a str, or no world has the attributes.
    """
    names = set(names)
    able = {name: each for name, each in WORLDS.items() if names <= set(each.ATTRIBUTES)}
    if not able:
        raise ValueError(f"no world has {' and '.join(sorted(names))} together")
    readings = {name: each.read_prompt(text) for name, each in able.items()}
    best = max(readings, key=lambda name: (len(readings[name].understood) - len(readings[name].unknown), name == own))
    return best, readings[best]


def world_of(names: Iterable[str]) -> str:
    """The name of the first world that has all these attributes: "portrait_world" or "scene_world".

    Raises:
        ValueError: none has.
    """
    names = list(names)
    for name, each in WORLDS.items():
        if set(names) <= set(each.ATTRIBUTES):
            return name
    raise ValueError(f"no drawn world has all of the attributes {', '.join(names)}")


def check_any(attributes: Mapping[str, str]) -> dict[str, str]:
    """Checks attributes of either world.

    Args:
        attributes: mapping. Name to value.

    Returns:
        dict. The same items in the order of the world's `ATTRIBUTES`.

    Raises:
        ValueError: an unknown name or value, or what does not go together; said by the world that knows most names.
    """
    best = max(WORLDS.values(), key=lambda each: len(set(each.ATTRIBUTES) & set(attributes)))
    return best.attributes.check(attributes)

"""The words of `synonyms.toml` as Python objects. The file says what each table is for."""

import tomllib
from importlib import resources

_DATA = tomllib.loads(resources.files(__package__).joinpath("synonyms.toml").read_text(encoding="utf-8"))

NEGATIONS: list[str] = _DATA["negations"]
OR, AND, JOINING = frozenset(_DATA["or"]), frozenset(_DATA["and"]), frozenset(_DATA["joining"])
COPULAS, BEFORE_CLOTHES = frozenset(_DATA["copulas"]), frozenset(_DATA["before_clothes"])
SHADES, STOP_WORDS = frozenset(_DATA["shades"]), frozenset(_DATA["stop_words"])
YEARS: list[list[str]] = [phrase.split() for phrase in _DATA["years"]]
PRONOUNS: dict[str, str] = {word: gender for gender, words in _DATA["pronouns"].items() for word in words}
HEADS: dict[str, list[str]] = _DATA["heads"]
FAMILIES: dict[str, str] = _DATA["families"]
COLOUR_ATTRIBUTES: dict[str, str] = _DATA["colour_attributes"]
TRADITIONAL = str.maketrans(_DATA["traditional"]["from"], _DATA["traditional"]["to"])
ALSO_READ: dict[str, dict[str, list[str]]] = _DATA["also_read"]
SEVERAL = [(phrase, tuple(entry["says"].items())) for entry in _DATA["several"] for phrase in entry["phrases"]]
COLOURS = [
    (word, {head: (COLOUR_ATTRIBUTES[head], value) for head, value in entry["means"].items()})
    for entry in _DATA["colours"]
    for word in entry["words"]
]
SHAPES = [
    (word, {head: tuple(fact) for head, fact in entry["means"].items()})
    for entry in _DATA["shapes"]
    for word in entry["words"]
]
NEAR_COLOURS: dict[str, list[str]] = {}
for _entry in _DATA["near_colours"]:
    for _word in _entry["words"]:
        NEAR_COLOURS.setdefault(_word, _entry["nearest"])
HINTS = {word: tuple(entry["nearest"]) for entry in _DATA["hints"] for word in entry["words"]}

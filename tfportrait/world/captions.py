"""Captions: sentences and tag lists, English and Chinese, that name all or some of a portrait's attributes.

`Caption.named` is exact. A noun can name two attributes: "girl" says child and woman, "an elderly man" elderly and man,
"man" only that it is a man, "person" nothing. Left and right in texts are the viewer's, as in `attributes.py`: "looking
to the left" is a face turned to the left edge of the picture, "lit from the left" a light that comes from there.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from . import attributes as rules
from . import lexicon
from .portrait import Portrait, sample

LANGUAGES = ("en", "zh")
CAPTION_PARTS = 56
"""English words and punctuation marks that a caption has at most, so that it fits a context of 64 tokens."""

_COUNTS = ((0.10, 99, 99), (0.25, 1, 2), (1.0, 3, 11))  # up to this draw: from, to so many attributes
_PROMINENCE = {"gender": 3.0, "age": 2.0, "hair_style": 2.0, "hair_color": 2.0, "expression": 2.0, "style": 2.5}
_SILENCE = 0.12  # how much rarer than others a value "none" is mentioned
_ADJECTIVES, _BEFORE_DE = 2, 2  # at most so many modifiers before the noun


class Caption(str):
    """A text, and the names of the attributes that it names.

    Attributes:
        named: tuple of str. In the order of `ATTRIBUTES`.
    """

    named: tuple[str, ...]

    def __new__(cls, text: str, named: Sequence[str] = ()) -> "Caption":
        caption = super().__new__(cls, text)
        caption.named = tuple(named)
        return caption

    def __getnewargs__(self) -> tuple:
        return str(self), self.named


def caption(portrait: Portrait, language: str = "en", seed: int = 0) -> Caption:
    """A text that names all or some of the visible attributes of a portrait.

    Which ones depends on the portrait's seed and `seed`, not on the language; the wording depends on all three.

    Args:
        portrait: Portrait.
        language: str. "en" or "zh".
        seed: int. Another seed, another selection and wording.

    Returns:
        Caption.

    Raises:
        ValueError: unknown language.
    """
    check_language(language)
    draw = random.Random(f"tfportrait caption {portrait.seed} {seed}").random
    names = _select(portrait.attributes, portrait.visible, draw)
    selected = {name: portrait[name] for name in rules.ATTRIBUTES if name in names}
    return write(selected, language, f"tfportrait wording {portrait.seed} {seed} {language}", WORDS)


def compose(attributes: Mapping[str, str], language: str = "en", seed: int | None = None) -> Caption:
    """A text for attributes, all or some.

    Args:
        attributes: mapping. Attribute name to value.
        language: str. "en" or "zh".
        seed: int or None. None gives the canonical wording, a seed one of the paraphrases.

    Returns:
        Caption, `.named` being the names that were given.

    Raises:
        ValueError: unknown language, attribute or value (valid ones listed, nearest first), or two values that no
            portrait has together.
    """
    check_language(language)
    return write(rules.check(attributes), language, None if seed is None else f"tfportrait compose {seed}", WORDS)


def tags(attributes: Mapping[str, str], language: str = "en") -> str:
    """The canonical list of tags for attributes, such as "round glasses, watercolour". Errors as for `compose`."""
    check_language(language)
    values, draw = rules.check(attributes), Draw(None)
    if language == "en":
        return english_tags(values, draw, WORDS)
    return _chinese_tags(values, _chinese_units(values, draw, WORDS), draw, WORDS)


def corpus(count: int, seed: int = 0) -> Iterator[Caption]:
    """`count` captions of random portraits, English and Chinese in turn: what the tokenizer learns from."""
    for index in range(count):
        yield caption(sample(seed + index // 2), LANGUAGES[index % 2], seed)


def check_language(language: str) -> None:
    if language not in LANGUAGES:
        raise ValueError(f"Unknown language {language!r}. Valid ones: {', '.join(LANGUAGES)}.")


class Draw:
    """Seeded choices; without a seed always the first option, so that one code path gives the canonical wording."""

    def __init__(self, seed: str | None) -> None:
        self._next = None if seed is None else random.Random(seed).random

    @property
    def canonical(self) -> bool:
        return self._next is None

    def pick(self, options: Sequence):
        return options[0] if self._next is None or len(options) == 1 else options[int(self._next() * len(options))]

    def chance(self, probability: float) -> bool:
        return self._next is not None and self._next() < probability

    def shuffled(self, items: Sequence) -> list:
        items = list(items)
        if self._next is not None:
            for last in range(len(items) - 1, 0, -1):
                other = int(self._next() * (last + 1))
                items[last], items[other] = items[other], items[last]
        return items


def _select(values: Mapping[str, str], visible: frozenset[str], draw) -> set[str]:
    weights = {}
    grown_man = values["gender"] == "man" and values["age"] != "child"
    for name in rules.ATTRIBUTES:
        if name not in visible:
            continue
        if name == "facial_hair" and values[name] == "none" and not grown_man:
            continue  # nobody says of a woman or a child that there is no beard
        weights[name] = _PROMINENCE.get(name, 1.0) * (_SILENCE if values[name] == "none" else 1.0)
    kind, number = draw(), draw()
    low, high = next((low, high) for limit, low, high in _COUNTS if kind < limit)
    count = low + int(number * (high - low + 1))
    if count > len(weights):
        names = {name for name in weights if values[name] != "none" or draw() < _SILENCE}
    else:
        names = set()
        while len(names) < count:
            names.add(weighted(weights, draw()))
            weights = {name: weight for name, weight in weights.items() if name not in names}
    if "gender" in names and values["age"] == "child":
        names.add("age")  # "girl" and "boy" name both
    return names


def weighted(weights: Mapping[str, float], number: float) -> str:
    threshold = number * sum(weights.values())
    for name, weight in weights.items():
        threshold -= weight
        if threshold < 0.0:
            return name
    return name


class Words(NamedTuple):
    """What the grammar speaks with: phrases and nouns as in `lexicon.py`, and the order of the attributes."""

    english: Mapping
    chinese: Mapping
    english_nouns: Mapping
    chinese_nouns: Mapping
    order: Sequence[str]


def write(values: Mapping[str, str], language: str, seed: str | None, words: Words) -> Caption:
    """A text for values that `words` knows, unchecked; `seed` None gives the canonical wording."""
    return _write(values, language, Draw(seed), words)


def _write(values: Mapping[str, str], language: str, draw: Draw, words: Words) -> Caption:
    if language == "zh":
        return Caption(_chinese(values, draw, words), values)
    text = _english(values, draw, words)
    if parts(text) > CAPTION_PARTS:
        text = english_tags(values, draw, words)
    if parts(text) > CAPTION_PARTS:
        text = english_tags(values, Draw(None), words)
    if draw.chance(0.3):
        for british, american in lexicon.AMERICAN:
            text = text.replace(british, american)
    return Caption(text, values)


def parts(text: str) -> int:
    return len(_PART.findall(text))


_PART = re.compile(r"[A-Za-z]+|\d|[^\sA-Za-z\d]+")


class _Unit(NamedTuple):
    """What one phrase has to say: an attribute, or hair or clothing together with its colour."""

    name: str
    value: str
    places: Mapping[str, tuple[str, ...]]
    colour: str | None = None


def _english_units(values: Mapping[str, str], draw: Draw, words: Words) -> list[_Unit]:
    return _units(values, words.english, lexicon.ENGLISH_COLOURS, draw, words.order)


def _chinese_units(values: Mapping[str, str], draw: Draw, words: Words) -> list[_Unit]:
    return _units(values, words.chinese, lexicon.CHINESE_COLOURS, draw, words.order)


def _units(
    values: Mapping[str, str], table: Mapping, colours: Mapping, draw: Draw, order: Sequence[str]
) -> list[_Unit]:
    """Everything but age, gender and style, in a speaker's order: hair first, the surroundings last."""
    units = []
    for name in order:
        if name not in values:
            continue
        value = values[name]
        if name in colours:
            owner = _OWNERS.get(name)
            if owner in values and _takes_colour(table[owner][values[owner]]):
                continue  # said together with the hair style or garment
            units.append(_Unit(name, value, table[name] if name in table else {}, draw.pick(colours[name][value])))
            continue
        places, colour = table[name][value], None
        colour_name = _COLOUR_OF.get(name)
        if colour_name in values and _takes_colour(places):
            colour = draw.pick(colours[colour_name][values[colour_name]])
            places = {
                place: tuple(phrase for phrase in phrases if place == "verb" or "{c}" in phrase)
                for place, phrases in places.items()
                if place == "verb" or any("{c}" in phrase for phrase in phrases)
            }
        units.append(_Unit(name, value, places, colour))
    return units


ORDER = (
    *("hair_style", "hair_color", "skin_tone", "eye_color", "face_shape", "facial_hair", "expression", "glasses"),
    *("headwear", "earrings", "clothing", "clothing_color", "pose", "lighting", "background"),
)
_SURROUNDINGS = ("lighting", "background", "focus")
WORDS = Words(lexicon.ENGLISH, lexicon.CHINESE, lexicon.ENGLISH_NOUNS, lexicon.CHINESE_NOUNS, ORDER)
_OWNERS = {"hair_color": "hair_style", "clothing_color": "clothing"}
_COLOUR_OF = {owner: colour for colour, owner in _OWNERS.items()}


def _takes_colour(places: Mapping[str, tuple[str, ...]]) -> bool:
    return any("{c}" in phrase for phrases in places.values() for phrase in phrases)


def _fill(phrase: str, colour: str | None) -> str:
    if colour is not None:
        return phrase.replace("{c}", colour)
    return phrase.replace("{c} ", "").replace("{c}", "")


def with_article(text: str) -> str:
    return f"an {text}" if text[0] in "aeiou8" else f"a {text}"


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


# ---- English ---------------------------------------------------------------------------------------------------------


def _english(values: Mapping[str, str], draw: Draw, words: Words) -> str:
    if draw.chance(0.22):
        return english_tags(values, draw, words)
    places = _english_places(_english_units(values, draw, words), draw)
    noun = draw.pick(words.english_nouns[values.get("age"), values.get("gender")])
    subject = with_article(", ".join(places["adj"]) + " " + noun if places["adj"] else noun)
    second = []
    if places["wear"] and draw.chance(0.15):
        who = {"woman": "She", "man": "He"}.get(values.get("gender"), f"The {noun}")
        second.append(f"{who} {draw.pick(('wears', 'is wearing'))} {_listed(places['wear'])}")
        places["wear"] = []
    text = subject + _english_predicates(places)
    style = values.get("style")
    if style is not None and draw.chance(0.45):
        prefix = draw.pick(words.english["style"][style]["prefix"])
        text = f"{draw.pick((prefix, with_article(prefix)))} of {text}"
        style = None
    elif draw.chance(0.2):
        text = draw.pick(("portrait of ", "a portrait of ")) + text
    if style is not None:
        after = draw.pick(words.english["style"][style]["after"])
        if second:
            second.append(after)
        else:
            text = f"{text}, {after}"
    if second or draw.chance(0.12):
        sentences = [text, *second]
        return " ".join(sentence[0].upper() + sentence[1:] + "." for sentence in sentences)
    return text


def _english_places(units: Sequence[_Unit], draw: Draw) -> dict[str, list[str]]:
    chosen: dict[str, list[tuple[_Unit, str]]] = {"adj": [], "dressed": [], "with": [], "wear": [], "after": []}
    for unit in units:
        free = [place for place in unit.places if place not in ("tag", "prefix")]
        if len(chosen["adj"]) == _ADJECTIVES and len(free) > 1:
            free = [place for place in free if place != "adj"]
        place = draw.pick(free)
        chosen[place].append((unit, _fill(draw.pick(unit.places[place]), unit.colour)))
    if draw.chance(0.5):
        chosen = {place: draw.shuffled(items) for place, items in chosen.items()}
    # "a smiling, blue-eyed girl with long hair and no hat": moods first, what is absent last; the surroundings last too
    chosen["adj"].sort(key=lambda item: item[0].name != "expression")
    chosen["with"].sort(key=lambda item: item[0].value == "none")
    chosen["after"].sort(key=lambda item: item[0].name in _SURROUNDINGS)
    # "a person, evenly lit": light is set off by a comma even right behind the noun
    after = [", " + phrase if unit.name == "lighting" else phrase for unit, phrase in chosen["after"]]
    return {place: [phrase for _, phrase in items] for place, items in chosen.items()} | {"after": after}


def _english_predicates(places: Mapping[str, list[str]]) -> str:
    text = ""
    for phrase in places["dressed"]:
        text += f" {phrase}"
    if places["with"]:
        text += f"{',' if text else ''} with {_listed(places['with'])}"
    if places["wear"]:
        text += f"{',' if text else ''} wearing {_listed(places['wear'])}"
    for phrase in places["after"]:
        text += phrase if phrase[0] == "," else f", {phrase}" if text else f" {phrase}"
    return text


def english_tags(values: Mapping[str, str], draw: Draw, words: Words) -> str:
    tags = []
    for unit in _english_units(values, draw, words):
        place = next(place for place in ("tag", "with", "wear", "adj", "after") if place in unit.places)
        phrase = _fill(draw.pick(unit.places[place]), unit.colour)
        tags.append(re.sub(r"^an? ", "", phrase))
    tags = draw.shuffled(tags)
    if "age" in values or "gender" in values:
        tags.insert(0, draw.pick(words.english_nouns[values.get("age"), values.get("gender")]))
    if "style" in values:
        tags.insert(draw.pick((len(tags), 0)), draw.pick(words.english["style"][values["style"]]["after"]))
    if not tags or draw.chance(0.5):
        tags.insert(0, "portrait")
    return ", ".join(tags)


# ---- Chinese ---------------------------------------------------------------------------------------------------------


def _chinese(values: Mapping[str, str], draw: Draw, words: Words) -> str:
    units = _chinese_units(values, draw, words)
    if draw.chance(0.22):
        return _chinese_tags(values, units, draw, words)
    noun = draw.pick(words.chinese_nouns[values.get("age"), values.get("gender")])
    measure, noun = noun[0], noun[1:]
    bare = "age" not in values and "gender" in values
    direct, before, clauses = _chinese_places(units, bare, draw)
    subject = "、".join(before) + ("的" if before else "") + direct + noun
    if not (before and draw.chance(0.15)):
        subject = f"一{measure}{subject}"
    style = values.get("style")
    head = subject
    if style is not None and draw.chance(0.45):
        prefix = draw.pick(words.chinese["style"][style]["prefix"])
        head = draw.pick(("{p}：{s}", "一幅{p}：{s}", "{p}，{s}", "{s}的{p}")).format(p=prefix, s=subject)
        style = None
    elif draw.chance(0.15):
        head = draw.pick(("肖像：{s}", "{s}的肖像")).format(s=subject)
    person = [phrase for phrase, of_person in clauses if of_person]
    around = [phrase for phrase, of_person in clauses if not of_person]
    tail = [draw.pick(words.chinese["style"][style]["clause"])] if style is not None else []
    if person and "gender" in values and draw.chance(0.15):
        pronoun = "她" if values["gender"] == "woman" else "他"
        sentences = [[head], [pronoun + person[0], *person[1:]], [*around, *tail]]
        return "".join("，".join(sentence) + "。" for sentence in sentences if sentence)
    text = "，".join([head, *person, *around, *tail])
    return f"{text}。" if draw.chance(0.2) else text


def _chinese_places(units: Sequence[_Unit], bare: bool, draw: Draw) -> tuple[str, list[str], list[tuple[str, bool]]]:
    """What stands directly before the noun, what before 的, and the clauses behind (with: is it about the person?)."""
    direct, before, clauses = "", [], []
    if draw.chance(0.5):
        units = draw.shuffled(units)
    for unit in units:
        places = unit.places
        of_person = unit.name not in _SURROUNDINGS
        to_noun = draw.chance(0.4) if not draw.canonical else unit.name.startswith("hair")
        if bare and not direct and "pre" in places and to_noun:
            direct = _chinese_direct(unit, draw)
            continue
        to_de = draw.chance(0.35) if not draw.canonical else unit.name in ("expression", "glasses")
        if of_person and len(before) < _BEFORE_DE and to_de:
            before.append(_chinese_phrase(unit, ("vp",), draw, before_de=True))
        else:
            clauses.append((_chinese_phrase(unit, ("vp", "clause"), draw), of_person))
    return direct, before, clauses


def _chinese_direct(unit: _Unit, draw: Draw) -> str:
    if unit.name == "hair_color":  # "红发", not "红色发"
        return lexicon.CHINESE_COLOURS["hair_color"][unit.value][0].removesuffix("色") + "发"
    return _fill(draw.pick(unit.places["pre"]), unit.colour and unit.colour.removesuffix("的"))


def _chinese_phrase(unit: _Unit, places: Sequence[str], draw: Draw, before_de: bool = False) -> str:
    options = [phrase for place in places for phrase in unit.places.get(place, ())]
    if options:
        return _fill(draw.pick(options), unit.colour)
    nouns, colour = unit.places["np"], unit.colour
    if before_de:  # a second 的 within the modifier reads badly
        nouns = [noun for noun in nouns if "的" not in noun]
        colour = colour and colour.removesuffix("的")
    return draw.pick(unit.places["verb"]) + _fill(draw.pick(nouns), colour)


def _chinese_tags(values: Mapping[str, str], units: Sequence[_Unit], draw: Draw, words: Words) -> str:
    tags = []
    for unit in units:
        place = next(place for place in ("tag", "np", "pre", "vp", "clause") if place in unit.places)
        tags.append(_fill(draw.pick(unit.places[place]), unit.colour).removeprefix("一头").removeprefix("一双"))
    tags = draw.shuffled(tags)
    if "age" in values or "gender" in values:
        tags.insert(0, draw.pick(words.chinese_nouns[values.get("age"), values.get("gender")])[1:])
    if "style" in values:
        tags.insert(draw.pick((len(tags), 0)), draw.pick(words.chinese["style"][values["style"]]["clause"]))
    if not tags or draw.chance(0.4):
        tags.insert(0, "肖像")
    return draw.pick(("，", "，", "、", ", ")).join(tags)

"""Reads free text, English, Chinese or mixed, into a scene's attributes: phrases by longest match, left to right.

What denies an object ("without a boat", "没有船") leaves the scene empty. Of two values of one attribute the first
stays, and of what no scene has together; the others are reported.
"""

import re
from collections.abc import Iterator
from functools import cache

from .. import synonyms
from ..reading import CJK, Reading, normalised, phrase_tokens, tokens_of
from . import lexicon
from .attributes import ATTRIBUTES, check

Facts = tuple[tuple[str, str], ...]
_NEGATES: Facts = (("", "denied"),)
_IDEOGRAPH = re.compile(f"[{CJK}]")
_PLACES = ("adj", "after", "np", "tag", "prefix", "pre", "clause", "outside")
# Beside the captions' words.
_ALSO = {
    "setting": {
        "mountains": "mountain|peaks|hills|alps|山|高山|雪山|山峰|山脉|群山",
        "sea": "sea|ocean|beach|coast|seaside|seashore|海|海边|海滩|海岸|海洋|沙滩",
        "city": "city|town|urban|street scene|都市|城镇|城里",
        "forest": "forest|woods|woodland|trees|jungle|林|树林|森林|丛林|林中",
        "desert": "desert|dunes|沙漠|大漠|戈壁",
        "interior": "room|interior|indoors|bedroom|living room|屋里|屋内|室内|房间|卧室|客厅",
    },
    "ground": {
        "open": "meadow|field|plain|grass|park|clearing|草地|草原|田野|空地|公园",
        "water": "lake|river|pond|oasis|water|湖|湖泊|湖边|河|河边|河流|绿洲|池塘|水边",
        "road": "road|path|street|highway|trail|路|道路|小路|公路|街道|小径",
    },
    "time": {
        "dawn": "morning|sunrise|daybreak|early morning|早晨|早上|日出|拂晓|清早",
        "day": "day|noon|midday|afternoon|sunny day|中午|正午|下午|日间",
        "dusk": "evening|sunset|twilight|golden hour|夕阳|日落|晚霞|暮色",
        "night": "night|midnight|moonlight|moonlit|starry|starry sky|夜|夜空|午夜|月光|星空|夜里",
    },
    "weather": {
        "clear": "clear|sunny|clear sky|blue sky|sunshine|晴|晴天|蓝天|阳光",
        "cloudy": "clouds|cloudy|overcast|grey sky|阴天|多云|乌云|云",
        "rain": "rain|rainy|raining|storm|downpour|雨|雨天|下雨|暴雨|大雨",
        "snow": "snow|snowy|snowing|snowfall|snow covered|雪|雪天|下雪|大雪|飘雪",
        "fog": "fog|foggy|mist|misty|haze|雾|雾天|薄雾",
    },
    "season": {"spring": "春", "summer": "夏", "autumn": "fall|秋", "winter": "冬"},
    "object": {
        "none": "empty|nobody|no people|无人|空荡荡",
        "boat": "boat|ship|sailing boat|sailboat|船|小船|帆船",
        "house": "house|cottage|hut|cabin|房子|小屋|木屋|房屋",
        "tent": "tent|帐篷",
        "person": "person|man|woman|figure|traveller|people|人|旅人|行人|人影",
        "deer": "deer|stag|鹿",
        "cat": "cat|kitten|猫|小猫",
        "lamp": "lamp|lantern|street lamp|灯|路灯|立灯",
        "balloon": "balloon|hot air balloon|热气球|气球",
    },
    "position": {
        "left": "left|左|左侧|左边",
        "middle": "middle|centre|center|中央|中间",
        "right": "right|右|右侧|右边",
    },
}
_SILENT = ("something", "outside", "landscape", "scenery", "窗外", "风景", "景色", "风光")


def read_prompt(text: str) -> Reading:
    """Reads the attributes of a scene that a text asks for.

    Args:
        text: str. Any Unicode.

    Returns:
        Reading. Empty for a text without words.

    Raises:
        ValueError: `text` is not a str.
    """
    if not isinstance(text, str):
        raise ValueError(f"A prompt is a str, not {type(text).__name__}.")
    text = normalised(text).replace("-", " ")
    spans = tokens_of(text)
    tokens = [_known_form(token) for token, _, _ in spans]
    reading, unknown, denied, run = Reading(), {}, None, None

    def phrase(start: int, end: int) -> str:
        return text[spans[start][1] : spans[end - 1][2]]

    position = 0
    while position < len(tokens):
        length, facts = _match(tokens, position)
        end = position + length
        if facts is None and _IDEOGRAPH.match(tokens[position]):
            run = position if run is None else run
            position, denied = end, None
            continue
        if run is not None:
            unknown[phrase(run, position)] = []
            run = None
        if facts == _NEGATES:
            denied = position
        elif facts and denied is not None:
            if any(name == "object" for name, _ in facts):
                _record(reading, phrase(denied, end), (("object", "none"),))
            else:
                unknown[phrase(denied, end)] = []
            denied = None
        elif facts:
            _record(reading, phrase(position, end), facts)
        elif facts is None and tokens[position][0].isalpha():
            unknown[phrase(position, end)] = []
            denied = None
        elif facts is None:  # a mark or a number
            denied = None
        position = end
    if run is not None:
        unknown[phrase(run, len(tokens))] = []
    ideographs = sum(1 for token in tokens if _IDEOGRAPH.match(token))
    words = sum(1 for token in tokens if len(token) > 1 and token.isalpha())
    return Reading(
        {name: reading.attributes[name] for name in ATTRIBUTES if name in reading.attributes},
        reading.understood,
        list(unknown.items()),
        reading.conflicts,
        "zh" if ideographs > 2 * words else "en",
    )


def _record(reading: Reading, phrase: str, facts: Facts) -> None:
    for name, value in facts:
        if reading.attributes.get(name) == value:
            continue
        try:
            possible = name not in reading.attributes and check({**reading.attributes, name: value})
        except ValueError:
            possible = False
        if possible:
            reading.attributes[name] = value
            reading.understood.append((phrase, name, value))
        else:
            reading.conflicts.append((phrase, name, value))


def _written() -> Iterator[tuple[str, Facts]]:
    for table in (lexicon.ENGLISH, lexicon.CHINESE):
        for name, values in table.items():
            for value, places in values.items():
                for place in _PLACES:
                    yield from ((each, ((name, value),)) for each in places.get(place, ()))
    for table in (lexicon.ENGLISH_NOUNS, lexicon.CHINESE_NOUNS):
        for (setting, ground), phrases in table.items():
            facts = tuple((name, value) for name, value in (("setting", setting), ("ground", ground)) if value)
            yield from ((each, facts) for each in phrases)
    for name, values in _ALSO.items():
        for value, phrases in values.items():
            yield from ((each, ((name, value),)) for each in phrases.split("|"))
    for value, phrases in synonyms.ALSO_READ["style"].items():
        yield from ((each, (("style", value),)) for each in phrases)


@cache
def _table() -> dict[tuple[str, ...], Facts]:
    """Phrases, as tuples of tokens; without facts what says nothing."""
    table: dict[tuple[str, ...], Facts] = {}
    for phrase, facts in _written():
        bare = re.sub(r"^(an?|the) |^(一[位个名张幅只条艘座栋顶头盏]|画中有)", "", phrase)
        spellings = {bare, phrase}
        for british, american in lexicon.AMERICAN:
            spellings |= {each.replace(british, american) for each in spellings}
        for each in spellings:
            table.setdefault(tuple(phrase_tokens(each)), facts)
    for phrase in synonyms.NEGATIONS:
        table.setdefault(tuple(phrase_tokens(phrase)), _NEGATES)
    for phrase in (
        *synonyms.STOP_WORDS,
        *synonyms.PRONOUNS,
        "something",
        "outside",
        "窗外",
        "landscape",
        "风景",
        "景色",
    ):
        table.setdefault(tuple(phrase_tokens(phrase)), ())
    return table


@cache
def _longest() -> dict[str, int]:
    """First token -> the most tokens of a phrase that begins with it."""
    longest: dict[str, int] = {}
    for tokens in _table():
        longest[tokens[0]] = max(len(tokens), longest.get(tokens[0], 0))
    return longest


@cache
def _words() -> frozenset[str]:
    return frozenset(token for phrase in _table() for token in phrase)


def _match(tokens: list[str], start: int) -> tuple[int, Facts | None]:
    for length in range(_longest().get(tokens[start], 0), 0, -1):
        phrase = tuple(tokens[start : start + length])
        if len(phrase) == length and phrase in _table():
            return length, _table()[phrase]
    return 1, None


def _known_form(token: str) -> str:
    """The token, or its singular where only that is known."""
    singular = token.removesuffix("s")
    return singular if token.isascii() and token not in _words() and singular in _words() else token

"""Captions: sentences and tag lists, English and Chinese, that name all or some of a scene's attributes.

`Caption.named` is exact. Setting and ground share one noun ("mountain lake"); a position is said of the object. Left
and right are the viewer's.
"""

import random
from collections.abc import Iterator, Mapping

from ..captions import (
    CAPTION_PARTS,
    LANGUAGES,
    Caption,
    Draw,
    check_language,
    parts,
    weighted,
    with_article,
)
from . import attributes as rules
from . import lexicon
from .scene import Scene, sample

_COUNTS = ((0.2, 99, 99), (0.35, 1, 2), (1.0, 3, 6))  # up to this draw: from, to so many attributes
_PROMINENCE = {"setting": 3.0, "style": 2.5, "object": 2.5, "time": 2.0}
_SILENCE = 0.12  # how much rarer than others a value "none" is mentioned


def caption(scene: Scene, language: str = "en", seed: int = 0) -> Caption:
    """A text that names all or some of the visible attributes of a scene.

    Which ones depends on the scene's seed and `seed`, not on the language; the wording depends on all three.

    Args:
        scene: Scene.
        language: str. "en" or "zh".
        seed: int. Another seed, another selection and wording.

    Returns:
        Caption.

    Raises:
        ValueError: unknown language.
    """
    check_language(language)
    draw = random.Random(f"tfportrait scene caption {scene.seed} {seed}").random
    names = _select(scene.attributes, scene.visible, draw)
    selected = {name: scene[name] for name in rules.ATTRIBUTES if name in names}
    return _write(selected, language, Draw(f"tfportrait scene wording {scene.seed} {seed} {language}"))


def compose(attributes: Mapping[str, str], language: str = "en", seed: int | None = None) -> Caption:
    """A text for attributes, all or some.

    Args:
        attributes: mapping. Attribute name to value.
        language: str. "en" or "zh".
        seed: int or None. None gives the canonical wording, a seed one of the paraphrases.

    Returns:
        Caption, `.named` being the names that were given, but for those that the others hide.

    Raises:
        ValueError: unknown language, attribute or value (valid ones listed, nearest first), or values that no scene has
            together.
    """
    check_language(language)
    values = rules.check(attributes)
    unseen = rules.hidden(values)
    values = {name: value for name, value in values.items() if name not in unseen}
    return _write(values, language, Draw(None if seed is None else f"tfportrait scene compose {seed}"))


def corpus(count: int, seed: int = 0) -> Iterator[Caption]:
    """`count` captions of random scenes, English and Chinese in turn: what the tokenizer learns from."""
    for index in range(count):
        yield caption(sample(seed + index // 2), LANGUAGES[index % 2], seed)


def _select(values: Mapping[str, str], visible: frozenset[str], draw) -> set[str]:
    weights = {
        name: _PROMINENCE.get(name, 1.0) * (_SILENCE if values[name] == "none" else 1.0)
        for name in rules.ATTRIBUTES
        if name in visible
    }
    kind, number = draw(), draw()
    low, high = next((low, high) for limit, low, high in _COUNTS if kind < limit)
    count = low + int(number * (high - low + 1))
    if count >= len(weights):
        return {name for name in weights if values[name] != "none" or draw() < _SILENCE}
    names = set()
    while len(names) < count:
        names.add(weighted(weights, draw()))
        weights = {name: weight for name, weight in weights.items() if name not in names}
    if "position" in names:
        names.add("object")
    if "ground" in names:
        names.add("setting")
    return names


def _write(values: Mapping[str, str], language: str, draw: Draw) -> Caption:
    if language == "zh":
        return Caption(_chinese(values, draw), values)
    text = _english(values, draw)
    if parts(text) > CAPTION_PARTS:
        text = _english_tags(values, draw)
    if draw.chance(0.3):
        for british, american in lexicon.AMERICAN:
            text = text.replace(british, american)
    return Caption(text, values)


# ---- English ---------------------------------------------------------------------------------------------------------


def _english(values: Mapping[str, str], draw: Draw) -> str:
    if draw.chance(0.22):
        return _english_tags(values, draw)
    table = lexicon.ENGLISH
    adjectives, after = [], []
    if "time" in values:
        after.append(draw.pick(table["time"][values["time"]]["after"]))
    for name in ("weather", "season"):
        if name not in values:
            continue
        places = table[name][values[name]]
        if values.get("setting") == "interior":
            after.append(draw.pick(places["outside" if name == "weather" else "after"]))
        elif draw.chance(0.45):
            after.append(draw.pick(places["after"]))
        else:
            adjectives.append(draw.pick(places["adj"]))
    after = draw.shuffled(after) if draw.chance(0.4) else after
    after.sort(key=lambda phrase: " outside" in phrase)
    if values.get("object") == "none" and draw.chance(0.5):
        adjectives.insert(0, draw.pick(table["object"]["none"]["adj"]))
        thing = ""
    else:
        thing = _english_object(values, draw)
    noun = draw.pick(lexicon.ENGLISH_NOUNS[values.get("setting"), values.get("ground")])
    text = " ".join([with_article(" ".join([*adjectives, noun])), *after])
    second = []
    if thing and values.get("object") != "none" and draw.chance(0.2):
        second.append(f"There is {thing}")
    elif thing:
        comma = "," if " outside" in text else ""
        text += f"{comma} {thing}" if thing.startswith("with") else f"{comma} with {thing}"
    style = values.get("style")
    if style is not None and draw.chance(0.45):
        prefix = draw.pick(table["style"][style]["prefix"])
        text = f"{draw.pick((prefix, with_article(prefix)))} of {text}"
    elif style is not None:
        phrase = draw.pick(table["style"][style]["after"])
        if second:
            second.append(phrase)
        else:
            text = f"{text}, {phrase}"
    if second or draw.chance(0.12):
        return " ".join(sentence[0].upper() + sentence[1:] + "." for sentence in (text, *second))
    return text


def _english_object(values: Mapping[str, str], draw: Draw) -> str:
    """The object and where it is, such as "a boat on the left"; "" when neither is given."""
    if values.get("object") == "none":
        return draw.pick(lexicon.ENGLISH["object"]["none"]["after"])
    words = []
    if "object" in values:
        words.append(draw.pick(lexicon.ENGLISH["object"][values["object"]]["np"]))
    elif "position" in values:
        words.append("something")
    if "position" in values:
        words.append(draw.pick(lexicon.ENGLISH["position"][values["position"]]["after"]))
    return " ".join(words)


def _english_tags(values: Mapping[str, str], draw: Draw) -> str:
    tags = [
        draw.pick(lexicon.ENGLISH[name][values[name]]["tag"])
        for name in ("time", "weather", "season")
        if name in values
    ]
    if values.get("object") == "none":
        tags.append(draw.pick(lexicon.ENGLISH["object"]["none"]["tag"]))
    elif thing := _english_object(values, draw):
        tags.append(thing.removeprefix("a "))
    tags = draw.shuffled(tags)
    if "setting" in values or "ground" in values or not tags:
        tags.insert(0, draw.pick(lexicon.ENGLISH_NOUNS[values.get("setting"), values.get("ground")]))
    if "style" in values:
        tags.insert(draw.pick((len(tags), 0)), draw.pick(lexicon.ENGLISH["style"][values["style"]]["after"]))
    return ", ".join(tags)


# ---- Chinese ---------------------------------------------------------------------------------------------------------


def _chinese(values: Mapping[str, str], draw: Draw) -> str:
    if draw.chance(0.22):
        return _chinese_tags(values, draw)
    table = lexicon.CHINESE
    before, clauses, moment = [], [], ""
    for name in ("season", "time"):
        if name in values:
            if draw.chance(0.25):
                clauses.append(draw.pick(table[name][values[name]]["clause"]))
            else:
                moment += draw.pick(table[name][values[name]]["pre"])
    if moment:
        before.append(moment)
    if "weather" in values:
        places = table["weather"][values["weather"]]
        if values.get("setting") == "interior":
            clauses.append(draw.pick(places["outside"]))
        elif draw.chance(0.4):
            clauses.append(draw.pick(places["clause"]))
        else:
            before.append(draw.pick(places["pre"]))
    noun = draw.pick(lexicon.CHINESE_NOUNS[values.get("setting"), values.get("ground")])
    head = "、".join(before) + ("的" if before else "") + noun
    if thing := _chinese_object(values, draw):
        clauses.append(thing)
    style = values.get("style")
    if style is not None and draw.chance(0.45):
        prefix = draw.pick(table["style"][style]["prefix"])
        head = draw.pick(("{p}：{s}", "一幅{p}：{s}", "{p}，{s}")).format(p=prefix, s=head)
    elif style is not None:
        clauses.append(draw.pick(table["style"][style]["clause"]))
    text = "，".join([head, *clauses])
    return f"{text}。" if draw.chance(0.2) else text


def _chinese_object(values: Mapping[str, str], draw: Draw) -> str:
    if values.get("object") == "none":
        return draw.pick(lexicon.CHINESE["object"]["none"]["clause"])
    if "object" not in values and "position" not in values:
        return ""
    thing = draw.pick(lexicon.CHINESE["object"][values["object"]]["np"]) if "object" in values else "一样东西"
    if "position" not in values:
        return draw.pick(("有", "画中有")) + thing
    return draw.pick(lexicon.CHINESE["position"][values["position"]]["clause"]) + draw.pick(("有", "是")) + thing


def _chinese_tags(values: Mapping[str, str], draw: Draw) -> str:
    table = lexicon.CHINESE
    tags = [draw.pick(table[name][values[name]]["tag"]) for name in ("season", "time", "weather") if name in values]
    if values.get("object") == "none":
        tags.append(draw.pick(table["object"]["none"]["tag"]))
    elif thing := _chinese_object(values, draw):
        tags.append(thing)
    tags = draw.shuffled(tags)
    if "setting" in values or "ground" in values or not tags:
        tags.insert(0, draw.pick(lexicon.CHINESE_NOUNS[values.get("setting"), values.get("ground")]))
    if "style" in values:
        tags.insert(draw.pick((len(tags), 0)), draw.pick(table["style"][values["style"]]["clause"]))
    return draw.pick(("，", "，", "、", ", ")).join(tags)

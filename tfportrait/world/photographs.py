"""Captions of photographs, by the grammar of the portraits: its words, and those for what only photographs show.

A photograph's attributes are what data sets such as CelebA say of it. Where the portrait world has the same attribute
and value, the words are the world's own.
"""

from collections.abc import Mapping

from . import captions, lexicon
from .attributes import nearest
from .lexicon import entry

_ENGLISH = {
    "style": {
        "photo": entry(
            after="photograph|photo|portrait photograph", prefix="photo|photograph|portrait photo|close-up photo"
        )
    },
    "age": {"older": entry(tag="older")},
    "hair_style": {
        "wavy": entry(**{"with": "wavy {c} hair|{c} hair in waves", "adj": "wavy-haired"}),
        "straight": entry(**{"with": "straight {c} hair|{c} hair hanging straight"}),
    },
    "facial_hair": {"stubble": entry(**{"with": "stubble|a five o'clock shadow", "adj": "unshaven"})},
    "glasses": {"glasses": entry(**{"with": "glasses|spectacles", "wear": "glasses|spectacles|eyeglasses"})},
    "headwear": {"hat": entry(wear="a hat")},
    "earrings": {"earrings": entry(**{"with": "earrings", "wear": "earrings"})},
    "bangs": {"yes": entry(**{"with": "bangs|a fringe"})},
    "hairline": {"receding": entry(**{"with": "a receding hairline"})},
    "sideburns": {"yes": entry(**{"with": "sideburns"})},
    "bushy_eyebrows": {"yes": entry(**{"with": "bushy eyebrows|thick eyebrows"})},
    "arched_eyebrows": {"yes": entry(**{"with": "arched eyebrows"})},
    "narrow_eyes": {"yes": entry(**{"with": "narrow eyes"})},
    "bags_under_eyes": {"yes": entry(**{"with": "bags under the eyes"})},
    "big_nose": {"yes": entry(**{"with": "a big nose|a large nose"})},
    "pointy_nose": {"yes": entry(**{"with": "a pointy nose|a pointed nose"})},
    "big_lips": {"yes": entry(**{"with": "full lips|big lips"})},
    "open_mouth": {"yes": entry(**{"with": "a slightly open mouth|slightly parted lips"})},
    "rosy_cheeks": {"yes": entry(**{"with": "rosy cheeks", "adj": "rosy-cheeked"})},
    "high_cheekbones": {"yes": entry(**{"with": "high cheekbones"})},
    "chubby": {"yes": entry(**{"with": "a chubby face", "adj": "chubby"})},
    "double_chin": {"yes": entry(**{"with": "a double chin"})},
    "makeup": {"heavy": entry(wear="heavy make-up|a lot of make-up")},
    "lipstick": {"yes": entry(wear="lipstick")},
    "necklace": {"yes": entry(wear="a necklace")},
    "necktie": {"yes": entry(wear="a necktie|a tie")},
    "focus": {"blurry": entry(after="out of focus|slightly blurred", tag="blurry|out of focus")},
}
_HAVE, _KEEP, _WEAR = "有着|长着", "留着|有着", "戴|戴着"
_CHINESE = {
    "style": {"photo": entry(clause="照片|人像摄影|摄影照片", prefix="照片|人像照片|特写照片")},
    "age": {"older": entry(tag="年长")},
    "hair_style": {
        "wavy": entry(pre="{c}波浪发", np="{c}波浪发|一头{c}波浪发", verb=_KEEP),
        "straight": entry(pre="{c}直发", np="{c}直发|一头{c}直发", verb=_KEEP),
    },
    "facial_hair": {"stubble": entry(np="胡茬", verb="留着|带着")},
    "glasses": {"glasses": entry(np="眼镜", verb=_WEAR)},
    "headwear": {"hat": entry(np="帽子", verb=_WEAR)},
    "earrings": {"earrings": entry(np="耳环", verb=_WEAR)},
    "bangs": {"yes": entry(np="刘海", verb=_KEEP)},
    "hairline": {"receding": entry(vp="发际线后移|发际线较高", tag="发际线后移")},
    "sideburns": {"yes": entry(np="鬓角", verb="留着")},
    "bushy_eyebrows": {"yes": entry(np="浓眉|浓密的眉毛", verb=_HAVE)},
    "arched_eyebrows": {"yes": entry(np="弯眉|弯弯的眉毛", verb=_HAVE)},
    "narrow_eyes": {"yes": entry(np="细长眼睛|细长的眼睛|狭长的眼睛", verb=_HAVE)},
    "bags_under_eyes": {"yes": entry(np="眼袋", verb="有着|带着")},
    "big_nose": {"yes": entry(np="大鼻子", verb=_HAVE)},
    "pointy_nose": {"yes": entry(np="尖鼻子|尖尖的鼻子", verb=_HAVE)},
    "big_lips": {"yes": entry(np="厚嘴唇|丰满的嘴唇", verb=_HAVE)},
    "open_mouth": {"yes": entry(vp="嘴微微张开|双唇微启", tag="嘴微张")},
    "rosy_cheeks": {"yes": entry(vp="脸颊红润|面色红润", tag="脸颊红润")},
    "high_cheekbones": {"yes": entry(vp="颧骨高耸|颧骨较高", tag="高颧骨")},
    "chubby": {"yes": entry(vp="面庞圆润|脸庞丰满", tag="面庞圆润")},
    "double_chin": {"yes": entry(np="双下巴", verb=_HAVE)},
    "makeup": {"heavy": entry(vp="化着浓妆|妆容浓重", tag="浓妆")},
    "lipstick": {"yes": entry(vp="涂着口红|抹着口红", tag="口红")},
    "necklace": {"yes": entry(np="项链", verb=_WEAR)},
    "necktie": {"yes": entry(np="领带", verb="打着|系着")},
    "focus": {"blurry": entry(clause="画面模糊|照片略显模糊", tag="画面模糊")},
}
_ENGLISH_NOUNS = {
    ("older", None): ("older person",),
    ("older", "woman"): ("older woman", "mature woman"),
    ("older", "man"): ("older man", "mature man"),
}
_CHINESE_NOUNS = {
    ("older", None): ("位年长者", "名年长者"),
    ("older", "woman"): ("位年长女士", "位年长女性", "名年长女子"),
    ("older", "man"): ("位年长男士", "位年长男性", "名年长男子"),
}


def _with_the_worlds(table: Mapping, of_the_world: Mapping) -> dict:
    """Both tables' values. The world's colours are one entry for all values, and stay that."""
    names = [*of_the_world, *(name for name in table if name not in of_the_world)]
    return {name: {**of_the_world.get(name, {}), **table.get(name, {})} for name in names}


_NEW = [name for name in _ENGLISH if name not in lexicon.ENGLISH]
_WORDS = captions.Words(
    _with_the_worlds(_ENGLISH, lexicon.ENGLISH),
    _with_the_worlds(_CHINESE, lexicon.CHINESE),
    {**lexicon.ENGLISH_NOUNS, **_ENGLISH_NOUNS},
    {**lexicon.CHINESE_NOUNS, **_CHINESE_NOUNS},
    (*captions.ORDER[:-2], *_NEW[:-1], *captions.ORDER[-2:], _NEW[-1]),
)
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    name: tuple(lexicon.ENGLISH_COLOURS[name] if name in lexicon.ENGLISH_COLOURS else values)
    for name, values in _WORDS.english.items()
}
"""Attribute names and the values that a caption of a photograph can name."""


def compose(attributes: Mapping[str, str], language: str = "en", seed: int | None = None) -> captions.Caption:
    """A caption of a photograph.

    Args:
        attributes: mapping. Names and values of `ATTRIBUTES`, any of them.
        language: str. "en" or "zh".
        seed: int or None. None gives the canonical wording, a seed one of the paraphrases.

    Returns: Caption, `.named` being the names that were given.

    Raises: ValueError for an unknown language, attribute or value (the valid ones are listed, nearest first).
    """
    if language not in captions.LANGUAGES:
        raise ValueError(f"Unknown language {language!r}. Valid ones: {', '.join(captions.LANGUAGES)}.")
    for name, value in attributes.items():
        if name not in ATTRIBUTES:
            raise ValueError(f"Unknown attribute {name!r}. Valid ones: {', '.join(nearest(name, ATTRIBUTES))}.")
        if value not in ATTRIBUTES[name]:
            valid = ", ".join(nearest(value, ATTRIBUTES[name]))
            raise ValueError(f"Unknown value {value!r} for {name}. Valid ones: {valid}.")
    values = {name: attributes[name] for name in ATTRIBUTES if name in attributes}
    return captions.write(values, language, None if seed is None else f"tfportrait photograph {seed}", _WORDS)

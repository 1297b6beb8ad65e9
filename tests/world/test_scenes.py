"""Scenes: the same on every machine, every value to be seen, captions that name what they say they name."""

import hashlib
import io
import json
import pickle
import re
import subprocess
import sys
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
import resvg_py
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from tfportrait.world import Caption, scenes
from tfportrait.world.captions import CAPTION_PARTS
from tfportrait.world.scenes import captions, lexicon
from tfportrait.world.scenes.attributes import IMPOSSIBLE, UNUSUAL, check

ATTRIBUTES = scenes.ATTRIBUTES
NAMES = list(ATTRIBUTES)
STYLES = ATTRIBUTES["style"]
# Of the attributes of 502 seeds, and of seven drawings: changing them changes everybody's scenes.
GOLDEN = "0ff6c531bfa587a69bbdab0ee2f153282c538fa7c49cb3b5bf13a850a5e6cf9e"
GOLDEN_DRAWINGS = "7b473b1d1e95548675945eafb67ff8cd76a9312ec3af51bdcbbed81be36e2c1f"
PLAIN = dict(setting="mountains", time="day", weather="clear", season="summer", ground="water", object="boat")
PLAIN |= dict(position="left")
seeds = st.integers(0, 2**63 - 1)
items = st.sampled_from([(name, value) for name, values in ATTRIBUTES.items() for value in values])


def digest(*texts: str) -> str:
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def test_a_seed_gives_the_same_attributes_on_every_machine():
    drawn = [scenes.sample(seed).attributes for seed in (*range(500), 2**40, 2**63 - 1)]
    assert digest(json.dumps(drawn)) == GOLDEN


def test_a_seed_gives_the_same_drawing_on_every_machine():
    drawings = [scenes.sample(40 + k, style=style).svg() for k, style in enumerate(STYLES) if style != "pixel"]
    assert digest(*drawings) == GOLDEN_DRAWINGS


def test_a_seed_gives_the_same_picture_in_another_process():
    code = (
        "import hashlib, sys; from tfportrait.world import scenes; "
        "print(hashlib.sha256(b''.join(scenes.sample(s, style=t).render(64).tobytes() "
        "for s, t in enumerate(scenes.ATTRIBUTES['style']))).hexdigest(), scenes.sample(1).caption('zh') != '', "
        "sorted({'keras', 'tensorflow', 'matplotlib'} & set(sys.modules)))"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    pictures = b"".join(scenes.sample(seed, style=style).render(64).tobytes() for seed, style in enumerate(STYLES))
    assert other == f"{hashlib.sha256(pictures).hexdigest()} True []\n"


@given(seeds, st.lists(items, max_size=4))
def test_given_attributes_are_kept_and_never_contradict_the_rest(seed, pairs):
    given_ = dict(pairs)
    if any(known <= given_.items() for known in IMPOSSIBLE):
        with pytest.raises(ValueError, match="No scene has"):
            scenes.sample(seed, **given_)
        return
    scene = scenes.sample(seed, **given_)
    assert given_.items() <= scene.attributes.items() and list(scene.attributes) == NAMES
    assert not any(known <= scene.attributes.items() for known in IMPOSSIBLE)


def test_what_any_values_leave_possible_can_be_drawn():
    every = [(name, value) for name, values in ATTRIBUTES.items() if name != "style" for value in values]
    for pair in combinations(every, 2):
        given_ = dict(pair)
        if len(given_) == 2 and not any(known <= given_.items() for known in IMPOSSIBLE):
            assert given_.items() <= scenes.sample(3, **given_).attributes.items()


def test_no_frowned_upon_combination_comes_by_chance():
    for seed in range(3000):
        drawn = scenes.sample(seed).attributes.items()
        assert not any(known <= drawn for known in IMPOSSIBLE | UNUSUAL), dict(drawn)


def test_every_value_comes_often_enough_to_be_learnt():
    drawn = [scenes.sample(seed) for seed in range(3000)]
    for name, values in ATTRIBUTES.items():
        seen = [scene[name] for scene in drawn if name in scene.visible]
        for value in values:
            if (name, value) != ("object", "none"):
                assert seen.count(value) / len(seen) > 0.3 / len(values), (name, value)


def test_replace_keeps_seed_and_leaves_the_original():
    scene = scenes.sample(3, **PLAIN)
    other = scene.replace(time="night")
    assert (other.seed, other["time"], scene["time"]) == (3, "night", "day")
    assert {**other.attributes, "time": "day"} == scene.attributes
    assert scene != other and scene == scenes.sample(3, **scene.attributes) and len({scene, other}) == 2
    scene.attributes["time"] = "dusk"
    assert scene["time"] == "day" and "time=day" in repr(scene)


def test_what_hides_what():
    plain = scenes.sample(0, **PLAIN, style="soft")
    assert plain.visible == frozenset(NAMES)
    assert plain.replace(style="ink").visible == frozenset(NAMES) - {"season"}
    assert plain.replace(object="none").visible == frozenset(NAMES) - {"position"}
    assert plain.replace(setting="sea").visible == frozenset(NAMES) - {"ground"}
    assert plain.replace(setting="desert", object="tent").visible == frozenset(NAMES) - {"season"}
    assert plain.replace(setting="interior", object="cat").visible == frozenset(NAMES) - {"ground"}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), items)
def test_a_hidden_attribute_does_not_change_the_picture(seed, pair):
    scene = scenes.sample(seed)
    try:
        other = scene.replace(**dict([pair]))
    except ValueError:
        return
    if pair[0] in scene.visible | other.visible or scene.visible != other.visible:
        return
    np.testing.assert_array_equal(scene.render(64), other.render(64))


@pytest.mark.parametrize(
    "style, setting",
    [
        (style, setting)
        for row, style in enumerate(STYLES)
        for column, setting in enumerate(ATTRIBUTES["setting"])
        if (row + column) % 2 == 0 or style in ("soft", "pencil")
    ],
)
def test_every_visible_value_looks_different(style, setting):
    base = scenes.sample(11, style=style, setting=setting, time="day", weather="cloudy", object="cat", ground="open")
    for name in ("time", "weather", "season", "ground", "object", "position"):
        pictures = {}
        for value in ATTRIBUTES[name]:
            known = {**base.attributes, name: value}
            if name == "weather" and setting != "desert":
                known["season"] = "winter"
            if any(combination <= known.items() for combination in IMPOSSIBLE):
                continue
            scene = scenes.Scene(11, known)
            if name in scene.visible:
                pictures[value] = scene.render(64).astype(int)
        for (value, picture), (other, against) in combinations(pictures.items(), 2):
            changed = (np.abs(picture - against).max(-1) > 24).sum()
            assert changed >= 50, (name, value, other, changed)


def test_every_setting_looks_different_in_every_style():
    for style in STYLES:
        pictures = [
            scenes.sample(11, style=style, setting=setting, time="day", weather="clear", object="none").render(64)
            for setting in ATTRIBUTES["setting"]
        ]
        for picture, other in combinations(pictures, 2):
            assert (np.abs(picture.astype(int) - other).max(-1) > 24).mean() > 0.1


@pytest.mark.parametrize("style", STYLES)
def test_sizes(style):
    scene = scenes.sample(8, style=style)
    small, large = scene.render(32), scene.render(512)
    for picture, size in ((small, 32), (large, 512), (scene.render(np.int64(101)), 101)):
        assert picture.shape == (size, size, 3) and picture.dtype == np.uint8
    reduced = large.reshape(32, 16, 32, 16, 3).mean((1, 3))
    assert np.abs(reduced - small).mean() < 6  # the same picture, not a crop or another layout


def test_pixel_art_is_made_of_equal_cells():
    cells = scenes.sample(2, style="pixel").render(128).reshape(64, 2, 64, 2, 3)
    assert (cells == cells[:, :1, :, :1]).all()


@pytest.mark.parametrize("style", STYLES)
def test_svg_is_the_same_picture(style):
    scene = scenes.sample(21, style=style)
    document = scene.svg()
    assert ElementTree.fromstring(document).tag == "{http://www.w3.org/2000/svg}svg" and "href" not in document
    drawn = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=document, width=128, height=128))))
    assert np.abs(np.asarray(drawn.convert("RGB")).astype(int) - scene.render(128)).mean() < 1.5


@pytest.mark.parametrize("style", ["pencil", "ink"])
@pytest.mark.parametrize("time", ATTRIBUTES["time"])
def test_drawings_have_no_colour(style, time):
    picture = scenes.sample(4, style=style, time=time, object="house").render(128).astype(int)
    picture[104:, :28] = 0  # the red seal
    assert (picture.max(-1) - picture.min(-1)).max() < 40


@pytest.mark.parametrize("size", [31, 513, 128.0, "128", True, None])
def test_bad_sizes(size):
    with pytest.raises(ValueError, match="size is an integer from 32 to 512"):
        scenes.sample(1).render(size)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, "1", True, None])
def test_bad_seeds(seed):
    with pytest.raises(ValueError, match=r"seed is an integer from 0 to 2\*\*63 - 1"):
        scenes.sample(seed)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: scenes.sample(1, sesson="spring"), ["'sesson'", "Valid ones: season, "]),
        (lambda: scenes.sample(1, time="nite"), ["'nite' for time", "Valid ones: night, "]),
        (lambda: scenes.sample(1, style=3), ["Unknown value 3 for style"]),
        (lambda: scenes.sample(1, weather="snow", season="summer"), ["weather=snow", "season=summer", "drop one"]),
        (lambda: scenes.sample(1, setting="desert").replace(weather="snow"), ["setting=desert", "weather=snow"]),
        (lambda: scenes.sample(1, setting="city", ground="road", object="boat"), ["ground=road and object=boat"]),
        (lambda: scenes.Scene(1, {"style": "oil"}), ["missing: setting, "]),
        (lambda: scenes.compose({"object": "boats"}), ["'boats'", "Valid ones: boat, "]),
        (lambda: scenes.compose({"style": "oil"}, "fr"), ["'fr'", "en, zh"]),
        (lambda: scenes.sample(1).caption("de"), ["'de'", "en, zh"]),
        (lambda: scenes.compose({"setting": "interior", "object": "boat"}), ["setting=interior", "object=boat"]),
    ],
)
def test_bad_arguments_are_value_errors_that_list_what_is_valid(call, words):
    with pytest.raises(ValueError) as error:
        call()
    assert all(word in str(error.value) for word in words) and "\n" not in str(error.value)


# ---- captions --------------------------------------------------------------------------------------------------------

languages = st.sampled_from(captions.LANGUAGES)
TABLES = {
    "en": (lexicon.ENGLISH, lexicon.ENGLISH_NOUNS),
    "zh": (lexicon.CHINESE, lexicon.CHINESE_NOUNS),
}


def phrases(language: str, name: str, value: str) -> set[str]:
    table, nouns = TABLES[language]
    if name in ("setting", "ground"):
        place = ("setting", "ground").index(name)
        return {noun for key, words in nouns.items() if key[place] == value for noun in words}
    return {phrase for words in table[name][value].values() for phrase in words}


def read(text: str, language: str) -> dict[str, set[str]]:
    """The values that a text names: a phrase within another that the text has does not count."""
    for british, american in lexicon.AMERICAN:
        text = text.replace(american, british)
    found = []
    for name, values in ATTRIBUTES.items():
        for value in values:
            for phrase in phrases(language, name, value):
                phrase = re.sub("^an? ", "", phrase)
                pattern = rf"\b{re.escape(phrase)}\b" if language == "en" else re.escape(phrase)
                found += [(m.start(), m.end(), name, value) for m in re.finditer(pattern, text, re.IGNORECASE)]
    longest = [
        (name, value)
        for start, end, name, value in found
        if not any(a <= start and end <= b and b - a > end - start for a, b, *_ in found)
    ]
    return {name: {value for known, value in longest if known == name} for name, _ in longest}


@st.composite
def some_attributes(draw) -> dict[str, str]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    try:
        return check({name: draw(st.sampled_from(ATTRIBUTES[name])) for name in names})
    except ValueError:
        assume(False)


@pytest.mark.parametrize("language", captions.LANGUAGES)
def test_a_caption_says_exactly_what_it_names(language):
    for seed in range(500):
        scene = scenes.sample(seed)
        caption = scene.caption(language, seed % 3)
        assert read(caption, language) == {name: {scene[name]} for name in caption.named}, caption
        assert scene.visible.issuperset(caption.named) and caption.named
        assert language == "zh" or captions.parts(caption) <= CAPTION_PARTS


@settings(max_examples=150, deadline=None)
@given(some_attributes(), languages, st.none() | st.integers(0, 10**6))
def test_a_composed_text_says_what_was_asked_for_and_can_be_seen(attributes, language, seed):
    text = scenes.compose(attributes, language, seed)
    assert read(text, language) == {name: {attributes[name]} for name in text.named}, text
    assert set(attributes) - set(text.named) <= {"season", "ground", "position"}
    assert text == scenes.compose(dict(reversed(attributes.items())), language, seed)


@pytest.mark.parametrize("language", captions.LANGUAGES)
def test_every_value_can_be_said_in_several_ways(language):
    for name, values in ATTRIBUTES.items():
        for value in values:
            texts = {scenes.compose({name: value}, language, seed) for seed in [None, *range(30)]}
            assert len(texts) > 2 and all(text.named == (name,) for text in texts), (name, value)


def test_the_canonical_wordings():
    attributes = dict(setting="mountains", ground="water", time="dusk", weather="snow", object="boat", position="left")
    attributes |= dict(style="oil")
    assert scenes.compose(attributes) == "a snowy mountain lake at dusk with a boat on the left, oil painting"
    assert scenes.compose(attributes, "zh") == "黄昏时分、下雪的山间湖泊，左侧有一只小船，油画风格"
    assert scenes.compose({}) == "a scene" and scenes.compose({}, "zh") == "场景" and scenes.compose({}).named == ()
    assert scenes.compose({"setting": "sea", "ground": "road"}).named == ("setting",)


def test_captions_name_few_some_and_all_the_same_in_both_languages():
    counts = []
    for seed in range(300):
        scene = scenes.sample(seed)
        caption = scene.caption("en", 4)
        assert caption.named == scene.caption("zh", 4).named
        worth_naming = {name for name in scene.visible if scene[name] != "none"}
        counts.append((len(caption.named), worth_naming <= set(caption.named)))
    assert 4 < sum(count for count, _ in counts) / len(counts) < 6
    assert sum(count <= 2 for count, _ in counts) > 25 and sum(everything for _, everything in counts) > 50


def test_a_caption_is_a_str_that_keeps_its_names_and_is_settled_by_its_seeds():
    scene = scenes.sample(8)
    caption = scene.caption("en")
    again = pickle.loads(pickle.dumps(caption))
    assert isinstance(caption, Caption) and again == caption and again.named == caption.named
    assert scene.caption("en", 5) == scene.caption("en", 5)
    assert len({scene.caption("en", seed) for seed in range(100)}) > 80


def test_corpus():
    texts = list(scenes.corpus(10, seed=3))
    assert len(texts) == 10 and texts == list(scenes.corpus(10, seed=3)) != list(scenes.corpus(10, seed=4))
    assert [bool(re.search("[\u4e00-\u9fff]", text)) for text in texts] == [False, True] * 5

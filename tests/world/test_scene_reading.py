"""Free text about scenes: what is understood, what is reported, and which world a text is about."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfportrait.world import choice, scenes


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        (
            "a snowy mountain lake at dusk, oil",
            {"style": "oil", "setting": "mountains", "time": "dusk", "weather": "snow", "ground": "water"},
        ),
        ("雪山湖泊，黄昏，油画", {"style": "oil", "setting": "mountains", "time": "dusk", "ground": "water"}),
        ("Two boats in the mist", {"weather": "fog", "object": "boat"}),
        (
            "a forest path without any people in autumn fog",
            {"setting": "forest", "weather": "fog", "season": "autumn", "ground": "road", "object": "none"},
        ),
        ("没有船的海边", {"setting": "sea", "object": "none"}),
        ("黄昏的森林, pixel art", {"style": "pixel", "setting": "forest", "time": "dusk"}),
        ("setting=sea, time: night", {"setting": "sea", "time": "night"}),
        ("a moonlit street in a gray city center", {"setting": "city", "time": "night", "ground": "road"}),
    ],
)
def test_free_text(text, attributes):
    reading = scenes.read_prompt(text)
    assert {**reading.attributes, "position": None} == {**attributes, "position": None}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_caption_is_read_as_it_was_meant(language):
    for seed in range(400):
        scene = scenes.sample(seed)
        caption = scene.caption(language, seed)
        reading = scenes.read_prompt(str(caption))
        assert reading.attributes == {name: scene[name] for name in caption.named}, caption
        assert not reading.unknown and not reading.conflicts and reading.language == language


def test_what_is_unknown_contradicts_or_cannot_be_is_said():
    reading = scenes.read_prompt("a robot at night by day in the desert, falling snow")
    assert reading.unknown == [("robot", [])]
    assert reading.conflicts == [("by day", "time", "day"), ("falling snow", "weather", "snow")]
    assert scenes.read_prompt("夜晚的机器人").unknown == [("机器", [])]
    with pytest.raises(ValueError, match="not int"):
        scenes.read_prompt(3)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read(text):
    reading = scenes.read_prompt(text)
    assert scenes.attributes.check(reading.attributes) == reading.attributes


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a smiling woman", "portrait_world"),
        ("a woman in a forest", "portrait_world"),
        ("a forest path in autumn", "scene_world"),
        ("雪中的海边，有一只猫", "scene_world"),
        ("oil painting", "portrait_world"),
        ("", "portrait_world"),
    ],
)
def test_the_world_that_understands_more_is_chosen(text, name):
    assert choice.read_any(text)[0] == name


def test_attributes_choose_the_world_too():
    assert choice.read_any("oil painting", ["weather"])[0] == "scene_world"
    assert choice.check_any({"time": "night", "setting": "sea"}) == {"setting": "sea", "time": "night"}
    assert choice.check_any({"glasses": "round"}) == {"glasses": "round"}
    with pytest.raises(ValueError, match="seting.*Valid ones: setting"):
        choice.check_any({"seting": "sea", "time": "night"})
    with pytest.raises(ValueError, match="no world has glasses and weather together"):
        choice.read_any("a man", ["glasses", "weather"])


def test_the_world_that_has_some_attributes():
    assert choice.world_of(["pose", "style"]) == choice.world_of(["style"]) == "portrait_world"
    assert choice.world_of(["weather", "style"]) == "scene_world"
    with pytest.raises(ValueError, match="weather, pose"):
        choice.world_of(["weather", "pose"])

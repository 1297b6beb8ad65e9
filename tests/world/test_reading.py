"""Free text as people type it: what is understood, what is reported as unknown, and what is suggested instead."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfportrait.world import read_prompt, reading, synonyms
from tfportrait.world.attributes import ATTRIBUTES


@pytest.mark.parametrize(
    "text, attributes",
    [
        ("red hair and a blue hoodie", {"hair_color": "red", "clothing": "hoodie", "clothing_color": "blue"}),
        ("long red hair", {"hair_style": "long", "hair_color": "red"}),
        ("long, curly, dark red hair", {"hair_style": "curly", "hair_color": "red"}),
        (
            "her hair is blonde and her eyes are green",
            {"gender": "woman", "hair_color": "blonde", "eye_color": "green"},
        ),
        ("woman in red, blue eyes", {"gender": "woman", "eye_color": "blue", "clothing_color": "red"}),
        (
            "an old man with a white beard",
            {"age": "elderly", "gender": "man", "hair_color": "grey", "facial_hair": "beard"},
        ),
        ("a young smiling woman", {"age": "young", "gender": "woman", "expression": "smiling"}),
        ("square glasses, square jaw", {"face_shape": "square", "glasses": "square"}),
        ("Ｗoman with ROUND-rimmed Glasses", {"gender": "woman", "glasses": "round"}),
        (
            "style=watercolour, headwear: wide_brim_hat, t_shirt",
            {"style": "watercolour", "headwear": "wide_brim_hat", "clothing": "t_shirt"},
        ),
        ("a woman, 30 years old", {"age": "young", "gender": "woman"}),
        ("一个70岁的男人", {"age": "elderly", "gender": "man"}),
        ("light from left, facing right", {"pose": "right", "lighting": "left"}),
        (
            "红色长发，穿蓝色卫衣",
            {"hair_style": "long", "hair_color": "red", "clothing": "hoodie", "clothing_color": "blue"},
        ),
        ("她的眼睛是蓝色的，头发是金色的", {"gender": "woman", "hair_color": "blonde", "eye_color": "blue"}),
        ("戴墨鏡的紅髮男人，水墨畫", {"style": "ink", "gender": "man", "hair_color": "red", "glasses": "sunglasses"}),
        (
            "穿红裙的黑发少女在樱花树下",
            {
                "age": "young",
                "gender": "woman",
                "hair_color": "black",
                "clothing": "dress",
                "clothing_color": "red",
                "background": "blossoms",
            },
        ),
        (
            "穿 blue hoodie 的女孩, pixel art",
            {"style": "pixel", "age": "child", "gender": "woman", "clothing": "hoodie", "clothing_color": "blue"},
        ),
    ],
)
def test_colours_and_shapes_belong_to_their_nouns(text, attributes):
    result = read_prompt(text)
    assert result.attributes == attributes and result.unknown == [] and result.conflicts == []
    assert [*result.attributes] == [name for name in ATTRIBUTES if name in attributes]


@pytest.mark.parametrize(
    "text, attributes",
    [
        ("without glasses", {"glasses": "none"}),
        ("no beard", {"facial_hair": "none"}),
        (
            "she isn't smiling and doesn't wear earrings",
            {"gender": "woman", "expression": "neutral", "earrings": "none"},
        ),
        ("without glasses or a hat", {"glasses": "none", "headwear": "none"}),
        ("without a hat and earrings", {"headwear": "none", "earrings": "none"}),
        ("no glasses and a beret", {"glasses": "none", "headwear": "beret"}),
        ("without sunglasses, red hat-free hair", {"glasses": "none"}),
        ("a man with no hair", {"gender": "man", "hair_style": "bald"}),
        ("不戴眼镜", {"glasses": "none"}),
        ("不戴眼镜、戴帽子的男士", {"gender": "man", "glasses": "none", "headwear": "wide_brim_hat"}),
        ("没有胡子，也没有耳环", {"facial_hair": "none", "earrings": "none"}),
        ("无眼镜或帽子", {"glasses": "none", "headwear": "none"}),
    ],
)
def test_denials(text, attributes):
    result = read_prompt(text)
    assert {name: result.attributes.get(name) for name in attributes} == attributes


@pytest.mark.parametrize(
    "text, word, nearest",
    [
        ("cyberpunk girl", "cyberpunk", "starry night sky"),
        ("赛博朋克风格的女孩", "赛博朋克", "星空背景"),
        ("a portrait by Van Gogh", "van gogh", "oil painting"),
        ("watercolur portrait", "watercolur", "watercolour"),
        ("a woman with round glases", "glases", "glasses"),
        ("purple hair", "purple hair", "pink hair"),
        ("紫色头发", "紫色头发", "粉色头发"),
        ("a woman with a red hat", "red", "red hair"),
        ("photorealistic, 8k", "photorealistic", "oil painting"),
    ],
)
def test_unknown_words_come_with_the_nearest_known_phrases(text, word, nearest):
    unknown = dict(read_prompt(text).unknown)
    assert nearest in unknown[word] and len(unknown[word]) <= 3
    for phrase in unknown[word]:
        again = read_prompt(phrase)
        assert again.attributes and again.unknown == []


def test_words_of_chinese_that_nothing_is_known_of_stay_whole():
    assert read_prompt("海盗船长").unknown == [("海盗船长", [])]


def test_of_two_values_the_first_stays_and_the_other_is_reported():
    result = read_prompt("a laughing boy and a sad girl")
    assert (result.attributes["gender"], result.attributes["expression"]) == ("man", "laughing")
    assert ("sad", "expression", "sad") in result.conflicts and ("girl", "gender", "woman") in result.conflicts


def test_understood_says_which_phrase_meant_what():
    result = read_prompt("a smiling woman with long red hair, watercolour")
    assert ("long red hair", "hair_color", "red") in result.understood
    assert ("watercolour", "style", "watercolour") in result.understood
    assert {name: value for _, name, value in result.understood} == result.attributes


def test_weak_and_technical_words_do_no_harm():
    result = read_prompt("(best quality:1.2), 1girl, long hair, looking at viewer, smile, <lora:x:0.8>")
    assert result.attributes["gender"] == "woman" and result.attributes["pose"] == "front"
    assert dict(result.unknown)["best quality"] == []


@pytest.mark.parametrize("text", ["", "   ", "!!! 123 😀", "的一个", "\u200b"])
def test_texts_that_say_nothing(text):
    assert read_prompt(text).attributes == {}
    assert reading.explain(read_prompt(text)).startswith("Understood: nothing")


def test_explain():
    lines = reading.explain(read_prompt("an old woman, young, long red hair, cyberpunk, pirate")).split("\n")
    assert (
        lines[0] == "Understood: old woman (age=elderly, gender=woman); long red hair (hair_style=long, hair_color=red)"
    )
    assert lines[1].startswith("Left out: young (age=young)")
    assert lines[2] == "Not known: cyberpunk (nearest: city background, starry night sky, sunglasses)"
    assert lines[3] == "Not known: pirate"


@pytest.mark.parametrize("text", [None, 3, b"woman"])
def test_only_texts_are_read(text):
    with pytest.raises(ValueError, match="str"):
        read_prompt(text)


words = st.sampled_from(
    [*synonyms.STOP_WORDS, *synonyms.HINTS, *synonyms.NEGATIONS, *synonyms.NEAR_COLOURS, *"，。、,.;-:'的 "]
)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.lists(words, max_size=12).map("".join) | st.lists(words, max_size=12).map(" ".join))
def test_any_text_can_be_read(text):
    result = read_prompt(text)
    assert result == read_prompt(text)
    assert all(value in ATTRIBUTES[name] for name, value in result.attributes.items())
    assert all(len(nearest) <= 3 for _, nearest in result.unknown)
    assert reading.explain(result)


def test_every_synonym_means_what_it_is_listed_for():
    for name, values in synonyms.ALSO_READ.items():
        for value, phrases in values.items():
            assert value in ATTRIBUTES[name]
            for phrase in phrases:
                result = read_prompt(phrase)
                assert result.attributes == {name: value} and result.unknown == [], phrase
    for phrase, facts in synonyms.SEVERAL:
        assert read_prompt(phrase).attributes == dict(facts), phrase


def test_every_hint_is_for_something_unknown_and_names_something_known():
    for word, nearest in synonyms.HINTS.items():
        assert [unknown for unknown, _ in read_prompt(word).unknown] == [word], word
        for phrase in nearest:
            result = read_prompt(phrase)
            assert result.attributes and result.unknown == [], (word, phrase)


def test_long_texts_take_no_long_time():
    text = "qwrt" + " ".join(f"zxcv{number:x}" for number in range(5000)) + "未" * 5000
    assert len(read_prompt(text).unknown) > 5000

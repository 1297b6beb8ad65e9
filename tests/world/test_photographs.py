"""The grammar has words for all that is said of photographs, in both languages, and takes nothing from the world's."""

import pytest

from tfportrait.world import captions, lexicon, photographs
from tfportrait.world.attributes import ATTRIBUTES


@pytest.mark.parametrize("language", captions.LANGUAGES)
def test_every_value_has_words_of_its_own(language):
    for name, values in photographs.ATTRIBUTES.items():
        if name in ("age", "gender"):
            continue  # said by the noun
        texts = {value: {photographs.compose({name: value}, language, seed) for seed in range(40)} for value in values}
        bare = {photographs.compose({}, language, seed) for seed in range(40)}
        for value, said in texts.items():
            assert len(said - bare) > 5, (name, value)
            others = set().union(*(texts[other] for other in values if other != value), set())
            assert not (said - bare) & others, (name, value)


def test_a_caption_names_what_was_given_in_one_order():
    said = {"necktie": "yes", "gender": "man", "age": "older", "hair_style": "bald", "style": "photo"}
    caption = photographs.compose(said)
    assert caption == "a bald older man wearing a necktie, photograph"
    assert set(caption.named) == set(said)
    assert photographs.compose(said, "zh") == "一位年长男士，剃着光头，打着领带，照片"
    backwards = dict(reversed(list(said.items())))
    assert all(photographs.compose(said, "zh", seed) == photographs.compose(backwards, "zh", seed) for seed in range(9))


def test_long_captions_still_fit_the_context():
    said = {name: values[-1] for name, values in photographs.ATTRIBUTES.items()}
    few = dict(list(said.items())[:12])
    assert all(captions.parts(photographs.compose(few, "en", seed)) <= captions.CAPTION_PARTS for seed in range(50))


def test_the_world_keeps_its_own_words():
    assert set(lexicon.ENGLISH) == set(ATTRIBUTES) == set(lexicon.CHINESE)
    assert "wavy" not in lexicon.ENGLISH["hair_style"] and "photo" not in lexicon.ENGLISH["style"]
    assert ATTRIBUTES["hair_style"] != photographs.ATTRIBUTES["hair_style"]


@pytest.mark.parametrize(
    ("said", "language", "message"),
    [
        ({"bang": "yes"}, "en", "Unknown attribute 'bang'. Valid ones: bangs"),
        ({"hair_style": "wave"}, "en", "Unknown value 'wave' for hair_style. Valid ones: wavy"),
        ({}, "fr", "Unknown language 'fr'. Valid ones: en, zh"),
    ],
)
def test_bad_arguments(said, language, message):
    with pytest.raises(ValueError, match=message):
        photographs.compose(said, language)

import keras
import pytest
from models.painters import tiny_painter

from tfportrait import tasks, world
from tfportrait.models import prompts
from tfportrait.recipe import parameters_text


@pytest.mark.parametrize(
    ("prompt", "tags", "attributes"),
    [
        ("a smiling woman", {"glasses": "round"}, {"expression": "smiling", "gender": "woman", "glasses": "round"}),
        (
            "一位红色长发女士",
            {"style": "ink"},
            {"hair_style": "long", "hair_color": "red", "gender": "woman", "style": "ink"},
        ),
        (None, {"style": "oil", "age": "child"}, {"style": "oil", "age": "child"}),
        ("a zorblax man", {"glasses": "round"}, {"gender": "man", "glasses": "round"}),
        ("an angry man", {"expression": "angry"}, {"expression": "angry", "gender": "man"}),
        ("an (angry:1.3) man", {"glasses": "round"}, {"expression": "angry", "gender": "man", "glasses": "round"}),
    ],
)
def test_words_and_tags_become_one_prompt(prompt, tags, attributes):
    text = tasks.compose_prompt(prompt, tags)
    assert world.read_prompt(prompts.plain(text)).attributes == attributes
    if prompt and "(" in prompt:
        assert prompt in text
    if prompt and "zorblax" in prompt:
        assert prompt in text
    if prompt and prompt.startswith("一"):
        assert world.read_prompt(text).language == "zh"


@pytest.mark.parametrize(("prompt", "tags"), [("", {}), (None, {}), ("   ", {})])
def test_nothing_to_paint_is_an_error(prompt, tags):
    with pytest.raises(ValueError, match="prompt is empty"):
        tasks.compose_prompt(prompt, tags)


def test_painting_says_what_it_paints_and_records_what_was_asked(tmp_path):
    keras.utils.set_random_seed(0)
    tiny_painter().save_to_preset(tmp_path)
    said = []
    images, recipes = tasks.paint(
        *(tmp_path, "(红发:1.3)女孩", "a blue dog"),
        seeds=[3, 4],
        num_steps=1,
        guidance_scale=2.0,
        sampler="ddim",
        precision="float32",
        progress=False,
        clip_skip=1,
        say=said.append,
    )
    assert images.shape == (2, 16, 16, 3)
    assert said == ["In English, the prompt is: (red hair:1.3), a girl"]
    assert [(r["prompt"], r["seed"], r["clip_skip"]) for r in recipes] == [
        ("(红发:1.3)女孩", seed, 1) for seed in (3, 4)
    ]
    assert "Clip skip: 1" in parameters_text(recipes[0])


def test_contradictions_are_named():
    with pytest.raises(ValueError, match="glasses=square contradicts .* glasses=round"):
        tasks.compose_prompt("a man with round glasses", {"glasses": "square"})

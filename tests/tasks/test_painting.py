import pytest
from models.painters import tiny_painter

from tfportrait import tasks, world
from tfportrait.cli import main
from tfportrait.models import prompts
from tfportrait.recipe import parameters_text, read_recipe


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


def test_painting_says_what_it_paints_and_records_what_was_asked(tmp_path, capsys):
    tiny_painter().save_to_preset(tmp_path / "preset")
    picture, prompt = tmp_path / "girl.png", "(红发:1.3)女孩"
    options = {"preset": tmp_path / "preset", "steps": 1, "guidance": 1, "clip-skip": 1, "out": picture}
    arguments = [f"--{name}={value}" for name, value in options.items()]
    assert main(["paint", prompt, "--negative=眼镜", *arguments]) == 0
    said = capsys.readouterr().out
    assert "In English, the prompt is: (red hair:1.3), a girl\n" in said
    assert "In English, the negative prompt is: round glasses\n" in said
    recipe = read_recipe(picture)
    assert (recipe["prompt"], recipe["negative_prompt"], recipe["clip_skip"]) == (prompt, "眼镜", 1)
    assert "Clip skip: 1" in parameters_text(recipe)
    assert "Understood" not in said  # that is for painters who know nothing but portraits
    assert main(["paint", prompt, *arguments, "--clip-skip=2"]) == 2
    assert "clip_skip is 2, but must be an integer from 1" in capsys.readouterr().err


def test_contradictions_are_named():
    with pytest.raises(ValueError, match="glasses=square contradicts .* glasses=round"):
        tasks.compose_prompt("a man with round glasses", {"glasses": "square"})

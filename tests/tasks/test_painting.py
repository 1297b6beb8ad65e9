import pytest

from tfportrait import tasks, world


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
    ],
)
def test_words_and_tags_become_one_prompt(prompt, tags, attributes):
    text = tasks.compose_prompt(prompt, tags)
    assert world.read_prompt(text).attributes == attributes
    if prompt and "zorblax" in prompt:
        assert prompt in text
    if prompt and prompt.startswith("一"):
        assert world.read_prompt(text).language == "zh"


@pytest.mark.parametrize(("prompt", "tags"), [("", {}), (None, {}), ("   ", {})])
def test_nothing_to_paint_is_an_error(prompt, tags):
    with pytest.raises(ValueError, match="prompt is empty"):
        tasks.compose_prompt(prompt, tags)


def test_contradictions_are_named():
    with pytest.raises(ValueError, match="glasses=square contradicts .* glasses=round"):
        tasks.compose_prompt("a man with round glasses", {"glasses": "square"})

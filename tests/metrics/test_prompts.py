import numpy as np
import pytest

from tfportrait import metrics, world


class Reader:
    """An oracle that reads what it is told."""

    attributes = {"glasses": ["none", "round"], "style": ["flat", "oil", "ink"]}

    def __init__(self, *answers):
        self.answers = list(answers)

    def read(self, images):
        return {name: np.array(values[: len(images)]) for name, values in self.answers.pop(0).items()}


NAMED = [{"glasses": "round"}, {"glasses": "none", "style": "oil"}, {"style": "oil"}, {"glasses": "round"}]


def test_counts_what_the_prompts_name_and_nothing_else():
    painted = {"glasses": [1, 1, 0, 0], "style": [0, 1, 2, 0]}
    real = {"glasses": [1, 0, 0, 1], "style": [0, 1, 1, 0]}
    result = metrics.prompt_accuracy(Reader(painted, real), np.zeros((4, 1)), NAMED, real_images=np.zeros((4, 1)))
    assert result.accuracy == pytest.approx(2 / 5)
    assert result.by_attribute == {"glasses": pytest.approx(1 / 3), "style": 0.5}
    assert result.counts == {"glasses": 3, "style": 2}
    assert result.guessing == pytest.approx(4 / 5)
    assert result.real == 1.0
    assert "guessing 0.800" in str(result) and "real renders 1.000" in str(result)


@pytest.mark.parametrize(
    ("named", "message"),
    [(NAMED[:3], "4 images for 3"), ([{"hat": "cap"}] * 4, "does not read hat"), ([{}] * 4, "no prompt names")],
)
def test_bad_input_is_refused(named, message):
    with pytest.raises(ValueError, match=message):
        metrics.prompt_accuracy(Reader(), np.zeros((4, 1)), named)


def test_held_out_prompts_are_bilingual_exact_and_in_no_split():
    from tfportrait.data.worlds import FIRST_SEED

    prompts, named, portraits = metrics.held_out_prompts(40)
    assert all(world.read_prompt(text).attributes == facts for text, facts in zip(prompts, named, strict=True))
    assert [world.read_prompt(text).language for text in prompts[:2]] == ["en", "zh"]
    for first in FIRST_SEED.values():
        assert all(not first <= portrait.seed < first + 2**38 for portrait in portraits)

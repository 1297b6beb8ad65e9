import pytest

from tfportrait import world
from tfportrait.tasks import motion_ends
from tfportrait.tasks.moving import MOTIONS


@pytest.mark.parametrize(
    ("prompt", "motion", "attribute", "values"),
    [
        ("a woman with red hair", "smile", "expression", ("neutral", "smiling")),
        ("a woman with red hair.", "turn-left", "pose", ("front", "left")),
        ("红色长发的女子", "turn-right", "pose", ("front", "right")),
        ("一位男士，水彩画", "smile", "expression", ("neutral", "smiling")),
        ("a snowy mountain lake", "nightfall", "time", ("day", "night")),
        ("a mountain", "nightfall", "time", ("day", "night")),
        ("雪山和湖泊", "nightfall", "time", ("day", "night")),
    ],
)
def test_the_ends_say_what_moves_and_all_that_was_said(prompt, motion, attribute, values):
    *ends, kind = motion_ends([prompt], motion)
    assert kind == MOTIONS[motion][0]
    for text, value in zip(ends, values, strict=True):
        read = world.WORLDS["scene_world" if motion == "nightfall" else "portrait_world"].read_prompt
        assert read(text).attributes == {**read(prompt).attributes, attribute: value}


def test_a_blink_begins_and_ends_alike_and_two_prompts_are_taken_as_they_are():
    assert motion_ends(["an angry man"], "blink") == ("an angry man", "an angry man", "blink")
    assert motion_ends(["a sad man", "a laughing man"], "smile") == ("a sad man", "a laughing man", "smile")


@pytest.mark.parametrize(
    ("prompts", "motion", "message"),
    [
        (["a man"], "wink", "known are smile"),
        (["a laughing man"], "smile", "'laughing'"),
        (["a snowy mountain lake"], "smile", "motion of portraits"),
        (["a man with a beard"], "nightfall", "motion of landscapes"),
        (["a", "b", "c"], "blink", "not 3"),
    ],
)
def test_what_cannot_move_so_is_said(prompts, motion, message):
    with pytest.raises(ValueError, match=message):
        motion_ends(prompts, motion)

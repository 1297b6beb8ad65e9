"""Chinese prompts in English: what is said, what is kept, and what is reported."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfportrait.models import prompts
from tfportrait.world import captions, read_prompt, to_english


@pytest.mark.parametrize(
    ("prompt", "english"),
    [
        ("一位面带微笑、戴圆框眼镜的红色长发女士", "a smiling woman with long red hair and round glasses"),
        ("她的眼睛是蓝色的，头发是金色的", "a woman with blonde hair and blue eyes"),
        ("红色长发", "long red hair"),
        # Words around it stay, and so do weights and breaks.
        ("(红色长发:1.3), masterpiece", "(long red hair:1.3), masterpiece"),
        ("(红色长发:1.3)的女人", "(long red hair:1.3), a woman"),
        ("戴(圆框眼镜:1.2)的女孩", "(round glasses:1.2), a girl"),
        ("[帽子] ((微笑)) 老爷爷", "[wide-brimmed hat] ((smile)), an elderly man"),
        ("女孩(微笑)", "a girl, (smile)"),
        ("红发女孩 BREAK 背景是海边", "a girl with red hair BREAK sea background"),
        ("女孩BREAK男孩", "a girl BREAK a boy"),
        ("best quality, 红发女孩, by Greg Rutkowski, 8k", "best quality, a girl with red hair, by Greg Rutkowski, 8k"),
        ("一位女人 in the style of Van Gogh", "a woman, in the style of Van Gogh"),
        ("穿 blue hoodie 的女孩", "a girl wearing a blue hoodie"),
        ("长胡子的女人", "a woman with a beard"),  # no portrait has both, but a painter may
        # Not Chinese, or nothing in it.
        ("a woman", "a woman"),
        ("赤い髪の女", "赤い髪の女"),
        ("девушка", "девушка"),
        ("", ""),
    ],
)
def test_chinese_is_said_in_english(prompt, english):
    assert to_english(prompt) == (english, [])


@pytest.mark.parametrize(
    ("prompt", "english", "left_out"),
    [
        ("赛博朋克风格的女孩", "a girl", ["赛博朋克"]),
        ("海盗船长", "海盗船长", ["海盗船长"]),
        ("一个男人，一个女人", "a man", ["女人"]),
        ("(猫:1.2), 女人", "(:1.2), a woman", ["猫"]),
        ("不戴 glasses 的 cyberpunk 女孩", "glasses, cyberpunk, a girl", ["不戴"]),
    ],
)
def test_what_the_grammar_does_not_know_is_reported(prompt, english, left_out):
    assert to_english(prompt) == (english, left_out)


def test_every_chinese_caption_keeps_its_attributes():
    for caption in captions.corpus(200):
        said, left_out = to_english(caption)
        assert said.isascii() and not left_out
        wanted, found = read_prompt(caption).attributes, read_prompt(said).attributes
        # "She", "He" in a second sentence, and children that are girls: the English may say more, never less.
        assert wanted.items() <= found.items(), (caption, said)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from([*"红发女人戴眼镜，、的不()[]:.\\ ", "BREAK", "1.3", "cat", "い"]) | st.text(max_size=3)
    ).map("".join)
)
def test_any_prompt_keeps_its_brackets(prompt):
    said = to_english(prompt).text
    marks = re.compile(r"[()\[\]\\]")
    assert marks.findall(said) == marks.findall(prompt)
    assert len(prompts.parse(said)) >= len(prompts.parse(prompt))

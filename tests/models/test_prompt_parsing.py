"""Prompts with weights and breaks: what is read, and how it is cut into chunks."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfportrait.models import prompts
from tfportrait.models.tokenizer import Tokenizer

WORDS = ["red", "cat", "blue", "dog", "a", "with", "hat"]
TOKENIZER = Tokenizer.train([" , ".join(WORDS)] * 3, 600, max_length=32)
anything = st.text(st.sampled_from("ab ,:.()[]\\123-") | st.characters(), max_size=40)
with_breaks = st.lists(anything | st.just("BREAK") | st.just(" BREAK "), max_size=6).map("".join)


@pytest.mark.parametrize(
    ("prompt", "sections"),
    [
        ("a cat", [[("a cat", 1.0)]]),
        ("", [[]]),
        ("a (cat:1.3), dog", [[("a ", 1.0), ("cat", 1.3), (", dog", 1.0)]]),
        ("(cat)", [[("cat", 1.1)]]),
        ("((cat))", [[("cat", 1.21)]]),
        ("[cat]", [[("cat", 1 / 1.1)]]),
        ("((red:1.5) cat:2)", [[("red", 3.0), (" cat", 2.0)]]),
        ("( cat : 1.3 )", [[(" cat ", 1.3)]]),
        ("(a:b:.5)", [[("a:b", 0.5)]]),
        ("(cat:0)", [[("cat", 0.0)]]),
        (r"\(cat\) \[dog\] \\", [[(r"(cat) [dog] " + "\\", 1.0)]]),
        (r"(a \(b\):1.2)", [[("a (b)", 1.2)]]),
        # Never closed: up to the end. Never opened: text. A weight in square brackets: text.
        ("red ((cat", [[("red ", 1.0), ("cat", 1.21)]]),
        ("cat) dog]", [[("cat) dog]", 1.0)]]),
        ("cat:1.3) dog", [[("cat:1.3) dog", 1.0)]]),
        ("[cat:1.3]", [[("cat:1.3", 1 / 1.1)]]),
        # Round and square brackets know nothing of each other.
        ("(a [b) c]", [[("a ", 1.1), ("b", 1.0), (" c", 1 / 1.1)]]),
        ("a BREAK b", [[("a", 1.0)], [("b", 1.0)]]),
        (r"a  BREAK red \(cat\)", [[("a", 1.0)], [("red (cat)", 1.0)]]),
        ("(a BREAK b:1.2)", [[("a", 1.2)], [("b", 1.2)]]),
        ("BREAKFAST break", [[("BREAKFAST break", 1.0)]]),
        ("BREAK", [[], []]),
    ],
)
def test_weights_are_those_of_the_web_uis(prompt, sections):
    found = prompts.parse(prompt)
    assert [[text for text, _ in section] for section in found] == [[text for text, _ in s] for s in sections]
    weights = [weight for section in found for _, weight in section]
    assert weights == pytest.approx([weight for section in sections for _, weight in section])


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("(cat:1.2.3)", "':1.2.3\\)', but a weight is a number"),
        ("(cat:11)", "'cat' the weight 11, but a weight is from 0 to 10"),
        ("(cat:-1)", "the weight -1"),
        ("(" * 30 + "cat", "the weight 17.45"),
        ("(cat:" + "9" * 400 + ")", "the weight inf"),
    ],
)
def test_weights_that_make_no_sense_are_refused(prompt, message):
    with pytest.raises(ValueError, match=message):
        prompts.parse(prompt)


@settings(max_examples=300, deadline=None)
@given(with_breaks)
def test_any_prompt_is_read_or_refused_in_one_line(prompt):
    try:
        sections = prompts.parse(prompt)
    except ValueError as error:
        assert re.search(r"\d\s*\)|\(", prompt) and "\n" not in str(error)
        return
    assert all(text and 0 <= weight <= 10 for section in sections for text, weight in section)
    kept = "".join(text for section in sections for text, _ in section)
    assert set(kept) <= set(prompt) and len(kept) <= len(prompt)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60).filter(lambda text: not re.search(r"[()\[\]\\]|BREAK", text)))
def test_without_brackets_a_prompt_is_what_it_was(prompt):
    assert prompts.parse(prompt) == ([[(prompt, 1.0)]] if prompt else [[]])
    rows = prompts.rows(prompt, TOKENIZER, chunked=False)
    np.testing.assert_array_equal(rows.token_ids, TOKENIZER.encode([prompt]))
    assert (rows.weights == 1).all() and rows.cut == TOKENIZER.truncated(prompt)
    in_chunks = prompts.rows(prompt, TOKENIZER, chunked=True)
    if len(in_chunks.token_ids) == 1:
        np.testing.assert_array_equal(in_chunks.token_ids, rows.token_ids)


@given(st.lists(st.sampled_from(["(", "["]), max_size=8))
def test_nested_brackets_multiply(brackets):
    closed = "".join(brackets) + "cat" + "".join({"(": ")", "[": "]"}[bracket] for bracket in reversed(brackets))
    wanted = 1.1 ** (brackets.count("(") - brackets.count("["))
    for prompt in (closed, closed.rstrip(")]")):
        assert prompts.parse(prompt) == [[("cat", pytest.approx(wanted))]]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([*WORDS, ",", "(hat", ":1.2)", "BREAK", "unbelievable"]), max_size=120).map(" ".join))
def test_chunks_hold_every_token_once_and_in_order(prompt):
    rows = prompts.rows(prompt, TOKENIZER, chunked=True)
    assert rows.token_ids.shape == rows.weights.shape and rows.token_ids.shape[1] == 32 and rows.cut == ""
    assert (rows.token_ids[:, 0] == TOKENIZER.bos_id).all() and (rows.token_ids[:, -1] == TOKENIZER.eos_id).all()
    kept = rows.token_ids < TOKENIZER.bos_id
    texts = [text for section in prompts.parse(prompt) for text, _ in section]
    assert rows.token_ids[kept].tolist() == [token.id for text in texts for token in TOKENIZER.tokens(text)]
    assert (rows.weights[~kept] == 1).all()


def decoded(prompt):
    return [TOKENIZER.decode(row) for row in prompts.rows(prompt, TOKENIZER, chunked=True).token_ids]


def test_a_full_chunk_ends_behind_a_comma_that_is_near_else_before_a_word():
    assert decoded("cat " * 25 + ", " + "dog " * 5) == ["cat " * 25 + ",", "dog " * 4 + "dog"]
    far = decoded("cat , " + "dog " * 40)
    assert far == ["cat , " + "dog " * 27 + "dog", "dog " * 11 + "dog"]
    assert len(TOKENIZER.tokens("unbelievable")) > 3
    assert decoded("cat " * 28 + "unbelievable") == ["cat " * 27 + "cat", "unbelievable"]
    assert len(decoded("1" * 31)) == 2 and decoded("x" * 31) == ["x" * 30, "x"]


def test_breaks_begin_chunks():
    assert decoded("red cat BREAK blue dog") == ["red cat", "blue dog"]
    assert decoded("red cat BREAK") == ["red cat"]
    assert decoded("BREAK red cat") == ["", "red cat"]
    assert decoded("") == [""]
    parts = prompts.rows("red cat BREAK blue dog", TOKENIZER, chunked=False).token_ids
    np.testing.assert_array_equal(parts, TOKENIZER.encode(["red cat", "blue dog"]))


def test_without_chunks_every_part_is_cut_and_what_is_cut_has_no_brackets():
    rows = prompts.rows("cat " * 28 + "(red dog:1.2) with (blue (hat BREAK dog", TOKENIZER, chunked=False)
    assert rows.cut == "with blue hat" and len(rows.token_ids) == 2
    assert rows.weights[0, 29:].tolist() == pytest.approx([1.2, 1.2, 1.0])

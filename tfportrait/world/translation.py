"""Chinese prompts in English, for text encoders that read none: what `reading.py` finds, said by `captions.py`."""

import re
from typing import NamedTuple

from . import synonyms
from .captions import WORDS, Draw, english_tags, write
from .reading import CJK, read_prompt

_IDEOGRAPH = re.compile(f"[{CJK}]")
_OTHER_SCRIPTS = re.compile("[\u3040-\u30ff\uac00-\ud7af]")  # kana, hangul: such a text is not Chinese
# What the web UIs read as more than text stays where it is: brackets, weights, backslashes, breaks.
_MARKS = re.compile(r"(\\[()\[\]\\]?|[()\[\]]|:\s*[+-]?[.\d]+(?=\s*\))|(?<!\w)BREAK(?!\w))", re.ASCII)
_CLAUSE = re.compile(r"[^,，.。;；、!！?？\n]+")
_LETTER = rf"[^\W\d_{CJK}]"
_FOREIGN = re.compile(rf"(\d*{_LETTER}(?:[^{CJK}]*{_LETTER})?\d*)")
# What parts the English from the mark in front of it, and from the one behind it.
_IN_FRONT = {")": ", ", "]": ", ", "BREAK": " "}
_BEHIND = {"(": ", ", "[": ", ", "BREAK": " "}


class Translation(NamedTuple):
    """A prompt in English.

    Attributes:
        text: str.
        left_out: list of str. The words of the prompt that it does not say: unknown ones, and those that contradict
            what is said before.
    """

    text: str
    left_out: list[str]


def to_english(prompt: str) -> Translation:
    """Says the Chinese of a prompt in English; what stands around it, weights in brackets included, is kept.

    Args:
        prompt: str. A prompt without Chinese, or in Japanese or Korean, is kept as it is; so is one of which nothing is
            understood.

    Returns:
        Translation.
    """
    if not _IDEOGRAPH.search(prompt) or _OTHER_SCRIPTS.search(prompt):
        return Translation(prompt, [])
    before, text, left_out = "", "", []
    pieces = [*_MARKS.split(prompt), ""]  # a text and the mark behind it in turn
    for piece, behind in zip(pieces[::2], pieces[1::2], strict=True):
        if _IDEOGRAPH.search(piece):
            piece, missed = _clauses(piece)
            left_out += missed
            if piece:
                piece = _IN_FRONT.get(before, "") + piece + _BEHIND.get(behind, "")
        text, before = text + piece + behind, behind
    return Translation(text if re.search(_LETTER, text.replace("BREAK", "")) else prompt, left_out)


def _clauses(text: str) -> tuple[str, list[str]]:
    groups: list[list] = []  # [is it Chinese, start, end] of neighbouring clauses
    for clause in _CLAUSE.finditer(text):
        if not clause.group().strip():
            continue
        chinese = _IDEOGRAPH.search(clause.group()) is not None
        if groups and groups[-1][0] == chinese:
            groups[-1][2] = clause.end()
        else:
            groups.append([chinese, clause.start(), clause.end()])
    said = [_mixed(text[start:end]) if chinese else (text[start:end], []) for chinese, start, end in groups]
    return _join(said)


def _mixed(text: str) -> tuple[str, list[str]]:
    """Chinese, perhaps with words of other scripts in it: read as one if all is known, else those words are kept."""
    reading = read_prompt(text)
    if not re.search(_LETTER, text) or not (reading.unknown or reading.conflicts):
        return _chinese(text)
    runs = _FOREIGN.split(text)
    return _join([(run, []) if number % 2 else _chinese(run) for number, run in enumerate(runs)])


def _chinese(text: str) -> tuple[str, list[str]]:
    reading = read_prompt(text)
    values = reading.attributes
    left_out = [word for word, _ in reading.unknown] + [phrase for phrase, _, _ in reading.conflicts]
    if not values:
        denies = any(word in text for word in synonyms.NEGATIONS)
        return "", left_out or ([text.strip()] if denies else [])
    if "age" in values or "gender" in values:
        return str(write(values, "en", None, WORDS)), left_out
    return english_tags(values, Draw(None), WORDS), left_out


def _join(said: list[tuple[str, list[str]]]) -> tuple[str, list[str]]:
    texts = [text.strip() for text, _ in said]
    return ", ".join(text for text in texts if text), [word for _, missed in said for word in missed]

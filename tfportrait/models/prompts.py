"""Prompts as the Stable Diffusion web UIs read them: weights in brackets, and chunks of what is longer than a context.

`(word:1.3)` weighs 1.3, `(word)` 1.1, `[word]` 1 / 1.1, and brackets within brackets multiply. A bracket that is never
closed holds up to the end of the prompt, one that was never opened is text, and behind a backslash all of them are.
`BREAK` begins a new chunk. What changes a prompt while it is painted, `[cat:dog:0.5]` and `AND`, is not read: it is
text. Source: AUTOMATIC1111's stable-diffusion-webui, "Attention/emphasis" and "Infinite prompt length", re-expressed.
"""

import itertools
import re
from typing import NamedTuple

import numpy as np

from tfportrait.models.tokenizer import clean

HEAVIEST = 10.0
ROUND, SQUARE = 1.1, 1 / 1.1
BACKTRACK = 20  # up to so many tokens behind the last comma of a chunk rather begin the next one
COMMA = ",</w>"
_PIECE = re.compile(r"\\[()\[\]\\]?|[(\[]|:\s*(?P<weight>[+-]?\.?\d[.\d]*)\s*\)|[)\]]|[^\\()\[\]:]+|:")
_BREAK = re.compile(r"\bBREAK\b")


class Rows(NamedTuple):
    """A prompt as a text encoder takes it.

    Attributes:
        token_ids: int32 (chunks, max_length). Start token, text, end token, padding, as `Tokenizer.encode` has them.
        weights: float32 (chunks, max_length). Of the encoder's outputs; 1 for everything but text in brackets.
        cut: str. What did not fit; "" where chunks take everything.
    """

    token_ids: np.ndarray
    weights: np.ndarray
    cut: str


def parse(prompt):
    """Reads weights and breaks.

    Args:
        prompt: str.

    Returns:
        list of list of (str, float): for each part between `BREAK`s its texts and their weights, neighbours of one
        weight joined. A prompt without brackets, backslashes and breaks is `[[(prompt, 1.0)]]`, the empty one `[[]]`.

    Raises:
        ValueError: a weight that is no number from 0 to 10.
    """
    spans, opened = [], {"(": [], "[": []}  # [text, weight], text None for a break; what open brackets begin with

    def close(bracket, weight):
        for span in spans[opened[bracket].pop() :]:
            span[1] *= weight

    for found in _PIECE.finditer(prompt):
        piece = found.group()
        if piece[0] == "\\":
            spans.append([piece[1:], 1.0])
        elif piece in opened:
            opened[piece].append(len(spans))
        elif found["weight"] and opened["("]:
            close("(", _number(found["weight"], piece))
        elif piece == ")" and opened["("]:
            close("(", ROUND)
        elif piece == "]" and opened["["]:
            close("[", SQUARE)
        else:
            first, *others = _BREAK.split(piece)
            spans.append([first, 1.0])
            for text in others:
                spans[-1][0] = spans[-1][0].rstrip()
                spans += [None, 1.0], [text.lstrip(), 1.0]
    for bracket, weight in (("(", ROUND), ("[", SQUARE)):
        while opened[bracket]:
            close(bracket, weight)
    return _sections(spans)


def _number(weight, piece):
    try:
        return float(weight)
    except ValueError:
        raise ValueError(f"the prompt has {piece!r}, but a weight is a number, such as 1.3") from None


def _sections(spans):
    sections = [[]]
    for text, weight in spans:
        if text is None:
            sections.append([])
        elif text:
            sections[-1].append((text, weight))
    joined = [
        [("".join(text for text, _ in group), weight) for weight, group in itertools.groupby(section, lambda s: s[1])]
        for section in sections
    ]
    for text, weight in itertools.chain(*joined):
        if not 0 <= weight <= HEAVIEST:
            raise ValueError(
                f"the prompt gives {text!r} the weight {weight:.4g}, but a weight is from 0 to {HEAVIEST:g}"
            )
    return joined


def plain(prompt):
    """The prompt's text alone: without brackets, weights and breaks. Errors as for `parse`."""
    return " ".join("".join(text for text, _ in section) for section in parse(prompt)).strip()


def rows(prompt, tokenizer, chunked):
    """Token ids and weights of a prompt.

    A chunk that is full ends behind its last comma, if there are at most 20 tokens behind that, else before the word
    that does not fit, else within it.

    Args:
        prompt: str.
        tokenizer: Tokenizer.
        chunked: bool. Whether a part longer than `tokenizer.max_length` goes on in another chunk. Otherwise it is cut,
            and only `BREAK` makes chunks.

    Returns:
        Rows.

    Raises:
        ValueError: as for `parse`.
    """
    sections = parse(clean(prompt))
    if len(sections) > 1 and not sections[-1]:
        del sections[-1]
    size, comma, chunks, cut = tokenizer.max_length - 2, tokenizer.vocab.get(COMMA), [], []
    for section in sections:
        tokens = _tokens(section, tokenizer)
        if chunked or len(tokens) <= size:
            chunks += _chunks(tokens, size, comma)
            continue
        chunks.append(tokens[:size])
        lost = tokens[size]
        cut.append("".join(text for text, _ in section[lost.span :])[lost.start :])
    token_ids = np.full((len(chunks), tokenizer.max_length), tokenizer.pad_id, "int32")
    weights = np.ones(token_ids.shape, "float32")
    for ids, row, chunk in zip(token_ids, weights, chunks, strict=True):
        ids[: len(chunk) + 2] = [tokenizer.bos_id, *(token.id for token in chunk), tokenizer.eos_id]
        row[1 : len(chunk) + 1] = [token.weight for token in chunk]
    return Rows(token_ids, weights, " ".join(cut))


class _Token(NamedTuple):
    id: int
    weight: float
    begins: bool  # a word
    span: int  # which one of the texts it is from
    start: int  # and where in it


def _tokens(spans, tokenizer):
    return [
        _Token(token.id, weight, token.begins, number, token.start)
        for number, (text, weight) in enumerate(spans)
        for token in tokenizer.tokens(text)
    ]


def _chunks(tokens, size, comma):
    while len(tokens) > size:
        end = _end(tokens, size, comma)
        yield tokens[:end]
        tokens = tokens[end:]
    yield tokens


def _end(tokens, size, comma):
    """How many tokens the first chunk takes."""
    if tokens[size].id != comma:
        for end in range(size, max(size - BACKTRACK, 0), -1):
            if tokens[end - 1].id == comma:
                return end
    return next((end for end in range(size, 0, -1) if tokens[end].begins), size)

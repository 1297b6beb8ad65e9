"""Lines of text in which a Chinese character is as wide as two others, and may be followed by a break."""

import unicodedata


def width(text: str) -> int:
    """How many columns a text takes."""
    return sum(2 if _is_wide(character) else 1 for character in text)


def wrap(text: str, limit: int) -> list[str]:
    """Lines of at most so many columns; only what cannot be broken is longer."""
    lines, line = [], ""
    for piece in _pieces(text):
        if width(line + piece.rstrip()) > limit and line:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()] if text.strip() else []


def _is_wide(character):
    return unicodedata.east_asian_width(character) in "WF"


def _pieces(text):
    """Words with the spaces after them, wide characters one by one with closing punctuation kept beside them."""
    piece = ""
    for character in text:
        closing = character in "，。、；：！？）》”’,.;:!?)"
        if piece and not closing and (_is_wide(character) or piece[-1].isspace() or _is_wide(piece[-1])):
            if not character.isspace():
                yield piece
                piece = ""
        piece += character
    if piece:
        yield piece

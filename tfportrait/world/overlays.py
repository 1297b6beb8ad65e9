"""Overlays on pictures, with the pixels that they cover: tiled words, stamps, dates and lines, as previews carry them.

What an overlay looks like is drawn once on a canvas of twice the picture's sides; where it lies is the window of that
canvas that the picture shows. So the same patterns that `draw` uses can be searched for at every place.
"""

import functools

import numpy as np

from .portrait import Details
from .render import rasterise_image

SIZES = range(96, 257)
KINDS = ("text", "stamp", "date", "lines")
WORDS = ("SAMPLE", "PROOF", "PREVIEW")
STAMPS = ("ring", "badge")
DATE_PLACES = (0.0, 5.0, 13.0, 18.0, 26.0, 31.0)  # of the six digits of year, month and day, from the left
DATE_SIZE = (6.0, 35.0)  # height and width; lengths are in hundredths of the picture's side
COLOURS = {"date": ((255, 140, 0), (255, 255, 255))}
PLAIN = ((255, 255, 255), (0, 0, 0))
_MARGIN = 4.0
_PITCH = 1.6  # from letter to letter, of their width
_LETTERS = {  # lines on a grid of 4 x 6
    "A": "M0,6 L2,0 L4,6 M.7,4 H3.3",
    "E": "M4,0 H0 V6 H4 M0,3 H3",
    "F": "M4,0 H0 V6 M0,3 H3",
    "I": "M2,0 V6",
    "L": "M0,0 V6 H4",
    "M": "M0,6 V0 L2,3 L4,0 V6",
    "O": "M0,0 H4 V6 H0 Z",
    "P": "M0,6 V0 H4 V3 H0",
    "R": "M0,6 V0 H4 V3 H0 M2,3 L4,6",
    "S": "M4,0 H0 V3 H4 V6 H0",
    "V": "M0,0 L2,6 L4,0",
    "W": "M0,0 L1,6 L2,2 L3,6 L4,0",
}
_SEGMENTS = ("M0,0 H4", "M4,0 V3", "M4,3 V6", "M0,6 H4", "M0,3 V6", "M0,0 V3", "M0,3 H4")
_DIGITS = ("012345", "12", "01346", "01236", "1256", "02356", "023456", "012", "0123456", "012356")
_STAMP_LINES = {
    "ring": '<circle cx="8" cy="8" r="7"/><circle cx="8" cy="8" r="5"/><path d="M5,10 L8,4 L11,10 Z"/>',
    "badge": '<path d="M1,2 H15 V9 L8,15 L1,9 Z M4,5 H12 M4,8 H12"/>',
}
STAMP_SIZE = (16.0, 16.0)


def draw(image, seed, kind=None):
    """Lays an overlay over a picture.

    Args:
        image: uint8 (size, size, 3), size from 96 to 256.
        seed: int. Settles the overlay: what it says, where it lies, its colour and how much shows through.
        kind: str or None. One of `KINDS`. Defaults to one that the seed chooses.

    Returns:
        (picture, mask): uint8 (size, size, 3), and bool (size, size), True wherever the overlay lies.

    Raises:
        ValueError: another kind, or a picture of another shape.
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"there is no overlay {kind!r}; there are {', '.join(KINDS)}")
    size = picture_size(image)
    details = Details(f"overlay {seed}")
    kind = kind or details.choice("kind", KINDS)
    cover = window(*_placed(kind, details, size), size)[..., None]
    opacity = 0.8 + 0.2 * details.unit("opacity") if kind == "date" else 0.35 + 0.4 * details.unit("opacity")
    colour = np.array(details.choice("colour", COLOURS.get(kind, PLAIN)), "float32")
    covered = image + opacity * cover * (colour - image)
    return np.rint(covered).astype("uint8"), cover[..., 0] > 0


def picture_size(image):
    """The side of a picture that overlays are drawn on.

    Raises:
        ValueError: it is no square uint8 picture of 96 to 256 pixels.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[0] != image.shape[1] or image.shape[2] != 3:
        raise ValueError(f"overlays are for square pictures, uint8 (size, size, 3); got {image.dtype} {image.shape}")
    if image.shape[0] not in SIZES:
        raise ValueError(
            f"overlays are for pictures of {SIZES[0]} to {SIZES[-1]} pixels; this one has {image.shape[0]}"
        )
    return image.shape[0]


def window(pattern, top, left, size):
    """The part of a pattern that the picture shows, float32 (size, size)."""
    return pattern[top : top + size, left : left + size]


def _placed(kind, details, size):
    """A pattern and the corner of its window."""
    if kind in ("text", "lines"):
        pattern = tiled(details.choice("word", WORDS), size) if kind == "text" else lines(size)
        return pattern, int(details.unit("top") * size), int(details.unit("left") * size)
    if kind == "stamp":
        pattern, sides = stamp(details.choice("stamp", STAMPS), size), STAMP_SIZE
    else:
        limits = {"year": (0, 100), "month": (1, 12), "day": (1, 28)}
        numbers = [first + int(details.unit(name) * count) for name, (first, count) in limits.items()]
        pattern, sides = date([digit for number in numbers for digit in divmod(number, 10)], size), DATE_SIZE
    return pattern, *details.choice("corner", corners(sides, size))


def corners(sides, size):
    """The corners of the windows that show a pattern of (height, width) in each corner of the picture."""
    edges = [(_MARGIN, 100.0 - _MARGIN - length) for length in sides]
    return [(size - round(y * size / 100), size - round(x * size / 100)) for y in edges[0] for x in edges[1]]


def tiled(word, size):
    """A word in slanting rows: the cover of a canvas, float32 (2 size, 2 size) in [0, 1]."""
    letters = "".join(
        f'<path transform="translate({4 * _PITCH * i} 0)" d="{_LETTERS[letter]}"/>'
        for i, letter in enumerate(word)
        if letter != " "
    )
    width, height = 4 * _PITCH * len(word) + 6, 16
    return _canvas(
        f'<defs><pattern id="p" width="{width}" height="{2 * height}" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(-30) scale(1.3)"><g {_stroke(0.9)}><g transform="translate(2 2)">{letters}</g>'
        f'<g transform="translate({2 - width / 2} {height + 2})">{letters}</g>'
        f'<g transform="translate({2 + width / 2} {height + 2})">{letters}</g></g></pattern></defs>'
        '<rect width="200" height="200" fill="url(#p)"/>',
        size,
    )


def lines(size):
    """Slanting lines across a canvas, as `tiled` gives words."""
    paths = "".join(f'<path d="M{x},0 l-200,200"/>' for x in range(0, 400, 16))
    return _canvas(f"<g {_stroke(1.6)}>{paths}</g>", size)


def stamp(name, size):
    """One of `STAMPS` whose corner is in the middle of a canvas."""
    return _canvas(f'<g transform="translate(100 100)" {_stroke(1.4)}>{_STAMP_LINES[name]}</g>', size)


def digit(number, size):
    """A digit of seven segments whose corner is in the middle of a canvas."""
    path = " ".join(_SEGMENTS[int(segment)] for segment in _DIGITS[number])
    return _canvas(f'<g transform="translate(100.5 100.5) scale(0.8)" {_stroke(1.1)}><path d="{path}"/></g>', size)


def date(digits, size):
    """Six digits (of int) in a row, the first of them as `digit` has it."""
    placed = zip(digits, date_columns(size), strict=True)
    return np.maximum.reduce([np.roll(digit(number, size), column, axis=1) for number, column in placed])


def date_columns(size):
    """Pixels from the first to each of the digits of a date."""
    return [round(place * size / 100) for place in DATE_PLACES]


def _stroke(width):
    return f'fill="none" stroke="white" stroke-width="{width}"'


@functools.lru_cache(32)
def _canvas(content, size):
    document = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200">{content}</svg>'
    cover = np.asarray(rasterise_image(document, 2 * size))[..., 3].astype("float32") / 255
    cover.setflags(write=False)
    return cover

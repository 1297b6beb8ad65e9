"""Pixel art: the portrait on a grid of 32 x 32 cells, whatever the size of the picture.

The large shapes are the vector drawing sampled at the grid without smoothing; eyes, brows, nose, mouth, glasses and
earrings are set cell by cell, because at this grid only placed cells stay readable.
"""

from functools import lru_cache

import numpy as np

from . import palette
from .face import beard_colour, draw_beard, hair_colour, lip_colours
from .palette import Colour, mix, shaded
from .shapes import Points, paths
from .styles import Pen

GRID = 32
_CELL = 256 / GRID
_DRAWN_LINES = {"scenery": 7.0, "string": 8.0, "strap": 9.0, "band": 8.0}

_EYES = {  # columns from the nose outwards: D lash, W white, I iris, P pupil, . skin; the first row lies on the lid
    "neutral": ("DDDD", "WPIW", "WIIW"),
    "smiling": ("DDDD", "WPIW", ".II."),
    "laughing": (".DD.", "D..D"),
    "sad": ("DDDD", "WPIW", "WIIW"),
    "angry": (".DDD", "DPIW", ".IIW"),
    "surprised": ("DDDD", "WWWW", "WPIW", "WIIW"),
}
_BROWS = {  # (column, row) from the inner end of the eye; rows relative to the lid
    "neutral": ((0, -2), (1, -2), (2, -2), (3, -2)),
    "smiling": ((0, -2), (1, -3), (2, -3), (3, -2)),
    "laughing": ((0, -3), (1, -4), (2, -4), (3, -3)),
    "sad": ((0, -4), (1, -3), (2, -3), (3, -2)),
    "angry": ((-1, -1), (0, -1), (1, -2), (2, -3), (3, -3)),
    "surprised": ((0, -4), (1, -5), (2, -5), (3, -4)),
}
_MOUTHS = {  # D dark line, L lip, R red hollow, T tooth, G tongue; the rows' first lies above the mouth's middle
    "neutral": (".......", ".DDDDD.", "..LLL.."),
    "smiling": ("D.....D", ".DDDDD.", "..LLL.."),
    "laughing": ("DTTTTTD", "DTTTTTD", ".RRRRR.", "..GGG.."),
    "sad": (".......", "..DDD..", ".DLLLD.", "D.....D"),
    "angry": ("DDDDDDD", "DTDTDTD", "DTDTDTD", "DDDDDDD"),
    "surprised": ("..DDD..", ".DRRRD.", ".DRRRD.", ".DRGRD.", "..DDD.."),
}


class PixelPen(Pen):
    """Solid cells; thin lines are left out, because no cell is thin."""

    def lines(self, curves: list[Points], colour: Colour, width: float, part: str) -> None:
        least = _DRAWN_LINES.get(part)
        if least or width >= 6:
            self.stroke(paths(curves), colour, max(width, least or 8.0))

    def ring(self, points: Points, colour: Colour, width: float, part: str, sharp: bool = False) -> None:
        pass

    def strands(self, curves: list[Points], colour: Colour, width: float, light: bool = False) -> None:
        if light and width >= 3:
            self.stroke(paths(curves), palette.lit(colour, 0.2), 6.0)

    def dot(self, x: float, y: float, radius: float, colour: Colour, part: str) -> None:
        if radius >= 4.5:
            super().dot(x, y, radius, colour, part)

    def end_scene(self) -> None:
        if self.light:
            dark, bright = (0, 176) if self.light > 0 else (176, 0)
            self.put(f'<rect x="{dark}" width="80" height="256" fill="#1b1838" fill-opacity="0.34"/>')
            self.put(f'<rect x="{bright}" width="80" height="256" fill="#fff3cf" fill-opacity="0.26"/>')


class _Grid:
    """Cells and the few operations of the sprites."""

    def __init__(self, cells: np.ndarray) -> None:
        self.cells = cells

    def set(self, column: int, row: int, colour: Colour) -> None:
        if 0 <= column < GRID and 0 <= row < GRID:
            self.cells[row, column] = [min(255, max(0, round(channel))) for channel in colour]

    def tint(self, column: int, row: int, colour: Colour, share: float) -> None:
        self.set(column, row, mix(tuple(self.cells[row, column].astype(float)), colour, share))


def _cell(value: float) -> int:
    return int(value // _CELL)


@lru_cache(maxsize=64)
def _grid(portrait) -> np.ndarray:
    """uint8 (32, 32, 3)."""
    from . import render

    figure_pen = PixelPen(portrait)
    head = render.draw_figure(figure_pen, portrait, features=False, overlay=lambda: _vector_beard(figure_pen, portrait))
    figure = render.rasterise(figure_pen.svg(), GRID)
    scene_pen = PixelPen(portrait)
    render.draw_scene(scene_pen, portrait)
    cells = render.rasterise(scene_pen.svg(), GRID)[..., :3].copy()
    inside = figure[..., 3] > 127
    cells[inside] = figure[inside][:, :3]
    padded = np.pad(inside, 1)
    beside = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    cells[beside & ~inside] = palette.rgb("#2b2233")
    grid = _Grid(cells)
    _set_features(grid, portrait, head)
    return grid.cells


def _vector_beard(pen, portrait) -> None:
    from .head import Head

    draw_beard(pen, Head(portrait))


def _set_features(grid: _Grid, portrait, head) -> None:
    x, y = head.face(0, head.mouth_y)
    middle, mouth = _cell(x), _cell(y) - (1 if portrait["expression"] in ("laughing", "angry") else 0)
    lid = _cell(head.face(0, head.eye_y)[1]) - 1
    nose = _cell(head.face(0, head.nose_y)[1])
    _set_age(grid, portrait, head, middle, lid, nose)
    dark = shaded(head.skin, 0.42)
    for offset in (-1, 0, 1) if head.turn == 0 else (0, head.turn, 2 * head.turn):
        grid.set(middle + offset, nose, dark)
    if head.turn:
        grid.set(middle + 2 * head.turn, nose - 1, dark)
    _set_mouth(grid, portrait, head, middle, max(mouth - 1, nose + 1))
    for side in (-1, 1):
        inner = _cell(head.face(side * head.eye_u, 0)[0]) - 2 * side
        _set_eye(grid, portrait, head, inner, lid, side)
    if portrait["glasses"] != "none":
        _set_glasses(grid, portrait, head, lid)
    if portrait["earrings"] != "none":
        _set_earrings(grid, portrait, head)


def _set_age(grid: _Grid, portrait, head, middle: int, lid: int, nose: int) -> None:
    crease = shaded(head.skin, 0.5)
    if head.child:
        for side in (-1, 1):
            for offset, row in ((4, 1), (6, 1), (5, 2)):
                grid.set(middle + side * offset, nose - 1 + row, crease)
    if head.age in ("middle_aged", "elderly"):
        for side in (-1, 1):
            for offset, row in ((3, 0), (4, 1), (4, 2)):
                grid.set(middle + side * offset, nose + row, crease)
            column = _cell(head.at(side * (head.side(136) - 6), 0)[0])
            for row in (1, 3):
                grid.set(column, lid + row, crease)
    if head.age == "elderly":
        for side in (-1, 1):
            for offset in (2, 3, 4):
                grid.set(middle + side * offset, lid + 3, crease)
            for row in (0, 1, 2):
                grid.set(middle + side * 6, nose + row, crease)


def _set_mouth(grid: _Grid, portrait, head, middle: int, top: int) -> None:
    upper, lower = lip_colours(head)
    line = mix(upper, palette.INK, 0.35) if head.woman else mix(shaded(head.skin, 0.8), palette.INK, 0.3)
    colours = {
        "D": upper if head.woman and portrait["expression"] in ("laughing", "surprised", "angry") else line,
        "L": lower,
        "R": palette.rgb("#5a1723"),
        "T": palette.rgb("#fffdf8"),
        "G": palette.rgb("#e0606a"),
    }
    if portrait["facial_hair"] in ("moustache", "beard"):
        for offset in range(-3, 4):
            grid.set(middle + offset, top - (abs(offset) < 3), beard_colour(portrait))
        top += 1
    for row, cells in enumerate(_MOUTHS[portrait["expression"]]):
        for column, kind in enumerate(cells):
            if kind != "." and (kind != "L" or head.woman or portrait["facial_hair"] != "none"):
                grid.set(middle - 3 + column, top + row, colours[kind])


def _set_eye(grid: _Grid, portrait, head, inner: int, lid: int, side: int) -> None:
    iris = palette.EYES[portrait["eye_color"]]
    colours = {"D": palette.INK, "W": palette.rgb("#fdfbf7"), "I": iris, "P": mix(palette.INK, iris, 0.12)}
    if not head.woman and portrait["expression"] not in ("laughing", "angry"):
        colours["D"] = shaded(head.skin, 0.55)
    lid += 1 if portrait["expression"] == "laughing" else 0
    for row, cells in enumerate(_EYES[portrait["expression"]]):
        for column, kind in enumerate(cells):
            if kind != ".":
                grid.set(inner + side * column, lid + row, colours[kind])
    if head.woman:
        grid.set(inner + side * 4, lid + (portrait["expression"] == "laughing"), palette.INK)
        grid.set(inner + side * 5, lid - 1 + (portrait["expression"] == "laughing"), palette.INK)
    brow = palette.rgb("#d9d8da") if head.age == "elderly" else shaded(hair_colour(portrait), 0.5)
    for column, row in _BROWS[portrait["expression"]]:
        grid.set(inner + side * column, lid + row, brow)
        if not head.woman:
            grid.set(inner + side * column, lid + row - 1, brow)
    if portrait["expression"] == "sad" and side != head.turn and (head.turn or side == 1):
        for row in (3, 4, 5):
            grid.set(inner + side * 2, lid + row, palette.rgb("#8fd0f2"))


def _set_glasses(grid: _Grid, portrait, head, lid: int) -> None:
    colour = portrait.details.choice("frames", palette.FRAMES)
    kind = portrait["glasses"]
    for side in (-1, 1):
        inner = _cell(head.face(side * head.eye_u, 0)[0]) - 3 * side
        if kind == "sunglasses":
            for row, (first, last) in enumerate(((0, 6), (0, 6), (0, 6), (1, 5))):
                for column in range(first, last):
                    grid.set(inner + side * column, lid + row, palette.rgb("#22212b"))
            grid.set(inner + 2 if side > 0 else inner - 4, lid + 1, palette.rgb("#8d93a8"))
        top, bottom = (lid - 1, lid + 4) if kind == "round" else (lid - 1, lid + 3)
        if kind != "sunglasses":
            corner = 1 if kind == "round" else 0
            for row in range(top + 1, bottom):
                for column in range(1, 5):
                    grid.tint(inner + side * column, row, palette.WHITE, 0.3)
            for column in range(corner, 6 - corner):
                grid.set(inner + side * column, top, colour)
                grid.set(inner + side * column, bottom, colour)
            for row in range(top + corner, bottom + 1 - corner):
                grid.set(inner, row, colour)
                grid.set(inner + side * 5, row, colour)
        if side != head.turn:
            for column in (6, 7):
                grid.set(inner + side * column, lid, colour)
    left, right = (_cell(head.face(side * head.eye_u, 0)[0]) - 3 * side for side in (-1, 1))
    for column in range(left, right + 1):
        grid.set(column, lid, colour)


def _set_earrings(grid: _Grid, portrait, head) -> None:
    for side in (-1, 1):
        if side == head.turn:
            continue
        x, y = head.at(side * (head.side(150) + 6 - 8 * abs(head.turn)), 153)
        column, row = _cell(x), _cell(y)
        rim, gold = palette.rgb("#7a4f12"), palette.GOLD
        if portrait["earrings"] == "studs":
            for dc in (0, 1):
                grid.set(column + dc - (side < 0), row, gold)
                grid.set(column + dc - (side < 0), row + 1, rim)
            continue
        for dc, dr in ((0, 0), (1, 0), (-1, 1), (2, 1), (-1, 2), (2, 2), (-1, 3), (2, 3), (0, 4), (1, 4)):
            grid.set(column + dc - (side < 0), row + dr, gold)


def render(portrait, size: int) -> np.ndarray:
    """uint8 (size, size, 3): every pixel takes its cell's colour."""
    index = np.arange(size) * GRID // size
    return _grid(portrait)[index][:, index]


def svg(portrait) -> str:
    """The grid as rectangles, one for each run of equal cells in a row."""
    return cells_svg(_grid(portrait))


def cells_svg(cells: np.ndarray) -> str:
    """SVG document of uint8 cells (n, n, 3): a rectangle for each run of equal cells in a row."""
    count = len(cells)
    parts = []
    for row in range(count):
        start = 0
        for column in range(1, count + 1):
            if column == count or (cells[row, column] != cells[row, start]).any():
                colour = palette.css(tuple(int(channel) for channel in cells[row, start]))
                parts.append(f'<rect x="{start}" y="{row}" width="{column - start}" height="1" fill="{colour}"/>')
                start = column
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {count} {count}" width="256" height="256" '
        'shape-rendering="crispEdges">'
        f"{''.join(parts)}</svg>"
    )

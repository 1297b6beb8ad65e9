"""Hair: what hangs behind the head, what falls over the shoulders, what frames the face."""

import math

from . import palette
from .attributes import HAIR_UNDER_HATS, HATS
from .face import hair_colour
from .head import Head
from .palette import mix, shaded
from .shapes import Points, ellipse


def _kind(head: Head) -> str:
    style = head.portrait["hair_style"]
    if head.portrait["headwear"] in HATS and style in HAIR_UNDER_HATS:
        return "tucked"
    return style


def draw_back(pen, head: Head) -> None:
    """Hair behind head and neck."""
    back = {"bob": _bob_back, "long": _long_back, "curly": _curly_back, "ponytail": _tail, "bun": _bun}
    kind = _kind(head)
    if kind in back:
        back[kind](pen, head, hair_colour(head.portrait))


def draw_locks(pen, head: Head) -> None:
    """Hair in front of the shoulders."""
    kind = _kind(head)
    if kind == "long":
        _long_locks(pen, head, hair_colour(head.portrait))
    elif kind == "braids":
        _braids(pen, head, hair_colour(head.portrait))


def draw_front(pen, head: Head) -> None:
    """Hair on the skull and over the forehead."""
    front = {
        "buzz": _buzz,
        "short": _short,
        "spiky": _spiky,
        "bob": _bob,
        "long": _long,
        "curly": _curly,
        "bun": _pulled_back,
        "ponytail": _swept,
        "braids": _parted,
        "tucked": _tucked,
    }
    kind = _kind(head)
    if kind == "bald":
        pen.glow(*head.at(head.light * 14 - 8 + 14 * abs(head.light), 60), 20, 9, palette.lit(head.skin, 0.9), 0.8)
    else:
        front[kind](pen, head, hair_colour(head.portrait))


def _side(head: Head) -> int:
    """The side of the parting."""
    return head.turn or (1 if head.portrait.details.unit("parting") < 0.5 else -1)


def _cap(head: Head, grow: float, low: float, hairline: Points, lift: float = 0.0) -> Points:
    """Hair on the skull: `grow` thick down to y = low, its lower edge along `hairline` (right to left)."""
    temple = head.widths[0]
    right = [
        (0.5 * (temple + grow), 50 - 0.87 * grow - lift),
        (0.87 * (temple + grow), 73 - 0.5 * grow - 0.5 * lift),
        (temple + grow, 104),
        (head.side(low) + grow * 0.7, low),
    ]
    left = [(-u, y) for u, y in reversed(right)]
    shifted = [(u + head.turn * 9, y) for u, y in hairline]
    return head.outline([(0, 42 - grow - lift)] + right) + head.outline(shifted) + head.outline(left)


def _paint(pen, head: Head, points: Points, colour, part: str = "hair") -> None:
    pen.area(points, colour, part)
    pen.form(points, colour, part, (head.x + head.light * 34, 118), 84)


def _comb(pen, curves: list[Points], colour, width: float, light: tuple[int, ...]) -> None:
    """Locks in the hair: those numbered in `light` catch the light, the others lie in shadow."""
    pen.strands([curve for k, curve in enumerate(curves) if k not in light], colour, width)
    pen.strands([curve for k, curve in enumerate(curves) if k in light], colour, width, light=True)


def _under(pen, head: Head, hairline: Points, drop: float) -> None:
    """Shadow of the fringe on the forehead."""
    shifted = head.outline([(u + head.turn * 9, y) for u, y in hairline])
    pen.shade(shifted + [(x, y + drop) for x, y in reversed(shifted)], head.skin, 0.34)


def _ring(pen, head: Head, colour, y: float, wide: float) -> None:
    """The band of light on smooth hair."""
    points = head.outline([(-wide, y + 13), (-wide * 0.55, y + 2), (0, y - 2), (wide * 0.55, y + 2), (wide, y + 13)])
    pen.strand(points, colour, 4.6, light=True)


def _buzz(pen, head: Head, colour) -> None:
    temple = head.widths[0]
    line = [
        (temple - 3, 112),
        (temple - 8, 90),
        (temple - 16, 77),
        (0, 70),
        (-temple + 16, 77),
        (-temple + 8, 90),
        (-temple + 3, 112),
    ]
    _paint(pen, head, _cap(head, 2.0, 118, line), mix(colour, head.skin, 0.24), "stubble")


def _short(pen, head: Head, colour) -> None:
    temple, side = head.widths[0], _side(head)
    line = [
        (temple - 5, 112),
        (temple - 9, 94),
        (temple - 15, 84),
        (22, 86),
        (-8, 80),
        (-30, 68),
        (-temple + 12, 84),
        (-temple + 8, 96),
        (-temple + 5, 112),
    ]
    if side < 0:
        line = [(-u, y) for u, y in reversed(line)]
    _under(pen, head, line[2:-2], 9)
    points = _cap(head, 9, 124, line, 4)
    _paint(pen, head, points, colour)
    curves = []
    for k in range(4):
        start, end = (-side * (30 - 3 * k), 66 - 8 * k), (side * (temple - 8 - 7 * k), 80 - 11 * k)
        curves.append(head.outline([start, (side * (4 - 5 * k), 60 - 10 * k), end]))
    _comb(pen, curves, colour, 2.8, (1, 3))


def _spiky(pen, head: Head, colour) -> None:
    t = head.widths[0]
    right = [
        (14, 40),
        (24, 8),
        (32, 42),
        (56, 22),
        (52, 56),
        (t + 22, 52),
        (t + 4, 78),
        (t + 24, 88),
        (t + 6, 100),
        (t + 14, 122),
        (t - 2, 126),
    ]
    fringe = [
        (t - 8, 98),
        (t - 16, 80),
        (36, 101),
        (24, 80),
        (8, 104),
        (-6, 80),
        (-22, 101),
        (-34, 80),
        (-46, 98),
        (-t + 12, 82),
        (-t + 8, 98),
    ]
    left = [(-u, y) for u, y in reversed(right)]
    shifted = [(u + head.turn * 9, y) for u, y in fringe]
    _under(pen, head, [(t - 16, 84), (20, 92), (-20, 92), (-t + 16, 84)], 12)
    points = head.outline(left + [(-4, 6)] + right + shifted)
    pen.area(points, colour, "hair", sharp=True)
    pen.form([p for point in points for p in (point, point)], colour, "hair", (head.x + head.light * 34, 118), 86)
    curves = [head.outline([(u, y), (u * 0.85, y + 26)]) for u, y in ((-34, 40), (-12, 30), (14, 30), (36, 40))]
    _comb(pen, curves, colour, 3.2, (1, 2))


def _bob_back(pen, head: Head, colour) -> None:
    t = head.widths[0]
    half = [(0, 34), (t * 0.9, 60), (t + 18, 110), (t + 21, 160), (t + 17, 194), (t - 6, 199), (0, 199)]
    _paint(pen, head, head.mirrored(half), shaded(colour, 0.34))


def _bob(pen, head: Head, colour) -> None:
    t = head.widths[0]
    cheek = head.side(150)
    half = [
        (0, 31),
        (0.55 * (t + 12), 38),
        (0.9 * (t + 12), 64),
        (t + 16, 104),
        (t + 20, 150),
        (t + 15, 193),
        (cheek + 2, 197),
        (cheek - 4, 178),
        (t - 5, 138),
        (t - 9, 104),
    ]
    bangs = [(t - 9, 98), (0, 94), (-t + 9, 98)]
    _under(pen, head, [(t - 10, 97), (0, 93), (-t + 10, 97)], 9)
    shape = half + [(u + head.turn * 5, y) for u, y in bangs] + [(-u, y) for u, y in reversed(half) if u]
    points = head.outline(shape)
    _paint(pen, head, points, colour)
    curves = [head.outline([(u * 0.75, 56), (u + head.turn * 5, 90)]) for u in (-36, -18, 2, 20, 38)]
    curves += [head.outline([(side * (t + 6), 112), (side * (t + 11), 150), (side * (t + 8), 184)]) for side in (-1, 1)]
    pen.strands(curves, colour, 2.6)
    _ring(pen, head, colour, 56, 46)


def _long_back(pen, head: Head, colour) -> None:
    t = head.widths[0]
    half = [(0, 36), (t * 0.9, 60), (t + 14, 110), (t + 20, 170), (t + 32, 220), (t + 34, 266), (0, 266)]
    _paint(pen, head, head.mirrored(half), shaded(colour, 0.36))


def _long_locks(pen, head: Head, colour) -> None:
    t = head.widths[0]
    for side in (-1, 1):
        lock = [
            (t + 2, 100),
            (t + 15, 130),
            (t + 17, 165),
            (t + 27, 200),
            (t + 23, 230),
            (t + 30, 266),
            (t - 20, 266),
            (t - 17, 232),
            (t - 7, 200),
            (t - 10, 160),
            (t - 6, 130),
        ]
        points = head.outline([(side * u, y) for u, y in lock])
        _paint(pen, head, points, colour)
        curves = []
        for wide in (-4, 6, 15):
            strand = [(t + wide * 0.5, 130), (t + wide * 0.7, 170), (t + wide + 3, 205), (t + wide, 250)]
            curves.append(head.outline([(side * u, y) for u, y in strand]))
        _comb(pen, curves, colour, 3.0, (1,))


def _curtains(head: Head, grow: float, low: float, part: float, top: float) -> Points:
    """A parted fringe: two curtains from the parting at (part, top) to the temples."""
    t = head.widths[0]
    line = [
        (t - 4, low - 6),
        (t - 8, 108),
        (t - 17, 90),
        (part + 22, top + 9),
        (part, top),
        (part - 22, top + 9),
        (-t + 17, 90),
        (-t + 8, 108),
        (-t + 4, low - 6),
    ]
    return _cap(head, grow, low, line)


def _long(pen, head: Head, colour) -> None:
    part = _side(head) * 12
    t = head.widths[0]
    _under(pen, head, [(t - 17, 90), (part + 22, 75), (part, 66), (part - 22, 75), (-t + 17, 90)], 9)
    points = _curtains(head, 10, 150, part, 64)
    _paint(pen, head, points, colour)
    curves = [head.outline([(part, 35), (part + head.turn * 4, 64)])]
    for side in (-1, 1):
        for k in range(2):
            strand = [
                (part + side * 5, 42 + 8 * k),
                (side * (32 - 6 * k) + part * 0.4, 58 + 10 * k),
                (side * (t - 2 - 4 * k), 96),
            ]
            curves.append(head.outline(strand))
    _comb(pen, curves, colour, 2.7, (1, 3))


_BUMP = ((-0.06, 0.55), (0.2, 1.0), (0.5, 1.16), (0.8, 1.0), (1.06, 0.55))  # share of the way along, and outwards


def _scallops(points: Points, bulge: float, centre: tuple[float, float]) -> Points:
    """A cloudy edge: corners at the points, bumps between them, away from `centre`."""
    edge = []
    for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
        dx, dy = 0.5 * (x0 + x1) - centre[0], 0.5 * (y0 + y1) - centre[1]
        length = math.hypot(dx, dy) or 1.0
        px, py = dx / length * bulge, dy / length * bulge
        edge += [(x0, y0), (x0, y0)]
        edge += [(x0 + (x1 - x0) * along + px * out, y0 + (y1 - y0) * along + py * out) for along, out in _BUMP]
    return edge + [points[-1], points[-1]]


def _cloud(head: Head) -> Points:
    t = head.widths[0]
    angles = [math.radians(a) for a in range(-224, 45, 28)]
    rim = [(math.cos(a) * (t + 22), 108 + math.sin(a) * 78) for a in angles]
    return rim


def _curly_back(pen, head: Head, colour) -> None:
    rim = _cloud(head)
    shape = _scallops(rim, 13, (0, 108))
    _paint(pen, head, head.outline(shape + [(30, 186), (-30, 186)]), shaded(colour, 0.26))


def _curly(pen, head: Head, colour) -> None:
    t = head.widths[0]
    angles = [math.radians(a) for a in range(-203, 24, 28)]
    rim = [(math.cos(a) * (t + 15), 104 + math.sin(a) * 72) for a in angles]
    outer = _scallops(rim, 11, (0, 104))
    ends = [
        (t - 3, 128),
        (t - 8, 106),
        (t - 18, 92),
        (18, 86),
        (-2, 90),
        (-24, 84),
        (-t + 16, 94),
        (-t + 8, 106),
        (-t + 3, 128),
    ]
    line = [(u + head.turn * 9, y) for u, y in ends]
    lower = _scallops(line, 6, (0, 40))
    _under(pen, head, [(t - 18, 96), (18, 92), (-24, 92), (-t + 18, 96)], 12)
    points = head.outline(outer + lower)
    _paint(pen, head, points, colour)
    curls = []
    for u, y in (
        (-46, 62),
        (6, 52),
        (30, 42),
        (-62, 96),
        (64, 100),
        (24, 70),
        (-36, 82),
        (-22, 44),
        (50, 66),
        (-8, 72),
    ):
        curls.append(head.outline([(u - 7, y + 3), (u - 5, y - 5), (u + 3, y - 6), (u + 7, y), (u + 2, y + 5)]))
    for y in (132, 156):
        for side in (-1, 1):
            curl = [
                (side * (t + 6), y + 8),
                (side * (t + 4), y - 2),
                (side * (t + 14), y - 5),
                (side * (t + 18), y + 4),
            ]
            curls.append(head.outline(curl))
    _comb(pen, curls, colour, 2.8, (0, 3, 5, 8, 10, 11))


def _bun(pen, head: Head, colour) -> None:
    x, y = head.at(-head.turn * 10, 24)
    points = ellipse(x, y, 27 * head.size, 23 * head.size, 10)
    _paint(pen, head, points, shaded(colour, 0.08))
    curves = [[(x - 17, y + k * 5 + 4), (x, y - 9 + k * 5), (x + 17, y + k * 5 + 2)] for k in (-1, 1)]
    _comb(pen, curves, colour, 3.0, (0,))


def _pulled_back(pen, head: Head, colour) -> None:
    t = head.widths[0]
    line = [(t - 2, 112), (t - 7, 96), (t - 18, 80), (0, 72), (-t + 18, 80), (-t + 7, 96), (-t + 2, 112)]
    _under(pen, head, line[1:-1], 6)
    points = _cap(head, 5, 116, line)
    _paint(pen, head, points, colour)
    top = -head.turn * 10
    spread = (-44, -22, 0, 22, 44)
    curves = [
        head.outline([(u + head.turn * 7, 76 + abs(u) * 0.18), (u * 0.72, 58), (top + u * 0.3, 42)]) for u in spread
    ]
    _comb(pen, curves, colour, 2.6, (1, 3))
    band = head.outline([(top - 17, 43), (top, 46), (top + 17, 43)])
    pen.line(band, palette.CLOTH["red"], 6, "band")


def _tail_side(head: Head) -> int:
    return -head.turn or (1 if head.portrait.details.unit("tail") < 0.5 else -1)


def _tail(pen, head: Head, colour) -> None:
    s = _tail_side(head)
    shape = [
        (s * 34, 60),
        (s * 50, 38),
        (s * 78, 40),
        (s * 100, 72),
        (s * 104, 120),
        (s * 98, 170),
        (s * 80, 214),
        (s * 80, 214),
        (s * 70, 176),
        (s * 74, 130),
        (s * 66, 96),
    ]
    points = head.outline(shape)
    _paint(pen, head, points, shaded(colour, 0.06))
    curves = []
    for k, wide in enumerate((0, 12, 22)):
        strand = [(62 + wide * 0.6, 56 + 4 * k), (76 + wide, 100), (76 + wide * 0.9, 150), (78 + wide * 0.3, 192)]
        curves.append(head.outline([(s * u, y) for u, y in strand]))
    _comb(pen, curves, colour, 3.0, (1,))


def _swept(pen, head: Head, colour) -> None:
    t, s = head.widths[0], _tail_side(head)
    line = [(t - 2, 116), (t - 8, 96), (t - 18, 74), (8, 68), (-20, 82), (-t + 12, 96), (-t + 5, 112), (-t + 1, 124)]
    if s < 0:
        line = [(-u, y) for u, y in reversed(line)]
    _under(pen, head, line[1:-1], 8)
    points = _cap(head, 7, 120, line)
    _paint(pen, head, points, colour)
    curves = []
    for k in range(3):
        strand = [(-s * (t - 12 + 2 * k), 92 - 16 * k), (-s * (14 - 2 * k), 64 - 9 * k), (s * 40, 56 - 4 * k)]
        curves.append(head.outline(strand))
    _comb(pen, curves, colour, 2.8, (1,))
    x, y = head.at(s * 52, 52)
    pen.area(ellipse(x, y, 8, 13, 8, s * 0.5), palette.CLOTH["red"], "band")


def _braids(pen, head: Head, colour) -> None:
    t = head.widths[0]
    for side in (-1, 1):
        for k in range(6):
            y = 146 + 17 * k
            u = side * (t + 4 + 2.2 * k)
            x, level = head.at(u, y)
            tilt = side * (0.55 if k % 2 else -0.55)
            lobe = ellipse(x + (2.5 if k % 2 else -2.5), level, 15 - 0.7 * k, 11.5, 8, tilt)
            pen.area(lobe, shaded(colour, 0.05 + 0.12 * (k % 2)), "hair")
            pen.strand(
                [(x - 8, level - 4 * tilt), (x, level + 1), (x + 8, level + 4 * tilt)], colour, 2.2, light=k % 2 == 0
            )
        x, y = head.at(side * (t + 17), 246)
        pen.area(ellipse(x, y, 11, 5.5, 8), palette.CLOTH["red"], "band")


def _parted(pen, head: Head, colour) -> None:
    t = head.widths[0]
    _under(pen, head, [(t - 17, 88), (22, 73), (0, 64), (-22, 73), (-t + 17, 88)], 8)
    points = _curtains(head, 7, 144, 0, 62)
    _paint(pen, head, points, colour)
    curves = [head.outline([(0, 37), (head.turn * 6, 62)])]
    for side in (-1, 1):
        for k in range(3):
            strand = [
                (side * 4 + head.turn * 4, 44 + 7 * k),
                (side * (30 - 4 * k), 56 + 8 * k),
                (side * (t - 3 - 3 * k), 96 + 3 * k),
            ]
            curves.append(head.outline(strand))
    _comb(pen, curves, colour, 2.6, (2, 5))


def _tucked(pen, head: Head, colour) -> None:
    t, side = head.widths[0], _side(head)
    for flank in (-1, 1):
        piece = [
            (t - 8, 84),
            (t + 7, 84),
            (t + 8, 108),
            (head.side(126) + 5, 130),
            (head.side(126) - 4, 126),
            (t - 7, 106),
        ]
        _paint(pen, head, head.outline([(flank * u, y) for u, y in piece]), colour)
    lock = [
        (side * 44, 84),
        (side * 46, 92),
        (side * 36, 104),
        (side * 18, 100),
        (-side * 4, 108),
        (-side * 8, 98),
        (-side * 32, 100),
        (-side * 40, 84),
    ]
    _paint(pen, head, head.outline([(u + head.turn * 9, y) for u, y in lock]), colour)

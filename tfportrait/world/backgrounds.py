"""Backgrounds: quiet scenes, mostly at the sides of the head, lower in contrast than the face."""

import math
from functools import lru_cache

from . import palette
from .palette import Colour, mix, rgb
from .shapes import Points, corners, ellipse

VARIANTS = 7  # a background's chance details come in so many versions, so that a rendered one can be used again


def variant(portrait) -> int:
    """Which version of its background a portrait has."""
    return portrait.details.choice("background", range(VARIANTS))


@lru_cache(maxsize=VARIANTS)
def details(number: int):
    """The chance details of one version."""
    from .portrait import Details

    return Details(f"background {number}")


def draw_background(pen, portrait) -> None:
    """Fills the canvas."""
    scenes = {
        "plain": _plain,
        "gradient": _gradient,
        "city": _city,
        "forest": _forest,
        "sea": _sea,
        "mountains": _mountains,
        "starry_night": _starry_night,
        "room": _room,
        "blossoms": _blossoms,
    }
    number = portrait.variant if hasattr(portrait, "variant") else variant(portrait)
    scenes[portrait["background"]](pen, details(number), number)


def _block(pen, x: float, y: float, wide: float, high: float, colour: Colour) -> None:
    pen.area(corners([(x, y), (x + wide, y), (x + wide, y + high), (x, y + high)]), colour, "scenery")


def _plain(pen, details, number: int) -> None:
    colour = palette.PLAIN[number % len(palette.PLAIN)]
    pen.backdrop(colour, colour)


def _gradient(pen, details, number: int) -> None:
    top, bottom = palette.GRADIENTS[number % len(palette.GRADIENTS)]
    pen.backdrop(top, bottom, bands=7)


def _city(pen, details, number: int) -> None:
    dusk = details.choice("city", (("#f7c9a0", "#fbe3c6"), ("#a9c6ea", "#e6eef6"), ("#c3b3e3", "#f4d9d9")))
    pen.backdrop(rgb(dusk[0]), rgb(dusk[1]))
    haze = rgb(dusk[1])
    far, near = mix(rgb("#6f7fa3"), haze, 0.4), mix(rgb("#4a5578"), haze, 0.12)
    for k, x in enumerate(range(-10, 266, 36)):
        _block(pen, x, 66 + 30 * details.unit(f"far {k}"), 30, 200, far)
    window = rgb("#ffe49a")
    for k, (x, wide) in enumerate(((-6, 36), (34, 30), (192, 30), (226, 38))):
        top = 78 + 44 * details.unit(f"near {k}")
        _block(pen, x, top, wide, 200, near)
        for column in (0, 1):
            for row in range(5):
                if (row * 3 + column * 2 + k) % 4:
                    _block(pen, x + 5 + column * (wide - 18), top + 9 + row * 20, 8, 11, window)


def _forest(pen, details, number: int) -> None:
    pen.backdrop(rgb("#d5ecd0"), rgb("#8fc08a"))
    for layer, (colour, base, high, step) in enumerate(
        ((rgb("#86b98a"), 190, 120, 34), (rgb("#4f8f66"), 236, 150, 44))
    ):
        for k, x in enumerate(range(-8, 270, step)):
            x += 8 * details.signed(f"tree {layer} {k}")
            peak = base - high * (0.85 + 0.3 * details.unit(f"height {layer} {k}"))
            half = step * 0.62
            _block(pen, x - 3, base - 10, 7, 60, rgb("#7b5f46"))
            low = base - 8
            third = (low - peak) / 3
            tree = [
                (x, peak),
                (x + half * 0.55, peak + third),
                (x + half * 0.3, peak + third),
                (x + half * 0.8, peak + 2 * third),
                (x + half * 0.45, peak + 2 * third),
                (x + half, low),
                (x - half, low),
                (x - half * 0.45, peak + 2 * third),
                (x - half * 0.8, peak + 2 * third),
                (x - half * 0.3, peak + third),
                (x - half * 0.55, peak + third),
            ]
            pen.area(tree, colour, "scenery", sharp=True)
    _block(pen, -4, 222, 264, 40, rgb("#6ea86a"))


def _sea(pen, details, number: int) -> None:
    pen.backdrop(rgb("#8fd0ee"), rgb("#fdf0cf"))
    side = 1 if details.unit("sun") < 0.5 else -1
    pen.area(ellipse(128 + side * 88, 52, 20, 20, 10), rgb("#ffd766"), "scenery")
    horizon = 122
    _block(pen, -4, horizon, 264, 140, rgb("#2f93b8"))
    for k, y in enumerate((140, 162, 186, 212)):
        wave = [(x, y + 4.5 * math.sin(x / 11 + 2 * k)) for x in range(-6, 268, 17)]
        pen.line(wave, rgb("#bfe9f0"), 3.6, "scenery")
    x = 128 - side * 92
    sail = [(x - 2, 78), (x + side * 20, 122), (x - 2, 122)]
    pen.area(sail, rgb("#fffaf0"), "scenery", sharp=True)
    pen.area([(x - 24, 125), (x + 26, 125), (x + 17, 138), (x - 16, 138)], rgb("#9a5038"), "scenery", sharp=True)


def _mountains(pen, details, number: int) -> None:
    pen.backdrop(rgb("#9cc4ec"), rgb("#f6e3d8"))
    ranges = (
        (rgb("#9fabd0"), ((-20, 170), (28, 54), (84, 150), (128, 92), (176, 150), (226, 44), (280, 170)), True),
        (rgb("#5f7a94"), ((-20, 214), (6, 132), (56, 190), (128, 160), (196, 192), (252, 126), (280, 214)), False),
    )
    for colour, ridge, snow in ranges:
        ridge = [
            (x + details.signed(f"ridge {k} {snow}", 7), y + details.signed(f"peak {k} {snow}", 9))
            for k, (x, y) in enumerate(ridge)
        ]
        pen.area([*ridge, (280, 262), (-20, 262)], colour, "scenery", sharp=True)
        if snow:
            for x, y in (ridge[1], ridge[5]):
                cap = [(x, y), (x + 18, y + 35), (x + 7, y + 28), (x, y + 38), (x - 7, y + 27), (x - 18, y + 37)]
                pen.area(cap, rgb("#fdfdfd"), "scenery", sharp=True)
    _block(pen, -4, 206, 264, 60, rgb("#7fa37a"))


def _starry_night(pen, details, number: int) -> None:
    pen.backdrop(rgb("#141b45"), rgb("#41488f"))
    side = 1 if details.unit("moon") < 0.5 else -1
    x, y = 128 + side * 94, 44
    moon = []
    for k in range(9):
        turn = math.radians(-70 + 200 * k / 8)
        moon.append((x + 22 * math.cos(turn), y + 22 * math.sin(turn)))
    for k in range(7):
        turn = math.radians(112 - 155 * (k + 0.5) / 7)
        moon.append((x - 9 + 21 * math.cos(turn), y - 7 + 21 * math.sin(turn)))
    pen.area(moon, rgb("#ffeeb0"), "scenery")
    for k in range(13):
        u = (k * 0.618034 + details.unit("stars")) % 1.0
        sx = 6 + 74 * ((k * 0.7548 + details.unit("sky")) % 1.0)
        sx = sx if k % 2 else 256 - sx
        sy = 10 + 190 * u
        if math.hypot(sx - x, sy - y) > 34:
            pen.area(_star(sx, sy, 6.5 if k % 3 else 9.0), rgb("#fff6cf"), "scenery", sharp=True)


def _star(x: float, y: float, radius: float) -> Points:
    points = []
    for k in range(8):
        reach = radius if k % 2 == 0 else radius * 0.34
        points.append((x + reach * math.sin(math.pi * k / 4), y - reach * math.cos(math.pi * k / 4)))
    return points


def _room(pen, details, number: int) -> None:
    wall, wood = details.choice("wall", (("#e9d3b6", "#8a5f3e"), ("#c9d8c4", "#7c5a42"), ("#dcc7c4", "#6f5148")))
    pen.backdrop(rgb(wall), rgb(wall))
    side = 1 if details.unit("window") < 0.5 else -1
    wood = rgb(wood)
    x = 128 + side * 86
    _block(pen, x - 40, 22, 80, 118, mix(wood, rgb(wall), 0.1))
    for column in (0, 1):
        for row in (0, 1):
            _block(pen, x - 33 + 35 * column, 29 + 54 * row, 31, 50, rgb("#bfe4f5"))
    _block(pen, x - 46, 138, 92, 10, wood)
    x = 128 - side * 92
    _block(pen, x - 30, 36, 56, 60, wood)
    _block(pen, x - 23, 43, 42, 46, rgb("#f7ecd8"))
    pen.area(ellipse(x - 2, 68, 13, 13, 10), rgb("#d98d5f"), "scenery")
    _block(pen, x - 46, 150, 92, 8, wood)
    for k, (offset, high, colour) in enumerate(
        ((-34, 34, "#a8564e"), (-22, 40, "#4f7a8a"), (-9, 30, "#cfa14e"), (4, 37, "#6f8a5a"), (17, 33, "#8a6a9a"))
    ):
        _block(pen, x + offset + k * 0, 150 - high, 11, high, rgb(colour))


def _blossoms(pen, details, number: int) -> None:
    pen.backdrop(rgb("#cfe6f2"), rgb("#fbeef0"))
    bark = rgb("#7a5648")
    for side in (-1, 1):
        flip = [(128 + side * (u - 128), y) for u, y in ((262, 250), (232, 190), (240, 120), (214, 66), (222, 16))]
        pen.line(flip, bark, 7, "scenery")
        pen.line([(128 + side * (u - 128), y) for u, y in ((238, 130), (214, 104), (200, 98))], bark, 4.5, "scenery")
        pen.line([(128 + side * (u - 128), y) for u, y in ((214, 66), (190, 34), (160, 20))], bark, 5, "scenery")
        spots = (
            (222, 22),
            (190, 34),
            (243, 62),
            (212, 74),
            (248, 110),
            (204, 102),
            (234, 144),
            (246, 188),
            (216, 176),
            (160, 18),
        )
        for k, (u, y) in enumerate(spots):
            x = 128 + side * (u + details.signed(f"petal {side} {k}", 5) - 128)
            _flower(pen, x, y + details.signed(f"bloom {side} {k}", 5), 12 if k % 2 else 15)


def _flower(pen, x: float, y: float, radius: float) -> None:
    points = []
    for k in range(5):
        turn = 2 * math.pi * k / 5 + 0.3
        for offset, reach in ((-0.42, 0.92), (0.0, 1.05), (0.42, 0.92), (0.63, 0.5)):
            points.append((x + radius * reach * math.cos(turn + offset), y + radius * reach * math.sin(turn + offset)))
    pen.area(points, rgb("#f7a8c4"), "scenery")
    pen.dot(x, y, radius * 0.26, rgb("#d4577f"), "scenery")

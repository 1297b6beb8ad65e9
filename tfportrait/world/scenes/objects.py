"""The one thing that a scene is about: large and plain enough to be recognised in a small picture."""

import math

from ..palette import lit, mix, rgb, shaded
from ..shapes import Points, ellipse, stroke_outline
from .view import SNOW, STAND, View, mirrored, puff, rectangle


def draw_object(view: View) -> None:
    """Draws the object, with its shadow or its reflection."""
    if view.object == "none":
        return
    {
        "boat": _boat,
        "house": _house,
        "tent": _tent,
        "person": _person,
        "deer": _deer,
        "cat": _cat,
        "lamp": _lamp,
        "balloon": _balloon,
    }[view.object](view, view.place)


def _shadow(view: View, x: float, y: float, half: float) -> None:
    base = view.on("#7fa0c8" if view.white else "#2f3a3a")
    strength = 0.34 if view.weather == "clear" else 0.2
    view.pen.cast(x - view.side * half * 0.3, y, half * 1.25, 0.16 * half + 2, base, strength)


def _boat(view: View, x: float) -> None:
    pen = view.pen
    y = 196.0 if view.setting != "sea" else 190.0
    hull = [(x - 38, y - 12), (x + 40, y - 12), (x + 27, y + 6), (x - 27, y + 6)]
    sail = [(x + 1, y - 76), (x + 33, y - 21), (x + 1, y - 17)]
    jib = [(x - 4, y - 68), (x - 4, y - 17), (x - 30, y - 19)]
    red, white = view.near("#b8432f"), view.near("#fff6e6")
    image = [(a, min(b, 216)) for a, b in mirrored(hull, y + 6, 0.5)]
    pen.beam(image, mix(red, view.on("#2a6d8c"), 0.4), 0.55)
    pen.area(rectangle(x - 3, y - 80, 4, 70), view.near("#5a3a28"), "object", sharp=True)
    pen.area(sail, white, "object", sharp=True)
    pen.area(jib, view.near("#f3a83c"), "object", sharp=True)
    pen.area(hull, red, "object", sharp=True)
    pen.area(
        [(x - 38, y - 12), (x + 40, y - 12), (x + 37, y - 7), (x - 35, y - 7)], lit(red, 0.55), "stripe", sharp=True
    )


def _house(view: View, x: float) -> None:
    pen = view.pen
    y = STAND + 2
    _shadow(view, x, y, 42)
    wall, roof = view.near("#e9d2ac"), view.near("#b5472f")
    side = view.side
    smoke = [(x - 20 * side, y - 84), (x - 25 * side, y - 96), (x - 18 * side, y - 110), (x - 26 * side, y - 126)]
    for k, (a, b) in enumerate(smoke):
        pen.dots([(a, b, 4.5 + 1.6 * k)], lit(view.on("#cfd3da"), 0.3), "smoke", 0.7 - 0.12 * k)
    if view.air.lamps:
        pen.halo(x, y - 20, 60, rgb("#ffc25c"), 0.5)
    pen.area(rectangle(x - 20 * side - 6, y - 78, 12, 26), view.near("#8f5a48"), "object", sharp=True)
    pen.area([(x - 35, y), (x - 35, y - 38), (x + 35, y - 38), (x + 35, y)], wall, "object", sharp=True)
    shade = [(x - side * 35, y), (x - side * 35, y - 38), (x - side * 16, y - 38), (x - side * 16, y)]
    pen.beam(shade, shaded(wall, 0.9), 0.3)
    roofing = [(x - 45, y - 36), (x - 24, y - 68), (x + 24, y - 68), (x + 45, y - 36)]
    pen.area(roofing, roof, "object", sharp=True)
    if view.white:
        edge = ((37, 50), (26, 47), (14, 53), (0, 48), (-14, 54), (-27, 48), (-37, 50))
        snow = [(x - 25, y - 70), (x + 25, y - 70), *((x + u, y - v) for u, v in edge)]
        pen.area(snow, view.near(SNOW), "snow", sharp=True)
    else:
        pen.dashes(
            [[(x - 34, y - 48), (x + 34, y - 48)], [(x - 28, y - 58), (x + 28, y - 58)]],
            shaded(roof, 0.4),
            1.6,
            "grain",
        )
    pen.area(rectangle(x - 7, y - 25, 14, 25), view.near("#7a4a30"), "building", sharp=True)
    windows = [rectangle(x - 28, y - 30, 14, 15), rectangle(x + 14, y - 30, 14, 15)]
    if view.air.lamps:
        pen.areas(windows, rgb("#ffd977"), "light", sharp=True)
    else:
        pen.areas(windows, view.near("#5f86a8"), "window", sharp=True)
    bars = [[(x + u, y - 30), (x + u, y - 15)] for u in (-21, 21)] + [
        [(x + u, y - 22.5), (x + u + 14, y - 22.5)] for u in (-28, 14)
    ]
    pen.dashes(bars, view.near("#6a4030"), 1.4, "grain")


def _tent(view: View, x: float) -> None:
    pen = view.pen
    y = STAND + 4
    _shadow(view, x, y, 42)
    cloth = view.near("#f0892e")
    bright = view.air.lamps
    if bright:
        pen.halo(x, y - 20, 66, rgb("#ffb85a"), 0.6)
        cloth = mix(cloth, rgb("#ffae4a"), 0.7)
    side = view.side
    back = [(x - side * 44, y - 3), (x - side * 20, y - 50), (x + side * 6, y - 56), (x - side * 4, y)]
    pen.area(back, shaded(cloth, 0.34), "object", sharp=True)
    front = [(x - side * 18, y), (x + side * 6, y - 56), (x + side * 44, y)]
    pen.area(front, cloth, "object", sharp=True)
    door = [(x + side * 2, y), (x + side * 7, y - 40), (x + side * 23, y)]
    pen.area(door, rgb("#fff0b4") if bright else view.near("#5a3020"), "light" if bright else "window", sharp=True)
    pen.dashes(
        [[(x + side * 6, y - 56), (x + side * 9, y - 63)], [(x + side * 44, y), (x + side * 54, y + 4)]],
        view.near("#6a4a34"),
        2.0,
        "grain",
    )
    if view.white:
        snow = [
            (x - side * 22, y - 48),
            (x + side * 6, y - 59),
            (x + side * 18, y - 41),
            (x + side * 5, y - 46),
            (x - side * 8, y - 40),
        ]
        pen.area(snow, view.near(SNOW), "snow", sharp=True)


def _person(view: View, x: float) -> None:
    pen = view.pen
    y = STAND + 6
    _shadow(view, x, y, 20)
    coat = view.near(view.details.choice("coat", ("#d0342c", "#e0a020", "#c8433c")))
    dark, skin, hair = view.near("#34344a"), view.near("#f0c4a0"), view.near("#3a2a2a")
    legs = [rectangle(x - 9, y - 24, 7, 24), rectangle(x + 2, y - 24, 7, 24)]
    pen.areas(legs, dark, "object", sharp=True)
    body = [(x - 9, y - 58), (x + 9, y - 58), (x + 15, y - 40), (x + 16, y - 18), (x - 16, y - 18), (x - 15, y - 40)]
    pen.area(body, coat, "object", sharp=True)
    pen.area(ellipse(x, y - 68, 10.5, 11.5, 12), skin, "object")
    pen.area(
        [
            (x - 11, y - 66),
            (x - 11, y - 78),
            (x, y - 84),
            (x + 11, y - 78),
            (x + 11, y - 66),
            (x + 6, y - 73),
            (x - 6, y - 73),
        ],
        hair,
        "crown",
    )
    pen.area(
        [(x - 11, y - 61), (x + 11, y - 61), (x + 12, y - 54), (x - 12, y - 54)],
        view.near("#fff1d6"),
        "scarf",
        sharp=True,
    )
    pen.area(
        [(x - 12, y - 54), (x - 4, y - 54), (x - 6, y - 36), (x - 13, y - 36)],
        view.near("#fff1d6"),
        "scarf",
        sharp=True,
    )
    pen.dots([(x - 4, y - 68, 1.5), (x + 4, y - 68, 1.5)], hair, "eye")
    arms = [[(x + s * 11, y - 54), (x + s * 17, y - 40), (x + s * 15, y - 29)] for s in (-1, 1)]
    pen.dashes(arms, shaded(coat, 0.3), 3.4, "sleeve")
    if view.weather in ("rain", "snow") and view.setting != "interior":
        top = y - 116
        canopy = [
            (x + 8 + 38 * math.cos(a), top + 26 + 26 * math.sin(a)) for a in (math.pi * (1 + k / 8) for k in range(9))
        ]
        low = [(x + 8 + 38 - 12.7 * k, top + 26 + (-5 if k % 2 else 0)) for k in range(1, 6)]
        pen.area(rectangle(x + 12, top + 20, 3, 58), view.near("#4a3030"), "object", sharp=True)
        pen.area([*canopy, *low], view.near("#f2c230" if coat[1] < 90 else "#d8352d"), "object", sharp=True)


def _deer(view: View, x: float) -> None:
    pen = view.pen
    y = STAND + 4
    s = view.side  # looks into the light
    _shadow(view, x, y, 34)
    coat = view.near("#cd8644")

    def at(points) -> Points:
        return [(x + s * u, y - v) for u, v in points]

    far = [
        at([(-22, 34), (-20, 16), (-23, 0), (-18, 0), (-15, 18), (-14, 34)]),
        at([(12, 32), (14, 16), (12, 0), (17, 0), (19, 16), (20, 32)]),
    ]
    pen.areas(far, shaded(coat, 0.45), "object", sharp=True)
    antlers = []
    for lean in (0, 7):
        antlers += [
            at([(25 + lean, 70), (20 + lean, 82), (24 + lean, 96)]),
            at([(21 + lean, 80), (12 + lean, 90)]),
            at([(22 + lean, 86), (31 + lean, 94)]),
        ]
    pen.dashes(antlers, view.near("#e0c49c" if view.time == "night" else "#4f3524"), 2.8, "antler")
    near = [
        at([(-30, 36), (-28, 18), (-31, 0), (-25, 0), (-22, 20), (-17, 32)]),
        at([(16, 34), (20, 18), (19, 0), (25, 0), (26, 18), (25, 36)]),
    ]
    pen.areas(near, coat, "object", sharp=True)
    body = [
        (-30, 42),
        (-22, 49),
        (-4, 46),
        (10, 48),
        (19, 60),
        (23, 70),
        (30, 73),
        (38, 66),
        (44, 60),
        (41, 56),
        (32, 57),
        (28, 48),
        (24, 34),
        (14, 27),
        (-8, 28),
        (-22, 26),
        (-30, 32),
    ]
    pen.area(at(body), coat, "object")
    pen.area(at([(24, 70), (16, 77), (20, 67)]), shaded(coat, 0.2), "leg", sharp=True)
    pen.area(at([(-33, 43), (-27, 45), (-27, 33), (-32, 34)]), view.near("#fff4e0"), "patch")
    pen.area(at([(22, 50), (27, 54), (26, 36), (21, 32)]), lit(coat, 0.55), "patch")
    pen.dots([(x + s * 33, y - 66, 1.7)], rgb("#1c1420"), "eye")


def _cat(view: View, x: float) -> None:
    pen = view.pen
    y = STAND + 10
    _shadow(view, x, y - 1, 26)
    fur = view.near(view.details.choice("fur", ("#e58a35", "#3f3a46", "#d98a3f")))
    s = 1 if x < 128 else -1
    tail = [(x - s * 18, y - 6), (x - s * 34, y - 8), (x - s * 38, y - 24), (x - s * 31, y - 36)]
    pen.area(stroke_outline(tail, 10.0, 0.7, 0.5), shaded(fur, 0.2), "object")
    body = [
        (x - 21, y),
        (x - 23, y - 16),
        (x - 15, y - 36),
        (x, y - 44),
        (x + 15, y - 36),
        (x + 23, y - 16),
        (x + 21, y),
        (x, y + 2),
    ]
    pen.area(body, fur, "object")
    belly = [(x - 9, y - 2), (x - 10, y - 20), (x, y - 32), (x + 10, y - 20), (x + 9, y - 2)]
    pen.area(belly, lit(fur, 0.62), "patch")
    head = [
        (x - 17, y - 50),
        (x - 17, y - 76),
        (x - 17, y - 76),
        (x - 7, y - 66),
        (x + 7, y - 66),
        (x + 17, y - 76),
        (x + 17, y - 76),
        (x + 17, y - 50),
        (x + 9, y - 40),
        (x - 9, y - 40),
    ]
    pen.area(head, fur, "object")
    ears = [[(x + e * 14.5, y - 70), (x + e * 8, y - 64), (x + e * 14.5, y - 61)] for e in (-1, 1)]
    pen.areas(ears, view.near("#f2a9a4"), "patch", sharp=True)
    pen.dots([(x - 7, y - 54, 3.0), (x + 7, y - 54, 3.0)], rgb("#f4e36a"), "light")
    pen.dots([(x - 7, y - 54, 1.5), (x + 7, y - 54, 1.5)], rgb("#17131c"), "eye")
    pen.dots([(x, y - 48, 1.7)], view.near("#e8877f"), "patch")
    whiskers = [[(x + e * 6, y - 47 + k), (x + e * 22, y - 50 + 4 * k)] for e in (-1, 1) for k in (0, 1)]
    pen.dashes(whiskers, view.near("#fff6ea"), 0.9, "whisker")
    pen.areas([ellipse(x - 7, y, 7, 3.6, 8), ellipse(x + 7, y, 7, 3.6, 8)], lit(fur, 0.62), "patch")


def _lamp(view: View, x: float) -> None:
    pen = view.pen
    y = STAND + 6
    indoors = view.setting == "interior"
    bright = view.air.lamps or indoors and view.weather in ("rain", "snow", "fog")
    glow = rgb("#ffd070")
    _shadow(view, x, y, 15)
    iron = view.near("#2c3040")
    top = y - 104
    if bright:
        pen.halo(x, top + 16, 60, glow, 0.55)
        pen.halo(x, y - 2, 38, glow, 0.25)
    if indoors:
        iron = view.near("#5a4030")
        pen.area(rectangle(x - 2.5, top + 26, 5, 78), iron, "object", sharp=True)
        pen.area([(x - 15, y), (x - 10, y - 6), (x + 10, y - 6), (x + 15, y)], iron, "object", sharp=True)
        shade = [(x - 12, top - 4), (x + 12, top - 4), (x + 24, top + 28), (x - 24, top + 28)]
        pen.area(shade, rgb("#ffdf8e") if bright else view.near("#f2dcae"), "object", sharp=True)
        return
    pen.area(rectangle(x - 3, top + 26, 6, 78), iron, "object", sharp=True)
    pen.area([(x - 11, y), (x - 7, y - 12), (x + 7, y - 12), (x + 11, y)], iron, "object", sharp=True)
    pane = [(x - 9, top + 28), (x - 13, top + 4), (x + 13, top + 4), (x + 9, top + 28)]
    pen.area(pane, rgb("#ffe79a") if bright else view.near("#eef2e6"), "object", sharp=True)
    pen.area([(x - 17, top + 5), (x - 8, top - 8), (x + 8, top - 8), (x + 17, top + 5)], iron, "object", sharp=True)
    pen.dashes([[(x, top + 5), (x, top + 28)]], iron, 1.6, "grain")
    pen.area(rectangle(x - 11, top + 27, 22, 4), iron, "object", sharp=True)
    pen.dots([(x, top - 11, 3.0)], iron, "object")
    if view.white:
        pen.area(puff(x, top - 6, 13, 4.5, 5), view.near(SNOW), "snow")


def _balloon(view: View, x: float) -> None:
    pen = view.pen
    y = 72.0 + view.details.signed("balloon", 5)
    red, gold = view.near("#e0433a"), view.near("#ffd257")
    rx, ry = 37, 42
    outline = [
        (x + rx * math.cos(a), y + ry * math.sin(a)) for a in (math.radians(140 + 260 * k / 14) for k in range(15))
    ]
    outline += [(x + 11, y + 52), (x - 11, y + 52)]
    ropes = [[(x + u, y + 50), (x + 0.7 * u, y + 64)] for u in (-9, 9)]
    pen.dashes(ropes, view.near("#5a4034"), 1.6, "grain")
    pen.area(outline, red, "object")
    for inner, outer in ((0.62, 0.3), (-0.3, -0.62)):
        stripe = [
            (x + rx * f * math.cos(t), y + ry * math.sin(t) * (1.0 if t < 0 else 1.18))
            for f, ts in ((outer, range(8)), (inner, range(7, -1, -1)))
            for t in (math.radians(-84 + 164 * k / 7) for k in ts)
        ]
        pen.area(stripe, gold, "stripe")
    if view.air.lamps:
        pen.halo(x, y + 42, 20, rgb("#ffd070"), 0.6)
    pen.area(
        [(x - 9, y + 63), (x + 9, y + 63), (x + 7, y + 76), (x - 7, y + 76)], view.near("#9a6a3c"), "object", sharp=True
    )

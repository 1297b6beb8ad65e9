"""A room with a wide window: what the sky does outside, and the light that it lays on the floor."""

from ..palette import lit, mix, rgb, shaded
from ..shapes import ellipse
from .sky import draw_falling, draw_sky
from .view import CONIFERS, SNOW, View, puff, rectangle

_LEFT, _TOP, _RIGHT, _BOTTOM = 52.0, 26.0, 204.0, 150.0  # the window
_FLOOR = 186.0
_WALLS = (("#d9b48c", "#8a5a3c"), ("#a9bfae", "#7c5a44"), ("#cf9f92", "#6f4a42"), ("#b3b6cc", "#6a5560"))


_PANES = (  # the bars between them: a cross, a lattice, three tall ones
    (rectangle(125.5, _TOP, 5, _BOTTOM - _TOP), rectangle(_LEFT, 62, _RIGHT - _LEFT, 4)),
    (
        *(rectangle(x, _TOP, 3.6, _BOTTOM - _TOP) for x in (88, 126, 164)),
        *(rectangle(_LEFT, y, _RIGHT - _LEFT, 3.6) for y in (64, 106)),
    ),
    tuple(rectangle(x, _TOP, 5, _BOTTOM - _TOP) for x in (96, 155)),
)


def draw_room(view: View) -> None:
    """Everything but the object."""
    _outside(view)
    details, pen = view.details, view.pen
    wall, wood = (rgb(text) for text in details.choice("wall", _WALLS))
    wall, wood = _indoors(view, wall), _indoors(view, wood)
    left, top, right, bottom = _LEFT, _TOP, _RIGHT, _BOTTOM
    around = [(-6, -6), (262, -6), (262, _FLOOR + 4), (-6, _FLOOR + 4), (-6, -6)]
    hole = [(left, top), (left, bottom), (right, bottom), (right, top), (left, top)]
    pen.area([*around, *hole], wall, "wall", sharp=True)
    pen.area(rectangle(-6, _FLOOR - 9, 268, 10), mix(wood, wall, 0.2), "trim", sharp=True)
    _floor(view, wood)
    _frame(view, wood)
    _seat(view, wood)
    _furniture(view, wood)


def _indoors(view: View, colour):
    """A colour in the room: darker than outdoors by day, warmer by night."""
    factor = {"dawn": 0.92, "day": 0.97, "dusk": 0.74, "night": 0.52}[view.time]
    tint = {"dawn": (1.0, 0.95, 0.93), "day": (1, 1, 1), "dusk": (1.06, 0.88, 0.86), "night": (0.92, 0.92, 1.2)}[
        view.time
    ]
    if view.weather in ("rain", "snow", "fog"):
        factor *= 0.93
    return tuple(min(255.0, channel * factor * share) for channel, share in zip(colour, tint, strict=True))


def _outside(view: View) -> None:
    pen = view.pen
    draw_sky(view)
    green = mix(rgb(CONIFERS[view.season]), SNOW, 0.55 if view.white else 0.0)
    pen.layer(view.rolling("far hill", 116, 7), view.on(green, 0.6), view.on(green, 0.4), "land")
    if view.weather == "fog":
        pen.veil(116, 30, view.air.haze, 0.9)
    pen.layer(view.rolling("garden", 128, 3), view.grass(0.16), view.grass(), "land")
    tree = 84 if view.side > 0 else 172
    view.grove("garden", [(tree, 150, 96), (256 - tree - 8, 136, 44)], 0.1, kinds=2)
    if view.weather == "fog":
        pen.veil(132, 40, view.air.haze, 0.75)
    draw_falling(view, _LEFT, _TOP, _RIGHT, _BOTTOM)


def _seat(view: View, wood) -> None:
    """A bench below the window, with cushions."""
    pen = view.pen
    pen.area(rectangle(40, 170, 176, 20), mix(wood, rgb("#ffffff"), 0.08), "building", sharp=True)
    pen.dashes([[(x, 174), (x, 188)] for x in (84, 128, 172)], shaded(wood, 0.4), 1.4, "grain")
    cloth = [_indoors(view, rgb(text)) for text in ("#e0c9a6", "#c8574a", "#5f8a9a", "#dca24a")]
    pen.area(rectangle(42, 164, 172, 8), cloth[0], "building", sharp=True)
    turn = 1 if view.details.unit("cushions") < 0.5 else -1
    for u, colour in ((-68, cloth[1]), (-46, cloth[3]), (66, cloth[2])):
        x = 128 + turn * u
        pen.area([(x - 11, 165), (x - 9, 149), (x, 151), (x + 9, 149), (x + 11, 165), (x, 163)], colour, "building")


def _floor(view: View, wood) -> None:
    pen = view.pen
    boards = lit(wood, 0.12)
    pen.layer([(-6, _FLOOR), (262, _FLOOR), (262, 264), (-6, 264)], boards, shaded(boards, 0.3), "floor", sharp=True)
    lines = [[(128 + 22 * k, _FLOOR + 1), (128 + 46 * k, 262)] for k in range(-6, 7)]
    pen.dashes(lines, shaded(wood, 0.4), 1.3, "grain", 0.7)
    rug = _indoors(view, rgb(view.details.choice("rug", ("#b0413e", "#3f6f8f", "#8a4f7d", "#b9853a"))))
    pen.area(ellipse(128, 232, 96, 20, 14), rug, "rug")
    pen.dashes([[*ellipse(128, 232, 82, 15, 14), (210, 232)]], lit(rug, 0.5), 2.4, "rug", 0.8)
    if view.weather in ("clear", "cloudy") or view.time == "night":
        strength = {"dawn": 0.34, "day": 0.36, "dusk": 0.34, "night": 0.14}[view.time]
        strength *= 1.0 if view.weather == "clear" else 0.35
        lean = -view.side * 34
        for x0, x1 in ((66, 122), (134, 190)):
            patch = [(x0 + lean * 0.5, 196), (x1 + lean * 0.5, 196), (x1 + lean + 8, 246), (x0 + lean - 8, 246)]
            pen.beam(patch, mix(view.air.daylight.glow, view.air.daylight.sun, 0.4), strength)


def _frame(view: View, wood) -> None:
    pen = view.pen
    left, top, right, bottom = _LEFT, _TOP, _RIGHT, _BOTTOM
    bars = [
        rectangle(left - 6, top - 6, right - left + 12, 7),
        rectangle(left - 6, top - 6, 7, bottom - top + 12),
        rectangle(right - 1, top - 6, 7, bottom - top + 12),
        *view.details.choice("panes", _PANES),
    ]
    pen.areas(bars, wood, "trim", sharp=True)
    if view.white:
        pen.areas([puff(x, bottom - 1, 30, 5, 6) for x in (88, 166)], view.on(SNOW), "snow")
    pen.area(rectangle(left - 14, bottom - 1, right - left + 28, 8), lit(wood, 0.12), "building", sharp=True)
    cloth = _indoors(view, rgb(view.details.choice("curtain", ("#f1e4cf", "#c7d7d9", "#e4b9ac", "#d8c9e0"))))
    for side in (-1, 1):
        x = 128 + side * 88
        curtain = [
            (22, 14),
            (22, 14),
            (-28, 14),
            (-28, 14),
            (-22, 70),
            (-4, 120),
            (6, 168),
            (6, 168),
            (22, 168),
            (22, 168),
        ]
        pen.area([(x + side * u, y) for u, y in curtain], cloth, "building")
        folds = [[(x + side * u, 18), (x + side * (u + 4), 90), (x + side * (u + 12), 164)] for u in (-12, 2)]
        pen.dashes(folds, shaded(cloth, 0.34), 1.8, "grain", 0.8)
    pen.dashes([[(18, 13), (238, 13)]], shaded(wood, 0.3), 3.6, "trunk")


def _furniture(view: View, wood) -> None:
    """Along the walls, out of the object's way: a plant and a shelf."""
    pen = view.pen
    side = 1 if view.details.unit("plant") < 0.5 else -1
    if view.object != "none" and abs(128 + side * 104 - view.place) < 50:
        side = -side
    if view.object == "none" or abs(128 + side * 104 - view.place) > 50:
        x = 128 + side * 106
        pot = _indoors(view, rgb("#c4633f"))
        pen.area([(x - 13, 198), (x + 13, 198), (x + 9, 222), (x - 9, 222)], pot, "object", sharp=True)
        leaves = []
        for k in range(7):
            lean = (k - 3) / 3
            tip = (x + 24 * lean, 160 + 16 * lean * lean - 6 * (k % 2))
            leaves.append(
                [
                    (x, 200),
                    ((x + tip[0]) / 2 - 5, (200 + tip[1]) / 2 - 4),
                    tip,
                    ((x + tip[0]) / 2 + 5, (200 + tip[1]) / 2),
                ]
            )
        pen.areas(leaves, _indoors(view, rgb("#4f9a5e")), "leaf")
    x = 128 - side * 106
    if abs(x - view.place) < 50 and view.object != "none":
        return
    pen.area(rectangle(x - 16, 176, 32, 40), wood, "object", sharp=True)
    pen.dashes([[(x - 12, 196), (x + 12, 196)]], shaded(wood, 0.5), 1.6, "grain")
    for k, (high, colour) in enumerate(((18, "#a8564e"), (22, "#4f7a8a"), (16, "#cfa14e"), (20, "#6f8a5a"))):
        pen.area(rectangle(x - 13 + 6.6 * k, 176 - high, 5.6, high), _indoors(view, rgb(colour)), "book", sharp=True)

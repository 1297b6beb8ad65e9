"""Clothes: shoulders and what is worn on them, down to the canvas edge."""

from . import palette
from .head import Head
from .palette import Colour, mix, shaded
from .shapes import Points


def _cloth(portrait) -> Colour:
    base = palette.CLOTH[portrait["clothing_color"]]
    change = 1 + portrait.details.signed("cloth", 0.04)
    return tuple(channel * change for channel in base)


class _Body:
    """Shoulders under a head: the middle line, the half-widths, and the cloth's colours."""

    def __init__(self, head: Head) -> None:
        self.head = head
        self.x = head.x + head.turn * 4
        self.y = head.y
        self.neck = 22 if head.child else 27 if head.woman else 34
        self.reach = (88 if head.child else 102 if head.woman else 118) * head.size
        self.colour = _cloth(head.portrait)
        self.trim = palette.TRIM[head.portrait["clothing_color"]]

    def at(self, points: Points) -> Points:
        """Canvas points of (u, y) around the body's middle line, which a turned body shows off centre."""
        lean = self.head.turn * 5
        return [(self.x + u + (lean if abs(u) < 60 else 0), y + self.y) for u, y in points]

    def torso(self, neckline: Points) -> Points:
        """Shoulders closed by a neckline from right to left."""
        right = [
            (self.neck + 8, 208),
            (self.neck + 24, 215),
            (self.reach * 0.82, 226),
            (self.reach, 243),
            (self.reach + 7, 268),
        ]
        left = [(-u, y) for u, y in reversed(right)]
        return self.at(left + list(reversed(neckline)) + right)

    def paint(self, pen, points: Points, colour: Colour | None = None) -> None:
        colour = self.colour if colour is None else colour
        pen.area(points, colour, "cloth")
        pen.form(points, colour, "cloth", (self.x + self.head.light * 42, 232), 96)


def draw_back(pen, head: Head) -> None:
    """The hood behind the neck."""
    if head.portrait["clothing"] == "hoodie":
        body = _Body(head)
        hood = body.at([(-70, 226), (-74, 200), (-56, 180), (0, 172), (56, 180), (74, 200), (70, 226), (0, 236)])
        pen.area(hood, shaded(body.colour, 0.42), "cloth")


def draw_clothing(pen, head: Head) -> None:
    """The garment in front of neck and chest."""
    garments = {
        "t_shirt": _t_shirt,
        "shirt": _shirt,
        "suit": _suit,
        "hoodie": _hoodie,
        "turtleneck": _turtleneck,
        "dress": _dress,
        "hanfu": _hanfu,
    }
    garments[head.portrait["clothing"]](pen, _Body(head))


def _t_shirt(pen, body: _Body) -> None:
    neck = body.neck
    line = [(neck + 3, 210), (neck * 0.62, 224), (0, 230), (-neck * 0.62, 224), (-neck - 3, 210)]
    body.paint(pen, body.torso(line))
    pen.line(body.at([(neck + 6, 209), *line[1:4], (-neck - 6, 209)]), shaded(body.colour, 0.36), 6.5, "seam")
    for side in (-1, 1):
        pen.line(
            body.at([(side * (body.reach - 20), 233), (side * (body.reach - 27), 266)]),
            shaded(body.colour, 0.42),
            3,
            "seam",
        )


def _shirt(pen, body: _Body) -> None:
    neck = body.neck
    line = [(neck + 2, 206), (12, 220), (0, 234), (-12, 220), (-neck - 2, 206)]
    body.paint(pen, body.torso(line))
    pen.line(body.at([(0, 234), (0, 262)]), shaded(body.colour, 0.45), 3, "seam")
    for side in (-1, 1):
        flap = [
            (side * (neck - 2), 198),
            (side * (neck + 9), 205),
            (side * 33, 234),
            (side * 24, 240),
            (side * 0.5, 231),
            (side * 10, 216),
        ]
        pen.area(body.at(flap), palette.lit(body.colour, 0.42), "trim", sharp=True)
        pen.ring(body.at(flap), shaded(body.colour, 0.5), 2.2, "seam", sharp=True)
    for y in (242, 255):
        x, level = body.at([(5, y)])[0]
        pen.dot(x, level, 3.0, mix(body.trim, palette.INK, 0.1), "button")


def _suit(pen, body: _Body) -> None:
    neck, details = body.neck, body.head.portrait.details
    white = palette.rgb("#fbf8f2")
    front = [(-neck - 3, 204), (0, 224), (neck + 3, 204), (40, 224), (20, 268), (-20, 268), (-40, 224)]
    tie = details.choice("tie", (palette.rgb("#8e2f3c"), palette.rgb("#27406e"), palette.rgb("#3a5e48")))
    pen.area(body.at(front), white, "trim", sharp=True)
    pen.area(body.at([(-8, 218), (8, 218), (6, 229), (13, 268), (-13, 268), (-6, 229)]), tie, "tie", sharp=True)
    pen.line(body.at([(-6.5, 229), (6.5, 229)]), shaded(tie, 0.5), 2.2, "seam")
    for side in (-1, 1):
        right = [
            (neck + 6, 205),
            (neck + 24, 214),
            (body.reach * 0.82, 226),
            (body.reach, 243),
            (body.reach + 7, 268),
            (12, 268),
            (22, 246),
        ]
        body.paint(pen, body.at([(side * u, y) for u, y in right]))
        lapel = [(neck + 4, 203), (neck + 17, 211), (52, 232), (40, 238), (48, 243), (12, 270), (22, 240)]
        pen.area(body.at([(side * u, y) for u, y in lapel]), shaded(body.colour, 0.28), "lapel", sharp=True)
        pen.ring(body.at([(side * u, y) for u, y in lapel]), shaded(body.colour, 0.62), 2.2, "seam", sharp=True)
        collar = [(side * (neck - 3), 197), (side * (neck + 6), 204), (side * 20, 230), (side * 3, 219)]
        pen.area(body.at(collar), white, "trim", sharp=True)


def _hoodie(pen, body: _Body) -> None:
    neck = body.neck
    line = [(neck + 4, 206), (neck * 0.6, 224), (0, 233), (-neck * 0.6, 224), (-neck - 4, 206)]
    body.paint(pen, body.torso(line))
    for side in (-1, 1):
        roll = [
            (side * (neck + 1), 196),
            (side * (neck + 24), 200),
            (side * 52, 216),
            (side * 36, 234),
            (side * 2, 246),
            (side * 2, 232),
            (side * neck * 0.7, 218),
        ]
        pen.area(body.at(roll), palette.lit(body.colour, 0.12), "cloth")
        pen.line(body.at([(side * 50, 217), (side * 34, 233), (side * 4, 244)]), shaded(body.colour, 0.5), 3, "seam")
        string = body.at([(side * 15, 236), (side * 17, 250), (side * 15, 262)])
        pen.line(string, body.trim, 4.6, "string")


def _turtleneck(pen, body: _Body) -> None:
    neck = body.neck
    body.paint(pen, body.torso([(neck, 206), (0, 210), (-neck, 206)]))
    w = neck + 8
    collar = [(-w + 2, 184), (0, 189), (w - 2, 184), (w + 1, 198), (w + 5, 213), (0, 222), (-w - 5, 213), (-w - 1, 198)]
    points = body.at(collar)
    pen.area(points, palette.lit(body.colour, 0.1), "cloth")
    ribs = [body.at([(k * w / 3.75, 192), (k * w / 3.43, 215)]) for k in range(-3, 4)]
    pen.lines(ribs, shaded(body.colour, 0.36), 2.6, "seam")
    pen.line(body.at([(-w - 5, 214), (0, 223), (w + 5, 214)]), shaded(body.colour, 0.55), 6.0, "seam")


def _dress(pen, body: _Body) -> None:
    skin = body.head.skin
    bare = body.torso([(body.neck, 207), (0, 212), (-body.neck, 207)])
    pen.area(bare, skin, "skin")
    pen.form(bare, skin, "skin", (body.x + body.head.light * 42, 232), 96)
    for side in (-1, 1):
        pen.line(body.at([(side * 4, 229), (side * 22, 224), (side * 40, 221)]), shaded(skin, 0.32), 2.6, "soft_crease")
        pen.line(body.at([(side * 50, 247), (side * 47, 232), (side * 42, 215)]), body.colour, 9, "strap")
    half = [(0, 252), (18, 241), (36, 238), (56, 243), (body.reach * 0.8, 256), (body.reach * 0.84, 270)]
    points = body.at(half + [(-u, y) for u, y in reversed(half) if u])
    body.paint(pen, points)
    pen.line(
        body.at([(-56, 244), (-36, 239), (-18, 242), (0, 252), (18, 242), (36, 239), (56, 244)]),
        palette.lit(body.colour, 0.45),
        3.4,
        "seam",
    )
    for u, y in ((-24, 208), (-16, 217), (-6, 222), (6, 222), (16, 217), (24, 208)):
        x, level = body.at([(u, y)])[0]
        pen.dot(x, level, 3.4, palette.rgb("#fbf6ea"), "pearl")


def _hanfu(pen, body: _Body) -> None:
    neck = body.neck
    body.paint(pen, body.torso([(neck, 208), (0, 240), (-neck, 208)]))
    bands = ((-1, -0.9), (1, 1.0))
    for side, _ in bands:
        far = -side * (46 if side > 0 else 4)
        low = 272 if side > 0 else 250
        inner = [(side * (neck - 1), 198), (side * (neck + 6), 202), (far + side * 12, low), (far, low)]
        outer = [(side * (neck + 3), 199), (side * (neck + 17), 206), (far + side * 32, low), (far + side * 10, low)]
        pen.area(body.at(inner), palette.rgb("#fffaf0"), "trim", sharp=True)
        pen.area(body.at(outer), body.trim, "sash", sharp=True)
        pen.line(body.at([outer[1], outer[2]]), shaded(body.colour, 0.55), 2.4, "seam")
        pen.line(body.at([outer[0], outer[3]]), shaded(body.trim, 0.4), 2.0, "seam")

"""What every drawing module of a scene shares: the pen, the light, where things stand, plants and outlines."""

import math
from collections.abc import Sequence
from functools import cached_property

from ..attributes import MONOCHROME_STYLES
from ..palette import Colour, lit, mix, rgb, shaded
from ..shapes import Points
from .light import Air

PLACES = {"left": 62.0, "middle": 128.0, "right": 194.0}
SHORE, BANK = 158.0, 208.0  # where the far and the near edge of a lake or river lie
STAND = 230.0  # where the object stands
_HORIZONS = {"mountains": 150, "sea": 132, "city": 158, "forest": 156, "desert": 146, "interior": 150}
_HIGH_SUN = 47.0
_LOW_SUN = {"mountains": 48, "sea": 11, "city": 62, "forest": 62, "desert": 15, "interior": 68}  # above the horizon

FOLIAGE = {  # broad-leaved trees: body and lit side, alternating
    "spring": (("#f4a3bd", "#ffd3df"), ("#8fc464", "#bfe08a"), ("#ee8fb0", "#ffc4d6")),
    "summer": (("#2f7d43", "#58ab52"), ("#3c8f4b", "#74bd5a"), ("#276f44", "#4e9f50")),
    "autumn": (("#d9682b", "#f5a03c"), ("#e8a030", "#f9cb55"), ("#b8402c", "#e2703a")),
}
GRASS = {"spring": "#93c766", "summer": "#57a347", "autumn": "#c79a48", "winter": "#eef3f8"}
CONIFERS = {"spring": "#3f8a60", "summer": "#2b6e4f", "autumn": "#3d6b4c", "winter": "#4a7270"}
BARK = rgb("#6b4a38")
SNOW = rgb("#f7fafd")


class View:
    """One scene being drawn.

    Attributes:
        pen: the style's pen.
        time, weather, season, ground, object: str. What is drawn.
        details: Details. The chance numbers.
        air: Air. The light.
        horizon: float. Where the sky ends.
        place: float. Where the object stands, from the left.
        sun: pair of floats. Where the sun or moon stands.
        side: int. -1 where the light comes from the left, 1 from the right.
        white: bool. Whether snow lies.
    """

    def __init__(self, scene, pen) -> None:
        shown = scene.shown
        self.pen, self.details = pen, scene.details
        self.style, self.setting = shown["style"], shown["setting"]
        self.time, self.weather, self.season = shown["time"], shown["weather"], shown["season"]
        self.ground, self.object = shown["ground"], shown["object"]
        self.air = Air(self.time, self.weather, grey=self.style in MONOCHROME_STYLES)
        self.place = PLACES[shown["position"]]
        self.horizon = _HORIZONS[self.setting] + self.details.signed("horizon", 5)
        options = [x for x in PLACES.values() if x != self.place]
        x = self.details.choice("sun", options) + self.details.signed("sun's place", 13)
        if self.setting == "interior":
            x = 128 + 0.62 * (x - 128)
        self.sun = (x, self.horizon - _LOW_SUN[self.setting] if self.time in ("dawn", "dusk") else _HIGH_SUN)
        self.side = -1 if x < 128 else 1
        self.white = self.season == "winter" or self.weather == "snow"
        self.reflections: list[tuple[Points, Colour]] = []

    @cached_property
    def branch(self) -> int:
        """The upper corner that a branch hangs into: -1 left, 1 right, 0 none; never over a balloon."""
        if self.object == "balloon":
            return 0
        return -self.side

    def on(self, colour: str | Colour, depth: float = 0.0) -> Colour:
        """A colour in the scene's light at a depth."""
        return self.air.on(rgb(colour) if isinstance(colour, str) else colour, depth)

    def near(self, colour: str | Colour, depth: float = 0.0) -> Colour:
        """A colour of the object, or of what shows the season: readable in the dark too."""
        return self.air.near(rgb(colour) if isinstance(colour, str) else colour, depth)

    def grass(self, depth: float = 0.0, shade: float = 0.0) -> Colour:
        """Colour of the open land."""
        colour = SNOW if self.white else rgb(GRASS[self.season])
        return mix(self.on(shaded(colour, shade), depth), self.near(shaded(colour, shade), depth), 0.4)

    def span(self, name: str, low: float, high: float) -> float:
        """Uniform number from `low` to `high`."""
        return low + (high - low) * self.details.unit(name)

    def rolling(self, name: str, y: float, swing: float) -> Points:
        """A stretch of land with a gently rolling upper edge, across the whole picture."""
        phase = 6.283 * self.details.unit(name)
        edge = [
            (x, y + swing * (math.sin(x / 41 + phase) + 0.5 * math.sin(x / 17 + 2 * phase)))
            for x in range(-20, 290, 22)
        ]
        right, left = edge[-1][0], edge[0][0]
        return [*edge, edge[-1], (right, 264), (right, 264), (left, 264), (left, 264), edge[0]]

    # Plants.

    def grove(self, name: str, places: Sequence[tuple[float, float, float]], depth: float, kinds: int = 3) -> None:
        """Broad-leaved trees at (x, base, height), in the season's dress, all of them in few strokes."""
        if self.season == "winter":
            return self.bare(name, places, depth)
        trunk = self.on(BARK, depth)
        trunks = [
            [(x - 0.04 * h, y), (x - 0.025 * h, y - 0.55 * h), (x + 0.025 * h, y - 0.55 * h), (x + 0.04 * h, y)]
            for x, y, h in places
        ]
        self.pen.areas(trunks, trunk, "trunk", sharp=True)
        for kind in range(kinds):
            body, light = (self.near(text, depth) for text in FOLIAGE[self.season][kind])
            chosen = [place for index, place in enumerate(places) if index % kinds == kind]
            if not chosen:
                continue
            crowns = [crown for x, y, h in chosen for crown in _crown(x, y, h)]
            self.pen.areas(crowns, body, "leaf")
            tops = [puff(x + 0.09 * h * self.side, y - 0.73 * h, 0.19 * h, 0.19 * h, 6, 0.4 * x) for x, y, h in chosen]
            self.pen.areas(tops, light, "crown")
            if self.weather == "snow":
                caps = [puff(x, y - 0.9 * h, 0.2 * h, 0.09 * h, 5, x) for x, y, h in chosen]
                self.pen.areas(caps, self.on(SNOW, depth), "crown")

    def bare(self, name: str, places: Sequence[tuple[float, float, float]], depth: float) -> None:
        """Leafless trees with snow in their forks."""
        wide, thin, snow = [], [], []
        for x, y, h in places:
            lean = self.details.signed(f"{name} {x:.0f}", 0.06) * h
            fork = y - 0.42 * h
            wide.append([(x, y), (x + 0.3 * lean, fork), (x + lean, y - 0.72 * h)])
            for side, low, reach, rise in ((-1, 0.36, 0.3, 0.42), (1, 0.46, 0.28, 0.4), (-1, 0.6, 0.18, 0.32)):
                start = (x + lean * low, y - low * h)
                middle = (x + side * 0.5 * reach * h, y - (low + 0.45 * rise) * h)
                tip = (x + side * reach * h, y - (low + rise) * h)
                thin.append([start, middle, tip])
                twig = (middle[0] + side * 0.02 * h, middle[1] - 0.2 * h)
                thin.append([middle, twig])
                snow.append([(a, b - 0.02 * h) for a, b in (start, middle, tip)])
            thin.append([(x + lean, y - 0.72 * h), (x + 1.3 * lean, y - h)])
        size = places[0][2]
        colour = self.on("#6d5a58", depth)
        self.pen.dashes(wide, colour, max(1.5, 0.06 * size), "trunk")
        self.pen.dashes(thin, colour, max(1.1, 0.028 * size), "trunk")
        if self.white:
            self.pen.dashes(snow, self.on(SNOW, depth), max(0.8, 0.02 * size), "snow")

    def conifers(self, places: Sequence[tuple[float, float, float]], depth: float) -> None:
        """Firs at (x, base, height)."""
        shade = self.on(CONIFERS[self.season], depth)
        self.pen.areas([fir(x, y, h) for x, y, h in places], shade, "leaf", sharp=True)
        if self.white:
            caps = [fir_snow(x, y, h, tier) for x, y, h in places for tier in range(3)]
            self.pen.areas(caps, self.on(SNOW, depth), "snow", sharp=True)
        elif depth < 0.6:
            lights = [fir_light(x, y, h, self.side) for x, y, h in places]
            self.pen.areas(lights, mix(shade, lit(shade, 0.35), 0.6), "crown", sharp=True)

    def tufts(self, name: str, count: int, top: float, colour: Colour) -> None:
        """Blades of grass."""
        blades = []
        for k in range(count):
            x = 256 * ((k * 0.618 + self.details.unit(name)) % 1)
            y = self.span(f"{name} {k}", top, 254)
            size = 9 * (0.5 + 0.9 * (y - top) / (257 - top))
            for lean in (-0.45, 0.1, 0.5):
                blades.append([(x + 2.5 * lean, y), (x + lean * size, y - size * (1 - 0.3 * abs(lean)))])
        self.pen.dashes(blades, colour, 1.7, "grass")

    def flowers(self, name: str, count: int, top: float, colours: Sequence[str]) -> None:
        """Flowers, or leaves and petals on the ground."""
        for index, colour in enumerate(colours):
            places = []
            for k in range(index, count, len(colours)):
                x = 256 * ((k * 0.618 + self.details.unit(name)) % 1)
                y = self.span(f"{name} {k}", top, 254)
                places.append((x, y, 1.3 + 1.7 * (y - top) / (257 - top)))
            self.pen.dots(places, self.near(colour), "flower")

    def carpet(self, top: float) -> None:
        """What the season spreads over the open ground before the viewer."""
        if self.white:
            shadow = self.on("#b9cbe2")
            lines = []
            for k in range(5):
                x, y = self.span(f"drift {k}", -10, 230), top + (250 - top) * (k + 0.6) / 5
                lines.append([(x, y), (x + 18, y - 2.5), (x + 40, y)])
            return self.pen.dashes(lines, shadow, 2.0, "snow")
        blade = {"spring": "#5c9a48", "summer": "#2f7a3c", "autumn": "#8f6a30"}[self.season]
        self.tufts("tufts", 16, top, self.on(blade))
        colours = {
            "spring": ("#ffffff", "#f38fb2", "#f7d756"),
            "summer": ("#f6d64a", "#ffffff"),
            "autumn": ("#d9582b", "#f0b23c", "#a93b2a"),
        }[self.season]
        self.flowers("flowers", {"spring": 30, "summer": 10, "autumn": 30}[self.season], top, colours)


# Outlines.


def puff(x: float, y: float, rx: float, ry: float, lobes: int, turn: float = 0.0) -> Points:
    """A rounded, scalloped outline: foliage, a bush."""
    points = []
    for k in range(2 * lobes):
        angle = math.pi * k / lobes + turn
        reach = (1.05 if k % 2 else 0.93) + 0.05 * math.sin(2.3 * k + 3 * turn)
        points.append((x + rx * reach * math.cos(angle), y + ry * reach * math.sin(angle)))
    return points


def _crown(x: float, base: float, high: float) -> list[Points]:
    """The foliage of a tree of some height: one round crown, or three where the tree is near."""
    if high < 60:
        return [puff(x, base - 0.64 * high, 0.33 * high, 0.36 * high, 8, 0.7 * x)]
    places = ((-0.2, 0.5, 0.22, 0.2), (0.2, 0.54, 0.22, 0.22), (0.0, 0.74, 0.28, 0.27))
    return [puff(x + u * high, base - v * high, rx * high, ry * high, 9, 0.7 * x + u) for u, v, rx, ry in places]


def fir(x: float, base: float, high: float) -> Points:
    """A fir of three tiers on a short trunk."""
    half, low = 0.25 * high, base - 0.08 * high
    peak = base - high
    third = (low - peak) / 3
    right = [
        (x + 0.55 * half, peak + third),
        (x + 0.28 * half, peak + 0.96 * third),
        (x + 0.8 * half, peak + 2 * third),
        (x + 0.42 * half, peak + 1.95 * third),
        (x + half, low),
        (x + 0.14 * half, low - 0.01 * high),
        (x + 0.14 * half, base),
    ]
    return [(x, peak), *right, *((2 * x - a, b) for a, b in reversed(right))]


def fir_snow(x: float, base: float, high: float, tier: int) -> Points:
    """Snow on one tier of a fir."""
    half, third = 0.25 * high, 0.92 * high / 3
    top = base - high + tier * third * 0.96
    wide = half * (0.42, 0.62, 0.8)[tier] * 0.82
    low = top + third * (0.72 if tier == 0 else 0.78)
    inner = 0.0 if tier == 0 else 0.16 * half
    return [
        (x - inner, top + 0.12 * third * tier),
        (x + inner, top + 0.12 * third * tier),
        (x + wide, low),
        (x + 0.45 * wide, low - 0.22 * third),
        (x, low - 0.02 * third),
        (x - 0.45 * wide, low - 0.22 * third),
        (x - wide, low),
    ]


def fir_light(x: float, base: float, high: float, side: int) -> Points:
    """The lit flank of a fir."""
    half, third = 0.25 * high, 0.92 * high / 3
    peak = base - high
    return [
        (x, peak),
        (x + side * 0.5 * half, peak + 0.94 * third),
        (x + side * 0.16 * half, peak + 0.9 * third),
        (x + side * 0.72 * half, peak + 1.94 * third),
        (x + side * 0.24 * half, peak + 1.86 * third),
        (x + side * 0.9 * half, base - 0.1 * high),
        (x + side * 0.12 * half, base - 0.16 * high),
    ]


def rectangle(x: float, y: float, wide: float, high: float) -> Points:
    return [(x, y), (x + wide, y), (x + wide, y + high), (x, y + high)]


def mirrored(points: Points, level: float, squeeze: float = 0.75) -> Points:
    """Upside down in water whose surface begins at `level`."""
    return [(x, level + squeeze * (level - y)) for x, y in points]

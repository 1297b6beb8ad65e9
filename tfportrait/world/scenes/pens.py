"""The pens of the portraits' styles, taught what a scene needs: skies, layers of land, mist, glints, falling weather.

What the drawing modules call is `_Scenic`; each style then says how it does that.
"""

import math

from .. import palette
from ..media import InkPen, OilPen, PencilPen, WatercolourPen
from ..palette import Colour, css, lit, luminance, mix, shaded
from ..shapes import Points, hatching, path, paths, polygon, stroke_outline, wobbled
from ..styles import AnimePen, Pen, SoftPen

Circles = list[tuple[float, float, float]]
_DRAWN = {"object": 2.4, "near": 2.0, "trunk": 1.8, "leaf": 1.4, "building": 1.4, "land": 1.2}
"""What the drawn styles give an outline, and how wide."""


class _EvenLight:
    """What a portrait's pen asks of a portrait; a scene has its own light."""

    def __init__(self, scene) -> None:
        self.details = scene.details

    def __getitem__(self, name: str) -> str:
        return "even"


def circles(places: Circles) -> str:
    """Path data of discs (x, y, radius)."""
    return "".join(
        f"M{x - r:.1f} {y:.1f}a{r:.1f} {r:.1f} 0 1 0 {2 * r:.1f} 0a{r:.1f} {r:.1f} 0 1 0 {-2 * r:.1f} 0Z"
        for x, y, r in places
    )


def dabs(lines: list[tuple[float, ...]], width: float, tip: float = 1.0) -> str:
    """Path data of straight strokes (x0, y0, x1, y1) as quadrilaterals, which are filled faster than lines are stroked.

    The stroke is `width` wide where it begins and `tip` times that where it ends.
    """
    parts = []
    for x0, y0, x1, y1 in lines:
        half = 0.5 * width / (math.hypot(x1 - x0, y1 - y0) or 1.0)
        u, v = (y0 - y1) * half, (x1 - x0) * half
        a, b = u * tip, v * tip
        parts += (x0 + u, y0 + v, x1 + a, y1 + b, x1 - a, y1 - b, x0 - u, y0 - v)
    return "M%.1f %.1fL%.1f %.1f %.1f %.1f %.1f %.1fZ" * len(lines) % tuple(parts)


class _Scenic:
    """A scene's vocabulary; on top of `Pen` this is the flat style."""

    def __init__(self, scene) -> None:
        super().__init__(_EvenLight(scene))

    def sky(self, colours: tuple[Colour, Colour, Colour], horizon: float, sun: tuple[float, float]) -> None:
        """The whole canvas, from the zenith's colour to the horizon's."""
        top, middle, low = (self.tone(colour, "sky") for colour in colours)
        self._ramp(((0.0, top), (0.55, middle), (1.0, low)), horizon)

    def _ramp(self, stops, bottom: float) -> None:
        marks = "".join(f'<stop offset="{at}" stop-color="{css(colour)}"/>' for at, colour in stops)
        name = self.define(
            ("ramp", stops, bottom),
            f'<linearGradient id="{{}}" gradientUnits="userSpaceOnUse" x1="0" y1="0" x2="0" y2="{bottom:.0f}">'
            f"{marks}</linearGradient>",
        )
        self.put(f'<rect width="256" height="256" fill="url(#{name})"/>')

    def area(self, points: Points, colour: Colour, part: str, sharp: bool = False) -> None:
        self.areas([points], colour, part, sharp)

    def areas(self, outlines: list[Points], colour: Colour, part: str, sharp: bool = False) -> None:
        """Fills several outlines of one kind at once."""
        self.fill("".join(self.trace(points, sharp) for points in outlines), self.tone(colour, part))

    def layer(self, points: Points, colour: Colour, foot: Colour, part: str, sharp: bool = False) -> None:
        """A stretch of land or water: `colour` at its upper edge, `foot` where it goes down into mist or distance."""
        self.area(points, mix(colour, foot, 0.3), part, sharp)

    def downward(self, points: Points, colours: tuple[Colour, ...]) -> str:
        """Paint from above to below an outline."""
        ys = [y for _, y in points]
        top, bottom = round(min(ys)), round(min(256.0, max(ys)))
        marks = "".join(
            f'<stop offset="{index / (len(colours) - 1):.2f}" stop-color="{css(colour)}"/>'
            for index, colour in enumerate(colours)
        )
        name = self.define(
            ("down", top, bottom, colours),
            f'<linearGradient id="{{}}" gradientUnits="userSpaceOnUse" x1="0" y1="{top}" x2="0" y2="{bottom}">'
            f"{marks}</linearGradient>",
        )
        return f"url(#{name})"

    def halo(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        """Light around a lamp, the sun or the moon."""
        for share in (1.0, 0.72, 0.46):
            self.oval(x, y, radius * share, radius * share, self.tone(colour, "light"), 0.3 * strength)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """The sun or moon."""
        self.fill(circles([(x, y, radius)]), self.tone(colour, "light"))

    def veil(self, y: float, high: float, colour: Colour, strength: float) -> None:
        """A bank of mist across the picture, densest at `y`."""
        phase = 6.28 * self.portrait.details.unit(f"veil {y:.0f}")
        upper = [(x, y - 0.5 * high + 0.12 * high * math.sin(x / 23 + phase)) for x in range(-20, 290, 20)]
        lower = [(x, y + 0.5 * high + 0.12 * high * math.sin(x / 29 - phase)) for x in range(280, -30, -20)]
        self.fill(path(upper + lower), self.tone(colour, "light"), 0.62 * strength)

    def dots(self, places: Circles, colour: Colour, part: str, opacity: float = 1.0) -> None:
        """Many small discs: flakes, stars, petals, flowers."""
        if places:
            self.fill(circles(places), self.tone(colour, part), opacity)

    def dashes(self, curves: list[Points], colour: Colour, width: float, part: str, opacity: float = 1.0) -> None:
        """Many open strokes: rain, ripples, grass, branches."""
        if curves:
            self.stroke(paths(curves), self.tone(colour, part), width, opacity)

    def beam(self, points: Points, colour: Colour, strength: float) -> None:
        """A shaft of light, or the patch that it lays on the ground."""
        self.fill(polygon(points), self.tone(colour, "light"), strength)

    def cast(self, x: float, y: float, rx: float, ry: float, colour: Colour, strength: float) -> None:
        """The shadow of what stands on the ground."""
        self.oval(x, y, rx, ry, self.tone(colour, "light"), strength)

    def finish(self) -> None:
        """After everything else: paper, canvas, seal."""


def _inside(x: float, y: float, points: Points) -> bool:
    inside = False
    x0, y0 = points[-1]
    for x1, y1 in points:
        if (y1 > y) != (y0 > y) and x < x1 + (y - y1) * (x0 - x1) / (y0 - y1):
            inside = not inside
        x0, y0 = x1, y1
    return inside


class FlatScene(_Scenic, Pen):
    """Flat: solid colours, stepped skies, rings of light."""

    def sky(self, colours: tuple[Colour, Colour, Colour], horizon: float, sun: tuple[float, float]) -> None:
        top, middle, low = colours
        self.fill("M0 0H256V256H0Z", top)
        for step in range(1, 6):
            share = step / 5
            colour = mix(top, middle, 2 * share) if share < 0.5 else mix(middle, low, 2 * share - 1)
            x, y = sun[0], horizon + 30
            radius = (1.18 - share) * (horizon + 190) + 16
            self.fill(circles([(x, y, radius)]), colour)


class SoftScene(_Scenic, SoftPen):
    """Soft-shaded: every layer of land a gradient, light that fades, clouds without an edge."""

    _ROUNDED = {"near": 0.3, "object": 0.3, "leaf": 0.34, "building": 0.22, "cloud": 0.14, "trunk": 0.3}

    def areas(self, outlines: list[Points], colour: Colour, part: str, sharp: bool = False) -> None:
        data = "".join(self.trace(points, sharp) for points in outlines)
        deep = self._ROUNDED.get(part)
        if deep is None:
            return self.fill(data, colour)
        everything = outlines[0] if len(outlines) == 1 else [point for points in outlines for point in points]
        self.fill(data, self.downward(everything, (lit(colour, deep * 0.6), shaded(colour, deep))))

    def layer(self, points: Points, colour: Colour, foot: Colour, part: str, sharp: bool = False) -> None:
        self.fill(self.trace(points, sharp), self.downward(points, (colour, foot)))

    def halo(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        self.soft_spot(x, y, radius, radius, colour, strength)

    def veil(self, y: float, high: float, colour: Colour, strength: float) -> None:
        shade = css(colour)
        name = self.define(
            ("veil", shade),
            f'<linearGradient id="{{}}" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{shade}" '
            f'stop-opacity="0"/><stop offset="0.5" stop-color="{shade}"/><stop offset="1" stop-color="{shade}" '
            f'stop-opacity="0"/></linearGradient>',
        )
        self.put(
            f'<rect y="{y - high:.0f}" width="256" height="{2 * high:.0f}" fill="url(#{name})" '
            f'fill-opacity="{strength:.2f}"/>'
        )

    def cast(self, x: float, y: float, rx: float, ry: float, colour: Colour, strength: float) -> None:
        self.soft_spot(x, y, rx, ry, colour, 1.6 * strength)


class WatercolourScene(_Scenic, WatercolourPen):
    """Watercolour: wet washes, darker where they dried, blooms, and paper left bare around the picture."""

    _WASHED = {"land": 0.34, "near": 0.16, "water": 0.3, "object": 0.1, "leaf": 0.2, "building": 0.26, "cloud": 0.3}

    def tone(self, colour: Colour, part: str) -> Colour:
        return mix(palette.saturated(colour, 0.12), self.paper, 0.16 if part in ("sky", "cloud") else 0.06)

    def sky(self, colours: tuple[Colour, Colour, Colour], horizon: float, sun: tuple[float, float]) -> None:
        super().sky(colours, horizon, sun)
        details = self.portrait.details
        for k in range(5):
            x, y = 256 * ((k * 0.618 + details.unit("bloom")) % 1), horizon * 0.9 * details.unit(f"bloom {k}")
            colour = self.paper if k % 2 else shaded(self.tone(colours[0], "sky"), 0.25)
            self.soft_spot(x, y, 44, 24, colour, 0.34)

    def areas(self, outlines: list[Points], colour: Colour, part: str, sharp: bool = False) -> None:
        data = "".join(self.trace(points, sharp) for points in outlines)
        thin = self._WASHED.get(part)
        pigment = self.tone(colour, part)
        if thin is None:
            return self.fill(data, pigment)
        everything = outlines[0] if len(outlines) == 1 else [point for points in outlines for point in points]
        pale = mix(pigment, self.paper, thin)
        self.fill(data, self.downward(everything, (pigment, pale, mix(pigment, pale, 0.4))), 0.94)
        self.stroke(data, shaded(pigment, 0.4), 1.6, 0.4)

    def layer(self, points: Points, colour: Colour, foot: Colour, part: str, sharp: bool = False) -> None:
        data = self.trace(points, sharp)
        pigment, pale = self.tone(colour, part), mix(self.tone(foot, part), self.paper, 0.2)
        self.fill(data, self.downward(points, (pigment, mix(pigment, pale, 0.75), pale)), 0.94)
        self.stroke(data, shaded(pigment, 0.32), 1.8, 0.34)

    def halo(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        self.soft_spot(x, y, radius, radius, mix(colour, self.paper, 0.2), strength)

    veil = SoftScene.veil

    def finish(self) -> None:
        details = self.portrait.details
        spots = []
        for k in range(14):
            x, y = 256 * ((k * 0.618 + details.unit("spatter")) % 1), 256 * details.unit(f"spatter {k}")
            spots.append((x, y, 0.6 + 1.5 * details.unit(f"drop {k}")))
        self.fill(circles(spots), "#4a4a78", 0.16)
        edge = []
        for k in range(48):
            side, along = k // 12, (k % 12) / 12
            inset = 6 + 5 * details.unit(f"edge {k}")
            far = 256 - inset
            edge.append(
                ((along * 256, inset), (far, along * 256), (256 - along * 256, far), (inset, 256 - along * 256))[side]
            )
        for k in (0, 12, 24, 36):
            x, y = edge[k]
            edge[k] = (min(max(x, 11), 245), min(max(y, 11), 245))
        self.put(f'<path d="M-9 -9H265V265H-9Z{path(edge)}" fill-rule="evenodd" fill="{css(self.paper)}"/>')
        self.stroke(path(edge), "#6a6488", 1.2, 0.22)


class OilScene(_Scenic, OilPen):
    """Oil: colour laid on in strokes that follow the form, lighter and darker than what lies under them."""

    _STROKES = {  # part: (angle in degrees, distance, length, width)
        "land": (24, 14, 22, 7.5),
        "near": (-12, 16, 28, 8.0),
        "water": (0, 14, 30, 5.0),
        "leaf": (52, 9, 9, 5.4),
        "building": (84, 15, 16, 5.4),
        "cloud": (-8, 14, 20, 7.0),
        "object": (34, 8.5, 10, 3.6),
        "wall": (66, 20, 30, 11.0),
        "floor": (4, 20, 30, 6.0),
    }

    def tone(self, colour: Colour, part: str) -> Colour:
        return palette.saturated(colour, 0.22)

    def sky(self, colours: tuple[Colour, Colour, Colour], horizon: float, sun: tuple[float, float]) -> None:
        super().sky(colours, horizon, sun)
        top, middle, low = (self.tone(colour, "sky") for colour in colours)
        details = self.portrait.details
        bend, lean = details.signed("swirl", 9), details.signed("lean", 6)
        groups: dict[int, list[tuple[float, ...]]] = {}
        rows = 11
        for row in range(rows):
            y = (row + 0.3) * horizon / (rows - 0.4)
            for column in range(9):
                x = -14 + 34 * column + 17 * (row % 2) + details.signed(f"stroke {row} {column}", 9)
                slope = lean + bend * math.sin(x / 37 + 0.7 * row)
                groups.setdefault(row // 4 * 3 + (row + column * 2) % 3, []).append(
                    (x - 21, y - slope, x + 21, y + slope)
                )
        for key, strokes in groups.items():
            share = (key // 3) / 2
            base = mix(top, middle, 2 * share) if share < 0.5 else mix(middle, low, 2 * share - 1)
            tint = (lit(base, 0.26), shaded(base, 0.2), mix(base, lit(low, 0.1), 0.34))[key % 3]
            self.fill(dabs(strokes, 9.0, 0.7), tint, 0.42)

    def areas(self, outlines: list[Points], colour: Colour, part: str, sharp: bool = False) -> None:
        pigment = self.tone(colour, part)
        self.fill("".join(self.trace(points, sharp) for points in outlines), pigment)
        if part in self._STROKES:
            self._impasto(outlines, pigment, part)

    def layer(self, points: Points, colour: Colour, foot: Colour, part: str, sharp: bool = False) -> None:
        pigment = self.tone(colour, part)
        self.fill(self.trace(points, sharp), self.downward(points, (pigment, self.tone(foot, part))))
        self._impasto([points], pigment, part)

    @staticmethod
    def _thickness(part: str) -> float:
        return {"object": 0.5, "leaf": 0.5, "wall": 0.24, "water": 0.36}.get(part, 0.34)

    def _impasto(self, outlines: list[Points], pigment: Colour, part: str) -> None:
        turn, gap, length, width = self._STROKES.get(part, self._STROKES["land"])
        turn, reach = math.radians(turn), 0.5 * length
        light, dark = [], []
        for points in outlines:
            xs, ys = [x for x, _ in points], [y for _, y in points]
            left, right = max(min(xs), -4), min(max(xs), 260)
            top, bottom = max(min(ys), -4), min(max(ys), 260)
            rows = max(1, round((bottom - top) / (gap * 0.7)))
            for row in range(rows):
                y = top + (row + 0.5) * (bottom - top) / rows
                x = left + gap * (0.45 + 0.4 * math.sin(row * 2.4 + self.phase))
                while x < right:
                    swing = math.sin(0.7 * x + 1.9 * row)
                    if _inside(x, y, points):
                        angle = turn + 0.2 * swing
                        dx, dy = reach * math.cos(angle), reach * math.sin(angle)
                        (light if swing > 0.1 else dark).append((x - dx, y - dy, x + dx, y + dy))
                    x += gap * (1 + 0.3 * swing)
        if light:
            self.fill(dabs(light, width, 0.7), lit(pigment, 0.2), self._thickness(part))
        if dark:
            self.fill(dabs(dark, width, 0.7), shaded(pigment, 0.26), self._thickness(part))

    def halo(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        pigment = self.tone(colour, "light")
        self.soft_spot(x, y, radius, radius, pigment, strength * 0.8)
        curves = []
        for ring, share in enumerate((0.42, 0.68, 0.94)):
            for k in range(7 + 3 * ring):
                turn = 6.283 * k / (7 + 3 * ring) + ring
                arc = [turn, turn + 0.2, turn + 0.4]
                reach = radius * share
                curves.append([(x + reach * math.cos(a), y + reach * math.sin(a)) for a in arc])
        self.stroke(paths(curves), lit(pigment, 0.25), max(1.6, radius * 0.07), 0.5 * strength)

    veil = SoftScene.veil


class _Drawing(_Scenic):
    """What the styles without colour share: light is bare paper, and pale things have a line around them."""

    line: Colour

    def halo(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        self.soft_spot(x, y, radius, radius, self.paper, strength * 0.8)

    def dots(self, places: Circles, colour: Colour, part: str, opacity: float = 1.0) -> None:
        super().dots(places, colour, part, opacity)
        if part == "snow":
            self.stroke(circles([place for place in places if place[2] > 1.5]), self.line, 0.9, 0.5)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        super().disc(x, y, radius, colour)
        self.stroke(circles([(x, y, radius)]), self.line, 2.0, 0.85)

    def contoured(self, outlines: list[Points], colour: Colour) -> None:
        """Overlapping outlines as one form: the lines go under the fill."""
        data = "".join(self.trace(points) for points in outlines)
        self.stroke(data, self.line, 2.6, 0.8)
        self.fill(data, colour)


def _hatched(outline: Points, gap: float, turn: float) -> list[tuple[float, ...]]:
    """Strokes inside an outline at `turn` degrees."""
    angle = math.radians(-45 - turn)
    cosine, sine = math.cos(angle), math.sin(angle)
    turned = [(x * cosine - y * sine, x * sine + y * cosine) for x, y in outline]
    return [
        (x0 * cosine + y0 * sine, y0 * cosine - x0 * sine, x1 * cosine + y1 * sine, y1 * cosine - x1 * sine)
        for x0, y0, x1, y1 in hatching(turned, 1.414 * gap)
    ]


class PencilScene(_Drawing, PencilPen):
    """Pencil: tones on paper, hatched where they are dark, outlines gone over twice."""

    line = PencilPen.graphite
    _HATCHED = {  # part: angle in degrees
        **{"object": -50, "trunk": 84, "leaf": -38, "building": -60, "shadow": -64, "cloud": -24, "lid": -24},
        **{"land": 18, "near": 8, "water": 1, "wall": -70, "floor": 2, "rug": 2},
    }

    @staticmethod
    def _darkness(colour: Colour) -> float:
        return 1 - (luminance(colour) / 255) ** 0.62

    def tone(self, colour: Colour, part: str) -> Colour:
        if part in ("rays", "bird"):
            return self.graphite
        share = (
            0.26
            if part == "object"
            else 0.36
            if part == "near"
            else 0.5
            if part in self._HATCHED or part == "sky"
            else 0.94
        )
        level = 255 * (1 - self._darkness(colour) * share)
        return mix((level, level, level), self.paper, 0.16)

    def sky(self, colours: tuple[Colour, Colour, Colour], horizon: float, sun: tuple[float, float]) -> None:
        super().sky(colours, horizon, sun)
        for colour, share in ((colours[0], 0.62), (colours[1], 0.98)):
            dark = self._darkness(colour)
            if dark > 0.24:
                bottom = share * horizon
                outline = [(-8, -8), (264, -8), (264, bottom - 8), (128, bottom + 8), (-8, bottom - 4)]
                self._shaded(outline, 12 - 6 * dark, 0.62 * dark - 0.06, dark > 0.56, -24)

    def _shaded(self, outline: Points, gap: float, strength: float, crossed: bool, turn: float) -> None:
        """Hatched at `turn` degrees, and across that where it is dark."""
        strokes = _hatched(outline, gap, turn)
        if crossed:
            strokes += _hatched(outline, 1.2 * gap, turn + 70)
        if strokes:
            self.fill(dabs(strokes, 1.3), self.graphite, strength)

    def areas(self, outlines: list[Points], colour: Colour, part: str, sharp: bool = False) -> None:
        if part == "cloud":
            return self.contoured(outlines, self.tone(colour, part))
        data = "".join(self.trace(points, sharp) for points in outlines)
        self.fill(data, self.tone(colour, part))
        self._drawn(outlines, data, colour, part, sharp)

    def layer(self, points: Points, colour: Colour, foot: Colour, part: str, sharp: bool = False) -> None:
        data = self.trace(points, sharp)
        self.fill(data, self.downward(points, (self.tone(colour, part), self.tone(foot, part))))
        self._drawn([points], data, colour, part, sharp)

    def _drawn(self, outlines: list[Points], data: str, colour: Colour, part: str, sharp: bool) -> None:
        width = _DRAWN.get(part)
        bold = part in ("object", "near")
        dark = self._darkness(colour) * (0.7 if part == "object" else 1.0)  # it stands out from what is behind it
        turn = self._HATCHED.get(part)
        if dark > (0.26 if bold else 0.24) and turn is not None:
            for points in outlines:
                self._shaded(points, max(4.5, 11 - 9 * dark), 0.2 + 0.44 * dark, dark > 0.56, turn)
        if width is not None:
            self.stroke(data, self.graphite, width * 0.85, 0.92 if part != "land" else 0.6)
            if bold:
                again = (wobbled(points, 1.0, self.phase) for points in outlines)
                data = "".join(polygon(points) if sharp else path(points) for points in again)
                self.stroke(data, self.graphite, width * 0.45, 0.5)

    def veil(self, y: float, high: float, colour: Colour, strength: float) -> None:
        SoftScene.veil(self, y, high, self.tone(colour, "sky"), strength)


class InkScene(_Drawing, InkPen):
    """Chinese ink wash (水墨): ridges that fade into blank mist, a contour that swells and dries out, a red seal."""

    line = InkPen.ink
    finish = InkPen.finish

    def tone(self, colour: Colour, part: str) -> Colour:
        if part in ("rays", "bird"):
            return self.ink
        level = 255 * (luminance(colour) / 255) ** {"sky": 0.8, "wall": 0.6, "floor": 0.6, "water": 0.6}.get(part, 0.74)
        return mix((level, level, level), self.paper, 0.5 * level / 255)

    def sky(self, colours: tuple[Colour, Colour, Colour], horizon: float, sun: tuple[float, float]) -> None:
        top, middle, low = (self.tone(colour, "sky") for colour in colours)
        self._ramp(((0.0, top), (0.5, middle), (1.0, mix(low, self.paper, 0.4))), horizon)

    def areas(self, outlines: list[Points], colour: Colour, part: str, sharp: bool = False) -> None:
        outlines = [wobbled(points, 0.8, self.phase) for points in outlines]
        if part == "cloud":
            return self.contoured(outlines, self.tone(colour, part))
        data = "".join(polygon(points) if sharp else path(points) for points in outlines)
        wash = self.tone(colour, part)
        if part not in _DRAWN:
            return self.fill(data, wash)
        everything = outlines[0] if len(outlines) == 1 else [point for points in outlines for point in points]
        deep = mix(wash, self.ink, 0.4)
        self.fill(data, self.downward(everything, (deep, wash, mix(wash, self.paper, 0.3))))
        width, line = _DRAWN[part], mix(deep, self.ink, 0.6)
        if sharp:
            return self.stroke(data, line, 0.8 * width, 0.8)
        self.fill("".join(self._contour([*points, points[0]], 1.5 * width) for points in outlines), line, 0.85)

    @staticmethod
    def _contour(points: Points, width: float) -> str:
        """An outline in several strokes of the brush."""
        pieces = (points[start : start + 6] for start in range(0, len(points) - 1, 5))
        return "".join(polygon(stroke_outline(piece, width, 0.35, 0.15)) for piece in pieces)

    def layer(self, points: Points, colour: Colour, foot: Colour, part: str, sharp: bool = False) -> None:
        points = wobbled(points, 0.8, self.phase)
        data = polygon(points) if sharp else path(points)
        wash, pale = self.tone(colour, part), mix(self.tone(foot, part), self.paper, 0.45)
        self.fill(data, self.downward(points, (mix(wash, self.ink, 0.22), mix(wash, pale, 0.55), pale, pale)))
        if part in _DRAWN:
            ridge = [point for point in points if -6 <= point[0] <= 262 and point[1] < 250]
            if len(ridge) > 3:
                self.fill(self._contour(ridge, 2.6), mix(wash, self.ink, 0.55), 0.8)

    def dashes(self, curves: list[Points], colour: Colour, width: float, part: str, opacity: float = 1.0) -> None:
        if curves:
            strokes = (path(stroke_outline(points, width * 1.35, 0.6, 0.12)) for points in curves)
            self.fill("".join(strokes), self.tone(colour, part), opacity)

    def veil(self, y: float, high: float, colour: Colour, strength: float) -> None:
        SoftScene.veil(self, y, high, mix(self.tone(colour, "sky"), self.paper, 0.3), strength)


class AnimeScene(_Scenic, AnimePen):
    """Anime: luminous skies, cel shading in two tones, clean outlines on what is near."""

    _OUTLINED = {"object": 2.6, "trunk": 1.6, "building": 1.2, "near": 1.8}

    def tone(self, colour: Colour, part: str) -> Colour:
        return palette.saturated(lit(colour, 0.06), 0.26 if part in ("sky", "water") else 0.2)

    def areas(self, outlines: list[Points], colour: Colour, part: str, sharp: bool = False) -> None:
        data = "".join(self.trace(points, sharp) for points in outlines)
        pigment = self.tone(colour, part)
        if part in self._OUTLINED:
            self.stroke(data, mix(palette.rgb("#241c3c"), pigment, 0.22), 2 * self._OUTLINED[part] * 0.8)
        self.fill(data, pigment)

    def layer(self, points: Points, colour: Colour, foot: Colour, part: str, sharp: bool = False) -> None:
        data = self.trace(points, sharp)
        pigment = self.tone(colour, part)
        self.fill(data, self.downward(points, (pigment, mix(pigment, self.tone(foot, part), 0.8))))
        self.stroke(data, lit(pigment, 0.45), 1.2, 0.5)

    def halo(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        self.soft_spot(x, y, radius * 1.15, radius * 1.15, colour, strength)
        rays = [
            [
                (x + 0.3 * radius * math.cos(a), y + 0.3 * radius * math.sin(a)),
                (x + radius * math.cos(a), y + radius * math.sin(a)),
            ]
            for a in (0.35 + 6.283 * k / 8 for k in range(8))
        ]
        self.stroke(paths(rays), lit(colour, 0.3), 1.4, 0.3 * strength)

    veil = SoftScene.veil

    def finish(self) -> None:
        self.put('<rect width="256" height="256" fill="#fff" fill-opacity="0.05"/>')


class PixelScene(_Scenic, Pen):
    """Pixel art before it is set on its grid: no line thinner than a cell."""

    cell = 4.0

    def layer(self, points: Points, colour: Colour, foot: Colour, part: str, sharp: bool = False) -> None:
        self.fill(self.trace(points, sharp), self.downward(points, (colour, mix(colour, foot, 0.8))))

    def areas(self, outlines: list[Points], colour: Colour, part: str, sharp: bool = False) -> None:
        data = "".join(self.trace(points, sharp) for points in outlines)
        if part == "object":
            self.stroke(data, mix(palette.rgb("#241c3c"), colour, 0.12), 2 * self.cell)
        self.fill(data, colour)

    def dots(self, places: Circles, colour: Colour, part: str, opacity: float = 1.0) -> None:
        """Squares on the grid, of one cell or more."""
        squares = []
        for x, y, radius in places:
            side = max(1, round(1.6 * radius / self.cell)) * self.cell
            squares.append(
                f"M{x // self.cell * self.cell:.0f} {y // self.cell * self.cell:.0f}h{side:.0f}v{side:.0f}h{-side:.0f}Z"
            )
        if squares:
            self.fill("".join(squares), colour, opacity)

    def dashes(self, curves: list[Points], colour: Colour, width: float, part: str, opacity: float = 1.0) -> None:
        if part == "rain":
            curves, opacity = curves[::2], 0.8 * opacity
        super().dashes(curves, colour, max(width, 0.95 * self.cell), part, opacity)

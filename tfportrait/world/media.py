"""The pens of the painted and drawn styles: watercolour, oil, pencil, Chinese ink wash."""

import math
from functools import lru_cache

from . import palette
from .palette import Colour, css, lit, luminance, mix, shaded
from .shapes import Points, ellipse, hatching, path, paths, polygon, stroke_outline, wobbled
from .styles import OUTLINED, Pen


class WatercolourPen(Pen):
    """Watercolour: thin uneven washes on white paper, darker where they dried at the edge, an unsteady outline."""

    paper = palette.rgb("#fbf7ee")
    _WASHED = OUTLINED | {"scenery"}

    def __init__(self, portrait) -> None:
        super().__init__(portrait)
        self.phase = 6.28 * portrait.details.unit("hand")

    def trace(self, points: Points, sharp: bool = False) -> str:
        points = wobbled(points, 1.3, self.phase)
        return polygon(points) if sharp else path(points)

    def backdrop(self, top: Colour, bottom: Colour, bands: int = 0) -> None:
        self._graded(mix(top, self.paper, 0.3), mix(bottom, self.paper, 0.3))

    def area(self, points: Points, colour: Colour, part: str, sharp: bool = False) -> None:
        data = self.trace(points, sharp)
        if part not in self._WASHED:
            return self.fill(data, mix(colour, self.paper, 0.1))
        scenery = part == "scenery"
        thin, thick = (0.7, 0.42) if scenery else (0.46, 0.12)
        pigment = palette.saturated(colour, 0.2)
        inner, outer = mix(pigment, self.paper, thin), mix(pigment, self.paper, thick)
        if part == "skin":
            inner, outer = mix(pigment, self.paper, 0.3), mix(pigment, self.paper, 0.06)
        name = self.define(
            ("wash", inner, outer),
            f'<radialGradient id="{{}}" cx="{0.4 + 0.15 * self.light}" cy="0.4" r="0.68">'
            f'<stop offset="0.15" stop-color="{css(inner)}"/>'
            f'<stop offset="0.55" stop-color="{css(mix(inner, outer, 0.45))}"/>'
            f'<stop offset="1" stop-color="{css(outer)}"/></radialGradient>',
        )
        self.fill(data, f"url(#{name})", 0.85 if scenery else 1.0)
        self.stroke(data, shaded(outer, 0.3), 2.2 if scenery else 2.6, 0.35 if scenery else 0.62)

    def lines(self, curves: list[Points], colour: Colour, width: float, part: str) -> None:
        curves = [wobbled(points, 0.5, self.phase) for points in curves]
        self.stroke(paths(curves), mix(colour, self.paper, 0.12), width, 0.9)

    def strands(self, curves: list[Points], colour: Colour, width: float, light: bool = False) -> None:
        shade = mix(colour, self.paper, 0.75) if light else shaded(colour, 0.25)
        self.stroke(paths(curves), shade, width * 1.3, 0.5)

    def spot(self, x: float, y: float, rx: float, ry: float, colour: Colour, strength: float) -> None:
        self.soft_spot(x, y, rx * 1.2, ry * 1.2, colour, strength * 1.3)

    def shade(self, points: Points, colour: Colour, amount: float, part: str = "skin") -> None:
        self.fill(self.trace(points), shaded(colour, amount * 1.2), 0.42)

    def form(self, points: Points, colour: Colour, part: str, centre: tuple[float, float], radius: float) -> None:
        if self.light:
            dark = mix(shaded(colour, 0.55), palette.rgb("#5b5fa5"), 0.3)
            stops = ((0.84, 0.0), (0.92, 0.5), (1.0, 0.6))
            self.fill(self.trace(points), self.circle_gradient(centre, radius * 1.08, dark, stops))

    def begin_scene(self) -> None:
        self.put(f'<rect width="256" height="256" fill="{css(self.paper)}"/>')

    def end_scene(self) -> None:
        super().end_scene()
        name = self.define(
            "bare edge",
            '<radialGradient id="{}" cx="0.5" cy="0.5" r="0.72">'
            '<stop offset="0.72" stop-color="#fbf7ee" stop-opacity="0"/>'
            '<stop offset="0.98" stop-color="#fbf7ee"/></radialGradient>',
        )
        self.put(f'<rect width="256" height="256" fill="url(#{name})"/>')


@lru_cache(maxsize=64)
def _strokes(angle: float, shift: float) -> str:
    """Path data of brush strokes at `angle` (radians) on a tile of 64 units that repeats without a seam."""
    cosine, sine = math.cos(angle), math.sin(angle)
    parts = []
    for x, y in ((10, 12), (44, 30), (20, 52)):
        x, y = (x + 64 * shift * 0.75) % 64, (y + 64 * shift * 0.4) % 64
        for dx in (-64, 0, 64):
            for dy in (-64, 0, 64):
                x0, y0 = x + dx, y + dy
                if -20 < x0 < 84 and -20 < y0 < 84:
                    bend = (
                        f"q{13 * cosine + 3 * sine:.1f} {13 * sine - 3 * cosine:.1f} {26 * cosine:.1f} {26 * sine:.1f}"
                    )
                    parts.append(f"M{x0 - 13 * cosine:.1f} {y0 - 13 * sine:.1f}{bend}")
    return "".join(parts)


class OilPen(Pen):
    """Oil: rich colours under directional brush strokes, no outlines but broken edges, on canvas."""

    _ANGLES = {"skin": 28, "hair": 78, "cloth": -38, "hat": -14, "scenery": 8}

    def __init__(self, portrait) -> None:
        super().__init__(portrait)
        self.phase = 6.28 * portrait.details.unit("hand")

    def trace(self, points: Points, sharp: bool = False) -> str:
        points = wobbled(points, 0.9, self.phase)
        return polygon(points) if sharp else path(points)

    def _brushwork(self, part: str) -> str:
        alpha = {"scenery": 0.9, "skin": 0.7}.get(part, 1.0)
        angle = math.radians(self._ANGLES[part])
        light, dark = (_strokes(angle, shift) for shift in (0.0, 0.5))
        return self.define(
            ("brush", part),
            f'<pattern id="{{}}" width="64" height="64" patternUnits="userSpaceOnUse"><g fill="none" stroke-width="6" '
            f'stroke-linecap="round"><path d="{dark}" stroke="#22103a" stroke-opacity="{0.15 * alpha:.2f}"/>'
            f'<path d="{light}" stroke="#fff6dc" stroke-opacity="{0.2 * alpha:.2f}"/></g></pattern>',
        )

    def backdrop(self, top: Colour, bottom: Colour, bands: int = 0) -> None:
        self._graded(palette.saturated(top, 0.3), palette.saturated(bottom, 0.3))
        self.put(f'<rect width="256" height="256" fill="url(#{self._brushwork("scenery")})"/>')

    def area(self, points: Points, colour: Colour, part: str, sharp: bool = False) -> None:
        data = self.trace(points, sharp)
        colour = palette.saturated(shaded(colour, 0.08), 0.28)
        self.fill(data, colour)
        if part not in self._ANGLES:
            return
        if part != "scenery":
            self.stroke(data, shaded(colour, 0.55), 3.4, 0.55)
        self.fill(data, f"url(#{self._brushwork(part)})")

    def lines(self, curves: list[Points], colour: Colour, width: float, part: str) -> None:
        self.stroke(paths(curves), palette.saturated(colour, 0.2), width * 1.1)

    def strands(self, curves: list[Points], colour: Colour, width: float, light: bool = False) -> None:
        shade = lit(palette.saturated(colour, 0.3), 0.42) if light else shaded(colour, 0.5)
        self.stroke(paths(curves), shade, width * 1.8, 0.55)

    def spot(self, x: float, y: float, rx: float, ry: float, colour: Colour, strength: float) -> None:
        self.fill(path(ellipse(x, y, rx * 1.1, ry * 0.9, 8, -0.3)), colour, strength * 0.75)

    def glow(self, x: float, y: float, rx: float, ry: float, colour: Colour, strength: float) -> None:
        rows = (y - 0.3 * ry, y + 0.3 * ry)
        curves = [[(x - rx * 0.7, row + 3), (x, row - 2), (x + rx * 0.7, row)] for row in rows]
        self.stroke(paths(curves), colour, 7.0, 0.42)

    def shade(self, points: Points, colour: Colour, amount: float, part: str = "skin") -> None:
        self.fill(self.trace(points), shaded(palette.saturated(colour, 0.3), amount * 1.3), 0.7)

    def form(self, points: Points, colour: Colour, part: str, centre: tuple[float, float], radius: float) -> None:
        if self.light:
            dark = shaded(palette.saturated(colour, 0.3), 0.62)
            stops = ((0.8, 0.0), (0.86, 0.5), (0.94, 0.55), (1.0, 0.82))
            self.fill(self.trace(points), self.circle_gradient(centre, radius * 1.1, dark, stops))


class PencilPen(Pen):
    """Pencil: graphite lines on paper, gone over twice; tone is hatching at one angle. No colour."""

    paper = palette.rgb("#f6f3ec")
    graphite = palette.rgb("#4b4a50")
    _TONES = {
        "skin": 247,
        "hair": 176,
        "strand": 90,
        "brow": 82,
        "cloth": 222,
        "trim": 246,
        "hat": 196,
        "gold": 236,
        "teeth": 252,
        "eye_white": 252,
        "iris": 132,
        "pupil": 48,
        "lash": 58,
        "lips": 158,
        "mouth": 74,
        "tongue": 170,
        "lens": 84,
        "frame": 52,
        "tear": 226,
        "crease": 108,
        "blush": 205,
        "button": 110,
        "ring": 250,
        "ring_rim": 70,
        "badge": 244,
        "visor": 138,
        "band": 70,
        "pompom": 240,
        "sash": 110,
        "lapel": 170,
        "tie": 92,
        "string": 250,
        "strap": 200,
        "pearl": 250,
        "jewel": 120,
        "seam": 120,
        "nose": 236,
        "soft_crease": 190,
        "old_brow": 176,
        "plain_lips": 214,
        "iris_rim": 92,
        "glare": 236,
        "stubble": 206,
    }
    _OUTLINE = {"skin": 3.0, "hair": 3.0, "cloth": 3.0, "trim": 2.6, "hat": 3.2, "gold": 2.8}

    def __init__(self, portrait) -> None:
        super().__init__(portrait)
        self.phase = 6.28 * portrait.details.unit("hand")

    def tone(self, colour: Colour, part: str) -> Colour:
        level = 255 - (255 - luminance(colour)) * 0.75 if part == "scenery" else self._TONES[part]
        return mix((level, level, level), self.paper, 0.12)

    def _hatch(self, outline: Points, gap: float, width: float, strength: float, hole=None) -> None:
        """Parallel strokes inside an outline, and outside the circle `hole` = (x, y, radius) if there is one."""
        strokes = hatching(outline, gap, hole)
        if strokes:
            data = "".join(f"M{x0:.0f} {y0:.0f}L{x1:.0f} {y1:.0f}" for x0, y0, x1, y1 in strokes)
            self.stroke(data, self.graphite, width, strength)

    def backdrop(self, top: Colour, bottom: Colour, bands: int = 0) -> None:
        self._graded(top, bottom)

    def area(self, points: Points, colour: Colour, part: str, sharp: bool = False) -> None:
        data = self.trace(points, sharp)
        self.fill(data, self.tone(colour, part))
        if part in ("hair", "hat", "cloth"):
            self._hatch(points, 11, 2.3, 0.22 if part == "cloth" else 0.36)
        if part == "scenery":
            self.stroke(data, self.graphite, 1.8, 0.3)
        elif part in self._OUTLINE:
            self.stroke(data, self.graphite, self._OUTLINE[part], 0.9)
            again = wobbled(points, 1.2, self.phase)
            self.stroke(polygon(again) if sharp else path(again), self.graphite, 1.4, 0.45)

    def lines(self, curves: list[Points], colour: Colour, width: float, part: str) -> None:
        self.stroke(paths(curves), self.tone(colour, part), width, 0.92)

    def strands(self, curves: list[Points], colour: Colour, width: float, light: bool = False) -> None:
        shade = mix(self.paper, self.graphite, 0.12) if light else self.graphite
        self.stroke(paths(curves), shade, width * 0.9, 0.6)

    def spot(self, x: float, y: float, rx: float, ry: float, colour: Colour, strength: float) -> None:
        ticks = [[(x0 + 3, y - 5), (x0 - 3, y + 5)] for x0 in (x - 0.5 * rx, x, x + 0.5 * rx)]
        self.stroke(paths(ticks), self.graphite, 1.8, 0.35)

    def shade(self, points: Points, colour: Colour, amount: float, part: str = "skin") -> None:
        self.fill(path(points), self.graphite, 0.1)
        self._hatch(points, 8, 2.3, 0.45)

    def form(self, points: Points, colour: Colour, part: str, centre: tuple[float, float], radius: float) -> None:
        if self.light:
            paint = self.circle_gradient(centre, radius * 1.06, self.graphite, ((0.92, 0.0), (1.0, 0.26)))
            self.fill(path(points), paint)
            self._hatch(points, 8, 2.3, 0.42, (*centre, radius))

    def begin_scene(self) -> None:
        self.put(f'<rect width="256" height="256" fill="{css(self.paper)}"/>')

    def end_scene(self) -> None:
        self.put('<rect width="256" height="256" fill="#f6f3ec" fill-opacity="0.3"/>')
        if self.light:
            x1, x2 = (256, 0) if self.light > 0 else (0, 256)
            fade = self.define(
                "fade",
                f'<linearGradient id="{{}}" gradientUnits="userSpaceOnUse" x1="{x1}" y1="0" x2="{x2}" y2="30">'
                '<stop offset="0.5" stop-color="#4b4a50" stop-opacity="0"/><stop offset="1" stop-color="#4b4a50" '
                'stop-opacity="0.42"/></linearGradient>',
            )
            edge, outer = (86, 0) if self.light > 0 else (170, 256)
            self.put(f'<rect width="256" height="256" fill="url(#{fade})"/>')
            self._hatch([(outer, -9), (edge, -9), (edge, 265), (outer, 265)], 11, 2.3, 0.3)


class InkPen(Pen):
    """Chinese ink wash (水墨): strokes that swell and dry out, a few grey washes, rice paper left blank, a red seal."""

    paper = palette.rgb("#f2ece0")
    ink = palette.rgb("#1c1b20")
    _TONES = {
        "skin": 240,
        "hair": 62,
        "strand": 30,
        "brow": 34,
        "cloth": 206,
        "trim": 236,
        "hat": 112,
        "gold": 222,
        "teeth": 250,
        "eye_white": 250,
        "iris": 92,
        "pupil": 24,
        "lash": 24,
        "lips": 120,
        "mouth": 44,
        "tongue": 150,
        "lens": 48,
        "frame": 30,
        "tear": 205,
        "crease": 96,
        "blush": 196,
        "button": 60,
        "ring": 250,
        "ring_rim": 50,
        "badge": 240,
        "visor": 66,
        "band": 170,
        "pompom": 236,
        "sash": 84,
        "lapel": 150,
        "tie": 52,
        "string": 248,
        "strap": 150,
        "pearl": 250,
        "jewel": 90,
        "seam": 84,
        "nose": 228,
        "soft_crease": 190,
        "old_brow": 168,
        "plain_lips": 206,
        "iris_rim": 60,
        "glare": 230,
        "stubble": 150,
    }

    def __init__(self, portrait) -> None:
        super().__init__(portrait)
        self.phase = 6.28 * portrait.details.unit("hand")

    def tone(self, colour: Colour, part: str) -> Colour:
        level = 255 - (255 - luminance(colour)) * 0.64 if part == "scenery" else self._TONES[part]
        return mix((level, level, level), self.paper, 0.35 * level / 255)

    def backdrop(self, top: Colour, bottom: Colour, bands: int = 0) -> None:
        self._graded(top, bottom)

    def area(self, points: Points, colour: Colour, part: str, sharp: bool = False) -> None:
        points = wobbled(points, 1.2, self.phase)
        data = polygon(points) if sharp else path(points)
        wash = self.tone(colour, part)
        if part == "scenery":
            return self._wash(data, wash)
        if part not in OUTLINED:
            return self.fill(data, wash)
        edge = mix(wash, self.ink, 0.35 if part in ("hair", "hat") else 0.14)
        name = self.define(
            ("wash", part),
            f'<linearGradient id="{{}}" x1="0.2" y1="0" x2="0.7" y2="1"><stop offset="0" stop-color="{css(edge)}"/>'
            f'<stop offset="0.55" stop-color="{css(wash)}"/>'
            f'<stop offset="1" stop-color="{css(mix(wash, self.paper, 0.35))}"/>'
            "</linearGradient>",
        )
        self.fill(data, wash if part == "skin" else f"url(#{name})")
        self.stroke(data, self.ink, 2.0, 0.85)
        count = len(points)
        start = int(self.portrait.details.unit("brush") * count)
        if not sharp and part != "trim":
            stroke = [points[(start + k) % count] for k in range(max(3, int(count * 0.55)))]
            self.fill(path(stroke_outline(stroke, 6.5, 0.15, 0.05)), self.ink, 0.9)

    def _wash(self, data: str, wash: Colour) -> None:
        name = self.define(
            ("pale", wash),
            f'<linearGradient id="{{}}" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{css(wash)}"/>'
            f'<stop offset="1" stop-color="{css(wash)}" stop-opacity="0.25"/></linearGradient>',
        )
        self.fill(data, f"url(#{name})")

    def lines(self, curves: list[Points], colour: Colour, width: float, part: str) -> None:
        strokes = [path(stroke_outline(wobbled(points, 0.4, self.phase), width * 1.4, 0.4, 0.12)) for points in curves]
        self.fill("".join(strokes), self.tone(colour, part))

    def strands(self, curves: list[Points], colour: Colour, width: float, light: bool = False) -> None:
        shade = mix(self.paper, self.ink, 0.35) if light else self.ink
        self.fill("".join(path(stroke_outline(points, width * 1.5, 0.3, 0.05)) for points in curves), shade, 0.75)

    def spot(self, x: float, y: float, rx: float, ry: float, colour: Colour, strength: float) -> None:
        self.soft_spot(x, y, rx, ry, self.tone(colour, "blush"), 0.6)

    def shade(self, points: Points, colour: Colour, amount: float, part: str = "skin") -> None:
        self.fill(path(points), mix(self.ink, self.paper, 0.35), 0.35)

    def form(self, points: Points, colour: Colour, part: str, centre: tuple[float, float], radius: float) -> None:
        if self.light:
            dark = mix(self.ink, self.paper, 0.2)
            self.fill(
                path(points), self.circle_gradient(centre, radius * 1.1, dark, ((0.8, 0.0), (0.9, 0.4), (1.0, 0.5)))
            )

    def begin_scene(self) -> None:
        self.put(f'<rect width="256" height="256" fill="{css(self.paper)}"/>')

    def end_scene(self) -> None:
        if self.light:
            x1, x2 = (256, 0) if self.light > 0 else (0, 256)
            fade = self.define(
                "fade",
                f'<linearGradient id="{{}}" gradientUnits="userSpaceOnUse" x1="{x1}" y1="0" x2="{x2}" y2="30">'
                '<stop offset="0.5" stop-color="#1c1b20" stop-opacity="0"/><stop offset="1" stop-color="#1c1b20" '
                'stop-opacity="0.5"/></linearGradient>',
            )
            self.put(f'<rect width="256" height="256" fill="url(#{fade})"/>')

    def finish(self) -> None:
        self.put(
            '<path d="M12 216q9 -2 20 0q1 10 0 26q-10 1 -20 0q-2 -12 0 -26Z" fill="#b8322a"/>'
            '<path d="M17 223H27M22 220V238M17 '
            '230H27M17 238H27" stroke="#f6e4d4" stroke-width="2.2" fill="none" stroke-linecap="round"/>'
        )

"""The pens: how each art style puts an area, a line, a shadow on the canvas.

The drawing modules say what is where; a pen decides what that looks like. `Pen` itself is the flat style.
"""

from . import palette
from .palette import Colour, css, lit, mix, shaded
from .shapes import Points, path, paths, polygon

OUTLINED = frozenset({"skin", "hair", "cloth", "trim", "hat", "gold"})


class Pen:
    """Flat style: solid colours, hard shadows, no outlines. The other styles override what they do differently.

    Args:
        portrait: Portrait. Gives the light and the chance details.
    """

    eye_scale = 1.0

    def __init__(self, portrait) -> None:
        self.portrait = portrait
        self.light = {"left": -1, "even": 0, "right": 1}[portrait["lighting"]]
        self.defs: list[str] = []
        self.body: list[str] = []
        self.ids: dict[object, str] = {}

    # What the drawing modules call.

    def area(self, points: Points, colour: Colour, part: str, sharp: bool = False) -> None:
        """Fills the outline through `points`; `part` says what it is made of (skin, hair, cloth, scenery, ...)."""
        self.fill(self.trace(points, sharp), self.tone(colour, part))

    def line(self, points: Points, colour: Colour, width: float, part: str) -> None:
        """An open stroke through `points`."""
        self.lines([points], colour, width, part)

    def lines(self, curves: list[Points], colour: Colour, width: float, part: str) -> None:
        """Several open strokes of one kind."""
        self.stroke(paths(curves), self.tone(colour, part), width)

    def ring(self, points: Points, colour: Colour, width: float, part: str, sharp: bool = False) -> None:
        """A closed stroke through `points`."""
        self.stroke(self.trace(points, sharp), self.tone(colour, part), width)

    def strand(self, points: Points, colour: Colour, width: float, light: bool = False) -> None:
        """A lock of hair on the hair's `colour`, lighter or darker than it."""
        self.strands([points], colour, width, light)

    def strands(self, curves: list[Points], colour: Colour, width: float, light: bool = False) -> None:
        """Several locks of hair."""
        self.stroke(paths(curves), lit(colour, 0.22) if light else shaded(colour, 0.3), width)

    def dot(self, x: float, y: float, radius: float, colour: Colour, part: str) -> None:
        """A small disc."""
        self.put(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{css(self.tone(colour, part))}"/>')

    def spot(self, x: float, y: float, rx: float, ry: float, colour: Colour, strength: float) -> None:
        """A blush."""
        self.oval(x, y, rx, ry, self.tone(colour, "blush"), strength * 0.6)

    def glow(self, x: float, y: float, rx: float, ry: float, colour: Colour, strength: float) -> None:
        """A wide highlight on a rounded form."""

    def shade(self, points: Points, colour: Colour, amount: float, part: str = "skin") -> None:
        """A cast shadow on something of `colour`."""
        self.fill(path(points), shaded(self.tone(colour, part), amount), 0.75)

    def form(self, points: Points, colour: Colour, part: str, centre: tuple[float, float], radius: float) -> None:
        """The side of the area through `points` that is turned from the light: what lies outside the circle."""
        if self.light:
            hard = ((0.97, 0.0), (1.0, 0.72))
            dark = shaded(self.tone(colour, part), 0.42)
            self.fill(self.trace(points), self.circle_gradient(centre, radius, dark, hard))

    def gleam(self, points: Points, x: float, y: float, wide: float, high: float) -> None:
        """Clear glass."""
        self.fill(path(points), palette.WHITE, 0.14)
        glare = [(x - wide * 0.5, y - high * 0.1), (x - wide * 0.1, y - high * 0.55)]
        self.stroke(path(glare, False), palette.WHITE, 3.4, 0.6)

    def backdrop(self, top: Colour, bottom: Colour, bands: int = 0) -> None:
        """The whole canvas from one colour above to another below; `bands` asks for as many flat steps."""
        if not bands:
            return self.area([(-8, -8), (264, -8), (264, 264), (-8, 264)], mix(top, bottom, 0.5), "scenery", sharp=True)
        for band in range(bands):
            y = 256 / bands * band
            colour = mix(top, bottom, band / (bands - 1))
            paint = css(self.tone(colour, "scenery"))
            self.put(f'<rect y="{y:.1f}" width="256" height="{256 / bands + 1:.1f}" fill="{paint}"/>')

    def _graded(self, top: Colour, bottom: Colour) -> None:
        first, last = css(self.tone(top, "scenery")), css(self.tone(bottom, "scenery"))
        name = self.define(
            "backdrop",
            f'<linearGradient id="{{}}" x1="0" y1="0" x2="0" y2="1"><stop offset="0.05" stop-color="{first}"/>'
            f'<stop offset="0.95" stop-color="{last}"/></linearGradient>',
        )
        self.put(f'<rect width="256" height="256" fill="url(#{name})"/>')

    def begin_scene(self) -> None:
        """Before the background."""

    def end_scene(self) -> None:
        """After the background: the light falls across it."""
        if self.light:
            stops = (
                (css(palette.rgb("#fff3cf")), 0.34),
                (css(palette.rgb("#fff3cf")), 0.0),
                ("#1b1838", 0.0),
                ("#1b1838", 0.42),
            )
            marks = zip((0, 0.4, 0.45, 1), stops, strict=True)
            fade = "".join(f'<stop offset="{at}" stop-color="{c}" stop-opacity="{o}"/>' for at, (c, o) in marks)
            x1, x2 = (256, 0) if self.light > 0 else (0, 256)
            name = self.define(
                "daylight",
                f'<linearGradient gradientUnits="userSpaceOnUse" x1="{x1}" y1="0" x2="{x2}" y2="40" id="{{}}">'
                f"{fade}</linearGradient>",
            )
            self.put(f'<rect width="256" height="256" fill="url(#{name})"/>')

    def finish(self) -> None:
        """After everything else: paper, canvas."""

    # What pens build with.

    def tone(self, colour: Colour, part: str) -> Colour:
        """The pigment for a colour of a part."""
        return colour

    def trace(self, points: Points, sharp: bool = False) -> str:
        """Path data of a closed outline."""
        return polygon(points) if sharp else path(points)

    def put(self, element: str) -> None:
        self.body.append(element)

    def fill(self, data: str, colour: Colour | str, opacity: float = 1.0) -> None:
        paint = colour if isinstance(colour, str) else css(colour)
        alpha = "" if opacity >= 1 else f' fill-opacity="{opacity:.2f}"'
        self.body.append(f'<path d="{data}" fill="{paint}"{alpha}/>')

    def stroke(self, data: str, colour: Colour | str, width: float, opacity: float = 1.0) -> None:
        paint = colour if isinstance(colour, str) else css(colour)
        alpha = "" if opacity >= 1 else f' stroke-opacity="{opacity:.2f}"'
        self.body.append(
            f'<path d="{data}" fill="none" stroke="{paint}" stroke-width="{width:.1f}" '
            f'stroke-linecap="round" stroke-linejoin="round"{alpha}/>'
        )

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Colour | str, opacity: float = 1.0) -> None:
        paint = colour if isinstance(colour, str) else css(colour)
        self.put(
            f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{rx:.1f}" ry="{ry:.1f}" fill="{paint}" '
            f'fill-opacity="{opacity:.2f}"/>'
        )

    def define(self, key: object, element: str) -> str:
        """Adds a definition once; `element` has {} where its id goes. Returns the id."""
        if key not in self.ids:
            self.ids[key] = f"d{len(self.ids)}"
            self.defs.append(element.replace("{}", self.ids[key]))
        return self.ids[key]

    def circle_gradient(self, centre: tuple[float, float], radius: float, colour: Colour, stops) -> str:
        """Paint that fades with the distance from `centre`; stops are (share of radius, opacity)."""
        marks = "".join(
            f'<stop offset="{at}" stop-color="{css(colour)}" stop-opacity="{alpha}"/>' for at, alpha in stops
        )
        key = (centre, radius, colour, stops)
        name = self.define(
            key,
            f'<radialGradient id="{{}}" gradientUnits="userSpaceOnUse" cx="{centre[0]:.1f}" cy="{centre[1]:.1f}" '
            f'r="{radius:.1f}">{marks}</radialGradient>',
        )
        return f"url(#{name})"

    def soft_spot(self, x: float, y: float, rx: float, ry: float, colour: Colour, strength: float) -> None:
        """An oval that fades to nothing at its edge."""
        shade = css(colour)
        name = self.define(
            ("spot", shade),
            f'<radialGradient id="{{}}"><stop offset="0" stop-color="{shade}"/>'
            f'<stop offset="0.45" stop-color="{shade}" '
            f'stop-opacity="0.6"/><stop offset="1" stop-color="{shade}" stop-opacity="0"/></radialGradient>',
        )
        self.oval(x, y, rx * 1.35, ry * 1.35, f"url(#{name})", strength)

    def slope(self, first: Colour, middle: Colour, last: Colour) -> str:
        """Gradient across whatever it fills, from the lit side to the other (from above where the light is even)."""
        x1, y1, x2, y2 = {0: (0.5, 0, 0.5, 1), -1: (0, 0.35, 1, 0.65), 1: (1, 0.35, 0, 0.65)}[self.light]
        stops = "".join(
            f'<stop offset="{at}" stop-color="{css(c)}"/>' for at, c in ((0, first), (0.5, middle), (1, last))
        )
        name = self.define(
            ("slope", first, middle, last),
            f'<linearGradient id="{{}}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}">{stops}</linearGradient>',
        )
        return f"url(#{name})"

    def svg(self) -> str:
        """The finished document."""
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256" width="256" height="256">'
            f"<defs>{''.join(self.defs)}</defs>{''.join(self.body)}</svg>"
        )


class SoftPen(Pen):
    """Soft-shaded: gradients, rounded forms, soft shadows, a blurred background."""

    _DEEP = {
        "skin": 0.34,
        "hair": 0.6,
        "stubble": 0.5,
        "cloth": 0.5,
        "trim": 0.25,
        "hat": 0.5,
        "gold": 0.4,
        "iris": 0.25,
    }

    def area(self, points: Points, colour: Colour, part: str, sharp: bool = False) -> None:
        deep = self._DEEP.get(part)
        if deep is None:
            return self.fill(self.trace(points, sharp), colour)
        bright, dark = (
            lit(colour, 0.2 if self.light else 0.14),
            shaded(colour, min(1.0, deep * (1.45 if self.light else 0.75))),
        )
        across = [x for x, _ in points]
        left, right = min(across), max(across)
        if right - left > 64:
            return self.fill(self.trace(points, sharp), self.slope(bright, colour, dark))
        # A small area takes the shade of its place: a gradient of its own would look detached, and costs more.
        place = min(max((0.5 * (left + right) - 56) / 144, 0.0), 1.0)
        place = {-1: place, 0: 0.45, 1: 1 - place}[self.light]
        shade = mix(bright, colour, 2 * place) if place < 0.5 else mix(colour, dark, 2 * place - 1)
        self.fill(self.trace(points, sharp), shade)

    def form(self, points: Points, colour: Colour, part: str, centre: tuple[float, float], radius: float) -> None:
        """Nothing more: the gradients of `area` already round the form."""

    def strands(self, curves: list[Points], colour: Colour, width: float, light: bool = False) -> None:
        shade = lit(colour, 0.4) if light else shaded(colour, 0.45)
        self.stroke(paths(curves), shade, width, 0.5)

    def spot(self, x: float, y: float, rx: float, ry: float, colour: Colour, strength: float) -> None:
        self.soft_spot(x, y, rx * 1.15, ry * 1.15, colour, strength * 1.15)

    def glow(self, x: float, y: float, rx: float, ry: float, colour: Colour, strength: float) -> None:
        self.soft_spot(x, y, rx, ry, colour, strength)

    def shade(self, points: Points, colour: Colour, amount: float, part: str = "skin") -> None:
        data, dark = path(points), shaded(colour, min(1.0, amount * 1.5))
        self.fill(data, dark, 0.36)
        self.stroke(data, dark, 6, 0.2)

    def backdrop(self, top: Colour, bottom: Colour, bands: int = 0) -> None:
        self._graded(top, bottom)

    def begin_scene(self) -> None:
        self.define(
            "blur", '<filter id="{}" x="0" y="0" width="1" height="1"><feGaussianBlur stdDeviation="2.2"/></filter>'
        )
        self.put(f'<g filter="url(#{self.ids["blur"]})">')

    def end_scene(self) -> None:
        self.put("</g>")
        super().end_scene()


class AnimePen(Pen):
    """Anime: cel shading in two tones, clean dark outlines, large eyes, shining hair."""

    eye_scale = 1.34

    def backdrop(self, top: Colour, bottom: Colour, bands: int = 0) -> None:
        self._graded(palette.saturated(top, 0.2), palette.saturated(bottom, 0.2))

    def area(self, points: Points, colour: Colour, part: str, sharp: bool = False) -> None:
        data = self.trace(points, sharp)
        if part == "scenery":
            return self.fill(data, palette.saturated(lit(colour, 0.12), 0.25))
        colour = palette.saturated(colour, 0.15)
        self.fill(data, colour)
        if part in OUTLINED:
            self.stroke(data, mix(palette.INK, colour, 0.14), 3.2)

    def strands(self, curves: list[Points], colour: Colour, width: float, light: bool = False) -> None:
        if light:
            self.stroke(paths(curves), lit(colour, 0.5), width * 1.5)
        else:
            self.stroke(paths(curves), mix(palette.INK, colour, 0.3), max(2.2, width * 0.8))

    def spot(self, x: float, y: float, rx: float, ry: float, colour: Colour, strength: float) -> None:
        ticks = [[(x0 + 2.5, y - 4), (x0 - 2.5, y + 4)] for x0 in (x - 0.6 * rx, x, x + 0.6 * rx)]
        self.stroke(paths(ticks), colour, 2.4, min(1.0, strength * 1.8))

    def form(self, points: Points, colour: Colour, part: str, centre: tuple[float, float], radius: float) -> None:
        dark = shaded(palette.saturated(colour, 0.2), 0.46)
        if self.light:
            self.fill(path(points), self.circle_gradient(centre, radius, dark, ((0.975, 0.0), (1.0, 0.85))))

    def end_scene(self) -> None:
        super().end_scene()
        self.put('<rect width="256" height="256" fill="#fff" fill-opacity="0.12"/>')

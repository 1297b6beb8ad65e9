"""Where things are on a head: the frame that all drawing modules share, and the bare head with neck and ears.

Coordinates: the canvas is 256 x 256; `u` counts from the middle of the head to the viewer's right, `y` down the canvas.
"""

import math

from . import palette
from .palette import luminance, mix, shaded
from .shapes import Points, ellipse

EYE_Y, NOSE_Y, MOUTH_Y, BROW_Y = 128.0, 152.0, 169.0, 104.0

# Half-widths at temple, cheek, jaw and chin corner, and the chin's y.
_CONTOURS = {
    "round": (59.0, 67.0, 62.0, 40.0, 188.0),
    "oval": (51.0, 52.0, 45.0, 27.0, 204.0),
    "square": (57.0, 59.0, 60.0, 50.0, 195.0),
    "heart": (64.0, 59.0, 37.0, 13.0, 200.0),
}
_AGE_EYES = {"child": 1.16, "young": 1.0, "middle_aged": 0.95, "elderly": 0.9}


class Head:
    """Proportions of one portrait's head and the mapping from head to canvas.

    Attributes:
        turn: float. -1 faces left, 0 front, 1 right (the viewer's).
        light: int. Side that the light comes from, -1, 0 or 1.
    """

    def __init__(self, portrait) -> None:
        details = portrait.details
        self.portrait = portrait
        self.turn = portrait.turn
        self.light = {"left": -1, "even": 0, "right": 1}[portrait["lighting"]]
        self.age, self.woman = portrait["age"], portrait["gender"] == "woman"
        self.child = self.age == "child"
        self.x = 128 + details.signed("x", 3.5) - 5 * self.turn
        self.y = details.signed("y", 2.5) + 1.5
        self.size = 1 + details.signed("size", 0.025)
        self.angle = self.turn * math.radians(20 + details.signed("turn", 1.5))
        self.eye_size = _AGE_EYES[self.age] * (1.04 if self.woman else 0.95) * (1 + details.signed("eyes", 0.05))
        self.eye_u = 27.0 * (1 + details.signed("eye distance", 0.03))
        self.eye_y = EYE_Y + (7 if self.child else 0)
        self.mouth_y = MOUTH_Y + (2 if self.child else 0) + details.signed("mouth", 1.0)
        self.nose_y = NOSE_Y + (2 if self.child else 0)
        self.brow_y = BROW_Y + (7 if self.child else 0)
        self.skin = _skin(portrait)
        self.widths = self._widths()

    def _widths(self) -> tuple[float, ...]:
        temple, cheek, jaw, corner, chin = _CONTOURS[self.portrait["face_shape"]]
        if not self.woman and not self.child:
            jaw, corner = jaw + 2.5, corner + 3
        if self.child:
            temple, cheek, chin = temple + 2, cheek + 2, chin - 5
        return temple, cheek, jaw, corner, chin

    @property
    def chin(self) -> float:
        return self.widths[4]

    def hides(self, side: int) -> bool:
        """Whether the head is turned so far that what is at this side of it is out of sight."""
        return side * self.turn > 0.6

    def shift(self, y: float) -> float:
        """How far a turned head's outline is moved sideways at height y: the skull back, the chin forward."""
        return self.turn * (-7 + 20 * min(max((y - 42) / 150, 0.0), 1.1))

    def at(self, u: float, y: float) -> tuple[float, float]:
        """Canvas point of the head's silhouette: hair, hats, ears, jaw."""
        return (self.x + (self.shift(y) + u) * self.size, 128 + (y - 128) * self.size + self.y)

    def face(self, u: float, y: float) -> tuple[float, float]:
        """Canvas point of a feature on the face, which turns like the front of a cylinder."""
        radius = 66.0
        turned = radius * math.sin(math.asin(min(max(u / radius, -1.0), 1.0)) + self.angle)
        return (self.x + turned * self.size, 128 + (y - 128) * self.size + self.y)

    def squash(self, u: float) -> float:
        """How much narrower a feature at u looks for the turn, 1 from the front."""
        flat = math.asin(min(max(u / 66.0, -0.95), 0.95))
        return min(1.1, math.cos(flat + self.angle) / math.cos(flat))

    def outline(self, points: Points) -> Points:
        """`at` for a list of (u, y)."""
        return [self.at(u, y) for u, y in points]

    def features(self, points: Points) -> Points:
        """`face` for a list of (u, y)."""
        return [self.face(u, y) for u, y in points]

    def mirrored(self, half: Points) -> Points:
        """Closed outline from its right half, top to bottom; points with u = 0 are not repeated."""
        return self.outline(half + [(-u, y) for u, y in reversed(half) if u])

    def contour(self, grow: float = 0.0) -> Points:
        """The bare head's outline, `grow` units wider all round."""
        temple, cheek, jaw, corner, chin = self.widths
        half = [
            (0, 42 - grow),
            (0.5 * (temple + grow), 50 - 0.87 * grow),
            (0.87 * (temple + grow), 73 - 0.5 * grow),
            (temple + grow, 104),
            (cheek + grow, 138),
            (jaw + grow, 165),
        ]
        if self.portrait["face_shape"] == "square":
            half += [(corner + grow + 5, chin - 15), (corner + grow - 6, chin - 2), (0, chin + grow)]
        elif self.portrait["face_shape"] == "heart":
            half += [(corner + grow + 4, chin - 13), (corner - 7 + grow, chin - 2), (0, chin + grow)]
        else:
            half += [(corner + grow + 4, chin - 12), (0.55 * corner + grow, chin - 2.5), (0, chin + grow)]
        return self.mirrored(half)

    def side(self, y: float) -> float:
        """Half-width of the head at height y."""
        temple, cheek, jaw, corner, chin = self.widths
        stops = [
            (42, 0),
            (73, 0.87 * temple),
            (104, temple),
            (138, cheek),
            (165, jaw),
            (chin - 12, corner + 4),
            (chin, 0),
        ]
        for (y0, w0), (y1, w1) in zip(stops, stops[1:], strict=False):
            if y <= y1:
                return w0 + (w1 - w0) * max(0.0, (y - y0) / (y1 - y0))
        return 0.0


def _skin(portrait) -> palette.Colour:
    details = portrait.details
    tone = palette.SKIN[portrait["skin_tone"]]
    warm = details.signed("undertone", 5)
    light = 1 + details.signed("skin", 0.03)
    return (tone[0] * light + warm, tone[1] * light, tone[2] * light - warm)


def draw_neck(pen, head: Head) -> None:
    """Neck and the top of the chest, with the chin's shadow on it."""
    wide = 19 if head.child else 24 if head.woman else 31
    skin = shaded(head.skin, 0.10)
    lean = head.turn * 4
    x, y = head.x + lean, head.y
    neck = [
        (x - wide + 2, 160 + y),
        (x - wide, 196 + y),
        (x - wide - 3, 208 + y),
        (x - wide - 22, 222 + y),
        (x - 50, 262),
        (x + 50, 262),
        (x + wide + 22, 222 + y),
        (x + wide + 3, 208 + y),
        (x + wide, 196 + y),
        (x + wide - 2, 160 + y),
    ]
    pen.area(neck, skin, "skin")
    low = head.chin + y
    under = [
        (x - wide, 178 + y),
        (x - wide - 1, low + 8),
        (x - wide * 0.4, low + 17),
        (x + wide * 0.5, low + 16),
        (x + wide + 1, low + 7),
        (x + wide, 178 + y),
    ]
    pen.shade(under, head.skin, 0.42)


def draw_ears(pen, head: Head) -> None:
    """Both ears from the front, the near one from the side."""
    for side in (-1, 1):
        if head.hides(side):
            continue
        u = side * (head.side(136) + 2 - 7 * abs(head.turn))
        x, y = head.at(u, 137 + (4 if head.child else 0))
        rx, ry = (10 + 2 * abs(head.turn)) * head.size, 16 * head.size
        pen.area(
            ellipse(x, y, rx, ry, 8, side * 0.18),
            mix(head.skin, palette.BLUSH[head.portrait["skin_tone"]], 0.12),
            "skin",
        )
        inner = [(x + side * 3, y - 8), (x + side * 6, y), (x + side * 1, y + 8)]
        pen.line(inner, shaded(head.skin, 0.4), 2.6, "crease")


def draw_head(pen, head: Head) -> None:
    """The bare head with cheeks, forehead light and the side that is turned from the light."""
    contour = head.contour()
    pen.area(contour, head.skin, "skin")
    blush = palette.BLUSH[head.portrait["skin_tone"]]
    strength = 0.5 if head.child else 0.42 if head.woman else 0.2
    for side in (-1, 1):
        u = side * 37
        x, y = head.face(u, 154)
        pen.spot(x, y, 15 * head.squash(u) * head.size, 11 * head.size, blush, strength)
    x, y = head.face(-6 * head.light, 84)
    pen.glow(x + 8 * head.light, y, 34, 26, palette.lit(head.skin, 0.7), 0.5)
    pen.form(contour, head.skin, "skin", (head.x + head.light * 30, 128), 78)


def draw_age(pen, head: Head) -> None:
    """Folds and wrinkles; freckles of a child."""
    # Creases have to show on dark skin too, where an equal share of shadow is a smaller step.
    crease = shaded(head.skin, 0.5 + 0.42 * (1 - luminance(head.skin) / 230))
    if head.child:
        for side in (-1, 1):
            for du, dy in ((-7, -2), (0, 2.5), (7, -1.5)):
                x, y = head.face(side * 33 + du, 151 + dy)
                pen.dot(x, y, 2.0, crease, "crease")
        return
    if head.age == "young":
        return
    old = head.age == "elderly"
    folds, fine = [], []
    corner = head.side(136)
    for side in (-1, 1):
        folds.append(head.features([(side * 14, 150), (side * 24, 157), (side * 31, 168), (side * 31, 178)]))
        fine.append(head.features([(side * 14, 145), (side * 26, 149), (side * 38, 145)]))
        for dy in (-5, 4, 12) if old else (3, 11):  # beside the eye and below a temple of glasses
            fine.append(head.outline([(side * (corner - 14), 133 + 0.5 * dy), (side * (corner - 5), 133 + 1.1 * dy)]))
        if old:
            folds.append(head.features([(side * 39, 153), (side * 43, 163), (side * 40, 174)]))
            fine.append(head.features([(side * 19, 181), (side * 21, 189)]))
    for y, wide in ((72, 22), (82, 28), (92, 24)) if old else ((86, 15),):
        fine.append(head.features([(-wide, y + 2), (0, y - 1.5), (wide, y + 2)]))
    pen.lines(folds, crease, 4.2 if old else 3.6, "crease")
    pen.lines(fine, crease, 2.8, "crease")

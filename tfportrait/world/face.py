"""The features: eyes, brows, nose, mouth, facial hair. Together they carry the expression."""

from . import palette
from .head import Head
from .palette import mix, shaded
from .shapes import Points, ellipse, stroke_outline

_EYE_HEIGHT = {"neutral": 9.6, "smiling": 9.0, "laughing": 0.0, "sad": 8.6, "angry": 8.0, "surprised": 13.0}
_LOWER_LID = {"smiling": 0.62}  # else 0.88
_LID_SLANT = {"sad": -3.5, "angry": 4.0}  # upper lid: inner end lower (+) or higher (-)
_BROWS = {  # offsets of inner end, middle, outer end; down is positive
    "neutral": (1, -3.5, 2),
    "smiling": (0, -6, 0),
    "laughing": (-4, -9.5, -2),
    "sad": (-10, -4, 6),
    "angry": (13, 3, -6),
    "surprised": (-9, -16, -8),
}
_CLOSED_MOUTHS = {  # half-width, offsets of corner and middle; down is positive
    "neutral": (19, 0.0, 1.0),
    "smiling": (27, -10.0, 6.0),
    "sad": (20, 7.5, -5.0),
}


def _of_moods(portrait, table: dict, default: float = 0.0) -> float:
    """What a table of expressions has for the moods of a portrait."""
    return sum(share * table.get(mood, default) for mood, share in portrait.moods.items())


def hair_colour(portrait) -> palette.Colour:
    """Colour of hair, brows and beard; what nature gives where the head shows none of its hair."""
    details = portrait.details
    if portrait["hair_style"] == "bald":
        base = (
            palette.HAIR["grey"]
            if portrait["age"] == "elderly"
            else mix(palette.HAIR["black"], palette.HAIR["brown"], 0.55)
        )
    else:
        base = palette.HAIR[portrait["hair_color"]]
    change = 1 + details.signed("hair", 0.05)
    warm = details.signed("hair warmth", 5)
    return (base[0] * change + warm, base[1] * change, base[2] * change - warm)


def beard_colour(portrait) -> palette.Colour:
    """Colour of facial hair, which greys with age."""
    colour = hair_colour(portrait)
    return mix(colour, palette.rgb("#e6e4e2"), 0.5) if portrait["age"] == "elderly" else shaded(colour, 0.1)


def draw_face(pen, head: Head) -> None:
    """All features in the order in which they overlap."""
    portrait = head.portrait
    draw_beard(pen, head)
    _nose(pen, head)
    _mouth(pen, head)
    if portrait["facial_hair"] in ("moustache", "beard"):
        _moustache(pen, head)
    for side in (-1, 1):
        _eye(pen, head, side)
        _brow(pen, head, side)
    if portrait.moods.get("sad", 0.0) > 0.5:
        _tear(pen, head)


def draw_beard(pen, head: Head) -> None:
    """Beard or goatee, on which the mouth is drawn."""
    if head.portrait["facial_hair"] == "beard":
        _beard(pen, head)
    elif head.portrait["facial_hair"] == "goatee":
        _goatee(pen, head)


def _eye(pen, head: Head, side: int) -> None:
    portrait = head.portrait
    expression = portrait["expression"]
    x, y = head.face(side * head.eye_u, head.eye_y)
    scale = head.eye_size * head.size * (0.5 + 0.5 * pen.eye_scale)
    wide = 15.5 * scale * head.squash(side * head.eye_u)
    lash_width = (4.8 if head.woman else 3.4) * head.size
    if expression == "laughing":
        arc = [(x - wide, y + 4), (x - 0.5 * wide, y - 3.5), (x, y - 6), (x + 0.5 * wide, y - 3.5), (x + wide, y + 4)]
        pen.line(arc, palette.INK, lash_width + 1.2, "lash")
        if head.woman:
            _lashes(pen, x, y + 2, wide, side)
        return
    high = _of_moods(portrait, _EYE_HEIGHT) * head.eye_size * head.size * pen.eye_scale
    slant = _of_moods(portrait, _LID_SLANT)
    inner, outer = x - side * wide, x + side * wide
    top = [
        (inner, y + 2 + 0.3 * slant),
        (x - side * 0.5 * wide, y - 0.78 * high + slant),
        (x + side * 0.1 * wide, y - high + 0.4 * slant),
        (x + side * 0.62 * wide, y - 0.7 * high - 0.4 * slant),
        (outer, y - 1.0),
    ]
    lower = _of_moods(portrait, _LOWER_LID, 0.88)
    bottom = [
        (x + side * 0.55 * wide, y + lower * 0.8 * high),
        (x, y + lower * high),
        (x - side * 0.55 * wide, y + lower * 0.8 * high),
    ]
    pen.area(top + bottom, palette.rgb("#fdfbf7"), "eye_white")
    radius = min(9.4 * scale, 0.5 * (1 + lower) * high)
    ry = min(radius, 0.5 * (1 + lower) * high - 0.2)
    cy = y - 0.5 * (1 - lower) * high + 0.25 * abs(slant)
    rx = radius * (0.55 + 0.45 * head.squash(side * head.eye_u))
    cx = x + head.turn * 1.5
    colour = palette.EYES[portrait["eye_color"]]
    pen.area(ellipse(cx, cy, rx, ry, 8), shaded(colour, 0.45), "iris_rim")
    pen.area(ellipse(cx, cy + 0.6, rx * 0.86, ry * 0.84, 8), palette.lit(colour, 0.12), "iris")
    pen.area(ellipse(cx, cy, rx * 0.42, ry * 0.45, 8), palette.INK, "pupil")
    glint = -1 if head.light == 0 else head.light
    pen.dot(cx + glint * rx * 0.38, cy - ry * 0.4, 2.6 * scale, palette.WHITE, "eye_white")
    if pen.eye_scale > 1.1:
        pen.dot(cx - glint * rx * 0.4, cy + ry * 0.45, 1.8 * scale, palette.WHITE, "eye_white")
    if portrait.lids > 0.0:
        top = _lid(pen, head, top, bottom)
    pen.line(top, palette.INK, lash_width, "lash")
    if head.woman:
        _lashes(pen, x, y, wide, side)
    if pen.eye_scale > 1.1:
        pen.line(bottom, palette.INK, 1.8, "lash")
    elif not head.woman:
        pen.line(bottom, shaded(head.skin, 0.5), 1.8, "crease")


def _lid(pen, head: Head, top: Points, bottom: Points) -> Points:
    """Draws the upper lid where a blink has it, over the eye; returns its edge."""
    low = [top[0], bottom[2], bottom[1], bottom[0], top[-1]]
    edge = [
        (x0 + head.portrait.lids * (x1 - x0), y0 + head.portrait.lids * (y1 - y0))
        for (x0, y0), (x1, y1) in zip(top, low, strict=True)
    ]
    above = [(x, y - 1.5) for x, y in top]
    pen.area(above + edge[::-1], shaded(head.skin, 0.12), "nose")
    return edge


def _lashes(pen, x: float, y: float, wide: float, side: int) -> None:
    outer = x + side * wide
    long, short = (
        [(outer - side * 3, y - 3), (outer + side * 6.5, y - 7.5)],
        [(outer - side * 6, y - 6), (outer + side * 1.5, y - 12)],
    )
    pen.lines([long, short], palette.INK, 3.4, "lash")


def _of_brows(portrait) -> tuple[float, ...]:
    return tuple(_of_moods(portrait, {mood: row[i] for mood, row in _BROWS.items()}) for i in range(3))


def _brow(pen, head: Head, side: int) -> None:
    inner, middle, outer = _of_brows(head.portrait)
    spread = head.eye_u
    y = head.brow_y + (1 if head.woman else 2.5) - 4 * (pen.eye_scale - 1) / 0.2
    points = [
        head.face(side * (spread - 15), y + inner),
        head.face(side * (spread - 5), y + 0.5 * (inner + middle) - 1),
        head.face(side * (spread + 5), y + middle),
        head.face(side * (spread + 18), y + outer),
    ]
    width = (4.8 if head.child else 5.0) if head.woman else (6.4 if head.child else 9.0)
    colour = shaded(hair_colour(head.portrait), 0.5)
    if head.age == "elderly":
        colour, width = mix(hair_colour(head.portrait), palette.rgb("#d3d2d4"), 0.75), width + 1.2
    outline = stroke_outline(points, width * head.size, 0.55, 0.25)
    pen.area(outline, colour, "old_brow" if head.age == "elderly" else "brow")


def _nose(pen, head: Head) -> None:
    y = head.nose_y
    size = 0.78 if head.child else 0.92 if head.woman else 1.14
    crease = shaded(head.skin, 0.5)
    if abs(head.turn) > 0.5:
        t = head.turn
        x, _ = head.face(0, y)
        tip = 11 * size
        _, low = head.face(0, y)
        profile = [
            (x - t * 1, low - 30 * size),
            (x + t * 4, low - 14 * size),
            (x + t * tip, low - 3),
            (x + t * (tip - 3), low + 2),
            (x - t * 3, low + 2.5),
        ]
        pen.area(profile + [(x - t * 7, low - 4)], mix(head.skin, shaded(head.skin, 1.0), 0.1), "nose")
        pen.line(profile, crease, 3.2, "crease")
    else:
        shady = -head.light or 1
        bridge = [(shady * 5.5, y - 26), (shady * 6, y - 15), (shady * 8.5 * size, y - 5)]
        pen.line(head.features(bridge), shaded(head.skin, 0.24), 3.0, "soft_crease")
        base = [(-10 * size, y - 3), (-5 * size, y + 1.5), (0, y + 3.2), (5 * size, y + 1.5), (10 * size, y - 3)]
        pen.line(head.features(base), crease, 3.4, "crease")


def lip_colours(head: Head) -> tuple[palette.Colour, palette.Colour]:
    """Upper and lower lip."""
    full = palette.LIPS[head.portrait["skin_tone"]]
    if head.woman:
        upper = mix(head.skin, full, 0.7 if head.child else 1.0)
        return upper, palette.lit(upper, 0.16)
    upper = mix(shaded(head.skin, 0.3), full, 0.3)
    return upper, palette.lit(mix(head.skin, full, 0.4), 0.2)


def _mouth(pen, head: Head) -> None:
    expression = head.portrait["expression"]
    if expression == "laughing":
        _laugh(pen, head)
    elif expression == "angry":
        _grimace(pen, head)
    elif expression == "surprised":
        _gasp(pen, head)
    else:
        _closed_mouth(pen, head)


def _closed_mouth(pen, head: Head) -> None:
    columns = ({mood: row[i] for mood, row in _CLOSED_MOUTHS.items()} for i in range(3))
    wide, corner, middle = (_of_moods(head.portrait, column) for column in columns)
    y = head.mouth_y
    wide *= 0.88 if head.child else 1.0
    upper, lower = lip_colours(head)
    full = 1.0 if head.woman else 0.62
    corners = (wide, y + corner)
    half = 0.55 * wide
    mid = y + middle
    between = mid + 0.3 * (corner - middle)
    top = [
        (-corners[0], corners[1]),
        (-half, between - 3.6 * full),
        (-4, mid - 6.2 * full),
        (0, mid - 4.6 * full),
        (4, mid - 6.2 * full),
        (half, between - 3.6 * full),
        corners,
    ]
    low = [(half, between + 5.4 * full), (0, mid + 8.5 * full), (-half, between + 5.4 * full)]
    seam = [(-wide, y + corner), (-half, between), (0, mid), (half, between), (wide, y + corner)]
    pen.area(head.features(top + seam[::-1][1:-1]), upper, "lips" if head.woman else "plain_lips")
    pen.area(head.features(seam + low), lower, "lips" if head.woman else "plain_lips")
    dark = mix(shaded(upper, 0.75), palette.INK, 0.35)
    pen.line(head.features(seam), dark, 3.6, "mouth")
    smile = head.portrait.moods.get("smiling", 0.0)
    if smile > 0.1:
        for side in (-1, 1):
            dimple = [
                (side * (wide + 1), y + corner - 5),
                (side * (wide + 4.5), y + corner),
                (side * (wide + 2.5), y + corner + 5),
            ]
            pen.line(head.features(dimple), shaded(head.skin, 0.5), 2.8 * smile, "crease")


def _laugh(pen, head: Head) -> None:
    y, wide = head.mouth_y - 1, 24 if head.child else 28
    upper, _ = lip_colours(head)
    top = [(-wide, y - 10), (-wide * 0.5, y - 7), (0, y - 6), (wide * 0.5, y - 7), (wide, y - 10)]
    hollow = top + [
        (wide * 0.82, y + 4),
        (wide * 0.45, y + 13),
        (0, y + 16),
        (-wide * 0.45, y + 13),
        (-wide * 0.82, y + 4),
    ]
    pen.area(head.features(hollow), palette.rgb("#5a1723"), "mouth")
    tongue = [
        (-wide * 0.5, y + 10),
        (0, y + 5),
        (wide * 0.5, y + 10),
        (wide * 0.3, y + 14),
        (0, y + 15.5),
        (-wide * 0.3, y + 14),
    ]
    pen.area(head.features(tongue), palette.rgb("#e0606a"), "tongue")
    teeth = top + [(wide * 0.86, y - 3), (wide * 0.5, y + 2), (0, y + 3.5), (-wide * 0.5, y + 2), (-wide * 0.86, y - 3)]
    pen.area(head.features(teeth), palette.rgb("#fffdf8"), "teeth")
    width = 4.2 if head.woman else 2.8
    pen.ring(
        head.features(hollow), upper if head.woman else shaded(head.skin, 0.7), width, "lips" if head.woman else "mouth"
    )


def _grimace(pen, head: Head) -> None:
    y, wide = head.mouth_y + 2, 22 if head.child else 25
    upper, _ = lip_colours(head)
    shape = [
        (-wide * 0.72, y - 6),
        (0, y - 9),
        (wide * 0.72, y - 6),
        (wide, y + 7),
        (wide * 0.7, y + 8.5),
        (0, y + 4.5),
        (-wide * 0.7, y + 8.5),
        (-wide, y + 7),
    ]
    pen.area(head.features(shape), palette.rgb("#fffdf8"), "teeth")
    pen.line(
        head.features([(-wide * 0.86, y + 1), (0, y - 2.4), (wide * 0.86, y + 1)]), palette.rgb("#6a4a50"), 2.2, "mouth"
    )
    gaps = [head.features([(u, y - 7), (u * 1.1, y + 5)]) for u in (-10, 0, 10)]
    pen.lines(gaps, palette.rgb("#8a6a70"), 1.8, "mouth")
    colour = mix(upper, palette.INK, 0.1 if head.woman else 0.5)
    pen.ring(head.features(shape), colour, 4.2 if head.woman else 3.2, "lips" if head.woman else "mouth")


def _gasp(pen, head: Head) -> None:
    x, y = head.face(0, head.mouth_y + 3)
    upper, _ = lip_colours(head)
    rx, ry = 10.5 * head.squash(0) * head.size, 13.5 * head.size
    pen.area(ellipse(x, y, rx, ry, 10), palette.rgb("#551520"), "mouth")
    pen.area(ellipse(x, y + ry * 0.55, rx * 0.62, ry * 0.36, 8), palette.rgb("#d4565f"), "tongue")
    colour = upper if head.woman else shaded(head.skin, 0.6)
    pen.ring(ellipse(x, y, rx, ry, 10), colour, 4.4 if head.woman else 3.0, "lips" if head.woman else "mouth")


def _tear(pen, head: Head) -> None:
    side = -head.turn or (1 if head.portrait.details.unit("tear") < 0.5 else -1)
    x, y = head.face(side * (head.eye_u + 4), head.eye_y + 20)
    drop = [(x, y - 9), (x, y - 9), (x + 5, y + 1), (x + 4, y + 7), (x, y + 9), (x - 4, y + 7), (x - 5, y + 1)]
    pen.area(drop, palette.rgb("#8fd0f2"), "tear")
    pen.ring(drop, palette.rgb("#4a90c0"), 1.8, "crease")
    pen.dot(x - 1.5, y + 3, 1.5, palette.WHITE, "eye_white")


def _moustache(pen, head: Head) -> None:
    y, colour = head.mouth_y - 8, beard_colour(head.portrait)
    for side in (-1, 1):
        lobe = [
            (0, y - 4),
            (side * 9, y - 7.5),
            (side * 22, y - 3),
            (side * 34, y + 6),
            (side * 34, y + 6),
            (side * 22, y + 6),
            (side * 9, y + 4.5),
            (0, y + 2),
        ]
        pen.area(head.features(lobe), colour, "hair")
        pen.strand(head.features([(side * 5, y - 2), (side * 16, y - 1), (side * 27, y + 4)]), colour, 2.0, light=True)


def _goatee(pen, head: Head) -> None:
    colour, y, chin = beard_colour(head.portrait), head.mouth_y + 11, head.chin
    patch = [
        (0, y),
        (13, y + 3),
        (21, chin - 8),
        (13, chin + 6),
        (0, chin + 14),
        (-13, chin + 6),
        (-21, chin - 8),
        (-13, y + 3),
    ]
    lean = head.turn * 3
    points = [head.face(u, v) if v < chin - 10 else (head.at(u + lean, v)) for u, v in patch]
    pen.area(points, colour, "hair")
    for u in (-7, 0, 7):
        pen.strand([head.at(u + lean, y + 10), head.at(u * 0.8 + lean, chin + 5)], colour, 2.2, light=u == 0)


def _beard(pen, head: Head) -> None:
    colour = beard_colour(head.portrait)
    _, cheek, jaw, corner, chin = head.widths
    outer = [
        (cheek + 1.5, 122),
        (cheek + 3, 140),
        (jaw + 5, 166),
        (corner + 10, chin - 6),
        (corner * 0.55 + 4, chin + 11),
        (0, chin + 15),
    ]
    right = head.outline(outer)
    left = head.outline([(-u, y) for u, y in reversed(outer[:-1])])
    inner_left = [(-cheek + 7, 128), (-cheek + 12, 146), (-40, 157)]
    inner_right = [(-u, y) for u, y in reversed(inner_left)]
    middle = head.features([(-24, 158), (0, 155), (24, 158)])
    points = right + left + head.outline(inner_left) + middle + head.outline(inner_right)
    pen.area(points, colour, "hair")
    pen.form(points, colour, "hair", (head.x + head.light * 30, 128), 78)
    dark = [head.outline([(u, chin - 16), (u * 0.9, chin + 3)]) for u in (-36, 0, 36)]
    pen.strands(dark, colour, 2.6)
    pen.strands([head.outline([(u, chin - 16), (u * 0.9, chin + 3)]) for u in (-18, 18)], colour, 2.6, light=True)

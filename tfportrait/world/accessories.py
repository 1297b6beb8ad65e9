"""What is worn on the head: glasses, earrings, hats."""

from . import palette
from .face import hair_colour
from .head import Head
from .palette import mix, shaded
from .shapes import corners, ellipse


def draw_earrings(pen, head: Head) -> None:
    """Studs and hoops at the ear lobes, in front of any hair."""
    kind = head.portrait["earrings"]
    if kind == "none":
        return
    rim = palette.rgb("#7a4f12")
    for side in (-1, 1):
        if head.hides(side):
            continue
        x, y = head.at(side * (head.side(150) + 4 - 8 * abs(head.turn)), 153 + (3 if head.child else 0))
        if kind == "studs":
            pen.dot(x, y, 6.0, rim, "ring_rim")
            pen.dot(x, y, 4.6, palette.GOLD, "ring")
            pen.dot(x - 1.3, y - 1.3, 1.7, palette.WHITE, "eye_white")
            continue
        hoop = ellipse(x, y + 14, 10.5 - 1.5 * abs(head.turn), 13, 10)
        pen.ring(hoop, rim, 6.0, "ring_rim")
        pen.ring(hoop, palette.GOLD, 3.6, "ring")


def draw_glasses(pen, head: Head) -> None:
    """Frames over the eyes with bridge and temples; sunglasses are dark and wide."""
    kind = head.portrait["glasses"]
    if kind == "none":
        return
    colour = head.portrait.details.choice("frames", palette.FRAMES)
    dark = kind == "sunglasses"
    radius = (21.5 if not dark else 23.0) * head.size * (1 + 0.06 * (pen.eye_scale > 1.1))
    y = head.face(0, head.eye_y + 1)[1]
    for side in (-1, 1):
        u = side * (head.eye_u + 0.5)
        x, wide = head.face(u, 0)[0], radius * (0.15 + 0.85 * head.squash(u))
        ear = head.at(side * head.side(head.eye_y), head.eye_y - 5)
        if not head.hides(side):
            pen.line([(x + side * wide, y - 4), ear], colour, 4.2, "frame")
        if kind == "round":
            lens = ellipse(x, y, wide, radius, 10)
        elif kind == "square":
            w, h = wide * 1.04, radius * 0.82
            lens = corners([(x - w, y - h), (x + w, y - h), (x + w, y + h), (x - w, y + h)])
        else:
            h = radius * 0.84
            lens = [
                (x - side * wide, y - h),
                (x + side * wide * 0.4, y - h - 1.5),
                (x + side * (wide + 3), y - h - 2),
                (x + side * (wide + 2), y - 2),
                (x + side * wide * 0.55, y + h),
                (x - side * wide * 0.5, y + h),
                (x - side * wide * 0.98, y + 3),
            ]
        if dark:
            pen.area(lens, palette.rgb("#23222c"), "lens")
            glare = [(x - wide * 0.45, y - radius * 0.25), (x - wide * 0.05, y - radius * 0.55)]
            pen.line(glare, palette.rgb("#8d93a8"), 4.2, "glare")
        else:
            pen.gleam(lens, x, y, wide, radius)
        pen.ring(lens, colour, 5.4 if not dark else 4.2, "frame")
    bridge = [head.face(-8, head.eye_y - 2), head.face(0, head.eye_y - 6), head.face(8, head.eye_y - 2)]
    pen.line(bridge, colour, 5.0, "frame")


def hat_colour(portrait) -> palette.Colour:
    """A hat colour that stands out from the hair."""
    hair = hair_colour(portrait)
    fitting = [c for c in palette.HATS if sum(abs(a - b) for a, b in zip(c, hair, strict=True)) > 150]
    return portrait.details.choice("hat", fitting or palette.HATS)


def draw_headwear(pen, head: Head) -> None:
    """Hat or crown, over hair and forehead."""
    kind = head.portrait["headwear"]
    if kind != "none":
        {"cap": _cap, "beanie": _beanie, "wide_brim_hat": _wide_brim_hat, "beret": _beret, "crown": _crown}[kind](
            pen, head
        )


def _dome(head: Head, top: float, wide: float, low: float) -> list[tuple[float, float]]:
    half = [(0, top), (wide * 0.5, top + 6), (wide * 0.87, top + 0.42 * (low - top)), (wide, low - 10), (wide - 1, low)]
    return head.mirrored(half)


def _form(pen, head: Head, points, colour) -> None:
    pen.form(points, colour, "hat", (head.x + head.light * 30, 100), 82)


def _cap(pen, head: Head) -> None:
    colour, temple = hat_colour(head.portrait), head.widths[0]
    dome = _dome(head, 24, temple + 9, 88)
    pen.area(dome, colour, "hat")
    _form(pen, head, dome, colour)
    lean = head.turn * 14
    for u in (-22, 22):
        pen.line(
            head.outline([(lean * 0.4, 27), (u + lean * 0.7, 46), (u * 1.25 + lean, 82)]),
            shaded(colour, 0.35),
            2.4,
            "seam",
        )
    pen.area(ellipse(*head.at(lean * 0.4, 24), 6, 4, 8), shaded(colour, 0.2), "hat")
    badge = ellipse(*head.at(lean, 60), 12 - 2 * abs(head.turn), 11, 10)
    pen.area(badge, palette.rgb("#f7efe0"), "badge")
    far = head.turn * 22
    right, left = temple + 6 + max(far, -12), -temple - 6 + min(far, 12)
    visor = [
        (left, 84),
        (0.5 * (left + lean), 80),
        (lean, 79),
        (0.5 * (right + lean), 80),
        (right, 84),
        (right + 2, 93),
        (0.6 * right + 0.4 * lean, 99),
        (lean, 104),
        (0.6 * left + 0.4 * lean, 99),
        (left - 2, 93),
    ]
    visor = head.outline(visor)
    pen.area(visor, shaded(colour, 0.32), "visor")


def _beanie(pen, head: Head) -> None:
    colour, temple = hat_colour(head.portrait), head.widths[0]
    x, y = head.at(-head.turn * 6, 17)
    fluff = palette.lit(colour, 0.62)
    pompom = []
    for point, bump in zip(ellipse(x, y, 15, 14, 9), ellipse(x, y, 19, 18, 9, 0.35), strict=True):
        pompom += [point, point, bump]
    dome = _dome(head, 20, temple + 10, 86)
    pen.area(dome, colour, "hat")
    ribs = [head.outline([(u * 0.45, 28), (u, 48), (u * 1.2, 72)]) for u in (-36, -18, 0, 18, 36)]
    pen.lines(ribs, shaded(colour, 0.3), 2.8, "seam")
    _form(pen, head, dome, colour)
    pen.area(pompom, fluff, "pompom")
    w = temple + 12
    cuff = [(-w, 70), (0, 66), (w, 70), (w + 1, 82), (w - 1, 96), (0, 92), (-w + 1, 96), (-w - 1, 82)]
    pen.area(head.outline(cuff), palette.lit(colour, 0.22), "hat")
    ribs = [head.outline([(k * w / 5.6, 73 - 3 * (1 - abs(k) / 6)), (k * w / 5.6, 90)]) for k in range(-5, 6)]
    pen.lines(ribs, shaded(colour, 0.2), 2.6, "seam")


def _wide_brim_hat(pen, head: Head) -> None:
    colour, temple = hat_colour(head.portrait), head.widths[0]
    band = head.portrait.details.choice("band", (palette.rgb("#f3e6cf"), palette.rgb("#2b2530")))
    tilt = head.turn * 3
    brim = [
        (-112, 80 - tilt),
        (-84, 70),
        (0, 62),
        (84, 70),
        (112, 80 + tilt),
        (92, 92 + tilt),
        (50, 97),
        (0, 99),
        (-50, 97),
        (-92, 92 - tilt),
    ]
    dome = head.mirrored(
        [(0, 17), (temple * 0.55, 15), (temple * 0.88, 26), (temple + 2, 60), (temple + 3, 82), (0, 88)]
    )
    pen.area(head.outline(brim), shaded(colour, 0.16), "hat")
    pen.area(dome, colour, "hat")
    _form(pen, head, dome, colour)
    w = temple + 3
    ribbon = [(-w + 2, 62), (0, 67), (w - 2, 62), (w, 80), (0, 87), (-w, 80)]
    pen.area(head.outline(ribbon), band, "trim")
    pen.line(
        head.outline([(-112, 80 - tilt), (-70, 91), (0, 97), (70, 91), (112, 80 + tilt)]),
        palette.lit(colour, 0.25),
        2.6,
        "seam",
    )


def _beret(pen, head: Head) -> None:
    colour, temple = hat_colour(head.portrait), head.widths[0]
    side = -head.turn or (1 if head.portrait.details.unit("beret") < 0.5 else -1)
    shape = [
        (-side * (temple + 5), 84),
        (-side * (temple + 8), 62),
        (-side * 40, 34),
        (side * 8, 20),
        (side * 58, 24),
        (side * 92, 48),
        (side * 96, 70),
        (side * 74, 86),
        (side * 30, 90),
        (0, 88),
        (-side * 34, 90),
    ]
    stem = [(side * 14, 21), (side * 17, 10)]
    pen.line(head.outline(stem), shaded(colour, 0.3), 5.5, "seam")
    points = head.outline(shape)
    pen.area(points, colour, "hat")
    _form(pen, head, points, colour)
    pen.line(head.outline([(side * 12, 24), (side * 46, 34), (side * 72, 54)]), palette.lit(colour, 0.28), 3.0, "seam")
    w = temple + 5
    edge = [(-side * w, 80), (0, 82), (side * (w + 4), 78), (side * (w + 3), 90), (0, 93), (-side * (w - 1), 92)]
    pen.area(head.outline(edge), shaded(colour, 0.34), "visor")


def _crown(pen, head: Head) -> None:
    gold = palette.GOLD
    w = 52.0
    points = [
        (-w, 70),
        (-w - 10, 22),
        (-w * 0.55, 46),
        (-w * 0.42, 10),
        (-w * 0.08, 40),
        (0, 4),
        (w * 0.08, 40),
        (w * 0.42, 10),
        (w * 0.55, 46),
        (w + 10, 22),
        (w, 70),
    ]
    base = [(w * 0.5, 76), (0, 78), (-w * 0.5, 76)]
    shape = head.outline(points + base)
    pen.area(shape, gold, "gold", sharp=True)
    pen.form(corners(shape), gold, "gold", (head.x + head.light * 30, 90), 82)
    pen.line(
        head.outline([(-w + 1, 60), (-w * 0.5, 66), (0, 68), (w * 0.5, 66), (w - 1, 60)]),
        shaded(gold, 0.4),
        3.0,
        "seam",
    )
    for u, y in ((-w - 10, 22), (-w * 0.42, 10), (0, 5), (w * 0.42, 10), (w + 10, 22)):
        pen.dot(*head.at(u, y), 5, palette.lit(gold, 0.35), "gold")
    for u, colour in ((-28, "#c8334a"), (0, "#2f74c0"), (28, "#c8334a")):
        pen.area(
            ellipse(*head.at(u + head.turn * 8, 57), 6, 6, 8), mix(palette.rgb(colour), palette.WHITE, 0.1), "jewel"
        )

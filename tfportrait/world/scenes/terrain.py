"""The five landscapes, from the horizon to the near bank, and the ground that the object stands on."""

import math

from ..palette import Colour, lit, mix, rgb, shaded
from ..shapes import Points, ellipse
from .sky import draw_mist
from .view import BANK, BARK, CONIFERS, FOLIAGE, SHORE, SNOW, View, mirrored, puff, rectangle


def draw_land(view: View) -> None:
    """Everything outdoors but the sky, the object and what falls."""
    {"mountains": _mountains, "sea": _sea, "city": _city, "forest": _forest, "desert": _desert}[view.setting](view)


# ---- mountains -------------------------------------------------------------------------------------------------------


def _mountains(view: View) -> None:
    base = view.horizon + 6
    gap = view.sun[0] if view.time in ("dawn", "dusk") else None
    peaks = []
    for k, (x, y, half) in enumerate(((22, 74, 92), (232, 66, 96), (116, 52, 104), (176, 92, 70), (60, 98, 62))):
        x += view.details.signed(f"peak {k}", 30)
        y += view.details.signed(f"height {k}", 17)
        if gap is not None and abs(x - gap) < 62:
            y += 64 * (1 - abs(x - gap) / 62) ** 0.6
        peaks.append((x, y, half))
    for k, (x, y, half) in enumerate(peaks):
        _peak(view, k, x, y, half, base + 14, 0.5 if k < 3 else 0.34)
    draw_mist(view, base - 8, 30, 0.85)
    green = rgb(CONIFERS[view.season])
    slope = mix(green, SNOW, 0.45) if view.white else green
    hill = view.rolling("far hill", base - 6, 8)
    view.pen.layer(hill, view.on(slope, 0.42), view.on(lit(slope, 0.1), 0.7), "land")
    view.reflections.append((hill, view.on(slope, 0.42)))
    firs = []
    for k in range(13):
        x = -6 + 21.5 * k + view.details.signed(f"fir {k}", 7)
        firs.append((x, base + 6 + 4 * math.sin(k), view.span(f"fir's height {k}", 24, 38)))
    view.conifers(firs, 0.32)
    grove = [
        (x + view.details.signed(f"tree {x}", 6), base + 10, view.span(f"tree's height {x}", 26, 36))
        for x in (16, 66, 108, 168, 214, 246)
    ]
    view.grove("grove", grove, 0.2)
    draw_mist(view, base + 10, 20, 0.7)
    _ground(view)


def _peak(view: View, number: int, x: float, y: float, half: float, base: float, depth: float) -> None:
    """One mountain: its body, the flank turned from the light, its snow."""
    rock = rgb("#6d7f9f") if number != 1 else rgb("#77839c")
    if view.white:
        rock = mix(rock, rgb("#a9b8d0"), 0.5)
    edges = {}
    for side in (-1, 1):
        edge = [(x, y)]
        for k in range(1, 6):
            t = k / 5
            bump = view.details.signed(f"edge {number} {side} {k}", 0.055 * half)
            edge.append((x + side * half * t**0.92 + bump, y + (base - y) * t + 0.6 * bump))
        edges[side] = edge
    body = [*edges[-1][::-1], *edges[1][1:]]
    colour = view.on(rock, depth)
    view.pen.layer(body, colour, view.on(lit(rock, 0.2), min(1.0, depth + 0.34)), "land", sharp=True)
    view.reflections.append((body, colour))
    dark = -view.side
    spine = [
        (x + dark * half * share * t + view.details.signed(f"spine {number} {t}", 0.06 * half), y + (base - y) * t)
        for t, share in ((0.85, 0.02), (0.62, 0.26), (0.42, -0.02), (0.22, 0.2))
    ]
    shadow = [(x, y), *edges[dark][1:], *spine]
    foot = view.on(lit(rock, 0.2), min(1.0, depth + 0.34))
    view.pen.layer(shadow, mix(colour, shaded(colour, 0.75), 0.7), foot, "shadow", sharp=True)
    if number < 3:
        line = 0.62 if view.white else 0.36
        bright, blue = view.on(SNOW, depth * 0.55), view.on("#b7c8e6", depth * 0.6)
        for side, snow in ((view.side, bright), (dark, blue)):
            cap = [(x, y)]
            last = None
            for px, py in edges[side][1:]:
                if (py - y) / (base - y) > line:
                    break
                cap.append((px, py))
                last = (px, py)
            if last is None:
                continue
            width, deep = last[0] - x, last[1] - y
            for k, (u, v) in enumerate(((0.72, 0.74), (0.56, 1.06), (0.36, 0.7), (0.2, 0.98), (0.0, 0.66))):
                u += view.details.signed(f"snow {number} {side} {k}", 0.05)
                cap.append((x + width * max(0.0, u), y + deep * v))
            view.pen.area(cap, snow, "snow", sharp=True)


# ---- sea -------------------------------------------------------------------------------------------------------------


def _sea(view: View) -> None:
    level = view.horizon
    for k, (x, half, high, depth) in enumerate(((40, 74, 24, 0.78), (206, 88, 34, 0.62))):
        x += view.details.signed(f"island {k}", 26)
        if view.time in ("dawn", "dusk"):
            x = view.sun[0] + math.copysign(max(abs(x - view.sun[0]), 0.9 * half + 10), x - view.sun[0])
        outline = [
            (x + half * u, level + 1 - high * v * (0.8 + 0.4 * view.details.unit(f"island {k} {u}")))
            for u, v in (
                (-1, 0),
                (-0.7, 0.34),
                (-0.42, 0.62),
                (-0.16, 1.0),
                (0.14, 0.78),
                (0.44, 0.5),
                (0.74, 0.24),
                (1, 0),
            )
        ]
        stone = mix(rgb("#5d7f86"), SNOW, 0.5 if view.white else 0.0)
        view.pen.layer(outline, view.on(stone, depth), view.on(stone, min(1, depth + 0.14)), "land")
        view.reflections.append((outline, view.on(stone, depth)))
    draw_mist(view, level - 4, 22, 0.8)
    _water(view, level, 216, deep="#1d6f9e", shallow="#49b3c4")
    _waves(view, level)
    headland = -view.side if view.object != "house" else (-1 if view.place > 128 else 1)
    _headland(view, headland, level)
    sand = rgb("#eacb92")
    if view.white:
        sand = mix(sand, SNOW, 0.85)
    beach = _shoreline(view, 205)
    view.pen.layer(_shoreline(view, 200), view.on(mix(sand, rgb("#6fa6ac"), 0.45)), view.on(sand), "wet")
    view.pen.layer(beach, view.on(sand), view.on(shaded(sand, 0.16)), "near")
    foam = [(x, y - 3.5) for x, y in beach[: len(beach) - 6]]
    view.pen.dashes([foam], view.on("#ffffff"), 3.4, "foam", 0.92)
    stones = [(view.span(f"shell {k}", 6, 250), view.span(f"shell's place {k}", 228, 252), 1.6) for k in range(7)]
    view.pen.dots(stones, view.on(shaded(sand, 0.45)), "flower")
    side = view.branch or 1
    tufts = [(128 + side * (u - 128), v) for u, v in ((226, 252), (240, 248), (252, 244))]
    green = mix(rgb("#5f9a55"), SNOW, 0.6) if view.white else rgb({"autumn": "#b98a3c"}.get(view.season, "#4f9a58"))
    blades = [[(x, y + 6), (x + lean * 0.5, y - 9), (x + lean, y - 20)] for x, y in tufts for lean in (-10, -3, 4, 11)]
    view.pen.dashes(blades, view.on(green), 2.2, "grass")


def _waves(view: View, level: float) -> None:
    """Crests that break towards the shore, and gulls above."""
    crests = []
    for k in range(7):
        t = (k + 0.4) / 7
        x, y = view.span(f"crest {k}", 10, 246), level + 10 + 54 * t
        half, rise = 12 + 22 * t, 2 + 2 * t
        crests.append(
            [(x - half, y + 1.5), (x - 0.5 * half, y - rise), (x, y), (x + 0.5 * half, y - rise), (x + half, y + 1)]
        )
    white = mix(view.on("#ffffff", 0.1), view.on("#49b3c4"), 0.25)
    view.pen.dashes(crests, white, 2.2, "foam", 0.8)
    if view.weather in ("clear", "cloudy") and view.time != "night":
        gulls = []
        for k in range(4):
            x, y = view.span(f"gull {k}", 40, 216), view.span(f"gull's height {k}", 58, level - 26)
            size = 4 + 3 * view.details.unit(f"gull's size {k}")
            gulls.append(
                [(x + u * size, y - v * size) for u, v in ((-1, 0.5), (-0.4, 0.75), (0, 0), (0.4, 0.75), (1, 0.5))]
            )
        view.pen.dashes(gulls, view.on("#4a5468", 0.2), 1.5, "bird")


def _shoreline(view: View, y: float) -> Points:
    phase = 6.283 * view.details.unit("beach")
    edge = [(x, y + 8 * math.sin(x / 58 + phase) + 2.5 * math.sin(x / 21 + phase)) for x in range(-20, 290, 22)]
    right, left = edge[-1][0], edge[0][0]
    return [*edge, edge[-1], (right, 264), (right, 264), (left, 264), (left, 264), edge[0]]


def _headland(view: View, side: int, level: float) -> None:
    """A cliff with trees in their season's dress, at one edge of the picture."""

    def at(u: float, y: float) -> tuple[float, float]:
        return (128 + side * u, y)

    rock = mix(rgb("#8b7a6a"), SNOW, 0.2 if view.white else 0.0)
    lift = view.details.signed("cliff", 6)
    cliff = [
        at(140, level - 22 + lift),
        at(96, level - 20 + lift),
        at(74, level - 8 + lift),
        at(62, level + 12),
        at(50, level + 22),
        at(140, level + 27),
    ]
    view.pen.layer(cliff, view.on(rock, 0.2), view.on(shaded(rock, 0.4), 0.24), "land", sharp=True)
    top = [
        at(140, level - 26 + lift),
        at(112, level - 27 + lift),
        at(90, level - 22 + lift),
        at(70, level - 6 + lift),
        at(86, level - 8 + lift),
        at(112, level - 12 + lift),
        at(140, level - 10 + lift),
    ]
    view.pen.area(top, view.grass(0.16), "leaf")
    view.grove("cliff", [(at(u, 0)[0], level - 18 + lift, h) for u, h in ((90, 26), (122, 38), (106, 34))], 0.14)


# ---- city ------------------------------------------------------------------------------------------------------------


def _city(view: View) -> None:
    base = view.horizon + 10
    pen = view.pen
    for row, (step, low, high, depth, colour) in enumerate(
        ((19, 60, 104, 0.8, "#6f80a0"), (27, 44, 92, 0.52, "#5b6c8f"))
    ):
        towers = []
        for k in range(int(276 / step) + 1):
            x = -12 + step * k + view.details.signed(f"tower {row} {k}", 4)
            top = base - view.span(f"top {row} {k}", low, high) * (0.72 if abs(x - view.sun[0]) < 24 else 1.0)
            wide = step - 3 + view.span(f"width {row} {k}", 0, 6)
            towers.append(_tower(view, f"{row} {k}", x, top, wide, base + 8))
        shade = view.on(colour, depth)
        pen.areas(towers, shade, "skyline", sharp=True)
        if view.white:
            pen.areas(
                [rectangle(t[0][0], min(y for _, y in t), 8, 2) for t in towers[::2]], view.on(SNOW, depth), "snow"
            )
        if row:
            windows = [
                rectangle(x + 4 + 6 * column, y + 8 + 9 * line, 3, 4)
                for index, t in enumerate(towers)
                for (x, y) in [(t[0][0], max(y for _, y in t[1:3]))]
                for column in range(2)
                for line in range(7)
                if (3 * index + 5 * column + 2 * line) % 3 != 0 and y + 8 + 9 * line < base
            ]
            lamp = mix(rgb("#ffd983"), shade, 0.35) if view.air.lamps else mix(shade, lit(shade, 0.5), 0.5)
            pen.areas(windows, lamp, "light", sharp=True)
        draw_mist(view, base - 20 + 14 * row, 34, 0.7)
    _near_buildings(view, base)
    draw_mist(view, base, 20, 0.5)
    trees = [
        (x + view.details.signed(f"street tree {x}", 6), base + 6, view.span(f"street tree's height {x}", 28, 38))
        for x in (12, 60, 104, 150, 196, 242)
    ]
    pen.area(view.rolling("park", base + 1, 1.2), view.grass(0.1), "land")
    view.grove("street", trees, 0.1)
    _ground(view)


def _tower(view: View, key: str, x: float, top: float, wide: float, base: float) -> Points:
    """A tower's outline, its roof one of five."""
    kind = int(5 * view.details.unit(f"roof {key}"))
    roof = (
        [(x, top), (x + wide, top)],
        [(x, top + 6), (x + 0.5 * wide, top - 6), (x + wide, top + 6)],
        [
            (x, top + 9),
            (x + 0.22 * wide, top + 9),
            (x + 0.22 * wide, top),
            (x + 0.78 * wide, top),
            (x + 0.78 * wide, top + 9),
            (x + wide, top + 9),
        ],
        [
            (x, top),
            (x + 0.45 * wide, top),
            (x + 0.48 * wide, top - 13),
            (x + 0.54 * wide, top - 13),
            (x + 0.57 * wide, top),
            (x + wide, top),
        ],
        [(x, top + 8), (x + wide, top - 2)],
    )[kind]
    return [*roof, (x + wide, base), (x, base)]


def _near_buildings(view: View, base: float) -> None:
    pen = view.pen
    walls = ("#c98f72", "#d8b384", "#8c9ab8", "#b9776a", "#94a58e", "#cfc1ae")
    order = int(6 * view.details.unit("walls"))
    x = -14.0
    lit_windows, dark_windows = [], []
    for k in range(7):
        wide = view.span(f"house {k}", 30, 46)
        middle = x + 0.5 * wide
        high = view.span(f"storeys {k}", 40, 66) * (0.72 if abs(middle - 128) < 52 else 1.15)
        top = base + 4 - high
        wall = view.on(walls[(k + order) % 6], 0.16)
        pen.area(rectangle(x, top, wide, high + 6), wall, "building", sharp=True)
        cap = view.on(SNOW, 0.1) if view.white else shaded(wall, 0.5)
        if k % 3 == 1:
            pen.area([(x - 3, top + 1), (middle, top - 15), (x + wide + 3, top + 1)], cap, "building", sharp=True)
        else:
            pen.area(rectangle(x - 2, top - 4, wide + 4, 5), cap, "building", sharp=True)
        if view.air.lamps:
            view.reflections.append((rectangle(middle - 3, base - 34 - 20 * (k % 2), 6, 36), rgb("#ffcf70")))
        columns = max(2, int(wide / 12))
        for column in range(columns):
            for row in range(int((high - 8) / 14)):
                cell = rectangle(x + (column + 0.5) * wide / columns - 3, top + 7 + 14 * row, 6, 8)
                bright = view.air.lamps and (3 * column + 5 * row + 7 * k) % 4 != 0
                (lit_windows if bright else dark_windows).append(cell)
        x += wide + 1
    glass = view.on("#3c4a66", 0.1) if view.air.lamps else view.on("#eaf4fb", 0.05)
    if dark_windows:
        pen.areas(dark_windows, glass, "window", sharp=True)
    if lit_windows:
        pen.areas(lit_windows, rgb("#ffd97e"), "light", sharp=True)


# ---- forest ----------------------------------------------------------------------------------------------------------


def _forest(view: View) -> None:
    base = view.horizon + 4
    far = [
        (-8 + 17 * k + view.details.signed(f"far {k}", 6), base + 6, view.span(f"far height {k}", 58, 92))
        for k in range(17)
    ]
    view.conifers(far, 0.72)
    draw_mist(view, base - 12, 34, 0.8)
    if view.time in ("dawn", "day") and view.weather in ("clear", "cloudy"):
        x = view.sun[0]
        for offset in (-34, 4, 42):
            shaft = [
                (x + 0.3 * offset - 4, 20),
                (x + 0.3 * offset + 8, 20),
                (x + offset - 34 * view.side + 16, base + 30),
                (x + offset - 34 * view.side - 12, base + 30),
            ]
            view.pen.beam(shaft, view.air.daylight.glow, 0.14)
    middle = [
        (x + view.details.signed(f"wood {x}", 7), base + 8, view.span(f"wood's height {x}", 62, 92))
        for x in (4, 40, 78, 184, 220, 252)
    ]
    view.pen.area(view.rolling("floor", base + 2, 3), view.grass(0.36), "land")
    view.conifers(middle[1::2], 0.36)
    view.grove("wood", middle[::2], 0.3)
    draw_mist(view, base + 6, 22, 0.65)
    _ground(view)
    _great_trunks(view)


def _great_trunks(view: View) -> None:
    """The trees that frame the picture, and their leaves overhead."""
    pen = view.pen
    bark = view.on("#5a4034")
    for side in (-1, 1):
        x = 128 + side * (118 + view.details.signed(f"trunk {side}", 5))
        trunk = [
            (x - 13, 250),
            (x - 8, 190),
            (x - 8, 90),
            (x - 9, -10),
            (x + 9, -10),
            (x + 8, 90),
            (x + 9, 190),
            (x + 16, 250),
        ]
        pen.area(trunk, bark, "trunk")
        pen.dashes(
            [[(x - 2, 40), (x - 3, 120), (x - 4, 200)], [(x + 4, 60), (x + 4, 150)]], shaded(bark, 0.5), 1.6, "grain"
        )
        pen.dashes([[(x, 74), (x - side * 16, 50), (x - side * 44, 34)]], bark, 5.0, "trunk")
        if view.white:
            pen.dashes([[(x - 2, 72), (x - side * 17, 47), (x - side * 44, 31)]], view.on(SNOW), 2.4, "snow")
        if view.season == "winter":
            twigs = [
                [(x - side * u, v), (x - side * (u + 12), v + dv)]
                for u, v, dv in ((18, 48, -16), (30, 40, 10), (42, 34, -14))
            ]
            pen.dashes(twigs, bark, 2.2, "trunk")
            continue
        spots = ((-2, 8, 34, 22), (26, 4, 30, 17), (52, 2, 22, 12), (6, 34, 24, 18), (40, 32, 17, 10))
        for index, (body, light) in enumerate(FOLIAGE[view.season][:2]):
            chosen = spots[index::2]
            pen.areas([puff(x - side * u, v, a, b, 9, u) for u, v, a, b in chosen], view.near(body), "leaf")
            tops = [puff(x - side * u, v - 3, 0.66 * a, 0.55 * b, 7, u) for u, v, a, b in chosen]
            pen.areas(tops, view.near(light), "crown")


# ---- desert ----------------------------------------------------------------------------------------------------------


def _desert(view: View) -> None:
    base = view.horizon
    pen = view.pen
    stone = rgb("#b5694a")
    for k, (x, half, high) in enumerate(((48, 44, 44), (206, 38, 56), (130, 26, 28))):
        x += view.details.signed(f"mesa {k}", 18)
        if view.time in ("dawn", "dusk") and abs(x - view.sun[0]) < 46:
            high *= 0.3
        depth = (0.5, 0.44, 0.66)[k]
        mesa = [
            (x - half, base + 8),
            (x - 0.72 * half, base - 0.6 * high),
            (x - 0.66 * half, base - high),
            (x + 0.6 * half, base - 0.97 * high),
            (x + 0.7 * half, base - 0.55 * high),
            (x + half, base + 8),
        ]
        colour = view.on(stone, depth)
        pen.layer(mesa, colour, view.on(lit(stone, 0.2), min(1.0, depth + 0.2)), "land", sharp=True)
        flank = [
            (x + view.side * -0.1 * half, base - 0.98 * high),
            mesa[3 if view.side < 0 else 2],
            mesa[4 if view.side < 0 else 1],
            mesa[5 if view.side < 0 else 0],
            (x - view.side * -0.2 * half, base + 8),
        ]
        pen.area(flank, mix(colour, shaded(colour, 0.7), 0.7), "shadow", sharp=True)
    draw_mist(view, base - 6, 26, 0.8)
    sand = rgb("#edb765")
    pen.layer(view.rolling("sand", base + 8, 2), view.on(sand, 0.36), view.on(sand, 0.1), "land")
    dunes = ((40, 66, 22, 0.4), (212, 78, 26, 0.36), (122, 84, 22, 0.2), (250, 70, 24, 0.16))
    for k, (x, half, high, depth) in enumerate(dunes):
        _dune(view, x + view.details.signed(f"dune {k}", 22), base + 14 + 5 * k, half, high, depth)
        if k % 2:
            draw_mist(view, base + 12 + 5 * k, 18, 0.5)
    cacti = [(x, base + 24, h) for x, h in ((24, 40), (232, 46)) if abs(x - view.place) > 30]
    if view.ground != "water":
        pen.areas([_cactus(x, y, h) for x, y, h in cacti], view.on("#4f8f56", 0.1), "leaf")
    _ground(view)
    if view.ground == "water":
        for x in (18, 238):
            if abs(x - view.place) > 30:
                _palm(view, x, 206, 74 + view.details.signed(f"palm {x}", 8))


def _dune(view: View, x: float, y: float, half: float, high: float, depth: float) -> None:
    """A dune: the lit slope, and behind its winding crest the slope in shadow."""
    sand, lean = rgb("#edb765"), -view.side

    def at(u: float, v: float) -> tuple[float, float]:
        return (x + lean * half * u, y - high * v)

    slope = [
        at(-1.2, -0.1),
        at(-0.8, 0.2),
        at(-0.36, 0.72),
        at(0, 1),
        at(0, 1),
        at(0.42, 0.62),
        at(0.84, 0.18),
        at(1.2, -0.1),
    ]
    outline = [*slope, at(1.2, -0.3), at(-1.2, -0.3)]
    view.pen.layer(outline, view.on(sand, depth), view.on(shaded(sand, 0.16), 0.8 * depth), "land")
    flank = [*slope[3:], at(0.5, -0.14), at(0.2, 0.1), at(0.24, 0.4), at(0.06, 0.66)]
    view.pen.area(flank, view.on(shaded(sand, 0.46), depth), "shadow")


def _cactus(x: float, base: float, high: float) -> Points:
    w = 0.085 * high
    right = [(0, 1.0), (1, 0.94), (1, 0.6), (2.3, 0.6), (2.4, 0.84), (3.9, 0.82), (3.6, 0.46), (1, 0.44), (1, 0)]
    left = [(-1, 0), (-1, 0.34), (-3.4, 0.38), (-3.8, 0.68), (-2.3, 0.7), (-2.2, 0.5), (-1, 0.5), (-1, 0.94)]
    return [(x + w * u, base - high * v) for u, v in right + left]


def _palm(view: View, x: float, base: float, high: float) -> None:
    lean = -view.side * 9
    top = (x + lean, base - high)
    view.pen.dashes([[(x, base), (x + 0.25 * lean, base - 0.5 * high), top]], view.on("#8a6342"), 5.0, "trunk")
    leaves = []
    for turn in (-2.9, -2.3, -1.5, -0.8, -0.2, 0.25, 2.9):
        reach = 27 + 4 * math.sin(7 * turn)
        dx, dy = math.cos(turn), math.sin(turn)
        tip = (top[0] + reach * dx, top[1] + reach * 0.62 * dy + 9)
        middle = (top[0] + 0.55 * reach * dx, top[1] + 0.5 * reach * dy - 3)
        leaves.append([top, (middle[0], middle[1] - 3), tip, (middle[0], middle[1] + 4)])
    view.pen.areas(leaves, view.on("#3f8f55"), "leaf")


# ---- the ground before the viewer ------------------------------------------------------------------------------------


def _soil(view: View, depth: float = 0.0, shade: float = 0.0) -> Colour:
    if view.setting == "desert":
        return view.on(shaded(rgb("#edb765"), shade), depth)
    return view.grass(depth, shade)


def _ground(view: View) -> None:
    pen = view.pen
    if view.ground == "water":
        _water(view, SHORE, BANK + 12, deep="#2a6d8c", shallow="#5fb0bd")
        draw_mist(view, SHORE + 6, 18, 0.6)
        bank = view.rolling("bank", BANK + 4, 4)
        edge = view.rolling("bank", BANK, 4)
        pen.area(edge, view.on(SNOW if view.white else shaded(_raw_soil(view), 0.45)), "shore")
        pen.layer(bank, _soil(view), _soil(view, 0, 0.22), "near")
    else:
        pen.layer(view.rolling("field", SHORE + 4, 3), _soil(view, 0.14), _soil(view), "land")
        pen.layer(view.rolling("meadow", 190, 5), _soil(view, 0.0, 0.06), _soil(view, 0, 0.26), "near")
        if view.ground == "road":
            _road(view)
        elif view.setting == "mountains":
            _fence(view)
    if view.setting == "desert":
        stones = [(view.span(f"stone {k}", 4, 252), view.span(f"stone's place {k}", 226, 252), 2.4) for k in range(8)]
        pen.dots(stones, view.on("#a8683f"), "flower")
        ripples = []
        for k in range(6):
            x, y = view.span(f"ripple {k}", -10, 220), view.span(f"ripple's place {k}", 218, 250)
            ripples.append([(x, y), (x + 16, y - 3), (x + 34, y)])
        return pen.dashes(ripples, view.on("#c98d45"), 1.8, "grass")
    view.carpet(BANK + 14 if view.ground == "water" else 196)


def _fence(view: View) -> None:
    """A wooden fence across the meadow."""
    wood = view.on("#8a6a4c", 0.04)
    posts = [(x, 196 + 5 * math.sin(x / 52 + 6.28 * view.details.unit("fence"))) for x in range(-6, 270, 23)]
    rails = [[(x, y - drop) for x, y in posts] for drop in (9, 17)]
    view.pen.dashes(rails, wood, 2.4, "trunk")
    view.pen.areas([rectangle(x - 2.2, y - 22, 4.4, 26) for x, y in posts], wood, "trunk", sharp=True)
    if view.white:
        view.pen.areas([rectangle(x - 3, y - 24, 6, 3.4) for x, y in posts], view.on(SNOW), "snow", sharp=True)


def _raw_soil(view: View) -> Colour:
    return rgb("#d39a54") if view.setting == "desert" else rgb("#6d5a3c")


def _water(view: View, top: float, bottom: float, deep: str, shallow: str) -> None:
    """Water from its far edge down, with what stands above it upside down in it."""
    pen, air = view.pen, view.air
    surface = [(-10, top), (266, top), (266, bottom + 20), (-10, bottom + 20)]
    far = mix(view.on(shallow, 0.3), air.sky[2], 0.5)
    low = mix(view.on(deep), air.sky[0], 0.3)
    pen.layer(surface, far, low, "water", sharp=True)
    for outline, colour in view.reflections:
        image = mirrored(outline, top, 0.55)
        image = [(x, min(y, bottom + 14)) for x, y in image if y >= top - 30]
        if len(image) > 2:
            pen.area([(x, max(y, top)) for x, y in image], mix(mix(colour, low, 0.4), far, 0.12), "reflection")
    ripples = []
    for k in range(15):
        t = (k + view.details.unit("ripples")) / 15
        y = top + 5 + (bottom - top - 4) * t
        x, half = view.span(f"ripple {k}", 0, 256), 9 + 20 * t
        ripples.append([(x - half, y), (x, y - 1.6 * t - 0.4), (x + half, y)])
    pen.dashes(ripples, mix(far, rgb("#ffffff"), 0.4 if view.time != "night" else 0.14), 1.7, "glint", 0.75)
    if view.weather in ("clear", "cloudy", "fog"):
        glints = []
        for k in range(9):
            t = k / 8
            y = top + 4 + (bottom - top - 8) * t
            half = (4 + 15 * t) * view.span(f"glint {k}", 0.55, 1.0)
            x = view.sun[0] + view.details.signed(f"glint's place {k}", 4 + 5 * t)
            glints.append([(x - half, y), (x + half, y)])
        strong = view.weather == "clear"
        pen.dashes(glints, mix(air.daylight.sun, air.daylight.glow, 0.3), 2.4, "light", 0.9 if strong else 0.5)
    if view.weather == "rain":
        rings = [
            ellipse(view.span(f"ring {k}", 8, 248), view.span(f"ring's place {k}", top + 10, bottom), 7, 2.2, 8)
            for k in range(9)
        ]
        pen.dashes([[*ring, ring[0]] for ring in rings], view.on("#eaf4fb"), 1.2, "glint", 0.7)


def _road(view: View) -> None:
    """A road from the lower edge to the horizon, bending around the object."""
    pen = view.pen
    paved = view.setting == "city"
    start = {62.0: 158.0, 128.0: 128.0 - 66 * view.side, 194.0: 98.0}[view.place]
    if view.object in ("none", "balloon"):
        start = 128.0
    bend = 26 * (1 if start < 128 else -1)
    line = [
        (start, 264, 58),
        (start + 0.4 * bend, 226, 36),
        (start + bend * 1.1, 196, 20),
        (start + 0.7 * bend, 176, 10),
        (start + 0.9 * bend, SHORE + 4, 4),
    ]
    colour = rgb("#6b6f7c") if paved else rgb("#cfae82") if view.setting != "desert" else rgb("#8a7a70")
    if view.white:
        colour = mix(colour, rgb("#c9d3e0"), 0.45)
    way = [*((x - w, y) for x, y, w in line), *((x + w, y) for x, y, w in reversed(line))]
    pen.area(way, view.on(colour, 0.02), "near")
    if paved or view.setting == "desert":
        marks = []
        for (x0, y0, w0), (x1, y1, w1) in zip(line, line[1:], strict=False):
            for t in (0.1, 0.6):
                u = t + 0.26
                a, b = (x0 + (x1 - x0) * t, y0 + (y1 - y0) * t), (x0 + (x1 - x0) * u, y0 + (y1 - y0) * u)
                wa, wb = (0.055 * (w0 + (w1 - w0) * s) for s in (t, u))
                marks.append([(a[0] - wa, a[1]), (a[0] + wa, a[1]), (b[0] + wb, b[1]), (b[0] - wb, b[1])])
        pen.areas(marks, view.on("#f6e7b4"), "light", sharp=True)
    else:
        ruts = [[(x + side * 0.45 * w, y) for x, y, w in line] for side in (-1, 1)]
        pen.dashes(ruts, view.on(shaded(colour, 0.3)), 2.4, "grass", 0.6)


def draw_bush(view: View) -> None:
    """Bushes in a lower corner, below the sun, where the object leaves room."""
    side = view.side
    if view.white or view.setting not in ("mountains", "city"):
        return
    if view.object != "none" and abs(128 + 66 * side - view.place) < 40:
        return
    spots = ((126, 254, 34, 26), (96, 262, 30, 20), (134, 232, 20, 17))
    bushes = [puff(128 + side * u, y, rx, ry, 9, u) for u, y, rx, ry in spots]
    tops = [puff(128 + side * (u - 3), y - 0.3 * ry, 0.66 * rx, 0.56 * ry, 7, u + 1) for u, y, rx, ry in spots]
    body, light = (view.near(text) for text in FOLIAGE[view.season][1 if view.season == "spring" else 2])
    view.pen.areas(bushes, body, "leaf")
    view.pen.areas(tops, light, "crown")
    if view.season in ("spring", "summer"):
        places = [
            (128 + side * u, v, 2.6) for u, v in ((118, 238), (106, 250), (94, 252), (126, 226), (84, 254), (112, 228))
        ]
        view.pen.dots(places, view.on("#fff3f6" if view.season == "spring" else "#f4d23e"), "flower")


# ---- framing ---------------------------------------------------------------------------------------------------------


def draw_branch(view: View) -> None:
    """A branch in an upper corner, in the season's dress."""
    if not view.branch or view.setting in ("forest", "desert"):
        return
    pen, side = view.pen, view.branch

    def at(u: float, v: float) -> tuple[float, float]:
        return (128 + side * (u - 128), v)

    limbs = [
        [at(266, 34), at(234, 28), at(204, 36), at(176, 30)],
        [at(240, 28), at(222, 46), at(196, 58)],
        [at(222, 31), at(206, 16), at(186, 8)],
    ]
    bark = view.on(BARK)
    pen.dashes(limbs[:1], bark, 5.2, "trunk")
    pen.dashes(limbs[1:], bark, 3.2, "trunk")
    spots = (
        (250, 22),
        (232, 36),
        (214, 24),
        (200, 42),
        (184, 28),
        (204, 60),
        (224, 50),
        (196, 8),
        (176, 34),
        (242, 8),
        (214, 10),
    )
    if view.season == "winter":
        twigs = [[at(u, v), at(u - 9, v - 8)] for u, v in spots[1:9]]
        pen.dashes(twigs, bark, 1.8, "trunk")
        if view.white:
            pen.dashes([[(x, y - 3) for x, y in limb] for limb in limbs], view.on(SNOW), 3.0, "snow")
        return
    for index, (body, light) in enumerate(FOLIAGE[view.season][::2]):
        chosen = spots[index::2]
        if view.season == "spring":
            petals = [
                (x + 4.6 * math.cos(a), y + 4.6 * math.sin(a), 3.5)
                for x, y in (at(u, v) for u, v in chosen)
                for a in (0.3 + 6.283 * k / 5 for k in range(5))
            ]
            pen.dots(petals, view.near(light if index else body), "petal")
            pen.dots([(*at(u, v), 2.0) for u, v in chosen], view.near("#d4577f"), "petal")
            continue
        leaves = []
        for u, v in chosen:
            x, y = at(u, v)
            for turn in (0.4, 1.9, 3.3, 5.0):
                a, b = math.cos(turn + u), math.sin(turn + u)
                leaves.append(
                    [
                        (x, y),
                        (x + 7 * a - 3.4 * b, y + 7 * b + 3.4 * a),
                        (x + 14 * a, y + 14 * b),
                        (x + 7 * a + 3.4 * b, y + 7 * b - 3.4 * a),
                    ]
                )
        pen.areas(leaves, view.near(body if index else light), "crown")

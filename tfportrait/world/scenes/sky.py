"""The sky and what comes out of it: stars, sun and moon, clouds, rain, snow, mist, falling leaves."""

import math

from ..palette import lit, mix, rgb, shaded
from ..shapes import Points, ellipse
from .view import FOLIAGE, View

_HIDDEN_SUN = ("rain", "snow")


def draw_sky(view: View) -> None:
    """From the zenith to the horizon, with everything that shines or drifts in it."""
    pen, air = view.pen, view.air
    pen.sky(air.sky, view.horizon + 8, view.sun)
    if view.time == "night" and view.weather in ("clear", "cloudy"):
        _stars(view)
    _sun(view)
    if view.time == "dawn" and view.weather == "clear":
        _wisps(view)
    if view.weather == "clear":
        _clouds(view, 2 if view.time in ("day", "dusk") else 1, 0.75)
    elif view.weather == "cloudy":
        _clouds(view, 6, 1.25)
    elif view.weather in ("rain", "snow"):
        _overcast(view)


def _stars(view: View) -> None:
    count = 46 if view.weather == "clear" else 16
    places = []
    for k in range(count):
        x = 256 * ((k * 0.618 + view.details.unit("stars")) % 1)
        y = 4 + (view.horizon - 34) * ((k * 0.7548 + view.details.unit("sky")) % 1)
        if math.hypot(x - view.sun[0], y - view.sun[1]) > 30:
            places.append((x, y, (0.8, 1.1, 1.7)[k % 3]))
    view.pen.dots(places, rgb("#fff6dc"), "light", 0.9)


def _sun(view: View) -> None:
    pen, daylight = view.pen, view.air.daylight
    x, y = view.sun
    radius = {"dawn": 15.0, "day": 14.0, "dusk": 21.0, "night": 16.0}[view.time]
    low = view.time in ("dawn", "dusk")
    if view.weather in _HIDDEN_SUN:
        if low:
            pen.halo(x, view.horizon, 74, daylight.glow, 0.5)
        return
    foggy = view.weather == "fog"
    strength = {"clear": 0.95, "cloudy": 0.7, "fog": 0.6}[view.weather]
    pen.halo(x, y, 96 if low else 52, daylight.glow, strength * (0.9 if low else 0.7))
    colour = mix(daylight.sun, view.air.haze, 0.45) if foggy else daylight.sun
    if view.time == "dawn" and not foggy:
        _rays(view, x, y, radius)
    if view.time == "dusk":
        colour = mix(colour, rgb("#ff6a3c"), 0.35)
    if view.time == "night":
        pen.area(_crescent(x, y, radius, view.side), colour, "light")
    else:
        pen.disc(x, y, radius, colour)


def _rays(view: View, x: float, y: float, radius: float) -> None:
    rays = []
    for k in range(9):
        turn = math.pi * (1 + (k + 0.5) / 9)
        cosine, sine = math.cos(turn), math.sin(turn)
        near, far = radius + 6, radius + (26 if k % 2 else 18)
        rays.append([(x + near * cosine, y + near * sine), (x + far * cosine, y + far * sine)])
    view.pen.dashes(rays, view.air.daylight.sun, 2.6, "rays", 0.75)


def _crescent(x: float, y: float, radius: float, side: int) -> Points:
    outer = [
        (x - side * radius * math.cos(a), y + radius * math.sin(a))
        for a in (math.radians(-78 + 216 * k / 10) for k in range(11))
    ]
    inner = [
        (
            x + side * radius * (0.42 - 0.96 * math.cos(a)),
            y - 0.28 * radius + 0.92 * radius * math.sin(a),
        )
        for a in (math.radians(112 - 160 * (k + 0.5) / 8) for k in range(8))
    ]
    return outer + inner


def _cloud(x: float, base: float, wide: float, high: float, seed: float) -> list[Points]:
    """A heap of round tops on a flat base."""
    parts = [ellipse(x, base - 0.16 * high, 0.56 * wide, 0.17 * high, 10)]
    for k, (u, tall, reach) in enumerate(
        ((-0.6, 0.46, 0.15), (-0.24, 0.8, 0.19), (0.16, 1.0, 0.21), (0.56, 0.56, 0.17))
    ):
        rx = reach * wide * (1 + 0.16 * math.sin(seed + 2 * k))
        ry = 0.4 * high * (0.7 + 0.4 * tall)
        place = x + 0.5 * wide * (u + 0.07 * math.sin(2 * seed + k))
        parts.append(ellipse(place, base - high * tall + ry - 0.02 * high, rx, ry, 8))
    return parts


def _clouds(view: View, count: int, size: float) -> None:
    pen, air = view.pen, view.air
    bright = {"dawn": "#fff0ea", "day": "#ffffff", "dusk": "#f2a184", "night": "#4a5a8c"}[view.time]
    body = mix(rgb(bright), air.cloud, 0.3 if view.weather == "cloudy" else 0.08)
    shadow = mix(shaded(body, 0.3), air.sky[1], 0.4)
    crowd, tops = [], []
    for k in range(count):
        x = 256 * ((k * 0.618 + view.details.unit("clouds")) % 1)
        base = view.span(f"cloud {k}", 34, 0.62 * view.horizon)
        wide = size * view.span(f"cloud's size {k}", 56, 92) * (0.75 + 0.25 * (1 - base / view.horizon))
        if count < 3 and abs(x - view.sun[0]) < 44:
            x = 256 - x
        if view.object == "balloon" and abs(x - view.place) < 50:
            x = (x + 128) % 256
        seed = 6.28 * view.details.unit(f"cloud's form {k}")
        crowd.extend(_cloud(x, base, wide, 0.4 * wide, seed))
        tops.extend(_cloud(x + 0.03 * wide * view.side, base - 0.075 * wide, 0.86 * wide, 0.31 * wide, seed))
    pen.areas(crowd, shadow if count > 2 else mix(shadow, body, 0.3), "cloud")
    pen.areas(tops, body, "cloud top")


def _wisps(view: View) -> None:
    curves = []
    for k in range(4):
        x, y = view.span(f"wisp {k}", -10, 210), view.span(f"wisp's height {k}", 40, 0.66 * view.horizon)
        curves.append([(x, y), (x + 26, y - 3), (x + 62, y - 1)])
    view.pen.dashes(curves, lit(view.air.sky[1], 0.6), 3.0, "cloud", 0.7)


def _overcast(view: View) -> None:
    """A lid of heavy cloud, its lower edge in folds."""
    pen, air = view.pen, view.air
    dark = shaded(air.cloud, 0.42 if view.weather == "rain" else 0.16)
    for row, (y, share) in enumerate(((74, 0.35), (52, 0.7), (30, 1.0))):
        phase = 6.28 * view.details.unit(f"lid {row}")
        edge = []
        for k in range(11):
            x = 280 - 30 * k
            edge.append((x, y + (5 if k % 2 else -4) + 6 * math.sin(0.05 * x + phase)))
        pen.area([(-12, -14), (-12, -14), (276, -14), (276, -14), *edge], mix(air.sky[0], dark, share), "lid")


def draw_mist(view: View, y: float, high: float, strength: float) -> None:
    """A bank of mist, where the weather or the morning brings one."""
    if view.weather == "fog":
        view.pen.veil(y, 1.4 * high, lit(view.air.haze, 0.25), strength)
    elif view.time == "dawn" and view.weather in ("clear", "cloudy"):
        view.pen.veil(y, 0.6 * high, lit(view.air.haze, 0.4), 0.55 * strength)


def draw_fog(view: View) -> None:
    """Fog between the viewer and everything."""
    if view.weather == "fog":
        view.pen.veil(view.horizon + 34, 70, lit(view.air.haze, 0.2), 0.55)
        view.pen.veil(252, 34, lit(view.air.haze, 0.2), 0.6)


def draw_falling(view: View, left: float = 0, top: float = 0, right: float = 256, bottom: float = 256) -> None:
    """Rain or snow, and in fair weather what falls from the trees, within a rectangle."""
    pen, details = view.pen, view.details
    wide, high = right - left, bottom - top
    crowd = max(0.34, wide * high / 65536)
    if view.weather == "rain":
        for name, count, length, width, opacity in (("near", 30, 26, 1.7, 0.5), ("far", 44, 15, 1.1, 0.42)):
            drops = []
            for k in range(int(count * crowd)):
                x = left + wide * ((k * 0.618 + details.unit(f"{name} rain")) % 1)
                y = top + (high - min(length, 0.4 * high)) * ((k * 0.7548 + details.unit(f"{name} {k}")) % 1)
                tall = min(length, 0.4 * high)
                drops.append([(x, y), (max(left, x - 0.26 * tall), y + tall)])
            tone = rgb("#e6f0fb") if view.time != "night" else rgb("#9fb4d8")
            pen.dashes(drops, tone, width, "rain", opacity)
    elif view.weather == "snow":
        for name, count, radius in (("near", 26, 3.0), ("middle", 44, 2.0), ("far", 52, 1.2)):
            flakes = []
            for k in range(int(count * crowd)):
                x = left + wide * ((k * 0.618 + details.unit(f"{name} flakes")) % 1)
                y = top + high * ((k * 0.7548 + details.unit(f"{name} {k}")) % 1)
                flakes.append((x, y, radius * (0.8 + 0.4 * details.unit(f"flake {k}"))))
            pen.dots(flakes, rgb("#ffffff") if view.time != "night" else rgb("#e3ebfa"), "snow", 0.92)
    elif view.season in ("spring", "autumn") and view.setting not in ("desert", "interior"):
        colours = FOLIAGE[view.season]
        for index in (0, 2):
            petals = []
            for k in range(9):
                x = 256 * ((k * 0.618 + details.unit(f"petals {index}")) % 1)
                y = 30 + 200 * details.unit(f"petal {index} {k}")
                petals.append((x, y, 1.9 if view.season == "spring" else 2.4))
            pen.dots(petals, view.near(colours[index][0 if index else 1]), "petal", 0.95)

"""Light and air: what the time of day and the weather do to the sky and to every colour under it."""

from typing import NamedTuple

from ..palette import Colour, mix, rgb, saturated


class Daylight(NamedTuple):
    """One time of day.

    Attributes:
        sky: three colours, from the zenith to the horizon, in clear weather.
        overcast: colour of a sky full of clouds.
        fog: colour of thick air.
        tint: factors for red, green and blue of everything that is lit.
        cast: how much of the zenith's colour lies on everything.
        sun: colour of the sun or moon.
        glow: colour of the light around it.
        lamps: whether windows and lamps are lit.
    """

    sky: tuple[Colour, Colour, Colour]
    overcast: Colour
    fog: Colour
    tint: tuple[float, float, float]
    cast: float
    sun: Colour
    glow: Colour
    lamps: bool


def _daylight(sky: str, overcast: str, fog: str, tint, cast: float, sun: str, glow: str, lamps: bool) -> Daylight:
    return Daylight(tuple(map(rgb, sky.split())), rgb(overcast), rgb(fog), tint, cast, rgb(sun), rgb(glow), lamps)


TIMES = {
    "dawn": _daylight(
        "#8db2e6 #f6bfc8 #ffedc2", "#cdb9c6", "#f0d9d8", (1.0, 0.9, 0.92), 0.03, "#fff7dc", "#ffe1b0", False
    ),
    "day": _daylight(
        "#3a8ee0 #7fc0f0 #d9f0f8", "#b3c0cd", "#e3e9ec", (1.0, 1.0, 1.0), 0.0, "#fffbe2", "#fff6cf", False
    ),
    "dusk": _daylight(
        "#432f74 #b94a78 #ff9c4c", "#75587a", "#b57f86", (0.78, 0.58, 0.66), 0.06, "#ffd684", "#ff8f4a", True
    ),
    "night": _daylight(
        "#0a0f31 #18265a #37508c", "#1d2442", "#34406a", (0.36, 0.43, 0.66), 0.16, "#fdf4d2", "#8fa6dc", True
    ),
}
GREYS = {
    "dawn": _daylight("#8e8e8e #c4c4c4 #ffffff", "#a6a6a6", "#c8c8c8", (0.86,) * 3, 0.0, "#ffffff", "#ffffff", False),
    "day": _daylight("#dedede #efefef #ffffff", "#cccccc", "#f4f4f4", (1.0,) * 3, 0.0, "#ffffff", "#ffffff", False),
    "dusk": _daylight("#3c3c3c #6c6c6c #c4c4c4", "#5c5c5c", "#868686", (0.56,) * 3, 0.0, "#ffffff", "#e8e8e8", True),
    "night": _daylight("#0c0c0c #1a1a1a #383838", "#1e1e1e", "#3a3a3a", (0.34,) * 3, 0.04, "#ffffff", "#a0a0a0", True),
}
"""The times of day of drawings, which have only light and dark to tell them apart."""

_CLOSED = {"clear": 0.0, "cloudy": 0.34, "rain": 0.74, "snow": 0.66, "fog": 0.78}  # how much of the sky is overcast
_DIM = {"clear": 1.0, "cloudy": 0.95, "rain": 0.8, "snow": 1.0, "fog": 1.0}
_FADED = {"clear": 0.0, "cloudy": 0.08, "rain": 0.26, "snow": 0.16, "fog": 0.14}
_HAZE = {"clear": (0.0, 0.72), "cloudy": (0.0, 0.76), "rain": (0.04, 0.86), "snow": (0.04, 0.86), "fog": (0.2, 1.3)}


class Air:
    """The colours of one time of day in one weather.

    Args:
        time, weather: str. Values of the attributes.
        grey: bool. Whether the style has no colour.
    """

    def __init__(self, time: str, weather: str, grey: bool) -> None:
        self.daylight = (GREYS if grey else TIMES)[time]
        closed = _CLOSED[weather]
        cover = self.daylight.fog if weather == "fog" else self.daylight.overcast
        if weather == "snow" and not grey:
            cover = mix(cover, (236, 240, 246), 0.3 if time != "night" else 0.12)
        top, middle, low = self.daylight.sky
        dark = 0.82 if weather == "rain" and time != "night" else 1.0
        self.sky = tuple(
            tuple(channel * dark for channel in mix(colour, cover, closed * share))
            for colour, share in ((top, 1.0), (middle, 1.0), (low, 0.72))
        )
        self.haze = mix(self.sky[2], self.daylight.fog, 0.9 if weather == "fog" else 0.25)
        self.cloud = mix(tuple(channel * dark for channel in cover), self.sky[2], 0.25)
        self.lamps = self.daylight.lamps
        self._least, self._range = _HAZE[weather]
        self._tint = tuple(_DIM[weather] * factor for factor in self.daylight.tint)
        self._kept = {"dusk": 0.3, "night": 0.36}.get(time, 0.0)
        self._faded = _FADED[weather] + (0.22 if time == "night" else 0.0)

    def on(self, colour: Colour, depth: float = 0.0) -> Colour:
        """`colour` in this light, seen through air: `depth` is 0 before the viewer and 1 at the horizon."""
        red, green, blue = self._tint
        colour = saturated(colour, -self._faded)
        colour = (colour[0] * red, colour[1] * green, colour[2] * blue)
        colour = mix(colour, self.daylight.sky[1], self.daylight.cast)
        return mix(colour, self.haze, min(0.94, self._least + self._range * depth))

    def near(self, colour: Colour, depth: float = 0.0) -> Colour:
        """`colour` of what has to be told apart in the dark too: the object, the season's leaves."""
        return mix(self.on(colour, depth), colour, self._kept * (1 - depth))

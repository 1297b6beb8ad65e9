"""Curated colours and the few operations that the drawing needs on them. A colour is (red, green, blue), 0 to 255."""

from functools import lru_cache

Colour = tuple[float, float, float]


def rgb(text: str) -> Colour:
    """Colour of "#rrggbb"."""
    return (int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16))


@lru_cache(maxsize=4096)
def css(colour: Colour) -> str:
    """ "#rrggbb" of a colour."""
    red, green, blue = colour
    red, green, blue = int(red + 0.5), int(green + 0.5), int(blue + 0.5)
    if min(red, green, blue) < 0 or max(red, green, blue) > 255:
        red, green, blue = (min(255, max(0, channel)) for channel in (red, green, blue))
    return f"#{red << 16 | green << 8 | blue:06x}"


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first` with `share` of `second` in it."""
    a, b, c = first
    d, e, f = second
    return (a + (d - a) * share, b + (e - b) * share, c + (f - c) * share)


def luminance(colour: Colour) -> float:
    """Lightness as the eye sees it, 0 to 255 (Rec. 601 luma)."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def shaded(colour: Colour, amount: float) -> Colour:
    """In shadow: darker and slightly cooler, as daylight shadows are."""
    red, green, blue = colour
    return mix(colour, (red * 0.42, green * 0.38, blue * 0.52), amount)


def lit(colour: Colour, amount: float) -> Colour:
    """In light: mixed with a warm white."""
    return mix(colour, (255, 248, 232), amount)


def saturated(colour: Colour, amount: float) -> Colour:
    """Away from its own grey by `amount` (0 leaves it; negative values fade it)."""
    grey = luminance(colour)
    return tuple(min(255.0, max(0.0, grey + (channel - grey) * (1 + amount))) for channel in colour)


WHITE = rgb("#ffffff")
INK = rgb("#1d1a22")

SKIN = {"pale": rgb("#fde0cf"), "tan": rgb("#e8b287"), "brown": rgb("#b3764b"), "dark": rgb("#603b32")}
BLUSH = {"pale": rgb("#f08d86"), "tan": rgb("#d9705a"), "brown": rgb("#a04a38"), "dark": rgb("#7e2f2c")}
LIPS = {"pale": rgb("#cf4f5f"), "tan": rgb("#bd4450"), "brown": rgb("#8f2f3a"), "dark": rgb("#a83a52")}

HAIR = {
    "black": rgb("#2a2632"),
    "brown": rgb("#8a5426"),
    "blonde": rgb("#ecc55f"),
    "red": rgb("#c4501f"),
    "grey": rgb("#b9bdc6"),
    "blue": rgb("#3f74da"),
    "pink": rgb("#f286b6"),
}
EYES = {"brown": rgb("#7d4a22"), "blue": rgb("#2b8be0"), "green": rgb("#3aa34c"), "grey": rgb("#93a0ab")}
CLOTH = {
    "red": rgb("#cb3a42"),
    "yellow": rgb("#f2c03f"),
    "green": rgb("#3f9460"),
    "blue": rgb("#3569bb"),
    "purple": rgb("#7f52ad"),
    "black": rgb("#2d2d36"),
    "white": rgb("#f5f2ec"),
}
TRIM = {  # what goes with a cloth colour: collars, ties, strings
    "red": rgb("#fbe6c9"),
    "yellow": rgb("#4d5b8c"),
    "green": rgb("#f4e9c8"),
    "blue": rgb("#f3ead6"),
    "purple": rgb("#f2d783"),
    "black": rgb("#c9a25a"),
    "white": rgb("#c2504e"),
}
GOLD = rgb("#f0b93a")
HATS = tuple(rgb(text) for text in ("#a8443f", "#2f5d6e", "#5b6b3a", "#4b4a6d", "#c98b3c", "#7a5a48"))
FRAMES = tuple(rgb(text) for text in ("#1f1d26", "#3a241c", "#5c1f2b", "#1d2f4a"))
PLAIN = tuple(rgb(text) for text in ("#f0cdb8", "#bfdcda", "#d3c8ea", "#f2dfa6", "#c4dcb4", "#edc0ca", "#b9cfea"))
GRADIENTS = tuple(
    (rgb(top), rgb(bottom))
    for top, bottom in (
        ("#5b6fb8", "#ffc9a3"),
        ("#2f8f9a", "#ffe3a0"),
        ("#8a5aa8", "#ffb7b0"),
        ("#3d6ea8", "#c9f0dc"),
        ("#d0647a", "#ffe2b0"),
    )
)

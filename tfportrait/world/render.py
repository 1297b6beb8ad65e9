"""From a portrait to SVG and pixels."""

import io
from collections.abc import Callable

import numpy as np
import resvg_py
from PIL import Image

from . import accessories, backgrounds, clothing, face, hair, pixels
from . import head as heads
from .media import InkPen, OilPen, PencilPen, WatercolourPen
from .styles import AnimePen, Pen, SoftPen

SIZES = range(32, 513)
_PENS = {
    "flat": Pen,
    "soft": SoftPen,
    "watercolour": WatercolourPen,
    "oil": OilPen,
    "pencil": PencilPen,
    "ink": InkPen,
    "anime": AnimePen,
}


def draw_scene(pen, portrait) -> None:
    """Draws the background and the light on it."""
    pen.begin_scene()
    backgrounds.draw_background(pen, portrait)
    pen.end_scene()


def draw_figure(pen, portrait, features: bool = True, overlay: Callable[[], None] | None = None) -> heads.Head:
    """Draws the person, back to front; `overlay` is called instead of the features. Returns the head's geometry."""
    head = heads.Head(portrait)
    hair.draw_back(pen, head)
    clothing.draw_back(pen, head)
    heads.draw_neck(pen, head)
    clothing.draw_clothing(pen, head)
    hair.draw_locks(pen, head)
    heads.draw_ears(pen, head)
    heads.draw_head(pen, head)
    if features:
        heads.draw_age(pen, head)
        face.draw_face(pen, head)
    if overlay:
        overlay()
    hair.draw_front(pen, head)
    if features:
        accessories.draw_earrings(pen, head)
        accessories.draw_glasses(pen, head)
    accessories.draw_headwear(pen, head)
    pen.finish()
    return head


def svg(portrait) -> str:
    """The portrait as a standalone SVG document."""
    if portrait["style"] == "pixel":
        return pixels.svg(portrait)
    pen = _PENS[portrait["style"]](portrait)
    draw_scene(pen, portrait)
    draw_figure(pen, portrait)
    return pen.svg()


def render(portrait, size: int) -> np.ndarray:
    """The portrait as pixels.

    Args:
        portrait: Portrait.
        size: int. Width and height, 32 to 512.

    Returns:
        uint8 array (size, size, 3).

    Raises:
        ValueError: a size that is no integer from 32 to 512.
    """
    check_size(size)
    size = int(size)
    if portrait["style"] == "pixel":
        return pixels.render(portrait, size)
    scene = _scene(portrait["style"], portrait["background"], portrait["lighting"], backgrounds.variant(portrait), size)
    pen = _PENS[portrait["style"]](portrait)
    draw_figure(pen, portrait)
    figure = rasterise_image(pen.svg(), size)
    return np.asarray(Image.alpha_composite(scene, figure).convert("RGB"))


def check_size(size: int) -> None:
    """Raises ValueError unless `size` is an integer from 32 to 512."""
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size not in SIZES:
        raise ValueError(f"A portrait's size is an integer from 32 to 512, not {size!r}.")


def rasterise(document: str, size: int) -> np.ndarray:
    """uint8 (size, size, 4) of an SVG document, its edges not smoothed."""
    return np.asarray(rasterise_image(document, size, "crisp_edges"))


def rasterise_image(document: str, size: int, rendering: str = "geometric_precision") -> Image.Image:
    data = resvg_py.svg_to_bytes(
        svg_string=document, width=size, height=size, skip_system_fonts=True, shape_rendering=rendering
    )
    with Image.open(io.BytesIO(bytes(data))) as image:
        return image.convert("RGBA")


class _SceneKey:
    """What a background needs of a portrait; portraits that share it share one rendered background."""

    def __init__(self, style: str, background: str, lighting: str, variant: int) -> None:
        self.attributes = {"style": style, "background": background, "lighting": lighting}
        self.variant = variant
        self.details = backgrounds.details(variant)

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]


_CACHE_BYTES = 96 * 2**20
_scenes: dict[tuple, Image.Image] = {}


def _scene(style: str, background: str, lighting: str, variant: int, size: int) -> Image.Image:
    """The background alone; the latest ones are kept, up to `_CACHE_BYTES`."""
    key = (style, background, lighting, variant, size)
    if key not in _scenes:
        pen = _PENS[style](_SceneKey(style, background, lighting, variant))
        draw_scene(pen, pen.portrait)
        while sum(4 * scene.width * scene.height for scene in _scenes.values()) > _CACHE_BYTES:
            del _scenes[next(iter(_scenes))]
        _scenes[key] = rasterise_image(pen.svg(), size)
    return _scenes[key]

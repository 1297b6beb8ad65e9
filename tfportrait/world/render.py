"""From a portrait to SVG and pixels."""

import io

import numpy as np

from . import accessories, backgrounds, clothing, face, hair
from . import head as heads
from .media import InkPen, OilPen, PencilPen, WatercolourPen
from .styles import AnimePen, Pen, SoftPen

SIZES = range(32, 513)
_PENS = {
    "flat": Pen, "soft": SoftPen, "watercolour": WatercolourPen, "oil": OilPen, "pencil": PencilPen, "ink": InkPen, "anime": AnimePen,
}  # fmt: skip


def draw(pen, portrait, features: bool = True) -> heads.Head:
    """Draws everything, back to front. Returns the head's geometry."""
    head = heads.Head(portrait)
    pen.begin_scene()
    backgrounds.draw_background(pen, portrait)
    pen.end_scene()
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
        from . import pixels

        return pixels.svg(portrait)
    pen = _PENS[portrait["style"]](portrait)
    draw(pen, portrait)
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
    if portrait["style"] == "pixel":
        from . import pixels

        return pixels.render(portrait, int(size))
    return rasterise(svg(portrait), int(size))


def check_size(size: int) -> None:
    """Raises ValueError unless `size` is an integer from 32 to 512."""
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size not in SIZES:
        raise ValueError(f"A portrait's size is an integer from 32 to 512, not {size!r}.")


def rasterise(document: str, size: int) -> np.ndarray:
    """uint8 (size, size, 3) of an SVG document."""
    import resvg_py
    from PIL import Image

    data = resvg_py.svg_to_bytes(svg_string=document, width=size, height=size, skip_system_fonts=True)
    with Image.open(io.BytesIO(bytes(data))) as image:
        return np.asarray(image.convert("RGB"))

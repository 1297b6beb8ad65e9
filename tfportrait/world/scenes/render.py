"""From a scene to SVG and pixels."""

from functools import lru_cache

import numpy as np
from PIL import Image

from .. import pixels
from ..render import check_size, rasterise, rasterise_image
from .interior import draw_room
from .objects import draw_object
from .pens import (
    AnimeScene,
    FlatScene,
    InkScene,
    OilScene,
    PencilScene,
    PixelScene,
    SoftScene,
    WatercolourScene,
)
from .sky import draw_falling, draw_fog, draw_sky
from .terrain import draw_branch, draw_bush, draw_land
from .view import View

GRID = 64
_PENS = {
    "flat": FlatScene,
    "soft": SoftScene,
    "watercolour": WatercolourScene,
    "oil": OilScene,
    "pencil": PencilScene,
    "ink": InkScene,
    "anime": AnimeScene,
    "pixel": PixelScene,
}
_DITHER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16 - 0.47
_STEP = 17  # between two levels of a channel in pixel art


def _draw(scene) -> str:
    pen = _PENS[scene["style"]](scene)
    view = View(scene, pen)
    if view.setting == "interior":
        draw_room(view)
        draw_object(view)
    else:
        draw_sky(view)
        draw_land(view)
        draw_fog(view)
        draw_object(view)
        draw_bush(view)
        draw_branch(view)
        draw_falling(view)
    pen.finish()
    return pen.svg()


def svg(scene) -> str:
    """The scene as a standalone SVG document."""
    return pixels.cells_svg(_grid(scene)) if scene["style"] == "pixel" else _draw(scene)


def render(scene, size: int) -> np.ndarray:
    """The scene as pixels.

    Args:
        scene: Scene.
        size: int. Width and height, 32 to 512.

    Returns:
        uint8 array (size, size, 3).

    Raises:
        ValueError: a size that is no integer from 32 to 512.
    """
    check_size(size)
    size = int(size)
    if scene["style"] == "pixel":
        cells = _grid(scene)
        if size < GRID:
            return np.asarray(Image.fromarray(cells).resize((size, size), Image.Resampling.BOX))
        index = np.arange(size) * GRID // size
        return cells[index][:, index]
    return np.asarray(rasterise_image(_draw(scene), size).convert("RGB"))


@lru_cache(maxsize=64)
def _grid(scene) -> np.ndarray:
    """Pixel art's cells, in few colours: uint8 (64, 64, 3)."""
    cells = rasterise(_draw(scene), GRID)[..., :3].astype(np.float32)
    dither = np.tile(_DITHER, (GRID // 4, GRID // 4))[..., None]
    return np.clip(np.round(cells / _STEP + 0.5 * dither) * _STEP, 0, 255).astype(np.uint8)

"""Pictures that tasks are given: from files and arrays, checked and brought to the size that a painter works at."""

import numpy as np
from PIL import Image

from tfportrait.data.decode import BadImage, read, read_file

FITS = ("crop", "letterbox")


def read_picture(path, size=None, fit="crop", say=print):
    """A picture from a file, upright, in sRGB, laid over white where it is transparent, at the size of a painter.

    Args:
        path: str or path. PNG, JPEG, WebP or whatever else `tfportrait data check` reads.
        size: (int, int) or None. Height and width wanted; None leaves the picture's own.
        fit: str. What becomes of another aspect: "crop" cuts the middle out, "letterbox" keeps all of it between bars
            of its own edge.
        say: callable of str. Is told where the picture was changed.

    Returns:
        uint8 (height, width, 3).

    Raises:
        ValueError: not a picture, with the reason.
    """
    if fit not in FITS:
        raise ValueError(f"fit is {fit!r}, but must be {' or '.join(FITS)}")
    image = _read(path)
    if size is None or image.size == (size[1], size[0]):
        return np.asarray(image)
    box, bars = _placed(image.size, size, fit)
    said = f"{path} is {image.width} x {image.height} pixels; it was brought to {size[1]} x {size[0]}"
    changed = any(bars) or box != (0, 0, *image.size)
    say(f"{said}, {'with bars at the sides' if any(bars) else 'its middle cut out'}" if changed else said)
    inside = (size[1] - 2 * bars[0], size[0] - 2 * bars[1])
    pixels = np.asarray(image.resize(inside, Image.Resampling.LANCZOS, box))
    top, left = bars[1], bars[0]
    return np.pad(pixels, ((top, size[0] - inside[1] - top), (left, size[1] - inside[0] - left), (0, 0)), "edge")


def read_mask(path, picture, size, fit="crop", say=print):
    """A mask from a file, brought to the size of a painter as its picture was.

    Args:
        path: str or path. Black (0) where nothing is to change; transparent pixels are white.
        picture: str or path. The picture that it belongs to: of the same size.
        size, fit: as `read_picture` was given them.
        say: callable of str. Is told where the mask has soft edges.

    Returns:
        bool (height, width).

    Raises:
        ValueError: not a picture, or not of the picture's size.
    """
    image, other = (_read(name) for name in (path, picture))
    if image.size != other.size:
        sizes = [f"{each.width} x {each.height}" for each in (image, other)]
        raise ValueError(f"the mask {path} is {sizes[0]} pixels, its picture {sizes[1]}: they must be of one size")
    values = np.asarray(image).max(axis=-1)
    if ((values > 0) & (values < 255)).any():
        say(f"{path} has shades of grey: whatever is not black is painted anew")
    image = Image.fromarray((values > 0).astype("uint8"))
    if image.size == (size[1], size[0]):
        return np.asarray(image) > 0
    box, bars = _placed(image.size, size, fit)
    inside = (size[1] - 2 * bars[0], size[0] - 2 * bars[1])
    marked = np.asarray(image.resize(inside, Image.Resampling.BOX, box)) > 0
    top, left = bars[1], bars[0]
    return np.pad(marked, ((top, size[0] - inside[1] - top), (left, size[1] - inside[0] - left)))


def box_mask(box, size):
    """The mask of a box: bool (height, width).

    Args:
        box: (x, y, width, height) in pixels.
        size: (int, int). Height and width of the picture.

    Raises:
        ValueError: a box that is not in the picture.
    """
    x, y, width, height = box
    if width < 1 or height < 1 or min(x, y) < 0 or x + width > size[1] or y + height > size[0]:
        raise ValueError(f"the box x,y,w,h = {x},{y},{width},{height} is not in the picture of {size[1]} x {size[0]}")
    marked = np.zeros(size, bool)
    marked[y : y + height, x : x + width] = True
    return marked


def _read(path):
    try:
        return read(read_file(path)).image
    except BadImage as error:
        raise ValueError(f"{path}: {error}") from error


def _placed(have, want, fit):
    """The part of the picture that is used (left, top, right, bottom), and the bars (at the sides, above and below)."""
    width, height = have
    scale = (max if fit == "crop" else min)(want[1] / width, want[0] / height)
    if fit == "letterbox":
        # An even number of pixels is left over, so that the picture stands in the middle.
        bars = tuple(max(0, round((side - scale * had) / 2)) for side, had in zip(want[::-1], have, strict=True))
        return (0, 0, width, height), bars
    x, y = (max(0.0, (had - side / scale) / 2) for had, side in zip(have, want[::-1], strict=True))
    return (x, y, width - x, height - y), (0, 0)


def check_images(images, unit=1):
    """Images as a task takes them.

    Args:
        images: uint8 (H, W, 3) or (N, H, W, 3).
        unit: int. What the sides are to be multiples of.

    Returns:
        uint8 (N, H, W, 3).

    Raises:
        ValueError: anything else.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.shape[-1] != 3 or not images.size:
        raise ValueError(f"images must be uint8 (H, W, 3) or (N, H, W, 3), got {images.dtype} {images.shape}")
    images = images if images.ndim == 4 else images[None]
    height, width = images.shape[1:3]
    if height % unit or width % unit:
        nearest = " x ".join(str(max(unit, unit * round(side / unit))) for side in (height, width))
        raise ValueError(f"images are {height} x {width}, but sides must be multiples of {unit}; nearest: {nearest}")
    return images


def to_float(images):
    """uint8 images as float32 in [-1, 1]."""
    return images.astype("float32") / np.float32(127.5) - np.float32(1)

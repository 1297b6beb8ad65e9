"""One picture file to an RGB array, or the reason why not."""

import os

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

DECODER = 1  # part of the cache key: raise it when the pixels that come out change

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")


class BadImage(ValueError):
    """A picture that cannot be used; the message is the reason."""


def decode(path: str | os.PathLike, size: tuple[int, int]) -> np.ndarray:
    """Reads a picture, turns it upright (EXIF), cuts the middle to the wanted shape and resizes it with antialiasing.

    Transparency is laid over white; 16-bit pictures are scaled to 8; of an animation the first frame is taken.

    Args:
        path: str or path.
        size: (int, int). Height and width wanted.

    Returns: uint8 (height, width, 3).

    Raises: BadImage with the reason if it cannot be read as a whole picture.
    """
    height, width = size
    try:
        with Image.open(path) as image:
            if Image.MAX_IMAGE_PIXELS and image.width * image.height > Image.MAX_IMAGE_PIXELS:
                raise BadImage(f"too many pixels: {image.width} x {image.height}")
            image.draft("RGB", (2 * width, 2 * height))  # JPEG only: decodes at 1/2, 1/4 or 1/8, never below this
            upright = ImageOps.exif_transpose(_rgb(image))
        return np.asarray(ImageOps.fit(upright, (width, height), Image.Resampling.LANCZOS))
    except BadImage:
        raise
    except UnidentifiedImageError as error:
        empty = os.path.getsize(path) == 0
        raise BadImage("the file is empty" if empty else "not a picture that can be read") from error
    except Image.DecompressionBombError as error:
        raise BadImage("too many pixels") from error
    except OSError as error:
        raise BadImage(error.strerror or str(error)) from error
    except (ValueError, SyntaxError, EOFError, IndexError, TypeError, MemoryError, OverflowError) as error:
        raise BadImage(f"damaged: {error or type(error).__name__}") from error  # what Pillow's plugins raise


def _rgb(image: Image.Image) -> Image.Image:
    image.load()
    exif = image.getexif()
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, np.float32)
        if image.mode != "F":
            values /= 257.0  # 65535 -> 255; Pillow's own conversion cuts off at 255
        result = Image.fromarray(np.clip(np.round(values), 0, 255).astype(np.uint8)).convert("RGB")
    elif "A" in image.getbands() or "transparency" in image.info:
        with_alpha = image.convert("RGBA")
        result = Image.new("RGB", image.size, "white")
        result.paste(with_alpha, mask=with_alpha.getchannel("A"))
    else:
        result = image.convert("RGB")
    result.info["exif"] = exif.tobytes() if exif else b""
    return result

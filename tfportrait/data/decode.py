"""One picture file to an RGB array, or the reason why not."""

import dataclasses
import functools
import io
import math
import os
import re
import stat
import zlib

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from tfportrait.data import signatures

DECODER = 2  # part of the cache key: raise it when the pixels that come out change

SUFFIXES = (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".avif", ".heic", ".heif", ".bmp", ".gif", ".tif", ".tiff")
SUFFIXES += (".jp2", ".pgm", ".ppm", ".pbm")

Box = tuple[float, float, float, float]

_MAX_BYTES = 2**29
_PADDING = 512  # zero bytes at the end of compressed data that no encoder writes

# By content, whatever the name. Formats without a signature of their own (TGA) or with programs inside (EPS) stay out.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF", "JPEG2000", "PPM")


class BadImage(ValueError):
    """A picture that cannot be used; the message is the reason."""


@dataclasses.dataclass
class Picture:
    """A whole picture, upright, in sRGB, laid over white.

    Attributes:
        image: PIL image, mode RGB. May be smaller than the file's.
        size: (int, int). Width and height in the file, upright.
        scale: float. Pixels of `image` to one of the file.
        corner: (float, float). Where in `image` the file's upper left corner lies: at a scale, the last row and column
            of a JPEG are not full, and may come first once it is turned.
        format: str. Pillow's name of the file's format.
        mode: str. Pillow's name of how the file's pixels are stored.
    """

    image: Image.Image
    size: tuple[int, int]
    scale: float
    corner: tuple[float, float]
    format: str
    mode: str


def decode(
    path: str | os.PathLike | bytes, size: tuple[int, int], *, box: Box | None = None, upsample: bool = True
) -> np.ndarray:
    """Reads a picture, turns it upright (EXIF), cuts the middle to the wanted shape and resizes it with antialiasing.

    The format is told by the content, not the name. Colours are converted to sRGB if the file has a profile;
    transparency is laid over white; 16-bit pictures are scaled to 8; of an animation the first frame is taken.

    Args:
        path: str or path; or bytes, the content of the file.
        size: (int, int). Height and width wanted.
        box: (left, top, right, bottom) in pixels of the upright picture. The part to cut the middle of. What reaches
            beyond the picture is filled with its mirror image. Defaults to None: all of it.
        upsample: bool. Whether a smaller picture (or box) is enlarged, or is bad.

    Returns: uint8 (height, width, 3).

    Raises: BadImage with the reason if it cannot be read as a whole picture.
    """
    height, width = size
    picture = read(path if isinstance(path, bytes) else read_file(path), size, box)
    left, top, right, bottom = box = _check_box(box or (0, 0, *picture.size), picture.size)
    if not upsample and (right - left < width or bottom - top < height):
        raise BadImage(f"is {right - left:g} x {bottom - top:g} pixels, smaller than {width} x {height}")
    image, (left, top, right, bottom) = _reach(picture, box)
    half_width = min(right - left, (bottom - top) * width / height) / 2
    half_height = min(bottom - top, (right - left) * height / width) / 2
    x, y = (left + right) / 2, (top + bottom) / 2
    middle = (
        max(x - half_width, 0),
        max(y - half_height, 0),
        min(x + half_width, image.width),
        min(y + half_height, image.height),
    )
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS, middle))


def read_file(path: str | os.PathLike) -> bytes:
    """The content of a file that may be anything.

    Raises: BadImage if it is no regular file, cannot be read, is empty, or is larger than any picture (512 MiB).
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # opening a named pipe would wait for somebody to write into it
            raise BadImage(f"is {_file_type(status.st_mode)}, not a file")
        if status.st_size > _MAX_BYTES:
            raise BadImage(f"the file is too large: {status.st_size / 1e9:.1f} GB")
        with open(path, "rb") as file:
            data = file.read()
    except BadImage:
        raise
    except ValueError as error:  # a name with a zero byte
        raise BadImage(str(error)) from error
    except OSError as error:
        broken = os.path.islink(path) and not os.path.exists(path)
        raise BadImage("a broken link" if broken else error.strerror or str(error)) from error
    if not data:
        raise BadImage("the file is empty")
    return data


def _file_type(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a directory"
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"


def read(data: bytes, size: tuple[int, int] | None = None, box: Box | None = None) -> Picture:
    """Reads the content of a picture file.

    Args:
        data: bytes. The whole file.
        size: (int, int). Height and width that will be made of it: a JPEG may come out at 1/2, 1/4 or 1/8, but at least
            twice as large. Defaults to None: all pixels.
        box: (left, top, right, bottom). The part of the upright picture that will be cut out. Defaults to None: all.

    Raises: BadImage with the reason if it cannot be read as a whole picture.
    """
    if not data:
        raise BadImage("the file is empty")
    if data.startswith(b"\x89PNG"):
        _check_png(data)
    try:
        return _read(data, size, box)
    except BadImage:
        raise
    except UnidentifiedImageError as error:
        raise BadImage(signatures.explain(data)) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadImage(f"too many pixels: {re.search('[0-9]+', str(error)).group()}") from error
    except Exception as error:  # Pillow's readers stumble over damaged files in every way that code can
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadImage("the file is truncated" if "is truncated" in reason else f"damaged: {reason}") from error


def _read(data: bytes, size: tuple[int, int] | None, box: Box | None) -> Picture:
    with Image.open(io.BytesIO(data), formats=_formats()) as image:
        whole, mode, form = image.size, image.mode, image.format
        if Image.MAX_IMAGE_PIXELS and math.prod(whole) > Image.MAX_IMAGE_PIXELS:
            raise BadImage(f"too many pixels: {whole[0]} x {whole[1]}")
        if form in ("WEBP", "AVIF", "HEIF"):
            end = int.from_bytes(data[4:8], "little") + 8 if form == "WEBP" else len(data)
            if len(data) > _PADDING and not any(data[max(0, end - _PADDING) : end]):
                raise BadImage("the file is truncated: it ends in zero bytes")
        # JPEG 2000: behind the last "start of data" there has to be an "end", which data itself cannot hold.
        if form == "JPEG2000" and data.rfind(b"\xff\xd9") <= data.rfind(b"\xff\x93"):
            raise BadImage("the file is truncated: its end is missing")
        smallest = _smallest(image, size, box) if size and form in ("JPEG", "MPO") else None
        drafted = image.draft(None, smallest) if smallest else None
        scale = 1 / round(whole[0] / drafted[1][2]) if drafted else 1.0
        image.load()
        if form in ("JPEG", "MPO") and _is_filled_up(data, image, smallest):
            raise BadImage("the file is truncated: its end is missing")
        orientation = _orientation(image)
        upright = _rgb(image)
    if orientation in _TURNS:
        upright = upright.transpose(_TURNS[orientation])
        whole = whole[::-1] if orientation in _SIDEWAYS else whole
    if drafted is None:
        whole = upright.size  # Pillow may turn a TIFF while it reads it
    corner = (
        upright.width - whole[0] * scale if orientation in (2, 3, 6, 7) else 0.0,
        upright.height - whole[1] * scale if orientation in (3, 4, 7, 8) else 0.0,
    )
    return Picture(upright, whole, scale, corner, form, mode)


@functools.cache
def _formats() -> list[str]:
    Image.init()
    try:
        import pillow_heif
    except ImportError:  # an extra; `signatures.explain` says what is missing
        pass
    else:
        pillow_heif.register_heif_opener()
    return [name for name in _FORMATS if name in Image.OPEN]


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = (5, 6, 7, 8)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; 1 (upright) if it is damaged, which does no harm to the pixels."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # as in `read`
        return 1


def _smallest(image: Image.Image, size: tuple[int, int], box: Box | None) -> tuple[int, int]:
    """The size, as stored, from which twice the wanted `size` can be cut."""
    sideways = _orientation(image) in _SIDEWAYS
    width, height = image.size[::-1] if sideways else image.size
    left, top, right, bottom = _check_box(box, (width, height)) if box else (0, 0, width, height)
    smallest = math.ceil(2 * size[1] * width / (right - left)), math.ceil(2 * size[0] * height / (bottom - top))
    return smallest[::-1] if sideways else smallest


def _is_filled_up(data: bytes, image: Image.Image, smallest: tuple[int, int] | None) -> bool:
    """Whether a JPEG ends before its last pixels, which are then mid-grey.

    Those of a whole picture may be so too; but of a whole one the pixels stay when its data goes on.
    """
    if image.getpixel((image.width - 1, image.height - 1)) not in (128, (128, 128, 128)):
        return False
    start = _first_scan(data)
    end = data.find(b"\xff\xd9", start)
    if min(start, end) < 0:
        return False
    with Image.open(io.BytesIO(data[:end] + bytes(range(1, 251)) + data[end:]), formats=("JPEG",)) as longer:
        if smallest:
            longer.draft(None, smallest)
        return longer.tobytes() != image.tobytes()


def _first_scan(data: bytes) -> int:
    """Where the pixels of a JPEG begin (a preview among what comes before has an end of its own); -1 if unknown."""
    place = 2
    while data[place : place + 1] == b"\xff":
        if data[place + 1 : place + 2] == b"\xda":
            return place
        filled = data[place + 1 : place + 2] == b"\xff"
        place += 1 if filled else 2 + int.from_bytes(data[place + 2 : place + 4])
    return -1


def _check_png(data: bytes) -> None:
    """Raises BadImage if a checksum is wrong (Pillow does not look at those of the pixels) or the end is missing."""
    place, view = 8, memoryview(data)
    while place + 12 <= len(data):
        end = place + 8 + int.from_bytes(data[place : place + 4])
        kind = data[place + 4 : place + 8]
        if end + 4 > len(data):
            break
        if zlib.crc32(view[place + 4 : end]) != int.from_bytes(data[end : end + 4]):
            raise BadImage(f"damaged: wrong checksum in its chunk {kind.decode('ascii', 'backslashreplace')}")
        if kind == b"IEND":
            return
        place = end + 4
    raise BadImage("the file is truncated")


def _rgb(image: Image.Image) -> Image.Image:
    """The pixels of any mode as sRGB, over white."""
    profile = image.info.get("icc_profile")
    alpha = None
    if image.mode.startswith("I") or image.mode == "F":
        image, alpha = _eight_bits(image)
    elif image.has_transparency_data:
        full = image.convert("RGBA")
        alpha = full.getchannel("A")
        image = image.getchannel("L") if image.mode == "LA" else full.convert("RGB")
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode == "LAB":
        image = ImageCms.applyTransform(image, _from_lab())
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("RGB")
    transform = _to_srgb(profile, image.mode) if profile else None
    colours = image.convert("RGB") if transform is None else ImageCms.applyTransform(image, transform)
    if alpha is None:
        return colours
    result = Image.new("RGB", image.size, "white")
    result.paste(colours, mask=alpha)
    return result


def _eight_bits(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Grey of 16 or 32 bits as 8 (Pillow's own conversion cuts off at 255), and its transparency if it has one."""
    values = np.asarray(image, np.float32)  # (H, W)
    low, high = float(values.min()), float(values.max())
    if not (0 <= low and high <= (255 if image.mode == "F" else 65535)):
        raise BadImage(f"has values from {low:g} to {high:g}, of which black and white are unknown")
    if image.mode == "F":
        white = 1.0 if high <= 1 else 255.0
    else:
        white = 65535.0
    if getattr(image, "tag_v2", {}).get(262) == 0:  # TIFF: white is zero
        values = white - values
    clear = image.info.get("transparency")
    alpha = None if clear is None else Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8))
    return Image.fromarray(np.round(values * (255 / white)).astype(np.uint8)), alpha


@functools.lru_cache(64)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform from the colours of a profile; None if it is sRGB already, damaged, or for other colours."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != {"L": "GRAY"}.get(mode, mode):
            return None
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        if mode == "RGB":
            cube = np.stack(np.meshgrid(*[np.arange(0, 256, 17, np.uint8)] * 3), -1).reshape(64, 64, 3)
            changed = np.asarray(ImageCms.applyTransform(Image.fromarray(cube), transform), np.int16)
            if np.abs(changed - cube).max() <= 2:
                return None
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    return transform


@functools.cache
def _from_lab() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")


def _check_box(box: Box, size: tuple[int, int]) -> Box:
    left, top, right, bottom = box
    if not (0 < right - left < math.inf and 0 < bottom - top < math.inf):
        raise BadImage(f"the box {box} is empty")
    if right <= 0 or bottom <= 0 or left >= size[0] or top >= size[1]:
        raise BadImage(f"the box {box} lies outside the picture of {size[0]} x {size[1]}")
    return box


def _reach(picture: Picture, box: Box) -> tuple[Image.Image, Box]:
    """The picture, mirrored at its edges as far as the box reaches beyond them, and the box in pixels of that."""
    image, edges = picture.image, zip(box, picture.corner * 2, strict=True)
    left, top, right, bottom = (corner + edge * picture.scale for edge, corner in edges)
    before = max(0, math.ceil(-top)), max(0, math.ceil(-left))
    after = max(0, math.ceil(bottom - image.height)), max(0, math.ceil(right - image.width))
    if any(before + after):
        pixels = (image.height + before[0] + after[0]) * (image.width + before[1] + after[1])
        if pixels > (Image.MAX_IMAGE_PIXELS or math.inf):
            raise BadImage(
                f"the box {box} is too large for the picture of {picture.size[0]} x {picture.size[1]} pixels"
            )
        rows, columns = zip(before, after, strict=True)
        image = Image.fromarray(np.pad(np.asarray(image), (rows, columns, (0, 0)), "reflect"))
    return image, (left + before[1], top + before[0], right + before[1], bottom + before[0])

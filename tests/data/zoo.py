"""Files of every kind that a folder of downloaded pictures may hold, each with what must become of it.

The good ones show four fields: red and green above, blue and yellow below.
"""

import dataclasses
import functools
import gzip
import io
import os
import socket
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

try:
    import pillow_heif
except ImportError:
    pillow_heif = None
else:
    pillow_heif.register_heif_opener()

WIDTH, HEIGHT = 48, 64
FIELDS = ((200, 40, 40), (40, 180, 40), (40, 40, 200), (220, 210, 40))
GREYS = (30, 90, 160, 230)


@dataclasses.dataclass
class Kind:
    """A kind of file.

    Attributes:
        name: str or bytes. The file's name.
        content: bytes, or a function that makes the file at a path.
        fields: colours above left, above right, below left, below right; None for a file that is bad.
        reason: str. Regular expression that the reason of a bad one matches.
        tolerance: int. Levels that the colours may be off.
        counted: str. "good", "bad", "other" (no picture by its name), "misnamed" or "" (not seen) in a report.
    """

    name: str | bytes
    content: bytes | Callable[[Path], None]
    fields: tuple | None = FIELDS
    reason: str = ""
    tolerance: int = 2
    counted: str = ""

    def __post_init__(self):
        self.counted = self.counted or ("good" if self.fields else "bad")

    @property
    def text(self) -> str:
        """The name as Python's functions give it."""
        return os.fsdecode(self.name)

    def make(self, folder: Path) -> Path:
        """Writes the file; returns its path."""
        path = folder / self.text
        if callable(self.content):
            self.content(path)
        else:
            path.write_bytes(self.content)
        return path


def fields(colours=FIELDS, dtype=np.uint8) -> np.ndarray:
    """The four fields as an array (HEIGHT, WIDTH) or (HEIGHT, WIDTH, C)."""
    colours = np.asarray(colours, dtype)
    rows = [np.repeat(colours[[0, 1]], WIDTH // 2, 0), np.repeat(colours[[2, 3]], WIDTH // 2, 0)]
    return np.stack([rows[0]] * (HEIGHT // 2) + [rows[1]] * (HEIGHT // 2))


def encode(image: Image.Image, form: str, **options) -> bytes:
    """The content of a file of a format."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def noise(width=64, height=64) -> Image.Image:
    """A picture that no format makes small."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, bits: int, colour: int, rows: bytes, before: bytes = b"") -> bytes:
    """A PNG of any depth; rows begin with their filter, 0."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + before + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def deep_png(colours, colour: int) -> bytes:
    """A PNG of 16 bits a channel with the four fields."""
    pixels = fields(colours, np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return png(WIDTH, HEIGHT, 16, colour, rows)


def turned(image: Image.Image, orientation: int) -> tuple[Image.Image, bytes]:
    """The picture as a camera in another position stores it, and the EXIF data that say so."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    return image.transpose(undo[orientation]) if orientation in undo else image, exif.tobytes()


def ycck(cmyk: Image.Image) -> bytes:
    """A JPEG as Adobe's programs store CMYK: inverted, its first three channels as brightness and colour."""
    *inks, black = cmyk.split()
    colour = Image.merge("RGB", inks).convert("YCbCr")
    stored = Image.merge("CMYK", [channel.point(lambda value: 255 - value) for channel in colour.split()] + [black])
    data = bytearray(encode(stored, "JPEG", quality=98))
    data[data.index(b"Adobe") + 11] = 2
    return bytes(data)


def srgb_profile() -> bytes:
    """The profile of sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile() -> bytes:
    """A profile that is sRGB but for red and blue, which change places."""
    profile = bytearray(srgb_profile())
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


def closed(data: bytes) -> bytes:
    """A JPEG that ends within its first scan, as if it were whole."""
    first = data.index(b"\xff\xda")
    second = data.find(b"\xff\xda", first + 2)
    return data[: (first + (second if second > 0 else len(data))) // 2] + b"\xff\xd9"


def filled_up(data: bytes) -> bytes:
    """A JPEG with a byte that only fills before its second marker, and one after its end."""
    return data[:2] + b"\xff" + data[2:] + b"\0"


def no_permission(path: Path) -> None:
    path.write_bytes(encode(noise(), "PNG"))
    path.chmod(0)


def make_socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the address of a socket is at most 107 bytes long
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _good() -> list[Kind]:
    picture = Image.fromarray(fields())
    black, white = (0,) * 3, (255,) * 3
    grey = Image.fromarray(fields(GREYS))
    greys = tuple((value,) * 3 for value in GREYS)
    clear = Image.fromarray(fields([(*colour, alpha) for colour, alpha in zip(FIELDS, (255, 255, 0, 0), strict=True)]))
    half_clear = (*FIELDS[:2], white, white)
    inked = picture.convert("CMYK")
    palette = picture.quantize(4)
    profile, srgb = swapped_profile(), srgb_profile()
    swapped = tuple(colour[::-1] for colour in FIELDS)
    deep_rgba = [(*np.array(colour) * 257, alpha) for colour, alpha in zip(FIELDS, (65535, 65535, 0, 0), strict=True)]
    bits = Image.fromarray(fields([0, 1, 1, 0], bool))
    animation = {"save_all": True, "append_images": [noise(WIDTH, HEIGHT)], "duration": 100}
    jpeg = {"quality": 95, "subsampling": 0}
    deep = [value * 257 + 100 for value in GREYS]
    fourth = [65535 * (1 - value / 255) for value in GREYS]
    kinds = [
        Kind("baseline.jpg", encode(picture, "JPEG", **jpeg)),
        Kind("progressive.jpg", encode(picture, "JPEG", progressive=True, **jpeg)),
        Kind("grey.jpg", encode(grey, "JPEG", quality=95), greys),
        Kind("cmyk.jpg", encode(inked, "JPEG", quality=98), tolerance=4),
        Kind("ycck.jpg", ycck(inked), tolerance=4),
        Kind("cmyk.tif", encode(inked, "TIFF")),
        Kind("burst.mpo.jpg", encode(picture, "MPO", **animation, **jpeg)),
        Kind("profile.jpg", encode(picture, "JPEG", icc_profile=profile, **jpeg), swapped, tolerance=4),
        Kind("profile.png", encode(clear, "PNG", icc_profile=profile), (*swapped[:2], white, white)),
        Kind("srgb.png", encode(picture, "PNG", icc_profile=srgb), tolerance=0),
        Kind(
            "profile of grey.png",
            encode(picture, "PNG", icc_profile=profile.replace(b"RGB XYZ", b"GRAYXYZ")),
            tolerance=0,
        ),
        Kind("damaged profile.jpg", encode(picture, "JPEG", icc_profile=profile[:150], **jpeg)),
        Kind("damaged exif.jpg", encode(picture, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff broken", **jpeg)),
        Kind("plain.png", encode(picture, "PNG"), tolerance=0),
        Kind("rgba.png", encode(clear, "PNG"), half_clear, tolerance=0),
        Kind("grey and alpha.png", encode(clear.convert("LA"), "PNG"), ((88,) * 3, (122,) * 3, white, white)),
        Kind("palette.png", encode(palette, "PNG")),
        Kind(
            "clear palette.png",
            encode(palette, "PNG", transparency=palette.getpixel((0, 63))),
            (*FIELDS[:2], white, FIELDS[3]),
        ),
        Kind("clear colour.png", encode(picture, "PNG", transparency=FIELDS[1]), (FIELDS[0], white, *FIELDS[2:])),
        Kind("one bit.png", encode(bits, "PNG"), (black, white, white, black)),
        Kind("fax.tif", encode(bits, "TIFF", compression="group4"), (black, white, white, black)),
        Kind("grey 16.png", deep_png([(value,) for value in deep], 0), greys, tolerance=1),
        Kind("rgb 16.png", deep_png(np.array(FIELDS) * 257, 2), tolerance=1),
        Kind("rgba 16.png", deep_png(deep_rgba, 6), half_clear, tolerance=1),
        Kind("grey 16.tif", encode(Image.fromarray(fields(deep, np.uint16)), "TIFF"), greys, tolerance=1),
        Kind("white is zero.tif", white_is_zero(fields(fourth, np.uint16)), greys, tolerance=1),
        Kind(
            "float to 1.tif",
            encode(Image.fromarray(fields(np.array(GREYS) / 255, np.float32)), "TIFF"),
            greys,
            tolerance=1,
        ),
        Kind("float to 255.tif", encode(Image.fromarray(fields(GREYS, np.float32)), "TIFF"), greys, tolerance=1),
        Kind("lab.tif", encode(lab(picture), "TIFF"), tolerance=5),
        Kind("lzw.tiff", encode(picture, "TIFF", compression="tiff_lzw"), tolerance=0),
        Kind("pages.tif", encode(picture, "TIFF", save_all=True, append_images=[noise()]), tolerance=0),
        Kind("picture.bmp", encode(picture, "BMP"), tolerance=0),
        Kind("picture.ppm", encode(picture, "PPM"), tolerance=0),
        Kind("picture.jp2", encode(picture, "JPEG2000"), tolerance=0),
        Kind("picture.webp", encode(picture, "WEBP", quality=95), tolerance=8),
        Kind("clear.webp", encode(clear, "WEBP", lossless=True), half_clear, tolerance=0),
        Kind("animation.gif", encode(picture, "GIF", **animation)),
        Kind("animation.webp", encode(picture, "WEBP", lossless=True, **animation), tolerance=0),
        Kind("animation.png", encode(picture, "PNG", **animation), tolerance=0),
        Kind("a webp.jpg", encode(picture, "WEBP", lossless=True), tolerance=0),
        Kind("CAPITALS.JPG", encode(picture, "PNG"), tolerance=0),
        Kind("one colour.png", encode(Image.new("RGB", (40, 40), FIELDS[0]), "PNG"), (FIELDS[0],) * 4, tolerance=0),
        Kind("mid-grey.jpg", encode(Image.new("L", (99, 99), 128), "JPEG"), ((128,) * 3,) * 4, tolerance=0),
        Kind(
            "mid-grey progressive.jpg",
            filled_up(encode(Image.new("RGB", (99, 99), (128,) * 3), "JPEG", progressive=True)),
            ((128,) * 3,) * 4,
            tolerance=0,
        ),
        Kind("one pixel.png", encode(Image.new("RGB", (1, 1), FIELDS[1]), "PNG"), (FIELDS[1],) * 4, tolerance=0),
        Kind("long.png", encode(Image.new("RGB", (5000, 1), FIELDS[2]), "PNG"), (FIELDS[2],) * 4, tolerance=0),
        Kind(b"not UTF-8 \xff\xe9.png", encode(picture, "PNG"), tolerance=0),
        Kind("new\nline \x1b[31m.png", encode(picture, "PNG"), tolerance=0),
        Kind("人像.png", encode(picture, "PNG"), tolerance=0),
        Kind(f"{'long name ' * 25}.png", encode(picture, "PNG"), tolerance=0),
        Kind("link.png", lambda path: path.symlink_to("plain.png"), tolerance=0),
        Kind("no suffix", encode(picture, "PNG"), tolerance=0, counted="misnamed"),
        Kind("photo.jpg?width=300", encode(picture, "JPEG", **jpeg), counted="misnamed"),
    ]
    for orientation in range(1, 9):
        stored, exif = turned(picture, orientation)
        kinds.append(Kind(f"orientation {orientation}.jpg", encode(stored, "JPEG", exif=exif, **jpeg)))
    stored, exif = turned(picture, 6)
    for form, suffix in (("PNG", "png"), ("WEBP", "webp"), ("TIFF", "tif")):
        options = {"lossless": True} if form == "WEBP" else {}
        kinds.append(Kind(f"turned.{suffix}", encode(stored, form, exif=exif, **options), tolerance=0))
    late = encode(stored, "PNG")
    late = late[:-12] + chunk(b"eXIf", exif[6:]) + late[-12:]
    kinds.append(Kind("turned at the end.png", late, tolerance=0))
    if "AVIF" in Image.SAVE:
        kinds.append(Kind("picture.avif", encode(picture, "AVIF", quality=95), tolerance=8))
        kinds.append(Kind("turned.avif", encode(stored, "AVIF", quality=95, exif=exif), tolerance=8))
    if pillow_heif:
        kinds.append(Kind("picture.heic", encode(picture, "HEIF", quality=95), tolerance=8))
        kinds.append(Kind("turned.heic", encode(stored, "HEIF", quality=95, exif=exif), tolerance=8))
    return kinds


def lab(image: Image.Image) -> Image.Image:
    """The picture in CIE Lab."""
    profiles = [ImageCms.createProfile(name) for name in ("sRGB", "LAB")]
    return ImageCms.profileToProfile(image, *profiles, outputMode="LAB")


def white_is_zero(pixels: np.ndarray) -> bytes:
    """A grey TIFF of 16 bits whose highest value is black."""
    data = bytearray(encode(Image.fromarray(pixels), "TIFF"))
    data[data.index(struct.pack("<HHI", 262, 3, 1)) + 8] = 0
    return bytes(data)


def _bad() -> list[Kind]:
    cut = functools.partial(_cut_kind, fields=None)
    page = b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("x.txt", "x" * 100)
    checksum = bytearray(encode(noise(), "PNG"))
    checksum[len(checksum) // 2] ^= 1
    header = bytearray(encode(noise(), "PNG"))
    header[30] ^= 1
    jpeg = encode(noise(), "JPEG")
    webp = encode(noise(), "WEBP", quality=90)
    text_bomb = zlib.compress(bytes(64 << 20))
    kinds = [
        cut("truncated.jpg", jpeg),
        cut("truncated progressive.jpg", encode(noise(), "JPEG", progressive=True)),
        cut("without its last bytes.jpg", jpeg, len(jpeg) - 2),
        Kind("closed too early.jpg", closed(jpeg), None, "truncated: its end is missing"),
        Kind(
            "closed too early progressive.jpg",
            closed(encode(noise(200, 200), "JPEG", progressive=True)),
            None,
            "truncated: its",
        ),
        Kind("only the header.jpg", jpeg[:20], None, "truncated|begins as JPEG"),
        cut("truncated.png", encode(noise(), "PNG")),
        cut("without its end.png", encode(noise(), "PNG")[:-12], None),
        cut("truncated.webp", webp, reason="could not create|begins as WebP"),
        Kind("half downloaded.webp", webp[: len(webp) // 2] + bytes(len(webp) - len(webp) // 2), None, "zero bytes"),
        cut("truncated.gif", encode(noise(), "GIF")),
        cut("truncated.bmp", encode(noise(), "BMP")),
        cut("truncated.tif", encode(noise(), "TIFF")),
        cut("truncated lzw.tif", encode(noise(), "TIFF", compression="tiff_lzw"), reason="begins as TIFF"),
        cut("truncated.jp2", encode(noise(), "JPEG2000"), reason="its end is missing"),
        Kind("checksum.png", bytes(checksum), None, "wrong checksum in its chunk IDAT"),
        Kind("checksum of the header.png", bytes(header), None, "wrong checksum in its chunk IHDR"),
        Kind("empty.jpg", b"", None, "^the file is empty$"),
        Kind("zeros.jpg", bytes(5000), None, "nothing but zero bytes"),
        Kind("random.jpg", np.random.default_rng(1).bytes(5000), None, "^not a picture that can be read$"),
        Kind("text.jpg", "图片 not found\n".encode(), None, "^not a picture but text$"),
        Kind("page.jpg", page, None, "an HTML page"),
        Kind("drawing.jpg", b'<?xml version="1.0"?><svg xmlns="x"></svg>', None, "an SVG drawing"),
        Kind("archive.png", archive.getvalue(), None, "a zip archive"),
        Kind("packed.png", gzip.compress(b"x" * 99), None, "a gzip archive"),
        Kind("document.jpg", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", None, "a PDF file"),
        Kind("program.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", None, "a PostScript file"),
        Kind("layers.png", b"8BPS\0\1" + bytes(200), None, "a Photoshop file"),
        Kind("film.jpg", b"\0\0\0\x18ftypmp42" + bytes(200), None, "a video"),
        Kind("xl.jpg", b"\xff\x0a" + bytes(200), None, "JPEG XL"),
        Kind("pointer.jpg", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", None, "Git LFS"),
        Kind("bomb.png", png(60000, 60000, 8, 0, b""), None, "too many pixels"),
        Kind("large.png", png(12000, 12000, 1, 0, b""), None, "too many pixels: 12000 x 12000"),
        Kind(
            "bomb.gif",
            b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(6) + b",\0\0\0\0\xff\xff\xff\xff\0\x02\0;",
            None,
            "too many pixels",
        ),
        Kind(
            "bomb.bmp",
            b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, 65000, 65000, 1, 24, *[0] * 6),
            None,
            "too many pixels",
        ),
        Kind("text bomb.png", png(1, 1, 8, 0, b"\0\0", chunk(b"zTXt", b"a\0\0" + text_bomb)), None, "too large"),
        Kind(
            "long text bomb.png",
            png(1, 1, 8, 0, b"\0\0", chunk(b"iTXt", b"a\0\1\0\0\0" + text_bomb)),
            None,
            "too large",
        ),
        Kind(
            "unknown range.tif",
            encode(Image.fromarray(fields([-5, 0, 1, 1e6], np.float32)), "TIFF"),
            None,
            "values from -5 to 1e",
        ),
        Kind(
            "not numbers.tif",
            encode(Image.fromarray(fields([0, 1, 1, np.nan], np.float32)), "TIFF"),
            None,
            "values from nan",
        ),
        Kind("broken link.jpg", lambda path: path.symlink_to("nowhere"), None, "^a broken link$"),
        Kind("link to itself.jpg", lambda path: path.symlink_to(path.name), None, "^a broken link$"),
        Kind("directory.jpg", lambda path: path.mkdir(), None, "is a directory, not a file", counted="unseen"),
        Kind("notes.txt", b"a caption", None, "but text", counted="other"),
        Kind("drawing.svg", b"<svg></svg>", None, "an SVG drawing", counted="other"),
        Kind("table.parquet", b"PAR1" + bytes(range(256)), None, "not a picture", counted="other"),
        Kind(".hidden.jpg", b"", None, "empty", counted="other"),
    ]
    if pillow_heif:
        kinds.append(cut("truncated.heic", encode(noise(), "HEIF"), reason="damaged|truncated"))
    else:
        kinds.append(Kind("picture.heic", b"\0\0\0\x18ftypheic" + bytes(200), None, "pip install pillow-heif"))
    if "AVIF" in Image.SAVE:
        kinds.append(cut("truncated.avif", encode(noise(), "AVIF"), reason="damaged|truncated"))
    if hasattr(os, "mkfifo"):
        kinds.append(Kind("pipe.jpg", os.mkfifo, None, "is a named pipe"))
        kinds.append(Kind("socket.jpg", make_socket, None, "is a socket"))
        kinds.append(Kind("device.jpg", lambda path: path.symlink_to("/dev/zero"), None, "is a device"))
        if os.geteuid():  # to the superuser nothing is forbidden
            kinds.append(Kind("forbidden.png", no_permission, None, "Permission denied"))
    return kinds


def _cut_kind(name, data, at=0, *, fields, reason="truncated"):
    return Kind(name, data if at is None else data[: at or len(data) // 2], fields, reason)


@functools.cache
def kinds() -> list[Kind]:
    """All kinds, in the order of their names."""
    return sorted(_good() + _bad(), key=lambda kind: os.fsencode(kind.name))

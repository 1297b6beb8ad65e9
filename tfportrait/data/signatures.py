"""What a file is by its first bytes."""

from PIL import Image

_PICTURES = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (8, b"WEBP", "WebP"),
    (0, b"GIF8", "GIF"),
    (0, b"BM", "BMP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (4, b"ftypavif", "AVIF"),
    (4, b"ftypavis", "AVIF"),
    *((4, b"ftyp" + brand, "HEIC") for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    *((0, b"P%d" % number + space, "PNM") for number in range(1, 7) for space in (b"\n", b" ")),
)
_OTHERS = (
    (0, b"%PDF", "a PDF file"),
    (0, b"%!PS", "a PostScript file"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xbc\xaf", "a 7z archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"\0\0\1\0", "an icon"),
    (0, b"\xff\x0a", "JPEG XL, which Pillow does not read"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL, which Pillow does not read"),
    (4, b"ftyp", "a video"),
    (0, b"\x1aE\xdf\xa3", "a video"),
    (0, b"version https://git-lfs", "a pointer of Git LFS (git lfs pull fetches the file)"),
)
_INSTALL = {"HEIC": "pip install pillow-heif", "AVIF": "pip install --upgrade pillow"}


def picture_format(head: bytes) -> str | None:
    """The format of a picture by its first 16 bytes, or None if they are not those of a picture."""
    return next((name for place, start, name in _PICTURES if head.startswith(start, place)), None)


def explain(data: bytes) -> str:
    """What the file is that Pillow cannot open, as a reason to skip it."""
    if form := picture_format(data[:16]):
        if form in _INSTALL and form.replace("HEIC", "HEIF") not in Image.OPEN:
            return f"{form} cannot be read here: {_INSTALL[form]}"
        return f"damaged: begins as {form}, but cannot be read"
    for place, start, name in _OTHERS:
        if data.startswith(start, place):
            return f"not a picture but {name}"
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if data.count(0) == len(data):
        return "not a picture: nothing but zero bytes"
    if b"<svg" in head:
        return "not a picture of pixels but an SVG drawing"
    if head.startswith((b"<!doctype html", b"<html")):
        return "not a picture but an HTML page"
    try:
        text = data[:4096].decode("utf-8")
    except UnicodeDecodeError as error:
        text = data[: error.start].decode("utf-8") if error.start > 4090 else "\0"  # a letter cut at the end
    if all(letter.isprintable() or letter.isspace() for letter in text):
        return "not a picture but text"
    return "not a picture that can be read"

import functools
import os
import re
import time

import matplotlib.cbook
import numpy as np
import pytest
import zoo
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tfportrait.data import decode as decoding
from tfportrait.data import signatures
from tfportrait.data.decode import BadImage, decode

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning")
CORNERS = ((2, 2), (2, -3), (-3, 2), (-3, -3))


def corners(pixels):
    return [pixels[place].tolist() for place in CORNERS]


def test_the_zoo_is_large():
    assert len({kind.name for kind in zoo.kinds()}) == len(zoo.kinds()) > 100


@pytest.mark.parametrize("kind", zoo.kinds(), ids=lambda kind: ascii(kind.text)[1:-1].strip())
def test_every_kind_of_file_is_decoded_or_skipped_with_its_reason(tmp_path, kind):
    if kind.text == "link.png":
        (tmp_path / "plain.png").write_bytes(zoo.encode(Image.fromarray(zoo.fields()), "PNG"))
    path = kind.make(tmp_path)
    start = time.perf_counter()
    if kind.fields:
        pixels = decode(path, (24, 16))
        assert pixels.shape == (24, 16, 3) and pixels.dtype == np.uint8
        np.testing.assert_allclose(corners(pixels), kind.fields, atol=kind.tolerance)
        np.testing.assert_array_equal(decode(path.read_bytes(), (24, 16)), pixels)
    else:
        with pytest.raises(BadImage, match=kind.reason):
            decode(path, (24, 16))
    assert time.perf_counter() - start < 5  # a bomb is told by its header


def test_names_that_no_file_can_have(tmp_path):
    for name, reason in (("x" * 300, "(?i)name too long"), ("x\0y", "null"), ("missing.png", "No such file")):
        with pytest.raises(BadImage, match=reason):
            decode(tmp_path / name, (8, 8))


@pytest.mark.parametrize("reader", ["HEIF", "AVIF"])
def test_a_format_without_reader_says_what_to_install(monkeypatch, reader):
    readers = {name: value for name, value in Image.OPEN.items() if name != reader}
    monkeypatch.setattr(signatures.Image, "OPEN", readers)
    monkeypatch.setattr(decoding, "_formats", lambda: ["JPEG", "PNG"])
    brand = {"HEIF": b"heic", "AVIF": b"avif"}[reader]
    with pytest.raises(BadImage, match="pip install"):
        decode(b"\0\0\0\x18ftyp" + brand + bytes(20), (8, 8))


def photograph(**size):
    path = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)  # public domain, by the US Navy
    with Image.open(path) as image:
        return image.convert("RGB").resize(**size) if size else image.convert("RGB")


def test_a_photograph_is_resized_with_antialiasing():
    pixels = decode(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False), (64, 64))
    whole = np.asarray(photograph(), np.float64)  # (600, 512, 3)
    blocks = whole[44:556].reshape(64, 8, 64, 8, 3).mean((1, 3))
    assert np.abs(pixels - blocks).mean() < 3
    assert pixels[3, 3].tolist() != pixels[40, 32].tolist()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_large_jpeg_is_decoded_at_a_fraction(orientation):
    original = photograph(size=(401, 803))
    stored, exif = zoo.turned(original, orientation)
    data = zoo.encode(stored, "JPEG", quality=95, exif=exif)
    picture = decoding.read(data, (40, 20))
    assert picture.size == (401, 803) and picture.scale == 1 / 8 and picture.image.size == (51, 101)
    box = (100, 200.5, 301, 500)
    assert decoding.read(data, (40, 20), box).scale == 1 / 2
    exact = original.resize((20, 40), Image.Resampling.LANCZOS, (125.625, 200.5, 275.375, 500))
    off = np.abs(decode(data, (40, 20), box=box).astype(int) - np.asarray(exact))
    assert off.mean() < 2


def test_the_middle_is_cut_out():
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 255
    assert decode(zoo.encode(Image.fromarray(wide), "PNG"), (8, 8)).min() > 200


def test_a_box_is_cut_out_and_mirrored_where_it_reaches_beyond_the_picture():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (20, 30, 3), np.uint8)
    data = zoo.encode(Image.fromarray(pixels), "PNG")
    np.testing.assert_array_equal(decode(data, (8, 6), box=(3, 5, 9, 13)), pixels[5:13, 3:9])
    beyond = np.pad(pixels, ((4, 7), (3, 35), (0, 0)), "reflect")
    np.testing.assert_array_equal(decode(data, (31, 68), box=(-3, -4, 65, 27)), beyond)
    np.testing.assert_array_equal(decode(data, (20, 20)), pixels[:, 5:25])
    wide = decode(data, (10, 10), box=(0, 0, 30, 10))  # the middle of the box
    np.testing.assert_array_equal(wide, pixels[:10, 10:20])


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((5, 5, 5, 9), "is empty"),
        ((9, 5, 5, 9), "is empty"),
        ((0, 0, float("nan"), 9), "is empty"),
        ((0, 0, float("inf"), 9), "is empty"),
        ((-9, 0, 0, 9), "outside the picture of 48 x 64"),
        ((0, 64, 9, 70), "outside the picture of 48 x 64"),
        ((0, 0, 1e6, 1e6), "too large"),
    ],
)
@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_bad_boxes(box, reason, form):
    with pytest.raises(BadImage, match=reason):
        decode(zoo.encode(Image.fromarray(zoo.fields()), form), (8, 8), box=box)


def test_small_pictures_are_enlarged_or_bad():
    data = zoo.encode(Image.new("RGB", (20, 30)), "PNG")
    assert decode(data, (128, 128)).shape == (128, 128, 3)
    assert decode(data, (30, 20), upsample=False).shape == (30, 20, 3)
    for size in ((128, 128), (31, 20), (30, 21)):
        with pytest.raises(BadImage, match=f"is 20 x 30 pixels, smaller than {size[1]} x {size[0]}"):
            decode(data, size, upsample=False)
    with pytest.raises(BadImage, match=r"is 9.5 x 20 pixels, smaller than 10 x 10"):
        decode(data, (10, 10), box=(0, 0, 9.5, 20), upsample=False)


def test_more_pixels_than_pillow_is_told_to_allow(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 600)
    with pytest.raises(BadImage, match="too many pixels: 30 x 30"):
        decode(zoo.encode(Image.new("L", (30, 30)), "PNG"), (8, 8))
    with pytest.raises(BadImage, match="too many pixels"):
        decode(zoo.encode(Image.new("L", (60, 60)), "PNG"), (8, 8))


@functools.cache
def samples():
    """One small file of each format and way to store pixels."""
    picture = photograph(size=(24, 32))
    ways = [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("GIF", {}), ("BMP", {}), ("PPM", {})]
    ways += [("WEBP", {}), ("WEBP", {"lossless": True}), ("JPEG2000", {})]
    ways += [("TIFF", {"compression": name}) for name in (None, "tiff_lzw", "jpeg", "tiff_adobe_deflate")]
    ways += [(name, {}) for name in ("AVIF", "HEIF") if name in Image.SAVE]
    extras = {"exif": zoo.turned(picture, 6)[1], "icc_profile": zoo.swapped_profile()}
    # Those of a TIFF come after its pixels, and the pixels can be read without.
    return [zoo.encode(picture, form, **way, **({} if form == "TIFF" else extras)) for form, way in ways]


def attempt(data):
    """The pixels, or None if the file is bad; anything else that is raised is an error."""
    try:
        pixels = decode(data, (16, 12))
    except BadImage as error:
        assert str(error)
        return None
    assert pixels.shape == (16, 12, 3) and pixels.dtype == np.uint8
    return pixels


@settings(max_examples=150, deadline=10_000)
@given(st.binary(max_size=300), st.sampled_from([b"", *(start for _, start, _ in signatures._PICTURES)]))
def test_random_bytes_are_never_more_than_bad(data, start):
    attempt(start + data)
    attempt(b"\0\0\0\x18" + start + data)


@settings(max_examples=300, deadline=10_000)
@given(st.data())
def test_flipped_bits_are_never_more_than_bad(data):
    content = bytearray(data.draw(st.sampled_from(samples())))
    for place in data.draw(st.lists(st.integers(0, 8 * len(content) - 1), min_size=1, max_size=8)):
        content[place // 8] ^= 1 << place % 8
    attempt(bytes(content))


@settings(max_examples=300, deadline=10_000)
@given(st.data())
def test_of_a_truncated_file_no_other_pixels_come(data):
    content = data.draw(st.sampled_from(samples()))
    length = data.draw(st.integers(0, len(content) - 1))
    pixels = attempt(content[:length])
    assert pixels is None or np.array_equal(pixels, attempt(content))


def test_reading_leaves_no_file_open(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(zoo.encode(zoo.noise(), "PNG"))
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    for _ in range(20):
        decode(path, (8, 8))
    assert before is None or len(os.listdir("/proc/self/fd")) <= before


def test_every_reason_is_one_line(tmp_path):
    for kind in zoo.kinds():
        if kind.fields is None:
            with pytest.raises(BadImage) as caught:
                decode(kind.make(tmp_path), (8, 8))
            assert re.fullmatch(r"[^\n]{5,200}", str(caught.value))

import numpy as np
import pytest
from PIL import Image

from tfportrait.tasks.pictures import check_images, read_picture


def saved(path, pixels):
    Image.fromarray(pixels).save(path)
    return path


def halves(height, width):
    """Black on the left, white on the right, with grey edges above and below."""
    pixels = np.full((height, width, 3), 128, "uint8")
    pixels[2:-2, : width // 2], pixels[2:-2, width // 2 :] = 0, 255
    return pixels


def test_the_wanted_size_is_left_alone(tmp_path):
    pixels, said = halves(16, 24), []
    found = read_picture(saved(tmp_path / "x.png", pixels), (16, 24), say=said.append)
    np.testing.assert_array_equal(found, pixels)
    assert said == []


def test_crop_cuts_the_middle_and_says_so(tmp_path):
    said = []
    found = read_picture(saved(tmp_path / "x.png", halves(32, 64)), (32, 32), say=said.append)
    np.testing.assert_array_equal(found, halves(32, 64)[:, 16:48])
    assert len(said) == 1 and "64 x 32" in said[0] and "32 x 32" in said[0] and "middle" in said[0]


@pytest.mark.parametrize(("shape", "inside"), [((32, 64), np.s_[8:24, :]), ((64, 32), np.s_[:, 8:24])])
def test_letterbox_keeps_all_of_it(tmp_path, shape, inside):
    said = []
    pixels = np.full((*shape, 3), 200, "uint8")
    pixels[shape[0] // 4 : -shape[0] // 4, shape[1] // 4 : -shape[1] // 4] = 10
    found = read_picture(saved(tmp_path / "x.png", pixels), (32, 32), "letterbox", said.append)
    assert found.shape == (32, 32, 3)
    small = np.asarray(Image.fromarray(pixels).resize(found[inside].shape[1::-1], Image.Resampling.LANCZOS))
    np.testing.assert_array_equal(found[inside], small)
    assert "bars" in said[0]


def test_transparency_is_laid_over_white(tmp_path):
    pixels = np.zeros((8, 8, 4), "uint8")
    assert (read_picture(saved(tmp_path / "x.png", pixels), (8, 8)) == 255).all()


def test_another_size_of_one_aspect_is_said(tmp_path):
    said = []
    read_picture(saved(tmp_path / "x.png", halves(32, 64)), (16, 32), say=said.append)
    assert len(said) == 1 and "middle" not in said[0] and "bars" not in said[0]


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_named(tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(ValueError, match="x.png"):
        read_picture(tmp_path / "x.png", (8, 8))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((16, 16, 3)), "uint8"),
        (np.zeros((16, 16), "uint8"), "uint8"),
        (np.zeros((16, 16, 4), "uint8"), "uint8"),
        (np.zeros((0, 16, 16, 3), "uint8"), "uint8"),
        (np.zeros((15, 18, 3), "uint8"), "nearest: 16 x 16"),
    ],
)
def test_arrays_are_checked(images, message):
    with pytest.raises(ValueError, match=message):
        check_images(images, unit=8)


def test_one_image_becomes_a_batch_of_one():
    assert check_images(np.zeros((16, 8, 3), "uint8"), unit=8).shape == (1, 16, 8, 3)

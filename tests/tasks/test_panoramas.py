import numpy as np
import pytest
from models.painters import pixel_painter, tiny_painter
from PIL import Image

from tfportrait import tasks
from tfportrait.cli import main
from tfportrait.recipe import read_recipe
from tfportrait.tasks.panoramas import windows


@pytest.fixture(scope="module")
def painter():
    return tiny_painter()


@pytest.mark.parametrize("seamless", [True, False])
@pytest.mark.parametrize(("width", "side"), [(24, 16), (64, 16), (12, 8)])
def test_windows_cover_every_column_with_shares_that_sum_to_one(width, side, seamless):
    columns, shares = windows(width, side, seamless)
    assert len(columns) == width // (side // 2) - (0 if seamless else 1)
    np.testing.assert_allclose(shares.sum(axis=(0, 1)), 1, rtol=1e-6)
    for window, places in enumerate(columns):
        assert set(np.flatnonzero(shares[window].any(axis=0))) == set(places)
        assert (np.diff(places) % width == 1).all()


def seam(image):
    """Difference of the two ends, and that of neighbouring columns elsewhere."""
    image = image.astype(float)
    return np.abs(image[:, 0] - image[:, -1]).mean(), np.abs(np.diff(image, axis=1)).mean()


def test_the_ends_of_a_seamless_panorama_join(painter):
    clip = {"width": 64, "num_steps": 3}
    ends, beside = seam(tasks.panorama(painter, "a red cat", seeds=3, **clip)[0])
    assert ends < 2 * beside
    open_ended = tasks.panorama(painter, "a red cat", seeds=3, seamless=False, **clip)
    assert open_ended.shape == (1, 16, 64, 3) and open_ended.dtype == np.uint8


def test_a_seamless_panorama_moves_with_its_noise(painter, monkeypatch):
    """Shifted by a window, the noise gives the same latents, shifted: no column is special."""
    from tfportrait.diffusion import noise

    painted = []
    options = {"width": 48, "num_steps": 2, "seeds": 4, "on_step": lambda i, x_t, x_0: painted.append(x_0)}
    tasks.panorama(painter, "a red cat", **options)
    drawn = noise.unit_noise
    shift = 8 // painter.downsampling
    monkeypatch.setattr(noise, "unit_noise", lambda *args: np.roll(drawn(*args), shift, axis=2))
    tasks.panorama(painter, "a red cat", **options)
    np.testing.assert_allclose(np.roll(painted[1], shift, axis=2), painted[3], atol=1e-4)


def test_every_panorama_has_its_prompt_and_seed(painter):
    options = {"width": 32, "num_steps": 2, "negative_prompts": "a dog"}
    both = tasks.panorama(painter, ["a red cat", "two green birds"], seeds=[1, 2], **options)
    alone = tasks.panorama(painter, "two green birds", seeds=2, **options)
    assert np.abs(both[1:].astype(int) - alone).max() <= 2


def test_a_painter_of_pixels_paints_them_too():
    painter = pixel_painter()
    side = painter.image_size
    assert tasks.panorama(painter, None, width=2 * side, num_steps=2).shape == (1, side, 2 * side, 3)


@pytest.mark.parametrize("width", [16, 17, 0, "32", True, 10**6])
def test_bad_widths_are_refused(painter, width):
    with pytest.raises(ValueError, match="width"):
        tasks.panorama(painter, "a red cat", width=width)


def test_the_command_writes_a_panorama_with_its_recipe(painter, tmp_path, capsys):
    painter.save_to_preset(tmp_path / "preset")
    out = tmp_path / "x.png"
    arguments = ["panorama", "a red cat", f"--preset={tmp_path / 'preset'}", "--steps=2", f"--out={out}"]
    assert main([*arguments, "--width=48", "--seed=3"]) == 0
    with Image.open(out) as image:
        assert image.size == (48, 16)
    recipe = read_recipe(out)
    assert (recipe["task"], recipe["image_size"], recipe["seamless"]) == ("panorama", [16, 48], True)
    assert main([*arguments, "--width=50"]) == 2
    assert "the nearest is 48" in capsys.readouterr().err

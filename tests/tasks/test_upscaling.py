import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from models.test_upscaler import tiny
from PIL import Image

from tfportrait import tasks
from tfportrait.cli import main
from tfportrait.data import halved
from tfportrait.recipe import read_recipe
from tfportrait.tasks.upscaling import faithful

RANDOM = np.random.default_rng(0)


def distance(large, small):
    while large.shape[1] > small.shape[1]:
        large = halved(large)
    return np.abs(large.astype(int) - small).max()


@settings(max_examples=50, deadline=None)
@given(st.data(), st.tuples(st.integers(1, 5), st.integers(1, 5)))
def test_reduced_again_any_images_are_the_small_ones(data, sides):
    small = data.draw(arrays.arrays(np.uint8, (1, *sides, 3)))
    large = data.draw(arrays.arrays(np.uint8, (1, 2 * sides[0], 2 * sides[1], 3)))
    assert distance(faithful(large, small), small) <= 1


def test_what_is_faithful_already_stays():
    large = RANDOM.integers(0, 256, (1, 8, 8, 3), "uint8")
    assert np.abs(faithful(large, halved(large)).astype(int) - large).max() <= 1


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("shape", [(16, 16, 3), (2, 7, 13, 3)])
def test_any_size_reduced_again_is_the_same(shape, factor):
    small = RANDOM.integers(0, 256, shape, "uint8")
    large = tasks.upscale(small, factor, upscaler=tiny(), num_steps=1)
    *_, height, width, _ = shape
    assert large.shape == (2 if len(shape) == 4 else 1, factor * height, factor * width, 3)
    assert distance(large, small.reshape(-1, height, width, 3)) <= 2


def test_of_a_painter_it_may_differ():
    small = RANDOM.integers(0, 256, (8, 8, 3), "uint8")
    assert distance(tasks.upscale(small, painted=True, upscaler=tiny(), num_steps=1), small[None]) > 2


@pytest.mark.parametrize("factor", [0, 3, 8, 2.5, "2"])
def test_other_factors_are_refused(factor):
    with pytest.raises(ValueError, match="must be 2 or 4"):
        tasks.upscale(np.zeros((8, 8, 3), "uint8"), factor, upscaler=tiny())


def test_the_command_writes_a_picture_with_its_recipe(tmp_path, capsys):
    tiny().save_to_preset(tmp_path / "preset")
    small = RANDOM.integers(0, 256, (12, 10, 3), "uint8")
    Image.fromarray(small).save(tmp_path / "in.png")
    arguments = [f"--preset={tmp_path / 'preset'}", f"--out={tmp_path / 'out.png'}", "--steps=1", "--seed=3"]
    assert main(["upscale", str(tmp_path / "in.png"), *arguments]) == 0
    large = np.asarray(Image.open(tmp_path / "out.png"))
    assert large.shape == (24, 20, 3) and distance(large[None], small[None]) <= 2
    recipe = read_recipe(tmp_path / "out.png")
    assert (recipe["task"], recipe["input"]["file"], recipe["seed"]) == ("upscale", "in.png", 3)
    assert main(["upscale", str(tmp_path / "none.png"), *arguments]) == 2
    assert "none.png" in capsys.readouterr().err
    assert main(["upscale", str(tmp_path / "in.png"), "--factor=3", *arguments]) == 2
    assert "must be 2 or 4" in capsys.readouterr().err

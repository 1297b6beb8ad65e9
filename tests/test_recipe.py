import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from tfportrait.recipe import parameters_text, read_recipe, write_png

RECIPE = {
    "prompt": "a smiling woman, watercolour",
    "negative_prompt": "glasses",
    "seed": 2**62 + 1,
    "num_steps": 20,
    "sampler": "dpmpp_2m",
    "guidance_scale": 4.0,
    "image_size": [96, 128],
    "preset": "portrait_128",
    "preset_hash": "0123456789abcdef",
    "version": "0.1.0",
}


def image(height=96, width=128):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_pixels_and_recipe_come_back(tmp_path):
    recipe = RECIPE | {"prompt": "一位面带微笑的女士，水彩风格 🙂\nsecond line"}
    path = write_png(tmp_path / "x.png", image(), recipe)
    assert read_recipe(path) == recipe
    np.testing.assert_array_equal(np.asarray(Image.open(path)), image())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@example(prompt="", extra={"sampler": [], "image_size": 1.5})
@given(prompt=st.text(st.characters(exclude_categories=["Cs"])), extra=st.dictionaries(st.text(), json_values))
def test_any_text_survives(tmp_path_factory, prompt, extra):
    recipe = json.loads(json.dumps({**extra, "prompt": prompt}).encode("utf-8", "replace"))
    path = tmp_path_factory.mktemp("recipe") / "x.png"
    try:
        write_png(path, image(4, 4), recipe)
    except UnicodeEncodeError:  # a lone surrogate is no text
        assert not path.exists()
        return
    assert read_recipe(path) == recipe


def test_web_uis_read_the_parameters(tmp_path):
    path = write_png(tmp_path / "x.png", image(), RECIPE)
    assert Image.open(path).text["parameters"] == (
        "a smiling woman, watercolour\nNegative prompt: glasses\n"
        "Steps: 20, Sampler: DPM++ 2M, CFG scale: 4.0, Seed: 4611686018427387905, Size: 128x96, "
        "Model hash: 0123456789, Model: portrait_128, Version: tfportrait 0.1.0"
    )
    assert parameters_text({"prompt": "x", "image_size": 64, "spacing": "karras"}) == (
        "x\nSchedule type: Karras, Size: 64x64"
    )


def test_without_a_recipe(tmp_path):
    path = write_png(tmp_path / "x.png", image())
    with pytest.raises(ValueError, match="carries no tfportrait recipe$"):
        read_recipe(path)


def test_recipe_of_another_tool(tmp_path):
    from PIL import PngImagePlugin

    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", "a cat\nSteps: 20")
    Image.fromarray(image()).save(tmp_path / "x.png", pnginfo=text)
    with pytest.raises(ValueError, match="of another tool"):
        read_recipe(tmp_path / "x.png")


@pytest.mark.parametrize(
    ("name", "picture", "recipe", "message"),
    [
        ("x.jpg", image(), {}, "got 'x.jpg', want 'x.png'"),
        ("x.png", image().astype("float32"), {}, r"must be uint8 \(H, W, 3\), got float32"),
        ("x.png", image()[..., 0], {}, r"got uint8 \(96, 128\)"),
        ("x.png", image(), {"a": float("nan")}, "cannot be written as JSON"),
        ("x.png", image(), {"a": image()}, "cannot be written as JSON"),
    ],
)
def test_bad_arguments_write_nothing(tmp_path, name, picture, recipe, message):
    with pytest.raises(ValueError, match=message):
        write_png(tmp_path / name, picture, recipe)
    assert not list(tmp_path.iterdir())


def test_damaged_files_are_value_errors(tmp_path):
    path = write_png(tmp_path / "x.png", image(), RECIPE)
    whole = path.read_bytes()
    for length in (0, 4, 20, 200, len(whole) // 2):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="x.png"):
            read_recipe(path)
    path.write_bytes(whole.replace(b'"prompt"', b'"prXmpt"'))
    with pytest.raises(ValueError, match="x.png"):
        read_recipe(path)

import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from tfportrait import provenance
from tfportrait.recipe import parameters_text, read_recipe, write_picture

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
    path = write_picture(tmp_path / "x.png", image(), recipe)
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
        write_picture(path, image(4, 4), recipe)
    except UnicodeEncodeError:  # a lone surrogate is no text
        assert not path.exists()
        return
    assert read_recipe(path) == recipe


def test_web_uis_read_the_parameters(tmp_path):
    path = write_picture(tmp_path / "x.png", image(), RECIPE)
    assert Image.open(path).text["parameters"] == (
        "a smiling woman, watercolour\nNegative prompt: glasses\n"
        "Steps: 20, Sampler: DPM++ 2M, CFG scale: 4.0, Seed: 4611686018427387905, Size: 128x96, "
        "Model hash: 0123456789, Model: portrait_128, Version: tfportrait 0.1.0"
    )
    assert parameters_text({"prompt": "x", "image_size": 64, "spacing": "karras"}) == (
        "x\nSchedule type: Karras, Size: 64x64"
    )


@pytest.mark.parametrize("suffix", [".webp", ".jpg", ".JPEG"])
def test_other_formats_carry_it_too(tmp_path, suffix):
    recipe = RECIPE | {"prompt": "一位面带微笑的女士 <&> 🙂\nsecond line"}
    path = write_picture(tmp_path / f"x{suffix}", image(), recipe)
    assert read_recipe(path) == recipe
    with Image.open(path) as file:
        comment = file.getexif().get_ifd(0x8769)[0x9286]
        assert comment.removeprefix(b"UNICODE\0").decode("utf-16-be") == parameters_text(recipe)
        if suffix == ".webp":
            np.testing.assert_array_equal(np.asarray(file), image())


@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg"])
@pytest.mark.parametrize("recipe", [None, RECIPE, RECIPE | {"input": {"file": "in.png"}}])
def test_every_picture_says_that_a_model_made_it(tmp_path, suffix, recipe):
    with Image.open(write_picture(tmp_path / f"x{suffix}", image(), recipe)) as file:
        marks = provenance.read_xmp(file.info["xmp"])
        field = json.loads(marks["AIGC"])
        assert suffix != ".png" or json.loads(file.text["AIGC"]) == field
    kind = "compositeWithTrainedAlgorithmicMedia" if recipe and "input" in recipe else "trainedAlgorithmicMedia"
    assert marks["DigitalSourceType"] == f"http://cv.iptc.org/newscodes/digitalsourcetype/{kind}"
    assert (field["Label"], field["ContentProducer"], len(field["ProduceID"])) == ("1", "tfportrait", 32)
    assert set(field) >= {"ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2"}


@pytest.mark.parametrize("size", [(64, 64), (128, 96), (256, 512)])
@pytest.mark.parametrize("shade", [0, 128, 255])
@pytest.mark.parametrize("chinese", [True, False])
def test_the_visible_mark_stands_out_in_its_corner(size, shade, chinese, monkeypatch):
    if not chinese:
        monkeypatch.setattr("tfportrait.fonts.chinese_font", lambda: None)
    picture = np.full((*size, 3), shade, "uint8")
    marked = provenance.draw_label(picture).astype(int)
    rows, columns = (np.flatnonzero((marked != shade).any(axis=(2, 1 - axis))) for axis in (0, 1))
    assert rows[-1] > 0.9 * size[0] and len(rows) < 0.4 * size[0] and columns[0] < 0.1 * size[1]
    assert shade == 0 or len(rows) >= 0.05 * min(size)  # on black the strip is not seen, but the letters are
    corner = marked[rows[0] :, : columns[-1] + 1]
    assert corner.max() - corner.min() > 100


def test_metadata_of_others():
    attribute = f'<d xmlns:r="{provenance.NAMESPACES["rdf"]}" xmlns:t="{provenance.NAMESPACES["TC260"]}">'
    attribute += "<r:Description t:AIGC='x'/></d>"
    assert provenance.read_xmp(attribute.encode()) == {"AIGC": "x"}
    for packet in (b"", b"<a>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"):
        with pytest.raises(ValueError, match=r"."):
            provenance.read_xmp(packet)


def test_without_a_recipe(tmp_path):
    path = write_picture(tmp_path / "x.png", image())
    with pytest.raises(ValueError, match="carries no tfportrait recipe; it is marked as made by a model$"):
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
        ("x.gif", image(), {}, "must end in .png, .webp, .jpg, .jpeg; nearest: .*x.png"),
        ("x.jpg", image(), {"a": "x" * 70000}, "cannot hold the recipe.*PNG instead"),
        ("x.png", image().astype("float32"), {}, r"must be uint8 \(H, W, 3\), got float32"),
        ("x.png", image()[..., 0], {}, r"got uint8 \(96, 128\)"),
        ("x.png", image(), {"a": float("nan")}, "cannot be written as JSON"),
        ("x.png", image(), {"a": image()}, "cannot be written as JSON"),
    ],
)
def test_bad_arguments_write_nothing(tmp_path, name, picture, recipe, message):
    with pytest.raises(ValueError, match=message):
        write_picture(tmp_path / name, picture, recipe)
    assert not list(tmp_path.iterdir())


def test_damaged_files_are_value_errors(tmp_path):
    path = write_picture(tmp_path / "x.png", image(), RECIPE)
    whole = path.read_bytes()
    for length in (0, 4, 20, 200, len(whole) // 2):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="x.png"):
            read_recipe(path)
    path.write_bytes(whole.replace(b'"prompt"', b'"prXmpt"'))
    with pytest.raises(ValueError, match="x.png"):
        read_recipe(path)

import functools
import subprocess
import sys

import numpy as np
import pytest
from models.painters import tiny_painter
from models.test_upscaler import tiny as tiny_upscaler
from PIL import Image

from tfportrait import tasks, world
from tfportrait.cli import main
from tfportrait.models import prompts
from tfportrait.recipe import parameters_text, read_recipe, write_picture
from tfportrait.tasks import painting


@pytest.mark.parametrize(
    ("prompt", "tags", "attributes"),
    [
        ("a smiling woman", {"glasses": "round"}, {"expression": "smiling", "gender": "woman", "glasses": "round"}),
        (
            "一位红色长发女士",
            {"style": "ink"},
            {"hair_style": "long", "hair_color": "red", "gender": "woman", "style": "ink"},
        ),
        (None, {"style": "oil", "age": "child"}, {"style": "oil", "age": "child"}),
        ("a zorblax man", {"glasses": "round"}, {"gender": "man", "glasses": "round"}),
        ("an angry man", {"expression": "angry"}, {"expression": "angry", "gender": "man"}),
        ("an (angry:1.3) man", {"glasses": "round"}, {"expression": "angry", "gender": "man", "glasses": "round"}),
    ],
)
def test_words_and_tags_become_one_prompt(prompt, tags, attributes):
    text = tasks.compose_prompt(prompt, tags)
    assert world.read_prompt(prompts.plain(text)).attributes == attributes
    if prompt and "(" in prompt:
        assert prompt in text
    if prompt and "zorblax" in prompt:
        assert prompt in text
    if prompt and prompt.startswith("一"):
        assert world.read_prompt(text).language == "zh"


def test_scenes_have_tags_of_their_own():
    text = tasks.compose_prompt("a mountain lake", {"time": "dusk", "style": "oil"})
    wanted = {"style": "oil", "setting": "mountains", "time": "dusk", "ground": "water"}
    assert world.scenes.read_prompt(text).attributes == wanted
    assert tasks.compose_prompt(None, {"setting": "sea", "style": "ink"}).startswith("a seascape")


@pytest.mark.parametrize(("prompt", "tags"), [("", {}), (None, {}), ("   ", {})])
def test_nothing_to_paint_is_an_error(prompt, tags):
    with pytest.raises(ValueError, match="prompt is empty"):
        tasks.compose_prompt(prompt, tags)


def test_painting_says_what_it_paints_and_records_what_was_asked(tmp_path, capsys):
    tiny_painter().save_to_preset(tmp_path / "preset")
    picture, prompt = tmp_path / "girl.png", "(红发:1.3)女孩"
    options = {"preset": tmp_path / "preset", "steps": 1, "guidance": 1, "clip-skip": 1, "out": picture}
    arguments = [f"--{name}={value}" for name, value in options.items()]
    assert main(["paint", prompt, "--negative=眼镜", *arguments]) == 0
    said = capsys.readouterr().out
    assert "In English, the prompt is: (red hair:1.3), a girl\n" in said
    assert "In English, the negative prompt is: round glasses\n" in said
    recipe = read_recipe(picture)
    assert (recipe["prompt"], recipe["negative_prompt"], recipe["clip_skip"]) == (prompt, "眼镜", 1)
    assert "Clip skip: 1" in parameters_text(recipe)
    assert "Understood" not in said  # that is for painters who know nothing but portraits
    assert main(["paint", prompt, *arguments, "--clip-skip=2"]) == 2
    assert "clip_skip is 2, but must be an integer from 1" in capsys.readouterr().err


@pytest.mark.slow
def test_the_shipped_painter_of_scenes_paints_them_and_each_says_what_the_other_one_knows(tmp_path, capsys):
    out = tmp_path / "x.png"
    arguments = ["--count", "4", "--steps", "8", "--out", str(out)]
    assert main(["paint", "a city street at night in the rain", "--preset", "scene_128", *arguments]) == 0
    said = capsys.readouterr().out
    assert "setting=city" in said and "These words" not in said
    painted = np.stack([np.asarray(Image.open(tmp_path / f"x-{i}.png"))[..., :3] for i in range(1, 5)])
    read = tasks.read_attributes(painted, "scene_oracle_128")
    hits = [each[name] == value for each in read for name, value in (("setting", "city"), ("time", "night"))]
    assert np.mean(hits) > 0.7
    for prompt, preset, other in (("a bald man", "scene_128", "portrait_128"), ("a lake", "portrait_128", "scene_128")):
        assert main(["paint", prompt, "--preset", preset, "--steps", "1", "--out", str(out)]) == 0
        assert f"--preset {other}), not {preset}" in capsys.readouterr().out


def test_contradictions_are_named():
    with pytest.raises(ValueError, match="glasses=square contradicts .* glasses=round"):
        tasks.compose_prompt("a man with round glasses", {"glasses": "square"})


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "tiny"
    tiny_painter().save_to_preset(folder)
    return folder


def pixels(path):
    return np.asarray(Image.open(path))


@pytest.mark.slow
def test_a_recipe_gives_the_identical_pixels_in_a_fresh_process(preset, tmp_path):
    out, again = tmp_path / "x.png", tmp_path / "again.webp"
    arguments = ["--count=3", "--seed=7", "--steps=3", "--negative=a dog", "--clip-skip=1", "--size=32"]
    assert main(["paint", "a red cat", f"--preset={preset}", f"--out={out}", *arguments]) == 0
    command = [sys.executable, "-m", "tfportrait", "paint", f"--recipe={tmp_path / 'x-3.png'}", f"--out={again}"]
    subprocess.run([*command, f"--preset={preset}"], check=True, capture_output=True)
    np.testing.assert_array_equal(pixels(again), pixels(tmp_path / "x-3.png"))
    assert read_recipe(again) == read_recipe(tmp_path / "x-3.png")
    assert read_recipe(again)["row"] == 2 and len(read_recipe(again)["batch"]) == 3


def test_a_recipe_that_cannot_be_followed_says_why(preset, tmp_path, capsys):
    out, again = tmp_path / "x.png", tmp_path / "again.png"
    assert main(["paint", "a red cat", f"--preset={preset}", f"--out={out}", "--steps=1"]) == 0
    recipe = read_recipe(out)
    other = tmp_path / "other"
    tiny_painter().save_to_preset(other)
    capsys.readouterr()
    lora = {"loras": [{"file": "style.safetensors", "strength": 1.0, "hash": "0"}]}
    for changes, arguments, message in (
        ({}, [f"--preset={other}"], "is not the preset tiny of the recipe"),
        ({}, [], "no preset or folder 'tiny'"),
        ({"format": 99, "version": "9.0"}, [f"--preset={preset}"], "newer tfportrait (9.0)"),
        ({"task": "restyle"}, [f"--preset={preset}"], "`tfportrait restyle`"),
        (lora, [f"--preset={preset}"], "LoRA style.safetensors: give that file with --lora"),
        ({}, ["a cat"], "PROMPT cannot be given beside --recipe"),
        ({}, ["--steps=3"], "--steps cannot be given beside --recipe: it comes from the recipe"),
    ):
        write_picture(tmp_path / "changed.png", pixels(out), {**recipe, **changes})
        assert main(["paint", f"--recipe={tmp_path / 'changed.png'}", f"--out={again}", *arguments]) == 2
        assert message in capsys.readouterr().err
    del recipe["seed"]
    write_picture(tmp_path / "changed.png", pixels(out), recipe)
    assert main(["paint", f"--recipe={tmp_path / 'changed.png'}", f"--out={again}"]) == 2
    assert "does not say seed" in capsys.readouterr().err
    assert not again.exists()


def test_a_label_is_drawn_when_asked_for(preset, tmp_path):
    arguments = ["paint", "a red cat", f"--preset={preset}", "--steps=1", "--size=64"]
    for name, more in (("plain", []), ("labelled", ["--label"])):
        assert main([*arguments, f"--out={tmp_path / name}.png", *more]) == 0
    plain, labelled = pixels(tmp_path / "plain.png"), pixels(tmp_path / "labelled.png")
    np.testing.assert_array_equal(plain[:40], labelled[:40])
    assert (plain != labelled).any()


def test_a_picture_may_be_wider_than_high_and_is_painted_again(preset, tmp_path, capsys):
    arguments = ["paint", "a red cat", f"--preset={preset}", "--steps=1", f"--out={tmp_path / 'x.png'}"]
    assert main([*arguments, "--size=48x32"]) == 0
    assert pixels(tmp_path / "x.png").shape == (32, 48, 3)
    again = [f"--recipe={tmp_path / 'x.png'}", f"--preset={preset}", f"--out={tmp_path / 'again.png'}"]
    assert main(["paint", *again]) == 0
    np.testing.assert_array_equal(pixels(tmp_path / "again.png"), pixels(tmp_path / "x.png"))
    capsys.readouterr()
    for size, message in (("48x", "no size, such as 256"), ("0", "no size"), ("48x33", "multiples of")):
        assert main([*arguments, f"--size={size}"]) == 2
        assert message in capsys.readouterr().err


def test_twice_the_size_is_painted_small_and_enlarged(preset, tmp_path, monkeypatch):
    tiny_upscaler().save_to_preset(tmp_path / "upscaler")
    monkeypatch.setattr(painting, "UPSCALED_FROM", 16)
    monkeypatch.setattr(painting, "UPSCALER", str(tmp_path / "upscaler"))
    monkeypatch.setattr(painting, "upscale", functools.partial(tasks.upscale, upscaler=str(tmp_path / "upscaler")))
    arguments = ["paint", "a red cat", f"--preset={preset}", "--steps=1"]
    for size in (16, 32, 64):
        assert main([*arguments, f"--size={size}", f"--out={tmp_path / str(size)}.png"]) == 0
        assert pixels(tmp_path / f"{size}.png").shape == (size, size, 3)
    small = pixels(tmp_path / "16.png")
    wanted = tasks.upscale(small, 2, painted=True, upscaler=str(tmp_path / "upscaler"))[0]
    np.testing.assert_array_equal(pixels(tmp_path / "32.png"), wanted)
    recipe = read_recipe(tmp_path / "32.png")
    assert recipe["image_size"] == [32, 32] and len(recipe["upscaler"]["preset_hash"]) == 64
    again = [f"--recipe={tmp_path / '32.png'}", f"--preset={preset}", f"--out={tmp_path / 'again.png'}"]
    assert main(["paint", *again]) == 0
    np.testing.assert_array_equal(pixels(tmp_path / "again.png"), wanted)

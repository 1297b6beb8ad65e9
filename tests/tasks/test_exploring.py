import numpy as np
import pytest
from models.painters import tiny_painter
from PIL import Image

import tfportrait as tp
from tfportrait import tasks
from tfportrait.cli import main
from tfportrait.recipe import read_recipe
from tfportrait.tasks import exploring


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "tiny"
    tiny_painter().save_to_preset(folder)
    return folder


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize(
    ("text", "labels", "values"),
    [
        ("steps=5,10", ("steps 5", "steps 10"), [{"steps": 5}, {"steps": 10}]),
        ("guidance = 1, 2.5", ("guidance 1", "guidance 2.5"), [{"guidance": 1.0}, {"guidance": 2.5}]),
        ("seed=3..5", ("seed 3", "seed 4", "seed 5"), [{"seed": 3}, {"seed": 4}, {"seed": 5}]),
        ("sampler=ddim,heun", ("ddim", "heun"), [{"sampler": "ddim"}, {"sampler": "heun"}]),
        ("size=64,96x32", ("size 64", "size 96x32"), [{"size": 64}, {"size": (32, 96)}]),
        ("prompt=a cat, red|一只狗", ("a cat, red", "一只狗"), [{"prompt": "a cat, red"}, {"prompt": "一只狗"}]),
    ],
)
def test_an_axis_is_read(text, labels, values):
    axis = exploring.parse_axis(text)
    assert axis.labels == labels and list(axis.values) == values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stps=5", "unknown parameter 'stps'.*one of steps, "),
        ("steps", "has no values"),
        ("steps=", "has no values"),
        ("steps=5,x", "steps=x: it is not a whole number"),
        ("guidance=x", "guidance=x: it is not a number"),
        ("seed=1..x", "seed=x: it is not a whole number"),
        ("seed=5..1", "has 0 values"),
        ("seed=1..1000000", "has 1,000,000 values, but must have 1 to 400"),
        ("steps=5,5", "a value twice"),
        ("size=64,12x", "size=12x: '12x' is no size"),
    ],
)
def test_a_bad_axis_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        exploring.parse_axis(text)


def test_a_matrix_has_every_combination_once():
    columns, rows = exploring.matrix("a man | red | big | old")
    prompts = [cell.settings["prompt"] for cell in exploring.cells({"prompt": "", "seed": 1}, columns, rows)]
    assert len(prompts) == len(set(prompts)) == 8
    assert prompts[0] == "a man" and prompts[-1] == "a man, red, big, old"
    assert {frozenset(text.split(", ")) for text in prompts} == {
        frozenset(["a man", *(word for bit, word in enumerate(("red", "big", "old")) if number >> bit & 1)])
        for number in range(8)
    }
    for bad, message in (("a man", "parts that may be left out"), ("a|b|c|d|e|f|g|h|i|j", "512 pictures")):
        with pytest.raises(ValueError, match=message):
            exploring.matrix(bad)


def test_axes_that_do_not_go_together_are_refused():
    steps = exploring.parse_axis("steps=1,2")
    with pytest.raises(ValueError, match="both axes change steps"):
        exploring.cells({"prompt": "x"}, steps, exploring.parse_axis("steps=3,4"))
    with pytest.raises(ValueError, match="at most 400"):
        exploring.cells({"prompt": "x"}, exploring.parse_axis("seed=1..300"), steps)
    with pytest.raises(ValueError, match="give both"):
        exploring.cells({"prompt": "x"}, exploring.parse_axis("strength=0,1"))


def test_every_picture_of_a_table_has_its_recipe_and_is_painted_again_from_it(preset, tmp_path):
    out = tmp_path / "out"
    axes = ["--x=steps=1,2", "--y=guidance=1,3"]
    assert main(["explore", "a red cat", *axes, f"--preset={preset}", f"--out={out}", "--seed=5"]) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "01-01.png",
        "01-02.png",
        "02-01.png",
        "02-02.png",
        "table.png",
    ]
    recipe = read_recipe(out / "02-01.png")
    assert (recipe["num_steps"], recipe["guidance_scale"], recipe["seed"]) == (1, 3.0, 5)
    again = tmp_path / "again.png"
    assert main(["paint", f"--recipe={out / '02-01.png'}", f"--preset={preset}", f"--out={again}"]) == 0
    np.testing.assert_array_equal(pixels(again), pixels(out / "02-01.png"))
    alone = ["a red cat", "--steps=2", "--guidance=3", "--seed=5", f"--preset={preset}"]
    assert main(["paint", *alone, f"--out={again}"]) == 0
    np.testing.assert_array_equal(pixels(again), pixels(out / "02-02.png"))


def test_variations_go_from_one_seed_to_another_and_are_painted_again(preset, tmp_path):
    arguments = ["a red cat", f"--preset={preset}", "--steps=2"]
    out = tmp_path / "out"
    assert main(["explore", *arguments, "--seed=3", "--vary=8", "--x=strength=0,0.3,1", f"--out={out}"]) == 0
    small, middle, whole = (pixels(out / f"01-0{number}.png").astype(int) for number in (1, 2, 3))
    painter = tp.LatentDiffusion.from_preset(preset, dtype="float32")
    for seed, image in ((3, small), (8, whole)):
        assert np.abs(painter.generate("a red cat", seeds=seed, num_steps=2)[0].astype(int) - image).max() <= 2
    assert 0 < np.abs(middle - small).mean() < np.abs(whole - small).mean()
    for path in (out / "01-02.png",):
        assert read_recipe(path)["variation"] == [8, 0.3]
        again = tmp_path / "again.png"
        assert main(["paint", f"--recipe={path}", f"--preset={preset}", f"--out={again}"]) == 0
        np.testing.assert_array_equal(pixels(again), pixels(path))
    several = ["--seed=3", "--vary=8", "--strength=0.3", "--count=2", f"--out={tmp_path / 'x.png'}"]
    assert main(["paint", *arguments, *several]) == 0
    assert [read_recipe(tmp_path / f"x-{number}.png")["variation"] for number in (1, 2)] == [[8, 0.3], [9, 0.3]]
    assert np.abs(pixels(tmp_path / "x-1.png").astype(int) - middle).max() <= 2


def test_what_cannot_be_painted_is_said_before_the_first_picture(preset, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["explore", "a red cat", f"--preset={preset}", f"--out={out}"]
    for more, message in (
        ([], "give --x"),
        (["--matrix", "--x=steps=1,2"], "leave --x and --y out"),
        (["--x=sampler=ddim,magic"], "magic"),
        (["--x=size=16,17"], "must be multiples"),
        (["--x=steps=1,0"], "num_steps is 0"),
        (["--vary=3", "--x=steps=1"], "give both"),
    ):
        assert main([*arguments, *more]) == 2
        assert message in capsys.readouterr().err
        assert not out.exists() or not list(out.iterdir())


def test_a_matrix_is_painted(preset, tmp_path):
    out = tmp_path / "out"
    arguments = ["--matrix", f"--preset={preset}", f"--out={out}", "--steps=1"]
    assert main(["explore", "a cat | red | big", *arguments]) == 0
    assert read_recipe(out / "02-02.png")["prompt"] == "a cat, red, big"


def test_the_task_is_exported():
    assert tasks.explore is exploring.explore

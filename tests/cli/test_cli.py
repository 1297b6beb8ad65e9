import errno
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from tfportrait import cli, doctor, files, recipe
from tfportrait.cli import options


def run(capsys, *arguments):
    """Exit code, standard output, standard error."""
    code = cli.main(list(arguments))
    out = capsys.readouterr()
    return code, out.out, out.err


def test_help_lists_the_commands_and_loads_nothing_heavy():
    code = (
        "import sys; from tfportrait.cli import main; main(['--help']); "
        "print([name for name in ('tensorflow', 'keras', 'numpy', 'PIL', 'matplotlib') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"
    for command in ("world", "recipe", "doctor"):
        assert f"  {command} " in out


@pytest.mark.slow
def test_help_takes_less_than_300_ms():
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "tfportrait", "--help"], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.3


def test_recipe_is_printed(capsys, tmp_path):
    stored = {"prompt": "水彩", "seed": 3}
    recipe.write_picture(tmp_path / "x.png", np.zeros((4, 4, 3), np.uint8), stored)
    code, out, _ = run(capsys, "recipe", str(tmp_path / "x.png"))
    assert code == 0 and json.loads(out) == stored and "水彩" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["recipe", "nowhere.png"], "nowhere.png: No such file"),
        (["recipe"], "Missing argument 'FILE'"),
        (["wrld"], "No such command 'wrld'"),
        (["world", "--count", "many"], "'many' is not a valid integer"),
        (["world", "--out", "here", "--workers", "0"], "workers must be at least 1, got 0"),
        (["--nonsense"], "No such option"),
    ],
)
def test_errors_are_one_line_and_exit_code_2(capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *arguments)
    assert code == 2 and out == ""
    assert err.startswith("tfportrait: ") and err.count("\n") == 1 and message in err
    assert not list(tmp_path.iterdir())


def fail_with(monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(recipe, "read_recipe", fail)


def test_ctrl_c_is_exit_code_130(capsys, monkeypatch):
    fail_with(monkeypatch, KeyboardInterrupt())
    code, _, err = run(capsys, "recipe", "x.png")
    assert code == 130 and "stopped" in err and "Traceback" not in err


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "big.npy"), "no space left on the disk: big.npy; free some"),
        (OSError(errno.ENOSPC, "2.0 GB needed"), "no space left on the disk: 2.0 GB needed"),
        (PermissionError(errno.EACCES, "Permission denied", "x.png"), "x.png: Permission denied"),
        (ValueError("two\n  lines"), "tfportrait: two lines\n"),
        (ModuleNotFoundError("No module named 'torch'", name="torch"), "torch is not installed: pip install torch"),
        (MemoryError(), "out of memory"),
    ],
)
def test_what_went_wrong_is_said_in_one_line(capsys, monkeypatch, error, message):
    fail_with(monkeypatch, error)
    code, _, err = run(capsys, "recipe", "x.png")
    assert code == 2 and message in err and err.count("\n") == 1


def test_traceback_on_request(capsys, monkeypatch):
    fail_with(monkeypatch, ValueError("because"))
    code, _, err = run(capsys, "--traceback", "recipe", "x.png")
    assert code == 2 and "Traceback" in err and err.endswith("tfportrait: because\n")


def test_bugs_are_not_hidden(monkeypatch):
    fail_with(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        cli.main(["recipe", "x.png"])


def test_tags():
    assert options.parse_tags(("style=watercolour", "glasses = Round", "background=starry night")) == {
        "style": "watercolour",
        "glasses": "round",
        "background": "starry_night",
    }
    assert options.parse_tags(()) == {}


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (["watercolour"], "a tag is name=value, such as glasses=round; got 'watercolour'"),
        (["=x"], "a tag is name=value"),
        (["style="], "a tag is name=value"),
        (["style=ink", "style=oil"], "tag style is given twice: ink and oil"),
        (["stile=ink"], "stile.*style"),
        (["style=cyberpunk"], "cyberpunk.*watercolour"),
    ],
)
def test_bad_tags(tags, message):
    with pytest.raises(ValueError, match=message):
        options.parse_tags(tags)


def test_output_paths(tmp_path):
    assert options.output_paths(tmp_path / "x.png", 1) == [tmp_path / "x.png"]
    names = [path.name for path in options.output_paths(tmp_path / "x.png", 10)]
    assert names[0] == "x-01.png" and names[9] == "x-10.png"
    for out, count, message in [
        ("x.bmp", 1, "nearest: .*x.png"),
        ("x", 1, "nearest: .*x.png"),
        ("x.png", 0, "count must be at least 1, got 0"),
        ("no/x.png", 1, "does not exist"),
        (".", 1, "is a folder"),
        (".", 2, "is a folder"),
    ]:
        with pytest.raises(ValueError, match=message):
            options.output_paths(tmp_path / out, count)
    assert not list(tmp_path.iterdir())


def test_doctor_reports_every_check(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("TFPORTRAIT_CACHE", str(tmp_path))
    code, out, _ = run(capsys, "doctor")
    lines = out.splitlines()
    assert code == any(line.startswith("warn") for line in lines)
    assert all(line[:6] in ("ok    ", "warn  ") for line in lines)
    for subject in ("python", "keras", "devices", "acceleration", "preset", "disk", "chinese font"):
        assert any(f"  {subject}" in line for line in lines), subject
    assert f"keras {sys.modules['keras'].__version__}" in out and str(tmp_path) in out


def test_doctor_finds_a_damaged_preset(monkeypatch, tmp_path):
    preset = tmp_path / "presets" / "small"
    preset.mkdir(parents=True)
    (preset / "weights").write_text("good")
    files.write_checksums(preset)
    monkeypatch.setattr(doctor, "__file__", str(tmp_path / "doctor.py"))
    assert [finding.ok for finding in doctor._presets("preset")] == [True]
    (preset / "weights").write_text("evil")
    (finding,) = doctor._presets("preset")
    assert not finding.ok and "weights is damaged" in finding.text and "pip install" in finding.remedy


def test_doctor_survives_a_broken_check(monkeypatch):
    def broken(subject):
        raise RuntimeError("libfoo.so: cannot open\nshared object")

    monkeypatch.setattr(doctor, "_CHECKS", {"first": broken, "python": doctor._python})
    first, second = doctor.checks()
    assert not first.ok and "libfoo.so: cannot open shared object" in str(first) and second.ok


def test_closed_pipe_is_no_error():
    command = f"{sys.executable} -m tfportrait --help | true"
    out = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert out.stderr == ""


@pytest.mark.parametrize(
    ("there", "count", "expected"),
    [
        ([], 1, ["portrait.png"]),
        (["portrait.png"], 1, ["portrait-2.png"]),
        (["portrait-1.png"], 2, ["portrait-2-1.png", "portrait-2-2.png"]),
        (["portrait.png"], 2, ["portrait-1.png", "portrait-2.png"]),
    ],
)
def test_pictures_without_a_name_never_replace_one_that_is_there(tmp_path, monkeypatch, there, count, expected):
    monkeypatch.chdir(tmp_path)
    for name in there:
        (tmp_path / name).touch()
    assert [str(path) for path in options.free_paths("portrait.png", count)] == expected


def test_not_a_number_is_one_line(monkeypatch, capsys):
    def broken(*arguments, **options):
        raise FloatingPointError("training, step 3: loss is nan")

    monkeypatch.setattr("tfportrait.recipe.read_recipe", broken)
    assert cli.main(["recipe", "x.png"]) == 2
    assert capsys.readouterr().err == "tfportrait: training, step 3: loss is nan\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of three pictures, black on the left and white on the right, to be looked at from an empty folder."""
    from PIL import Image

    monkeypatch.setenv("TFPORTRAIT_CACHE", str(tmp_path / "cache"))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(3):
        image = np.full((32, 32, 3), 255, np.uint8)
        image[:, :16] = 0
        Image.fromarray(image).save(pictures / f"{number}.png")
        (pictures / f"{number}.txt").write_text("dark on the left")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return pictures


def test_data_show_draws_what_there_is(capsys, folder, tmp_path):
    from PIL import Image

    arguments = ["data", "show", str(folder), "--size", "32"]
    for name in ("data.png", "data-2.png"):
        assert run(capsys, *arguments) == (0, f"{name}\n", "")
        assert Image.open(name).width > 400
    assert run(capsys, *arguments, "--out", str(tmp_path / "x.png"))[1] == f"{tmp_path / 'x.png'}\n"


def test_data_show_puts_augmented_pictures_and_their_captions_beside(capsys, folder, monkeypatch):
    from tfportrait import plot

    seen = []
    real = plot.augmentation
    monkeypatch.setattr(plot, "augmentation", lambda *given, **named: seen.append(given) or real(*given, **named))
    arguments = ["data", "show", str(folder), "--count", "2", "--size", "32", "--augment", "flip=1", "--augment"]
    for seed in ("0", "0", "1"):
        assert run(capsys, *arguments, "rotation=0.5", "--seed", seed)[0] == 0
    (originals, augmented, captions), again, other = seen
    assert originals.shape == augmented.shape == (2, 32, 32, 3) and captions == ["dark on the right"] * 2
    assert (originals[:, 16, 2] == 0).all()
    assert (augmented[:, 16, 2] > 0.9).all() and (augmented[:, 16, -3] < -0.9).all()
    np.testing.assert_array_equal(again[1], augmented)
    assert np.abs(other[1] - augmented).max() > 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--augment", "rotate"], "unknown augmentation 'rotate'; valid ones: rotation, "),
        (["--augment", "flip=2"], "the strength of flip must be a number from 0 (off) to 1, got 2.0; nearest: 1"),
        (["--augment", "flip", "--augment", "flip"], "augmentation flip is given twice"),
        (["--count", "0"], "--count must be at least 1, got 0"),
        (["--split", "validation"], "validation"),
        (["--out", "x.jpg"], "must be a PNG file"),
    ],
)
def test_data_show_says_what_is_wrong_before_any_work(capsys, folder, arguments, message):
    code, out, err = run(capsys, "data", "show", str(folder), *arguments)
    assert code == 2 and out == "" and message in err and err.startswith("tfportrait: ") and err.count("\n") == 1
    assert not os.listdir()

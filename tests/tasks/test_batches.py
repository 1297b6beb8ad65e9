import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from models.painters import tiny_painter
from PIL import Image

from tfportrait import tasks
from tfportrait.cli import main
from tfportrait.recipe import read_recipe

LINES = [
    "a red cat",
    "",
    "# a comment",
    "一只红色的猫",
    json.dumps({"prompt": "a blue dog", "negative": "a cat", "seed": 9, "steps": 2, "out": "dog.webp"}),
    '{"prompt": "broken"',
    json.dumps({"prompt": "a cat", "colour": "red"}),
    json.dumps({"prompt": "a cat", "guidance": -1}),
    json.dumps({"tags": {"style": "oil"}}),
]


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "tiny"
    tiny_painter().save_to_preset(folder)
    return folder


def written(path, lines=LINES, encoding="utf-8", newline="\n"):
    path.write_bytes(newline.join(lines).encode(encoding))
    return path


def arguments(preset, tmp_path, file):
    return ["paint", f"--prompts={file}", f"--preset={preset}", "--steps=1", f"--out={tmp_path / 'out'}"]


def test_one_failed_line_does_not_stop_the_rest(preset, tmp_path, capsys):
    file = written(tmp_path / "prompts.txt")
    assert main(arguments(preset, tmp_path, file)) == 2
    printed = capsys.readouterr()
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert len(names) == 4 and names[:2] == ["0001-a-red-cat.png", "0004-一只红色的猫.png"] and "dog.webp" in names
    assert "4 painted, 0 there already, 3 failed" in printed.out
    for message in ("line 6: it is no JSON", "line 7: unknown key 'colour'", "line 8: guidance_scale is -1"):
        assert message in printed.out
    assert "3 of 7 lines failed" in printed.err
    recipe = read_recipe(tmp_path / "out" / "dog.webp")
    assert (recipe["prompt"], recipe["negative_prompt"], recipe["seed"], recipe["num_steps"]) == (
        "a blue dog",
        "a cat",
        9,
        2,
    )


def test_it_goes_on_where_it_stopped(preset, tmp_path, capsys):
    file, out = written(tmp_path / "prompts.txt", LINES[:5]), tmp_path / "out"
    assert main(arguments(preset, tmp_path, file)) == 0
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    (out / "0001-a-red-cat.png").unlink()
    capsys.readouterr()
    assert main(arguments(preset, tmp_path, file)) == 0
    assert "1 painted, 2 there already, 0 failed" in capsys.readouterr().out
    after = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert after.keys() == before.keys() and sum(after[path] != before[path] for path in before) == 1
    assert main([*arguments(preset, tmp_path, file), "--seed=5"]) == 2
    printed = capsys.readouterr().out
    assert "painted with seed 0; move it away" in printed and "0 painted, 1 there already, 2 failed" in printed
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == after


@pytest.mark.slow
def test_killed_at_any_moment_it_leaves_whole_pictures_and_goes_on(preset, tmp_path):
    file = written(tmp_path / "prompts.txt", ["a red cat"] + [f"a red cat {i}" for i in range(40)])
    command = [sys.executable, "-m", "tfportrait", *arguments(preset, tmp_path, file)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.time() + 120
    while not list((tmp_path / "out").glob("*.png")) and time.time() < deadline:
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    whole = list((tmp_path / "out").glob("*.png"))
    assert whole
    for path in whole:
        read_recipe(path)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"{41 - len(whole)} painted, {len(whole)} there already, 0 failed" in done.stdout
    assert len(list((tmp_path / "out").glob("*.png"))) == 41


def test_alone_or_together_the_pictures_are_the_same(preset, tmp_path):
    file = written(tmp_path / "prompts.txt", ["a red cat", "a blue dog", "two green birds"])
    assert main([*arguments(preset, tmp_path, file), "--precision=float32"]) == 0
    alone = tmp_path / "alone.png"
    assert (
        main(["paint", "a blue dog", f"--preset={preset}", "--steps=1", f"--out={alone}", "--precision=float32"]) == 0
    )
    found, wanted = (np.asarray(Image.open(p)).astype(int) for p in (tmp_path / "out" / "0002-a-blue-dog.png", alone))
    assert np.abs(found - wanted).max() <= 2


@pytest.mark.parametrize(("encoding", "newline"), [("utf-8-sig", "\r\n"), ("utf-16", "\n"), ("utf-8", "\r")])
def test_files_of_other_systems(tmp_path, encoding, newline):
    jobs = tasks.read_prompts(written(tmp_path / "x.txt", LINES[:4], encoding, newline), num_steps=1)
    assert [(job.line, job.prompt, job.error) for job in jobs] == [(1, "a red cat", ""), (4, "一只红色的猫", "")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"seed": "7", "prompt": "x"}, "seed is '7', but must be a number"),
        ({"steps": 1.5, "prompt": "x"}, "num_steps is 1.5"),
        ({"prompt": 7}, "must be text"),
        ({}, "prompt is empty"),
        ({"prompt": "x", "tags": ["oil"]}, "must be an object"),
        ({"tags": {"style": "crayon"}}, "Unknown value 'crayon'"),
        ({"prompt": "x", "out": "../x.png"}, "without a folder"),
        ({"prompt": "x", "out": "x.bmp"}, "must end in"),
    ],
)
def test_broken_lines_say_what_is_wrong(tmp_path, line, message):
    (job,) = tasks.read_prompts(written(tmp_path / "x.txt", [json.dumps(line)]))
    assert message in job.error


def test_two_lines_cannot_have_one_picture(tmp_path):
    line = json.dumps({"prompt": "x", "out": "x.png"})
    jobs = tasks.read_prompts(written(tmp_path / "x.txt", [line, line]))
    assert [job.error for job in jobs] == ["", "its picture x.png is that of line 1 too"]


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "has no prompts"), (b"# x\n\n", "no prompts"), (b"\xff", "UTF-8")]
)
def test_files_without_prompts(tmp_path, content, message, capsys):
    (tmp_path / "x.txt").write_bytes(content)
    assert main(["paint", f"--prompts={tmp_path / 'x.txt'}"]) == 2
    assert message in capsys.readouterr().err
    assert main(["paint", f"--prompts={tmp_path / 'none.txt'}"]) == 2
    assert "none.txt" in capsys.readouterr().err
    assert main(["paint", "a cat", f"--prompts={tmp_path / 'x.txt'}"]) == 2
    assert "PROMPT cannot be given beside --prompts" in capsys.readouterr().err


def test_names_are_fit_for_any_system(tmp_path):
    jobs = tasks.read_prompts(written(tmp_path / "x.txt", ["A/cat: <red>? " + "x" * 200, "!!!"]))
    assert jobs[0].name == f"0001-a-cat-red-{'x' * 50}.png" and jobs[1].name == "0002-portrait.png"

"""What students may hand in against the grader costs them that exercise, and nobody else anything."""

import http.server
import os
import secrets
import shutil
import threading

import hostile
import pytest

from tfportrait import course
from tfportrait.course import running, sandbox, variants

ENDS = {  # kinds of results of 04-2; what is "wrong" was done in vain
    "honest": {"right"},
    "loop": {"time"},
    "fork_bomb": {"memory", "time", "ended"},
    "exit": {"ended"},
    "sys_exit": {"error"},
    "stop": {"time"},
    "memory": {"memory"},
    "memory_in_children": {"memory"},
    "stdout": {"wrong"},
    "fake": {"ended"},
    "replaced_grading": {"wrong"},
    "patched_numpy": {"wrong"},
    "solution": {"error"},
    "frames": {"wrong"},
}
SAFE = {  # nothing else prevents some of them
    **ENDS,
    "crash": {"ended"},
    "deep_json": {"ended"},
    "every_descriptor": {"ended"},
    "interrupt": {"error"},
    "message": {"error"},
    "pickle": {"ended"},
    "recursion": {"error"},
    "kill": {"error", "ended"},
    "kill_all": {"error", "time"},
    "solution_by_force": {"error"},
    "solution_from_files": {"error"},
    "network": {"error"},
    "delete": {"error"},
    "peek": {"wrong"},
    "files": {"error"},
    "kernel": {"wrong"},
}


def ready(**options):
    box = sandbox.Sandbox(**options)
    try:
        box.check()
    except ValueError as error:
        pytest.skip(str(error))
    return box


def graded(folder, names, unsafe):
    """Kinds of all results, and where they were: of a class in which everybody but one does harm."""
    ready(unsafe=unsafe)
    class_folder, key = folder / "class", folder / "key"
    class_folder.mkdir()
    variants.make_key(key)
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        places = {"FOLDER": class_folder, "KEY": key, "PLACE": folder / "pickled", "PORT": server.server_port}
        for name in names:
            text = hostile.source(hostile.BODIES[name])
            for place, value in places.items():
                text = text.replace(place, str(value))
            (class_folder / f"{name}.py").write_text(text, "utf-8")
        before = sorted(class_folder.iterdir())
        found = course.assess(class_folder, key=key, chapters=[4], seconds=3, memory=512, unsafe=unsafe)
        server.shutdown()
    assert sorted(class_folder.iterdir()) == before and not (folder / "pickled").exists()
    return {(result.student, result.exercise): result for result in found}


@pytest.fixture(scope="module")
def safe(tmp_path_factory):
    if not shutil.which("bwrap"):
        pytest.skip("bubblewrap is not installed")
    return graded(tmp_path_factory.mktemp("safe"), SAFE, unsafe=False)


@pytest.fixture(scope="module")
def unsafe(tmp_path_factory):
    return graded(tmp_path_factory.mktemp("unsafe"), ENDS, unsafe=True)


@pytest.mark.parametrize("name", SAFE)
def test_harm_ends_with_its_exercise(name, safe):
    assert safe[name, "04-2"].kind in SAFE[name]
    assert safe[name, "04-1"].kind == "right" and safe[name, "04-3"].kind == "unanswered"


@pytest.mark.parametrize("name", ENDS)
def test_limits_hold_without_the_sandbox_too(name, unsafe):
    assert unsafe[name, "04-2"].kind in ENDS[name]
    assert unsafe[name, "04-1"].kind == "right"


STAYS = """
import os, sys
def f(x):
    os.fork()
    if os.fork() == 0:
        os.setpgid(0, 0)
    os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(60)", "{mark}"])
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc to look for processes")
@pytest.mark.parametrize("unsafe", [False, True])
def test_nothing_stays_behind(unsafe):
    box = ready(unsafe=unsafe, seconds=2)
    mark = secrets.token_hex(8).encode()
    ended = box.run({"cells": [STAYS.format(mark=mark.decode())], "chosen": [0], "name": "f", "cases": [[1.0]]})
    assert ended.how in ("time", "ended")

    def left(pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return mark in file.read()
        except OSError:
            return False

    for _ in range(100):  # a process that was killed takes a moment
        running = [pid for pid in os.listdir("/proc") if pid.isdecimal() and left(pid)]
        if not running:
            break
        threading.Event().wait(0.05)
    assert not running


def test_a_process_that_starves_is_told_from_one_that_computes():
    box = ready(unsafe=True, seconds=1.5)
    job = {"chosen": [0], "name": "f", "cases": [[1.0]]}
    assert box.run({**job, "cells": ["import time\ndef f(x):\n    time.sleep(60)"]}).starved
    ended = box.run({**job, "cells": ["def f(x):\n    return x"]})
    assert ended.how == "answer" and not ended.starved


def test_packages_may_lie_among_temporary_files(monkeypatch, tmp_path):
    ready()
    tmp_path.chmod(0o755)  # as environments are
    (tmp_path / "there").write_text("x")
    tmp_path.chmod(0o755)
    monkeypatch.setattr(sandbox.sys, "prefix", str(tmp_path))
    code = f"import os\ndef f(x):\n    return os.path.exists({str(tmp_path / 'there')!r}), os.path.exists({__file__!r})"
    ended = sandbox.Sandbox().run({"cells": [code], "chosen": [0], "name": "f", "cases": [[1.0]]})
    found = running.read_answer(ended.line, 1)
    assert [float(array) for array in found.results[0]] == [1, 0]


def test_without_bubblewrap_nothing_is_run(monkeypatch, tmp_path):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    monkeypatch.setattr(sandbox.subprocess, "Popen", None)
    (tmp_path / "anna.py").write_text("def add_noise(x_0, noise, alpha_bar):\n    return x_0\n")
    with pytest.raises(ValueError, match=r"bubblewrap \(bwrap\) is not installed: .*--unsafe"):
        course.assess(tmp_path)


def test_a_sandbox_that_does_not_work_says_why(monkeypatch):
    monkeypatch.setattr(sandbox.Sandbox, "_command", lambda self: ["sh", "-c", "echo no permission >&2; exit 1"])
    with pytest.raises(ValueError, match="the sandbox does not work here: no permission; or take --unsafe"):
        monkeypatch.setattr(sandbox.shutil, "which", lambda name: name)
        sandbox.Sandbox().check()


def test_what_shall_be_hidden_must_not_lie_among_the_packages(monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: name)
    folder = os.path.dirname(course.__file__)
    with pytest.raises(ValueError, match="which students' code may read; move it elsewhere"):
        sandbox.Sandbox().check([folder])

"""What students hand in, and what is wrong with it."""

import json
import os

import pytest

from tfportrait import course
from tfportrait.course.submissions import collect

TASK = course.exercise("04-2")
DEFINED = "def add_noise(x_0, noise, alpha_bar):\n    return x_0\n"


def notebook(*cells):
    """A notebook of code cells, each its source and its tags."""
    made = [
        {"cell_type": "code", "source": source.splitlines(keepends=True), "metadata": {"tags": list(tags)}}
        for source, *tags in cells
    ]
    made.append({"cell_type": "markdown", "source": "prose", "metadata": {}})
    return json.dumps({"cells": made, "nbformat": 4})


def write(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_ipynb", ".ipynb").replace("_py", ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def one(folder):
    ((submission,), ignored) = collect(folder)
    return submission, ignored


def test_each_form_is_found(tmp_path):
    write(
        tmp_path, anna__04_x_ipynb=notebook((DEFINED, "exercise-04-2")), ben_ipynb=notebook((DEFINED,)), chen_py=DEFINED
    )
    write(tmp_path, anna__05_y_ipynb=notebook(("x = 1",)), anna__photo="", anna__z__deep_py=DEFINED)
    (tmp_path / ".hidden.py").write_text(DEFINED)
    (tmp_path / "notes.txt").write_text("")
    found, ignored = collect(tmp_path)
    assert [each.student for each in found] == ["anna", "ben", "chen"] and not any(each.faults for each in found)
    assert ignored == ["notes.txt: neither a notebook nor a Python file nor a folder"]
    assert [each.find(TASK)[0].name for each in found] == ["anna/04_x.ipynb", "ben.ipynb", "chen.py"]
    assert found[0].find(course.exercise("04-1")) == (None, [])


def test_tags_come_before_names(tmp_path):
    write(tmp_path, anna_ipynb=notebook((DEFINED,), ("def mine(*a): return 0", "exercise-04-2", "hard")))
    assert one(tmp_path)[0].find(TASK)[1] == [1]


def test_the_chapter_of_a_file_and_arguments_tell_functions_of_one_name_apart(tmp_path):
    write(
        tmp_path, anna__02_vae_py=DEFINED, anna__all_py="def loss(noise, predicted, realness, mean, log_variance): pass"
    )
    submission, _ = one(tmp_path)
    assert submission.find(TASK) == (None, [])
    first, second = course.exercise("02-R2"), course.exercise("06-R1")
    assert submission.find(first, {"loss"}) == (None, []) and submission.find(second, {"loss"})[1] == [0]


def test_an_exercise_in_two_files_is_told(tmp_path):
    write(tmp_path, anna__a_py=DEFINED, anna__b_py=DEFINED)
    with pytest.raises(ValueError, match="04-2 is in more than one file: anna/a.py, anna/b.py"):
        one(tmp_path)[0].find(TASK)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("anna.ipynb", "{", "anna.ipynb: no notebook: Expecting"),
        ("anna.ipynb", "[" * 200_000, "anna.ipynb: no notebook"),
        ("anna.ipynb", "[]", "anna.ipynb: no notebook of format 4"),
        ("anna.ipynb", '{"worksheets": []}', "anna.ipynb: no notebook of format 4"),
        ("anna.ipynb", '{"cells": [{"cell_type": "code", "source": 3}]}', "anna.ipynb: no notebook of format 4"),
        ("anna.ipynb", '{"cells": [{"cell_type": "code", "source": [], "metadata": {"tags": [1]}}]}', "no notebook"),
        ("anna.py", b"# \xff", "anna.py: not UTF-8: byte 2"),
        ("anna.py", b"#" * (2**24 + 1), "anna.py: more than 16 MB"),
        ("anna/readme.txt", "", "anna: no notebook and no Python file in it"),
    ],
)
def test_what_cannot_be_read_is_named_and_stops_nobody(name, content, message, tmp_path):
    write(tmp_path, ben_py=DEFINED)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (anna, ben), _ = collect(tmp_path)
    assert message in anna.faults[0] and anna.works == [] and ben.find(TASK)[0]


def test_two_submissions_of_one_student_are_told(tmp_path):
    write(tmp_path, anna_py=DEFINED, anna_ipynb=notebook((DEFINED,)))
    assert one(tmp_path)[0].faults == ["anna.ipynb, anna.py: more than one submission of the same student"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no such files")
def test_links_and_what_is_no_file_are_not_followed(tmp_path):
    (tmp_path / "secret.py").write_text(DEFINED)
    (tmp_path / "secrets").mkdir()
    folder = tmp_path / "class"
    (folder / "carl").mkdir(parents=True)
    (folder / "anna.py").symlink_to(tmp_path / "secret.py")
    (folder / "ben").symlink_to(tmp_path / "secrets")
    (folder / "carl" / "04.py").symlink_to("/dev/zero")
    os.mkfifo(folder / "dora.py")
    faults = [fault for each in collect(folder)[0] for fault in each.faults]
    link = "a link; hand in the file itself"
    assert faults == [f"anna.py: {link}", f"ben: {link}", f"carl/04.py: {link}", "dora.py: no file"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_can_be_printed(tmp_path):
    (tmp_path / "a\u202eb\nc.py").write_text(DEFINED)
    with open(os.fsencode(tmp_path) + b"/\xff.py", "w") as file:
        file.write(DEFINED)
    (tmp_path / "Zoe\u0308.py").write_text(DEFINED)
    assert {each.student for each in collect(tmp_path)[0]} == {"a\ufffdb\ufffdc", "\ufffd", "Zo\u00eb"}


def test_no_folder_and_nothing_in_it(tmp_path):
    with pytest.raises(ValueError, match="no submissions; they are STUDENT/NOTEBOOK.ipynb"):
        collect(tmp_path)
    with pytest.raises(ValueError, match="no such folder"):
        collect(tmp_path / "nowhere")

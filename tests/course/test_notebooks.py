"""Notebooks for students and with solutions, and that the committed ones are what their sources give."""

import json
from pathlib import Path

import pytest

from tfportrait.cli import main
from tfportrait.course import catalogue, executing, notebooks, sources

ROOT = Path(__file__).parents[2]
LESSONS = sources.lessons()
NAMED = {"argvalues": LESSONS, "ids": lambda lesson: lesson.name}


def code(made):
    return "\n".join("".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "code")


@pytest.mark.parametrize("lesson", **NAMED)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_students_have_the_same_cells_without_the_solutions(lesson, language):
    solved, empty = (notebooks.notebook(lesson, language=language, student=student) for student in (False, True))
    assert [cell["id"] for cell in solved["cells"]] == [cell["id"] for cell in empty["cells"]]
    assert code(empty).count("raise NotImplementedError") == len(lesson.exercises)
    assert "solution>" not in code(solved) + code(empty) and f'LANGUAGE = "{language}"' in code(solved)
    compile(code(empty), lesson.name, "exec")
    for cell in lesson.cells:
        if cell.exercise:
            lines = cell.code.split("# <solution>\n")[1].split("# </solution>")[0]
            assert lines.strip() in code(solved) and lines.strip() not in code(empty)
            task = getattr(catalogue.exercise(cell.exercise), language)
            assert "".join(task.split()) in "".join(code(empty).split())


@pytest.mark.parametrize("lesson", **NAMED)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_committed_is_what_the_source_gives(lesson, language):
    folder = ROOT / "notebooks" / language
    assert notebooks.is_current(lesson, folder, language), f"tfportrait course build notebooks/{language}"
    text = (folder / f"{lesson.name}.ipynb").read_text("utf-8")
    assert len(text) < 2**20 and '"image/' in text and "Traceback" not in text


def test_answers_are_never_overwritten(tmp_path, capsys):
    assert main(["course", "get", str(tmp_path), "--chapter", "4", "--language", "zh"]) == 0
    path = tmp_path / "04_two_dimensions.ipynb"
    assert capsys.readouterr().out.split() == [str(path)] and "二维中的扩散" in path.read_text("utf-8")
    path.write_text("my answers", "utf-8")
    assert main(["course", "get", str(tmp_path)]) == 0
    assert path.read_text("utf-8") == "my answers" and "1 notebooks were there" in capsys.readouterr().err
    assert len(list(tmp_path.iterdir())) == len(LESSONS)


def test_a_notebook_that_is_not_what_its_source_gives_is_told(tmp_path, capsys):
    main(["course", "get", str(tmp_path), "--solutions"])
    assert main(["course", "build", str(tmp_path), "--check"]) == 0
    path = tmp_path / "04_two_dimensions.ipynb"
    path.write_text(path.read_text("utf-8").replace("alpha_bars", "betas"), "utf-8")
    assert main(["course", "build", str(tmp_path), "--check"]) == 2
    assert "not what their sources give: 04_two_dimensions" in capsys.readouterr().err


@pytest.mark.parametrize("language", ["en", "zh"])
def test_notebooks_of_a_repository_open_in_colab_and_binder_and_install_the_package(
    language, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    get = ["course", "get", "my notebooks", "--chapter", "4", "--language", language, "--github"]
    for wrong in ("me", "me/my course", "https://github.com/me/course"):
        assert main([*get, wrong]) == 2 and "OWNER/NAME" in capsys.readouterr().err
    assert main([*get[:2], str(tmp_path), *get[3:], "me/course"]) == 2
    assert "notebooks/students" in capsys.readouterr().err
    assert main([*get, "me/course"]) == 0
    cells = json.loads((tmp_path / "my notebooks" / "04_two_dimensions.ipynb").read_text("utf-8"))["cells"]
    place = "my%20notebooks/04_two_dimensions.ipynb"
    assert f"(https://colab.research.google.com/github/me/course/blob/HEAD/{place})" in "".join(cells[1]["source"])
    assert f"(https://mybinder.org/v2/gh/me/course/HEAD?labpath={place})" in "".join(cells[1]["source"])
    assert "git+https://github.com/me/course" in "".join(cells[2]["source"])
    ids = [cell["id"] for cell in cells]
    assert len(set(ids)) == len(ids)
    _, seconds = executing.execute({**made(), "cells": cells[1:3]})  # it is installed: nothing is fetched
    assert seconds < 60


def made(*cells):
    """A notebook of code cells, each its source and perhaps the exercise that it solves."""
    found = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell-{i}",
            "metadata": {"tags": [f"exercise-{exercise}"]} if exercise else {},
            "outputs": [],
            "source": [source],
        }
        for i, (source, exercise) in enumerate(cells)
    ]
    return {"cells": found, "metadata": {"title": "Tiny"}, "nbformat": 4, "nbformat_minor": 5}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([("1 / 0", "")], "Tiny, cell-0: ZeroDivisionError"),
        ([("'04-1: not yet: wrong'", "04-1")], "Tiny, cell-0: not graded right"),
        ([("import time; time.sleep(60)", "")], "took more than 5 s"),
    ],
)
def test_a_cell_that_fails_is_named(cells, message):
    with pytest.raises(executing.NotebookError, match=message):
        executing.execute(made(*cells), timeout=5)


@pytest.mark.slow
@pytest.mark.parametrize("lesson", **NAMED)
def test_the_solutions_run_and_students_get_as_far_as_their_first_exercise(lesson):
    done, seconds = executing.execute(notebooks.notebook(lesson))
    assert any("image/" in json.dumps(cell) for cell in done["cells"]) and seconds < 600
    executing.execute(notebooks.notebook(lesson, student=True), stop_at_exercise=True)

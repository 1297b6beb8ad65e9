"""Notebooks made from lessons: with solutions or for students, in either language."""

import json
import re
from pathlib import Path
from urllib.parse import quote

from tfportrait.course.catalogue import exercise
from tfportrait.course.definition import check_language
from tfportrait.course.sources import FOLDER, lessons, with_equations
from tfportrait.files import atomic_write
from tfportrait.wrapping import wrap

_SOLUTION = re.compile(r"(?m)^( *)# <solution>\n.*?^ *# </solution>\n?", re.DOTALL)
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
COLAB = "https://colab.research.google.com/github/{repository}/blob/HEAD/{path}"
BINDER = "https://mybinder.org/v2/gh/{repository}/HEAD?labpath={path}"
OPEN = {
    "en": "Run it in a browser: [Colab]({colab}), [Binder]({binder}). There, run the next cell first.",
    "zh": "在浏览器中运行：[Colab]({colab})、[Binder]({binder})。在那里先运行下面这个单元格。",
}
INSTALL = """import importlib.util

if not importlib.util.find_spec("tfportrait"):
    %pip install -q "tfportrait @ git+https://github.com/{repository}"
"""
WIDTH = 100  # columns of a docstring
YOUR_TURN = {"en": "your turn", "zh": "请在此作答"}


def notebook(lesson, *, language="en", student=False):
    """A notebook without outputs.

    Args:
        lesson: Lesson.
        language: str. "en" or "zh".
        student: bool. Whether the solutions are left out.

    Returns: dict, in the format 4.5 of notebooks.

    Raises: ValueError for another language.
    """
    check_language(language)
    cells = []
    for cell in lesson.cells:
        if cell.texts:
            cells.append(_prose_cell(cell.id, with_equations(cell.texts[language])))
            continue
        tags = [f"exercise-{cell.exercise}"] if cell.exercise else []
        cells.append(_code_cell(cell.id, _code(cell, language, student), tags))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}, "title": lesson.title(language)}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def with_links(made, repository, path, language="en"):
    """A notebook that can be opened in Colab and Binder, and installs the package there.

    Args:
        made: dict. From `notebook`; it is not changed.
        repository: str. "owner/name", of a copy of this package's repository on GitHub.
        path: str. Where the notebook lies in it.
        language: str. "en" or "zh".

    Returns: dict.

    Raises: ValueError if the repository is not written so.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise ValueError(f"a repository on GitHub is OWNER/NAME, not {repository!r}")
    place = {"repository": repository, "path": quote(path)}
    text = OPEN[language].format(colab=COLAB.format(**place), binder=BINDER.format(**place))
    links = [_prose_cell("open", text), _code_cell("install", INSTALL.format(**place))]
    return {**made, "cells": [*made["cells"][:1], *links, *made["cells"][1:]]}


def _prose_cell(name, text):
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": _lines(text)}


def _code_cell(name, code, tags=()):
    made = {"cell_type": "code", "execution_count": None, "id": name, "outputs": [], "source": _lines(code)}
    return {**made, "metadata": {"tags": list(tags)} if tags else {}}


def _code(cell, language, student):
    code = re.sub(r'(?m)^LANGUAGE = "\w+"', f'LANGUAGE = "{language}"', cell.code)
    if cell.exercise:
        code = _with_task(code, exercise(cell.exercise), language)
    if student:
        turn = f'\\1raise NotImplementedError("{cell.exercise}: {YOUR_TURN[language]}")\n'
        return _SOLUTION.sub(turn, code)
    return re.sub(r"(?m)^ *# </?solution>\n?", "", code)


def _with_task(code, task, language):
    """An exercise's code with what the function shall return for its docstring."""
    lines = wrap(getattr(task, language), WIDTH)
    closing = '"""' if len(lines) == 1 else '\n    """'
    docstring = '    """' + "\n    ".join(lines) + closing
    return re.sub(rf"(?ms)^def {task.function}\(.*?\):$", lambda found: f"{found[0]}\n{docstring}", code, count=1)


def _lines(text):
    return text.splitlines(keepends=True)


def write(folder, *, language="en", student=True, chapters=None, sources=FOLDER, repository=None):
    """Writes notebooks without outputs; what is there already stays as it is.

    Args:
        folder: str or path.
        language, student: as `notebook` takes them.
        chapters: collection of int, or None for all.
        sources: path. Folder of the lessons.
        repository: str or None. As `with_links` takes it; `folder` is then a folder of it.

    Returns: (list of path written, list of path that were there).

    Raises: ValueError for a repository with a folder outside it.
    """
    folder, written, kept = Path(folder), [], []
    if repository and (folder.is_absolute() or ".." in folder.parts):
        raise ValueError(f"{folder} is no folder of {repository}: give it as it lies there, such as notebooks/students")
    folder.mkdir(parents=True, exist_ok=True)
    for lesson in lessons(sources):
        if chapters and int(lesson.name[:2]) not in chapters:
            continue
        path = folder / f"{lesson.name}.ipynb"
        if path.exists():
            kept.append(path)
            continue
        made = notebook(lesson, language=language, student=student)
        save(path, with_links(made, repository, path.as_posix(), language) if repository else made)
        written.append(path)
    return written, kept


def save(path, made):
    """Writes a notebook."""
    with atomic_write(path) as file:
        file.write((json.dumps(made, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode())


def is_current(lesson, folder, language):
    """Whether the notebook of a lesson in a folder has the cells that its source gives, whatever its outputs."""
    path = Path(folder) / f"{lesson.name}.ipynb"
    if not path.is_file():
        return False
    found = json.loads(path.read_text("utf-8"))
    wanted = notebook(lesson, language=language)
    return [_what_is_written(cell) for cell in found["cells"]] == [_what_is_written(cell) for cell in wanted["cells"]]


def _what_is_written(cell):
    return cell["id"], cell["cell_type"], "".join(cell["source"])

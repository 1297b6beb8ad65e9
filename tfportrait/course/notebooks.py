"""Notebooks made from lessons: with solutions or for students, in either language."""

import json
import re
from pathlib import Path

from tfportrait.course.definition import check_language
from tfportrait.course.sources import FOLDER, lessons, with_equations
from tfportrait.files import atomic_write

_SOLUTION = re.compile(r"(?m)^( *)# <solution>\n.*?^ *# </solution>\n?", re.DOTALL)
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
            text = with_equations(cell.texts[language])
            cells.append({"cell_type": "markdown", "id": cell.id, "metadata": {}, "source": _lines(text)})
            continue
        code = _code(cell, language, student)
        metadata = {"tags": [f"exercise-{cell.exercise}"]} if cell.exercise else {}
        made = {"cell_type": "code", "execution_count": None, "id": cell.id, "metadata": metadata, "outputs": []}
        cells.append({**made, "source": _lines(code)})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}, "title": lesson.title(language)}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _code(cell, language, student):
    code = re.sub(r'(?m)^LANGUAGE = "\w+"', f'LANGUAGE = "{language}"', cell.code)
    if student:
        turn = f'\\1raise NotImplementedError("{cell.exercise}: {YOUR_TURN[language]}")\n'
        return _SOLUTION.sub(turn, code)
    return re.sub(r"(?m)^ *# </?solution>\n?", "", code)


def _lines(text):
    return text.splitlines(keepends=True)


def write(folder, *, language="en", student=True, chapters=None, sources=FOLDER):
    """Writes notebooks without outputs; what is there already stays as it is.

    Args:
        folder: str or path.
        language, student: as `notebook` takes them.
        chapters: collection of int, or None for all.
        sources: path. Folder of the lessons.

    Returns: (list of path written, list of path that were there).
    """
    folder, written, kept = Path(folder), [], []
    folder.mkdir(parents=True, exist_ok=True)
    for lesson in lessons(sources):
        if chapters and int(lesson.name[:2]) not in chapters:
            continue
        path = folder / f"{lesson.name}.ipynb"
        if path.exists():
            kept.append(path)
            continue
        save(path, notebook(lesson, language=language, student=student))
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

"""What students hand in, read without running any of it.

    submissions/
        anna/                        a folder per student, with notebooks of the course in it
            04_two_dimensions.ipynb
            05_unet.ipynb
        ben.ipynb                    or one notebook
        chen.py                      or one Python file

The name of the folder or file is the student's. What counts for the exercise 04-2 are the cells with the tag
`exercise-04-2`, which the notebooks of `tfportrait course get` have; where no cell has it, the function that is called
as the exercise says, `add_noise`, and that has its parameters too where several exercises call theirs so. Links, hidden
files and other kinds of files do not count.
"""

import dataclasses
import json
import os
import re
import stat
import unicodedata
from pathlib import Path

MAX_BYTES = 16 * 2**20  # of one file
MAX_FILES = 200  # of one student
_CELL = re.compile(r"(?m)^(?=# %%)")
_TAG = re.compile(r"exercise-([\w-]+)")
_CHAPTER = re.compile(r"(\d\d)[_-]")


@dataclasses.dataclass(frozen=True)
class Work:
    """A file of a student.

    Attributes:
        name: str. The file's, below the folder of all.
        cells: list of str. Sources of its code cells.
        tags: list of set of str. Exercises that each cell solves.
    """

    name: str
    cells: list
    tags: list


@dataclasses.dataclass(frozen=True)
class Submission:
    """All that a student has handed in.

    Attributes:
        student: str. Name of the folder or file.
        works: list of Work. Those that could be read.
        faults: list of str. For each other one a line that names it.
    """

    student: str
    works: list
    faults: list

    def find(self, task, shared=()):
        """Where a student solves an exercise.

        Args:
            task: Exercise.
            shared: collection of str. Names that functions of several exercises have.

        Returns: (Work, list of int), the work and which of its cells; (None, []) where there is none.

        Raises: ValueError if it is solved in more than one file; names them.
        """
        places = [(work, [i for i, tags in enumerate(work.tags) if task.id in tags]) for work in self.works]
        if not any(cells for _, cells in places):
            named = _defines(task, task.function in shared)
            places = [(work, _named(work, task.chapter, named)) for work in self.works]
        places = [(work, cells) for work, cells in places if cells]
        if len(places) > 1:
            raise ValueError(f"{task.id} is in more than one file: {', '.join(work.name for work, _ in places)}")
        return places[0] if places else (None, [])


def _defines(task, whole):
    """Finds the definition of a function by its name, or by its whole signature where others are called so too."""
    if whole:
        tokens = r"\s*".join(re.escape(token) for token in re.findall(r"\w+|[^\w\s]", task.signature))
        return re.compile(rf"(?m)^def\s+{tokens}")
    return re.compile(rf"(?m)^(?:def[ \t]+{task.function}\b|{task.function}[ \t]*=)")


def _named(work, chapter, named):
    other = _CHAPTER.match(work.name.rpartition("/")[2])
    if other and other[1] != chapter:
        return []
    cells = zip(work.cells, work.tags, strict=True)
    return [i for i, (source, tags) in enumerate(cells) if not tags and named.search(source)]


def collect(folder):
    """Reads the submissions of a folder.

    Returns: (list of Submission, by name; list of str, lines on what else lies there and does not count).

    Raises: ValueError if there is no such folder, or nobody's work in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder")
    found, ignored = {}, []
    for path in sorted(folder.iterdir(), key=lambda path: os.fsencode(path.name)):
        if path.name.startswith((".", "__")):
            continue
        if not path.is_symlink() and not path.is_dir() and path.suffix not in (".ipynb", ".py"):
            ignored.append(f"{_shown(path.name)}: neither a notebook nor a Python file nor a folder")
            continue
        name = path.name if path.is_dir() else path.stem
        found.setdefault(_shown(name), []).append(path)
    if not found:
        raise ValueError(f"{folder}: no submissions; they are STUDENT/NOTEBOOK.ipynb, STUDENT.ipynb or STUDENT.py")
    return [_submission(student, paths) for student, paths in sorted(found.items())], ignored


def _submission(student, paths):
    if len(paths) > 1:
        names = ", ".join(_shown(path.name) for path in paths)
        return Submission(student, [], [f"{names}: more than one submission of the same student"])
    works, faults = [], []
    for path, name in _files(paths[0], faults):
        try:
            works.append(_read(path, name))
        except (ValueError, RecursionError) as error:
            faults.append(f"{name}: {error}")
        except OSError as error:
            faults.append(f"{name}: {error.strerror}")
    if not works and not faults:
        faults.append(f"{_shown(paths[0].name)}: no notebook and no Python file in it")
    return Submission(student, works, faults)


def _files(path, faults):
    name = _shown(path.name)
    if path.is_symlink() or not path.is_dir():
        return [(path, name)]
    try:
        found = sorted(each for each in path.iterdir() if each.suffix in (".ipynb", ".py") and each.name[0] != ".")
    except OSError as error:
        faults.append(f"{name}: {error.strerror}")
        return []
    if len(found) > MAX_FILES:
        faults.append(f"{name}: {len(found)} files; the first {MAX_FILES} count")
    return [(each, f"{name}/{_shown(each.name)}") for each in found[:MAX_FILES]]


def _read(path, name):
    if path.is_symlink():
        raise ValueError("a link; hand in the file itself")
    opened = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(opened, "rb") as file:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise ValueError("no file")
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES >> 20} MB; clear the outputs of the notebook")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte {error.start}") from None
    if path.suffix == ".py":
        cells = [cell for cell in _CELL.split(text) if cell.strip()]
        return Work(name, cells, [set() for _ in cells])
    return Work(name, *_cells(text))


def _cells(text):
    try:
        cells = json.loads(text)["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        sources = ["".join(cell["source"]) for cell in code]
        tags = [cell.get("metadata", {}).get("tags", []) for cell in code]
        return sources, [{found[1] for tag in each if (found := _TAG.fullmatch(tag))} for each in tags]
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no notebook: {' '.join(str(error).split())[:100]}") from None
    except (KeyError, TypeError, AttributeError):
        raise ValueError("no notebook of format 4") from None


def _shown(name):
    """A name that can be printed, the same however a system writes its accents."""
    text = unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "replace"))
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)

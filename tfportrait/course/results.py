"""What grading a class gives, and its tables."""

import csv
import dataclasses
import io
import re
from pathlib import Path

from tfportrait.files import atomic_write

KINDS = (
    "right",
    "mistake",
    "wrong",
    "shape",
    "not_finite",
    "changed_argument",
    "error",
    "time",
    "memory",
    "ended",
    "unanswered",
    "unreadable",
)
_FORMULA = re.compile(r"'*\s*[=+\-@\t\r＝＋－＠]")  # as spreadsheets begin one


@dataclasses.dataclass(frozen=True)
class Result:
    """What came out of one exercise of one student.

    Attributes:
        student: str.
        exercise: str. Id.
        kind: str. As of a Grade; or "time" or "memory", more than was allowed; "ended", the process ended or said
            nonsense; "unanswered"; "unreadable", a file that should have the answer is broken.
        mistake: str. The misconception's name, or "".
        message: str. For the student.
        seconds: float. That the process took.
    """

    student: str
    exercise: str
    kind: str
    mistake: str
    message: str
    seconds: float

    def __bool__(self):
        return self.kind == "right"


def write(path, results):
    """Writes results as CSV, a row each."""
    fields = [field.name for field in dataclasses.fields(Result)]
    rows = ([getattr(result, field) for field in fields] for result in results)
    _write(path, [fields, *rows])


def read(path):
    """Results from what `write` wrote.

    Raises: ValueError: file and line, what is wrong.
    """
    path = Path(path)
    fields = [field.name for field in dataclasses.fields(Result)]
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not UTF-8") from None
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    found, seen = [], set()
    try:
        if (header := next(rows, [])) != fields:
            raise ValueError(f"its columns are {', '.join(header)[:100] or 'none'}, but should be {', '.join(fields)}")
        for row in rows:
            found.append(_result(row))
            if (one := (found[-1].student, found[-1].exercise)) in seen:
                raise ValueError(f"{one[0]} has {one[1]} twice")
            seen.add(one)
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path}:{max(1, rows.line_num)}: {error}") from None
    if not found:
        raise ValueError(f"{path}: no results")
    return found


def _result(row):
    from tfportrait.course.catalogue import exercise

    if len(row) != len(dataclasses.fields(Result)):
        raise ValueError(f"{len(row)} columns")
    student, name, kind, mistake, message, seconds = map(_plain, row)
    task = exercise(name)
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; valid: {', '.join(KINDS)}")
    if (kind == "mistake") != (mistake in {each.name for each in task.mistakes}):
        raise ValueError(f"{name} has no mistake {mistake!r}")
    return Result(student, name, kind, mistake, message, float(seconds))


def write_grades(path, results, names=None):
    """Writes a table for a learning-management system: a row for each student, 1 for each right exercise, the total.

    Args:
        path: str or path.
        results: list of Result.
        names: dict of str to str, or None. Pseudonyms of the students, for a column of their own.
    """
    tasks = list(dict.fromkeys(result.exercise for result in results))
    right = {(result.student, result.exercise): int(bool(result)) for result in results}
    rows = []
    for student in dict.fromkeys(result.student for result in results):
        points = [right.get((student, task), 0) for task in tasks]
        rows.append([student, *([names[student]] if names else []), *points, sum(points)])
    _write(path, [["student", *(["pseudonym"] if names else []), *tasks, "total"], *rows])


def _write(path, rows):
    file = io.StringIO(newline="")
    csv.writer(file).writerows([_safe(value) for value in row] for row in rows)
    with atomic_write(path) as out:
        out.write(file.getvalue().encode("utf-8-sig"))  # with the mark without which Excel reads no Chinese


def _safe(value):
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _plain(text):
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text

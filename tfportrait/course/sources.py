"""Lessons as they are written: one Python file each, in the "percent" format, with prose in English and Chinese.

    # %% [markdown] id="why" stamp="5f0e2a1c-9b3d44e7"
    # English prose; [[diffusion.xt]] is that equation of the ledger.
    # ---
    # Chinese prose.

    # %% id="noise" exercise="04-2"
    def add_noise(x_0, noise, alpha_bar):
        # <solution>
        return np.sqrt(alpha_bar) * x_0 + np.sqrt(1 - alpha_bar) * noise
        # </solution>

The stamp of a prose cell are the checksums of both languages when they last said the same.
"""

import dataclasses
import hashlib
import re
from pathlib import Path

from tfportrait.course.definition import LANGUAGES

FOLDER = Path(__file__).parent / "lessons"
_HEADER = re.compile(r'# %%(?P<kind> \[markdown\])?(?P<options>(?: \w+="[^"]*")*)\s*$')
_EQUATION = re.compile(r"\[\[([\w.]+)\]\]")
_OPTIONS = {"id", "stamp", "exercise"}


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes:
        id: str. The same in all languages and versions.
        line: int. Where it stands in the source.
        texts: dict of language to str, or None for code.
        code: str or None.
        stamp: str. Of prose; "" if it has none yet.
        exercise: str. Id of the exercise that is solved here, or "".
    """

    id: str
    line: int
    texts: dict | None = None
    code: str | None = None
    stamp: str = ""
    exercise: str = ""

    @property
    def stamp_now(self):
        """The stamp that says that both languages say the same now."""
        return "-".join(_checksum(self.texts[language]) for language in LANGUAGES)


@dataclasses.dataclass(frozen=True)
class Lesson:
    """A lesson.

    Attributes:
        name: str. Of its files, such as "04_two_dimensions".
        cells: list of Cell.
    """

    name: str
    cells: list

    def title(self, language):
        """Its heading."""
        return self.cells[0].texts[language].splitlines()[0].lstrip("# ")

    @property
    def exercises(self):
        """Ids of the exercises that it has, in order."""
        return [cell.exercise for cell in self.cells if cell.exercise]


def lessons(folder=FOLDER):
    """All lessons of a folder, in order.

    Raises: ValueError as `read`, or if there is none.
    """
    paths = sorted(Path(folder).glob("[0-9][0-9]_*.py"))
    if not paths:
        raise ValueError(f"{folder}: no lessons; they are files such as 04_two_dimensions.py")
    return [read(path) for path in paths]


def read(path):
    """A lesson from its source.

    Raises: ValueError: file and line, what is wrong.
    """
    path = Path(path)
    cells, lines = [], path.read_text("utf-8").splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("# %%")]
    if not starts or any(line.strip() for line in lines[: starts[0]]):
        raise ValueError(f'{path}:1: a lesson begins with a cell: # %% [markdown] id="title"')
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        try:
            cells.append(_cell(lines[start], lines[start + 1 : stop], start + 1))
        except ValueError as error:
            raise ValueError(f"{path}:{start + 1}: {error}") from None
    ids = [cell.id for cell in cells]
    if double := next((name for name in ids if ids.count(name) > 1), None):
        raise ValueError(f"{path}: two cells have the id {double!r}")
    if not cells[0].texts or not cells[0].texts["en"].startswith("# "):
        raise ValueError(f"{path}:1: the first cell is prose and begins with a heading: # # Title")
    return Lesson(path.stem, cells)


def _cell(header, lines, line):
    found = _HEADER.match(header)
    if not found:
        raise ValueError('a cell begins with # %% or # %% [markdown], then options such as id="noise"')
    options = dict(re.findall(r'(\w+)="([^"]*)"', found["options"]))
    if unknown := sorted(set(options) - _OPTIONS):
        raise ValueError(f"unknown option {unknown[0]!r}; valid: {', '.join(sorted(_OPTIONS))}")
    if not re.fullmatch(r"[a-z0-9-]{1,60}", options.get("id", "")):
        raise ValueError(f"a cell has an id of small letters, digits and hyphens, not {options.get('id')!r}")
    if not found["kind"]:
        return Cell(line=line, code="\n".join(lines).strip("\n"), **options)
    if strange := next((text for text in lines if text.strip() and not text.startswith("#")), None):
        raise ValueError(f"prose is commented out: {strange!r}")
    prose = "\n".join(text[2:] if text.startswith("# ") else text[1:] for text in lines).strip("\n")
    parts = re.split(r"(?m)^---$", prose)
    if len(parts) != len(LANGUAGES):
        raise ValueError(f"prose has {len(LANGUAGES)} languages, parted by a line # ---; here are {len(parts)}")
    texts = {language: part.strip("\n") for language, part in zip(LANGUAGES, parts, strict=True)}
    return Cell(line=line, texts=texts, **options)


def faults(lesson):
    """What is wrong with a lesson's languages, exercises and equations.

    Returns: list of str, each with the cell's id.
    """
    from tfportrait.course.catalogue import exercise

    found = []
    for cell in lesson.cells:
        if cell.exercise:
            try:
                exercise(cell.exercise)
            except ValueError as error:
                found.append(f"{lesson.name}, {cell.id}: {error}")
            if "# <solution>" not in cell.code or "# </solution>" not in cell.code:
                found.append(f"{lesson.name}, {cell.id}: an exercise marks its solution by # <solution>, # </solution>")
        if cell.texts:
            found += [f"{lesson.name}, {cell.id}: {fault}" for fault in _faults_of_prose(cell)]
    return found


def _faults_of_prose(cell):
    from tfportrait import equations

    if not cell.stamp:
        yield "no stamp: nobody has said yet that both languages say the same"
    elif cell.stamp != cell.stamp_now:
        pairs = zip(LANGUAGES, cell.stamp.split("-"), cell.stamp_now.split("-"), strict=False)
        changed = [language for language, before, now in pairs if before != now]
        older = [language for language in LANGUAGES if language not in changed]
        yield f"{' and '.join(changed)} changed since both said the same" + (f"; {older[0]} is older" if older else "")
    levels = {language: re.findall(r"(?m)^#+(?= )", text) for language, text in cell.texts.items()}
    if levels["en"] != levels["zh"]:
        yield f"the languages have different headings: {levels['en']} and {levels['zh']}"
    names = {language: sorted(_EQUATION.findall(text)) for language, text in cell.texts.items()}
    if names["en"] != names["zh"]:
        yield f"the languages have different equations: {names['en']} and {names['zh']}"
    for name in names["en"]:
        try:
            equations.get(name)
        except ValueError as error:
            yield str(error)


def stamp(path):
    """Writes into a source that both languages of every cell say the same now.

    Returns: list of the ids of cells whose stamp is new.
    """
    path, changed = Path(path), []
    lines = path.read_text("utf-8").splitlines(keepends=True)
    for cell in read(path).cells:
        if cell.texts and cell.stamp != cell.stamp_now:
            header = re.sub(r' stamp="[^"]*"', "", lines[cell.line - 1].rstrip("\n"))
            lines[cell.line - 1] = f'{header} stamp="{cell.stamp_now}"\n'
            changed.append(cell.id)
    if changed:
        path.write_text("".join(lines), "utf-8")
    return changed


def with_equations(text):
    """Prose with the equations of the ledger in place of their ids."""
    from tfportrait import equations

    return _EQUATION.sub(lambda found: f"$$\n{equations.get(found[1]).latex}\n$$\n`{found[1]}`", text)


def _checksum(text):
    return hashlib.sha256(text.encode()).hexdigest()[:8]

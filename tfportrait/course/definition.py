"""What an exercise is."""

import dataclasses
from collections.abc import Callable

LANGUAGES = ("en", "zh")


def check_language(language):
    """Raises: ValueError for a language that the course has not."""
    if language not in LANGUAGES:
        raise ValueError(f"language is {language!r}; valid: {', '.join(LANGUAGES)}")


@dataclasses.dataclass(frozen=True)
class Mistake:
    """A misconception: what a function that has it computes.

    Attributes:
        name: str. A word for tables, such as "missing_square_root".
        function: callable. The exercise's arguments -> what comes out.
        en, zh: str. What is wrong, for the student.
    """

    name: str
    function: Callable
    en: str
    zh: str


@dataclasses.dataclass(frozen=True)
class Exercise:
    """A function to be written.

    Attributes:
        id: str. Chapter and number, such as "04-2".
        level: int. 1, one line; 2, some thought; 3, several ideas at once.
        signature: str. Name and arguments.
        en, zh: str. What it shall return.
        case: callable. NumPy generator -> tuple of arguments.
        solution: callable. Arguments -> array, number, or tuple of them.
        mistakes: tuple of Mistake. The likelier ones first.
        equation: str. Id in `tp.equations`, or "".
        tolerance: float. Largest difference, relative to the largest number of the result.
        broken: str. Source of a wrong function that is to be repaired, or "" where one is written from nothing.
        erratum: str. Id of the erratum in `tp.equations` that it has, or "".
    """

    id: str
    level: int
    signature: str
    en: str
    zh: str
    case: Callable
    solution: Callable
    mistakes: tuple[Mistake, ...]
    equation: str = ""
    tolerance: float = 1e-4
    broken: str = ""
    erratum: str = ""

    @property
    def function(self):
        """The name of the function."""
        return self.signature.partition("(")[0]

    @property
    def chapter(self):
        """The chapter's two digits."""
        return self.id.partition("-")[0]

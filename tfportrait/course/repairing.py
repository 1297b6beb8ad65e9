"""The series "repair the chapter": where to start from."""

from tfportrait.course.catalogue import exercise, repairs
from tfportrait.course.definition import check_language
from tfportrait.wrapping import wrap

WIDTH = 90  # of a line of comment, in which a Chinese character is as wide as two others


class Source(str):
    """A text that a notebook shows as it is."""

    __slots__ = ()

    def __repr__(self):
        return str(self)


def broken(name, language="en"):
    """The wrong function of a repair, with what it shall return.

    Args:
        name: str. Id of a repair, such as "02-R1".
        language: str. "en" or "zh", of the comment.

    Returns: Source, a str that is Python.

    Raises: ValueError for an unknown id, an exercise that begins from nothing, or another language.
    """
    from tfportrait import equations

    check_language(language)
    task = exercise(name)
    if not task.broken:
        raise ValueError(f"{name} is no repair; these are: {', '.join(each.id for each in repairs())}")
    section = equations.get(task.erratum).section
    lines = (f"{name}: {task.erratum}, § {section}", *wrap(getattr(task, language), WIDTH))
    comment = "".join(f"# {line}\n" for line in lines)
    return Source(comment + task.broken)

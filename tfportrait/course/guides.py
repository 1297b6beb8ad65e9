"""The teacher's guide: its text, and the lists that come from the bank of exercises."""

import re
from importlib import resources

from tfportrait.course.catalogue import exercises, repairs
from tfportrait.course.definition import LANGUAGES, check_language

_PLACE = re.compile(r"<!-- (\w+) -->")
_HEADS = {
    "exercises": {"en": ("exercise", "level", "misconceptions"), "zh": ("练习", "级别", "误解")},
    "repairs": {
        "en": ("repair", "level", "erratum", "what remains wrong"),
        "zh": ("修复题", "级别", "勘误", "剩下的错误"),
    },
}


class Guide(str):
    """A text in Markdown, which a notebook shows as such."""

    __slots__ = ()

    def _repr_markdown_(self):
        return str(self)


def guide(language="en"):
    """The teacher's guide: order, times and goals of the chapters, plans, grading, misconceptions, repairs, capstones.

    Args:
        language: str. "en" or "zh".

    Returns: Guide, a str of Markdown.

    Raises: ValueError for another language.
    """
    check_language(language)
    text = resources.files("tfportrait.course").joinpath(f"guide.{language}.md").read_text("utf-8")
    return Guide(_PLACE.sub(lambda found: _LISTS[found[1]](language), text))


def _exercises(language):
    rows = [(_code(task), task.level, _names(task.mistakes)) for task in exercises()]
    return _table(_HEADS["exercises"][language], rows)


def _repairs(language):
    rows = [(_code(task), task.level, f"`{task.erratum}`", _names(task.mistakes)) for task in repairs()]
    return _table(_HEADS["repairs"][language], rows)


def _facts(language):
    from tfportrait.course.bank.repairs import FACTS

    return "\n".join(f"- `{name}`: {FACTS[name][LANGUAGES.index(language)]}" for name in FACTS)


def _capstones(language):
    from tfportrait.course.projects import capstones

    return "\n".join(each.markdown(language) for each in capstones()).rstrip()


_LISTS = {"exercises": _exercises, "repairs": _repairs, "facts": _facts, "capstones": _capstones}


def _code(task):
    return f"`{task.id}` `{task.signature}`"


def _names(mistakes):
    return ", ".join(f"`{mistake.name}`" for mistake in mistakes)


def _table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)

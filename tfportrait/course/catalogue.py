"""All exercises, by chapter."""

import functools
import importlib
import pkgutil


@functools.cache
def _all():
    from tfportrait.course import bank

    found = {}
    for module in sorted(module.name for module in pkgutil.iter_modules(bank.__path__)):
        for each in importlib.import_module(f"{bank.__name__}.{module}").EXERCISES:
            found[each.id] = each
    return found


def exercises(chapter=None, level=None):
    """Exercises in the order of the chapters.

    Args:
        chapter: str or int or None. Only those of this chapter: 4, "4" or "04".
        level: int or None. Only those of this level, 1 to 3.

    Returns: list of Exercise.
    """
    wanted = None if chapter is None else f"{int(chapter):02d}"
    return [each for each in _all().values() if wanted in (None, each.chapter) and level in (None, each.level)]


def exercise(name):
    """The exercise of an id.

    Raises: ValueError for an unknown id; lists those of the same chapter, or all.
    """
    found = _all()
    if name not in found:
        same = [key for key in found if key.partition("-")[0] == str(name).partition("-")[0]]
        raise ValueError(f"no exercise {name!r}; there are {', '.join(same or found)}")
    return found[name]

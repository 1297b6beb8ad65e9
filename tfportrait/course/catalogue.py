"""All exercises and repairs, by chapter."""

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
    return dict(sorted(found.items(), key=lambda item: item[1].chapter))  # a stable sort: in a chapter as in the bank


def exercises(chapter=None, level=None):
    """Exercises of the lessons, in the order of the chapters.

    Args:
        chapter: str or int or None. Only those of this chapter: 4, "4" or "04".
        level: int or None. Only those of this level, 1 to 3.

    Returns: list of Exercise.
    """
    return [each for each in _chosen(chapter, level) if not each.broken]


def repairs(chapter=None, level=None):
    """Exercises that begin with a wrong function, one for every erratum that can be computed.

    Args: as `exercises`.

    Returns: list of Exercise.
    """
    return [each for each in _chosen(chapter, level) if each.broken]


def _chosen(chapter, level):
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

"""Modules whose names are imported when they are first asked for, so that `import tfportrait` stays quick."""

import importlib
import sys


def lazy(package, homes):
    """What a package's `__init__.py` needs to import its names late: `__all__, __getattr__, __dir__ = lazy(...)`.

    Args:
        package: str. `__name__` of the package.
        homes: dict of str to str. Public name -> the submodule that defines it, or "" for a submodule of that name.

    Returns: list of the names, and the functions `__getattr__` and `__dir__` (PEP 562).
    """

    def get(name):
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if not homes[name]:
            return importlib.import_module(f"{package}.{name}")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    def names():
        return sorted({*vars(sys.modules[package]), *homes})

    return sorted(homes), get, names

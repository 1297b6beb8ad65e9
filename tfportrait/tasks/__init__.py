"""What a trained painter is used for; each is imported when it is first asked for."""

import importlib

_HOMES = {"compose_prompt": "painting", "paint": "painting"}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__():
    return [*globals(), *__all__]

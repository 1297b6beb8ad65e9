import functools

import keras
import pytest

from tfportrait.models import preset

read = preset.read


@functools.lru_cache(maxsize=3)
def _opened(cls, folder, changed, policy, options):
    return read(cls, folder, **dict(options))


@pytest.fixture(autouse=True)
def opened_once(monkeypatch):
    """Commands open the painter that an earlier one has opened, and traced: most of their time goes into that.

    Call it to forget them.
    """

    def read_once(cls, name, **options):
        folder = preset.locate(name)
        changed = max((file.stat().st_mtime_ns for file in folder.rglob("*")), default=0)
        key = (cls, folder, changed, keras.config.dtype_policy().name, tuple(options.items()))
        if _opened(*key).additions:
            _opened.cache_clear()
        return _opened(*key)

    monkeypatch.setattr(preset, "read", read_once)
    return _opened.cache_clear

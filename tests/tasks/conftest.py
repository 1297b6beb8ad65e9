import collections

import keras
import pytest

from tfportrait.models import preset

KEPT = 3
_opened = collections.OrderedDict()


@pytest.fixture(autouse=True)
def opened_once(monkeypatch):
    """Commands open the painter that an earlier one has opened, and traced: most of their time goes into that.

    Call it to forget them.
    """
    read = preset.read

    def read_once(cls, name, **options):
        folder = preset.locate(name)
        changed = max((file.stat().st_mtime_ns for file in folder.rglob("*")), default=0)
        policy = options.get("dtype") or keras.config.dtype_policy().name
        key = (cls, folder, changed, policy, options.get("prediction_type"), options.get("ema"))
        if key not in _opened or _opened[key].additions:
            _opened[key] = read(cls, name, **options)
        _opened.move_to_end(key)
        while len(_opened) > KEPT:
            _opened.popitem(last=False)
        return _opened[key]

    monkeypatch.setattr(preset, "read", read_once)
    return _opened.clear

"""What `tfportrait evaluate` leaves in its folder."""

import datetime
import json
import platform

import keras
import numpy as np

from tfportrait import __version__, files, workers
from tfportrait.metrics import figures

RESULT, TEXT = "evaluation.json", "evaluation.txt"


def circumstances():
    """Versions and hardware, for the record: dict of str to str or int."""
    return {
        "tfportrait": __version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "backend": keras.backend.backend(),
        "precision": keras.config.dtype_policy().name,
        "machine": f"{platform.system()} {platform.machine()}, {workers.cores()} cores",
        "processor": _processor(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        return platform.processor()


def write(folder, evaluation, settings):
    """Writes an evaluation as JSON, as text and as pictures.

    Args:
        folder: path. Exists.
        evaluation: Evaluation.
        settings: dict that JSON can hold. What was evaluated, and how.

    Returns: list of path. What was written.
    """
    record = {"settings": settings, "results": evaluation.numbers(), "circumstances": circumstances()}
    written = [_write(folder / RESULT, _json(record)), _write(folder / TEXT, f"{evaluation}\n")]
    if evaluation.prompts is not None:
        for name in ("accuracy", "confusion"):
            written.append(_save(folder / f"{name}.png", getattr(figures, name)(evaluation)))
    return written


def write_study(folder, name, rows, text, settings):
    """Writes a study, `"samplers"` or `"guidance"`: see `write`."""
    record = {"settings": settings, "rows": rows, "circumstances": circumstances()}
    return [
        _write(folder / f"{name}.json", _json(record)),
        _write(folder / f"{name}.txt", f"{text}\n"),
        _save(folder / f"{name}.png", getattr(figures, name)(rows)),
    ]


def _json(record):
    return json.dumps(record, indent=1, ensure_ascii=False, default=float) + "\n"


def _write(path, text):
    with files.atomic_write(path) as file:
        file.write(text.encode())
    return path


def _save(path, figure):
    with files.atomic_write(path) as file:
        figure.savefig(file, format="png", dpi=110)
    return path

"""What the user sees of libraries that talk while they load."""

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps what native libraries write to standard error, and shows it only if the block fails.

    TensorFlow prints notes about missing CUDA drivers and rounding before any of its log levels is in force.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # 2 still reports that there is no CUDA driver as an error
    sys.stderr.flush()
    screen = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            yield
        except BaseException:
            notes.seek(0)
            os.write(screen, notes.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(screen, 2)
            os.close(screen)


@contextlib.contextmanager
def without(*names: str) -> Iterator[None]:
    """Within it these modules cannot be imported, unless they have been: libraries that could use them load sooner."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def start_backend() -> str:
    """Imports Keras and its backend without their notes, nor what they load for drawing and for other backends.

    Returns: the backend's name, "tensorflow" or "jax".
    """
    unused = ["matplotlib.pyplot", *["jax"] * (_backend() == "tensorflow")]
    with quiet(), without(*unused):
        import keras
    return keras.backend.backend()


def _backend() -> str | None:
    """The backend that Keras is going to choose, None where that cannot be told."""
    if "KERAS_BACKEND" in os.environ:
        return os.environ["KERAS_BACKEND"]
    config = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"
    if not config.is_file():
        return "tensorflow"
    try:
        return json.loads(config.read_text("utf-8")).get("backend", "tensorflow")
    except (OSError, ValueError, AttributeError):
        return None

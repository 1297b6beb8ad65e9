"""What the user sees of libraries that talk while they load."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


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


def start_backend() -> str:
    """Imports Keras and its backend without their notes.

    Returns: the backend's name, "tensorflow" or "jax".
    """
    with quiet():
        import keras
    return keras.backend.backend()

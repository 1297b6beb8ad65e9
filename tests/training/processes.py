"""Runs code in fresh Python processes."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def environment(backend):
    """Environment of a process that finds the package and this folder's helpers."""
    path = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    return {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}


def start(code, backend="tensorflow"):
    """A running process, its output piped as text."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-u", "-c", code], env=environment(backend), stdout=pipe, stderr=pipe, text=True
    )


def run(code, backend="tensorflow"):
    """What the code prints. Fails with its error output if it fails."""
    process = start(code, backend)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return output

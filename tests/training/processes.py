"""Runs code in fresh Python processes."""

import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def environment(backend):
    """Environment of a process that finds the package and this folder's helpers."""
    path = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    return {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}


def free_addresses(count):
    """Addresses of this machine that nobody listens at, for as many workers."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return addresses


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

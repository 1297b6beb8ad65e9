"""Ctrl-C in any phase of a training: one line, exit code 130, and no file half written."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TINY = Path(__file__).with_name("tiny.toml")
INTERRUPTS = 4


def half_written(folder):
    return [path for path in folder.rglob("*") if path.name.endswith((".tmp", ".part"))]


@pytest.mark.slow
def test_ctrl_c_in_any_phase_leaves_nothing_half_written(tmp_path):
    generator = random.Random(0)
    environment = {**os.environ, "TFPORTRAIT_CACHE": str(tmp_path / "cache"), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "tfportrait", "train"]
    options = ["--config", str(TINY), "--out", str(tmp_path / "out"), "--precision", "float32"]
    start = time.monotonic()
    subprocess.run([*command, "autoencoder", *options], env=environment, check=True, capture_output=True)
    whole = time.monotonic() - start
    went_on = 0
    for _ in range(INTERRUPTS):
        with subprocess.Popen(
            [*command, "diffusion", *options, "--steps", "1000000"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            time.sleep(generator.uniform(0.3 * whole, 1.5 * whole))
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate()
        assert process.returncode == 130 and "Traceback" not in errors, errors[-2000:]
        assert half_written(tmp_path) == []
        went_on += "going on from" in output
    assert went_on  # some were stopped late enough to leave a state

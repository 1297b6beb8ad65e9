"""A chain of kills at random moments, in the middle of writes too, ends with the bits of an undisturbed training."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import environment
from safetensors.numpy import load_file
from three_models import EPOCHS, FAMILIES, STEPS

SCRIPT = Path(__file__).with_name("three_models.py")
KILLS = 20


def begin(folder, seconds):
    errors = open(folder.with_suffix(".txt"), "w")  # noqa: SIM115
    command = [sys.executable, str(SCRIPT), str(folder), str(seconds)]
    return subprocess.Popen(command, env=environment("tensorflow"), stdout=subprocess.DEVNULL, stderr=errors)


def steps_done(folder):
    """Steps of all models that are saved."""
    newest = (max((int(path.name[6:16]) for path in folder.glob(f"{name}/state-*")), default=0) for name in FAMILIES)
    return sum(newest)


def kill_at(process, folder, steps, generator):
    """Kills it once so many steps are saved: at any moment of the next step, or while a file is half written."""
    in_a_write = generator.random() < 0.5
    while steps_done(folder) < steps:
        assert process.poll() is None, folder.with_suffix(".txt").read_text()[-2000:]
        time.sleep(0.002)
    if not in_a_write:
        time.sleep(generator.uniform(0, 0.1))
    half_written = False
    until = time.monotonic() + 2.0
    while in_a_write and not half_written and time.monotonic() < until and process.poll() is None:
        half_written = any(True for name in FAMILIES for _ in (folder / name).glob(".state-*.tmp"))
    process.kill()
    process.wait()
    return half_written


@pytest.mark.slow
def test_twenty_kills_change_no_bit(tmp_path):
    generator = random.Random(int(os.environ.get("TFPORTRAIT_TEST_SEED", "0")))
    assert begin(tmp_path / "whole", 0).wait() == 0, (tmp_path / "whole.txt").read_text()[-2000:]
    folder, every = tmp_path / "killed", sum(EPOCHS.values()) * STEPS
    moments = sorted(generator.sample(range(1, every - 1), KILLS))
    half_written = sum(kill_at(begin(folder, 0.03), folder, steps, generator) for steps in moments)
    assert half_written > 0  # some of the kills were in the middle of a write
    assert begin(folder, 0).wait() == 0, folder.with_suffix(".txt").read_text()[-2000:]
    for name in FAMILIES:
        states = [sorted((tmp_path / run / name).glob("state-*"))[-1] for run in ("whole", "killed")]
        assert {path.name for path in states} == {f"state-{EPOCHS[name] * STEPS:010d}.safetensors"}
        undisturbed, chained = map(load_file, states)
        # A kill right after the last step leaves its metrics there.
        assert undisturbed.keys() == {key for key in chained if not key.startswith("metrics/")}
        for key, value in undisturbed.items():
            assert value.tobytes() == chained[key].tobytes(), f"{name}: {key}"

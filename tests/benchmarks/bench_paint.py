"""From command to picture, a warm `generate`, and the memory of `paint`.

    python tests/benchmarks/bench_paint.py [--rounds 5] [--precision auto]

Prints medians. The command is a whole process; its peak memory is that of the process.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

PROMPT = "a smiling woman with long red hair and round glasses, watercolour"


def command_seconds(rounds):
    """Median seconds of the whole command `tfportrait paint`, and its peak memory in MiB."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(rounds):
            start = time.perf_counter()
            arguments = [sys.executable, "-m", "tfportrait", "paint", PROMPT, "--out", f"{folder}/{i}.png"]
            subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return statistics.median(seconds), peak


def warm_seconds(painter, count, rounds):
    """Median seconds of a further `generate` of `count` images at 20 guided steps."""
    seconds = []
    for i in range(rounds + 1):
        start = time.perf_counter()
        painter.generate(PROMPT, seeds=list(range(i, i + count)), num_steps=20)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


def main():
    """Prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--precision", default="auto")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    seconds, peak = command_seconds(arguments.rounds)
    import tfportrait as tp

    choice = tp.accelerate(arguments.precision, rows=2)
    painter = tp.LatentDiffusion.from_preset("portrait_128")
    rows = [
        ("command to PNG", f"{seconds:.2f} s"),
        ("peak memory of the command", f"{peak:.0f} MiB"),
        (f"warm generate, 1 image, {choice.precision}", f"{warm_seconds(painter, 1, arguments.rounds):.2f} s"),
        (f"warm generate, 16 images, {choice.precision}", f"{warm_seconds(painter, 16, arguments.rounds):.2f} s"),
    ]
    for name, value in rows:
        print(f"{name:45s} {value:>10s}")


if __name__ == "__main__":
    main()

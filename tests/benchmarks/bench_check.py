"""Files a second that `tfportrait data check` reads, and its peak of memory; then the search for near duplicates alone.

The pictures are JPEGs of 178 x 218 pixels, as in CelebA.

python tests/benchmarks/bench_check.py [--count 2000] [--rounds 3] [--hashes 200000]
"""

import argparse
import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from tfportrait import workers
from tfportrait.data.check import check, near_groups


def write(folder: Path, count: int) -> None:
    """Soft random shapes with a little grain, about 10 kB each."""
    rng = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (9, 7, 3), np.uint8)).resize((178, 218), Image.Resampling.BICUBIC)
        grain = rng.normal(0, 6, (218, 178, 1))
        pixels = np.clip(np.asarray(coarse) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:06d}.jpg", quality=85)


def hashes(count: int) -> np.ndarray:
    """Random hashes, every tenth within three bits of another; the upper bits are unevenly spread."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 2**64, count, np.uint64) & ~(rng.integers(0, 2**64, count, np.uint64) << np.uint64(44))
    copies = rng.integers(0, count, count // 10)
    values[: len(copies)] = values[copies]
    for _ in range(3):
        values[: len(copies)] ^= np.uint64(1) << rng.integers(0, 64, len(copies), np.uint64)
    return values


def main():
    """Prints the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hashes", type=int, default=200_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), arguments.count)
        size = statistics.mean(path.stat().st_size for path in Path(name).iterdir())
        times = []
        for _ in range(arguments.rounds):
            start = time.perf_counter()
            report = check(name, image_size=128, progress=False)
            times.append(time.perf_counter() - start)
        assert report.good == arguments.count
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    median, best = (arguments.count / seconds for seconds in (statistics.median(times), min(times)))
    print(f"{arguments.count} files of {size / 1000:.1f} kB on {workers.cores()} cores: ", end="")
    print(f"{median:.0f} files/s (best {best:.0f}), {peak:.0f} MiB")
    values = hashes(arguments.hashes)
    start = time.perf_counter()
    groups = near_groups(values, np.zeros((len(values), 48), np.uint8), 4)
    print(f"near duplicates of {len(values)}: {time.perf_counter() - start:.1f} s, {len(groups)} groups")


if __name__ == "__main__":
    main()

"""Pictures of a world a second on one core, by style: in a process that begins, and once its backgrounds are drawn.

A portrait's background is drawn once and kept (189 kinds in all for each style), so a data set of thousands runs at the
second figure. Scenes share nothing.

python tests/benchmarks/bench_world.py [--world portraits] [--count 400] [--size 128] [--repeats 5]
"""

import argparse
import statistics
import time

from tfportrait import world


def seconds(pictures, size: int) -> float:
    """Processor time of rendering all of them."""
    start = time.process_time()
    for picture in pictures:
        picture.render(size)
    return time.process_time() - start


def main():
    """Prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--world", choices=("portraits", "scenes"), default="portraits")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    sample = world.sample if arguments.world == "portraits" else world.scenes.sample
    print(f"{arguments.world + '/s':12s} {'begin':>6s} {'after':>6s}")
    for style in world.ATTRIBUTES["style"]:
        pictures = [sample(10_000 + seed, style=style) for seed in range(arguments.count)]
        first = seconds(pictures, arguments.size)
        after = statistics.median(seconds(pictures, arguments.size) for _ in range(arguments.repeats))
        print(f"{style:12s} {arguments.count / first:6.0f} {arguments.count / after:6.0f}", flush=True)


if __name__ == "__main__":
    main()

"""Portraits a second on one core, by style.

python tests/benchmarks/bench_world.py [--count 200] [--size 128]
"""

import argparse
import time

from tfportrait import world


def main():
    """Prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--size", type=int, default=128)
    arguments = parser.parse_args()
    for style in world.ATTRIBUTES["style"]:
        for seed in range(64):  # backgrounds are drawn once and kept
            world.sample(seed, style=style).render(arguments.size)
        portraits = [world.sample(10_000 + seed, style=style) for seed in range(arguments.count)]
        start = time.process_time()
        for portrait in portraits:
            portrait.render(arguments.size)
        print(f"{style:12s} {arguments.count / (time.process_time() - start):6.0f} portraits/s")


if __name__ == "__main__":
    main()

"""Pictures a second that training could take from memory: without augmentation, with each one alone, with all of them.

python tests/benchmarks/bench_augmentation.py [--size 128] [--batch-size 64] [--steps 20]
"""

import argparse
import time

import numpy as np
from timing import medians

from tfportrait.data import Report, Source, batches
from tfportrait.data.augmentation import KERAS_CV, NAMES


class Memory(Source):
    """Noise in place of pictures: how fast they change does not depend on what they show."""

    name, fingerprint, text_fingerprint, attributes, report = "memory", "", "", {}, Report()

    def __init__(self, count, size):
        self._images = np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)

    def __len__(self):
        return len(self._images)

    def images(self, indices):
        return self._images[indices]

    def labels(self, indices):
        return {}

    def captions(self, indices, *, epoch=0, seed=0):
        return [""] * len(indices)


def main():
    """Prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    source = Memory(8 * arguments.batch_size, arguments.size)
    keras = [name for name in NAMES if name not in KERAS_CV]
    rows = {"none": [], **{name: [name] for name in NAMES}, "all of Keras": keras, "all": list(NAMES)}

    def reader(names):
        dataset = batches(
            source, batch_size=arguments.batch_size, drop_remainder=True, repeat=True, augmentation=names
        ).take(arguments.steps)
        return lambda: [batch["image"] for batch in dataset]

    readers = {name: reader(names) for name, names in rows.items()}
    clocks = {"wall": time.perf_counter, "processor": time.process_time}
    seconds = {clock: medians(readers, 3, function) for clock, function in clocks.items()}
    pictures = arguments.batch_size * arguments.steps
    print(f"{arguments.size} px, batches of {arguments.batch_size}: pictures a second, and processor ms for each")
    for name in rows:
        print(f"{name:14s} {pictures / seconds['wall'][name]:7.0f} {1e3 * seconds['processor'][name] / pictures:7.2f}")


if __name__ == "__main__":
    main()

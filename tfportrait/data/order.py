"""Which examples stand in which batch: a pure function of seed, epoch and step, so that a run can resume exactly."""

import functools

import numpy as np

_MASK = (1 << 64) - 1


def draws(seed: int, epoch: int, indices: np.ndarray) -> np.ndarray:
    """A well-mixed number for each (seed, epoch, index), the same on every machine and in any batch.

    The finaliser of SplitMix64 (Steele, Lea, Flood 2014) over a combination of the three.

    Returns: uint64 (n,).
    """
    start = np.uint64((seed * 0x9E3779B97F4A7C15 + epoch * 0xD1B54A32D192ED03) & _MASK)
    with np.errstate(over="ignore"):
        x = _finalise(_finalise(start + np.asarray(indices).astype(np.uint64)) + np.uint64(epoch & _MASK))
    return x


def _finalise(x: np.ndarray) -> np.ndarray:
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@functools.lru_cache(maxsize=4)
def permutation(count: int, seed: int, epoch: int) -> np.ndarray:
    """The order of `count` examples in an epoch.

    Returns: int64 (count,), read only.
    """
    order = np.argsort(draws(seed, epoch, np.arange(count)), kind="stable")
    order.setflags(write=False)
    return order


class Order:
    """The batches of a training run.

    Args:
        count: int. Number of examples, at least 1.
        batch_size: int. Examples in a batch, at least 1.
        seed: int. Settles the order.
        shuffle: bool. A new order each epoch; else the examples' own order, and every pass is epoch 0, so that a
            validation loss is the same whenever it is computed.
        drop_remainder: bool. Leave out a last batch that is not full.
        share: (int, int). Which part of each batch, of how many equal ones. Defaults to (0, 1), the whole batch.

    Attributes:
        steps: int. Batches in an epoch.
        rows: int or None. Examples in this part of a batch; None where the last batch has fewer.

    Raises: ValueError if an epoch would have no batch, a number is out of range, or parts would not be equal.
    """

    def __init__(
        self,
        count: int,
        batch_size: int,
        seed: int,
        shuffle: bool,
        drop_remainder: bool,
        share: tuple[int, int] = (0, 1),
    ):
        if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f"batch_size must be an integer of at least 1, got {batch_size!r}")
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**63:
            raise ValueError(f"seed must be an integer from 0 to 2**63 - 1, got {seed!r}")
        if drop_remainder and count < batch_size:
            raise ValueError(
                f"batch_size {batch_size} is more than the {count} examples, and drop_remainder=True leaves no batch: "
                f"use batch_size <= {count}"
            )
        self.count, self.batch_size, self.seed, self.shuffle = count, int(batch_size), int(seed), shuffle
        self.steps = count // self.batch_size if drop_remainder else -(-count // self.batch_size)
        full = drop_remainder or count % self.batch_size == 0
        self.part, parts = share
        if not 0 <= self.part < parts or (parts > 1 and (self.batch_size % parts or not full)):
            raise ValueError(
                f"part {self.part} of {parts} of batches of {self.batch_size}: parts are counted from 0, and must be "
                "equal: batch_size a multiple of their number, and drop_remainder=True"
            )
        self.size = self.batch_size // parts
        self.rows = self.size if full else None

    def batch(self, step: int) -> tuple[int, np.ndarray]:
        """The epoch and the examples' indices (int64) of a step counted from the start of training."""
        epoch, position = divmod(int(step), self.steps)
        start = position * self.batch_size + self.part * self.size
        part = slice(start, start + self.size)
        if self.shuffle:
            return epoch, permutation(self.count, self.seed, epoch)[part]
        return 0, np.arange(self.count)[part]

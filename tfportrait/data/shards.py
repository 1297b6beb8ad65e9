"""Arrays too large for memory: consecutive `.npy` files in one folder, each written whole, read through memory maps."""

import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfportrait.files import atomic_write

SHARD = 512


def ranges(count: int, shard: int = SHARD) -> list[tuple[int, int]]:
    """The (start, stop) of each shard of `count` rows. All but the last hold `shard` rows, so that a larger count
    reuses what a smaller one has written."""
    return [(start, min(start + shard, count)) for start in range(0, count, shard)]


def shard_path(folder: str | os.PathLike, kind: str, start: int, stop: int) -> Path:
    """Where the rows [start, stop) of the array `kind` are kept."""
    return Path(folder) / f"{kind}-{start:08d}-{stop:08d}.npy"


def write_shard(folder: str | os.PathLike, kind: str, start: int, array: np.ndarray) -> None:
    """Writes rows as one shard, whole or not at all, with a checksum behind them (numpy reads no further than rows)."""
    array = np.ascontiguousarray(array)
    with atomic_write(shard_path(folder, kind, start, start + len(array))) as file:
        np.save(file, array, allow_pickle=False)
        file.write(_checksum(array))


def is_sound(folder: str | os.PathLike, kind: str, start: int, stop: int, *, thorough: bool = False) -> bool:
    """Whether the shard is there with all its rows and, if `thorough`, none of their bits has changed."""
    path = shard_path(folder, kind, start, stop)
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        whole = array.offset + array.nbytes + _CHECKSUM == path.stat().st_size
    except (OSError, ValueError, EOFError):
        return False
    if len(array) != stop - start or not whole:
        return False
    return not thorough or path.read_bytes()[-_CHECKSUM:] == _checksum(array)


_CHECKSUM = 4  # bytes


def _checksum(array: np.ndarray) -> bytes:
    return zlib.crc32(array.reshape(-1).view(np.uint8)).to_bytes(_CHECKSUM, "little")


class Shards:
    """Reads the shards of one array as one array.

    Args:
        folder: str or path. Where the shards are.
        kind: str. The array's name.
        count: int. Number of rows.
        shard: int. Rows in a shard, as it was written.
        made_by: str. Names what the rows were made by, or empty.

    Raises: OSError or ValueError if a shard is missing or damaged.
    """

    def __init__(self, folder: str | os.PathLike, kind: str, count: int, shard: int = SHARD, made_by: str = ""):
        self.made_by = made_by
        self._maps = [
            np.load(shard_path(folder, kind, start, stop), mmap_mode="r", allow_pickle=False)
            for start, stop in ranges(count, shard)
        ]
        self._shard = shard
        self.shape = (count, *self._maps[0].shape[1:])
        self.dtype = self._maps[0].dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, indices: int | slice | Sequence[int] | np.ndarray) -> np.ndarray:
        """Rows as an array in memory: (n, ...) for a slice or a sequence of n indices, (...) for one integer."""
        if isinstance(indices, slice):
            indices = np.arange(len(self))[indices]
        rows = np.asarray(indices)
        if rows.size and not (-len(self) <= rows.min() and rows.max() < len(self)):
            raise IndexError(f"row {rows.min()}..{rows.max()} of an array of {len(self)}")
        if rows.ndim == 0:
            row = int(rows) % len(self)
            return np.array(self._maps[row // self._shard][row % self._shard])
        rows = rows.astype(np.int64) % len(self)
        result = np.empty((len(rows), *self.shape[1:]), self.dtype)
        shard = rows // self._shard
        for number in np.unique(shard):
            here = shard == number
            result[here] = self._maps[number][rows[here] - number * self._shard]
        return result

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        whole = self[:]
        return whole if dtype is None else whole.astype(dtype)

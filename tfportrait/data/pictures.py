"""Pictures from files as a source: each decoded once, kept in the cache, and the bad ones known before training."""

import dataclasses
import hashlib
import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tfportrait import workers
from tfportrait.data.decode import DECODER, BadImage, decode
from tfportrait.data.order import draws
from tfportrait.data.shards import SHARD, Shards, is_sound, ranges, shard_path, write_shard
from tfportrait.data.source import Report, Source
from tfportrait.files import atomic_write, cache_dir, check_space

CROPS = ("center", "face")


@dataclasses.dataclass
class Listing:
    """What the pictures of a split are, whatever the layout of their data set.

    Attributes:
        root: path. Folder that the files are named from.
        files: sequence of str. Names of the pictures from `root`, or of what `read` gives.
        captions: callable (rows int64 (n,), draws uint64 (n,)) -> list of str. A caption each; the draw chooses among
            several wordings.
        text_key: str. Changes whenever captions do.
        attributes: dict. Attribute name -> names of its values.
        labels: dict. Attribute name -> int32 (files,), -1 unknown.
        without_caption: bool (files,), or None if all have one.
        boxes: float32 (files, 4), or None. Left, top, right and bottom of the face, in pixels of the upright picture.
        missing: list of str. Files that labels name but that are not there.
        unlabelled: list of str. Files that are there but have no labels, where all should have some; not in `files`.
        read: callable (start, stop) -> iterator of encoded files, or None to read the files themselves.
        key: str. Changes whenever the pictures do, where they are no files.
    """

    root: Path
    files: Sequence[str]
    captions: Callable[[np.ndarray, np.ndarray], list[str]]
    text_key: str = ""
    attributes: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    labels: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    without_caption: np.ndarray | None = None
    boxes: np.ndarray | None = None
    missing: list[str] = dataclasses.field(default_factory=list)
    unlabelled: list[str] = dataclasses.field(default_factory=list)
    read: Callable[[int, int], Iterator[bytes]] | None = None
    key: str = ""

    def fingerprint(self) -> str:
        """Names the pictures: their files with sizes and times."""
        parts = [str(self.root), self.key]
        if self.read is None:
            for name in self.files:
                try:
                    stat = (self.root / name).stat()
                    parts.append(f"{name} {stat.st_size} {stat.st_mtime_ns}")
                except OSError:
                    parts.append(name)
        return digest(parts)


def fixed_captions(texts: Sequence[Sequence[str]]) -> Callable[[np.ndarray, np.ndarray], list[str]]:
    """Captions that were written by hand: of several for a picture, the draw chooses one; none is the empty caption."""

    def captions(rows: np.ndarray, numbers: np.ndarray) -> list[str]:
        return [
            texts[row][int(draw) % len(texts[row])] if texts[row] else ""
            for row, draw in zip(rows, numbers, strict=True)
        ]

    return captions


def digest(parts: Iterable[str]) -> str:
    """Names a list of texts, 16 hexadecimal digits."""
    result = hashlib.sha256()
    for part in parts:
        result.update(part.encode("utf-8", "surrogateescape") + b"\n")
    return result.hexdigest()[:16]


class Pictures(Source):
    """The pictures of a listing, cut to one shape.

    Args:
        name: str. For messages.
        listing: Listing.
        image_size: int or (height, width).
        count: int or None. Take only the first `count` files.
        crop: str. "center", or "face" where the listing has boxes.
        upsample: bool. Take pictures smaller than `image_size` too, enlarged; else they count as bad.
        max_bad_fraction: float. Share of bad files from which on the data set is refused.
        progress: bool. Show a bar on a terminal while decoding.

    Raises: ValueError for arguments that are not as above, or if there are no pictures or too many bad ones; OSError if
        the disk has no room.

    Warns: UserWarning that counts what was left out and names the first.
    """

    def __init__(
        self,
        name: str,
        listing: Listing,
        *,
        image_size: int | tuple[int, int],
        count: int | None = None,
        crop: str = "center",
        upsample: bool = False,
        max_bad_fraction: float = 0.05,
        progress: bool = True,
    ):
        size = check_options(image_size, count, crop, max_bad_fraction)
        if crop == "face" and listing.boxes is None:
            raise ValueError(f"{name} says nowhere where the faces are: crop='center' is what it can be cut by")
        self.name = name
        total = min(len(listing.files), count or len(listing.files))
        if not total:
            raise ValueError(f"no pictures in {listing.root}")
        boxes = listing.boxes if crop == "face" else None
        how = f"{DECODER} {size} {crop if boxes is not None else ''} {upsample}"
        self.fingerprint = f"pictures-{digest([how, listing.fingerprint()])}"
        folder = cache_dir() / "pictures" / self.fingerprint
        cut = _Cut(listing, size, boxes, upsample)
        bad = _decode_missing(folder, cut, total, name, progress)
        self._rows = np.setdiff1d(np.arange(total), np.array([row for row, _ in bad], np.int64))
        self._images = Shards(folder, "images", total)
        self._captions = listing.captions
        self.attributes = listing.attributes
        self._labels = {name: np.asarray(column, np.int32)[self._rows] for name, column in listing.labels.items()}
        self.text_fingerprint = f"pictures-{digest([self.fingerprint, listing.text_key, str(count)])}"
        left_out = [
            *((str(listing.root / listing.files[row]), reason) for row, reason in bad),
            *((str(listing.root / file), "listed but missing") for file in listing.missing),
            *((str(listing.root / file), "there but without labels") for file in listing.unlabelled),
        ]
        blank = listing.without_caption
        self.report = Report(
            total=total + len(listing.missing) + len(listing.unlabelled),
            bad=left_out,
            without_caption=0 if blank is None else int(np.sum(blank[self._rows])),
        )
        self._tell(folder, max_bad_fraction)

    def _tell(self, folder: Path, max_bad_fraction: float) -> None:
        bad, total = self.report.bad, self.report.total
        if not bad:
            return
        folder.mkdir(parents=True, exist_ok=True)
        listing = folder / "bad.json"
        with atomic_write(listing) as file:
            file.write(json.dumps([{"path": path, "reason": reason} for path, reason in bad], indent=1).encode())
        first = "; ".join(f"{path}: {reason}" for path, reason in bad[:3]) + ("; ..." if len(bad) > 3 else "")
        message = f"{len(bad)} of {total} pictures in {self.name} cannot be used ({first}); all are listed in {listing}"
        if any("smaller than" in reason for _, reason in bad):
            message += "; upsample=True enlarges the small ones"
        if len(bad) > max_bad_fraction * total or not len(self._rows):
            raise ValueError(f"{message}; more than max_bad_fraction={max_bad_fraction:g} of them")
        warnings.warn(message, stacklevel=4)

    def __len__(self) -> int:
        return len(self._rows)

    def images(self, indices: np.ndarray) -> np.ndarray:
        return self._images[self._rows[indices]]

    def labels(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        return {name: column[indices] for name, column in self._labels.items()}

    def captions(self, indices: np.ndarray, *, epoch: int = 0, seed: int = 0) -> list[str]:
        return self._captions(self._rows[indices], draws(seed, epoch, indices))


def check_options(
    image_size: int | tuple[int, int], count: int | None, crop: str, max_bad_fraction: float
) -> tuple[int, int]:
    """Checks what `Pictures` takes, before any file is looked at. Returns (height, width)."""
    size = (image_size, image_size) if isinstance(image_size, (int, np.integer)) else tuple(image_size)
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"image_size must be a positive integer or (height, width), got {image_size!r}")
    if count is not None and count < 1:
        raise ValueError(f"count must be at least 1, got {count!r}")
    if crop not in CROPS:
        raise ValueError(f"crop must be {' or '.join(map(repr, CROPS))}, got {crop!r}")
    if not 0 <= max_bad_fraction <= 1:
        raise ValueError(f"max_bad_fraction must be from 0 to 1, got {max_bad_fraction!r}")
    return size


@dataclasses.dataclass
class _Cut:
    """How a listing's pictures become arrays of one shape."""

    listing: Listing
    size: tuple[int, int]
    boxes: np.ndarray | None
    upsample: bool

    def encoded(self, start: int, stop: int) -> Iterable[bytes | Path]:
        if self.listing.read is not None:
            return self.listing.read(start, stop)
        return (self.listing.root / name for name in self.listing.files[start:stop])

    def decode(self, row: int, encoded: bytes | Path) -> np.ndarray | BadImage:
        box = None if self.boxes is None else tuple(map(float, self.boxes[row]))
        try:
            return decode(encoded, self.size, box=box, upsample=self.upsample)
        except BadImage as error:
            return error


def _decode_missing(folder: Path, cut: _Cut, count: int, name: str, progress: bool) -> list[tuple[int, str]]:
    """Fills the cache; returns the bad files of all shards, (row, reason)."""
    from tqdm import tqdm

    missing = [part for part in ranges(count) if not _is_done(folder, *part)]
    total = sum(stop - start for start, stop in missing)
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        check_space(folder, total * cut.size[0] * cut.size[1] * 3)
    hide = None if progress and missing else True
    with (
        warnings.catch_warnings(action="ignore"),  # Pillow's, about files that are then read or refused with a reason
        ThreadPoolExecutor(workers.cores()) as pool,  # Pillow lets other threads run while it decodes and resizes
        ThreadPoolExecutor(1) as writer,  # the disk is slow: the next part is decoded meanwhile
        tqdm(total=total, desc=f"reading {name}", unit=" pictures", disable=hide, leave=False) as bar,
    ):
        written = None
        for start, stop in missing:
            images = np.zeros((stop - start, *cut.size, 3), np.uint8)
            bad = []
            for row, result in enumerate(pool.map(cut.decode, range(start, stop), cut.encoded(start, stop))):
                if isinstance(result, BadImage):
                    bad.append((start + row, str(result)))
                else:
                    images[row] = result
                bar.update()
            if written is not None:
                written.result()  # no more than two parts are in memory
            written = writer.submit(_write, folder, start, images, bad)
        if written is not None:
            written.result()
    return [
        (row, reason)
        for part in ranges(count)
        for row, reason in json.loads(_bad_path(folder, *part).read_text("utf-8"))
    ]


def _write(folder: Path, start: int, images: np.ndarray, bad: list[tuple[int, str]]) -> None:
    write_shard(folder, "images", start, images)
    with atomic_write(_bad_path(folder, start, start + len(images))) as file:
        file.write(json.dumps(bad).encode())


def _bad_path(folder: Path, start: int, stop: int) -> Path:
    return shard_path(folder, "images", start, stop).with_suffix(".bad.json")


def _is_done(folder: Path, start: int, stop: int) -> bool:
    return _bad_path(folder, start, stop).is_file() and is_sound(folder, "images", start, stop)


__all__ = ["CROPS", "SHARD", "Listing", "Pictures", "check_options", "digest", "fixed_captions"]

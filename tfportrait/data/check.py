"""What is in a folder of pictures: how many are good, which are bad and why, which are there more than once."""

import collections
import dataclasses
import functools
import hashlib
import itertools
import json
import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tfportrait import workers
from tfportrait.data.decode import SUFFIXES, BadImage, Picture, read, read_file
from tfportrait.data.signatures import picture_format
from tfportrait.files import atomic_write

_TEXTS = (".txt", ".json", ".jsonl", ".csv", ".md")  # never pictures by another name; there is one beside each picture
_SIDES = (32, 64, 128, 256, 512, 1024)
_FIELDS = 4  # a side; their mean colours tell pictures of the same shapes apart
_ALIKE = 32  # levels of 255 that two copies of a picture may differ in brightness and colour, on average
_SMALL = 256  # pictures of which all pairs are compared at once
_WIDTH = 110


@dataclasses.dataclass
class Check:
    """What `check` found. Paths are relative to `path`, in the order of their names.

    Attributes:
        path: str. The folder, or the one file.
        max_bad_fraction: float. Share of bad pictures up to which all is well.
        near: int. Bits of 64 in which the perceptual hashes of near duplicates differ at most.
        image_size: (int, int) or None. Height and width that training will want.
        good: int. Pictures that can be used.
        bad: list of (path, reason). Those that cannot.
        other: dict. Suffix -> number of files that are no pictures, most first; ".*" counts the hidden files.
        misnamed: list of (path, format). Pictures that a data set passes over, because their names do not say so.
        links: int. Linked folders, which are not followed.
        duplicates: list of lists of paths. Pictures whose files are equal.
        near_duplicates: list of lists of paths. Other pictures that look equal (of equal files, the first).
        formats: dict. Pillow's name of the format -> good pictures, most first.
        modes: dict. Pillow's name of the mode -> good pictures, most first.
        widths: (least, median, most) pixels of the good pictures, upright; empty if there are none.
        heights: likewise.
        smallest_sides: dict. Range of pixels -> good pictures whose smaller side is in it.
        enlarged: int or None. Good pictures that are smaller than `image_size`.
    """

    path: str
    max_bad_fraction: float
    near: int
    image_size: tuple[int, int] | None
    good: int
    bad: list[tuple[str, str]]
    other: dict[str, int]
    misnamed: list[tuple[str, str]]
    links: int
    duplicates: list[list[str]]
    near_duplicates: list[list[str]]
    formats: dict[str, int]
    modes: dict[str, int]
    widths: tuple[int, ...]
    heights: tuple[int, ...]
    smallest_sides: dict[str, int]
    enlarged: int | None

    @property
    def ok(self) -> bool:
        """Whether there are pictures, and not too many of them are bad."""
        return self.good > 0 and len(self.bad) <= self.max_bad_fraction * (self.good + len(self.bad))

    @property
    def verdict(self) -> str:
        """One line: how many pictures are bad, and how many may be."""
        total = self.good + len(self.bad)
        if not total:
            return f"no pictures ({', '.join(SUFFIXES)}) in {_shown(self.path)}"
        share = f"{len(self.bad)} of {total} pictures in {_shown(self.path)} cannot be used"
        return f"{share} ({len(self.bad) / total:.1%}; {self.max_bad_fraction:.1%} may be)"

    def table(self) -> str:
        """The report as text of about 25 lines; reasons and groups of duplicates with one example each."""
        rows = [("good", self.good, _counts(self.formats)), ("  modes", "", _counts(self.modes))]
        for name, spread in (("  width", self.widths), ("  height", self.heights)):
            rows += [(name, "", "{0} to {2}, median {1}".format(*spread))] if spread else []
        rows.append(("  smaller side", "", _counts(self.smallest_sides)))
        if self.enlarged:
            rows.append(("  enlarged", self.enlarged, "smaller than {1} x {0}".format(*self.image_size)))
        for name, groups in (("equal files", self.duplicates), ("look the same", self.near_duplicates)):
            example = f"in groups: {len(groups)}; such as {' = '.join(groups[0][:2])}" if groups else ""
            rows.append((name, sum(map(len, groups)), example))
        if self.misnamed:
            rows.append(("misnamed", len(self.misnamed), f"pictures by content only, such as {self.misnamed[0][0]}"))
        if self.links:
            rows.append(("linked folders", self.links, "not followed"))
        rows.append(("no pictures", sum(self.other.values()), _counts(self.other)))
        rows.append(("bad", len(self.bad), ""))
        return "\n".join([self.verdict, *_aligned(rows, "<><"), *_aligned(self._reasons(), "><<")])

    def _reasons(self, most: int = 10) -> list[tuple[int, str, str]]:
        """The most frequent reasons, whatever numbers are in them: how many files, the reason, the first file."""
        groups = collections.defaultdict(list)
        for path, reason in self.bad:
            groups[re.sub(r"\d+", "#", reason)].append((path, reason))
        ranked = sorted(groups.values(), key=len, reverse=True)
        rows = [(len(found), found[0][1], found[0][0]) for found in ranked[:most]]
        if rest := ranked[most:]:
            rows.append((sum(map(len, rest)), f"for {len(rest)} other reasons", f"{rest[0][0][0]}, ..."))
        return rows

    def json(self) -> str:
        """The whole report as JSON; a name that is not UTF-8 is written as Python's `surrogateescape` reads it."""
        report = {"ok": self.ok} | dataclasses.asdict(self)
        report["bad"] = [{"path": path, "reason": reason} for path, reason in self.bad]
        report["misnamed"] = [{"path": path, "format": form} for path, form in self.misnamed]
        return json.dumps(report, indent=1)

    def save(self, path: str | os.PathLike) -> None:
        """Writes `json()` to a file, whole or not at all."""
        with atomic_write(path) as file:
            file.write(self.json().encode() + b"\n")


@dataclasses.dataclass
class _Look:
    """What is kept of one picture."""

    digest: bytes
    size: tuple[int, int]
    format: str
    mode: str
    hash: int
    thumbnail: bytes


def check(
    path: str | os.PathLike,
    *,
    max_bad_fraction: float = 0.05,
    near: int = 4,
    image_size: int | tuple[int, int] | None = None,
    progress: bool = True,
) -> Check:
    """Reads every picture below a folder (or one picture) on all cores.

    Hidden files are passed over, as a data set does; linked folders are not followed.

    Args:
        path: str or path. A folder or a file.
        max_bad_fraction: float. Share of bad pictures up to which all is well.
        near: int. Bits of 64, 0 to 8, in which the perceptual hashes of near duplicates differ at most.
        image_size: int or (height, width). Count the pictures that are smaller. Defaults to None: do not.
        progress: bool. Show a bar on a terminal.

    Raises: ValueError if an argument is out of range or nothing is there.
    """
    from tqdm import tqdm

    if not 0 <= max_bad_fraction <= 1:
        raise ValueError(f"max_bad_fraction must be from 0 to 1, got {max_bad_fraction!r}")
    if not 0 <= near <= 8:
        raise ValueError(f"near must be from 0 to 8 bits, got {near!r}")
    size = (image_size, image_size) if isinstance(image_size, (int, np.integer)) else image_size
    if size is not None and (len(size) != 2 or min(size) < 1):
        raise ValueError(f"image_size must be a positive integer or (height, width), got {image_size!r}")
    root = Path(path).expanduser()
    if not root.exists():
        raise ValueError(f"{_shown(str(root))} does not exist")
    walk = _Walk(root)
    kept: list[str] = []
    looks: list[_Look] = []
    with (
        warnings.catch_warnings(action="ignore"),  # Pillow's, about files that are then read or refused with a reason
        tqdm(
            total=len(walk.files), desc="checking", unit=" files", leave=False, disable=None if progress else True
        ) as bar,
    ):
        found_in_order = _on_all_cores(lambda name: _look(walk, name), walk.files)
        for name, found in zip(walk.files, found_in_order, strict=True):
            bar.update()
            if isinstance(found, BadImage):
                walk.refuse(name, str(found))
            elif walk.is_named(name):
                kept.append(name)
                looks.append(found)
            else:
                walk.misnamed.append((name, found.format))
    groups = collections.defaultdict(list)
    for index, look in enumerate(looks):
        groups[look.digest].append(index)
    firsts = [group[0] for group in groups.values()]
    hashes = np.array([looks[index].hash for index in firsts], np.uint64)
    thumbnails = np.frombuffer(b"".join(looks[index].thumbnail for index in firsts), np.uint8)
    thumbnails = thumbnails.reshape(-1, _FIELDS * _FIELDS * 3)
    sizes = np.array([look.size for look in looks], np.int64).reshape(-1, 2)
    return Check(
        path=str(path),
        max_bad_fraction=max_bad_fraction,
        near=near,
        image_size=size,
        good=len(looks),
        bad=sorted(walk.bad, key=lambda row: os.fsencode(row[0])),
        other=_ranked(walk.other.elements()),
        misnamed=walk.misnamed,
        links=walk.links,
        duplicates=[[kept[index] for index in group] for group in groups.values() if len(group) > 1],
        near_duplicates=[[kept[firsts[i]] for i in group] for group in near_groups(hashes, thumbnails, near)],
        formats=_ranked(look.format for look in looks),
        modes=_ranked(look.mode for look in looks),
        widths=_spread(sizes[:, 0]),
        heights=_spread(sizes[:, 1]),
        smallest_sides=_histogram(sizes.min(1)),
        enlarged=None if size is None else int((sizes < size[::-1]).any(1).sum()),
    )


class _Walk:
    """The files below a folder, sorted into those to read and those that are counted only."""

    def __init__(self, root: Path):
        self.folder = root
        self.files: list[str] = []
        self.bad: list[tuple[str, str]] = []
        self.misnamed: list[tuple[str, str]] = []
        self.other: collections.Counter[str] = collections.Counter()
        self.links = 0
        self._alone = not root.is_dir()
        if self._alone:
            self.folder, self.files = root.parent, [root.name]
            return
        for directory, folders, names in os.walk(root, onerror=self._closed):
            self.links += sum(os.path.islink(os.path.join(directory, name)) for name in folders)
            for name in names:
                if name.startswith("."):
                    self.other[".*"] += 1
                elif name.lower().endswith(_TEXTS):
                    self.refuse(name, "")
                else:
                    self.files.append(os.path.relpath(os.path.join(directory, name), root))
        self.files.sort(key=os.fsencode)

    def _closed(self, error: OSError) -> None:
        self.bad.append((os.path.relpath(error.filename, self.folder), f"the folder cannot be read: {error.strerror}"))

    def is_named(self, name: str) -> bool:
        """Whether a file says that it is a picture by its name, or by being the only one asked about."""
        return self._alone or name.lower().endswith(SUFFIXES)

    def refuse(self, name: str, reason: str) -> None:
        """Counts a file that cannot be read as a picture."""
        if self.is_named(name):
            self.bad.append((name, reason))
        else:
            self.other[os.path.splitext(name)[1].lower()] += 1


def _on_all_cores(work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    """The results in order, with few of them in memory; leaving early (Ctrl-C) drops the rest."""
    pool = ThreadPoolExecutor(workers.cores())  # Pillow lets other threads run while it decodes and resizes
    waiting: collections.deque = collections.deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 8 * workers.cores():
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _look(walk: _Walk, name: str) -> _Look | BadImage:
    path = os.path.join(walk.folder, name)
    try:
        if not walk.is_named(name) and os.path.isfile(path):
            with open(path, "rb") as file:
                if picture_format(file.read(16)) is None:
                    return BadImage("not a picture")
        data = read_file(path)
        picture = read(data, (32, 32))
    except BadImage as error:
        return error
    except OSError as error:
        return BadImage(error.strerror)
    return _Look(hashlib.sha256(data).digest(), picture.size, picture.format, picture.mode, *fingerprint(picture))


def fingerprint(picture: Picture) -> tuple[int, bytes]:
    """What of a picture survives scaling, compression and a little light.

    Returns: the perceptual hash (64 bits: which of the 8 x 8 lowest frequencies of the brightness are above their
        median; Zauner 2010), and the mean colours of 4 x 4 fields, uint8.
    """
    small = picture.image.resize((32, 32), Image.Resampling.BOX)
    grey = np.asarray(small.convert("L"), np.float64)
    low = np.round(_cosines() @ grey @ _cosines().T, 3)  # (8, 8); rounded, as the rest of a plain picture is noise
    fields = np.asarray(small).reshape(_FIELDS, 8, _FIELDS, 8, 3).mean((1, 3))
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes()), fields.astype(np.uint8).tobytes()


@functools.cache
def _cosines() -> np.ndarray:
    """The 8 slowest rows of the cosine transform (DCT-II) of 32 values."""
    return np.cos(np.pi / 32 * np.outer(np.arange(8), np.arange(32) + 0.5))


def near_groups(hashes: np.ndarray, thumbnails: np.ndarray, near: int) -> list[list[int]]:
    """Pictures that look the same: joined by steps of at most `near` bits between pictures of like colours.

    Two hashes that differ in at most `near` bits agree in one of near + 1 bands of bits at least, so that only those
    with an equal band are compared.

    Args:
        hashes: uint64 (n,). Perceptual hashes.
        thumbnails: uint8 (n, k). Colours of a few fields.
        near: int. Bits.

    Returns: lists of two and more indices, rising, in the order of their first.
    """
    parents = list(range(len(hashes)))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = index = parents[parents[index]]
        return index

    edges = np.linspace(0, 64, near + 2).astype(np.uint64)
    for start, stop in zip(edges[:-1], edges[1:], strict=True):
        band = (hashes >> start) & np.uint64(2 ** int(stop - start) - 1)
        order = np.argsort(band, kind="stable")
        for bucket in np.split(order, np.flatnonzero(np.diff(band[order])) + 1):
            for one, another in _links(bucket, hashes, thumbnails, near):
                one, another = sorted((root(one), root(another)))
                parents[another] = one
    groups = collections.defaultdict(list)
    for index in range(len(hashes)):
        groups[root(index)].append(index)
    return [group for group in groups.values() if len(group) > 1]


def _links(bucket: np.ndarray, hashes: np.ndarray, thumbnails: np.ndarray, near: int) -> Iterator[tuple[int, int]]:
    """Pairs that join all near duplicates in a bucket; each picture is found once, however many are alike."""
    if 1 < len(bucket) <= _SMALL:
        close = _bits((hashes[bucket][:, None] ^ hashes[bucket]).ravel()) <= near
        bucket = bucket[close.reshape(len(bucket), -1).sum(1) > 1]
    rest = bucket
    found: list[int] = []
    while len(rest) + len(found) > 1 and len(rest):
        index, rest = (found.pop(), rest) if found else (rest[0], rest[1:])
        like = _bits(hashes[rest] ^ hashes[index]) <= near
        if like.any():
            like[like] = np.abs(thumbnails[rest[like]].astype(np.int16) - thumbnails[index]).mean(1) <= _ALIKE
            found += list(rest[like])
            yield from ((int(index), int(other)) for other in rest[like])
            rest = rest[~like]


@functools.cache
def _bits_of_16() -> np.ndarray:
    return np.unpackbits(np.arange(2**16, dtype=np.uint16).view(np.uint8)).reshape(-1, 16).sum(1, dtype=np.uint8)


def _bits(values: np.ndarray) -> np.ndarray:
    """The number of set bits of uint64 (n,)."""
    return _bits_of_16()[values.view(np.uint16)].reshape(-1, 4).sum(1)


def _ranked(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(collections.Counter(values).items(), key=lambda item: (-item[1], item[0])))


def _spread(values: np.ndarray) -> tuple[int, ...]:
    return (int(values.min()), int(np.median(values)), int(values.max())) if len(values) else ()


def _histogram(sides: np.ndarray) -> dict[str, int]:
    edges = (0, *_SIDES)
    names = [f"under {_SIDES[0]}", *(f"{low}-{high - 1}" for low, high in itertools.pairwise(_SIDES)), f"{_SIDES[-1]}+"]
    counts = np.bincount(np.digitize(sides, edges) - 1, minlength=len(edges))
    return {name: int(count) for name, count in zip(names, counts, strict=True) if count}


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name or '(no suffix)'} {count}" for name, count in counts.items())


def _aligned(rows: list[tuple], sides: str) -> list[str]:
    """Lines of three columns, cut at the right edge."""
    cells = [[_shown(str(cell)) for cell in row] for row in rows]
    widths = [min(56, max(map(len, column))) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        parts = (f"{cell[:56]:{side}{width}}" for cell, side, width in zip(row[:2], sides, widths, strict=False))
        line = "  ".join(["", *parts, row[2]]).rstrip()
        lines.append(line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}...")
    return lines


def _shown(text: str) -> str:
    """Any name fit for a terminal."""
    text = os.fsencode(text).decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)

"""A folder of pictures as a data set: metadata.jsonl or metadata.csv, photo.jpg + photo.txt, or one folder a class."""

import csv
import hashlib
import json
import os
import warnings
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import numpy as np

from tfportrait import workers, world
from tfportrait.data.decode import DECODER, SUFFIXES, BadImage, decode
from tfportrait.data.order import draws
from tfportrait.data.shards import Shards, is_sound, ranges, shard_path, write_shard
from tfportrait.data.source import Report, Source
from tfportrait.files import atomic_write, cache_dir, check_space

SPLITS = {"train": ("train", "training"), "validation": ("validation", "val", "valid", "dev"), "test": ("test",)}
_METADATA = ("metadata.jsonl", "metadata.csv")
Entry = tuple[Path, list[str], dict[str, str]]  # the file, its captions, its attributes


class ImageFolder(Source):
    """A folder of pictures.

    Captions and attributes are looked for in this order:

    1. `metadata.jsonl` or `metadata.csv`: `file_name` (relative to it), `text` and any `text_*` (other wordings or
       languages, one is drawn each epoch); in `metadata.jsonl` also `attributes` (a dict, name -> value) and
       `hidden` (a list of those that cannot be seen: their label is -1).
    2. A `photo.txt` beside `photo.jpg`: one caption a line, one is drawn each epoch.
    3. One folder a class: its name is the caption ("_" read as a space) and the attribute `class`.

    The folder may have `train`, `validation` (or `val`) and `test` folders; one without them is all `train`. Every file
    is decoded once, cut in the middle, resized, and kept in the cache: bad files are known before training starts.

    Args:
        path: str or path. The folder.
        split: str. "train", "validation" or "test".
        image_size: int or (height, width).
        count: int. Take only the first `count` files, in the order of their names. Defaults to None: all.
        max_bad_fraction: float. Share of bad files from which on the folder is refused.
        progress: bool. Show a bar on a terminal while decoding.

    Raises: ValueError if the split, the metadata or too many pictures are bad, or there are no pictures; OSError if the
        disk has no room.

    Warns: UserWarning that counts the skipped files and names the first.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        split: str = "train",
        *,
        image_size: int | tuple[int, int],
        count: int | None = None,
        max_bad_fraction: float = 0.05,
        progress: bool = True,
    ):
        root = Path(path).expanduser().resolve()
        size = (image_size, image_size) if isinstance(image_size, (int, np.integer)) else tuple(image_size)
        if len(size) != 2 or min(size) < 1:
            raise ValueError(f"image_size must be a positive integer or (height, width), got {image_size!r}")
        if count is not None and count < 1:
            raise ValueError(f"count must be at least 1, got {count!r}")
        if not 0 <= max_bad_fraction <= 1:
            raise ValueError(f"max_bad_fraction must be from 0 to 1, got {max_bad_fraction!r}")
        self.name = str(path)
        entries, missing = _read_entries(_split_folder(root, split))
        entries = entries[:count]
        if not entries:
            raise ValueError(f"no pictures ({', '.join(SUFFIXES)}) in {root}" + (f" for {split}" if missing else ""))
        self.fingerprint = f"folder-{_fingerprint(root, entries, size)}"
        folder = cache_dir() / "folder" / self.fingerprint
        bad = _decode_missing(folder, entries, size, self.name, progress)
        refused = {str(file) for file, _ in bad}
        self._rows = np.array([row for row, entry in enumerate(entries) if str(entry[0]) not in refused], np.int64)
        self._images = Shards(folder, "images", len(entries))
        kept = [entries[row] for row in self._rows]
        self._texts = [texts or [""] for _, texts, _ in kept]
        self.attributes, self._labels = _encode([attributes for _, _, attributes in kept])
        self.text_fingerprint = f"folder-{_digest([self.fingerprint, *map(str, self._texts)])}"
        self.report = Report(
            total=len(entries) + len(missing),
            bad=[*bad, *((str(file), "listed in the metadata but missing") for file in missing)],
            without_caption=sum(not any(texts) for texts in self._texts),
        )
        self._tell(folder, max_bad_fraction)

    def _tell(self, folder: Path, max_bad_fraction: float) -> None:
        bad, total = self.report.bad, self.report.total
        if not bad:
            return
        listing = folder / "bad.json"
        with atomic_write(listing) as file:
            file.write(json.dumps([{"path": path, "reason": reason} for path, reason in bad], indent=1).encode())
        first = "; ".join(f"{path}: {reason}" for path, reason in bad[:3]) + ("; ..." if len(bad) > 3 else "")
        message = f"{len(bad)} of {total} pictures in {self.name} cannot be used ({first}); all are listed in {listing}"
        if len(bad) > max_bad_fraction * total or len(bad) == total:
            raise ValueError(f"{message}; more than max_bad_fraction={max_bad_fraction:g} of them")
        warnings.warn(message, stacklevel=4)

    def __len__(self) -> int:
        return len(self._rows)

    def images(self, indices: np.ndarray) -> np.ndarray:
        return self._images[self._rows[indices]]

    def labels(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        return {name: column[indices] for name, column in self._labels.items()}

    def captions(self, indices: np.ndarray, *, epoch: int = 0, seed: int = 0) -> list[str]:
        return [
            self._texts[index][int(draw) % len(self._texts[index])]
            for index, draw in zip(indices, draws(seed, epoch, indices), strict=True)
        ]


def _split_folder(root: Path, split: str) -> Path:
    if not root.is_dir():
        raise ValueError(f"{root} is not a folder")
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; the splits are {', '.join(SPLITS)}")
    found = {name: root / word for name, words in SPLITS.items() for word in words if (root / word).is_dir()}
    if split in found:
        return found[split]
    if found and any((root / name).is_file() for name in _METADATA):
        found = {}  # one metadata file above them names files in all of them
    if found or split != "train":
        has = ", ".join(found or ["train"])
        raise ValueError(f"{root} has no split {split!r}; it has {has} (a folder {split}/ in it would be that split)")
    return root


def _read_entries(folder: Path) -> tuple[list[Entry], list[Path]]:
    """The files with their texts and attributes, by name, and the files that the metadata names but do not exist."""
    rows = {}
    for name in _METADATA:
        if (folder / name).is_file():
            rows = _read_metadata(folder / name)
            break
    files = _find_pictures(folder)
    if rows:
        named = [folder / name for name in rows]
        entries = [(file, *rows[name]) for name, file in zip(rows, named, strict=True) if file.is_file()]
        entries += [(file, [], {}) for file in files if file.relative_to(folder).as_posix() not in rows]
        return sorted(entries, key=lambda entry: entry[0].as_posix()), [file for file in named if not file.is_file()]
    beside = {file: file.with_suffix(".txt") for file in files}
    if any(text.is_file() for text in beside.values()):
        return [(file, _read_lines(text) if text.is_file() else [], {}) for file, text in beside.items()], []
    if any(file.parent == folder for file in files):
        return [(file, [], {}) for file in files], []
    classes = {file: file.relative_to(folder).parts[0] for file in files}
    return [(file, [name.replace("_", " ")], {"class": name}) for file, name in classes.items()], []


def _find_pictures(folder: Path) -> list[Path]:
    return sorted(
        Path(directory) / name
        for directory, folders, names in os.walk(folder)
        for name in names
        if name.lower().endswith(SUFFIXES) and not name.startswith(".")
    )


def _read_lines(path: Path) -> list[str]:
    text = path.read_text("utf-8-sig", errors="replace")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _read_metadata(path: Path) -> dict[str, tuple[list[str], dict[str, str]]]:
    rows = {}
    with open(path, encoding="utf-8-sig", newline="") as file:
        for number, row in _parse_rows(path, file):
            name = row.get("file_name")
            if not isinstance(name, str) or not name:
                raise ValueError(f"{path} line {number} has no file_name")
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise ValueError(f"{path} line {number}: file_name {name!r} leaves the folder")
            texts = [row[key] for key in row if key == "text" or str(key).startswith("text_")]
            attributes = row.get("attributes")
            attributes = attributes if isinstance(attributes, dict) else {}
            hidden = row.get("hidden") or ()
            rows[PurePosixPath(name).as_posix()] = (
                [text for text in texts if isinstance(text, str) and text],
                {str(key): str(value) for key, value in attributes.items() if key not in hidden},
            )
    return rows


def _parse_rows(path: Path, file: Iterable[str]) -> Iterable[tuple[int, dict]]:
    if path.suffix == ".csv":
        yield from enumerate(csv.DictReader(file), 2)
        return
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path} line {number} is not JSON: {error}") from error
        if not isinstance(row, dict):
            raise ValueError(f"{path} line {number} is not a JSON object")
        yield number, row


def _encode(rows: list[dict[str, str]]) -> tuple[dict[str, tuple[str, ...]], dict[str, np.ndarray]]:
    """Names of values in the world's own order where they are the world's, else sorted; and the labels, -1 unknown."""
    seen: dict[str, set[str]] = {}
    for row in rows:
        for name, value in row.items():
            seen.setdefault(name, set()).add(value)
    vocabulary = {
        name: world.ATTRIBUTES[name]
        if name in world.ATTRIBUTES and values <= set(world.ATTRIBUTES[name])
        else tuple(sorted(values))
        for name, values in sorted(seen.items())
    }
    labels = {}
    for name, values in vocabulary.items():
        index = {value: number for number, value in enumerate(values)}
        labels[name] = np.array([index.get(row.get(name), -1) for row in rows], np.int32)
    return vocabulary, labels


def _digest(parts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogateescape") + b"\n")
    return digest.hexdigest()[:16]


def _fingerprint(root: Path, entries: list[Entry], size: tuple[int, int]) -> str:
    parts = [f"{DECODER} {size}"]
    for file, _, _ in entries:
        stat = file.stat() if file.exists() else None
        parts.append(f"{file} {stat.st_size} {stat.st_mtime_ns}" if stat else str(file))
    return _digest([str(root), *parts])


def _decode_missing(
    folder: Path, entries: list[Entry], size: tuple[int, int], name: str, progress: bool
) -> list[tuple[str, str]]:
    """Fills the cache; returns the bad files of all shards, (path, reason)."""
    from tqdm import tqdm

    missing = [part for part in ranges(len(entries)) if not _is_done(folder, *part)]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        check_space(folder, sum(stop - start for start, stop in missing) * size[0] * size[1] * 3)
    hide = None if progress and missing else True
    total = sum(stop - start for start, stop in missing)
    with (
        warnings.catch_warnings(action="ignore"),  # Pillow's, about files that are then read or refused with a reason
        ThreadPoolExecutor(workers.cores()) as pool,  # Pillow lets other threads run while it decodes and resizes
        tqdm(total=total, desc=f"reading {name}", unit=" pictures", disable=hide, leave=False) as bar,
    ):
        for start, stop in missing:
            images = np.zeros((stop - start, *size, 3), np.uint8)
            files = [file for file, _, _ in entries[start:stop]]
            bad = []
            for row, result in enumerate(pool.map(lambda file: _try(file, size), files)):
                if isinstance(result, BadImage):
                    bad.append((str(files[row]), str(result)))
                else:
                    images[row] = result
                bar.update()
            write_shard(folder, "images", start, images)
            with atomic_write(_bad_path(folder, start, stop)) as file:
                file.write(json.dumps(bad).encode())
    return [
        (path, reason)
        for part in ranges(len(entries))
        for path, reason in json.loads(_bad_path(folder, *part).read_text("utf-8"))
    ]


def _try(file: Path, size: tuple[int, int]) -> np.ndarray | BadImage:
    try:
        return decode(file, size)
    except BadImage as error:
        return error


def _bad_path(folder: Path, start: int, stop: int) -> Path:
    return shard_path(folder, "images", start, stop).with_suffix(".bad.json")


def _is_done(folder: Path, start: int, stop: int) -> bool:
    return _bad_path(folder, start, stop).is_file() and is_sound(folder, "images", start, stop)

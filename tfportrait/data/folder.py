"""A folder of pictures: metadata.jsonl or metadata.csv, photo.jpg + photo.txt, or one folder a class.

Captions and attributes are looked for in this order:

1. `metadata.jsonl` or `metadata.csv`: `file_name` (relative to it), `text` and any `text_*` (other wordings or
   languages, one is drawn each epoch); in `metadata.jsonl` also `attributes` (a dict, name -> value) and `hidden` (a
   list of those that cannot be seen: their label is -1).
2. A `photo.txt` beside `photo.jpg`: one caption a line, one is drawn each epoch.
3. One folder a class: its name is the caption ("_" read as a space) and the attribute `class`.

The folder may have `train`, `validation` (or `val`) and `test` folders; one without them is all `train`.
"""

import csv
import json
import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import numpy as np

from tfportrait import world
from tfportrait.data.decode import SUFFIXES
from tfportrait.data.pictures import Listing, digest, fixed_captions

SPLITS = {"train": ("train", "training"), "validation": ("validation", "val", "valid", "dev"), "test": ("test",)}
_METADATA = ("metadata.jsonl", "metadata.csv")
Entry = tuple[Path, list[str], dict[str, str]]  # the file, its captions, its attributes


def listing(root: Path, split: str) -> Listing:
    """The pictures of a folder (layouts as above).

    Raises: ValueError if the split or the metadata is bad, or there are no pictures.
    """
    entries, missing = _read_entries(_split_folder(root, split))
    if not entries:
        raise ValueError(f"no pictures ({', '.join(SUFFIXES)}) in {root}" + (f" for {split}" if missing else ""))
    texts = [texts for _, texts, _ in entries]
    attributes, labels = _encode([attributes for _, _, attributes in entries])
    return Listing(
        root=root,
        files=[file.relative_to(root).as_posix() for file, _, _ in entries],
        captions=fixed_captions(texts),
        text_key=digest(map(str, texts)),
        attributes=attributes,
        labels=labels,
        without_caption=np.array([not any(options) for options in texts]),
        missing=[file.relative_to(root).as_posix() for file in missing],
    )


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

"""ImageNet (Russakovsky et al. 2015): the raw folders of synsets, and captions from the synsets' names.

`train/n01440764/*.JPEG`, and `val/` sorted in the same way or flat beside `LOC_val_solution.csv`; the folders may be
in `ILSVRC/Data/CLS-LOC/`, or the synsets directly in the folder. A list of names (`LOC_synset_mapping.txt`,
`synset_words.txt` or `words.txt`) goes before the one that ships with the package.
"""

import csv
import functools
import re
from importlib import resources
from pathlib import Path

import numpy as np

from tfportrait.data.decode import SUFFIXES
from tfportrait.data.pictures import Listing, digest

SPLITS = {"train": ("train",), "validation": ("val", "validation"), "test": ("test",)}
_SYNSET = re.compile(r"n\d{8}")
_WORDS = ("LOC_synset_mapping.txt", "synset_words.txt", "words.txt")
_VALIDATION = "LOC_val_solution.csv"
_PATTERNS = ("a photo of {a}", "{a}", "a photograph of {a}", "{n}, photo", "a picture of {a}")


@functools.cache
def shipped_words() -> dict[str, str]:
    """The names of the 1,000 synsets of the challenge, from WordNet."""
    text = (resources.files(__package__) / "imagenet_words.txt").read_text("utf-8")
    return dict(line.split(" ", 1) for line in text.splitlines() if _SYNSET.match(line))


def caption(name: str, draw: int) -> str:
    """A caption for a thing's name, its wording settled by a 64-bit number."""
    article = "an" if name[:1].lower() in "aeiou" else "a"
    return _PATTERNS[draw % len(_PATTERNS)].format(a=f"{article} {name}", n=name)


def class_captions(names: list[str], labels: np.ndarray):
    """Captions of class labels, int (n,), -1 unknown: the empty caption. Returns: callable as `Listing.captions`."""

    def write(rows: np.ndarray, draws: np.ndarray) -> list[str]:
        return [
            caption(names[labels[row]], int(draw)) if labels[row] >= 0 else ""
            for row, draw in zip(rows, draws, strict=True)
        ]

    return write


def labelled(names: list[str], labels: np.ndarray) -> Listing:
    """A listing of pictures of these classes, labels int32 (n,), -1 unknown; its files are still to be named."""
    return Listing(
        root=Path(),
        files=[],
        captions=class_captions(names, labels),
        text_key=digest([*names, labels.tobytes().hex()]),
        attributes={"class": tuple(names)},
        labels={"class": labels},
        without_caption=labels < 0,
    )


def is_layout(root: Path) -> bool:
    """Whether a folder has ImageNet's folders of synsets."""
    return any(_synsets(place) for place in (root, *_split_folders(root).values()))


def listing(root: Path, split: str) -> Listing:
    """The pictures of a split.

    Raises: ValueError if the folder has no such split, or a list in it is damaged.
    """
    folders = _split_folders(root) or {"train": root}
    if split not in folders:
        raise ValueError(f"imagenet in {root} has no split {split!r}; it has {', '.join(folders)}")
    folder = folders[split]
    words = {**shipped_words(), **_read_words(root)}
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    synsets = [path.parent.name if _SYNSET.fullmatch(path.parent.name) else None for path in files]
    if split == "validation" and not any(synsets):
        solution = _read_solution(root)
        synsets = [solution.get(path.stem) for path in files]
    classes = sorted({synset for other in folders.values() for synset in _synsets(other)} | {s for s in synsets if s})
    index = {synset: number for number, synset in enumerate(classes)}
    labels = np.array([index.get(synset, -1) for synset in synsets], np.int32)
    names = [words.get(synset, synset).split(",")[0].strip() for synset in classes]
    made = labelled(names, labels)
    made.root, made.files = root, [path.relative_to(root).as_posix() for path in files]
    return made


def _split_folders(root: Path) -> dict[str, Path]:
    places = [root, root / "ILSVRC" / "Data" / "CLS-LOC", root / "Data" / "CLS-LOC"]
    return {
        split: next(place / name for place in places for name in names if (place / name).is_dir())
        for split, names in SPLITS.items()
        if any((place / name).is_dir() for place in places for name in names)
    }


def _synsets(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if _SYNSET.fullmatch(path.name) and path.is_dir()]


def _read_words(root: Path) -> dict[str, str]:
    path = next((root / name for name in _WORDS if (root / name).is_file()), None)
    if path is None:
        return {}
    pairs = [re.split(r"[\t ]+", line.strip(), maxsplit=1) for line in path.read_text("utf-8", "replace").splitlines()]
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2 and _SYNSET.fullmatch(pair[0])}


def _read_solution(root: Path) -> dict[str, str]:
    """Picture -> synset, from Kaggle's list of the validation split."""
    path = root / _VALIDATION
    if not path.is_file():
        return {}
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = {row.get("ImageId"): (row.get("PredictionString") or "").split() for row in csv.DictReader(file)}
    return {name: boxes[0] for name, boxes in rows.items() if name and boxes and _SYNSET.fullmatch(boxes[0])}

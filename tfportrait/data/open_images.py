"""Open Images (Kuznetsova et al. 2020): a folder with its label lists, and captions from the labels' names.

`train/`, `validation/` and `test/` hold `<ImageID>.jpg`; beside them, or in `annotations/`, `labels/` or `metadata/`,
stand the lists as they are distributed: `train-annotations-human-imagelabels.csv`,
`...-machine-imagelabels.csv`, `...-bbox.csv` (any of them, with or without `oidv6-` or such in front) and
`class-descriptions.csv`. Without the last, the 601 classes that have boxes are known. The splits are the official ones.
"""

import csv
import functools
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path

import numpy as np

from tfportrait.data.decode import SUFFIXES
from tfportrait.data.pictures import Listing, digest

SPLITS = ("train", "validation", "test")
_PLACES = (".", "annotations", "labels", "metadata")
_HUMAN, _MACHINE = 0.5, 0.8  # from this confidence on, a person's or a machine's label is believed
_MOST = 5  # names in a caption
_PATTERNS = ("a photo of {n}", "{n}", "a photograph: {n}", "{n}, photo", "a picture with {n}")


@functools.cache
def shipped_words() -> dict[str, str]:
    """The names of the 601 classes that have boxes, by their ids."""
    text = (resources.files(__package__) / "open_images_words.csv").read_text("utf-8")
    return {row[0]: row[1] for row in csv.reader(text.splitlines()) if row and row[0].startswith("/m/")}


def caption(names: Sequence[str], draw: int) -> str:
    """A caption that names some of the things in a picture; which, and how, a 64-bit number settles."""
    if not names:
        return ""
    random = np.random.default_rng(draw)
    count = int(random.integers(1, min(len(names), _MOST) + 1))
    chosen = [names[i] for i in sorted(random.permutation(len(names))[:count])]
    listed = chosen[0] if count == 1 else f"{', '.join(chosen[:-1])} and {chosen[-1]}"
    return _PATTERNS[int(random.integers(len(_PATTERNS)))].format(n=listed)


def label_captions(labels: Sequence[Sequence[str]]):
    """Captions of lists of labels, empty for none. Returns: callable as `Listing.captions`."""

    def write(rows: np.ndarray, draws: np.ndarray) -> list[str]:
        return [caption(labels[row], int(draw)) for row, draw in zip(rows, draws, strict=True)]

    return write


def is_layout(root: Path) -> bool:
    """Whether a folder has Open Images' lists of labels."""
    return any(_lists(root, split) for split in SPLITS)


def listing(root: Path, split: str) -> Listing:
    """The pictures of a split.

    Raises: ValueError for another split, or a list that is damaged.
    """
    there = [name for name in SPLITS if _pictures(root, name)]
    if split not in there:
        raise ValueError(f"open_images in {root} has no pictures for {split!r}; it has {', '.join(there) or 'none'}")
    folder = _pictures(root, split)
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    believed = positive({path.stem for path in files}, _label_rows(_lists(root, split)))
    made = labelled([believed.get(path.stem, []) for path in files], _read_words(root))
    made.root, made.files = root, [path.relative_to(root).as_posix() for path in files]
    return made


def labelled(labels: Sequence[Sequence[str]], words: Mapping[str, str] | None = None) -> Listing:
    """A listing of pictures with these lists of label ids; its files are still to be named.

    Args:
        labels: sequence of sequences of str.
        words: mapping or None. Names of ids, besides those that ship.
    """
    known = {**shipped_words(), **(words or {})}
    names = [[known[label] for label in row if label in known] for row in labels]
    return Listing(
        root=Path(),
        files=[],
        captions=label_captions(names),
        text_key=digest(map(str, names)),
        without_caption=np.array([not row for row in names]),
    )


def positive(images: set[str], rows: Iterator[tuple[str, str, float, bool]]) -> dict[str, list[str]]:
    """The labels that hold for each picture: what a person says goes before what a machine says.

    Args:
        images: set of str. Only these.
        rows: of (picture, label, confidence from 0 to 1, whether a person said so).

    Returns: dict. Picture -> labels, in the order in which they were met.
    """
    by_person: dict[str, dict[str, bool]] = {}
    by_machine: dict[str, dict[str, bool]] = {}
    for image, label, confidence, person in rows:
        if image in images:
            said = (by_person if person else by_machine).setdefault(image, {})
            said[label] = said.get(label, False) or confidence >= (_HUMAN if person else _MACHINE)
    together = {image: {**by_machine.get(image, {}), **by_person.get(image, {})} for image in images}
    return {image: [label for label, holds in said.items() if holds] for image, said in together.items()}


def _pictures(root: Path, split: str) -> Path | None:
    return next(
        (root / name for name in (split, f"{split}/data", f"images/{split}") if _has_pictures(root / name)), None
    )


def _has_pictures(folder: Path) -> bool:
    return folder.is_dir() and any(path.suffix.lower() in SUFFIXES for path in folder.iterdir())


def _lists(root: Path, split: str) -> list[Path]:
    patterns = (f"*{split}-annotations-*imagelabels*.csv", f"*{split}-annotations-bbox*.csv")
    return sorted({path for place in _PLACES for pattern in patterns for path in (root / place).glob(pattern)})


def _label_rows(paths: list[Path]) -> Iterator[tuple[str, str, float, bool]]:
    for path in paths:
        person = "machine" not in path.name
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            try:
                columns = [header.index(name) for name in ("ImageID", "LabelName", "Confidence")]
            except ValueError:
                raise ValueError(f"{path}: its first line must name ImageID, LabelName and Confidence") from None
            for number, row in enumerate(reader, 2):
                try:
                    image, label, confidence = (row[column] for column in columns)
                    yield image, label, float(confidence), person
                except (IndexError, ValueError):
                    raise ValueError(f"{path} line {number} is damaged") from None


def _read_words(root: Path) -> Mapping[str, str]:
    words: dict[str, str] = {}
    for path in sorted(path for place in _PLACES for path in (root / place).glob("*class-descriptions*.csv")):
        with open(path, encoding="utf-8-sig", newline="") as file:
            words.update({row[0]: _lowered(row[1]) for row in csv.reader(file) if len(row) > 1 and row[0][:1] == "/"})
    return words


def _lowered(name: str) -> str:
    """ "Human face" as it stands in a sentence; names such as "USB" stay."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]

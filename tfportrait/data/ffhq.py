"""FFHQ (Karras et al. 2019): 70,000 aligned faces, `images1024x1024/` or `thumbnails128x128/`, without captions.

The folders `00000/`, `01000/`, ... hold `00000.png` and so on; pictures directly in them are found too. The splits are
the official ones: the first 60,000 train, the rest validation, or what `ffhq-dataset-v2.json` says.
"""

import json
from pathlib import Path

import numpy as np

from tfportrait.data.pictures import Listing, digest, fixed_captions

SPLITS = {"train": "training", "validation": "validation"}
FOLDERS = {"thumbnails128x128": 128, "images1024x1024": 1024}  # and the side of their pictures
INDEX = "ffhq-dataset-v2.json"
TRAIN = 60_000


def is_layout(root: Path) -> bool:
    """Whether a folder is FFHQ's, or one of its two folders of pictures."""
    return root.name in FOLDERS or any((root / name).is_dir() for name in FOLDERS)


def listing(root: Path, split: str, size: tuple[int, int]) -> Listing:
    """The pictures of a split, from the smaller copies if those are large enough.

    Raises: ValueError for another split, or a damaged index.
    """
    if split not in SPLITS:
        raise ValueError(f"ffhq has no split {split!r}; it has {', '.join(SPLITS)}")
    if root.name in FOLDERS:
        root = root.parent
    there = [name for name in FOLDERS if (root / name).is_dir()]
    name = next((name for name in there if FOLDERS[name] >= max(size)), there[-1])
    kinds = _read_index(root)
    files, unlabelled = [], []
    for path in sorted((root / name).rglob("*.png")):
        number = int(path.stem) if path.stem.isascii() and path.stem.isdigit() else None
        kind = "training" if number is not None and number < TRAIN else "validation"
        if kinds is not None:
            kind = kinds.get(number)
        relative = path.relative_to(root).as_posix()
        if kind == SPLITS[split] and number is not None:
            files.append(relative)
        elif kind is None or number is None:
            unlabelled.append(relative)
    stems = {int(Path(file).stem) for file in files}
    wanted = [number for number, kind in (kinds or {}).items() if kind == SPLITS[split] and number not in stems]
    return Listing(
        root=root,
        files=files,
        captions=fixed_captions([[]] * len(files)),
        text_key=digest(["none"]),
        without_caption=np.ones(len(files), bool),
        missing=[f"{name}/{number - number % 1000:05d}/{number:05d}.png" for number in wanted],
        unlabelled=unlabelled,
    )


def _read_index(root: Path) -> dict[int, str] | None:
    path = root / INDEX
    if not path.is_file():
        return None
    try:
        return {int(number): entry["category"] for number, entry in json.loads(path.read_text("utf-8")).items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged ({error}); fetch it again, or delete it") from error

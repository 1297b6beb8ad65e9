"""The one door to data: a name, a path or a mixture becomes a source. Light: TensorFlow only where a name needs it."""

import difflib
import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfportrait.data.mixture import Mixture
from tfportrait.data.source import Source

# Worlds that are drawn: name -> "module:class", called with (split, image_size=, count=, ...).
WORLDS = {
    "portrait_world": "tfportrait.data.worlds:PortraitWorld",
    "scene_world": "tfportrait.data.worlds:SceneWorld",
}
# Data sets by name: what TensorFlow Datasets calls them, or None where it has them not.
NAMES = {
    "celeb_a": "celeb_a",
    "ffhq": None,
    "open_images": "open_images_v4/200k",
    "imagenet": "imagenet2012",
    "imagenet_resized": "imagenet_resized/64x64",
}
TFDS = "tfds:"
# Layouts of folders, the first that knows its own; any folder at all is the last one's.
LAYOUTS = ("celeb_a", "ffhq", "open_images", "imagenet", "folder")
_FFHQ = (
    "FFHQ is not in TensorFlow Datasets: fetch thumbnails128x128 or images1024x1024 by the links on "
    "https://github.com/NVlabs/ffhq-dataset and give the folder that they are in"
)


def open_source(
    name_or_path: str | os.PathLike | Mapping[str, float],
    split: str = "train",
    *,
    image_size: int | tuple[int, int],
    **options: Any,
) -> Source:
    """Opens a data set with random access.

    Args:
        name_or_path: str or path, or a mapping of such to weights, which mixes them (`Mixture`). A name
            ("portrait_world", "scene_world", "celeb_a", "ffhq", "open_images", "imagenet", "imagenet_resized",
            "tfds:NAME" for any other of TensorFlow Datasets), or the path of a folder whose layout is recognised: the
            raw distributions of CelebA, FFHQ, Open Images and ImageNet, or an image folder.
        split: str. "train", "validation" or "test"; of "tfds:NAME", any of its own.
        image_size: int or (height, width).
        **options: `count` (take only so many examples); of pictures also `crop` ("center" or "face"), `upsample`,
            `max_bad_fraction`, `progress`; of names also `data_dir` (where it is) and `download`; of worlds `workers`.

    Returns: Source.

    Raises: ValueError if there is no such source or split, or its pictures are too many of them bad.
    """
    if isinstance(name_or_path, Mapping):
        parts = {name: _options(name) for name in _weighed(name_or_path)}
        _check_known(" + ".join(parts), options, set().union(*parts.values()))
        return Mixture(
            {
                name: open_source(name, split, image_size=image_size, **{o: options[o] for o in options if o in takes})
                for name, takes in parts.items()
            },
            name_or_path,
        )
    name = str(name_or_path)
    _check_known(name, options, _options(name))
    if name in WORLDS:
        module, _, cls = WORLDS[name].partition(":")
        return getattr(importlib.import_module(module), cls)(split, image_size=image_size, **options)
    from tfportrait.data.pictures import Pictures, check_options

    size = check_options(
        image_size, options.get("count"), options.get("crop", "center"), options.get("max_bad_fraction", 0.05)
    )
    where = {key: options.pop(key) for key in ("data_dir", "download") if key in options}
    if name in NAMES or name.startswith(TFDS):
        listing = _named(name, split, size, **where)
    elif (root := Path(name_or_path).expanduser()).is_dir():
        listing = _folder(root.resolve(), split, size)
    else:
        raise ValueError(_unknown(name_or_path))
    return Pictures(name, listing, image_size=image_size, **options)


def layout_of(root: Path) -> str:
    """Which of `LAYOUTS` a folder has."""
    for name in LAYOUTS[:-1]:
        if importlib.import_module(f"tfportrait.data.{name}").is_layout(root):
            return name
    return LAYOUTS[-1]


def _folder(root: Path, split: str, size: tuple[int, int]):
    layout = layout_of(root)
    module = importlib.import_module(f"tfportrait.data.{layout}")
    if layout == "ffhq":  # it comes in two sizes
        return module.listing(root, split, size)
    return module.listing(root, split)


def _named(name: str, split: str, size: tuple[int, int], *, data_dir: str | None = None, download: bool = True):
    root = Path(data_dir).expanduser() if data_dir else None
    if root is not None and root.is_dir() and layout_of(root) == name:
        return _folder(root.resolve(), split, size)
    of_tfds = name.removeprefix(TFDS) if name.startswith(TFDS) else NAMES[name]
    if of_tfds is None:
        raise ValueError(_FFHQ if root is None else f"{root} has not the folders of {name}. {_FFHQ}")
    from tfportrait.data import tfds

    return tfds.listing(of_tfds, split, data_dir=data_dir, download=download)


def _options(name: str) -> set[str]:
    if name in WORLDS:
        return {"count", "workers", "progress"}
    where = {"data_dir", "download"} if name in NAMES or name.startswith(TFDS) else set()
    return {"count", "crop", "upsample", "max_bad_fraction", "progress", *where}


def _check_known(name: str, options: Mapping[str, Any], known: set[str]) -> None:
    if wrong := [option for option in options if option not in known]:
        raise ValueError(f"{name} takes no {wrong[0]!r}; it takes {', '.join(sorted(known))}")


def _weighed(weights: Mapping[str, float]) -> list[str]:
    wrong = [name for name, weight in weights.items() if not (isinstance(weight, (int, float)) and weight >= 0)]
    if wrong:
        raise ValueError(f"the weight of {wrong[0]} must be a number of at least 0, got {weights[wrong[0]]!r}")
    if not sum(weights.values()) > 0:
        raise ValueError(f"the weights of a mixture must not sum to zero, got {dict(weights)}")
    return [name for name, weight in weights.items() if weight > 0]


def _unknown(name: str | os.PathLike) -> str:
    known = [*WORLDS, *NAMES]
    near = difflib.get_close_matches(str(name), known, 1, 0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return (
        f"no data set or folder {str(name)!r}; {hint}data sets: {', '.join(known)}, tfds:NAME, or the path of a "
        "folder of pictures"
    )

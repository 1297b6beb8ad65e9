"""Renders portraits into an image folder with captions, on all cores."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from tfportrait import workers as processes
from tfportrait.files import atomic_write, check_space, check_writable_folder

from .portrait import sample
from .render import SIZES

METADATA = "metadata.jsonl"
_JOB = 32  # portraits a worker renders at a time: enough to keep it busy, few enough for a smooth bar


def write(
    directory: str | os.PathLike,
    count: int,
    size: int,
    *,
    seed: int = 0,
    workers: int | None = None,
    progress: bool = True,
) -> Path:
    """Writes the portraits of the seeds `seed` to `seed + count - 1` as an image folder with `metadata.jsonl`.

    A line of the metadata is a JSON object with `file_name`, `text` (English), `text_zh` (Chinese), `named` and
    `named_zh` (the attributes that each text names), `attributes`, `hidden` (those of them that cannot be told from the
    picture) and `seed`. The folder is written whole or not at all: after an error or Ctrl-C nothing of it is left.

    Args:
        directory: str or path. Made if it is missing; must be empty.
        count: int, at least 1.
        size: int. Side of the pictures, 32 to 512.
        seed: int. The first portrait's seed. Defaults to 0.
        workers: int. Number of processes. Defaults to None: one a core.
        progress: bool. Whether to show a bar on a terminal.

    Returns: the directory.

    Raises: ValueError for a bad count, size, seed or number of workers, and for a directory that is not empty or cannot
        be written to; OSError if the disk is full.
    """
    _check(count, size, seed, workers)
    directory = Path(directory).expanduser()
    if directory.is_dir() and any(directory.iterdir()):
        raise ValueError(f"cannot write portraits to {directory}: it is not empty; choose an empty or a new folder")
    made = _first_missing(directory)
    try:
        check_writable_folder(directory)
        check_space(directory, count * size * size)
        _render(directory, int(count), int(size), int(seed), workers, progress)
    except BaseException:
        _remove(directory, made)
        raise
    return directory


def _check(count: int, size: int, seed: int, workers: int | None) -> None:
    for name, value, low, high in (
        ("count", count, 1, 2**40),
        ("size", size, SIZES.start, SIZES.stop - 1),
        ("seed", seed, 0, 2**63 - 1),
    ):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
            raise ValueError(f"{name} must be an integer from {low} to {high}, got {value!r}")
    if seed + count > 2**63:
        raise ValueError(f"seed must be an integer from 0 to {2**63 - int(count)} for {count} portraits, got {seed}")
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")


def _first_missing(directory: Path) -> Path | None:
    """The topmost folder that has to be made for `directory`, None if it exists."""
    missing = None
    for folder in (directory, *directory.parents):
        if folder.exists():
            break
        missing = folder
    return missing


def _remove(directory: Path, made: Path | None) -> None:
    """Takes away what this call made, and only that."""
    if made is not None:
        shutil.rmtree(made, ignore_errors=True)
    elif directory.is_dir():
        for path in directory.iterdir():
            path.unlink()


def _render(directory: Path, count: int, size: int, seed: int, workers: int | None, progress: bool) -> None:
    from tqdm import tqdm

    step = min(_JOB, -(-count // (workers or processes.cores())))
    jobs = [
        {
            "folder": str(directory),
            "size": size,
            "seed": seed,
            "start": start,
            "stop": min(start + step, count),
            "count": count,
        }
        for start in range(0, count, step)
    ]
    rows: list[dict] = []
    hide = None if progress else True  # None: on a terminal only
    with tqdm(total=count, desc=f"rendering {size} px", unit=" portraits", disable=hide, leave=False) as bar:
        for done in processes.run("tfportrait.world.write:render_job", jobs, workers=workers):
            rows += done
            bar.update(len(done))
    rows.sort(key=lambda row: row["seed"])
    with atomic_write(directory / METADATA) as file:
        file.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())


def render_job(folder: str, size: int, seed: int, start: int, stop: int, count: int) -> list[dict]:
    """Renders the portraits `start` to `stop` of a folder of `count`. Returns their rows of the metadata."""
    digits = len(str(count - 1))
    rows = []
    for index in range(start, stop):
        portrait = sample(seed + index)
        name = f"{index:0{digits}d}.png"
        with atomic_write(Path(folder) / name) as file:
            Image.fromarray(portrait.render(size)).save(file, format="PNG", compress_level=4)
        english, chinese = portrait.caption("en", seed=index), portrait.caption("zh", seed=index)
        rows.append(
            {
                "file_name": name,
                "text": str(english),
                "text_zh": str(chinese),
                "named": list(english.named),
                "named_zh": list(chinese.named),
                "attributes": portrait.attributes,
                "hidden": [key for key in portrait.attributes if key not in portrait.visible],
                "seed": portrait.seed,
            }
        )
    return rows

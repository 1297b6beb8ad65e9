"""The procedural worlds as data sets: rendered once on all cores, then read through memory maps."""

import ast
import functools
import hashlib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import numpy as np

from tfportrait import workers, world
from tfportrait.data.order import draws
from tfportrait.data.shards import Shards, is_sound, ranges, write_shard
from tfportrait.data.source import Report, Source
from tfportrait.files import cache_dir, check_space
from tfportrait.world import scenes

# The portrait seeds of a split. They never meet: a split has less than 2**40 portraits.
FIRST_SEED = {"train": 0, "validation": 2**40, "test": 2**41}
DEFAULT_COUNT = {"train": 20_000, "validation": 2_000, "test": 2_000}
# Modules of a world that settle its attributes, those that word its captions, and those that change neither pictures
# nor captions.
_SAMPLING = ("attributes", "portrait", "scene")
_CAPTIONS = ("captions", "lexicon")
_NEITHER = ("__init__", "choice", "motion", "write", "reading", "synonyms", "photographs")


class DrawnWorld(Source):
    """`count` pictures of a split of a world, with captions in English and Chinese that are new in every epoch.

    Picture i of a split is drawn from seed `FIRST_SEED[split] + i`, on every machine. What is missing from the cache is
    rendered when the object is made; an interrupted rendering goes on where it stopped, and a larger count reuses a
    smaller one's pictures.

    Args:
        split: str. "train", "validation" or "test".
        image_size: int. Side of the square pictures, 32 to 512.
        count: int. Number of pictures. Defaults to None: 20,000 for train, 2,000 for the others.
        workers: int. Processes that render. Defaults to None: one a core.
        progress: bool. Show a bar on a terminal while rendering.

    Raises: ValueError for another split, size or count; OSError if the disk has no room for the pictures.
    """

    def __init__(
        self,
        split: str = "train",
        *,
        image_size: int,
        count: int | None = None,
        workers: int | None = None,
        progress: bool = True,
    ):
        if split not in FIRST_SEED:
            raise ValueError(f"{self.name} has no split {split!r}; it has {', '.join(FIRST_SEED)}")
        height, width = (image_size, image_size) if isinstance(image_size, (int, np.integer)) else image_size
        if height != width or not 32 <= height <= 512:
            nearest = min(max(min(height, width), 32), 512)
            raise ValueError(
                f"{self.name} draws squares of 32 to 512 pixels, got image_size={image_size!r}; nearest: {nearest}"
            )
        count = DEFAULT_COUNT[split] if count is None else count
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or not 0 < count < 2**40:
            raise ValueError(f"count must be an integer of at least 1, got {count!r}")
        self.first_seed, self._count = FIRST_SEED[split], int(count)
        version = drawing_version(self.name)
        self.fingerprint = f"{self.name}-{version}-{split}-{height}px-{count}"
        self.text_fingerprint = f"{self.name}-{text_version(self.name)}-{split}-{count}"
        self.report = Report(total=self._count)
        folder = cache_dir() / self.name / version / f"{split}-{height}px"
        _render_missing(self, folder, int(height), workers, progress)
        self._images = Shards(folder, "images", self._count)
        self._labels = Shards(folder, "labels", self._count)

    def __len__(self) -> int:
        return self._count

    def drawn(self, index: int) -> world.Portrait | scenes.Scene:
        """What an example is a picture of."""
        return world.WORLDS[self.name].sample(self.first_seed + int(index))

    def images(self, indices: np.ndarray) -> np.ndarray:
        return self._images[indices]

    def labels(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        rows = self._labels[indices].astype(np.int32)
        return {name: rows[:, column] for column, name in enumerate(self.attributes)}

    def captions(self, indices: np.ndarray, *, epoch: int = 0, seed: int = 0) -> list[str]:
        return [
            str(drawn_caption(self.drawn(index), draw))
            for index, draw in zip(indices, draws(seed, epoch, indices), strict=True)
        ]

    def caption_chunks(self, parts: list[tuple[int, int]], variants: int, seed: int) -> Iterator[tuple[int, list]]:
        jobs = [
            {
                "name": self.name,
                "start": start,
                "stop": stop,
                "first_seed": self.first_seed,
                "variants": variants,
                "seed": seed,
            }
            for start, stop in parts
        ]
        yield from workers.run("tfportrait.data.worlds:caption_job", jobs)


class PortraitWorld(DrawnWorld):
    """The world of portraits, see `DrawnWorld`."""

    name = "portrait_world"
    attributes = world.ATTRIBUTES


class SceneWorld(DrawnWorld):
    """The world of scenes, see `DrawnWorld`."""

    name = "scene_world"
    attributes = scenes.ATTRIBUTES


def drawn_caption(drawn: world.Portrait | scenes.Scene, draw: int) -> world.Caption:
    """A caption that a 64-bit number settles: English or Chinese, evenly, and its wording."""
    return drawn.caption("zh" if int(draw) & 1 else "en", seed=int(draw) >> 1)


def caption_job(
    name: str, start: int, stop: int, first_seed: int, variants: int, seed: int
) -> tuple[int, list[list[str]]]:
    """Captions of pictures start..stop for the epochs 0..variants, each sampled once."""
    indices = np.arange(start, stop)
    columns = [draws(seed, epoch, indices) for epoch in range(variants)]
    rows = []
    for row, index in enumerate(indices):
        drawn = world.WORLDS[name].sample(first_seed + int(index))
        rows.append([str(drawn_caption(drawn, column[row])) for column in columns])
    return start, rows


def render_job(name: str, folder: str, size: int, start: int, stop: int, first_seed: int) -> int:
    """Renders one shard: labels first, so that the images' file shows that both are there. Returns its length."""
    attributes = SOURCES[name].attributes
    images = np.empty((stop - start, size, size, 3), np.uint8)
    labels = np.empty((stop - start, len(attributes)), np.int8)
    for row in range(stop - start):
        drawn = world.WORLDS[name].sample(first_seed + start + row)
        images[row] = drawn.render(size)
        chosen = drawn.attributes
        labels[row] = [
            values.index(chosen[attribute]) if attribute in drawn.visible else -1
            for attribute, values in attributes.items()
        ]
    write_shard(folder, "labels", start, labels)
    write_shard(folder, "images", start, images)
    return stop - start


def _render_missing(source: DrawnWorld, folder: Path, size: int, processes: int | None, progress: bool) -> None:
    missing = [
        part
        for part in ranges(len(source))
        if not (is_sound(folder, "images", *part) and is_sound(folder, "labels", *part))
    ]
    if not missing:
        return
    from tqdm import tqdm

    folder.mkdir(parents=True, exist_ok=True)
    pictures = sum(stop - start for start, stop in missing)
    check_space(folder, pictures * (size * size * 3 + len(source.attributes)))
    shared = {"name": source.name, "folder": str(folder), "size": size, "first_seed": source.first_seed}
    jobs = [{**shared, "start": start, "stop": stop} for start, stop in missing]
    hide = None if progress else True  # None: on a terminal only
    with tqdm(total=pictures, desc=f"rendering {size} px", unit=" pictures", disable=hide, leave=False) as bar:
        for done in workers.run("tfportrait.data.worlds:render_job", jobs, workers=processes):
            bar.update(done)


SOURCES = {source.name: source for source in (PortraitWorld, SceneWorld)}


@functools.cache
def drawing_version(name: str) -> str:
    """Names a world's drawing code: it changes with every change that could change a picture or its labels."""
    return _version(name, text=False)


@functools.cache
def text_version(name: str) -> str:
    """Names the caption grammar in the same way (and the sampling of attributes, which the captions follow)."""
    return _version(name, text=True)


def _version(name: str, text: bool) -> str:
    digest = hashlib.sha256()
    renderer = "" if text else metadata.version("resvg_py")
    digest.update(renderer.encode())
    of_portraits = Path(world.__file__).parent
    folders = [of_portraits] if name == "portrait_world" else [of_portraits, of_portraits / "scenes"]
    for path in [path for folder in folders for path in sorted(folder.glob("*.py"))]:
        if path.stem not in _SAMPLING + _CAPTIONS if text else path.stem in _CAPTIONS + _NEITHER:
            continue
        # The syntax tree has no comments and no layout: a reworded comment renders nothing anew.
        digest.update(path.stem.encode() + ast.dump(ast.parse(path.read_text("utf-8"))).encode())
    return digest.hexdigest()[:12]

"""Any data set of TensorFlow Datasets with an image feature, with captions from what else its examples have.

CelebA's attributes, ImageNet's and Open Images' labels are read as in their raw distributions; of other data sets, the
feature `label` (its class names) or a text feature (`caption`, `text`, `title`, ...) becomes the caption.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfportrait.data import celeb_a, imagenet, open_images
from tfportrait.data.pictures import Listing, digest, fixed_captions
from tfportrait.files import atomic_write, cache_dir

_TEXTS = ("caption", "captions", "text", "texts", "title", "description")
_SYNSET = re.compile(r"n\d{8}")
_BY_HAND = {
    "celeb_a": f"{celeb_a.SOURCE} instead of the name 'celeb_a'",
    "imagenet2012": "ImageNet wants an account: fetch ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar from "
    "https://image-net.org/download-images and put them into {manual}",
}


def listing(name: str, split: str, *, data_dir: str | None = None, download: bool = True) -> Listing:
    """The pictures of a split.

    Args:
        name: str. As `tfds.load` takes it, such as "cats_vs_dogs" or "imagenet_resized/64x64".
        split: str. One of the data set's own.
        data_dir: str or None. Where it is, or goes. Defaults to None: TensorFlow Datasets' own folder.
        download: bool. Fetch it where it is not there yet.

    Raises: ValueError if there is no such data set or split, it has no pictures, or the download is refused (says
        what to fetch by hand).
    """
    from tfportrait.data.pipeline import import_tensorflow

    import_tensorflow()
    builder = _builder(name, data_dir)
    _prepare(builder, name, download)
    splits = list(builder.info.splits)
    if split not in splits:
        raise ValueError(f"{name} has no split {split!r}; it has {', '.join(splits)}")
    reader = _Reader(builder, split)
    count = builder.info.splits[split].num_examples
    key = f"{builder.info.full_name} {builder.data_dir} {split} {count}"
    folder = cache_dir() / "tfds" / digest([key])
    if not (folder / "rows.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        rows = [reader.facts(example) for example in reader.examples(0)]
        with atomic_write(folder / "rows.json") as file:
            file.write(json.dumps(rows).encode())
    rows = json.loads((folder / "rows.json").read_text("utf-8"))
    made = reader.listing(rows)
    made.root, made.files = Path(builder.info.full_name) / split, [str(row) for row in range(len(rows))]
    made.key, made.read = key, reader.read
    return made


def _builder(name: str, data_dir: str | None):
    import tensorflow_datasets as tfds

    try:
        return tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError as error:
        import difflib

        near = difflib.get_close_matches(name, tfds.list_builders(), 3, 0.5)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        raise ValueError(f"TensorFlow Datasets has no {name!r}{hint}") from error
    except (ValueError, AttributeError) as error:
        raise ValueError(f"TensorFlow Datasets cannot open {name!r}: {error}") from error


def _prepare(builder: Any, name: str, download: bool) -> None:
    if len(builder.info.splits):
        return
    manual = Path(builder.data_dir).parents[1] / "downloads" / "manual"
    by_hand = _BY_HAND.get(builder.name, "fetch it by hand and give its folder as `data_dir`").format(manual=manual)
    if not download:
        raise ValueError(f"{name} is not in {builder.data_dir}. {by_hand}")
    try:
        builder.download_and_prepare()
    except Exception as error:  # TensorFlow Datasets has no common base for what goes wrong here
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(f"{name} cannot be fetched ({reason}). {by_hand}") from error


class _Reader:
    """Reads a split of a data set in its own order, pictures as they are encoded."""

    def __init__(self, builder: Any, split: str) -> None:
        import tensorflow_datasets as tfds

        self.builder, self.split = builder, split
        self.features = builder.info.features
        images = [name for name, feature in self.features.items() if isinstance(feature, tfds.features.Image)]
        if not images:
            raise ValueError(f"{builder.info.full_name} has no pictures; its features are {', '.join(self.features)}")
        self.image = "image" if "image" in images else images[0]
        self.kind = {"celeb_a": "celeb_a", "open_images_v4": "open_images"}.get(builder.name, "other")
        self._position, self._iterator = -1, iter(())

    def examples(self, start: int) -> Iterator[dict]:
        import tensorflow_datasets as tfds

        dataset = self.builder.as_dataset(
            split=self.split,
            shuffle_files=False,
            decoders={self.image: tfds.decode.SkipDecoding()},
            read_config=tfds.ReadConfig(interleave_cycle_length=1),
        )
        return iter(tfds.as_numpy(dataset.skip(start)))

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """The encoded pictures start..stop; parts that follow one another are read in one go."""
        if start != self._position:
            self._iterator = self.examples(start)
        for self._position in range(start + 1, stop + 1):
            yield next(self._iterator)[self.image]

    def facts(self, example: dict) -> Any:
        """What a listing needs of an example, without its picture."""
        if self.kind == "celeb_a":
            flags = "".join("1" if example["attributes"][name] else "0" for name in celeb_a.ATTRIBUTES)
            return [flags, [int(example["landmarks"][name]) for name in celeb_a.LANDMARKS]]
        if self.kind == "open_images":
            return self._things(example)
        if "label" in self.features and np.ndim(example["label"]) == 0 and hasattr(self.features["label"], "names"):
            return int(example["label"])
        texts = next((example[name] for name in _TEXTS if name in example), b"")
        return [text.decode("utf-8", "replace") for text in np.ravel(texts) if text]

    def _things(self, example: dict) -> list[str]:
        boxes, objects = self.features["bobjects"]["label"], self.features["objects"]["label"]
        rows = [("", boxes.int2str(int(label)), 1.0, True) for label in example["bobjects"]["label"]]
        sources = self.features["objects"]["source"]
        columns = (example["objects"][name] for name in ("label", "confidence", "source"))
        for label, confidence, source in zip(*columns, strict=True):
            person = "machine" not in sources.int2str(int(source))
            rows.append(("", objects.int2str(int(label)), int(confidence) / 10, person))
        return open_images.positive({""}, iter(rows))[""]

    def listing(self, rows: list) -> Listing:
        """Captions and labels of facts."""
        if self.kind == "celeb_a":
            labels = np.array([[int(flag) for flag in flags] for flags, _ in rows], np.int32)
            made = celeb_a.labelled(labels)
            made.boxes = celeb_a.face_boxes(np.array([points for _, points in rows]))
        elif self.kind == "open_images":
            made = open_images.labelled(rows)
        elif rows and isinstance(rows[0], int):
            names = self.features["label"].names
            if all(_SYNSET.fullmatch(name) for name in names):
                names = [imagenet.shipped_words().get(name, name) for name in names]
            made = imagenet.labelled([name.replace("_", " ") for name in names], np.array(rows, np.int32))
        else:
            blank = np.array([not texts for texts in rows])
            key = digest(map(str, rows))
            made = Listing(Path(), [], fixed_captions(rows), text_key=key, without_caption=blank)
        return made

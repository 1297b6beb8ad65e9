"""Data sets of TensorFlow Datasets: the real builders with their real schemas, prepared from a handful of examples."""

import importlib
import io
from unittest import mock

import layouts
import numpy as np
import pytest

from tfportrait.data import celeb_a, open_source

tfds = pytest.importorskip("tensorflow_datasets")


def encoded(number, size=(178, 218), form="JPEG"):
    file = io.BytesIO()
    layouts.picture(number, size).save(file, form, quality=95)
    return file.getvalue()


def prepare(folder, builder, splits, **config):
    """Writes splits (name -> list of examples) as the data set that a builder of TensorFlow Datasets reads."""
    module = importlib.import_module(f"tensorflow_datasets.{builder}")

    made = {name: iter(list(enumerate(rows))) for name, rows in splits.items()}
    with mock.patch.object(module.Builder, "_split_generators", lambda self, manager: made):
        module.Builder(data_dir=folder, **config).download_and_prepare()


@pytest.fixture
def celeb_a_prepared(tmp_path):
    def example(number):
        true = {"Smiling": number % 2, "Male": True, "Young": True}
        return {
            "image": io.BytesIO(encoded(number)),
            "attributes": {name: bool(true.get(name)) for name in celeb_a.ATTRIBUTES},
            "landmarks": dict(zip(celeb_a.LANDMARKS, map(int, layouts.LANDMARKS.split()), strict=True)),
            "identity": {"Identity_No": number},
        }

    folder = tmp_path / "tfds"
    splits = {"train": [example(n) for n in range(1, 6)], "validation": [example(7)], "test": [example(8)]}
    prepare(folder, "datasets.celeb_a.celeb_a_dataset_builder", splits)
    return folder


def test_celeb_a(celeb_a_prepared, tmp_path):
    source = open_source("celeb_a", image_size=64, data_dir=celeb_a_prepared, crop="face")
    greys = np.round(source.images(np.arange(5))[:, 8, 8, 0] / 20).astype(int)
    assert sorted(greys) == [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(source.labels(np.arange(5))["Smiling"], greys % 2)
    texts = [source.captions(np.arange(5), epoch=epoch) for epoch in range(40)]
    said = [any("smil" in text or "微笑" in text for text in column) for column in zip(*texts, strict=True)]
    np.testing.assert_array_equal(said, greys % 2)
    assert len(open_source("tfds:celeb_a", "test", image_size=64, data_dir=celeb_a_prepared)) == 1
    with pytest.raises(ValueError, match="celeb_a has no split 'val'; it has train, validation, test"):
        open_source("celeb_a", "val", image_size=64, data_dir=celeb_a_prepared)


def test_the_cache_is_read_again_without_the_pictures(celeb_a_prepared, monkeypatch):
    first = open_source("celeb_a", image_size=64, data_dir=celeb_a_prepared)
    monkeypatch.setattr("tfportrait.data.tfds._Reader.examples", None)
    again = open_source("celeb_a", image_size=64, data_dir=celeb_a_prepared)
    assert again.fingerprint == first.fingerprint
    np.testing.assert_array_equal(again.images(np.arange(5)), first.images(np.arange(5)))


def test_imagenets_synsets_have_names(tmp_path):
    names = (tfds.core.tfds_path() / "image_classification/imagenet_resized_labels.txt").read_text().split()
    rows = [{"image": np.full((64, 64, 3), 20 * n, np.uint8), "label": names.index("n01440764")} for n in range(3)]
    folder = tmp_path / "tfds"
    module = "datasets.imagenet_resized.imagenet_resized_dataset_builder"
    prepare(folder, module, {"train": rows, "validation": rows[:1]}, config="64x64")
    source = open_source("imagenet_resized", image_size=64, data_dir=folder)
    assert source.attributes["class"][source.labels(np.array([1]))["class"][0]] == "tench"
    assert all("tench" in text for text in source.captions(np.arange(3)))


def test_open_images_believes_people(tmp_path):
    def things(*labels):
        return [{"label": label, "source": source, "confidence": c} for label, source, c in labels]

    box = {"is_occluded": 0, "is_truncated": 0, "is_group_of": 0, "is_depiction": 0, "is_inside": 0}
    example = {
        "image": io.BytesIO(encoded(3)),
        "image/filename": "000a1.jpg",
        "objects": things(("/m/07j7r", "verification", 0), ("/m/07j7r", "machine", 9), ("/m/04bcr3", "machine", 9)),
        "objects_trainable": [],
        "bobjects": [{"label": "/m/01yrx", "source": "xclick", "bbox": tfds.features.BBox(0.0, 0.0, 1.0, 1.0), **box}],
    }
    folder = tmp_path / "tfds"
    module = "datasets.open_images_v4.open_images_v4_dataset_builder"
    prepare(folder, module, {"train": [example]}, config="200k")
    source = open_source("open_images", image_size=64, data_dir=folder)
    texts = {source.captions(np.array([0]), epoch=epoch)[0] for epoch in range(60)}
    assert {"a photo of table and cat", "cat", "table"} <= texts and not any("tree" in text for text in texts)


def test_other_data_sets_with_labels_or_texts(tmp_path):
    def prepared(name, features, rows):
        with tfds.core.registered.skip_registration():

            class Own(tfds.core.GeneratorBasedBuilder):
                VERSION = tfds.core.Version("1.0.0")
                pkg_dir_path = None

                def _info(self):
                    return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

                def _split_generators(self, manager):
                    return {"train": iter(list(enumerate(rows)))}

                def _generate_examples(self):
                    raise NotImplementedError

        Own.name = name
        Own(data_dir=tmp_path / "tfds").download_and_prepare()

    picture = np.full((40, 50, 3), 60, np.uint8)
    labels = {"image": tfds.features.Image(), "label": tfds.features.ClassLabel(names=["oil_painting", "sketch"])}
    prepared("own_labels", labels, [{"image": picture, "label": 1}, {"image": picture, "label": 0}])
    source = open_source("tfds:own_labels", image_size=32, data_dir=tmp_path / "tfds")
    assert source.attributes == {"class": ("oil painting", "sketch")}
    texts = {"picture": tfds.features.Image(), "captions": tfds.features.Sequence(tfds.features.Text())}
    prepared(
        "own_texts", texts, [{"picture": picture, "captions": ["one", "two"]}, {"picture": picture, "captions": []}]
    )
    source = open_source("tfds:own_texts", image_size=32, data_dir=tmp_path / "tfds")
    assert source.report.without_caption == 1
    found = {text for epoch in range(9) for text in source.captions(np.arange(2), epoch=epoch)}
    assert found == {"one", "two", ""}
    numbers = {"number": tfds.features.Scalar(np.int64)}
    prepared("own_numbers", numbers, [{"number": 1}])
    with pytest.raises(ValueError, match="own_numbers/1.0.0 has no pictures; its features are number"):
        open_source("tfds:own_numbers", image_size=32, data_dir=tmp_path / "tfds")


def test_a_refused_download_says_what_to_fetch_by_hand(tmp_path, monkeypatch):
    def refused(self, *args, **kwargs):
        raise OSError("Failed to get url https://drive.google.com/uc. HTTP code: 404, quota exceeded.")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", refused)
    with pytest.raises(ValueError, match="celeb_a cannot be fetched .*quota.*img_align_celeba.zip.*give that folder"):
        open_source("celeb_a", image_size=64, data_dir=tmp_path)
    with pytest.raises(ValueError, match=r"ILSVRC2012_img_train.tar .*downloads.manual"):
        open_source("imagenet", image_size=64, data_dir=tmp_path)
    with pytest.raises(ValueError, match="celeb_a is not in .*celeb_a.2.1.0. CelebA's own page"):
        open_source("celeb_a", image_size=64, data_dir=tmp_path, download=False)
    with pytest.raises(ValueError, match="TensorFlow Datasets has no 'cats_vs_dgs'; nearest: cats_vs_dogs"):
        open_source("tfds:cats_vs_dgs", image_size=64, data_dir=tmp_path)

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from tfportrait import world
from tfportrait.data import decode as decoding
from tfportrait.data import open_source


def picture(number):
    return np.full((20, 24, 3), number, np.uint8)


def everything(source):
    indices = np.arange(len(source))
    return source.images(indices), source.captions(indices), source.labels(indices)


def test_metadata_gives_captions_in_all_languages_and_attributes(captioned):
    source = open_source(captioned, image_size=16)
    images, _, labels = everything(source)
    np.testing.assert_array_equal(images[:, 3, 5, 0], 10 * np.arange(10))
    assert images.shape == (10, 16, 16, 3) and images.dtype == np.uint8
    seen = {text for epoch in range(12) for text in source.captions(np.array([4]), epoch=epoch)}
    assert seen == {"picture 4", "图片 4"}
    assert source.attributes == {"glasses": world.ATTRIBUTES["glasses"], "mood": ("good",)}
    np.testing.assert_array_equal(labels["glasses"], [0, 1] * 5)
    assert labels["mood"].dtype == np.int32


def test_metadata_csv_and_pictures_without_a_row(tmp_path):
    (tmp_path / "pictures").mkdir()
    for i in range(3):
        Image.fromarray(picture(i)).save(tmp_path / "pictures" / f"{i}.png")
    with open(tmp_path / "metadata.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([["file_name", "text"], ["pictures/1.png", "one, with a comma"], ["pictures/2.png", ""]])
    source = open_source(tmp_path, image_size=8)
    assert everything(source)[1] == ["", "one, with a comma", ""]
    assert source.report.without_caption == 2


def test_text_files_beside_the_pictures(tmp_path):
    for i in range(2):
        Image.fromarray(picture(i)).save(tmp_path / f"{i}.jpg")
    (tmp_path / "0.txt").write_text("a portrait\n\nanother wording\n", "utf-8")
    source = open_source(tmp_path, image_size=8)
    seen = {text for epoch in range(12) for text in source.captions(np.array([0]), epoch=epoch)}
    assert seen == {"a portrait", "another wording"}
    assert source.captions(np.array([1])) == [""]


def test_class_folders(tmp_path):
    for name in ("oil_painting", "anime"):
        (tmp_path / "train" / name).mkdir(parents=True)
        Image.fromarray(picture(9)).save(tmp_path / "train" / name / "x.webp")
    source = open_source(tmp_path, image_size=8)
    _, captions, labels = everything(source)
    assert source.attributes == {"class": ("anime", "oil_painting")}
    assert captions == ["anime", "oil painting"]
    np.testing.assert_array_equal(labels["class"], [0, 1])


def test_splits_are_folders(tmp_path):
    for number, name in enumerate(("train", "val")):
        (tmp_path / name).mkdir()
        Image.fromarray(picture(50 * number)).save(tmp_path / name / "x.png")
    assert open_source(tmp_path, "validation", image_size=8).images(np.array([0])).max() == 50
    assert open_source(tmp_path, "train", image_size=8).images(np.array([0])).max() == 0
    with pytest.raises(ValueError, match="no split 'test'; it has train, validation"):
        open_source(tmp_path, "test", image_size=8)
    with pytest.raises(ValueError, match="unknown split 'tset'; the splits are train, validation, test"):
        open_source(tmp_path, "tset", image_size=8)


def test_bad_pictures_are_skipped_counted_and_named(captioned):
    (captioned / "3.png").write_bytes((captioned / "3.png").read_bytes()[:60])
    (captioned / "5.png").write_bytes(b"")
    (captioned / "7.png").unlink()
    with pytest.warns(UserWarning, match=r"3 of 10 pictures .*3\.png: .*5\.png: the file is empty.*7\.png: listed"):
        source = open_source(captioned, image_size=16, max_bad_fraction=0.3)
    images, captions, labels = everything(source)
    kept = [0, 1, 2, 4, 6, 8, 9]
    np.testing.assert_array_equal(images[:, 0, 0, 0], 10 * np.array(kept))
    assert [text.split()[1] for text in captions] == [str(i) for i in kept]
    np.testing.assert_array_equal(labels["glasses"], np.array(kept) % 2)
    assert len(source.report.bad) == 3 and source.report.total == 10


def test_too_many_bad_pictures(captioned, cache):
    (captioned / "3.png").write_bytes(b"not a picture")
    for _ in range(2):  # the second time the verdict comes from the cache
        with pytest.raises(ValueError, match=r"1 of 10 .*3\.png: not a picture.*max_bad_fraction=0.05"):
            open_source(captioned, image_size=16)
    listing = next(cache.rglob("bad.json"))
    assert json.loads(listing.read_text())[0]["path"].endswith("3.png")


def test_cache_is_used_until_a_file_changes(captioned, monkeypatch):
    first = open_source(captioned, image_size=16)
    calls = []
    real = decoding.decode
    monkeypatch.setattr(
        "tfportrait.data.pictures.decode", lambda *args, **how: calls.append(args) or real(*args, **how)
    )
    assert open_source(captioned, image_size=16).fingerprint == first.fingerprint
    assert not calls
    Image.fromarray(picture(200)).save(captioned / "0.png")
    changed = open_source(captioned, image_size=16)
    assert changed.fingerprint != first.fingerprint and len(calls) == 10
    assert changed.images(np.array([0])).max() == 200


def test_count_takes_the_first(captioned):
    assert len(open_source(captioned, image_size=16, count=4)) == 4


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"file_name": "0.png"', "line 2 is not JSON"),
        ('["0.png"]', "line 2 is not a JSON object"),
        ('{"text": "x"}', "line 2 has no file_name"),
        ('{"file_name": "../0.png"}', "line 2: file_name '../0.png' leaves the folder"),
    ],
)
def test_bad_metadata(captioned, line, message):
    (captioned / "metadata.jsonl").write_text('{"file_name": "0.png"}\n' + line + "\n")
    with pytest.raises(ValueError, match=message):
        open_source(captioned, image_size=16)


def test_no_pictures(tmp_path):
    with pytest.raises(ValueError, match=r"no pictures \(\.png"):
        open_source(tmp_path, image_size=16)


def test_unknown_name_names_the_sources():
    with pytest.raises(ValueError, match="did you mean 'portrait_world'"):
        open_source("portrait_wrold", image_size=32)


def test_full_disk_is_told_before_work(captioned, monkeypatch, cache):
    usage = shutil.disk_usage(captioned)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100))
    with pytest.raises(OSError, match="free on the disk of"):
        open_source(captioned, image_size=16)
    assert not list(cache.rglob("*.npy"))

"""FFHQ, ImageNet and Open Images in their raw distributions."""

import layouts
import numpy as np
import pytest

from tfportrait.data import imagenet, open_images, open_source
from tfportrait.data.catalogue import layout_of


def greys(source):
    return np.round(source.images(np.arange(len(source)))[:, 8, 8, 0] / 20).astype(int).tolist()


def everything(source, epochs=20):
    """All captions of each example."""
    rows = np.arange(len(source))
    return [set(texts) for texts in zip(*(source.captions(rows, epoch=e) for e in range(epochs)), strict=True)]


@pytest.mark.parametrize("index", [True, False])
def test_ffhq(tmp_path, index):
    root = layouts.ffhq(tmp_path, index)
    train = open_source(root, image_size=64)
    assert greys(train) == [0, 1, 999 % 7, 1000 % 7]
    assert greys(open_source(root, "validation", image_size=64)) == [60000 % 7]
    assert everything(train) == [{""}] * 4 and train.report.without_caption == 4
    assert open_source(root / "thumbnails128x128", image_size=64).fingerprint == train.fingerprint
    with pytest.raises(ValueError, match="ffhq has no split 'test'; it has train, validation"):
        open_source(root, "test", image_size=64)


def test_ffhq_takes_the_large_pictures_where_the_small_ones_would_have_to_be_enlarged(tmp_path):
    root = layouts.ffhq(tmp_path, index=False)
    assert greys(open_source(root, image_size=256)) == [9]


def test_ffhqs_index_is_believed(tmp_path):
    root = layouts.ffhq(tmp_path)
    (root / "thumbnails128x128" / "00000" / "00001.png").unlink()
    layouts.picture(5, (128, 128)).save(root / "thumbnails128x128" / "00000" / "00002.png")
    with pytest.warns(UserWarning, match=r"00001\.png: listed but missing.*00002\.png: there but without labels"):
        source = open_source(root, image_size=64, max_bad_fraction=0.5)
    assert len(source) == 3
    (root / "ffhq-dataset-v2.json").write_text("{")
    with pytest.raises(ValueError, match="ffhq-dataset-v2.json is damaged"):
        open_source(root, image_size=64)


@pytest.mark.parametrize("kaggle", [False, True])
def test_imagenet(tmp_path, kaggle):
    root = layouts.imagenet(tmp_path, kaggle)
    train, validation = (open_source(root, split, image_size=64) for split in ("train", "validation"))
    assert train.attributes == {"class": ("tench", "tabby")} == validation.attributes
    np.testing.assert_array_equal(train.labels(np.arange(4))["class"], [0, 0, 1, 1])
    np.testing.assert_array_equal(validation.labels(np.arange(2))["class"], [1, 0] if kaggle else [0, 1])
    texts = everything(train)
    assert "a photo of a tench" in texts[0] and all("tabby" in text for text in texts[3])
    assert all("tabby" in text for text in everything(validation)[0 if kaggle else 1])
    with pytest.raises(ValueError, match="has no split 'test'; it has train, validation"):
        open_source(root, "test", image_size=64)


def test_imagenets_own_list_of_names_goes_first(tmp_path):
    root = layouts.imagenet(tmp_path)
    (root / "LOC_synset_mapping.txt").write_text("n01440764 fish, Tinca tinca\n")
    assert open_source(root, image_size=64).attributes == {"class": ("fish", "tabby")}


def test_folders_of_synsets_alone_are_a_train_split(tmp_path):
    root = layouts.imagenet(tmp_path) / "train"
    assert len(open_source(root, image_size=64)) == 4


def test_all_synsets_of_the_challenge_have_names():
    words = imagenet.shipped_words()
    assert len(words) == 1000 and words["n02123045"] == "tabby" and all(words.values())
    assert imagenet.caption("owl", 0) == "a photo of an owl"


def test_open_images(tmp_path):
    root = layouts.open_images(tmp_path)
    source = open_source(root, image_size=64)
    texts = everything(source, 60)
    # a person denies the tree that a machine sees; another machine's doubt is no label; the third has none at all
    assert all("cat" in text and "tree" not in text for text in texts[0])
    assert {text for text in texts[1] if "," not in text} >= {"table", "tree", "a photo of tree and table"} - {
        "tree and table"
    }
    assert not any("cat" in text for text in texts[1])
    assert texts[2] == {""} and source.report.without_caption == 1
    boxes = everything(open_source(root, "validation", image_size=64), 60)[0]
    assert "a photo of cat and tree" in boxes and "cat" in boxes
    with pytest.raises(ValueError, match="no pictures for 'test'; it has train, validation"):
        open_source(root, "test", image_size=64)


def test_open_images_knows_the_classes_with_boxes_by_itself(tmp_path):
    root = layouts.open_images(tmp_path)
    (root / "class-descriptions.csv").unlink()
    assert len(open_images.shipped_words()) == 601
    assert all("cat" in text for text in everything(open_source(root, image_size=64))[0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ImageID,Label\n", "first line must name ImageID, LabelName and Confidence"),
        ("ImageID,Source,LabelName,Confidence\n000a1,verification\n", "line 2 is damaged"),
    ],
)
def test_damaged_lists_of_open_images(tmp_path, text, message):
    root = layouts.open_images(tmp_path)
    (root / "train-annotations-human-imagelabels.csv").write_text(text)
    with pytest.raises(ValueError, match=f"human-imagelabels.csv.* {message}"):
        open_source(root, image_size=64)


def test_layouts_are_told_apart(tmp_path, captioned):
    makers = {
        "celeb_a": layouts.celeb_a_raw,
        "ffhq": layouts.ffhq,
        "imagenet": layouts.imagenet,
        "open_images": layouts.open_images,
    }
    for name, make in makers.items():
        (tmp_path / name).mkdir()
        assert layout_of(make(tmp_path / name)) == name
    assert layout_of(captioned) == "folder"


def test_small_pictures_are_enlarged_only_when_asked(tmp_path):
    root = layouts.imagenet(tmp_path)
    with pytest.raises(ValueError, match=r"4 of 4 .*smaller than 256 x 256.*upsample=True enlarges"):
        open_source(root, image_size=256)
    assert open_source(root, image_size=256, upsample=True).images(np.array([0])).shape == (1, 256, 256, 3)

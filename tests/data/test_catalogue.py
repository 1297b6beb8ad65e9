import layouts
import numpy as np
import pytest

from tfportrait.data import NAMES, load, open_source


def test_a_mixture_keeps_its_proportions_and_says_where_each_example_is_from(captioned, tmp_path):
    other = layouts.imagenet(tmp_path / "other")
    weights = {str(captioned): 0.5, str(other): 0.5}
    mixture = open_source(weights, image_size=16)
    assert len(mixture) == 20
    rows = np.arange(20)
    labels = mixture.labels(rows)
    assert mixture.attributes["source"] == (str(captioned), str(other))
    np.testing.assert_array_equal(np.bincount(labels["source"]), [10, 10])
    # what one source has not, is unknown
    np.testing.assert_array_equal(labels["glasses"], [0, 1] * 5 + [-1] * 10)
    np.testing.assert_array_equal(labels["class"][:10], [-1] * 10)
    images = np.round(mixture.images(rows)[:, 8, 8, 0] / 10).astype(int)
    np.testing.assert_array_equal(images[:10], np.arange(10))
    np.testing.assert_array_equal(images[10:] // 2, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1])
    # a repeated picture has another caption
    assert mixture.captions(rows)[4].split()[1] == "4"
    texts = [mixture.captions(np.array([10, 14, 18]), epoch=epoch) for epoch in range(12)]
    assert all("tench" in text for three in texts for text in three)
    assert sum(len(set(three)) > 1 for three in texts) > 6


def test_mixtures_do_not_depend_on_the_order_of_asking(captioned, tmp_path):
    mixture = open_source({str(captioned): 3, str(layouts.imagenet(tmp_path / "other")): 1}, image_size=16)
    rows = np.random.default_rng(0).permutation(len(mixture))
    assert len(mixture) == 16  # every picture of both at least once
    np.testing.assert_array_equal(mixture.images(rows), mixture.images(np.arange(16))[rows])
    whole = mixture.captions(np.arange(16), epoch=2, seed=5)
    assert mixture.captions(rows, epoch=2, seed=5) == [whole[row] for row in rows]
    together = load(
        {str(captioned): 3, str(tmp_path / "other"): 1}, image_size=16, batch_size=4, seed=1, drop_remainder=True
    )
    sources = [batch["attributes"]["source"].numpy().tolist() for batch in together]
    assert sorted(sum(sources, [])) == [0] * 12 + [1] * 4


def test_vocabularies_are_joined(captioned, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    layouts.picture(1, (20, 20)).save(other / "x.png")
    (other / "metadata.jsonl").write_text('{"file_name": "x.png", "attributes": {"mood": "bad", "glasses": "round"}}')
    mixture = open_source({str(captioned): 1, str(other): 1}, image_size=16)
    assert mixture.attributes["mood"] == ("good", "bad")
    labels = mixture.labels(np.array([0, 10]))
    np.testing.assert_array_equal(labels["mood"], [0, 1])
    assert mixture.attributes["glasses"][labels["glasses"][1]] == "round"


def test_weights_that_are_worlds_apart(captioned):
    with pytest.raises(ValueError, match="an epoch would have 4e.08 examples; bring them closer"):
        open_source({str(captioned): 1, "portrait_world": 1e-8}, image_size=32, count=4, upsample=True)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"portrait_world": 0, "celeb_a": 0}, "must not sum to zero"),
        ({"portrait_world": -1}, "weight of portrait_world must be a number of at least 0, got -1"),
        ({"portrait_world": "1"}, "weight of portrait_world must be a number"),
        ({}, "must not sum to zero"),
    ],
)
def test_bad_weights(weights, message):
    with pytest.raises(ValueError, match=message):
        open_source(weights, image_size=32)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match="did you mean 'celeb_a'") as error:
        open_source("celeba", image_size=32)
    assert all(name in str(error.value) for name in NAMES) and "tfds:NAME" in str(error.value)


def test_names_with_the_folder_of_their_raw_distribution(tmp_path):
    root = layouts.celeb_a_raw(tmp_path)
    assert len(open_source("celeb_a", image_size=32, data_dir=root)) == 4
    with pytest.raises(ValueError, match="FFHQ is not in TensorFlow Datasets: fetch thumbnails128x128"):
        open_source("ffhq", image_size=32)
    with pytest.raises(ValueError, match="has not the folders of ffhq"):
        open_source("ffhq", image_size=32, data_dir=root)


def test_options_go_to_the_sources_that_take_them(captioned):
    mixture = open_source({str(captioned): 1, "portrait_world": 1}, image_size=32, count=4, upsample=True, workers=1)
    assert np.bincount(mixture.labels(np.arange(len(mixture)))["source"]).tolist() == [4, 4]
    with pytest.raises(ValueError, match="portrait_world takes no 'crop'; it takes count, progress, workers"):
        open_source("portrait_world", image_size=32, crop="face")
    with pytest.raises(ValueError, match="takes no 'workers'; it takes count, crop"):
        open_source(captioned, image_size=32, workers=2)
    with pytest.raises(ValueError, match="takes no 'colour'"):
        open_source({str(captioned): 1, "portrait_world": 1}, image_size=32, colour=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crop": "middle"}, "crop must be 'center' or 'face', got 'middle'"),
        ({"count": 0}, "count must be at least 1"),
        ({"max_bad_fraction": 2}, "max_bad_fraction must be from 0 to 1"),
    ],
)
def test_options_are_checked_before_any_file_is_read(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        open_source(tmp_path / "empty", image_size=32, **options)

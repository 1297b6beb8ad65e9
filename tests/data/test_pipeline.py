import subprocess
import sys

import numpy as np
import pytest

from tfportrait.data import batches, begin_at, load, open_source, preprocess
from tfportrait.data.order import Order, draws, permutation


def values(dataset):
    """The pictures' grey values of one pass, batch by batch."""
    return [np.round((batch["image"][:, 0, 0, 0].numpy() + 1) * 12.75).astype(int).tolist() for batch in dataset]


def test_load_has_the_contracts_element(captioned):
    dataset = load(captioned, image_size=16, batch_size=4)
    assert [len(batch["image"]) for batch in dataset] == [4, 4, 2]
    assert int(dataset.cardinality()) == 3
    batch = next(iter(load(captioned, image_size=16, batch_size=10, shuffle=False)))
    assert batch["image"].dtype == "float32" and batch["image"].shape == (10, 16, 16, 3)
    np.testing.assert_allclose(batch["image"][3, 0, 0], 30 / 127.5 - 1, atol=1e-6)
    assert batch["caption"].dtype == "string"
    assert batch["caption"][7].numpy().decode().split()[1] == "7"
    assert batch["attributes"]["glasses"].dtype == "int32"
    np.testing.assert_array_equal(batch["attributes"]["glasses"], [0, 1] * 5)


def test_epochs_are_shuffled_anew_and_hold_every_example(captioned):
    dataset = load(captioned, image_size=16, batch_size=4, seed=3)
    first, second = values(dataset), values(dataset)
    assert first != second
    for epoch in (first, second):
        assert sorted(sum(epoch, [])) == list(range(10))
    again = load(captioned, image_size=16, batch_size=4, seed=3)
    assert [values(again), values(again)] == [first, second]
    assert values(load(captioned, image_size=16, batch_size=4, seed=4)) != first


def test_without_shuffling_every_pass_is_the_same(captioned):
    dataset = load(captioned, image_size=16, batch_size=4, shuffle=False)
    passes = [[batch["caption"].numpy().tolist() for batch in dataset] for _ in range(2)]
    assert passes[0] == passes[1]
    assert values(dataset) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_captions_stay_with_their_pictures_and_change_by_epoch(captioned):
    dataset = load(captioned, image_size=16, batch_size=5)
    languages = set()
    for _ in range(3):
        for batch in dataset:
            texts = [text.decode() for text in batch["caption"].numpy()]
            numbers = np.round((batch["image"][:, 0, 0, 0].numpy() + 1) * 12.75).astype(int)
            assert [int(text.split()[1]) for text in texts] == numbers.tolist()
            languages |= {text.split()[0] for text in texts}
    assert languages == {"picture", "图片"}


def test_resuming_at_a_step_sees_the_same_batches(captioned):
    source = open_source(captioned, image_size=16)
    whole = values(batches(source, batch_size=4, repeat=True, fields=["image"]).take(9))
    rest = values(batches(source, batch_size=4, repeat=True, first_step=5, fields=["image"]).take(4))
    assert rest == whole[5:]
    assert values(load(captioned, image_size=16, batch_size=4)) == whole[:3]


def test_drop_remainder_fixes_the_shape(captioned):
    dataset = load(captioned, image_size=16, batch_size=4, drop_remainder=True)
    assert dataset.element_spec["image"].shape == (4, 16, 16, 3)
    assert [len(batch["image"]) for batch in dataset] == [4, 4]


def test_keras_trains_on_it(captioned):
    keras = pytest.importorskip("keras")
    source = open_source(captioned, image_size=16)
    dataset = batches(source, batch_size=4, fields=["image"]).map(lambda batch: (batch["image"], batch["image"]))
    model = keras.Sequential([keras.layers.Conv2D(3, 1)])
    model.compile("adam", "mse")
    history = model.fit(dataset, epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size must be an integer of at least 1, got 0"),
        ({"batch_size": 4, "seed": -1}, "seed must be an integer from 0"),
        ({"batch_size": 11, "drop_remainder": True}, "more than the 10 examples"),
        ({"batch_size": 4, "image_size": 0}, "image_size must be a positive integer"),
    ],
)
def test_bad_arguments(captioned, arguments, message):
    with pytest.raises(ValueError, match=message):
        load(captioned, **{"image_size": 16, **arguments})


def test_unknown_field(captioned):
    with pytest.raises(ValueError, match="unknown field 'images'; the fields are image, caption, attributes"):
        batches(open_source(captioned, image_size=16), batch_size=2, fields=["images"])


def test_order_is_the_same_on_every_machine():
    assert permutation(8, 0, 0).tolist() == permutation(8, 0, 0).tolist() != permutation(8, 0, 1).tolist()
    assert draws(1, 2, np.array([3]))[0] == draws(1, 2, np.arange(5))[3]
    assert draws(0, 0, np.arange(2)).tolist() == [12035550249420947055, 6791897765849424158]


def test_draws_are_even_and_independent_of_neighbours():
    bits = np.unpackbits(draws(5, 1, np.arange(4096)).view(np.uint8)).reshape(4096, 64)
    assert abs(bits.mean(axis=0) - 0.5).max() < 0.04
    neighbours = np.concatenate([bits[1:] == bits[:-1], bits[1:] == np.roll(bits, 1, axis=1)[:-1]])
    assert abs(neighbours.mean() - 0.5) < 0.01


def test_an_order_covers_each_epoch_once():
    order = Order(10, 3, seed=1, shuffle=True, drop_remainder=False)
    seen = [order.batch(step) for step in range(8)]
    assert [epoch for epoch, _ in seen] == [0] * 4 + [1] * 4
    assert sorted(np.concatenate([indices for _, indices in seen[4:]])) == list(range(10))


def test_importing_and_reading_need_no_tensorflow(captioned):
    code = (
        "import sys, numpy as np; from tfportrait.data import open_source; "
        f"open_source({str(captioned)!r}, image_size=8).images(np.arange(2)); "
        "print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


class Letters:
    """A tokenizer: one id a character, twelve of them."""

    def encode(self, texts):
        return np.array([[ord(letter) for letter in text.ljust(12)] for text in texts], np.int64)


def test_preprocess_makes_the_elements_numeric(captioned):
    dataset = load(captioned, image_size=16, batch_size=5, shuffle=False)
    numeric = preprocess(dataset, Letters())
    assert int(numeric.cardinality()) == 2
    for batch, captions in zip(numeric, dataset.map(lambda batch: batch["caption"]), strict=True):
        assert set(batch) == {"image", "token_ids"} and batch["token_ids"].dtype == "int32"
        texts = ["".join(map(chr, ids)).strip() for ids in batch["token_ids"].numpy()]
        assert texts == [caption.decode() for caption in captions.numpy()]
    assert numeric.element_spec["token_ids"].shape == (5, 12)
    assert set(preprocess(dataset).element_spec) == {"image"}
    again = preprocess(numeric, Letters())
    assert again.element_spec == numeric.element_spec
    with pytest.raises(ValueError, match='"caption" or "token_ids"; its elements have'):
        preprocess(dataset.map(lambda batch: {"image": batch["image"]}), Letters())


def test_a_data_set_and_what_is_made_of_it_begin_at_the_epoch_that_is_asked_for(captioned):
    source = open_source(captioned, "train", image_size=16, upsample=True)

    def epoch(pictures):
        return np.concatenate([batch["image"].numpy() for batch in pictures])

    endless = batches(source, batch_size=4, seed=3, repeat=True, first_step=6, fields=("image",))
    third = epoch(endless.take(3))  # epochs have three steps
    dataset = batches(source, batch_size=4, seed=3, fields=("image",))
    made = dataset.map(lambda batch: {"image": batch["image"] + 0}).prefetch(1)
    assert not np.array_equal(epoch(made), third)
    for each in (made, dataset):
        assert begin_at(each, 2) == 1
        np.testing.assert_array_equal(epoch(each), third)
    assert begin_at(endless, 0) == begin_at(np.zeros(3), 0) == 0

import json
from pathlib import Path

import numpy as np
import pytest

from tfportrait.data import encode_latents, halved, latents, latents_dataset, open_source, reconstruct, token_table


class Autoencoder:
    """Latents that tell their picture: the mean of 2 x 2 pixels, times a weight."""

    def __init__(self, scale=1.0):
        self.weights = [np.float32(scale)]
        self.encoded = 0

    def get_config(self):
        return {"name": f"autoencoder_{id(self)}", "latent_channels": 3}

    def encode(self, images):
        assert images.dtype == np.float32 and -1 <= images.min() and images.max() <= 1
        self.encoded += len(images)
        size, height, width, channels = images.shape
        blocks = images.reshape(size, height // 2, 2, width // 2, 2, channels)
        return self.weights[0] * blocks.mean(axis=(2, 4))


class Tokenizer:
    """One id a character."""

    def encode(self, texts):
        return np.array([[ord(letter) for letter in text.ljust(12)] for text in texts], np.int32)

    def save(self, folder):
        (Path(folder) / "vocab.json").write_text(json.dumps("ord"))


def text_of(ids):
    return "".join(map(chr, ids)).strip()


def test_latents_are_encoded_once_per_autoencoder_and_data(captioned):
    source = open_source(captioned, image_size=16)
    autoencoder = Autoencoder()
    result = encode_latents(autoencoder, source, batch_size=4)
    assert result.shape == (10, 8, 8, 3) and result.dtype == np.float16
    np.testing.assert_allclose(result[:][:, 0, 0, 0], np.arange(10) * 10 / 127.5 - 1, atol=1e-3)
    encoded = autoencoder.encoded
    np.testing.assert_array_equal(encode_latents(autoencoder, source, batch_size=3)[:], result[:])
    assert autoencoder.encoded == encoded == 12  # full batches only: the shape never changes
    other = encode_latents(Autoencoder(scale=2.0), source)
    np.testing.assert_allclose(other[3], 2 * result[3], atol=2e-3)


def test_a_changed_bit_in_the_cache_is_found_and_made_anew(captioned, cache):
    source, autoencoder = open_source(captioned, image_size=16), Autoencoder()
    whole = encode_latents(autoencoder, source)[:]
    shard = next(cache.rglob("latents-*.npy"))
    content = bytearray(shard.read_bytes())
    content[-100] ^= 4
    shard.write_bytes(content)
    encoded = autoencoder.encoded
    np.testing.assert_array_equal(encode_latents(autoencoder, source)[:], whole)
    assert autoencoder.encoded > encoded


def test_latents_of_another_autoencoder_are_refused(captioned):
    source, own, other = open_source(captioned, image_size=16), Autoencoder(), Autoencoder(scale=2.0)
    encoded = encode_latents(own, source)
    assert latents_dataset(encoded, batch_size=4, autoencoder=own).cardinality() == 3
    names = f"{latents.autoencoder_hash(own)}, not by {latents.autoencoder_hash(other)}"
    with pytest.raises(ValueError, match=f"made by the autoencoder {names}"):
        latents_dataset(encoded, batch_size=4, autoencoder=other)


def test_an_array_will_do(cache):
    images = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), np.uint8)
    first = encode_latents(Autoencoder(), images)
    assert encode_latents(Autoencoder(), images[::-1].copy())[0].tolist() == first[4].tolist()
    with pytest.raises(ValueError, match="uint8"):
        encode_latents(Autoencoder(), images.astype("float32"))


def test_a_keras_model_encodes(captioned):
    keras = pytest.importorskip("keras")

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.convolution = keras.layers.Conv2D(2, 2, 2)

        def encode(self, images):
            return self.convolution(images)

    model = Model()
    source = open_source(captioned, image_size=16)
    images = source.images(np.arange(10)).astype(np.float32) / 127.5 - 1
    expected = np.asarray(model.encode(images))
    np.testing.assert_allclose(encode_latents(model, source, batch_size=4)[:], expected, atol=2e-3)
    model.convolution.kernel.assign(2 * model.convolution.kernel)
    np.testing.assert_allclose(encode_latents(model, source)[:], np.asarray(model.encode(images)), atol=4e-3)


def test_an_autoencoder_within_a_painter_is_the_same_autoencoder():
    """A painter freezes it, which changes nothing of what it encodes."""
    from tfportrait.models.autoencoder import AutoencoderKL

    made = [
        AutoencoderKL(block_out_channels=[4, 8], norm_num_groups=2, sample_size=16, mid_block_add_attention=False)
        for _ in range(2)
    ]
    made[1].set_weights(made[0].get_weights())
    made[1].trainable = False
    assert latents.autoencoder_hash(made[0]) == latents.autoencoder_hash(made[1])
    made[1].set_weights([weight * 2 for weight in made[0].get_weights()])
    assert latents.autoencoder_hash(made[0]) != latents.autoencoder_hash(made[1])


def test_an_interrupted_encoding_goes_on(captioned, monkeypatch):
    monkeypatch.setattr(latents, "_SHARD", 4)
    source = open_source(captioned, image_size=16)
    whole = encode_latents(Autoencoder(3.0), source, batch_size=2)[:]

    class Interrupted(Autoencoder):
        def encode(self, images):
            if self.encoded >= 6:
                raise KeyboardInterrupt
            return super().encode(images)

    with pytest.raises(KeyboardInterrupt):
        encode_latents(Interrupted(5.0), source, batch_size=2)
    autoencoder = Autoencoder(5.0)
    resumed = encode_latents(autoencoder, source, batch_size=2)
    assert autoencoder.encoded == 6
    np.testing.assert_allclose(resumed[:], whole * 5 / 3, atol=4e-3)


def test_a_damaged_shard_is_made_again(captioned, cache):
    source = open_source(captioned, image_size=16)
    whole = encode_latents(Autoencoder(), source)[:]
    (shard,) = (cache / "latents").rglob("*.npy")
    shard.write_bytes(shard.read_bytes()[:1000])
    np.testing.assert_array_equal(encode_latents(Autoencoder(), source)[:], whole)


def test_reconstructions_are_of_half_the_size_and_cached(captioned, cache):
    class Inverting(Autoencoder):
        def encode(self, images):
            return images

        def decode(self, latents):
            return -latents

    source = open_source(captioned, image_size=16)
    images = source.images(np.arange(len(source)))
    found = reconstruct(Inverting(), source)
    np.testing.assert_array_equal(found[:], 255 - halved(images))
    assert len(list((cache / "reconstructions").rglob("*.npy"))) == 1
    np.testing.assert_allclose(halved(images)[0, 1, 2], images[0, 2:4, 4:6].mean(axis=(0, 1)), atol=0.5)


def test_latents_that_are_not_finite_name_the_picture(captioned):
    class Broken(Autoencoder):
        def encode(self, images):
            return np.where(images.max() > 40 / 127.5 - 1, np.nan, super().encode(images))

    with pytest.raises(ValueError, match="latents of picture 5 are not finite"):
        encode_latents(Broken(), open_source(captioned, image_size=16), batch_size=1)


def test_token_table_holds_the_captions_of_the_epochs(captioned):
    source = open_source(captioned, image_size=16)
    table = token_table(source, Tokenizer(), variants=6, seed=2)
    assert table.shape == (10, 6, 12) and table.dtype == np.int32
    for epoch in (0, 5):
        texts = [text_of(ids) for ids in table[:][:, epoch]]
        assert texts == source.captions(np.arange(10), epoch=epoch, seed=2)


def test_batches_pair_latents_with_fresh_captions(captioned):
    source = open_source(captioned, image_size=16)
    table = token_table(source, Tokenizer(), variants=6)
    dataset = latents_dataset(encode_latents(Autoencoder(), source), table, batch_size=4)
    seen = {}
    for _ in range(4):
        count = 0
        for batch in dataset:
            assert batch["latents"].dtype == "float32" and batch["token_ids"].dtype == "int32"
            numbers = np.round((batch["latents"][:, 0, 0, 0].numpy() + 1) * 12.75).astype(int)
            for number, ids in zip(numbers, batch["token_ids"].numpy(), strict=True):
                assert text_of(ids).split()[1] == str(number)
                seen.setdefault(number, []).append(text_of(ids))
            count += len(numbers)
        assert count == 10
    assert sum(len(set(texts)) == 2 for texts in seen.values()) >= 5


def test_resuming_latents_at_a_step(captioned):
    source = open_source(captioned, image_size=16)
    table = token_table(source, Tokenizer(), variants=3)
    stored = encode_latents(Autoencoder(), source)

    def take(first_step, steps):
        dataset = latents_dataset(stored, table, batch_size=4, repeat=True, first_step=first_step, drop_remainder=True)
        assert dataset.element_spec["latents"].shape == (4, 8, 8, 3)
        return [text_of(ids) for batch in dataset.take(steps) for ids in batch["token_ids"].numpy()]

    assert take(0, 7)[4 * 4 :] == take(4, 3)


def test_one_caption_each_or_none(captioned):
    stored = encode_latents(Autoencoder(), open_source(captioned, image_size=16))
    (batch,) = latents_dataset(stored, np.arange(20).reshape(10, 2), batch_size=10, shuffle=False)
    np.testing.assert_array_equal(batch["token_ids"][3], [6, 7])
    assert set(latents_dataset(stored, batch_size=10).element_spec) == {"latents"}
    with pytest.raises(ValueError, match="N=10, the number of latents"):
        latents_dataset(stored, np.zeros((9, 2), np.int32), batch_size=10)


def test_pictures_go_with_their_latents(captioned):
    source = open_source(captioned, image_size=16)
    latents = np.arange(len(source), dtype="float32")[:, None, None, None]
    for batch in latents_dataset(latents, images=source, batch_size=2, seed=1):
        assert batch["image"].dtype == "uint8"
        rows = batch["latents"].numpy().ravel().astype(int)
        np.testing.assert_array_equal(batch["image"], source.images(rows))

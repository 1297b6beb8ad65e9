"""The painter that lessons go on training."""

import numpy as np

import tfportrait as tp
from tfportrait import metrics, training
from tfportrait.course import checkpoint


def accuracy(painter, count=48):
    texts, named, _ = metrics.held_out_prompts(count)
    images = painter.generate(texts, seeds=0, num_steps=8)
    oracle = tp.Oracle.from_preset("oracle_128")
    return metrics.prompt_accuracy(oracle, images, named).accuracy


def test_it_follows_words_and_has_something_left_to_learn():
    assert 0.35 < accuracy(tp.course.half_trained()) < 0.75  # guessing gives 0.285, portrait_128 0.867


def test_what_is_written_is_read_to_a_hundredth(tmp_path):
    unet = tp.course.half_trained().unet
    noise = np.random.default_rng(0).normal(0, 0.02, unet.weights[0].shape)
    unet.weights[0].assign(noise)
    checkpoint.save_unet(unet, tmp_path)
    for weight, again in zip(unet.weights, checkpoint.read_unet(tmp_path).weights, strict=True):
        np.testing.assert_allclose(again.numpy(), weight.numpy(), rtol=0.02, atol=1e-6)


def test_it_trains():
    painter = tp.course.half_trained()
    rows = np.arange(32)
    images = np.stack([tp.world.sample(int(row)).render(128) for row in rows])
    images = images.astype("float32") / 127.5 - 1.0
    batch = {"image": images, "token_ids": painter.tokenizer.encode(["a portrait"] * len(rows))}
    painter.compile(training.Muon(1e-3))
    before = [weight.numpy() for weight in painter.unet.trainable_weights]
    assert np.isfinite(painter.train_on_batch(batch))
    after = [weight.numpy() for weight in painter.unet.trainable_weights]
    assert all(np.abs(one - other).max() > 0 for one, other in zip(before, after, strict=True))

import keras
import numpy as np
import pytest

import tfportrait as tp
from tfportrait.models import PixelDiffusion

RANDOM = np.random.default_rng(0)


def tiny(**options):
    keras.utils.set_random_seed(0)
    return PixelDiffusion(**{"block_out_channels": (8, 8), "layers_per_block": 1, "norm_num_groups": 4, **options})


def images(count=2, height=16, width=24):
    return RANDOM.integers(0, 256, (count, height, width, 3), "uint8")


def test_without_noise_the_image_stays():
    x = RANDOM.uniform(-1, 1, (2, 16, 24, 3))
    np.testing.assert_allclose(tiny().denoise(x, 1.0, 0.0), x, atol=1e-3)


def test_sides_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="multiple of 4"):
        tiny().denoise(np.zeros((1, 16, 18, 3), "float32"), 0.8, 0.6)


def test_it_learns_what_images_are_like():
    """Images of one colour each: noise of any pixel is told from the colour by the others."""
    model = tiny()
    flat = np.repeat(RANDOM.integers(0, 256, (64, 1, 1, 3), "uint8"), 16, 1).repeat(16, 2)
    model.compile(keras.optimizers.AdamW(1e-2))
    losses = model.fit({"image": flat}, epochs=40, batch_size=32, verbose=0).history["loss"]
    assert losses[-1] < 0.6 * losses[0]
    x = flat[:8].astype("float32") / 127.5 - 1
    noisy = 0.8 * x + 0.6 * RANDOM.standard_normal(x.shape).astype("float32")
    error = np.mean((np.asarray(model.denoise(noisy, 0.8, 0.6)) - x) ** 2)
    assert error < 0.4 * np.mean((noisy / 0.8 - x) ** 2)


def test_the_same_seed_gives_the_same_image_in_any_batch():
    model = tiny()
    together = model.generate(seeds=[4, 5, 6], num_steps=3, image_size=(16, 24))
    assert together.shape == (3, 16, 24, 3) and together.dtype == np.uint8
    alone = model.generate(seeds=6, num_steps=3, image_size=(16, 24))
    assert np.abs(together[2].astype(int) - alone[0]).max() <= 2
    assert (model.generate(seeds=7, num_steps=3, image_size=(16, 24)) != alone).any()


def test_one_trace_for_a_shape():
    model, traces = tiny(), []
    predict = model._predict
    model._predict = lambda *args, **kwargs: traces.append(1) or predict(*args, **kwargs)
    for seed, steps in ((0, 2), (5, 4)):
        model.generate(seeds=seed, num_steps=steps, image_size=16)
    assert len(traces) == 1


def test_the_validation_loss_does_not_change():
    model, batch = tiny(), {"image": images()}
    assert float(model.compute_loss(batch, training=False)) == float(model.compute_loss(batch, training=False))
    assert float(model.compute_loss(batch)) != float(model.compute_loss(batch))


def test_a_preset_and_a_keras_file_denoise_the_same(tmp_path):
    model, x = tiny(), RANDOM.standard_normal((1, 16, 16, 3)).astype("float32")
    wanted = np.asarray(model.denoise(x, 0.8, 0.6))
    model.save_to_preset(tmp_path / "preset")
    found = PixelDiffusion.from_preset(tmp_path / "preset").denoise(x, 0.8, 0.6)
    np.testing.assert_allclose(found, wanted, atol=5e-3)  # float16 on the disk
    model.save(tmp_path / "x.keras")
    np.testing.assert_array_equal(tp.load(tmp_path / "x.keras").denoise(x, 0.8, 0.6), wanted)

import keras
import numpy as np
import pytest

from tfportrait.data import halved
from tfportrait.models import Upscaler
from tfportrait.models.cells import to_cells, to_pixels
from tfportrait.models.upscaler import enlarge

RANDOM = np.random.default_rng(0)


def tiny(**options):
    keras.utils.set_random_seed(0)
    return Upscaler(**{"block_out_channels": (8, 8), "layers_per_block": 1, "norm_num_groups": 4, **options})


def images(count=2, height=16, width=24):
    return RANDOM.integers(0, 256, (count, height, width, 3), "uint8")


def test_cells_and_pixels_are_inverse():
    x = RANDOM.standard_normal((2, 8, 12, 3)).astype("float32")
    cells = to_cells(x, 4)
    assert cells.shape == (2, 2, 3, 48)
    np.testing.assert_array_equal(np.asarray(cells)[1, 1, 2].reshape(4, 4, 3), x[1, 4:8, 8:12])
    np.testing.assert_array_equal(to_pixels(cells, 4), x)


def test_enlarging_keeps_a_constant_and_the_place():
    np.testing.assert_allclose(enlarge(np.full((1, 4, 4, 3), 0.3, "float32")), 0.3, atol=1e-6)
    ramp = np.broadcast_to(np.arange(8, dtype="float32")[None, None, :, None], (1, 4, 8, 3))
    np.testing.assert_allclose(np.asarray(enlarge(ramp))[0, 3, 6:10, 0], [2.75, 3.25, 3.75, 4.25], atol=1e-5)


def test_the_same_seed_gives_the_same_image_in_any_batch():
    model, small = tiny(), images(3)
    together = model.generate(small, seeds=[4, 5, 6], num_steps=2)
    assert together.shape == (3, 32, 48, 3) and together.dtype == np.uint8
    alone = model.generate(small[2:], seeds=6, num_steps=2)
    assert np.abs(together[2].astype(int) - alone[0]).max() <= 2
    assert (model.generate(small[2:], seeds=7, num_steps=2) != alone).any()


def test_what_is_made_at_a_time_does_not_matter(monkeypatch):
    model, small = tiny(), images(3)
    together = model.generate(small, seeds=1, num_steps=1)
    monkeypatch.setattr("tfportrait.models.upscaler.PIXELS_AT_ONCE", 1)
    assert np.abs(model.generate(small, seeds=1, num_steps=1).astype(int) - together).max() <= 2


def test_one_trace_for_a_shape():
    model, traces = tiny(), []
    predict = model._predict
    model._predict = lambda *args, **kwargs: traces.append(1) or predict(*args, **kwargs)
    for seed, steps, painted in ((0, 2, False), (5, 3, True), (9, 1, False)):
        model.generate(images(), seeds=seed, num_steps=steps, painted=painted)
    assert len(traces) == 1


@pytest.mark.slow
def test_it_learns_what_the_small_image_says():
    """Large images whose every second row is black: nothing in the mean of four pixels but the network's weights."""
    model = tiny(residual_scale=0.5)
    large = np.repeat(RANDOM.integers(100, 256, (16, 1, 1, 3), "uint8"), 32, 1).repeat(32, 2)
    large[:, ::2] = 0
    small = halved(large)
    model.compile(keras.optimizers.AdamW(3e-3))
    batch = {"image": large, "low": small, "painted": np.zeros(16, "float32")}
    losses = model.fit(batch, epochs=60, batch_size=8, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    error = np.abs(model.generate(small, num_steps=4).astype(int) - large).mean()
    assert error < 0.5 * np.abs(small.repeat(2, 1).repeat(2, 2).astype(int) - large).mean()


def test_training_and_validation_losses():
    model = tiny()
    large = {"image": images()}
    first, second = (float(model.compute_loss(large, training=False)) for _ in range(2))
    assert first == second
    assert float(model.compute_loss(large)) != float(model.compute_loss(large))
    explicit = {**large, "low": halved(large["image"]), "painted": np.zeros(2, "float32")}
    assert abs(float(model.compute_loss(explicit, training=False)) - first) < 0.02 * first  # but for rounding


def test_a_preset_paints_the_same(tmp_path):
    model = tiny()
    model.save_to_preset(tmp_path)
    small = images()
    found = Upscaler.from_preset(tmp_path).generate(small, num_steps=2)
    assert np.abs(found.astype(int) - model.generate(small, num_steps=2)).max() <= 2  # float16 on the disk


def test_a_keras_file_paints_the_same(tmp_path):
    import tfportrait as tp

    model = tiny()
    model.save(tmp_path / "x.keras")
    small = images()
    np.testing.assert_array_equal(
        tp.load(tmp_path / "x.keras").generate(small, num_steps=2), model.generate(small, num_steps=2)
    )

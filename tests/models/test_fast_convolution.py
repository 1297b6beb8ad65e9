import keras
import numpy as np
import pytest
from keras import ops

from tfportrait.models import fast_convolution, layers, normalization
from tfportrait.models.fast_convolution import FEWEST_CHANNELS, Conv2D
from tfportrait.training.compiled import compiled, inference


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


@pytest.fixture
def methods(monkeypatch):
    """Names of the methods that were used."""
    used = []

    def spy(name):
        method = getattr(fast_convolution, name)

        def run(x, kernel, *args, **kwargs):
            used.append(name)
            return method(x, kernel, *args, **kwargs)

        return run

    for name in ("winograd", "by_patches"):
        monkeypatch.setattr(fast_convolution, name, spy(name))
    monkeypatch.setattr(layers, "winograd", fast_convolution.winograd)
    return used


@pytest.fixture
def painting():
    with inference():
        yield


def pair(channels, filters):
    """Our convolution and Keras' own, with the same weights."""
    ours, theirs = Conv2D(filters, 3, padding="same"), keras.layers.Conv2D(filters, 3, padding="same")
    for layer in (ours, theirs):
        layer.build((None, None, None, channels))
    values = numbers(3, 3, channels, filters) / (9 * channels) ** 0.5, numbers(filters)
    ours.set_weights(values)
    theirs.set_weights(values)
    return ours, theirs


CASES = {  # channels, filters, shape -> method
    "large tiles": (FEWEST_CHANNELS, FEWEST_CHANNELS + 1, (2, 32, 36), "winograd"),
    "small tiles": (FEWEST_CHANNELS + 2, FEWEST_CHANNELS, (1, 16, 18), "winograd"),
    "few pixels": (512, 512, (1, 8, 8), "by_patches"),
    "sides that no tile divides": (FEWEST_CHANNELS, FEWEST_CHANNELS, (1, 33, 33), None),
    "few channels": (FEWEST_CHANNELS - 1, FEWEST_CHANNELS, (1, 32, 32), None),
    "small kernel": (FEWEST_CHANNELS, FEWEST_CHANNELS, (1, 8, 8), None),
}


@pytest.mark.usefixtures("painting")
@pytest.mark.parametrize("case", CASES)
def test_equals_keras_convolution(case, methods):
    channels, filters, shape, method = CASES[case]
    ours, theirs = pair(channels, filters)
    x = numbers(*shape, channels)
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-4)
    assert methods == ([method] if method else [])


@pytest.mark.usefixtures("painting")
def test_one_by_one_equals_keras_convolution():
    ours, theirs = Conv2D(5, 1), keras.layers.Conv2D(5, 1)
    x = numbers(2, 6, 7, 4)
    theirs(x), ours(x)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-5)


@pytest.mark.usefixtures("painting")
@pytest.mark.parametrize("size", [32, 16])
def test_gradients_equal_those_of_keras(size):
    tf = pytest.importorskip("tensorflow")
    ours, theirs = pair(FEWEST_CHANNELS, FEWEST_CHANNELS)
    shape = (2, size, size, FEWEST_CHANNELS)
    x, upstream = tf.constant(numbers(*shape)), tf.constant(numbers(*shape, seed=1))
    found = []
    for layer in (ours, theirs):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        found.append(tape.gradient(y, [x, layer.kernel.value, layer.bias.value], upstream))
    for mine, wanted in zip(*found, strict=True):
        np.testing.assert_allclose(mine, wanted, atol=2e-4 * np.abs(wanted).max())


@pytest.mark.usefixtures("painting")
def test_bands_of_tiles_give_the_same(monkeypatch):
    ours, _ = pair(FEWEST_CHANNELS, FEWEST_CHANNELS)
    x = numbers(1, 36, 32, FEWEST_CHANNELS)
    whole = ops.convert_to_numpy(ours(x))
    monkeypatch.setattr(fast_convolution, "BAND_BYTES", 2**20)
    np.testing.assert_allclose(ours(x), whole, atol=1e-4)  # products of other sizes round otherwise


def test_training_is_left_to_keras(methods):
    class Model(keras.Model):
        pass

    layer, x = pair(FEWEST_CHANNELS, FEWEST_CHANNELS)[0], numbers(1, 32, 32, FEWEST_CHANNELS)
    plain = layer(x)
    assert methods == []
    np.testing.assert_allclose(compiled(Model(), "convolve", layer)(x), plain, atol=1e-4)
    assert methods == ["winograd"]


@pytest.mark.usefixtures("painting")
def test_half_precision_is_left_to_keras(methods):
    layer = Conv2D(FEWEST_CHANNELS, 3, padding="same", dtype="mixed_bfloat16")
    layer(numbers(1, 32, 32, FEWEST_CHANNELS))
    assert methods == []


@pytest.mark.usefixtures("painting")
@pytest.mark.parametrize("size", [8, 10])
def test_enlarging_equals_enlarging_first(size, methods, monkeypatch):
    monkeypatch.setattr(layers, "FEW_PIXELS", 0)
    layer = layers.Upsample2D(FEWEST_CHANNELS)
    layer.build()
    x = numbers(2, size, size, FEWEST_CHANNELS)
    wanted = layer.conv(ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2))
    methods.clear()
    np.testing.assert_allclose(layer(x), wanted, atol=1e-4)
    assert methods == ["winograd"] * (size % 2 == 0 and (2 * size) ** 2 >= 256)


@pytest.mark.usefixtures("painting")
def test_a_few_pixels_are_enlarged_first():
    layer = layers.Upsample2D(3)
    layer.build()
    layer.conv.bias.assign([1.0, 2.0, 3.0])
    x = numbers(2, 4, 4, 3)
    assert 2 * 4 * 4 <= layers.FEW_PIXELS
    wanted = layer.conv(x.repeat(2, 1).repeat(2, 2))
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(x)), ops.convert_to_numpy(wanted))


def test_large_images_are_worked_on_in_bands(monkeypatch):
    norm, conv = normalization.GroupNorm(4, activation="silu"), layers.conv(16, 3)
    norm.build((None, None, None, 8))
    conv.build((None, None, None, 8))
    x, shift = numbers(2, 36, 12, 8), numbers(2, 8)
    whole = ops.convert_to_numpy(layers.normalize_and_convolve(norm, conv, x, shift))
    monkeypatch.setattr(normalization, "LARGE", 2**10)
    monkeypatch.setattr(normalization, "BAND", 2**10)
    assert len(normalization.bands(x)) > 2
    np.testing.assert_allclose(layers.normalize_and_convolve(norm, conv, x, shift), whole, atol=1e-5)


def test_attention_in_slices_gives_the_same(monkeypatch):
    query, key, value = numbers(2, 50, 16), numbers(2, 30, 16, seed=1), numbers(2, 30, 16, seed=2)
    mask = numbers(50, 30, seed=3)
    whole = [ops.convert_to_numpy(layers.attend(query, key, value, 4, m)) for m in (None, mask)]
    monkeypatch.setattr(layers, "LOGITS_BYTES", 4 * 2 * 4 * 30 * 7)
    for m, wanted in zip((None, mask), whole, strict=True):
        np.testing.assert_allclose(layers.attend(query, key, value, 4, m), wanted, atol=1e-6)

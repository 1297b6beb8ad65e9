import keras
import numpy as np
import pytest
from contracts import check_layer
from keras import ops

from tfportrait.models import layers
from tfportrait.models.normalization import GroupNorm


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


LAYERS = {
    "group_norm": (lambda **kw: GroupNorm(2, **kw), (numbers(2, 4, 4, 8),)),
    "group_norm_silu": (
        lambda **kw: GroupNorm(2, activation="silu", **kw),
        (numbers(2, 4, 4, 8), numbers(2, 8)),
    ),
    "resnet": (
        lambda **kw: layers.ResnetBlock2D(8, 16, norm_num_groups=4, epsilon=1e-5, time_embedding_dim=12, **kw),
        (numbers(2, 4, 4, 8), numbers(2, 12)),
    ),
    "resnet_without_time": (
        lambda **kw: layers.ResnetBlock2D(8, 8, norm_num_groups=4, epsilon=1e-6, **kw),
        (numbers(2, 4, 4, 8),),
    ),
    "downsample": (lambda **kw: layers.Downsample2D(8, **kw), (numbers(2, 4, 4, 8),)),
    "upsample": (lambda **kw: layers.Upsample2D(8, **kw), (numbers(2, 4, 4, 8),)),
    "attention": (lambda **kw: layers.Attention(8, 2, **kw), (numbers(2, 6, 8),)),
    "cross_attention": (
        lambda **kw: layers.Attention(8, 2, context_dim=12, **kw),
        (numbers(2, 6, 8), numbers(2, 3, 12)),
    ),
    "geglu": (lambda **kw: layers.GEGLU(8, 12, **kw), (numbers(2, 6, 8),)),
    "feed_forward": (lambda **kw: layers.FeedForward(8, **kw), (numbers(2, 6, 8),)),
    "transformer": (
        lambda **kw: layers.Transformer2DModel(8, 2, 4, num_layers=2, context_dim=12, **kw),
        (numbers(2, 4, 4, 8), numbers(2, 3, 12)),
    ),
    "self_transformer": (
        lambda **kw: layers.Transformer2DModel(8, 2, 4, use_linear_projection=True, **kw),
        (numbers(2, 4, 4, 8),),
    ),
    "text_time_embedding": (lambda **kw: layers.TextTimeEmbedding(12, 16, 3, **kw), (numbers(2, 5, 12),)),
    "timestep_embedding": (lambda **kw: layers.TimestepEmbedding(8, 16, **kw), (numbers(2, 8),)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_contract(name):
    make, inputs = LAYERS[name]
    # A bias of the keys moves all logits of a query alike.
    check_layer(make, inputs, no_gradient=("k_proj/bias",))


def textbook_group_norm(x, shift, gamma, beta, groups, silu):
    """Group normalisation as its paper writes it, left to automatic differentiation."""
    x = x + shift[:, None, None, :]
    batch, height, width, channels = x.shape
    grouped = ops.reshape(x, (batch, height * width, groups, channels // groups))
    mean, variance = ops.moments(grouped, axes=(1, 3), keepdims=True)
    y = ops.reshape((grouped - mean) / ops.sqrt(variance + 1e-5), x.shape) * gamma + beta
    return ops.silu(y) if silu else y


@pytest.mark.parametrize("silu", [True, False])
@pytest.mark.parametrize("shift_rows", [0, 1, 3])
def test_group_norm_and_its_gradients_are_the_textbook_ones(shift_rows, silu):
    import tensorflow as tf

    layer = GroupNorm(2, activation="silu" if silu else None)
    layer.build((None, None, None, 8))
    layer.gamma.assign(numbers(8, seed=1))
    layer.beta.assign(numbers(8, seed=2))
    x, shift = tf.constant(3 + 2 * numbers(3, 4, 5, 8)), tf.constant(numbers(max(shift_rows, 1), 8, seed=3))
    weight = numbers(3, 4, 5, 8, seed=4)

    def derivatives(function):
        parameters = [x, layer.gamma.value, layer.beta.value] + [shift] * bool(shift_rows)
        with tf.GradientTape() as second:
            second.watch(parameters)
            with tf.GradientTape() as first:
                first.watch(parameters)
                y = function()
                loss = tf.reduce_sum(y * weight)
            gradients = first.gradient(loss, parameters)
            penalty = sum(tf.reduce_sum(g**2) for g in gradients)
        return [y, *gradients, *second.gradient(penalty, parameters[:2])]

    shown = shift if shift_rows else tf.zeros((1, 8))
    ours = derivatives(lambda: layer(x, shift if shift_rows else None))
    wanted = derivatives(lambda: textbook_group_norm(x, shown, layer.gamma.value, layer.beta.value, 2, silu))
    for a, b in zip(ours, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * np.abs(b).max())


def test_group_norm_has_float32_statistics_in_half_precision():
    layer = GroupNorm(2, dtype="mixed_float16")
    # Sums and squares of these leave float16's range of 65,504.
    y = np.asarray(layer((300 + 10 * numbers(1, 16, 16, 8)).astype("float16")), "float32")
    assert abs(y.mean()) < 0.02 and abs(y.std() - 1) < 0.02


def test_group_norm_names_channels_that_do_not_divide():
    with pytest.raises(ValueError, match="10 channels cannot be split into norm_num_groups=4"):
        GroupNorm(4).build((None, None, None, 10))


def test_upsampling_is_nearest_neighbour_and_convolution():
    layer = layers.Upsample2D(3)
    layer.build()
    layer.conv.bias.assign([1.0, 2.0, 3.0])
    x = numbers(2, 3, 5, 3)
    np.testing.assert_allclose(layer(x), layer.conv(x.repeat(2, 1).repeat(2, 2)), atol=1e-5)


def test_downsampling_pads_as_network_and_encoder_want():
    x = np.zeros((1, 4, 4, 1), "float32")
    x[0, 0, 0] = 1
    for padding, seen in ((1, 5.0), (0, 1.0)):  # the first pixel is under the kernel's centre, or under its corner
        layer = layers.Downsample2D(1, padding)
        layer.build()
        layer.conv.kernel.assign(np.arange(1, 10, dtype="float32").reshape(3, 3, 1, 1))
        assert np.asarray(layer(x))[0, 0, 0, 0] == seen


def test_attention_weights_are_those_of_the_formula():
    q, k, v = numbers(2, 5, 8), numbers(2, 3, 8, seed=1), numbers(2, 3, 8, seed=2)
    out = np.zeros((2, 5, 8))
    for head in (slice(0, 4), slice(4, 8)):
        logits = q[..., head] @ k[..., head].transpose(0, 2, 1) / 2.0
        weights = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        out[..., head] = weights @ v[..., head]
    np.testing.assert_allclose(layers.attend(*map(ops.convert_to_tensor, (q, k, v)), 2), out, atol=1e-5)


def test_attention_in_half_precision_survives_large_logits():
    q = ops.cast(60 * numbers(1, 4, 8), "float16")
    assert np.isfinite(np.asarray(layers.attend(q, q, q, 1))).all()


def test_attention_heads_divide_the_channels():
    with pytest.raises(ValueError, match="8 channels cannot be split into 3"):
        layers.Attention(8, 3)


@pytest.mark.parametrize("flip", [True, False])
def test_sinusoidal_embedding(flip):
    times = np.float32([0, 0.5, 999])
    frequencies = 10000.0 ** (-np.arange(4) / 4)
    angles = times[:, None] * frequencies
    parts = [np.sin(angles), np.cos(angles)]
    wanted = np.concatenate(parts[::-1] if flip else parts, -1)
    np.testing.assert_allclose(layers.sinusoidal_embedding(times, 8, flip), wanted, atol=1e-4)


def test_layers_work_in_a_functional_model(tmp_path):
    x = keras.Input((8, 8, 4))
    y = layers.Upsample2D(8)(layers.ResnetBlock2D(4, 8, 2, 1e-5)(x))
    model = keras.Model(x, y)
    model.save(tmp_path / "model.keras")
    copy = keras.saving.load_model(tmp_path / "model.keras")
    image = numbers(1, 8, 8, 4)
    np.testing.assert_array_equal(model(image), copy(image))

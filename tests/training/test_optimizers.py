"""The averaged weights, and several players."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny import images, tiny

from tfportrait import training


def numpy_average(weights, ema_decay):
    """The recurrence of the docstring over the weights after each update."""
    average = np.zeros_like(weights[0])
    for n, weight in enumerate(weights, 1):
        decay = 0.0 if n == 1 else min(ema_decay, n / (9 + n))
        average = decay * average + (1 - decay) * weight
    return average


class Trace(keras.callbacks.Callback):
    """Remembers the first kernel after every batch."""

    def __init__(self):
        super().__init__()
        self.kernels = []

    def on_train_batch_end(self, batch, logs=None):
        self.kernels.append(self.model.conv_in.kernel.numpy().copy())


def test_average_is_the_recurrence():
    model, trace = tiny(), Trace()
    model.compile(training.AdamW(1e-2, ema_decay=0.5))  # 0.5 is reached at n = 9: warm-up and constant part
    model.fit(images(64), batch_size=4, verbose=0, callbacks=[trace])
    trained = model.conv_in.kernel.numpy()
    with model.averaged_weights():
        np.testing.assert_allclose(model.conv_in.kernel.numpy(), numpy_average(trace.kernels, 0.5), atol=1e-6)
    # fit leaves the trained weights, and the swap restores them to the bit
    np.testing.assert_array_equal(trained, trace.kernels[-1])
    np.testing.assert_array_equal(model.conv_in.kernel.numpy(), trained)


def test_average_with_accumulation_changes_with_the_weights_only():
    model, trace = tiny(), Trace()
    model.compile(training.AdamW(1e-2, ema_decay=0.9, gradient_accumulation_steps=4))
    model.fit(images(48), batch_size=4, verbose=0, callbacks=[trace])
    updates = trace.kernels[3::4]
    assert np.array_equal(trace.kernels[4], updates[0]) and not np.array_equal(updates[1], updates[0])
    with model.averaged_weights():
        np.testing.assert_allclose(model.conv_in.kernel.numpy(), numpy_average(updates, 0.9), atol=1e-6)


def test_averaged_weights_without_average_or_optimizer():
    model = tiny()
    before = model.conv_in.kernel.numpy()
    with model.averaged_weights():
        np.testing.assert_array_equal(model.conv_in.kernel.numpy(), before)
    model.compile(training.AdamW(ema_decay=0.9))  # not a step yet: the average is empty
    with model.averaged_weights():
        np.testing.assert_array_equal(model.conv_in.kernel.numpy(), before)


def test_trained_weights_return_after_an_error():
    model = tiny()
    model.compile(training.AdamW(1e-2, ema_decay=0.9))
    model.fit(images(), batch_size=8, verbose=0)
    before = model.conv_in.kernel.numpy()
    with pytest.raises(RuntimeError), model.averaged_weights():
        assert not np.array_equal(model.conv_in.kernel.numpy(), before)
        raise RuntimeError
    np.testing.assert_array_equal(model.conv_in.kernel.numpy(), before)


def test_validation_uses_the_average():
    x = images()
    model = tiny(noise=False)
    model.compile(training.AdamW(0.05, ema_decay=0.9))
    history = model.fit(x, batch_size=8, epochs=2, verbose=0, validation_data=(x, None), validation_batch_size=32)
    with model.averaged_weights():
        averaged = float(model.compute_loss(x, training=False))
    assert history.history["val_loss"][-1] == pytest.approx(averaged, rel=1e-5)
    assert float(model.compute_loss(x, training=False)) != pytest.approx(averaged, rel=1e-5)


def test_weight_decay_zero_is_adam():
    ours, keras_own = tiny(noise=False), tiny(noise=False)
    ours.compile(training.AdamW(1e-2, weight_decay=0.0, ema_decay=0.9, beta_1=0.5, global_clipnorm=1.0))
    keras_own.compile(keras.optimizers.Adam(1e-2, beta_1=0.5, epsilon=1e-8, global_clipnorm=1.0))
    for model in (ours, keras_own):
        model.fit(images(), batch_size=8, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(ours.conv_in.kernel.numpy(), keras_own.conv_in.kernel.numpy(), atol=2e-5)


@pytest.mark.parametrize("ema_decay", [1.0, -0.1])
def test_decay_out_of_range(ema_decay):
    with pytest.raises(ValueError, match="must be in"):
        training.AdamW(ema_decay=ema_decay)


@keras.saving.register_keras_serializable("tests")
class TinyGAN(training.Trainable):
    """A generator that shifts noise and a linear critic."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.generator = keras.layers.Dense(2, name="generator")
        self.discriminator = keras.Sequential(
            [keras.layers.Dense(4, "tanh"), keras.layers.Dropout(0.1, seed=1), keras.layers.Dense(1)],
            name="discriminator",
        )
        self.seed_generator = keras.random.SeedGenerator(5)

    def build(self, input_shape=None):
        self.generator.build((None, 2))
        self.discriminator.build((None, 2))

    def call(self, x):
        return self.generator(x)

    def losses_of_players(self, x):
        fake = self.generator(keras.random.normal(ops.shape(x), seed=self.seed_generator))
        with training.frozen(self.discriminator):
            generator_loss = -ops.mean(self.discriminator(fake, training=True))
        real_score = self.discriminator(x, training=True)
        fake_score = self.discriminator(ops.stop_gradient(fake), training=True)
        return generator_loss, ops.mean(ops.softplus(-real_score) + ops.softplus(fake_score))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return sum(self.losses_of_players(x))


def gan(**settings):
    model = TinyGAN()
    model.build()
    generator = np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign(generator.normal(0, 0.5, variable.shape).astype("float32"))
    model.generator.bias.assign([0.0, 0.0])
    players = {"generator": training.AdamW(1e-2, ema_decay=0.9), "discriminator": training.AdamW(3e-2, beta_1=0.0)}
    model.compile(training.Players(players), **settings)
    return model


def points():
    return np.random.default_rng(0).normal(3.0, 0.1, (64, 2)).astype("float32")


def test_players_have_their_own_settings():
    model = gan()
    before = [v.numpy() for v in model.trainable_variables]
    model.fit(points(), batch_size=64, verbose=0)
    # Adam's first step has the length of the learning rate, for every weight with a gradient
    for variable, old in zip(model.trainable_variables, before, strict=True):
        step = np.abs(variable.numpy() - old).max()
        assert step == pytest.approx(1e-2 if "generator" in variable.path.split("/") else 3e-2, rel=0.05)
    assert len(model.optimizer.averages) == len(model.generator.weights)
    assert {id(v) for v, _ in model.optimizer.averages} == {id(v) for v in model.generator.weights}


def test_frozen_passes_gradients_through():
    tf = pytest.importorskip("tensorflow")
    model = gan()
    x = points()
    critic = [v.value for v in model.discriminator.trainable_variables]
    generator = [v.value for v in model.generator.trainable_variables]
    with tf.GradientTape(persistent=True) as tape:
        generator_loss, discriminator_loss = model.losses_of_players(x)
    assert all(g is None for g in tape.gradient(generator_loss, critic))
    assert all(np.abs(g).max() > 0 for g in tape.gradient(generator_loss, generator))
    assert all(g is None for g in tape.gradient(discriminator_loss, generator))
    assert all(np.abs(g).max() > 0 for g in tape.gradient(discriminator_loss, critic))


def test_frozen_keeps_state():
    dropout = keras.layers.Dropout(0.5, seed=1)
    with training.frozen(dropout):
        first = dropout(np.ones((4, 8), "float32"), training=True)
    assert not np.array_equal(first, dropout(np.ones((4, 8), "float32"), training=True))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_players_train_and_are_saved(jit_compile, tmp_path):
    model = gan(jit_compile=jit_compile)
    model.fit(points(), batch_size=16, epochs=40, verbose=0)
    assert np.abs(model.generator.bias.numpy() - 3.0).max() < 2  # it started at 0
    model.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    for saved, restored in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(saved.numpy(), restored.numpy())
    assert loaded.optimizer.players["discriminator"].beta_1 == 0.0
    with model.averaged_weights(), loaded.averaged_weights():
        np.testing.assert_array_equal(model.generator.bias.numpy(), loaded.generator.bias.numpy())


def test_weights_without_a_player():
    model = tiny()
    with pytest.raises(ValueError, match="conv_in/kernel' must belong to one of the players norm, conv_out"):
        model.compile(training.Players({"norm": training.AdamW(), "conv_out": training.AdamW()}))
    with pytest.raises(ValueError, match="players must map names"):
        training.Players({"generator": 1e-3})

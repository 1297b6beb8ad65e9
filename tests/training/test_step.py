"""The training step on TensorFlow."""

import gc

import keras
import numpy as np
import pytest
from processes import run
from tiny import Tiny, images, tiny

import tfportrait as tp
from tfportrait import training
from tfportrait.training import acceleration, compiled

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the step of TensorFlow"),
]


@pytest.fixture
def policy():
    """Sets a dtype policy for one test."""
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


@pytest.fixture
def xla_default(monkeypatch):
    """Sets what `accelerate` chose, for one test."""
    return lambda value: monkeypatch.setattr(acceleration, "_xla", value)


def test_nothing_of_a_training_stays_in_memory():
    from tensorflow.python.framework.func_graph import FuncGraph

    def graphs():
        gc.collect()
        return sum(isinstance(each, FuncGraph) for each in gc.get_objects())

    def train():
        model = tiny()  # its silu and its optimizer have gradients that TensorFlow would keep
        model.compile(training.AdamW(1e-2))
        model.fit(images(16), batch_size=8, verbose=0)
        model.evaluate(images(16), batch_size=8, verbose=0)
        compiled.compiled(model, "clean", model.call)(images(2))

    train()
    before = graphs()
    train()
    assert graphs() == before


def test_data_sets_and_generators_are_fitted_without_warnings(recwarn):
    import tensorflow as tf

    model = tiny()
    model.compile("adamw")
    model.fit(tf.data.Dataset.from_tensor_slices(images(8)).batch(4), verbose=0)
    model.fit(((batch,) for batch in images(8).reshape(2, 4, *images(8).shape[1:])), steps_per_epoch=2, verbose=0)
    assert not [str(warning.message) for warning in recwarn if "shuffle" in str(warning.message)]


@pytest.mark.parametrize("jit_compile", [False, True])
def test_loss_falls_and_the_step_is_traced_once(jit_compile):
    model = tiny()
    model.compile(training.AdamW(1e-2, ema_decay=0.99), jit_compile=jit_compile)
    history = model.fit(images(64), batch_size=8, epochs=3, verbose=0).history
    model.fit(images(64, seed=1), batch_size=8, verbose=0)
    assert model.jit_compile is jit_compile
    assert model.calls == 1  # compute_loss alone, in one trace
    assert history["loss"][-1] < 0.75 * history["loss"][0]
    assert history.keys() == {"loss", "error"}


def test_xla_computes_the_same():
    losses = []
    for jit_compile in (False, True):
        model = tiny(noise=False)
        model.compile(training.AdamW(1e-2), jit_compile=jit_compile)
        losses.append(model.fit(images(), batch_size=8, epochs=2, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-4)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_float16_scales_the_loss(policy, jit_compile):
    policy("mixed_float16")
    model = tiny(noise=False)
    model.compile(training.AdamW(1e-2, ema_decay=0.9), jit_compile=jit_compile)
    scaler = model.optimizer
    assert isinstance(scaler, keras.optimizers.LossScaleOptimizer) and scaler.built
    assert {v.dtype for v in model.trainable_variables} == {"float32"}
    scaler.dynamic_scale.assign(2.0**40)  # overflows: the gradients do not fit into float16
    before = [v.numpy() for v in model.trainable_variables]
    model.train_on_batch(images(8))
    assert float(scaler.dynamic_scale.numpy()) == 2.0**39 and int(scaler.iterations.numpy()) == 0
    for variable, old in zip(model.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)
    scaler.dynamic_scale.assign(2.0**10)
    history = model.fit(images(), batch_size=8, epochs=4, verbose=0).history
    assert int(scaler.iterations.numpy()) == 16 and float(scaler.dynamic_scale.numpy()) == 2.0**10
    assert history["loss"][-1] < history["loss"][0]
    with model.averaged_weights():
        assert not np.array_equal(model.trainable_variables[0].numpy(), before[0])


def test_float16_and_float32_take_the_same_step(policy):
    kernels = []
    for name in ("float32", "mixed_float16", "mixed_bfloat16"):
        policy(name)
        model = tiny(noise=False)
        model.compile(keras.optimizers.SGD(0.1))
        model.train_on_batch(images(8))
        kernels.append(model.conv_in.kernel.numpy())
    np.testing.assert_allclose(kernels[1], kernels[0], atol=1e-3)
    np.testing.assert_allclose(kernels[2], kernels[0], atol=1e-2)


@pytest.mark.slow
def test_losses_of_500_steps_follow_those_of_float32(policy):
    """Means of 100 steps within 2 % of the spread of float32's losses."""
    x = np.clip(images(64) * np.linspace(0, 1, 8).reshape(8, 1, 1), -1, 1)
    curves = {}
    for name in ("float32", "mixed_float16", "mixed_bfloat16"):
        policy(name)
        keras.utils.set_random_seed(0)
        model = tp.VAE(image_size=32, channels=3, width=8, latent_dim=4)
        model.compile(training.AdamW(1e-3))
        pictures = np.repeat(np.repeat(x, 4, 1), 4, 2)
        history = model.fit({"image": pictures}, batch_size=8, epochs=63, shuffle=False, verbose=0).history
        curves[name] = np.reshape(history["loss"][3:], (5, 12)).mean(1)
    spread = curves["float32"].max() - curves["float32"].min()
    assert spread > 0.1
    for name in ("mixed_float16", "mixed_bfloat16"):
        np.testing.assert_allclose(curves[name], curves["float32"], atol=0.02 * spread)


@pytest.mark.parametrize("name", ["float32", "mixed_float16"])
def test_accumulation_equals_the_big_batch(policy, name):
    policy(name)
    weights = []
    for batch_size, steps in ((16, None), (4, 4)):
        model = tiny(noise=False)
        model.compile(training.AdamW(1e-2, ema_decay=0.9, gradient_accumulation_steps=steps))
        model.fit(images(48), batch_size=batch_size, epochs=2, shuffle=False, verbose=0)
        with model.averaged_weights():
            weights.append(model.conv_out.kernel.numpy())
    np.testing.assert_allclose(weights[1], weights[0], atol=1e-5 if name == "float32" else 5e-3)


def test_a_model_without_weights_yet_is_built_before_the_training():
    class Early(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.built = self.model.optimizer.built, len(self.model.optimizer.variables), self.model.calls

    model, early = Tiny(), Early()
    model.compile(training.AdamW(1e-2, ema_decay=0.9))
    model.fit(images(), batch_size=8, verbose=0, callbacks=[early])
    assert early.built == (True, 2 + 3 * 6, 1)
    assert model.calls == 2  # once to create the weights, once for the step


def test_dictionaries_and_targets():
    class Regression(training.Trainable):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1)

        def call(self, x):
            return self.dense(x["a"])

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return keras.ops.mean(sample_weight * keras.ops.square(self(x)[:, 0] - y))

    a = np.linspace(-1, 1, 64, dtype="float32")[:, None]
    model = Regression()
    model.compile(training.AdamW(0.1))
    weight = np.ones(64, "float32")
    history = model.fit({"a": a}, 2 * a[:, 0] + 1, sample_weight=weight, batch_size=16, epochs=15, verbose=0)
    assert history.history["loss"][-1] < 0.05
    assert model.evaluate({"a": a}, 2 * a[:, 0] + 1, sample_weight=weight, verbose=0) < 0.05


def test_xla_follows_accelerate_unless_told(xla_default):
    model = tiny()
    xla_default(True)
    model.compile(training.AdamW())
    assert model.jit_compile is True
    model.compile(training.AdamW(), jit_compile=False)
    assert model.jit_compile is False
    xla_default(False)
    model.compile(training.AdamW())
    assert model.jit_compile is False


@pytest.mark.parametrize("name", ["float32", "mixed_float16"])
def test_saved_models_go_on_in_a_fresh_process(name, policy, tmp_path):
    policy(name)
    schedule = keras.optimizers.schedules.CosineDecay(0.0, 100, warmup_target=1e-2, warmup_steps=5)
    model = tiny(noise=False)
    model.compile(training.AdamW(schedule, ema_decay=0.9), jit_compile=True)
    model.fit(images(), batch_size=8, verbose=0)
    model.save(tmp_path / "tiny.keras")
    model.fit(images(), batch_size=8, verbose=0, shuffle=False)
    with model.averaged_weights():
        expected = model.conv_in.kernel.numpy()
    run(
        "import keras, numpy as np\n"
        "from tiny import images\n"
        f"model = keras.saving.load_model({str(tmp_path / 'tiny.keras')!r})\n"
        "assert not model.jit_compile, 'XLA is chosen by the machine that loads'\n"
        "model.fit(images(), batch_size=8, verbose=0, shuffle=False)\n"
        "with model.averaged_weights():\n"
        f"    np.save({str(tmp_path / 'kernel.npy')!r}, model.conv_in.kernel.numpy())\n"
    )
    atol = 1e-5 if name == "float32" else 1e-3
    np.testing.assert_allclose(np.load(tmp_path / "kernel.npy"), expected, atol=atol)


def test_nan_names_step_and_metrics():
    x = images(32)
    x[20] = np.nan  # in the third batch
    model = tiny(noise=False)
    model.compile(training.AdamW(1e-2))
    with pytest.raises(
        FloatingPointError, match=r"training, step 3 of epoch 1: .*loss is nan: the batch is not finite: x"
    ):
        model.fit(x, batch_size=8, epochs=2, shuffle=False, verbose=0)
    model = tiny(noise=False)
    model.compile(training.AdamW(1e-2))
    with pytest.raises(FloatingPointError, match="validation: .*loss is nan"):
        model.fit(images(), batch_size=8, validation_data=(x, None), verbose=0)


class Breaks(Tiny):
    """Its last layer overflows, or has no gradient, where a batch has a number above 2."""

    def __init__(self, function, factor):
        super().__init__()
        self.last, self.factor = keras.layers.Activation(function, name="last"), factor

    def call(self, x, training=False):
        return self.last(super().call(x) * keras.ops.where(keras.ops.max(x) > 2, self.factor, 1.0))


@pytest.mark.parametrize(
    ("function", "factor", "where"),
    [
        (lambda x: keras.ops.exp(x), 1e3, "the output of last is not finite .its inputs are."),
        (
            lambda x: keras.ops.sqrt(keras.ops.abs(x)),
            0.0,
            "the gradient of breaks[_0-9]*/conv_out/bias is not finite, thou",
        ),
    ],
    ids=["forwards", "backwards"],
)
@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_layer_where_it_began_is_named_and_the_weights_stay_sound(tmp_path, function, factor, where, jit_compile):
    x = images(32)
    x[20, 0, 0] = 3.0  # in the third batch
    model = Breaks(function, factor)
    model.build((None, 8, 8, 3))
    model.compile(training.AdamW(1e-2), jit_compile=jit_compile)
    recovery = training.Recovery(tmp_path, every_steps=1)
    with pytest.raises(FloatingPointError, match=f"step 3 of epoch 1: .*loss is nan: {where}"):
        model.fit(x, batch_size=8, shuffle=False, verbose=0, callbacks=[recovery])
    assert int(model.optimizer.iterations.numpy()) == 2
    assert all(np.isfinite(variable.numpy()).all() for variable in model.variables + model.optimizer.variables)
    assert sorted(path.name for path in tmp_path.glob("state-*"))[-1] == "state-0000000002.safetensors"

"""The same models on JAX, in a process of its own: Keras' step over our loss and our optimizers."""

import json

import pytest
from processes import run

pytest.importorskip("jax")
pytestmark = pytest.mark.slow

CODE = """
import json, sys
import keras, numpy as np
from tiny import images, tiny
from test_optimizers import gan, numpy_average, points
from test_step import Breaks
from tfportrait import training

assert keras.backend.backend() == "jax"
result, directory = {{}}, {directory!r}

def average_error(policy, steps):
    keras.config.set_dtype_policy(policy)
    model = tiny(noise=False)
    model.compile(training.AdamW(1e-2, ema_decay=0.5, gradient_accumulation_steps=steps))
    if policy == "mixed_float16":  # the gradients overflow in the first step
        before, scale = np.array(model.conv_in.kernel.numpy()), model.optimizer.dynamic_scale
        scale.assign(2.0**40)
        model.train_on_batch(images(8))
        result["scale"] = float(scale.numpy())
        result["unchanged"] = bool(np.array_equal(before, model.conv_in.kernel.numpy()))
        scale.assign(2.0**10)
    kernels = []
    for i in range(12):
        model.train_on_batch(images(8, seed=i))
        kernels.append(np.array(model.conv_in.kernel.numpy()))
    keras.config.set_dtype_policy("float32")
    with model.averaged_weights():
        average = np.array(model.conv_in.kernel.numpy())
    assert np.array_equal(model.conv_in.kernel.numpy(), kernels[-1])
    return float(np.abs(average - numpy_average(kernels[(steps or 1) - 1::steps or 1], 0.5)).max())

settings = [("float32", None), ("float32", 3), ("mixed_float16", None)]
result["average_error"] = [average_error(*setting) for setting in settings]

class Stop(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 2 and self.model.stop_here:
            raise RuntimeError

def recovered(name, stop):
    model = tiny()
    model.stop_here = stop
    model.compile(training.Muon(2e-2, ema_decay=0.9))
    recovery = training.Recovery(directory + name, every_steps=1)
    data = {{"validation_data": (images(8), None), "batch_size": 4, "shuffle": False}}
    try:
        history = model.fit(images(32), epochs=4, verbose=0, callbacks=[recovery, Stop()], **data).history
        result["loss"] = history["loss"]
    except RuntimeError:
        pass
    return [np.array(v.numpy()) for v in model.variables + model.optimizer.variables]

whole = recovered("/whole", False)
players = gan()
players.fit(points(), batch_size=16, epochs=40, verbose=0)
result["bias"] = np.asarray(players.generator.bias.numpy()).tolist()
result["averages"] = len(players.optimizer.averages)
# Keras itself imports it where it is installed, to save a model or to format an error
result["tensorflow"] = "tensorflow" in sys.modules
players.save(directory + "/gan.keras")
loaded = keras.saving.load_model(directory + "/gan.keras")
result["saved"] = all(np.array_equal(a.numpy(), b.numpy()) for a, b in
                      zip(players.optimizer.variables, loaded.optimizer.variables, strict=True))

recovered("/crashed", True)
pairs = zip(recovered("/crashed", False), whole, strict=True)
result["recovery_error"] = max(float(np.abs(a.astype("float64") - b.astype("float64")).max()) for a, b in pairs)

x = images(32)
x[20, 0, 0] = 3.0  # in the third batch
result["broken"] = []
for function, factor in ((keras.ops.exp, 1e3), (lambda x: keras.ops.sqrt(keras.ops.abs(x)), 0.0)):
    model = Breaks(function, factor)
    model.build((None, 8, 8, 3))
    model.compile(training.AdamW(1e-2))
    try:
        model.fit(x, batch_size=8, shuffle=False, verbose=0)
    except FloatingPointError as error:
        result["broken"].append(str(error))
    model.jax_state_sync()
    sound = all(np.isfinite(variable.numpy()).all() for variable in model.variables + model.optimizer.variables)
    result["sound"] = sound and int(model.optimizer.iterations.numpy()) == 2

print(json.dumps(result))
"""


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return json.loads(run(CODE.format(directory=str(tmp_path_factory.mktemp("jax"))), backend="jax").splitlines()[-1])


def test_loss_falls_without_tensorflow(result):
    assert result["loss"][-1] < 0.8 * result["loss"][0]
    assert not result["tensorflow"]


def test_average_is_the_recurrence(result):
    assert max(result["average_error"]) < 1e-6


def test_overflow_halves_the_loss_scale(result):
    assert result["scale"] == 2.0**39 and result["unchanged"]


def test_players_train_and_are_saved(result):
    assert all(abs(bias - 3.0) < 2 for bias in result["bias"])
    assert result["averages"] == 2 and result["saved"]


def test_recovery(result):
    assert result["recovery_error"] < 1e-6


def test_the_layer_where_it_began_is_named_and_the_weights_stay_sound(result):
    output, gradient = result["broken"]
    assert "step 3 of epoch 1" in output and "the output of last is not finite (its inputs are)" in output
    assert "/conv_out/bias is not finite, though the loss" in gradient
    assert result["sound"]

"""The contract that every layer and model of this package keeps.

`check_layer` and `check_model` take a function that makes the layer (so that it can be made under every precision
policy) and the inputs of its call. What they check is listed in their docstrings.
"""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
from keras import ops

POLICIES = {"float32": "float32", "mixed_bfloat16": "bfloat16", "mixed_float16": "float16"}
ROOT = Path(__file__).parents[1]


def to_numpy(x):
    return np.array(ops.convert_to_numpy(ops.cast(x, "float32")))


@contextlib.contextmanager
def shapes_only():
    """Models made within it have variables with shapes and no values: Stable Diffusion costs no gigabytes."""
    with keras.StatelessScope(initialize_variables=False):
        yield
    keras.utils.clear_session()  # else Keras would make the values up for them at the next occasion


def flatten(outputs):
    return keras.tree.flatten(outputs)


def check_layer(make, inputs, *, output_dtype=None, no_gradient=(), tolerance=None):
    """Checks a layer or network.

    Shapes with an unknown batch, dtypes and finite numbers under every precision policy, the config round trip, one
    trace for many calls, and a gradient for every variable.

    Args:
        make: callable (**kwargs) -> layer. The keyword argument `dtype` is a precision policy.
        inputs: tuple of arrays (None for an argument left out). Arguments of the call; the first axis is the batch.
        output_dtype: str or None. The dtype of the outputs under every policy. Defaults to `None`: the compute dtype.
        no_gradient: sequence of str. Ends of paths of variables whose gradient is zero by mathematics.
        tolerance: dict, policy -> largest difference from float32 relative to the largest output.
    """
    layer = make()
    expected = [to_numpy(y) for y in flatten(layer(*inputs))]
    check_unknown_batch(make(), inputs, [y.shape for y in expected])
    check_policies(make, layer, inputs, expected, output_dtype, tolerance or {})
    check_config(layer, make)
    check_traces(layer, inputs)
    check_gradients(layer, inputs, no_gradient)


def check_unknown_batch(layer, inputs, shapes):
    """Symbolic outputs have the real ones' shapes, the batch unknown."""
    symbols = [None if x is None else keras.KerasTensor((None, *x.shape[1:]), str(x.dtype)) for x in inputs]
    outputs = flatten(layer(*symbols))
    assert [tuple(y.shape) for y in outputs] == [(None, *shape[1:]) for shape in shapes]


def check_policies(make, layer, inputs, expected, output_dtype, tolerance):
    """Under each policy: float32 variables, outputs of the right dtype, finite, near those of float32."""
    for policy, compute_dtype in POLICIES.items():
        other = make(dtype=policy)
        other(*inputs)  # builds what is not built yet
        other.set_weights(layer.get_weights())
        outputs = flatten(other(*inputs))
        assert {v.dtype for v in other.trainable_variables} == {"float32"}
        assert {keras.backend.standardize_dtype(y.dtype) for y in outputs} == {output_dtype or compute_dtype}, policy
        allowed = tolerance.get(policy, {"float32": 1e-5, "bfloat16": 0.06, "float16": 0.01}[compute_dtype])
        for y, wanted in zip(outputs, expected, strict=True):
            difference = np.abs(to_numpy(y) - wanted).max() / np.abs(wanted).max()
            assert difference <= allowed, f"{policy}: differs by {difference:.3g} of the largest output"


def check_config(layer, make):
    """get_config is JSON, and from_config makes the same layer of it, its precision policy included."""
    for original in (layer, make(dtype="mixed_bfloat16")):
        config = json.loads(json.dumps(original.get_config()))
        copy = type(original).from_config(config)
        assert json.loads(json.dumps(copy.get_config())) == config
        assert copy.dtype_policy.name == original.dtype_policy.name


def check_traces(layer, inputs):
    """A compiled layer is traced once for all values of one shape."""
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    function = tf.function(lambda *args: layer(*args), autograph=False)
    given = [None if x is None else tf.constant(x) for x in inputs]
    for _ in range(3):
        function(*given)
        given = [None if x is None else (x + 1 if x.dtype.is_floating else x // 2) for x in given]
    assert function.experimental_get_tracing_count() == 1


def check_gradients(layer, inputs, no_gradient):
    """A gradient that is not zero reaches every trainable variable."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        outputs = flatten(layer(*inputs))
        rng = np.random.default_rng(0)
        loss = sum(ops.sum(ops.cast(y, "float32") * rng.standard_normal(y.shape)) for y in outputs)
    variables = [v for v in layer.trainable_variables if not v.path.endswith(tuple(no_gradient))]
    assert variables
    gradients = tape.gradient(loss, [v.value for v in variables])
    dead = [
        v.path
        for v, g in zip(variables, gradients, strict=True)
        if g is None or not np.abs(to_numpy(tf.convert_to_tensor(g))).max() > 0
    ]
    assert not dead, f"no gradient reaches {dead}"


def check_folder(network, inputs, folder):
    """`save_to_folder` and `from_folder` give equal outputs, under the names that are on disk."""
    network.save_to_folder(folder, dtype="float32")
    copy = type(network).from_folder(folder)
    assert copy.config == network.config
    for a, b in zip(flatten(network(*inputs)), flatten(copy(*inputs)), strict=True):
        np.testing.assert_array_equal(to_numpy(a), to_numpy(b))


FRESH = """
import json, sys
import numpy as np
import tfportrait as tp
import keras
if keras.backend.backend() == "tensorflow":  # graphs as they are, as in the process that wrote the file
    sys.modules["tensorflow"].config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
for path, inputs, outputs, tolerance in json.load(open(sys.argv[1])):
    arrays = np.load(inputs)
    args = [arrays[f"arr_{i}"] for i in range(len(arrays.files))]
    model = tp.load(path)
    call = lambda: model(*[None if a.ndim == 0 else a for a in args])
    if keras.backend.backend() == "jax":
        import jax
        call = jax.jit(call)  # it would compile every operation by itself
    y = np.asarray(call())
    difference = np.abs(y - np.load(outputs)).max()
    assert difference <= tolerance, f"{path}: outputs differ by {difference}"
    print(path)
"""


def check_files(models, folder, backend="tensorflow", tolerance=1e-6):
    """`.keras` files of models give the same outputs in one fresh process, under either backend.

    Args:
        models: dict, name -> (model, tuple of inputs).
        folder: path. Where the files go.
        backend: str. Of the fresh process. Defaults to `"tensorflow"`.
        tolerance: float. Largest difference of the outputs.
    """
    work = []
    for name, (model, inputs) in models.items():
        files = [str(folder / f"{name}{end}") for end in (".keras", ".inputs.npz", ".outputs.npy")]
        model.save(files[0])
        np.savez(files[1], *[np.zeros(()) if x is None else x for x in inputs])
        np.save(files[2], to_numpy(model(*inputs)))
        work.append([*files, tolerance])
    (folder / "work.json").write_text(json.dumps(work))
    assert len(run_fresh(FRESH, folder / "work.json", backend=backend).split()) == len(models)


def run_fresh(code, *arguments, backend="tensorflow"):
    """What the code prints in a fresh process under a backend."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout

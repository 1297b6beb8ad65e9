"""Derivatives with respect to inputs: against closed forms, on both backends."""

import gc
import json
import os
import subprocess
import sys
import weakref
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from tfportrait import autodiff

ROOT = Path(__file__).parents[1]


def cases():
    """What the derivatives are, as plain numbers; run on the backend of this process."""
    x = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)
    t = np.cos(x)
    value, gradient = autodiff.gradient(lambda x: ops.sum(x**3, axis=1), x)
    results = {"value": value, "gradient": gradient}
    # R1: the penalty's own derivative needs the second derivative, d/dx (3 x^2)^2 = 36 x^3
    results["penalty"] = autodiff.gradient(lambda x: ops.square(autodiff.gradient(lambda y: y**3, x)[1]), x)[1]
    results["jvp_value"], results["jvp"] = autodiff.jvp(ops.sin, x, t)
    _, both = autodiff.gradient(lambda pair: pair["a"] * pair["b"] ** 2, {"a": x, "b": t})
    results |= {"a": both["a"], "b": both["b"]}
    _, results["unconnected"] = autodiff.gradient(lambda pair: pair[0] * 2.0, [x, t])
    results["unconnected"] = results["unconnected"][1]
    dense = keras.layers.Dense(1)
    dense.build((None, 3))
    dense.kernel.assign([[1.0], [2.0], [3.0]])
    results["layer"] = autodiff.gradient(dense, x)[1]
    return {name: np.asarray(ops.convert_to_numpy(value)).tolist() for name, value in results.items()}


def check(results):
    x = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)
    t = np.cos(x)
    expected = {
        "value": (x**3).sum(1),
        "gradient": 3 * x**2,
        "penalty": 36 * x**3,
        "jvp_value": np.sin(x),
        "jvp": np.cos(x) * t,
        "a": t**2,
        "b": 2 * x * t,
        "unconnected": np.zeros_like(x),
        "layer": np.tile([1.0, 2.0, 3.0], (2, 1)),
    }
    assert results.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(results[name], value, atol=1e-5, err_msg=name)


def test_derivatives():
    check(cases())


def test_derivatives_on_jax():
    code = "import json, sys, test_autodiff as t; print(json.dumps(t.cases())); assert 'tensorflow' not in sys.modules"
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": path}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    check(json.loads(result.stdout))


def test_compiled():
    tf = pytest.importorskip("tensorflow")
    x = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)

    @tf.function(jit_compile=True)
    def compiled(x):
        return autodiff.gradient(lambda x: x**3, x)[1], autodiff.jvp(ops.sin, x, ops.ones_like(x))[1]

    gradient, derivative = compiled(x)
    np.testing.assert_allclose(gradient, 3 * x**2, atol=1e-5)
    np.testing.assert_allclose(derivative, np.cos(x), atol=1e-5)


def cube(x):
    """x**3 with a gradient that is written out."""

    def function(x):
        return x**3, lambda upstream: 3 * x * x * upstream

    return autodiff.custom_gradient(function)(x)


def test_a_gradient_that_is_written_out_counts_in_and_out_of_graphs():
    tf = pytest.importorskip("tensorflow")
    x = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)
    np.testing.assert_allclose(autodiff.gradient(cube, x)[1], 3 * x**2, atol=1e-5)
    inside = tf.function(lambda x: autodiff.gradient(cube, x)[1], autograph=False)
    np.testing.assert_allclose(inside(x), 3 * x**2, atol=1e-5)
    # Differentiated from outside, the graph is gone through after it was traced: the table is asked.
    outside = tf.function(lambda x: cube(cube(x)), autograph=False)
    gc.collect()
    np.testing.assert_allclose(autodiff.gradient(outside, x)[1], 9 * x**8, atol=1e-5)
    twice = tf.function(lambda x: autodiff.gradient(lambda x: autodiff.gradient(cube, x)[1], x)[1], autograph=False)
    np.testing.assert_allclose(twice(x), 6 * x, atol=1e-5)


def test_a_traced_graph_is_freed_though_gradients_in_it_are_written_out():
    tf = pytest.importorskip("tensorflow")

    def function(x):
        with autodiff.gradients_owned_by_the_graph():
            return tf.nn.silu(cube(x))  # whose gradient TensorFlow writes out

    compiled = tf.function(function, autograph=False)
    graph = weakref.ref(compiled.get_concrete_function(tf.TensorSpec((2,), tf.float32)).graph)
    assert graph() is not None
    del compiled
    gc.collect()
    assert graph() is None


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"tangent has shape \(3,\), but x has \(2, 3\)"):
        autodiff.jvp(ops.sin, np.zeros((2, 3), "float32"), np.zeros(3, "float32"))

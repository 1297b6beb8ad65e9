"""Muon takes PyTorch's steps, treats kernels as matrices, and keeps what AdamW keeps."""

import pathlib

import keras
import numpy as np
import pytest
from golden import muon
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from test_optimizers import Trace, numpy_average
from tiny import images, tiny

from tfportrait import training
from tfportrait.training.muon import orthogonalize

GOLDEN = np.load(pathlib.Path(muon.__file__).with_suffix(".npz"))


@settings(deadline=None)  # every shape is compiled
@given(st.integers(1, 24), st.integers(1, 24), st.integers(0, 2**31), st.floats(1e-3, 1e3))
def test_orthogonalize_makes_the_singular_values_equal(rows, columns, seed, scale):
    u, s, v = np.linalg.svd(np.random.default_rng(seed).normal(size=(rows, columns)), full_matrices=False)
    s = np.maximum(s / s[0], 0.1)  # smaller ones take more steps
    result = ops.convert_to_numpy(orthogonalize((scale * (u * s) @ v).astype("float32")))
    values = np.linalg.svd(result, compute_uv=False)
    assert values.max() < 1.3 and values.min() > 0.5
    inside = u.T @ result @ v.T  # the same singular vectors: diagonal and positive
    np.testing.assert_allclose(inside, np.diag(np.diag(inside)), atol=1e-3)
    assert np.diag(inside).min() > 0.5


@pytest.mark.parametrize("name", muon.SHAPES)
def test_muon_takes_pytorchs_steps(name):
    weights, gradients = muon.case(name)
    variable = keras.Variable(weights)
    optimizer = training.Muon(**muon.SETTINGS)
    optimizer.build([variable])
    for gradient, golden in zip(gradients, GOLDEN[name], strict=True):
        optimizer.apply([ops.convert_to_tensor(gradient)])
        # the weights move by about 0.01 a step
        np.testing.assert_allclose(variable.numpy(), golden, atol=1e-5)


def test_muon_computes_its_matrices_in_bfloat16_where_the_model_does():
    weights, gradients = muon.case("wide")
    steps = {}
    for name in ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(name)
        variable = keras.Variable(weights, dtype="float32")
        optimizer = training.Muon(0.05, weight_decay=0.0)
        optimizer.build([variable])
        optimizer.apply([ops.convert_to_tensor(gradients[0])])
        steps[name] = variable.numpy() - weights
    difference = np.abs(steps["float32"] - steps["mixed_bfloat16"]).max()
    assert 0 < difference < 0.2 * np.abs(steps["float32"]).max()


def test_muon_treats_kernels_of_convolutions_as_matrices_and_leaves_the_rest_to_adamw():
    random = np.random.default_rng(3)
    shapes = {"conv": (3, 3, 4, 8), "matrix": (36, 8), "bias": (8,), "conv_out": (4, 6)}
    values = {name: random.normal(size=shape).astype("float32") for name, shape in shapes.items()}
    values["matrix"] = values["conv"].reshape(36, 8)
    gradients = {name: random.normal(size=shape).astype("float32") for name, shape in shapes.items()}
    gradients["matrix"] = gradients["conv"].reshape(36, 8)

    def trained(optimizer):
        variables = [keras.Variable(value, name=name) for name, value in values.items()]
        optimizer.build(variables)
        for _ in range(2):
            optimizer.apply([ops.convert_to_tensor(gradient) for gradient in gradients.values()])
        return {name: variable.numpy() for name, variable in zip(values, variables, strict=True)}

    ours = trained(training.Muon(0.04, weight_decay=0.0, adam_lr_ratio=0.5))
    adam = trained(training.AdamW(0.02, weight_decay=0.0))
    np.testing.assert_allclose(ours["conv"].reshape(36, 8), ours["matrix"], atol=1e-6)
    for name in ("bias", "conv_out"):
        np.testing.assert_allclose(ours[name], adam[name], atol=1e-6)
    assert np.abs(ours["conv"] - adam["conv"]).max() > 1e-3


@pytest.mark.parametrize("jit_compile", [False, True])
def test_muon_trains_keeps_an_average_and_is_saved(jit_compile, tmp_path):
    model, trace = tiny(), Trace()
    settings = {"momentum": 0.8, "ns_steps": 3, "adam_lr_ratio": 0.3, "exclude": ["conv_out"]}
    model.compile(training.Muon(1e-2, ema_decay=0.5, **settings), jit_compile=jit_compile)
    losses = model.fit(images(64), batch_size=4, epochs=3, verbose=0, callbacks=[trace]).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "x.keras")
    loaded = keras.saving.load_model(tmp_path / "x.keras")
    for name, value in settings.items():
        assert getattr(loaded.optimizer, name) == value
    for saved, restored in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(saved.numpy(), restored.numpy())
    with loaded.averaged_weights():
        np.testing.assert_allclose(loaded.conv_in.kernel.numpy(), numpy_average(trace.kernels, 0.5), atol=1e-6)


@pytest.mark.parametrize("arguments", [{"momentum": 1.0}, {"ns_steps": 0}, {"adam_lr_ratio": 0.0}])
def test_muon_out_of_range(arguments):
    with pytest.raises(ValueError, match="must be in"):
        training.Muon(**arguments)

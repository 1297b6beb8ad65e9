"""Functions of a model's networks, compiled once per shape, on TensorFlow and JAX alike."""

import contextlib
import contextvars

import keras
import numpy as np

from tfportrait import autodiff

_INFERRING = contextvars.ContextVar("inferring", default=False)


@contextlib.contextmanager
def inference():
    """Within it layers may choose what is quick forwards and slow to differentiate; `compiled` runs functions so."""
    token = _INFERRING.set(True)
    try:
        yield
    finally:
        _INFERRING.reset(token)


def inferring():
    """Whether this is within `inference`."""
    return _INFERRING.get()


def compiled(model, name, function):
    """The compiled form of `function`, kept on the model under `name` and made once.

    Args:
        model: keras.Model. Its variables may be read by `function`; later changes of them are seen.
        name: str. Two functions of one name are taken for the same.
        function: callable of arrays and tensors, returning a tensor. Numpy scalars are tensors too: no retracing.
            It is not meant to be differentiated.

    Returns:
        A callable of the same arguments.
    """
    cache = model.__dict__.setdefault("_compiled_functions", {})
    if name not in cache:
        function = inference()(function)
        make = {"tensorflow": _tensorflow, "jax": _jax}.get(keras.backend.backend())
        cache[name] = make(model, function) if make else function
    return cache[name]


def in_full_batches(function, count, batch_size):
    """What a function returns for `count` rows, of which it is always given `batch_size`, so that it is traced once.

    Args:
        function: callable. Numbers of rows, int (batch_size,), the last one repeated at the end -> a tensor with as
            many rows.
        count: int. Rows, at least 1.
        batch_size: int.

    Returns: array (count, ...).
    """
    starts = range(0, count, batch_size)
    parts = (np.arange(start, start + batch_size).clip(max=count - 1) for start in starts)
    return np.concatenate([keras.ops.convert_to_numpy(function(part)) for part in parts])[:count]


def after(x, value):
    """`value`, a tensor made of variables alone, but not before `x` is there.

    At the start of a graph TensorFlow computes whatever waits for no input: for every layer at once, and keeps it.
    """
    if keras.backend.backend() != "tensorflow":
        return value
    import tensorflow as tf

    with tf.control_dependencies([x]):
        return tf.identity(value)


def _tensorflow(model, function):
    import tensorflow as tf

    from tfportrait.training.acceleration import xla_default

    # Nothing in a network branches on tensors, and converting Python code takes longer than tracing it.
    function = autodiff.gradients_owned_by_the_graph()(function)
    return tf.function(function, jit_compile=xla_default() or None, autograph=False)


def _jax(model, function):
    import jax

    @jax.jit
    def stateless(values, *args):
        with keras.StatelessScope(state_mapping=list(zip(model.variables, values, strict=True))):
            return function(*args)

    return lambda *args: stateless([v.value for v in model.variables], *args)

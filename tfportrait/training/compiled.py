"""Functions of a model's networks, compiled once per shape, on TensorFlow and JAX alike."""

import contextlib
import contextvars

import keras
import numpy as np

from tfportrait import autodiff
from tfportrait.training.acceleration import cores_of_rows, xla_default

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


def is_known(model, name):
    """Whether `compiled` has made this function."""
    return name in model.__dict__.get("_compiled_functions", {})


def side_by_side(function):
    """`function`, computed for shares of the rows of its arguments at once where `accelerate` gave each core its own.

    Args:
        function: callable of tensors (B, ...), returning a tensor (B, ...) of which no row depends on another.

    Returns: a callable of the same arguments, for use in what is `compiled`: a share is traced once.
    """
    if cores_of_rows() < 2:
        return function
    import tensorflow as tf

    share = tf.function(function, autograph=False)

    def call(*tensors):
        rows = tensors[0].shape[0] or 1
        count = min(cores_of_rows(), rows)
        if count < 2:
            return function(*tensors)
        sizes = [len(part) for part in np.array_split(np.arange(rows), count)]
        return tf.concat([share(*part) for part in zip(*(tf.split(x, sizes) for x in tensors), strict=True)], axis=0)

    return call


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

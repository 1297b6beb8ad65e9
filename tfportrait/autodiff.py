"""Derivatives with respect to inputs, which `keras.ops` lacks, on TensorFlow and JAX.

`gradient` and `jvp` may be used inside a loss: what they return is itself differentiable. The function must not update
variables (random seeds, running means) on JAX.
"""

import contextlib
import threading
import weakref

import keras


def gradient(function, x):
    """The value of a function and its gradient with respect to the input, for example for the R1 penalty:

        logits, gradients = gradient(lambda x: discriminator(x), images)
        penalty = ops.mean(ops.sum(ops.square(gradients), axis=(1, 2, 3)))

    Args:
        function: callable. Maps `x` to one float tensor; if that has several elements, their sum is differentiated,
            which is each example's own gradient where examples do not depend on each other.
        x: float tensor or array, or a tuple, list or dict of them.

    Returns: (function(x), gradient), the gradient of x's structure, shapes and dtypes.

    Raises: NotImplementedError on other backends than TensorFlow and JAX.
    """
    x = keras.tree.map_structure(keras.ops.convert_to_tensor, x)
    backend = _backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
        return value, tape.gradient(value, x, unconnected_gradients="zero")
    import jax

    value, backward = jax.vjp(function, x)
    return value, backward(jax.numpy.ones_like(value))[0]


def jvp(function, x, tangent):
    """The value of a function and its derivative along a direction: d/dt function(x + t * tangent) at t = 0.

    Args:
        function: callable. Maps `x` to a float tensor or a structure of them.
        x: float tensor or array, or a tuple, list or dict of them.
        tangent: like `x`. The direction.

    Returns: (function(x), derivative), the derivative of the value's structure, shapes and dtypes.

    Raises: NotImplementedError on other backends than TensorFlow and JAX; ValueError if shapes of x and tangent differ.
    """
    x = keras.tree.map_structure(keras.ops.convert_to_tensor, x)
    tangent = keras.tree.map_structure(lambda a, t: keras.ops.convert_to_tensor(t, dtype=a.dtype), x, tangent)
    for a, t in zip(keras.tree.flatten(x), keras.tree.flatten(tangent), strict=True):
        if tuple(a.shape) != tuple(t.shape):
            raise ValueError(f"tangent has shape {tuple(t.shape)}, but x has {tuple(a.shape)}")
    backend = _backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.autodiff.ForwardAccumulator(x, tangent) as accumulator:
            value = function(x)
        return value, keras.tree.map_structure(lambda v: accumulator.jvp(v, unconnected_gradients="zero"), value)
    import jax

    return jax.jvp(function, (x,), (tangent,))


def custom_gradient(function):
    """`keras.ops.custom_gradient`, of which TensorFlow keeps nothing longer than the graph that it is traced in.

    Args:
        function: callable. Maps tensors to (value, function from upstream gradients to those of the tensors).

    Returns: callable. Maps the same tensors to the value.
    """
    wrapped = keras.ops.custom_gradient(function)

    def call(*tensors):
        with gradients_owned_by_the_graph():
            return wrapped(*tensors)

    return call


@contextlib.contextmanager
def gradients_owned_by_the_graph():
    """Lets TensorFlow free the graph that is traced inside.

    TensorFlow enters every gradient that is written out (`tf.custom_gradient`, the sum over replicas in an optimizer's
    step) into a table that is never emptied. Such a gradient holds its graph, so that every compiled function would
    stay in memory until the process ends, with about 30 MB for each small model that is trained. Here the graph owns
    its gradients, and the table only knows where they are. Does nothing outside of graphs and on other backends.
    """
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf
    from tensorflow.python.framework import ops

    table = getattr(ops.gradient_registry, "_registry", None)
    if tf.executing_eagerly() or table is None:
        yield
        return
    # What another thread traced meanwhile would count as this graph's. Replicas wait for each other and share a graph.
    with _TRACING if tf.distribute.get_strategy().num_replicas_in_sync == 1 else contextlib.nullcontext():
        start = ops.uid()  # the number of a gradient is drawn from the same count
        yield
        _hand_over(table, start)


def _hand_over(table, start):
    import tensorflow as tf

    graph = tf.compat.v1.get_default_graph()
    for name in reversed(list(table)):
        kind, _, number = name.partition("-")
        if kind != "CustomGradient" or int(number) < start:
            break
        if not isinstance(table[name]["type"], _Owned):
            graph.add_to_collection("tfportrait_gradients", table[name]["type"])
            table[name]["type"] = _Owned(table[name]["type"])
            weakref.finalize(graph, table.pop, name, None)


_TRACING = threading.RLock()


class _Owned:
    """A gradient that something else keeps alive."""

    def __init__(self, function):
        self._function = weakref.ref(function)

    def __call__(self, operation, *upstream):
        return self._function()(operation, *upstream)


def _backend():
    backend = keras.backend.backend()
    if backend not in ("tensorflow", "jax"):
        raise NotImplementedError(f"autodiff works on the TensorFlow and JAX backends, not on {backend}")
    return backend

"""Where numbers stopped being finite: a training step done again, layer by layer, on TensorFlow and JAX."""

import contextlib

import keras
import numpy as np
from keras import ops

from tfportrait import autodiff


def where_not_finite(model, x, y=None, sample_weight=None):
    """Computes the loss of a batch again and says where the first number that is not finite came from.

    Args:
        model: Trainable, with the weights and random seeds that it had before the step.
        x, y, sample_weight: the batch, as `compute_loss` takes it.

    Returns:
        str, such as "the output of tiny/norm is not finite (its inputs are)"; or "" if everything is finite.
    """
    for variable in model.variables:
        if not _finite(variable):
            return f"the weight {variable.path} was not finite before the step"
    for name, value in _named({"x": x, "y": y, "sample_weight": sample_weight}):
        if not _finite(value):
            return f"the batch is not finite: {name}"
    given = {"x": x, "y": y, "sample_weight": sample_weight, "training": True}
    with keras.StatelessScope(), _watched() as broken:
        loss = model.compute_loss(**given)
    if broken:
        return f"the output of {broken[0]} is not finite (its inputs are)"
    if not _finite(loss):
        return "the loss is not finite, though what every layer computes is"
    gradients = zip(model.trainable_variables, _gradients(model, given), strict=True)
    names = [variable.path for variable, gradient in gradients if not _finite(gradient)]
    if names:
        # Backwards, the last layer is the first that breaks.
        return f"the gradient of {names[-1]} is not finite, though the loss and what every layer computes is"
    return ""


def _gradients(model, given):
    """Those of the same loss: random seeds stay as they are."""
    weights = model.trainable_variables

    def loss_of(values):
        with keras.StatelessScope(state_mapping=zip(weights, values, strict=True)):
            return model.compute_loss(**given)

    return autodiff.gradient(loss_of, [variable.value for variable in weights])[1]


@contextlib.contextmanager
def _watched():
    """Within it every layer's call is looked at; yields a list that gets the path of the first that breaks."""
    broken = []
    call = keras.layers.Layer.__call__

    def watching(layer, *args, **kwargs):
        outputs = call(layer, *args, **kwargs)
        # What is inside a layer ends before it does, so that the innermost one is named.
        if not broken and not _all_finite(outputs) and _all_finite((args, kwargs)):
            broken.append(layer.path or layer.name)
        return outputs

    keras.layers.Layer.__call__ = watching
    try:
        yield broken
    finally:
        keras.layers.Layer.__call__ = call


def _all_finite(structure):
    return all(_finite(value) for value in keras.tree.flatten(structure) if ops.is_tensor(value))


def _finite(value):
    array = np.asarray(ops.convert_to_numpy(value))
    return array.dtype.kind in "iubSUO" or bool(np.isfinite(array.astype("float32")).all())


def _named(structure, name=""):
    """(name, value) of everything in nested dicts and sequences."""
    if isinstance(structure, dict):
        for key, value in structure.items():
            yield from _named(value, f"{name}[{key!r}]" if name else key)
    elif isinstance(structure, (list, tuple)):
        for index, value in enumerate(structure):
            yield from _named(value, f"{name}[{index}]")
    elif structure is not None:
        yield name, structure

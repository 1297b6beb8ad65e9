"""What a painter gets beside its networks' own weights: LoRAs and new words. They train while everything else rests."""

import functools

import keras
import numpy as np
from keras import ops

from tfportrait.models.latent_diffusion import set_trainable
from tfportrait.models.weights import named_variables
from tfportrait.training.optimizers import averages


def attach(painter, addition, trainable):
    """Adds a layer to those that the painter trains and saves; a trainable one freezes everything else.

    Args:
        painter: LatentDiffusion.
        addition: keras.layers.Layer, built.
        trainable: bool. Whether `fit` trains it. The painter must then be compiled anew.
    """
    if trainable:
        for other in painter.additions:
            other.trainable = False
        set_trainable(painter.unet, False)
        set_trainable(painter.text_encoder, False)
    addition.trainable = trainable
    painter.additions.append(addition)
    forget_compiled(painter)


def detach(painter, addition):
    """Takes a layer out again; without the one that trained, the networks train again as they did."""
    painter.additions.remove(addition)
    if addition.trainable:
        set_trainable(painter.unet, True)
        set_trainable(painter.text_encoder, painter.train_text_encoder)
    forget_compiled(painter)


def forget_compiled(painter):
    """Drops what was compiled for the layers as they were, the training step too: `compile` is due before `fit`."""
    painter.__dict__.pop("_compiled_functions", None)
    painter.compiled = False


def check_no_average(painter):
    """Raises a ValueError if a moving average stands for the networks' weights: it would undo what is added to them."""
    own = {id(variable) for network in (painter.unet, painter.text_encoder) if network for variable in network.weights}
    if any(id(variable) in own for variable, _ in averages(getattr(painter, "optimizer", None))):
        raise ValueError(
            "the painter paints with the moving average of its training: write it with save_to_preset, load that, and "
            "add to it"
        )


def averaged(painter, variables):
    """The values of variables that the painter paints with: averages where training keeps them, as list of arrays."""
    with painter.averaged_weights():
        return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


def kernels(painter):
    """The layers that a LoRA can be for, U-Net and text encoder: dict, name -> layer (dense or convolution), built."""
    found = {}
    for prefix in ("unet", "text_encoder"):
        network = getattr(painter, prefix)
        if network is None:
            continue
        owners = {
            id(layer._kernel): layer
            for layer in network._flatten_layers()
            if isinstance(layer, keras.layers.Dense | keras.layers.Conv2D)
        }
        for name, variable in named_variables(network).items():
            if id(variable) in owners:
                found[f"{prefix}.{name.removesuffix('.weight')}"] = owners[id(variable)]
    return found


def change_class(layer, mixin):
    """Gives a layer that is built the methods of `mixin`, over its own."""
    layer.__class__ = _mixed(mixin, type(layer))


def plain_class(layer):
    """The class that a layer had before `change_class`."""
    return type(layer).__mro__[2]


@functools.cache
def _mixed(mixin, cls):
    return type(f"{mixin.__name__.strip('_')}{cls.__name__}", (mixin, cls), {})

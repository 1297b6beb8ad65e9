"""LoRA (Hu et al. 2021) on a painter: read from files, several at once with their strengths, trained by `fit`, saved.

The kernel of a layer becomes kernel + strength * scale * down @ up, for each LoRA that the layer has. A *merged* LoRA
is computed into the kernels once: painting costs nothing more. A *live* one is added whenever the kernel is used, and
can be trained.
"""

import contextlib
import dataclasses
import math
import numbers
import weakref
from pathlib import Path

import keras
import numpy as np
from keras import ops

from tfportrait.stable_diffusion import lora_file
from tfportrait.stable_diffusion.additions import (
    attach,
    averaged,
    change_class,
    check_no_average,
    detach,
    kernels,
    plain_class,
)

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
TEXT_ATTENTION = ("q_proj", "k_proj", "v_proj", "out_proj")


@keras.saving.register_keras_serializable("tfportrait")
class LoRA(keras.layers.Layer):
    """A LoRA of a painter. `load_lora` and `add_lora` make it.

    Args:
        layers: dict. Name of a layer, as in a diffusers file -> {"kernel": shape, "rank": int, "scale": float}.
        strength: float.
        name: str.

    Attributes:
        strength: float. How much of it is added; can be set at any time.
        live: bool. Whether it is added at each use (and can be trained), or computed into the kernels once.
    """

    def __init__(self, layers, strength=1.0, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.config = {"layers": layers}
        self.factors = {}
        # In float32 even where the networks compute in half: what is added is small beside the kernels.
        self.strength_value = self.add_weight(
            name="strength",
            shape=(),
            initializer=keras.initializers.Constant(strength),
            trainable=False,
            autocast=False,
        )
        for layer, settings in layers.items():
            *window, channels, filters = settings["kernel"]
            bound = 1.0 / math.sqrt(math.prod([*window, channels]))
            start = {"down": keras.initializers.RandomUniform(-bound, bound), "up": "zeros"}  # as PEFT starts
            shapes = {"down": (*window, channels, settings["rank"]), "up": (settings["rank"], filters)}
            self.factors[layer] = {
                part: self.add_weight(
                    name=f"{layer}.{part}", shape=shapes[part], initializer=start[part], autocast=False
                )
                for part in ("down", "up")
            }
        self.built = True
        self.live = False
        self._painter = _nobody

    def get_config(self):
        return {"name": self.name, **self.config, "strength": self.strength}

    @property
    def strength(self):
        return float(ops.convert_to_numpy(self.strength_value))

    @strength.setter
    def strength(self, value):
        value = check_strength(value)
        if self.live:
            self.strength_value.assign(value)
        else:
            _change(self._owner(), self, lambda: self.strength_value.assign(value))

    def added(self, layer):
        """What is added to a layer's kernel, in float32."""
        factors, scale = self.factors[layer], self.config["layers"][layer]["scale"]
        return self.strength_value * scale * ops.matmul(factors["down"], factors["up"])

    def attach(self, painter):
        """Makes it live on a painter."""
        self._painter = weakref.ref(painter)  # Keras would take the painter for a layer inside this one
        layers = kernels(painter)
        for name in self.factors:
            _make_live(layers[name]).append((self, name))
        self.live = True
        attach(painter, self, trainable=True)

    def merge(self):
        """Computes a live one, trained or not, into the kernels: painting then costs nothing more.

        Where the training keeps an average, its average is merged.
        """
        painter = self._owner()
        if not self.live:
            return
        values = averaged(painter, self.weights)
        self._take_off(painter)
        for variable, value in zip(self.weights, values, strict=True):
            variable.assign(value)
        _merge(painter, self)

    def remove(self):
        """Takes it out of the painter, whose kernels are then what they were before, bit for bit."""
        painter = self._owner()
        if self.live:
            self._take_off(painter)
        else:
            _change(painter, self, lambda: _merged(painter).loras.remove(self))
        self._painter = _nobody

    def save(self, path):
        """Writes it as diffusers does: a safetensors file in PEFT's names, float32, whatever its strength is.

        Args:
            path: str or path. The file to write. Where the training keeps an average, the average is written.
        """
        lora_file.write(path, self.numbers())

    def numbers(self):
        """What `save` writes: dict, layer -> `lora_file.Factors`."""
        values = averaged(self._owner(), self.weights) if self.live else map(ops.convert_to_numpy, self.weights)
        values = {id(variable): value for variable, value in zip(self.weights, values, strict=True)}
        return {
            layer: lora_file.Factors(
                values[id(factors["down"])], values[id(factors["up"])], self.config["layers"][layer]["scale"]
            )
            for layer, factors in self.factors.items()
        }

    @contextlib.contextmanager
    def within_weights(self):
        """Within it the kernels' own variables have a live LoRA in them, as files want it."""
        layers = kernels(self._owner())
        variables = {name: layers[name]._kernel for name in self.factors}
        before = {name: np.array(ops.convert_to_numpy(variable)) for name, variable in variables.items()}
        try:
            for name, variable in variables.items():
                variable.assign(before[name].astype("float32") + ops.convert_to_numpy(self.added(name)))
            yield
        finally:
            for name, variable in variables.items():
                variable.assign(before[name])

    def _owner(self):
        # No property: Keras would look for weights in it.
        painter = self._painter()
        if painter is None:
            raise ValueError(f"the LoRA {self.name!r} is in no painter: it was removed, or its painter is gone")
        return painter

    def _take_off(self, painter):
        layers = kernels(painter)
        for name in self.factors:
            _unmake_live(layers[name], self)
        self.live = False
        detach(painter, self)


def load_lora(painter, file, strength=1.0, *, live=False, name=None):
    """Reads a LoRA into a painter, beside those that it has already.

    A preset has all of a painter's LoRAs in its weights; a `.keras` file has merged ones there, live ones beside them.

    Args:
        painter: LatentDiffusion.
        file: str or path. A `.safetensors` file of diffusers, PEFT or Kohya, for the U-Net or the text encoder or both.
        strength: float. How much of it is added; `lora.strength = 0.5` changes it without reading the file again.
        live: bool. Keep it beside the kernels, to train it on; else it is computed into them once, in float32, and a
            copy of each kernel that it touches is kept for its removal. Defaults to `False`.
        name: str or None. Defaults to the file's.

    Returns: LoRA.

    Raises: ValueError if the file is missing, damaged, of another kind (DoRA, LoHa, LoKr, ...) or for another
        architecture, all of it named; then nothing is changed.
    """
    strength = check_strength(strength)
    name = _new_name(painter, name or Path(file).stem)
    check_no_average(painter)
    shapes = {layer: tuple(owner._kernel.shape) for layer, owner in kernels(painter).items()}
    factors = lora_file.read(file, shapes, painter.unet.config)
    if not factors:
        raise ValueError(f"{file} has no tensor in it")
    layers = {
        layer: {"kernel": list(shapes[layer]), "rank": up.shape[0], "scale": scale}
        for layer, (_, up, scale) in factors.items()
    }
    lora = LoRA(layers, strength, name=name)
    for layer, (down, up, _) in factors.items():
        lora.factors[layer]["down"].assign(down)
        lora.factors[layer]["up"].assign(up)
    if live:
        lora.attach(painter)
    else:
        _merge(painter, lora)
    return lora


def add_lora(painter, rank=4, *, alpha=None, targets=ATTENTION, text_encoder=False, name="lora"):
    """Adds a new, live LoRA to a painter, and freezes everything else: `fit` then trains the LoRA alone.

        lora = tp.add_lora(painter, rank=8)
        painter.compile(tp.training.AdamW(1e-4))
        painter.fit(painter.preprocess(dataset), ...)
        lora.save("mine.safetensors")

    It starts as no change at all: `down` is random, `up` zero.

    Args:
        painter: LatentDiffusion.
        rank: int >= 1. Of the change of each kernel.
        alpha: float or None. The change is multiplied by alpha / rank. Defaults to `rank`.
        targets: sequence of str, or "all". Last parts of the names of the U-Net's layers that get it, as in diffusers.
            Defaults to the projections of the attention.
        text_encoder: bool, or "all". Whether the text encoder's attention gets it too, or all its layers. Defaults to
            `False`.
        name: str.

    Returns: LoRA.

    Raises: ValueError for a rank below 1, a name that is taken, or a target that no layer has.
    """
    if isinstance(rank, bool) or not isinstance(rank, numbers.Integral) or rank < 1:
        raise ValueError(f"rank is {rank!r}, but must be an integer of at least 1")
    if text_encoder and painter.text_encoder is None:
        raise ValueError("this painter is unconditional: it has no text encoder that a LoRA could be for")
    name = _new_name(painter, name)
    check_no_average(painter)
    layers = kernels(painter)
    chosen = _chosen(layers, "unet.", targets)
    if text_encoder:
        chosen += _chosen(layers, "text_encoder.", "all" if text_encoder == "all" else TEXT_ATTENTION)
    scale = float(rank if alpha is None else alpha) / rank
    lora = LoRA(
        {layer: {"kernel": list(layers[layer]._kernel.shape), "rank": int(rank), "scale": scale} for layer in chosen},
        name=name,
    )
    lora.attach(painter)
    return lora


def loras(painter):
    """The LoRAs that a painter has, merged ones first: dict, name -> LoRA."""
    every = [*_merged(painter).loras, *(addition for addition in painter.additions if isinstance(addition, LoRA))]
    return {lora.name: lora for lora in every}


def _nobody():
    return None


def check_strength(strength):
    """The strength as a float; a ValueError unless it is a finite number."""
    if isinstance(strength, bool) or not isinstance(strength, numbers.Real) or not math.isfinite(strength):
        raise ValueError(f"the strength of a LoRA is {strength!r}, but must be a finite number, such as 0.8")
    return float(strength)


def _new_name(painter, name):
    if name in loras(painter):
        raise ValueError(f"the painter has a LoRA named {name!r} already: remove it, or give another name=")
    return name


def _chosen(layers, prefix, targets):
    """The layers whose names end in one of the targets, or "all"."""
    own = [layer for layer in layers if layer.startswith(prefix)]
    if targets == "all":
        return own
    targets = (targets,) if isinstance(targets, str) else targets
    chosen = [layer for layer in own if any(layer.endswith(f".{target}") for target in targets)]
    for target in targets:
        if not any(layer.endswith(f".{target}") for layer in own):
            ends = sorted({layer.split(".")[-1] for layer in own if not layer[-1].isdigit()})
            raise ValueError(f"no layer of the painter is named ...{target}; there are {', '.join(ends)}, ...")
    return chosen


@dataclasses.dataclass
class _Merged:
    """The LoRAs in a painter's kernels, and those kernels as they were before."""

    loras: list
    originals: dict


def _merged(painter):
    return painter.__dict__.setdefault("_merged_loras", _Merged([], {}))


def _merge(painter, lora):
    lora._painter = weakref.ref(painter)
    lora.trainable = False
    _change(painter, lora, lambda: _merged(painter).loras.append(lora))


def _change(painter, lora, change):
    """Changes what is merged; then computes the kernels that `lora` touches from their originals.

    Raises: ValueError if somebody else has changed those kernels since: nothing is changed then.
    """
    merged, layers = _merged(painter), kernels(painter)
    variables = {name: layers[name]._kernel for name in lora.factors}
    for name, variable in variables.items():
        value = np.array(ops.convert_to_numpy(variable))
        if not np.array_equal(value, _sum(merged, name, merged.originals.setdefault(name, value))):
            raise ValueError(
                f"the kernel of {name} was trained or replaced after a LoRA had been merged into it: neither can be "
                "taken apart again; load the painter anew"
            )
    change()
    for name, variable in variables.items():
        variable.assign(_sum(merged, name, merged.originals[name]))
        if not any(name in other.factors for other in merged.loras):
            del merged.originals[name]


def _sum(merged, name, original):
    """A kernel with all that is merged into it: summed in float32, rounded once to the kernel's own type."""
    having = [lora for lora in merged.loras if name in lora.factors]
    if not having:
        return original
    total = original.astype("float32")
    for lora in having:
        total = total + ops.convert_to_numpy(lora.added(name))
    return total.astype(original.dtype)


class _Live:
    """A dense layer or convolution whose kernel has live LoRAs in it."""

    @property
    def kernel(self):
        kernel = ops.cast(self._kernel, "float32")
        for lora, name in self._loras:
            kernel = kernel + lora.added(name)
        return ops.cast(kernel, self.compute_dtype)

    def save_own_variables(self, store):
        # Keras would store what `kernel` is; the file has the LoRA beside it.
        live, self.__class__ = self.__class__, plain_class(self)
        try:
            self.save_own_variables(store)
        finally:
            self.__class__ = live


def _make_live(layer):
    """Turns a layer into a live one if it is none; the list of its LoRAs, each with the layer's name in it."""
    if not isinstance(layer, _Live):
        change_class(layer, _Live)
        layer._kernel._autocast = False  # rounded once, with what is added, not before it
        layer.__dict__["_loras"] = []  # not for Keras: the painter has the LoRA
    return layer._loras


def _unmake_live(layer, lora):
    layer._loras[:] = [pair for pair in layer._loras if pair[0] is not lora]
    if not layer._loras:
        layer.__class__ = plain_class(layer)
        layer._kernel._autocast = True
        del layer.__dict__["_loras"]

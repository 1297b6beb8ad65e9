"""The Inception network that FID is defined by (Szegedy et al. 2016, as Heusel et al. 2017 use it)."""

import functools

import keras
import numpy as np
from keras import layers, ops

from tfportrait.models.layers import register
from tfportrait.models.weights import assign_tensors, named_variables, tensors_in

SIZE = 299
IGNORED = ("fc.", "AuxLogits.")  # its classifiers
COUNT = ".num_batches_tracked"
CONVERSION = (
    "python -c \"import torch, safetensors.torch as s; s.save_file(torch.load('x.pth', weights_only=True), "
    "'x.safetensors')\""
)


@register
class Unit(layers.Layer):
    """Convolution, batch normalisation with the statistics that were learnt, ReLU."""

    def __init__(self, inputs, filters, kernel=1, strides=1, padding="valid", **kwargs):
        super().__init__(**kwargs)
        self.inputs = inputs
        self.conv = layers.Conv2D(filters, kernel, strides, padding, use_bias=False, name="conv")
        self.bn = layers.BatchNormalization(epsilon=1e-3, name="bn")

    def build(self, input_shape=None):
        self.conv.build((None, None, None, self.inputs))
        self.bn.build((None, None, None, self.conv.filters))

    def call(self, x):
        return ops.relu(self.bn(self.conv(x), training=False))


@register
class Mixed(layers.Layer):
    """Branches side by side.

    Args:
        units: dict of str to tuple. Name of a unit -> arguments of `Unit`.
        branches: list. Each a list of what is applied one after the other: names of units; `"mean"` or `"max"` of
            3 x 3 pixels; `"reduce"`, their maximum in steps of two; a tuple of names, applied side by side.
    """

    def __init__(self, units, branches, **kwargs):
        super().__init__(**kwargs)
        self.branches = branches
        for name, arguments in units.items():
            setattr(self, name, Unit(*arguments, name=name))
        self._units = tuple(units)

    def build(self, input_shape=None):
        for name in self._units:
            getattr(self, name).build()

    def call(self, x):
        return ops.concatenate([functools.reduce(self._apply, branch, x) for branch in self.branches], axis=-1)

    def _apply(self, x, step):
        match step:
            case tuple():
                return ops.concatenate([getattr(self, name)(x) for name in step], axis=-1)
            case "mean":
                return ops.average_pool(x, 3, 1, "same")  # pixels outside do not count
            case "max":
                return ops.max_pool(x, 3, 1, "same")
            case "reduce":
                return ops.max_pool(x, 3, 2, "valid")
        return getattr(self, step)(x)


def _block_a(inputs, pooled):
    units = {
        "branch1x1": (inputs, 64),
        "branch5x5_1": (inputs, 48),
        "branch5x5_2": (48, 64, 5, 1, "same"),
        "branch3x3dbl_1": (inputs, 64),
        "branch3x3dbl_2": (64, 96, 3, 1, "same"),
        "branch3x3dbl_3": (96, 96, 3, 1, "same"),
        "branch_pool": (inputs, pooled),
    }
    double = ["branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"]
    return Mixed(units, [["branch1x1"], ["branch5x5_1", "branch5x5_2"], double, ["mean", "branch_pool"]])


def _block_b(inputs):
    units = {
        "branch3x3": (inputs, 384, 3, 2),
        "branch3x3dbl_1": (inputs, 64),
        "branch3x3dbl_2": (64, 96, 3, 1, "same"),
        "branch3x3dbl_3": (96, 96, 3, 2),
    }
    return Mixed(units, [["branch3x3"], ["branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"], ["reduce"]])


def _block_c(inputs, inner):
    row, column = ((1, 7), 1, "same"), ((7, 1), 1, "same")
    units = {
        "branch1x1": (inputs, 192),
        "branch7x7_1": (inputs, inner),
        "branch7x7_2": (inner, inner, *row),
        "branch7x7_3": (inner, 192, *column),
        "branch7x7dbl_1": (inputs, inner),
        "branch7x7dbl_2": (inner, inner, *column),
        "branch7x7dbl_3": (inner, inner, *row),
        "branch7x7dbl_4": (inner, inner, *column),
        "branch7x7dbl_5": (inner, 192, *row),
        "branch_pool": (inputs, 192),
    }
    single, double = ([f"{name}_{i + 1}" for i in range(n)] for name, n in (("branch7x7", 3), ("branch7x7dbl", 5)))
    return Mixed(units, [["branch1x1"], single, double, ["mean", "branch_pool"]])


def _block_d(inputs):
    units = {
        "branch3x3_1": (inputs, 192),
        "branch3x3_2": (192, 320, 3, 2),
        "branch7x7x3_1": (inputs, 192),
        "branch7x7x3_2": (192, 192, (1, 7), 1, "same"),
        "branch7x7x3_3": (192, 192, (7, 1), 1, "same"),
        "branch7x7x3_4": (192, 192, 3, 2),
    }
    return Mixed(units, [["branch3x3_1", "branch3x3_2"], [f"branch7x7x3_{i}" for i in (1, 2, 3, 4)], ["reduce"]])


def _block_e(inputs, pool):
    row, column = ((1, 3), 1, "same"), ((3, 1), 1, "same")
    units = {
        "branch1x1": (inputs, 320),
        "branch3x3_1": (inputs, 384),
        "branch3x3_2a": (384, 384, *row),
        "branch3x3_2b": (384, 384, *column),
        "branch3x3dbl_1": (inputs, 448),
        "branch3x3dbl_2": (448, 384, 3, 1, "same"),
        "branch3x3dbl_3a": (384, 384, *row),
        "branch3x3dbl_3b": (384, 384, *column),
        "branch_pool": (inputs, 192),
    }
    single = ["branch3x3_1", ("branch3x3_2a", "branch3x3_2b")]
    double = ["branch3x3dbl_1", "branch3x3dbl_2", ("branch3x3dbl_3a", "branch3x3dbl_3b")]
    return Mixed(units, [["branch1x1"], single, double, [pool, "branch_pool"]])


@register
class FIDInception(keras.Model):
    """Images to the 2,048 features that FID compares.

    It is not Keras' InceptionV3: its mean pooling leaves out what lies outside of the image, its last block takes a
    maximum, its images are enlarged as TensorFlow 1 did it, and its weights are those of 2015.

    Call arguments: `images` float (B, H, W, 3) in [0, 255].
    Returns: float32 (B, 2048).
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.Conv2d_1a_3x3 = Unit(3, 32, 3, 2)
        self.Conv2d_2a_3x3 = Unit(32, 32, 3)
        self.Conv2d_2b_3x3 = Unit(32, 64, 3, 1, "same")
        self.Conv2d_3b_1x1 = Unit(64, 80)
        self.Conv2d_4a_3x3 = Unit(80, 192, 3)
        self.Mixed_5b = _block_a(192, 32)
        self.Mixed_5c = _block_a(256, 64)
        self.Mixed_5d = _block_a(288, 64)
        self.Mixed_6a = _block_b(288)
        self.Mixed_6b = _block_c(768, 128)
        self.Mixed_6c = _block_c(768, 160)
        self.Mixed_6d = _block_c(768, 160)
        self.Mixed_6e = _block_c(768, 192)
        self.Mixed_7a = _block_d(768)
        self.Mixed_7b = _block_e(1280, "mean")
        self.Mixed_7c = _block_e(2048, "max")
        self._path = (
            *("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "", "Conv2d_3b_1x1", "Conv2d_4a_3x3", ""),
            *("Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"),
            *("Mixed_7a", "Mixed_7b", "Mixed_7c"),
        )
        for name in filter(None, self._path):
            getattr(self, name).build()
        self.built = True

    @classmethod
    def from_file(cls, path):
        """Reads the weights of 2015 in PyTorch's names, as pytorch-fid, torch-fidelity and torchmetrics share them.

        Args:
            path: str or path. A safetensors file, converted from "pt_inception-2015-12-05-6726825d.pth" or
                "weights-inception-2015-12-05-6726825d.pth".

        Returns: FIDInception.

        Raises: ValueError if the file is missing, damaged, a pickle, or another network's.
        """
        if str(path).endswith((".pth", ".pt", ".ckpt", ".bin")):
            raise ValueError(
                f"{path} is a pickle, which may run anything: convert it first, where it came from: {CONVERSION}"
            )
        model = cls()
        places = {k: p for k, p in tensors_in(path).items() if not k.startswith(IGNORED) and not k.endswith(COUNT)}
        names = {"moving_mean": "running_mean", "moving_variance": "running_var"}
        variables = {}
        for name, variable in named_variables(model).items():
            stem, _, last = name.rpartition(".")
            variables[f"{stem}.{names.get(last, last)}"] = variable
        assign_tensors(model, path, variables, places)
        return model

    def call(self, images):
        x = (_enlarged(ops.cast(images, "float32")) - 128.0) / 128.0
        for name in self._path:
            x = getattr(self, name)(x) if name else ops.max_pool(x, 3, 2, "valid")
        return ops.mean(x, axis=(1, 2))


def _enlarged(images):
    """Bilinear in TensorFlow 1's manner: pixel i lies at i, not at i + 1/2."""
    rows, columns = (_positions(size) for size in images.shape[1:3])
    return ops.einsum("ij,bjkc,lk->bilc", rows, images, columns)


@functools.cache
def _positions(size):
    """(SIZE, size): what each pixel of the result takes of each pixel of an image."""
    where = np.arange(SIZE) * (size / SIZE)
    low = np.minimum(where.astype(int), size - 1)
    high, share = np.minimum(low + 1, size - 1), where - low
    matrix = np.zeros((SIZE, size), "float32")
    np.add.at(matrix, (np.arange(SIZE), low), 1 - share)
    np.add.at(matrix, (np.arange(SIZE), high), share)
    return matrix

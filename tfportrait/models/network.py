"""What the networks share: their configuration and their folder in diffusers' layout."""

import inspect
from pathlib import Path

import keras
import numpy as np
from keras import ops

from tfportrait.files import check_writable_folder, write_checksums
from tfportrait.models.architecture import check_sizes, check_values
from tfportrait.models.weights import (
    find_tensors,
    make_with_weights,
    places_in,
    read_json,
    write_json,
    write_weights,
)
from tfportrait.training import Trainable

CONFIG = "config.json"


class Network:
    """Mixin for a `keras.Model` whose keyword arguments are the keys of a config.json.

    A subclass has the class attributes `disk_config` (dict: what config.json says beside the arguments),
    `accepted_config` (dict: key -> the one supported value, None for any, of keys that are no arguments),
    `constants` (dict: argument -> its value where diffusers has no key for it; other values alone are written),
    `weights_stem` and `weights_prefix` (see `weights.py`). Its constructor sets `self.config`.
    """

    disk_config: dict = {}
    accepted_config: dict = {}
    constants: dict = {}
    weights_stem = "diffusion_pytorch_model"
    weights_prefix = ""

    @classmethod
    def arguments(cls):
        """The names of the keyword arguments that make up the configuration."""
        parameters = inspect.signature(cls.__init__).parameters.values()
        return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)

    @classmethod
    def required_arguments(cls):
        """The names of those that have no default."""
        parameters = inspect.signature(cls.__init__).parameters
        return tuple(name for name in cls.arguments() if parameters[name].default is inspect.Parameter.empty)

    def get_config(self):
        return {**super().get_config(), **self.config}

    def get_build_config(self):
        # The constructor builds the variables, so Keras has nothing to build when it loads a file.
        return None

    @classmethod
    def from_folder(cls, folder, *, dtype=None):
        """The network in a folder with config.json and safetensors weights.

        Args:
            folder: str or path.
            dtype: str or `keras.DTypePolicy`. Precision policy. Defaults to the global policy.

        Raises: ValueError if a file is missing or damaged, or the configuration is one that this class lacks.
        """
        config = cls.check_folder(folder)

        def make():
            try:
                return cls(**config, dtype=dtype)
            except ValueError as error:
                raise ValueError(f"{Path(folder) / CONFIG}: {error}") from error

        return make_with_weights(make, folder, lambda network: places_in(network, folder))

    @classmethod
    def check_folder(cls, folder):
        """Checks the folder of a network as far as that takes neither time nor memory.

        Returns: dict, the constructor's arguments.

        Raises: ValueError as in `from_folder`.
        """
        path = Path(folder) / CONFIG
        config = select_config(cls, read_json(path), path)
        missing = [name for name in cls.required_arguments() if name not in config]
        if missing:
            raise ValueError(f"{path} is no {cls.__name__}'s: it has no {', '.join(missing)}")
        check_values(cls, config, path)
        tensors = find_tensors(folder, cls.weights_stem)
        check_sizes(cls, config, path, {name: place.shape for name, place in tensors.items()})
        return config

    def save_to_folder(self, folder, *, dtype="float16"):
        """Writes config.json and the weights.

        Args:
            folder: str or path. Created if need be.
            dtype: str. Of the numbers on disk: `"float16"`, `"bfloat16"` or `"float32"`. Defaults to `"float16"`.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_weights(self, folder / f"{self.weights_stem}.safetensors", dtype=dtype)
        write_json(folder / CONFIG, self.disk())

    def disk(self):
        """The contents of config.json."""
        disk = {**self.disk_config, **self.config}
        return {key: value for key, value in disk.items() if key not in self.constants or value != self.constants[key]}


class Trained(Network, Trainable):
    """A trainable network that is a preset by itself: a folder with config.json and weights, and checksums."""

    weights_stem = "model"

    @classmethod
    def from_preset(cls, preset, *, dtype=None):
        """Loads what `save_to_preset` wrote.

        Args:
            preset: str or path. A folder, or the name of a shipped preset.
            dtype: str or None. Precision policy. Defaults to the global one.

        Raises: ValueError if there is no such preset, or a file of it is missing or damaged.
        """
        from tfportrait.models.preset import locate

        return cls.from_folder(locate(preset), dtype=dtype)

    def save_to_preset(self, directory):
        """Writes config.json and model.safetensors (float16) with the averaged weights where there are any."""
        folder = check_writable_folder(directory)
        with self.averaged_weights():
            self.save_to_folder(folder)
        write_checksums(folder)


def batch_images(batch):
    """The images of what `fit` was given, as float32 in [-1, 1].

    Args:
        batch: uint8 or float (B, H, W, C), or a dict that has them as "image".
    """
    images = batch["image"] if isinstance(batch, dict) else batch
    if keras.backend.standardize_dtype(images.dtype) == "uint8":
        return ops.cast(images, "float32") / 127.5 - 1.0
    return ops.cast(images, "float32")


def decibels(squared_error):
    """Peak signal-to-noise ratio of images in [-1, 1], in dB, from mean squared errors of any shape."""
    return 10 * ops.log10(4.0 / ops.maximum(squared_error, 1e-10))


def to_uint8(images):
    """Images in [-1, 1], of any backend, as uint8 in NumPy.

    Raises: FloatingPointError if they are not finite.
    """
    images = ops.convert_to_numpy(ops.cast(images, "float32"))
    if not np.isfinite(images).all():
        raise FloatingPointError("not a number in the decoded image: try float32")
    return np.rint((np.clip(images, -1.0, 1.0) + 1.0) * 127.5).astype("uint8")


def record(cls, local_variables):
    """The configuration among a constructor's local variables, tuples as lists as JSON has them."""
    values = {name: local_variables[name] for name in cls.arguments()}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def select_config(cls, config, path):
    """The constructor arguments among the keys of a config.json, which was read from `path`.

    A key that is no argument is passed over if it says nothing (None, False), begins with an underscore or has the
    only value that is supported; anything else would change the network, so it is an error.

    Raises: ValueError that names the key.
    """
    known, accepted = cls.arguments(), {**cls.disk_config, **cls.accepted_config}
    for key, value in config.items():
        if key in known or key.startswith("_") or value is None or value is False:
            continue
        if key not in accepted:
            raise ValueError(f"{path}: {cls.__name__} does not support {key}={value!r:.80}")
        if accepted[key] is not None and value != accepted[key]:
            raise ValueError(f"{path}: {cls.__name__} does not support {key}={value!r:.80}, only {accepted[key]!r}")
    return {key: value for key, value in config.items() if key in known}


def check_sides(shape, factor):
    """Raises a ValueError with the nearest valid side unless height and width of (B, H, W, C) are multiples."""
    for side in shape[1:3]:
        if side is not None and side % factor:
            nearest = max(round(side / factor), 1) * factor
            raise ValueError(f"a side of {side} pixels does not fit: it must be a multiple of {factor}, e.g. {nearest}")


def one_of(name, value, valid):
    """Raises a ValueError that lists the valid values unless `value` is among them."""
    if value not in valid:
        raise ValueError(f"{name} is {value!r}; valid: {', '.join(str(v) for v in valid)}")

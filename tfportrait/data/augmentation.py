"""Augmentation: flips, turned, sheared, zoomed and cropped pictures, other light and colour, the same on every resume.

All that is drawn is a function of (seed, epoch, example): a resumed run sees the very batches it would have seen, and a
picture is changed in the same way in any batch. Keras' own random layers count their calls instead; here they are given
what was drawn. The geometric changes are one affine map, so that a picture is resampled once.

A generator paints what it sees: turned and sheared training pictures come back in its samples (`errata.augmentation`).
"""

import functools
import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tfportrait.data.order import draws
from tfportrait.world.attributes import nearest

KERAS_CV = ("channel_shift", "jpeg")  # Keras itself has no layers for them
NAMES = ("flip", "rotation", "shear", "zoom", "crop", "colour", *KERAS_CV)
DEFAULT_STRENGTH = 0.5
_DEGREES, _SHEAR, _ZOOM, _CROP, _LIGHT, _COLOUR, _SHIFT, _JPEG = 30.0, 0.4, 1.4, 0.4, 0.25, 0.5, 0.2, 80.0
_GEOMETRY = ("rotation", "shear", "zoom", "crop")


class Augmentation:
    """What is done to the pictures of a data set.

    | name | at strength 1 |
    |---|---|
    | `flip` | every picture is mirrored, with its labels and captions; at 0.5 every other one |
    | `rotation` | turned about the middle by up to 30 degrees, either way |
    | `shear` | slanted by up to 0.4 pixels a pixel, along both axes |
    | `zoom` | enlarged or shrunk by up to 1.4 times |
    | `crop` | a part anywhere, of at least 0.6 of the side, enlarged to the whole |
    | `colour` | brightness by up to a quarter of the range, contrast and saturation by up to half |
    | `channel_shift` | red, green and blue each by up to a fifth of the range (KerasCV) |
    | `jpeg` | the traces of JPEG, of a quality down to 20 (KerasCV) |

    Rescaling is not among them: pictures always come in [-1, 1]. Nor is hue, because captions name colours.

    Args:
        spec: mapping of name to strength, a sequence of strings "name" or "name=strength", or one such string. A
            strength is from 0, off, to 1. Defaults to 0.5 where only the name is given.

    Attributes:
        strengths: dict. Name -> strength above 0, in the order of `NAMES`.

    Raises: ValueError for an unknown name (the message lists the valid ones, nearest first), a name given twice, a
        strength that is not in [0, 1], or a name that needs KerasCV where it cannot be imported.
    """

    def __init__(self, spec: Mapping[str, float] | Iterable[str] | str):
        strengths = _read(spec)
        self.strengths = {name: strengths[name] for name in NAMES if strengths.get(name, 0.0) > 0.0}
        if needing := [name for name in KERAS_CV if name in self.strengths]:
            _import_keras_cv(needing[0])

    def __repr__(self) -> str:
        return f"Augmentation({self.strengths})"

    def flips(self, seed: int, epoch: int, indices: np.ndarray) -> np.ndarray:
        """Which examples are mirrored in an epoch.

        Args:
            seed, epoch: int.
            indices: integers (n,). The examples.

        Returns: bool (n,).
        """
        return _uniform("flip", seed, epoch, indices) < self.strengths.get("flip", 0.0)

    def changes(self, seed: int, epoch: int, indices: np.ndarray, height: int, width: int) -> dict[str, np.ndarray]:
        """What is drawn for each example beside its flip: what `apply` takes.

        Args:
            seed, epoch: int.
            indices: integers (n,). The examples.
            height, width: int. Of the pictures in pixels.

        Returns: dict of float32 arrays, of which the first axis is n; empty if nothing but flips is asked for.
            "matrix" (n, 8): the pixel (x, y) of the result is taken at ((a x + b y + c), (d x + e y + f)) of the
            picture, as `keras.ops.image.affine_transform` has it.
        """
        at = self.strengths
        draw = functools.partial(_uniform, seed=seed, epoch=epoch, indices=indices)
        made = {}
        if any(name in at for name in _GEOMETRY):
            made["matrix"] = self._matrices(draw, len(indices), height, width)
        if "colour" in at:
            made["brightness"] = _LIGHT * at["colour"] * (2 * draw("brightness") - 1)
            made["contrast"] = 1 + _COLOUR * at["colour"] * (2 * draw("contrast") - 1)
            made["saturation"] = 1 + _COLOUR * at["colour"] * (2 * draw("saturation") - 1)
        if "channel_shift" in at:
            channels = np.stack([draw(f"channel_shift {channel}") for channel in range(3)], -1)
            made["channel_shift"] = _SHIFT * at["channel_shift"] * (2 * channels - 1)
        if "jpeg" in at:
            made["jpeg"] = 100 - np.floor(_JPEG * at["jpeg"] * draw("jpeg") + 0.5)
        return {name: value.astype(np.float32) for name, value in made.items()}

    def _matrices(self, draw, count: int, height: int, width: int) -> np.ndarray:
        """The maps from the result to the picture, float64 (count, 8)."""
        at = {name: self.strengths.get(name, 0.0) for name in _GEOMETRY}
        angle = math.radians(_DEGREES) * at["rotation"] * (2 * draw("rotation") - 1)
        slant_x, slant_y = (_SHEAR * at["shear"] * (2 * draw(f"shear {axis}") - 1) for axis in "xy")
        zoom = (1 + (_ZOOM - 1) * at["zoom"]) ** (2 * draw("zoom") - 1)
        one = np.ones(count)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])  # (2, 2, n)
        slant = np.array([[one, slant_x], [slant_y, one]])
        forward = np.einsum("n,ijn,jkn->nik", zoom, turn, slant)
        # The part that is cropped lies in the turned picture: picture = forward⁻¹ (side · result + place), both from
        # their middles.
        side = 1 - _CROP * at["crop"] * draw("crop")
        place = np.stack([(1 - side) * (draw(f"crop {axis}") - 0.5) for axis in "xy"], -1) * (width, height)
        back = np.linalg.inv(forward)
        linear = back * side[:, None, None]
        middle = np.array([width - 1, height - 1]) / 2
        shift = np.einsum("nij,nj->ni", back, place) + middle - linear @ middle
        rows = np.concatenate([linear, shift[:, :, None]], -1).reshape(count, 6)
        return np.concatenate([rows, np.zeros((count, 2))], -1)

    def apply(self, images, changes: Mapping[str, Any]):
        """Changes pictures as it was drawn, with TensorFlow; may be traced. Beyond a border lies its reflection.

        Args:
            images: float32 (B, H, W, C) in [-1, 1], C is 1 or 3.
            changes: what `changes` returned for them, or tensors of it.

        Returns: tf.Tensor, as `images`.
        """
        import tensorflow as tf

        if not changes:
            return images
        with tf.init_scope():  # layers hold variables, which no pipeline may create
            layers = _layers(tuple(self.strengths), int(images.shape[-1]))
        pictures = tf.convert_to_tensor(images)
        if "matrix" in changes:
            pictures = layers["affine"].transform_images(pictures, {"rotation_matrix": changes["matrix"]})
        if set(changes) - {"matrix"}:
            pictures = _recolour(tf, pictures * 0.5 + 0.5, changes, layers) * 2.0 - 1.0
        return tf.ensure_shape(tf.clip_by_value(pictures, -1.0, 1.0), images.shape)


def _recolour(tf, pictures, changes, layers):
    """What does not move pixels; values in [0, 1], as the layers want them."""
    if "brightness" in changes:
        one_a_picture = {name: tf.reshape(changes[name], (-1, 1, 1, 1)) for name in ("brightness", "contrast")}
        pictures = layers["brightness"].transform_images(pictures, {"rgb_delta": one_a_picture["brightness"]})
        pictures = layers["contrast"].transform_images(pictures, {"contrast_factor": one_a_picture["contrast"]})
        if "saturation" in layers:
            pictures = layers["saturation"].transform_images(pictures, {"factor": changes["saturation"]})
    if "channel_shift" in changes:
        shifts = tf.unstack(changes["channel_shift"][:, None, None, : pictures.shape[-1]], axis=-1)
        pictures = layers["channel_shift"].augment_image(pictures, transformation=shifts)
    if "jpeg" in changes:

        def compress(pair):
            return layers["jpeg"].augment_image(pair[0], transformation=pair[1])

        pair = (tf.clip_by_value(pictures, 0.0, 1.0), tf.cast(changes["jpeg"], tf.int32))
        pictures = tf.map_fn(compress, pair, fn_output_signature=tf.float32)
    return pictures


@functools.cache
def _layers(names: tuple[str, ...], channels: int) -> dict[str, Any]:
    """Keras' layers, in float32 and on TensorFlow whatever computes the training. Nothing is drawn by them: their
    factors only have to be valid."""
    from keras import layers as keras_layers

    options = {"value_range": (0.0, 1.0), "dtype": "float32"}
    made = {"affine": keras_layers.RandomRotation(0.0, fill_mode="reflect", dtype="float32")}
    if "colour" in names:
        made["brightness"] = keras_layers.RandomBrightness(0.0, **options)
        made["contrast"] = keras_layers.RandomContrast(0.0, **options)
        if channels == 3:
            made["saturation"] = keras_layers.RandomSaturation(0.5, **options)
    for layer in made.values():
        layer.backend.set_backend("tensorflow")
    if "channel_shift" in names:
        layers = _import_keras_cv("channel_shift").layers
        made["channel_shift"] = layers.RandomChannelShift(factor=0.0, channels=channels, **options)
    if "jpeg" in names:
        made["jpeg"] = _import_keras_cv("jpeg").layers.RandomJpegQuality((20, 100), dtype="float32")
    return made


def _import_keras_cv(name: str):
    try:
        import keras_cv
    except Exception as error:  # it is no longer developed, and fails in many ways beside a Keras that it does not know
        raise ValueError(
            f"augmentation {name!r} needs KerasCV, which cannot be imported here ({type(error).__name__}: {error}): "
            f"pip install 'keras-cv>=0.9', or leave {name} out"
        ) from error
    return keras_cv


def _read(spec) -> dict[str, float]:
    """Name -> strength, checked."""
    if isinstance(spec, Mapping):
        pairs = list(spec.items())
    else:
        pairs = [_pair(text) for text in ([spec] if isinstance(spec, str) else spec)]
    strengths = {}
    for name, strength in pairs:
        if name == "rescale":
            raise ValueError("rescale is no augmentation: pictures are always rescaled to [-1, 1]; leave it out")
        if name not in NAMES:
            raise ValueError(f"unknown augmentation {name!r}; valid ones: {', '.join(nearest(name, NAMES))}")
        if name in strengths:
            raise ValueError(f"augmentation {name} is given twice")
        number = isinstance(strength, (int, float, np.integer, np.floating)) and not isinstance(strength, bool)
        if not number or not 0.0 <= strength <= 1.0:
            hint = f"; nearest: {min(max(strength, 0), 1):g}" if number and math.isfinite(strength) else ""
            raise ValueError(f"the strength of {name} must be a number from 0 (off) to 1, got {strength!r}{hint}")
        strengths[name] = float(strength)
    return strengths


def _pair(text: str) -> tuple[str, Any]:
    if not isinstance(text, str):
        raise ValueError(f"an augmentation is a name, or name=strength such as rotation=0.5; got {text!r}")
    name, separator, strength = (part.strip() for part in text.partition("="))
    name = name.lower().replace("-", "_")
    if not separator:
        return name, DEFAULT_STRENGTH
    try:
        return name, float(strength)
    except ValueError:
        return name, strength


def _uniform(name: str, seed: int, epoch: int, indices: np.ndarray) -> np.ndarray:
    """Numbers in [0, 1) for each (name, seed, epoch, index), float64 (n,)."""
    key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
    return (draws(seed ^ key, epoch, indices) >> np.uint64(11)) * 2.0**-53


# ---- left and right --------------------------------------------------------------------------------------------------

_OTHER = {"left": "right", "Left": "Right", "LEFT": "RIGHT", "左": "右"}
_OTHER |= {right: left for left, right in _OTHER.items()}
# Words in which 左 or 右 is no side, or which name both: "about", "neighbours", "motto", ...
_KEPT = "左右|左邻右舍|左顾右盼|左思右想|左拥右抱|左膀右臂|座右铭|无出其右|旁门左道|相左"
_SIDE = re.compile(
    rf"(?P<kept>{_KEPT})|(?<![A-Za-z])(?:left|Left|LEFT|right|Right|RIGHT)(?=(?:most|wards?)?(?![A-Za-z]))|[左右]"
)


def mirrored_text(text: str) -> str:
    """What a caption says of the mirrored picture: left and right change places, in English words and in Chinese.

    Args:
        text: str. "right" as a word on its own is always taken for the side.

    Returns: str.
    """
    return _SIDE.sub(lambda found: found[0] if found["kept"] else _OTHER[found[0]], text)


def mirrored_captions(captions: list[str], flipped: np.ndarray) -> list[str]:
    """Captions of which those of the flipped (bool (n,)) examples are mirrored."""
    return [mirrored_text(text) if flip else text for text, flip in zip(captions, flipped, strict=True)]


def mirrored_images(images: np.ndarray, flipped: np.ndarray) -> np.ndarray:
    """Pictures (n, H, W, C) of which the flipped (bool (n,)) are mirrored, exactly."""
    if not flipped.any():
        return images
    images = images.copy()
    images[flipped] = images[flipped, :, ::-1]
    return images


def mirrored_labels(
    labels: dict[str, np.ndarray], attributes: Mapping[str, tuple[str, ...]], flipped: np.ndarray
) -> dict[str, np.ndarray]:
    """Labels of which those of the flipped examples are mirrored: "left" and "right", "facing_left" and "facing_right".

    Args:
        labels: dict. Attribute name -> int32 (n,), -1 unknown.
        attributes: mapping. Attribute name -> the names of its values.
        flipped: bool (n,).

    Returns: as `labels`. Unknown, -1, where the attribute has no value for the other side.
    """
    made = dict(labels)
    for name, column in labels.items():
        if name == "source":  # of a mixture: where a picture comes from, whichever way round it is
            continue
        values = list(attributes[name])
        others = [mirrored_text(value) for value in values]
        # An unknown label, -1, takes the last entry.
        table = np.array([values.index(other) if other in values else -1 for other in others] + [-1], column.dtype)
        made[name] = np.where(flipped, table[column], column)
    return made

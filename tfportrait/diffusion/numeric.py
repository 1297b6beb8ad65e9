"""What numpy and `keras.ops` spell differently, and one error for every unknown name."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from statistics import NormalDist
from types import ModuleType

import numpy as np


def is_numpy(*values) -> bool:
    """True when every value is a Python number, a list of them, or numpy's."""
    return all(isinstance(value, (bool, int, float, list, tuple, np.ndarray, np.generic)) for value in values)


def ops_for(*values) -> ModuleType:
    """`numpy` for numbers and numpy arrays, `keras.ops` (imported on first use) once a backend tensor takes part."""
    if is_numpy(*values):
        return np
    import keras

    return keras.ops


def precise(value):
    """numpy values in float64, so that only the result is rounded to float32; backend tensors in float32."""
    if is_numpy(value):
        return np.asarray(value, "float64")
    import keras

    return keras.ops.cast(value, "float32")


def as_index(value):
    """Whole numbers as int32, for `take`."""
    if is_numpy(value):
        return np.asarray(value).astype("int32")
    import keras

    return keras.ops.cast(value, "int32")


def as_float32(value):
    """float32, whatever came in; a Python number becomes a numpy scalar."""
    if is_numpy(value):
        return np.asarray(value).astype("float32")[()]
    import keras

    return keras.ops.cast(value, "float32")


def normal_quantile(u):
    """Inverse of the normal distribution function; u is kept clear of 0 and 1."""
    ops = ops_for(u)
    u = ops.clip(precise(u), 1e-6, 1 - 1e-6)
    if is_numpy(u):
        return np.vectorize(NormalDist().inv_cdf, otypes=["float64"])(u)
    return math.sqrt(2) * ops.erfinv(2 * u - 1)


def over(rate, x):
    """A rate for arithmetic with x: (B,) becomes (B, 1, ..., 1) of its rank, a number a float: x keeps its dtype.

    Raises:
        ValueError: if the rate is neither a scalar nor of rank 1.
    """
    if is_numpy(rate) and np.ndim(rate) == 0:
        return float(rate)
    if len(rate.shape) == 0:
        return rate
    if len(rate.shape) != 1:
        raise ValueError(f"rates are scalars or of shape (batch,), not {tuple(rate.shape)}")
    return ops_for(rate).reshape(rate, (-1,) + (1,) * (len(x.shape) - 1))


def choose(kind: str, name: str, valid: Iterable[str], aliases: Mapping[str, str] | None = None) -> str:
    """The name itself, if it is valid.

    Args:
        kind: str. What is named, for the message: "sampler".
        name: str. What the caller gave.
        valid: the names that exist.
        aliases: other tools' names (lower case, letters and digits only) and the valid name each stands for.

    Raises:
        ValueError: naming the nearest valid name and listing all of them, nearest first.
    """
    valid = tuple(valid)
    if isinstance(name, str) and name in valid:
        return name
    plain = re.sub(r"[^a-z0-9+]", "", str(name).lower())
    meant = (aliases or {}).get(plain)
    ordered = sorted(
        valid, key=lambda v: (v != meant, -difflib.SequenceMatcher(None, plain, v.replace("_", "")).ratio(), v)
    )
    raise ValueError(f"unknown {kind} {name!r:.80}: did you mean {ordered[0]!r}? Valid names: {', '.join(ordered)}")

"""Puts this folder on the import path, so that tests anywhere below it can import `contracts` and `golden`."""

import sys

import pytest


@pytest.fixture(autouse=True)
def precision():
    """Every test begins in float32 without a choice about XLA, whatever `accelerate` chose in the one before."""
    yield
    if "keras" in sys.modules:
        import keras

        keras.config.set_dtype_policy("float32")
    if "tfportrait.training.acceleration" in sys.modules:
        sys.modules["tfportrait.training.acceleration"]._xla = None

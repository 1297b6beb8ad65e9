"""What all models share."""

import inspect

import keras
import pytest

from tfportrait import models

PUBLIC = [getattr(models, name) for name in models.__all__]
MODELS = [value for value in PUBLIC if inspect.isclass(value) and issubclass(value, keras.Model)]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_what_keras_reads_as_a_property_stays_one(model):
    """A method of the same name (`losses`, `metrics`, ...) would fail only inside Keras, and only on some backends."""
    hidden = [
        name
        for name, value in inspect.getmembers(keras.Model)
        if isinstance(value, property) and not isinstance(inspect.getattr_static(model, name), property)
    ]
    assert not hidden

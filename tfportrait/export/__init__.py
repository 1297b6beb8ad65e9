"""The whole way from words to a picture as one file that runs without this package: SavedModel, LiteRT, ONNX."""

from tfportrait.lazy import lazy

_HOMES = {"FORMATS": "package", "QUANTIZATIONS": "package", "export": "package"}

__all__, __getattr__, __dir__ = lazy(__name__, _HOMES)

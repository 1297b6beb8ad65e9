"""The whole way from words to a picture as one file that runs without this package: SavedModel, LiteRT, ONNX."""

from tfportrait.lazy import lazy

FORMATS = ("savedmodel", "litert", "onnx")
QUANTIZATIONS = ("none", "float16", "int8")

__all__, __getattr__, __dir__ = lazy(__name__, {"export": "package"})

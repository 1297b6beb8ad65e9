"""Paints with a model that was exported by tfportrait; needs numpy, pillow, tokenizers and the model's runtime.

    python paint.py "a smiling woman with red hair" --seed 7 --out smiling.png

The runtime is ai-edge-litert, onnxruntime or tensorflow. The same seed paints the same picture as `tfportrait paint`.
"""

import argparse
import json
from pathlib import Path

import numpy as np


class Painter:
    """An exported model.

    Args:
        folder: str or path. The folder with `model.json`.
        threads: int or None. Threads to compute with; the runtime's choice by default.
    """

    def __init__(self, folder, threads=None):
        from tokenizers import Tokenizer

        folder = Path(folder)
        self.meta = json.loads((folder / "model.json").read_text("utf-8"))
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.run = {"litert": _litert, "onnx": _onnx, "savedmodel": _saved_model}[self.meta["format"]](
            str(folder / self.meta["model"]), threads
        )

    def token_ids(self, text):
        """int32 (1, tokens): start, text, end, padding; a longer text is cut."""
        ids = self.tokenizer.encode(text).ids
        length = self.meta["tokens"]
        row = np.full((1, length), self.meta["pad_id"], "int32")
        row[0, : len(ids)] = ids[:length]
        if len(ids) > length:
            row[0, -1] = self.meta["end_id"]
        return row

    def paint(self, prompt, negative_prompt="", seed=0, guidance_scale=4.0):
        """uint8 (H, W, 3)."""
        generator = np.random.Generator(np.random.Philox(key=np.array([seed, 0], "uint64")))
        noise = generator.standard_normal(self.meta["noise_shape"], "float32")[None]
        return self.run(
            token_ids=self.token_ids(prompt),
            negative_ids=self.token_ids(negative_prompt),
            noise=noise,
            guidance_scale=np.array(guidance_scale, "float32"),
        )[0]


def _litert(path, threads):
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=path, num_threads=threads).get_signature_runner()
    return lambda **inputs: runner(**inputs)["image"]


def _onnx(path, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    if threads:
        options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda **inputs: session.run(None, inputs)[0]


def _saved_model(path, threads):
    import tensorflow as tf

    module = tf.saved_model.load(path)  # held by the function below
    paint = module.signatures["serving_default"]
    return lambda **inputs: paint(**{name: tf.constant(value) for name, value in inputs.items()})["image"].numpy()


def main():
    parser = argparse.ArgumentParser(description="Paint with an exported model.")
    parser.add_argument("prompt")
    parser.add_argument("--negative", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--out", default="portrait.png")
    given = parser.parse_args()
    from PIL import Image

    painter = Painter(Path(__file__).parent, given.threads)
    image = painter.paint(given.prompt, given.negative, given.seed, given.guidance)
    Image.fromarray(image).save(given.out)
    print(given.out)


if __name__ == "__main__":
    main()

"""A folder with an exported painter: the model, its tokenizer, and a script that paints with nothing else."""

import json
import shutil
from importlib import resources
from pathlib import Path

import numpy as np

from tfportrait import files
from tfportrait.export import FORMATS, QUANTIZATIONS
from tfportrait.models import generation

SCRIPT = "paint.py"
META = "model.json"
TOKENIZER = "tokenizer.json"
MODELS = {"savedmodel": "saved_model", "litert": "model.tflite", "onnx": "model.onnx"}
NEEDS = {"litert": ("ai_edge_litert",), "onnx": ("onnx", "tf2onnx", "onnxruntime"), "savedmodel": ()}


def export(painter, out, form, *, quantize="none", num_steps=20, sampler="dpmpp_2m", spacing=None, image_size=None):
    """Writes a painter as a folder that paints without tfportrait and Keras.

    In the folder: the model, `tokenizer.json` (of the library tokenizers), `model.json` (what the model takes) and
    `paint.py`, which needs numpy, pillow, tokenizers and the format's runtime:

        python paint.py "a smiling woman" --seed 7 --out smiling.png

    Weighted words, long prompts in chunks and translation stay behind: a prompt is one row of tokens.

    Args:
        painter: LatentDiffusion with a text encoder.
        out: str or path. A new folder, or an empty one.
        form: str. "savedmodel", "litert" or "onnx".
        quantize: str. "none"; "float16" or "int8" weights. LiteRT computes with int8 weights itself, ONNX and
            SavedModel turn smaller weights into float32 first; SavedModel has no int8.
        num_steps, sampler, spacing, image_size: as in `generate`; they are fixed in what is exported. The sampler must
            be deterministic: ddim, euler, heun or dpmpp_2m.

    Returns: path of the model in the folder.

    Raises: ValueError for an unknown format or quantization, a painter that does not paint from words, a missing
        library, a folder that is not empty, and as `generate` does.
    """
    for name, value, known in (("format", form, FORMATS), ("quantization", quantize, QUANTIZATIONS)):
        if value not in known:
            raise ValueError(f"unknown {name} {value!r}; known are {', '.join(known)}")
    if (form, quantize) == ("savedmodel", "int8"):
        raise ValueError("a SavedModel has no int8 weights: quantize to float16, or take litert or onnx")
    check_installed(form)
    if painter.text_encoder is None or painter.inpaints:
        raise ValueError("only a painter that paints from words alone can be exported")
    request = generation.Request.check(
        painter, ["a"], None, 0, num_steps, 4.0, sampler, spacing, image_size, None, None
    )
    out = files.check_writable_folder(out)
    if any(out.iterdir()):
        raise ValueError(f"{out} is not empty: give a new folder")
    from tfportrait.diffusion.program import program

    program(request.sampler, request.rates)  # a sampler that draws noise says so before the work
    try:
        path = {"savedmodel": _saved_model, "litert": _litert, "onnx": _onnx}[form](painter, request, out, quantize)
        painter.tokenizer.save_alone(out / TOKENIZER)
        _write_meta(painter, request, out, form, quantize, num_steps, sampler)
    except BaseException:
        for path in out.iterdir():  # a half-written folder would be taken for a whole one
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise
    return path


def check_installed(form):
    """Raises a ValueError that names what a format needs and is not installed."""
    import importlib.util

    if missing := [name for name in NEEDS[form] if importlib.util.find_spec(name) is None]:
        raise ValueError(f"{form} needs {', '.join(missing)}: pip install tfportrait[export]")


def _saved_model(painter, request, out, quantize):
    import tensorflow as tf

    from tfportrait.export.graph import TextToImage

    module = TextToImage(painter, request, dtype="float16" if quantize == "float16" else "float32")
    tf.saved_model.save(module, str(out / MODELS["savedmodel"]), signatures=module.paint)
    return out / MODELS["savedmodel"]


def _litert(painter, request, out, quantize):
    import tensorflow as tf

    from tfportrait.export.graph import TextToImage

    module = TextToImage(painter, request, constants=True, portable=True)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.paint.get_concrete_function()], module)
    if quantize != "none":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    with files.atomic_write(out / MODELS["litert"]) as file:
        file.write(converter.convert())
    return out / MODELS["litert"]


def _onnx(painter, request, out, quantize):
    import tf2onnx

    from tfportrait.export.graph import TextToImage
    from tfportrait.export.onnx_weights import compress

    module = TextToImage(painter, request, constants=True)
    model, _ = tf2onnx.convert.from_function(module.paint, module.paint.input_signature, opset=18)
    if quantize != "none":
        compress(model, quantize)
    with files.atomic_write(out / MODELS["onnx"]) as file:
        file.write(model.SerializeToString())
    return out / MODELS["onnx"]


def _write_meta(painter, request, out, form, quantize, num_steps, sampler):
    tokenizer = painter.tokenizer
    meta = {
        "format": form,
        "model": MODELS[form],
        "quantize": quantize,
        "num_steps": num_steps,
        "sampler": sampler,
        "noise_shape": list(request.latent_shape),
        "tokens": tokenizer.max_length,
        "end_id": tokenizer.eos_id,
        "pad_id": tokenizer.pad_id,
    }
    with files.atomic_write(out / META) as file:
        file.write((json.dumps(meta, indent=2) + "\n").encode())
    script = (Path(str(resources.files(__package__))) / "runner.py").read_bytes()
    with files.atomic_write(out / SCRIPT) as file:
        file.write(script)


def difference(folder, painter, prompt="a smiling woman with red hair", seed=0, guidance_scale=4.0):
    """How far an exported painter's picture is from the painter's own.

    Args:
        folder: path, written by `export`.
        painter: LatentDiffusion that was exported.

    Returns: (mean, largest) absolute difference in grey levels of 255.
    """
    from tfportrait.export import runner

    meta = json.loads((Path(folder) / META).read_text("utf-8"))
    painted = runner.Painter(folder).paint(prompt, seed=seed, guidance_scale=guidance_scale)
    side = [side * painter.downsampling for side in meta["noise_shape"][:2]]
    settings = {"num_steps": meta["num_steps"], "sampler": meta["sampler"], "guidance_scale": guidance_scale}
    own = painter.generate(prompt, seeds=seed, image_size=tuple(side), **settings)[0]
    apart = np.abs(painted.astype("float64") - own)
    return apart.mean(), apart.max()

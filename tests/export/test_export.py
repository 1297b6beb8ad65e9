"""An exported painter paints the painter's own pictures, in a process that has neither tfportrait nor Keras."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
from models.painters import pixel_painter, tiny_painter
from PIL import Image

from tfportrait.cli import main
from tfportrait.export import package, runner

# Within the script nothing of this project can be imported, nor what it is made with.
ALONE = """
import runpy, sys
for name in {hidden!r}:
    sys.modules[name] = None
sys.argv = {arguments!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""
HIDDEN = {
    "litert": ["tfportrait", "keras", "tensorflow", "onnxruntime"],
    "onnx": ["tfportrait", "keras", "tensorflow", "ai_edge_litert"],
    "savedmodel": ["tfportrait", "keras_cv", "onnxruntime", "ai_edge_litert"],
}


@pytest.fixture(scope="module")
def painter():
    return tiny_painter()


def installed(form):
    return all(importlib.util.find_spec(name) for name in package.NEEDS[form])


@pytest.mark.parametrize(
    ("form", "quantize", "apart"),
    [
        pytest.param("savedmodel", "none", 1, marks=pytest.mark.slow),
        pytest.param("savedmodel", "float16", 2, marks=pytest.mark.slow),
        ("litert", "none", 1),
        pytest.param("litert", "int8", 40, marks=pytest.mark.slow),
        pytest.param("litert", "float16", 4, marks=pytest.mark.slow),
        pytest.param("onnx", "none", 1, marks=pytest.mark.slow),
        pytest.param("onnx", "float16", 4, marks=pytest.mark.slow),
        pytest.param("onnx", "int8", 40, marks=pytest.mark.slow),
    ],
)
def test_it_paints_alone_what_the_painter_paints(painter, tmp_path, form, quantize, apart):
    if not installed(form):
        pytest.skip(f"{form} is not installed")
    out = tmp_path / "exported"
    path = package.export(painter, out, form, quantize=quantize, num_steps=4, sampler="heun")
    assert path.exists()
    picture = tmp_path / "alone.png"
    arguments = [str(out / "paint.py"), "two green birds", "--seed", "5", "--guidance", "3", "--negative", "a dog"]
    code = ALONE.format(hidden=HIDDEN[form], arguments=[*arguments, "--out", str(picture)])
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    settings = {"num_steps": 4, "sampler": "heun", "guidance_scale": 3.0}
    own = painter.generate("two green birds", negative_prompts="a dog", seeds=5, **settings)[0]
    assert np.abs(np.asarray(Image.open(picture)).astype(int) - own).max() <= apart
    mean, largest = package.difference(out, painter, prompt="a blue dog")
    assert mean <= largest <= apart


def test_texts_become_the_tokens_that_they_are(painter, tmp_path):
    from tokenizers import Tokenizer

    tokenizer = painter.tokenizer
    tokenizer.save_alone(tmp_path / "tokenizer.json")
    alone = object.__new__(runner.Painter)  # its runtime is another test's business
    alone.meta = {"tokens": tokenizer.max_length, "end_id": tokenizer.eos_id, "pad_id": tokenizer.pad_id}
    alone.tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    texts = ["", "a red cat", "  A  RED\ncat ", "两只鸟", "no-such-word 😀 é", "a red cat " * 30]
    for text in texts:
        np.testing.assert_array_equal(alone.token_ids(text), painter.tokenizer.encode(text))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"form": "coreml"}, "unknown format 'coreml'; known are savedmodel, litert, onnx"),
        ({"quantize": "int4"}, "unknown quantization 'int4'; known are none, float16, int8"),
        ({"quantize": "int8"}, "a SavedModel has no int8 weights"),
        ({"sampler": "ddpm"}, "the sampler 'ddpm' draws noise in every step"),
        ({"sampler": "nonsense"}, "nonsense"),
        ({"num_steps": 0}, "num_steps is 0, but must be"),
        ({"image_size": 17}, "image_size is 17, but sides must be multiples"),
    ],
)
def test_bad_arguments(painter, tmp_path, changes, message):
    arguments = {"form": "savedmodel", **changes}
    with pytest.raises(ValueError, match=message):
        package.export(painter, tmp_path / "new", **arguments)
    assert not (tmp_path / "new").exists() or not any((tmp_path / "new").iterdir())


def test_what_cannot_be_exported_says_so(painter, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="only a painter that paints from words alone"):
        package.export(pixel_painter(), tmp_path / "new", "savedmodel")
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is not empty: give a new folder"):
        package.export(painter, tmp_path, "savedmodel")
    monkeypatch.setitem(package.NEEDS, "onnx", ("no_such_library",))
    with pytest.raises(ValueError, match=r"onnx needs no_such_library: pip install tfportrait\[export\]"):
        package.export(painter, tmp_path / "new", "onnx")


def test_nothing_half_written_is_left(painter, tmp_path, monkeypatch):
    def full(painter, request, out, quantize):
        (out / "saved_model").mkdir()
        (out / "saved_model" / "variables").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(package, "_saved_model", full)
    with pytest.raises(OSError, match="No space left"):
        package.export(painter, tmp_path / "new", "savedmodel", num_steps=1)
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.slow
def test_the_command(tmp_path, capsys):
    out = tmp_path / "exported"
    assert main(["export", "portrait_128", "--quantize", "float16", "--steps", "4", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "MB; one picture differs by 0." in printed and printed.rstrip().endswith("model.tflite")
    assert main(["export", "portrait_128", "--out", str(out)]) == 2
    assert f"{out} is not empty: give a new folder" in capsys.readouterr().err

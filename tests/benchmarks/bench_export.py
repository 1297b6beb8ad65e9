"""What is exported beside the painter itself: size on disk, seconds a picture, prompt accuracy, distance in pixels.

    python tests/benchmarks/bench_export.py [--samples 128] [--rounds 5] [--exported FOLDER]

Every format is exported by `tfportrait export` first, into FOLDER/FORMAT-QUANTIZATION, unless it is there already.
Times are medians of single pictures, all variants taking turns; accuracy is the oracle's, on unseen prompts, half of
them Chinese; the distance is the mean over pictures, in grey levels of 255, from the painter's own.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from timing import medians

import tfportrait as tp
from tfportrait import metrics
from tfportrait.export import runner
from tfportrait.presets import locate

VARIANTS = [
    ("savedmodel", "none"),
    ("savedmodel", "float16"),
    ("litert", "none"),
    ("litert", "float16"),
    ("litert", "int8"),
    ("onnx", "none"),
    ("onnx", "float16"),
    ("onnx", "int8"),
]


def exported(folder, preset, form, quantize):
    path = folder / f"{form}-{quantize}"
    if not path.is_dir():
        command = ["tfportrait", "export", preset, "--format", form, "--quantize", quantize, "--out", str(path)]
        subprocess.run([sys.executable, "-m", *command], check=True, stdout=subprocess.DEVNULL)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--preset", default="portrait_128")
    parser.add_argument("--exported", type=Path, default=None)
    arguments = parser.parse_args()
    folder = arguments.exported or Path(tempfile.mkdtemp())
    painters = {pair: runner.Painter(exported(folder, arguments.preset, *pair)) for pair in VARIANTS}
    print(tp.accelerate("float32"))
    own, oracle = tp.LatentDiffusion.from_preset(arguments.preset), tp.Oracle.from_preset("oracle_128")
    steps = {"keras": lambda: own.generate("a smiling woman", seeds=1, num_steps=20)}
    steps |= {pair: lambda each=each: each.paint("a smiling woman", seed=1) for pair, each in painters.items()}
    seconds = medians(steps, arguments.rounds)
    texts, named, _ = metrics.held_out_prompts(arguments.samples)
    reference = np.concatenate([own.generate(text, seeds=seed, num_steps=20) for seed, text in enumerate(texts)])

    def row(name, size, time, images):
        apart = np.abs(images.astype("float32") - reference).mean()
        accuracy = metrics.prompt_accuracy(oracle, images, named).accuracy
        print(f"{name:22} {size / 1e6:8.1f} MB {time:7.2f} s {accuracy:9.3f} {apart:9.3f}", flush=True)

    def size_of(path):
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())

    print(f"{arguments.samples} prompts, 20 steps: size, seconds a picture, prompt accuracy, distance from Keras")
    row("keras float32", size_of(locate(arguments.preset)), seconds["keras"], reference)
    for pair, painter in painters.items():
        images = np.stack([painter.paint(text, seed=seed) for seed, text in enumerate(texts)])
        row(" ".join(pair), size_of(folder / "-".join(pair)), seconds[pair], images)


if __name__ == "__main__":
    main()

"""What Stable Diffusion's autoencoder recipe adds to the error alone: sharpness, beside PSNR and what an oracle reads.

    python tests/benchmarks/bench_sharpness.py [--steps 600] [--figure sharpness.png]

Two copies of the shipped autoencoder train on the same portraits in the same order: one by absolute and root mean
square error, one with the oracle's features and a patch discriminator besides. Measured on portraits that neither has
seen. Sharpness is the mean absolute Laplacian of the reconstructions over that of the originals: 1 is as sharp.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

import tfportrait as tp
from tfportrait import metrics
from tfportrait.presets import trainers


def laplacian(images):
    """Mean absolute response of the five-point Laplacian to uint8 images (N, H, W, C)."""
    x = images.astype("float32").mean(axis=-1)
    inner = x[:, 1:-1, 1:-1]
    around = x[:, :-2, 1:-1] + x[:, 2:, 1:-1] + x[:, 1:-1, :-2] + x[:, 1:-1, 2:]
    return float(np.abs(around - 4 * inner).mean())


def trained(recipe, steps):
    """The shipped autoencoder, trained on for some steps with the settings of a recipe, by `train autoencoder`."""
    config = trainers.load("portrait_128")
    config["autoencoder"] |= {"batch_size": 8, "learning_rate": 2e-4, "ema_decay": 0.99, **recipe}
    with tempfile.TemporaryDirectory() as folder:
        trainers.train_autoencoder(config, Path(folder) / "preset", init="portrait_128", steps=steps)
        return tp.AutoencoderKL.from_folder(Path(folder) / "preset" / "vae")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--figure", help="write originals and both reconstructions there")
    arguments = parser.parse_args()
    print(tp.accelerate())
    judges = {"perceptual": "oracle_128", "discriminator": {"weight": 0.5, "start_step": arguments.steps // 5}}
    _, named, portraits = metrics.held_out_prompts(arguments.samples)
    real = np.stack([portrait.render(128) for portrait in portraits])
    oracle = tp.Oracle.from_preset("oracle_128")
    pictures, lines = {"original": real}, []
    for name, recipe in {"error alone": {}, "judges besides": judges}.items():
        model = trained(recipe, arguments.steps)
        parts = np.array_split(real, -(-len(real) // 32))
        pictures[name] = images = np.concatenate([model.reconstruct(part) for part in parts])
        read = metrics.prompt_accuracy(oracle, images, named).accuracy
        quality = metrics.psnr(real, images).mean()
        lines.append(f"{name:14}{laplacian(images) / laplacian(real):12.3f}{quality:10.2f}{read:10.3f}")
    print(f"{'':14}{'sharpness':>12}{'PSNR':>10}{'oracle':>10}")
    print("\n".join(lines))
    if arguments.figure:
        figure = tp.plot.comparison({name: images[:8] for name, images in pictures.items()}, {})
        figure.savefig(arguments.figure, dpi=150)


if __name__ == "__main__":
    main()

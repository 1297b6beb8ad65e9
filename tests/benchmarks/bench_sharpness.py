"""What Stable Diffusion's autoencoder recipe adds to the error alone: sharpness, beside PSNR and what an oracle reads.

    python tests/benchmarks/bench_sharpness.py [--steps 800] [--batch-size 8] [--figure sharpness.png]

Two copies of one shipped autoencoder train on the same portraits in the same order: one by absolute and root mean
square error, one with the oracle's features and a patch discriminator besides. Measured on portraits that neither has
seen. Sharpness is the mean absolute Laplacian of the reconstructions over that of the originals: 1 is as sharp.
"""

import argparse

import keras
import numpy as np

import tfportrait as tp
from tfportrait import data, metrics, models, presets, training


def laplacian(images):
    """Mean absolute response of the five-point Laplacian to uint8 images (N, H, W, C)."""
    x = images.astype("float32").mean(axis=-1)
    inner = x[:, 1:-1, 1:-1]
    around = x[:, :-2, 1:-1] + x[:, 2:, 1:-1] + x[:, 1:-1, :-2] + x[:, 1:-1, 2:]
    return float(np.abs(around - 4 * inner).mean())


def trained(preset, recipe, source, steps, batch_size, learning_rate):
    """A copy of a preset's autoencoder, `steps` further on by one of the two recipes."""
    keras.utils.set_random_seed(0)
    autoencoder = tp.AutoencoderKL.from_folder(presets.locate(preset) / "vae")
    model = autoencoder
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps, alpha=0.05)
    optimizer = training.AdamW(rate, weight_decay=0.0, ema_decay=0.99, global_clipnorm=1.0)
    if recipe == "adversarial":
        autoencoder.perceptual = models.oracle_distance(tp.Oracle.from_preset("oracle_128"))
        model = models.AdversarialAutoencoder(autoencoder=autoencoder, start_step=steps // 5)
        judge = training.AdamW(2 * learning_rate, weight_decay=0.0, beta_1=0.5, beta_2=0.9)
        optimizer = training.Players({autoencoder.name: optimizer, "discriminator": judge})
    model.compile(optimizer)
    batches = data.batches(source, batch_size=batch_size, repeat=True, drop_remainder=True, fields=("image",))
    progress = training.Progress(batch_size)
    model.fit(batches, epochs=1, steps_per_epoch=steps, verbose=0, callbacks=[progress])
    with model.averaged_weights():
        average = autoencoder.get_weights()
    autoencoder.set_weights(average)
    return autoencoder


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="portrait_128")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--figure", help="write originals and both reconstructions there")
    arguments = parser.parse_args()
    print(tp.accelerate())
    source = data.open_source("portrait_world", "train", image_size=128, count=8192)
    texts, named, portraits = metrics.held_out_prompts(arguments.samples)
    real = np.stack([portrait.render(128) for portrait in portraits])
    oracle = tp.Oracle.from_preset("oracle_128")
    pictures, lines = {"original": real}, []
    for recipe in ("error alone", "adversarial"):
        model = trained(
            arguments.preset, recipe, source, arguments.steps, arguments.batch_size, arguments.learning_rate
        )
        parts = np.array_split(real, -(-len(real) // 32))
        pictures[recipe] = np.concatenate([model.reconstruct(part) for part in parts])
        images = pictures[recipe]
        read = metrics.prompt_accuracy(oracle, images, named).accuracy
        quality = metrics.psnr(real, images).mean()
        lines.append(f"{recipe:14}{laplacian(images) / laplacian(real):12.3f}{quality:10.2f}{read:10.3f}")
    print(f"{'':14}{'sharpness':>12}{'PSNR':>10}{'oracle':>10}")
    print("\n".join(lines))
    if arguments.figure:
        rows = [images[:8] for images in pictures.values()]
        figure = tp.plot.images(np.concatenate(rows), columns=8)
        figure.savefig(arguments.figure, dpi=150)


if __name__ == "__main__":
    main()

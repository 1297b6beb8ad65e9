"""How the time of a training step grows with the batch and with the pixels, for the shipped preset's U-Net.

    python tests/benchmarks/bench_linear.py [--rounds 7] [--out linear.png]

Seconds of a step, medians of runs that take turns; and the exponent of the power law that fits them best: 1 is linear
growth, above 1 is worse. Attention compares every latent with every other one, which grows with their square.
"""

import argparse

from timing import medians

BATCHES = (4, 8, 16, 32, 64)
SIDES = (64, 96, 128, 192, 256)  # pixels, eight images each


def step(painter, count, side):
    import numpy as np
    import tensorflow as tf

    latents = side // painter.downsampling
    noise = np.random.default_rng(0).normal(size=(count, latents, latents, painter.latent_channels)).astype("float32")
    batch = {
        "latents": tf.constant(noise),
        "token_ids": tf.constant(np.repeat(painter.empty_token_ids, count, 0)),
    }
    run = tf.function(lambda: painter.train_step((batch,)), autograph=False)
    return lambda: float(run()["loss"])


def exponent(sizes, seconds):
    import numpy as np

    return np.polyfit(np.log(sizes), np.log(seconds), 1)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", default="linear.png")
    arguments = parser.parse_args()
    import matplotlib.pyplot as plt

    import tfportrait as tp
    from tfportrait import training

    painter = tp.LatentDiffusion.from_preset("portrait_128")
    painter.compile(training.AdamW(1e-4))
    painter.optimizer.build(painter.trainable_variables)
    of_batch = medians({count: step(painter, count, 128) for count in BATCHES}, arguments.rounds)
    of_side = medians({side: step(painter, 8, side) for side in SIDES}, arguments.rounds)
    rows = [
        ("images in the batch, of 128 px", BATCHES, [of_batch[count] for count in BATCHES]),
        ("pixels of the side, batch of 8", SIDES, [of_side[side] for side in SIDES]),
    ]
    pixels = [8 * side**2 for side in SIDES]
    for name, sizes, seconds in rows:
        print(name, ", ".join(f"{size}: {value:.3f} s" for size, value in zip(sizes, seconds, strict=True)))
    print(f"exponent by images {exponent(BATCHES, rows[0][2]):.2f}, by pixels {exponent(pixels, rows[1][2]):.2f}")
    figure, axes = plt.subplots(figsize=(6, 4))
    axes.loglog([count * 128**2 / 1e6 for count in BATCHES], rows[0][2], "o-", label="more images of 128 px")
    axes.loglog([count / 1e6 for count in pixels], rows[1][2], "s-", label="larger images, eight of them")
    start = of_side[SIDES[0]]
    axes.loglog(
        [count / 1e6 for count in pixels], [start * count / pixels[0] for count in pixels], "k:", label="linear"
    )
    axes.set_xlabel("million pixels in the batch")
    axes.set_ylabel("seconds of a training step")
    axes.legend(frameon=False)
    figure.savefig(arguments.out, dpi=120, bbox_inches="tight")


if __name__ == "__main__":
    main()

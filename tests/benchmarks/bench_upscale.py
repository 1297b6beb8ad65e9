"""The shipped upscaler against interpolation, on portraits that no training has seen.

    python tests/benchmarks/bench_upscale.py [--samples 64] [--figure upscale.png]

Large portraits are halved (the mean of 2x2 pixels) and enlarged again; and what the autoencoder of portrait_128 makes
of the halved ones is enlarged, as `paint --size 256` does it. Beside the methods stand:
PSNR and SSIM against the large portrait; the perceptual distance on the oracle's features (0: the same); sharpness,
the mean absolute Laplacian over that of the large portraits (1: as sharp); and the largest difference of the reduced
result from what was enlarged. The time is that of one picture, warm.
"""

import argparse
import time

import numpy as np
from bench_sharpness import laplacian
from PIL import Image
from skimage.metrics import structural_similarity

import tfportrait as tp
from tfportrait import data, metrics
from tfportrait.models.perceptual import oracle_distance
from tfportrait.tasks.upscaling import opened


def interpolated(images, method):
    size = (2 * images.shape[2], 2 * images.shape[1])
    return np.stack([np.asarray(Image.fromarray(image).resize(size, method)) for image in images])


def seconds(function, small):
    function(small[:1])
    times = []
    for _ in range(7):
        start = time.perf_counter()
        function(small[:1])
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--preset", default="upscale_2x")
    parser.add_argument("--figure", help="write a few portraits, enlarged by each method, there")
    arguments = parser.parse_args()
    print(tp.accelerate())
    opened(arguments.preset)
    distance = oracle_distance(tp.Oracle.from_preset("oracle_128"))
    _, _, portraits = metrics.held_out_prompts(arguments.samples)
    real = np.stack([portrait.render(256) for portrait in portraits])
    small = data.halved(real)
    autoencoder = tp.LatentDiffusion.from_preset("portrait_128").autoencoder
    blurred = np.concatenate([autoencoder.reconstruct(part) for part in np.array_split(small, -(-len(small) // 16))])

    def ours(images, **options):
        return tp.tasks.upscale(images, upscaler=arguments.preset, **options)

    methods = {
        "bilinear": lambda x: interpolated(x, Image.Resampling.BILINEAR),
        "bicubic": lambda x: interpolated(x, Image.Resampling.BICUBIC),
        "Lanczos": lambda x: interpolated(x, Image.Resampling.LANCZOS),
        **{f"{n} step{'s' * (n > 1)}": lambda x, n=n: ours(x, num_steps=n) for n in (1, 2, 4, 8)},
    }
    painted = {
        "painted, bicubic": methods["bicubic"],
        **{f"painted, {n} steps": lambda x, n=n: ours(x, num_steps=n, painted=True) for n in (2, 4, 8)},
    }
    rows = {"large portrait": real}
    print(f"{'':18}{'PSNR':>8}{'SSIM':>8}{'distance':>10}{'sharpness':>11}{'reduced':>9}{'s':>8}")
    for name, method in {**methods, **painted}.items():
        source = blurred if name in painted else small
        rows[name] = large = method(source)
        pairs = list(zip(real, large, strict=True))
        values = [
            metrics.psnr(real, large).mean(),
            np.mean([structural_similarity(a, b, channel_axis=-1) for a, b in pairs]),
            np.mean([float(distance(*(x[None].astype("float32") / 127.5 - 1 for x in pair))[0]) for pair in pairs]),
            laplacian(large) / laplacian(real),
            np.abs(data.halved(large).astype(int) - source).max(),
            seconds(method, source),
        ]
        print("{:18}{:8.2f}{:8.3f}{:10.3f}{:11.2f}{:9.0f}{:8.2f}".format(name, *values), flush=True)
    if arguments.figure:
        shown = {name: rows[name][:4] for name in ("large portrait", "bicubic", "2 steps", *painted)}
        tp.plot.comparison(shown, {}).savefig(arguments.figure, dpi=200)


if __name__ == "__main__":
    main()

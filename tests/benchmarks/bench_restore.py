"""Restoring damaged portraits that no training has seen, beside the classical methods of scikit-image.

    python tests/benchmarks/bench_restore.py [--samples 64] [--only blur ...] [--figure restore.png]

PSNR and SSIM against the undamaged portrait; the perceptual distance on the oracle's features (0: the same); the share
of attributes that the oracle reads as it does in the undamaged one; the seconds for one picture, warm. The strength of
each classical method is the one of a grid that does best, by PSNR, on eight other portraits; ours has nothing to set.
"pixels_128, mean of n" is the mean of n samples; "portrait_128" is the latent painter, which is told the caption.
"""

import argparse
import time

import numpy as np
from skimage import restoration
from skimage.metrics import structural_similarity

import tfportrait as tp
from tfportrait import metrics
from tfportrait.models.perceptual import oracle_distance
from tfportrait.tasks.degradations import Blur, Gaussian, Grey, Jpeg, Poisson

CASES = {
    "gaussian 25": Gaussian(25.0),
    "gaussian 50": Gaussian(50.0),
    "poisson 30": Poisson(30.0),
    "jpeg 10": Jpeg(10),
    "blur 2": Blur(2.0),
    "blur 2, noise 5": Blur(2.0, noise=5.0),
    "grey": Grey(),
}


def each(function):
    """A function of one picture in [0, 1], for several in uint8."""
    return lambda images: np.rint(np.clip([function(x / 255.0) for x in images], 0, 1) * 255).astype("uint8")


def non_local_means(h):
    return each(lambda x: restoration.denoise_nl_means(x, h=h, sigma=h, patch_size=5, channel_axis=-1))


def total_variation(weight):
    return each(lambda x: restoration.denoise_tv_chambolle(x, weight=weight, channel_axis=-1))


def wavelets(sigma):
    return each(lambda x: restoration.denoise_wavelet(x, sigma=sigma, channel_axis=-1, rescale_sigma=True))


def stabilised(h):
    """Non-local means of square roots, whose noise is the same everywhere (Anscombe 1948)."""
    level = CASES["poisson 30"].level

    def run(x):
        root = 2 * np.sqrt(x * level + 0.375)
        top = 2 * np.sqrt(level + 0.375)
        clean = top * restoration.denoise_nl_means(root / top, h=h, sigma=h, patch_size=5, channel_axis=-1)
        return ((clean / 2) ** 2 - 0.125) / level

    return each(run)


def spread_function(sigma):
    x = np.arange(-round(4 * sigma), round(4 * sigma) + 1)
    weights = np.exp(-0.5 * (x / sigma) ** 2)
    return np.outer(weights, weights) / weights.sum() ** 2


def by_channel(function):
    """A method for grey pictures, on each channel, with mirrored borders."""
    reach = 16

    def run(x):
        wide = np.pad(x, ((reach, reach), (reach, reach), (0, 0)), "symmetric")
        return np.stack([function(wide[..., c]) for c in range(3)], -1)[reach:-reach, reach:-reach]

    return each(run)


def richardson_lucy(count):
    kernel = spread_function(CASES["blur 2"].level)
    return by_channel(lambda x: restoration.richardson_lucy(x, kernel, num_iter=int(count)))


def wiener(balance):
    kernel = spread_function(CASES["blur 2"].level)
    return by_channel(lambda x: restoration.wiener(x, kernel, balance))


LEVELS = (0.02, 0.04, 0.06, 0.08, 0.1, 0.13, 0.17, 0.22, 0.3)
DENOISERS = {
    "non-local means": (non_local_means, LEVELS),
    "total variation": (total_variation, LEVELS),
    "wavelets": (wavelets, LEVELS),
}
DEBLURRERS = {
    "Richardson-Lucy": (richardson_lucy, (5, 10, 20, 40, 80, 160)),
    "Wiener": (wiener, (1e-4, 1e-3, 1e-2, 0.1, 1.0)),
}
CLASSICAL = {
    "gaussian 25": DENOISERS,
    "gaussian 50": DENOISERS,
    "poisson 30": {**DENOISERS, "Anscombe, non-local": (stabilised, LEVELS)},
    "jpeg 10": DENOISERS,
    "blur 2": DEBLURRERS,
    "blur 2, noise 5": DEBLURRERS,
    "grey": {},
}


def best_of(make, values, kind):
    """The method with the value that does best on eight other portraits."""
    portraits = np.stack([tp.world.sample(2**40 + 500 + i).render(128) for i in range(8)])
    damaged = kind.apply(portraits)
    return make(max(values, key=lambda value: metrics.psnr(portraits, make(value)(damaged)).mean()))


def seconds(function, images):
    function(images[:1])
    times = []
    for _ in range(3):
        start = time.perf_counter()
        function(images[:1])
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--preset", default="pixels_128")
    parser.add_argument("--only", nargs="+", default=list(CASES), help="damage to measure")
    parser.add_argument("--figure", help="write a few portraits, damaged and restored, there")
    arguments = parser.parse_args()
    print(tp.accelerate())
    model = tp.PixelDiffusion.from_preset(arguments.preset)
    painter = tp.LatentDiffusion.from_preset("portrait_128")
    oracle = tp.Oracle.from_preset("oracle_128")
    distance = oracle_distance(oracle)
    _, _, portraits = metrics.held_out_prompts(arguments.samples)
    captions = [str(tp.world.compose(portrait.attributes)) for portrait in portraits]
    images = np.stack([portrait.render(128) for portrait in portraits])
    wanted = oracle.read(images)
    rows = {"portrait": images[:6]}
    print(f"{'damage':17}{'method':22}{'PSNR':>8}{'SSIM':>8}{'distance':>10}{'attributes':>12}{'s':>8}")
    for name in arguments.only:
        kind = CASES[name]

        def painted(x, kind=kind):
            parts = range(0, len(x), 32)
            words = captions[: len(x)]
            return np.concatenate([tp.tasks.restore(painter, x[i : i + 32], kind, words[i : i + 32]) for i in parts])

        methods = {
            "damaged": lambda x: x,
            **{label: best_of(*method, kind) for label, method in CLASSICAL[name].items()},
            arguments.preset: lambda x, kind=kind: tp.tasks.restore(model, x, kind, samples=1),
            f"{arguments.preset}, mean of 4": lambda x, kind=kind: tp.tasks.restore(model, x, kind, samples=4),
            "portrait_128": painted,
        }
        for method, function in methods.items():
            damaged = kind.apply(images)
            found = function(damaged)
            pairs = list(zip(images, found, strict=True))
            read = oracle.read(found)
            values = [
                metrics.psnr(images, found).mean(),
                np.mean([structural_similarity(a, b, channel_axis=-1) for a, b in pairs]),
                np.mean([float(distance(*(x[None].astype("float32") / 127.5 - 1 for x in pair))[0]) for pair in pairs]),
                np.mean([np.mean(read[each] == wanted[each]) for each in wanted]),
                seconds(function, damaged),
            ]
            print("{:17}{:22}{:8.2f}{:8.3f}{:10.3f}{:12.3f}{:8.2f}".format(name, method, *values), flush=True)
            if method in ("damaged", next(iter(CLASSICAL[name]), None), arguments.preset, "portrait_128"):
                rows[f"{name}: {method}"] = found[:6]
    if arguments.figure:
        tp.plot.comparison(rows, {}).savefig(arguments.figure, dpi=110)


if __name__ == "__main__":
    main()

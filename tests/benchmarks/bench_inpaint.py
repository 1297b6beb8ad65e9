"""Inpainting against the truth, beside the classical methods of OpenCV and scikit-image.

    python tests/benchmarks/bench_inpaint.py [--samples 64] [--preset PRESET] [--variants] [--figure inpaint.png]

Portraits that no training has seen are painted anew, for their own captions, in boxes over the eyes, the mouth and the
top of the head, and under the overlays that `tfportrait.world.overlays` draws. Inside the mask: PSNR against the
portrait; how many of the attributes that are seen there (all, under overlays) the oracle reads as before (the oracle
reads the whole picture); the perceptual distance of the whole on the oracle's features. And for one picture the
seconds, warm. Then: which pixels `find_overlay` marks.

`--variants` adds other ways of painting without training: the sampler ddpm, whose noise is new at every step; RePaint's
repetitions (Lugmayr et al. 2022); and no proportion, where a latent is painted as soon as a pixel of it is masked.
"""

import argparse
import dataclasses
import time

import cv2
import numpy as np
from skimage.restoration import inpaint_biharmonic

import tfportrait as tp
from tfportrait import metrics
from tfportrait.diffusion.noise import unit_noise
from tfportrait.models import generation
from tfportrait.models.perceptual import oracle_distance
from tfportrait.tasks import inpainting
from tfportrait.world import overlays

BOXES = {  # (top, bottom, left, right), and the attributes that are seen there
    "eyes": ((46, 72, 30, 98), ("eye_color", "glasses")),
    "mouth": ((76, 98, 42, 86), ("expression", "facial_hair")),
    "top": ((0, 44, 0, 128), ("headwear", "hair_style", "hair_color")),
}
JUMP, REPETITIONS = 4, 2  # of RePaint, in steps


def covered(images, name):
    """Pictures with something to paint, where that is, and the attributes that are seen there (None: all)."""
    if name in overlays.KINDS:
        pictures, masks = zip(*(overlays.draw(image, seed, name) for seed, image in enumerate(images)), strict=True)
        return np.stack(pictures), np.stack(masks), None
    (top, bottom, left, right), seen = BOXES[name]
    masks = np.zeros(images.shape[:3], bool)
    masks[:, top:bottom, left:right] = True
    return np.where(masks[..., None], 128, images).astype("uint8"), masks, seen


def by_opencv(method):
    return lambda images, masks: np.stack(
        [cv2.inpaint(image, mask.astype("uint8"), 3, method) for image, mask in zip(images, masks, strict=True)]
    )


def by_scikit_image(images, masks):
    pairs = zip(images / 255.0, masks, strict=True)
    found = [inpaint_biharmonic(image, mask, channel_axis=-1) for image, mask in pairs]
    return np.rint(np.clip(np.stack(found), 0, 1) * 255).astype("uint8")


def repaint(denoise, x, rates, noise, *, on_step=None):
    """ddim, and every JUMP steps back to where they began, with new noise, for REPETITIONS in all."""
    rates, i, rounds, again = rates.tolist(), 0, 1, 0
    shape = x.shape
    while i < len(rates) - 1:
        (signal, rate), (signal_next, rate_next) = rates[i : i + 2]
        x_0 = denoise(x, signal, rate)
        x = signal_next * x_0 + rate_next * (x - signal * x_0) / rate
        i += 1
        if i % JUMP == 0 and i < len(rates) - 1:
            if rounds < REPETITIONS:
                back, rounds, again = rates[i - JUMP], rounds + 1, again + 1
                scale = back[0] / signal_next
                deviation = np.sqrt(max(back[1] ** 2 - (scale * rate_next) ** 2, 0.0))
                x = scale * x + np.float32(deviation) * unit_noise(range(shape[0]), 1000 + again, shape[1:])
                i -= JUMP
            else:
                rounds = 1
    return x


class Variant:
    """A way to paint, `tp.tasks.inpaint` with something exchanged."""

    def __init__(self, painter, captions, sampler="dpmpp_2m", whole=False):
        self.painter, self.captions, self.sampler, self.whole = painter, captions, sampler, whole

    def __call__(self, images, masks):
        original = generation.Request.check, inpainting._shares
        if self.sampler is repaint:

            def check(*args, **options):
                return dataclasses.replace(original[0](*args, **{**options, "sampler": "ddim"}), sampler=repaint)

            generation.Request.check = check
        if self.whole:
            inpainting._shares = lambda *args: np.ceil(original[1](*args))
        try:
            parts = []
            for i in range(0, len(images), 32):
                some = slice(i, i + 32)
                words = self.captions[some][: len(images[some])]
                sampler = "ddim" if self.sampler is repaint else self.sampler
                parts.append(tp.tasks.inpaint(self.painter, images[some], masks[some], words, seeds=i, sampler=sampler))
            return np.concatenate(parts)
        finally:
            generation.Request.check, inpainting._shares = original


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--preset", default="portrait_128", help="a painter, or one for inpainting")
    parser.add_argument("--only", nargs="+", default=[*BOXES, *overlays.KINDS], help="masks to measure")
    parser.add_argument("--variants", action="store_true", help="other ways without training, too")
    parser.add_argument("--figure", help="write a few portraits, what covers them and what was made of them there")
    arguments = parser.parse_args()
    print(tp.accelerate())
    painter = tp.LatentDiffusion.from_preset(arguments.preset)
    oracle = tp.Oracle.from_preset("oracle_128")
    distance = oracle_distance(oracle)
    _, _, portraits = metrics.held_out_prompts(arguments.samples)
    captions = [str(tp.world.compose(portrait.attributes)) for portrait in portraits]
    images = np.stack([portrait.render(128) for portrait in portraits])
    wanted = oracle.read(images)
    methods = {
        "Telea": by_opencv(cv2.INPAINT_TELEA),
        "Navier-Stokes": by_opencv(cv2.INPAINT_NS),
        "biharmonic": by_scikit_image,
        "painted": Variant(painter, captions),
    }
    if arguments.variants:
        methods["painted, ddpm"] = Variant(painter, captions, "ddpm")
        methods["painted, RePaint"] = Variant(painter, captions, repaint)
        methods["painted, whole latents"] = Variant(painter, captions, whole=True)
    strips = {"portrait": images[:6]}
    print(f"{'mask':7}{'method':24}{'PSNR':>8}{'attributes':>12}{'distance':>10}{'s':>8}")
    for name in arguments.only:
        pictures, masks, seen = covered(images, name)
        strips[name] = pictures[:6]
        for method, function in methods.items():
            found = function(pictures, masks)
            pairs = zip(images, found, masks, strict=True)
            inside = np.mean([min(metrics.psnr(a[m][None, None], b[m][None, None])[0], 60) for a, b, m in pairs])
            read = oracle.read(found)
            kept = np.mean([np.mean(read[each] == wanted[each]) for each in seen or wanted])
            floats = [x.astype("float32") / 127.5 - 1 for x in (images, found)]
            far = np.mean([float(distance(a[None], b[None])[0]) for a, b in zip(*floats, strict=True)])
            function(pictures[:1], masks[:1])
            start = time.perf_counter()
            function(pictures[:1], masks[:1])
            seconds = time.perf_counter() - start
            print(f"{name:7}{method:24}{inside:8.2f}{kept:12.3f}{far:10.3f}{seconds:8.2f}", flush=True)
            if method not in ("Navier-Stokes", "biharmonic"):
                strips[f"{name}: {method}"] = found[:6]
    report_finding(images)
    if arguments.figure:
        tp.plot.comparison(strips, {}).savefig(arguments.figure, dpi=120)


def report_finding(images):
    """Of the pixels that `find_overlay` marks, the share that an overlay covers, and the other way round."""
    print(f"{'overlay':7}{'found in':>10}{'precision':>11}{'recall':>8}")
    for kind in overlays.KINDS:
        pictures, masks, _ = covered(images, kind)
        found = np.stack([tp.tasks.find_overlay(picture) for picture in pictures])
        both = (found & masks).sum()
        share = found.any(axis=(1, 2)).mean()
        print(f"{kind:7}{share:10.3f}{both / found.sum():11.3f}{both / masks.sum():8.3f}")
    print(f"{'none':7}{np.mean([tp.tasks.find_overlay(image).any() for image in images]):10.3f}")


if __name__ == "__main__":
    main()

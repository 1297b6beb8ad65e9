"""Inpainting against the truth, beside the classical methods of OpenCV and scikit-image.

    python tests/benchmarks/bench_inpaint.py [--samples 64] [--figure inpaint.png]

Boxes of portraits that no training has seen are painted anew, for the portrait's own caption: over the eyes, the mouth,
the top of the head, and text across the picture. Inside the mask: PSNR against the portrait; how many of the attributes
that are seen there the oracle reads as before (the oracle reads the whole picture); the perceptual distance of the
whole on the oracle's features. And for one picture the seconds, warm.
"""

import argparse
import functools
import time

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage.restoration import inpaint_biharmonic

import tfportrait as tp
from tfportrait import metrics
from tfportrait.models.perceptual import oracle_distance

MASKS = {  # (top, bottom, left, right), and the attributes that are seen there
    "eyes": ((46, 72, 30, 98), ("eye_color", "glasses")),
    "mouth": ((76, 98, 42, 86), ("expression", "facial_hair")),
    "top": ((0, 44, 0, 128), ("headwear", "hair_style", "hair_color")),
    "text": (None, ()),
}


def mask_of(name):
    marked = np.zeros((128, 128), bool)
    if box := MASKS[name][0]:
        top, bottom, left, right = box
        marked[top:bottom, left:right] = True
        return marked
    image = Image.new("L", (128, 128))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(16)
    for row in range(4):
        draw.text((4 + 12 * (row % 2), 10 + 30 * row), "SAMPLE PHOTO", 255, font)
    return np.asarray(image) > 0


def by_opencv(images, marked, method):
    found = [cv2.inpaint(image[..., ::-1].copy(), marked.astype("uint8"), 3, method)[..., ::-1] for image in images]
    return np.stack(found)


def by_scikit_image(images, marked):
    found = [inpaint_biharmonic(image / 255.0, marked, channel_axis=-1) for image in images]
    return np.rint(np.clip(np.stack(found), 0, 1) * 255).astype("uint8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--figure", help="write a few portraits, the holes and what was made of them there")
    arguments = parser.parse_args()
    print(tp.accelerate())
    painter = tp.LatentDiffusion.from_preset("portrait_128")
    oracle = tp.Oracle.from_preset("oracle_128")
    distance = oracle_distance(oracle)
    captions, _, portraits = metrics.held_out_prompts(arguments.samples)
    captions = [str(tp.world.compose(portrait.attributes)) for portrait in portraits]
    images = np.stack([portrait.render(128) for portrait in portraits])
    wanted = oracle.read(images)

    def painted(images, marked, **options):
        parts = [slice(i, i + 32) for i in range(0, len(images), 32)]
        found = [
            tp.tasks.inpaint(painter, images[p], marked, captions[p][: len(images[p])], seeds=p.start, **options)
            for p in parts
        ]
        return np.concatenate(found)

    methods = {
        "Telea": lambda x, m: by_opencv(x, m, cv2.INPAINT_TELEA),
        "Navier-Stokes": lambda x, m: by_opencv(x, m, cv2.INPAINT_NS),
        "biharmonic": by_scikit_image,
        "painted": painted,
        **{f"painted, strength {s}": functools.partial(painted, strength=s) for s in (0.9, 0.5, 0.3)},
    }
    strips = {"portrait": images[:4]}
    print(f"{'mask':7}{'method':24}{'PSNR':>8}{'attributes':>12}{'distance':>10}{'s':>8}")
    for name, (_, seen) in MASKS.items():
        marked = mask_of(name)
        holes = images.copy()
        holes[:, marked] = 128
        strips[f"{name}: hole"] = holes[:4]
        for method, function in methods.items():
            found = function(holes, marked)
            inside = metrics.psnr(images[:, marked][:, None], found[:, marked][:, None]).mean()
            read = oracle.read(found)
            kept = np.mean([np.mean(read[each] == wanted[each]) for each in seen]) if seen else float("nan")
            floats = [x.astype("float32") / 127.5 - 1 for x in (images, found)]
            far = np.mean([float(distance(a[None], b[None])[0]) for a, b in zip(*floats, strict=True)])
            function(holes[:1], marked)
            start = time.perf_counter()
            function(holes[:1], marked)
            seconds = time.perf_counter() - start
            print(f"{name:7}{method:24}{inside:8.2f}{kept:12.3f}{far:10.3f}{seconds:8.2f}", flush=True)
            strips[f"{name}: {method}"] = found[:4]
    if arguments.figure:
        shown = {k: v for k, v in strips.items() if not k.endswith(("Navier-Stokes", "biharmonic", "0.9"))}
        tp.plot.comparison(shown, {}).savefig(arguments.figure, dpi=120)


if __name__ == "__main__":
    main()

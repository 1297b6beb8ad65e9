"""Which pictures a painter takes for strangers: of its own worlds, worn in several ways, and photographs.

    python tests/benchmarks/bench_strangers.py [--preset portrait_128] [--count 256]

The photographs are those that come with scikit-image and Matplotlib, each cut in up to 27 ways. "familiarity" is in
decibels, see `tfportrait.tasks.familiarity`.
"""

import argparse
import io
import json
from pathlib import Path

import matplotlib
import numpy as np
import skimage
from PIL import Image, ImageFilter

import tfportrait as tp
from tfportrait import data
from tfportrait.presets import locate
from tfportrait.tasks import familiarity, strangers

PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "camera.png")
FACES = "lfw_subset.npy"  # 100 faces of 25 x 25 pixels


def jpeg(image, quality):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def blurred(image):
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(1)))


def noisy(image):
    noise = np.random.default_rng(0).normal(0, 10, image.shape)
    return np.clip(image + noise, 0, 255).round().astype("uint8")


def cuts(path):
    picture = Image.open(path).convert("RGB")
    for share in (1.0, 0.6, 0.35):
        edge = int(share * min(picture.size))
        left, top = (np.unique(np.linspace(0, side - edge, 3).astype(int)) for side in picture.size)
        for x in left:
            for y in top:
                yield np.asarray(picture.crop((x, y, x + edge, y + edge)).resize((128, 128), Image.LANCZOS))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="portrait_128")
    parser.add_argument("--count", type=int, default=256)
    arguments = parser.parse_args()
    tp.accelerate("float32")
    painter = tp.LatentDiffusion.from_preset(arguments.preset)
    known = json.loads((locate(arguments.preset) / strangers.CALIBRATION).read_text())
    sets, rows = {}, np.arange(arguments.count)
    for name in known["kind"].split(" + "):
        images = data.open_source(name, "test", image_size=128, count=arguments.count).images(rows)
        sets |= {
            name: images,
            f"{name}, JPEG quality 60": [jpeg(image, 60) for image in images],
            f"{name}, blurred by 1 px": [blurred(image) for image in images],
            f"{name}, noise of 10": [noisy(image) for image in images],
        }
        prompts, _, _ = tp.metrics.held_out_prompts(min(64, arguments.count), of=name)
        sets[f"{name}, painted"] = painter.generate(prompts, seeds=0)
    root = Path(skimage.__file__).parent / "data"
    sets |= {path.split(".")[0]: list(cuts(root / path)) for path in PHOTOGRAPHS if (root / path).is_file()}
    sets["grace_hopper"] = list(cuts(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"))
    faces = (np.load(root / FACES)[:100] * 255).clip(0, 255).astype("uint8")
    sets["faces of 25 px"] = [
        np.asarray(Image.fromarray(face).resize((128, 128), Image.BICUBIC).convert("RGB")) for face in faces
    ]
    print(f"{'':34}{'pictures':>9}{'lowest':>8}{'median':>8}{'highest':>8}  strangers")
    for name, images in sets.items():
        gains = familiarity(painter, np.stack(images))
        low, middle, high = np.percentile(gains, (0, 50, 100))
        share = np.mean(gains < known["least"])
        print(f"{name:34}{len(gains):9}{low:8.2f}{middle:8.2f}{high:8.2f}{share:11.3f}", flush=True)


if __name__ == "__main__":
    main()

"""JPEGs of CelebA's size to batches of 128 px, beside a PyTorch DataLoader of two workers; memory; cached latents.

    python tests/benchmarks/bench_data.py [--count 4000] [--rounds 3] [--files 200000]

`decoded` is an epoch from JPEG files (ours writes its cache meanwhile), `again` one that follows (ours reads the cache,
PyTorch has none), `augmented` one with all that the source document lists: flip, rotation, shear, zoom, crop, colour.
PyTorch's side needs torch (the extra `peers`).
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

ALL = ["flip", "rotation", "shear", "zoom", "crop", "colour"]
SIZE, BATCH = 128, 64


def write(folder, count):
    """Portraits of the world as JPEGs of 178 x 218 pixels; a hundred different ones, by turns."""
    from tfportrait import world

    folder.mkdir()
    for number in range(min(count, 100)):
        image = Image.fromarray(world.sample(number).render(218)).crop((20, 0, 198, 218))
        image.save(folder / f"{number:06d}.jpg", quality=90)
    for number in range(100, count):
        os.link(folder / f"{number % 100:06d}.jpg", folder / f"{number:06d}.jpg")


def seconds(batches):
    """Of one pass."""
    start = time.perf_counter()
    for _ in batches:
        pass
    return time.perf_counter() - start


def ours(folder, cache):
    """Seconds of the three passes."""
    from tfportrait import data

    os.environ["TFPORTRAIT_CACHE"] = str(cache)
    shutil.rmtree(cache, ignore_errors=True)
    start = time.perf_counter()
    source = data.open_source(folder, image_size=SIZE, progress=False)
    seconds(data.batches(source, batch_size=BATCH, fields=["image"]))
    decoded = time.perf_counter() - start
    again = seconds(data.batches(source, batch_size=BATCH, fields=["image"]))
    augmented = data.batches(source, batch_size=BATCH, fields=["image"], augmentation=ALL)
    next(iter(augmented))  # traced
    return {"decoded": decoded, "again": again, "augmented": seconds(augmented)}


class Files:
    """A data set for PyTorch's DataLoader, with Pillow doing the work in its processes, as torchvision has it do."""

    def __init__(self, folder, augment):
        self.files, self.augment = sorted(folder.glob("*.jpg")), augment

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        import torch

        with Image.open(self.files[index]) as image:
            image = ImageOps.fit(image.convert("RGB"), (SIZE, SIZE), Image.Resampling.LANCZOS)
        if self.augment:
            image = augmented(image, np.random.default_rng(torch.randint(2**31, ()).item()))
        return torch.from_numpy(np.asarray(image).astype(np.float32).transpose(2, 0, 1) / 127.5 - 1.0)


def augmented(image, random):
    """Flip; rotation, shear and zoom as one affine map; a crop; brightness, contrast and saturation."""
    if random.random() < 0.5:
        image = ImageOps.mirror(image)
    angle, shear, zoom = random.uniform(-0.26, 0.26), random.uniform(-0.17, 0.17), random.uniform(0.85, 1.15)
    matrix = zoom * np.array([[np.cos(angle), np.sin(angle + shear)], [-np.sin(angle), np.cos(angle + shear)]])
    shift = SIZE / 2 - matrix @ [SIZE / 2, SIZE / 2]
    numbers = (*matrix[0], shift[0], *matrix[1], shift[1])
    image = image.transform(image.size, Image.Transform.AFFINE, numbers, Image.Resampling.BILINEAR)
    side = random.uniform(0.9, 1.0) * SIZE
    left, top = random.uniform(0, SIZE - side, 2)
    image = image.resize((SIZE, SIZE), Image.Resampling.BILINEAR, (left, top, left + side, top + side))
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhancer(image).enhance(random.uniform(0.8, 1.2))
    return image


def theirs(folder):
    """The same of a DataLoader with two workers."""
    from torch.utils.data import DataLoader

    passes = {"decoded": False, "again": False, "augmented": True}
    return {
        name: seconds(DataLoader(Files(folder, augment), BATCH, shuffle=True, num_workers=2))
        for name, augment in passes.items()
    }


def memory(files, folder, cache):
    """Private memory of the process (MiB) at the start and the end of an epoch of many files, at 32 px."""
    from tfportrait import data

    def private():
        status = Path("/proc/self/status").read_text()
        return int(status.split("RssAnon:")[1].split()[0]) / 1024

    os.environ["TFPORTRAIT_CACHE"] = str(cache)
    write(folder, files)
    small = data.open_source(folder, image_size=32, count=2000, progress=False)
    seconds(data.batches(small, batch_size=BATCH))
    before, start = private(), time.perf_counter()
    source = data.open_source(folder, image_size=32, progress=False)
    opened = private()
    most = max(private() for step, _ in enumerate(data.batches(source, batch_size=BATCH)) if step % 100 == 0)
    return before, opened, most, files / (time.perf_counter() - start)


def latents(cache):
    """Latents of 16 x 16 x 8 with token ids read a second from the cache."""
    from tfportrait import data
    from tfportrait.data.shards import Shards, ranges, write_shard

    cache.mkdir()
    random = np.random.default_rng(0)
    for name, array in {
        "latents": random.standard_normal((32768, 16, 16, 8)).astype(np.float16),
        "tokens": random.integers(0, 2000, (32768, 4, 64)).astype(np.int32),
    }.items():
        for start, stop in ranges(len(array), 2048):
            write_shard(cache, name, start, array[start:stop])
    stored = [Shards(cache, name, 32768, 2048) for name in ("latents", "tokens")]
    dataset = data.latents_dataset(*stored, batch_size=BATCH)
    return 32768 / statistics.median(seconds(dataset) for _ in range(3))


def main():
    """Prints the tables."""
    from tfportrait.data.pipeline import import_tensorflow

    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=200_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        write(work / "jpeg", arguments.count)
        import_tensorflow()  # seconds, once for each process
        sides = {"tfportrait": lambda: ours(work / "jpeg", work / "cache"), "PyTorch": lambda: theirs(work / "jpeg")}
        rounds = [{side: run() for side, run in sides.items()} for _ in range(arguments.rounds)]
        print(f"{'images/s':12}" + "".join(f"{kind:>12}" for kind in rounds[0]["tfportrait"]))
        for side in sides:
            medians = {kind: statistics.median(r[side][kind] for r in rounds) for kind in rounds[0][side]}
            print(f"{side:12}" + "".join(f"{arguments.count / value:12.0f}" for value in medians.values()), flush=True)
        print(f"latents read: {latents(work / 'latents'):.0f}/s", flush=True)
        before, opened, most, speed = memory(arguments.files, work / "many", work / "cache")
        print(f"private memory: {before:.0f} MiB, {opened:.0f} with {arguments.files} files open, ", end="")
        print(f"at most {most:.0f} over the epoch ({speed:.0f} images/s at 32 px, decoding included)")


if __name__ == "__main__":
    main()

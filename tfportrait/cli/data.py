"""Data sets: render, check and look at them."""

from pathlib import Path

import click

from tfportrait.cli.app import app
from tfportrait.cli.options import free_paths, output_paths


@app.command()
@click.option("--count", type=int, default=1000, help="Number of portraits.")
@click.option("--size", type=int, default=128, help="Side of each picture in pixels, 32 to 512.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write; created if need be.")
@click.option("--seed", type=int, default=0, help="Seed of the first portrait; the others follow.")
@click.option("--workers", type=int, default=None, help="Processes.  [default: one a core]")
def world(count: int, size: int, out: Path, seed: int, workers: int | None) -> None:
    """Render portraits with their captions to a folder."""
    from tfportrait import world as portraits

    portraits.write(out, count, size, seed=seed, workers=workers)
    click.echo(f"{count} portraits at {size} px in {out}")


@app.group()
def data() -> None:
    """Look at data sets: check their files, show what training sees."""


@data.command("check")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--size", type=int, default=None, help="Side in pixels: count the pictures that are smaller.")
@click.option("--max-bad-fraction", type=float, default=0.05, help="Share of bad pictures up to which all is well.")
@click.option("--near", type=int, default=4, help="Bits of 64 in which the hashes of near duplicates may differ.")
@click.option("--json", "out", type=click.Path(path_type=Path), default=None, help="File for the whole report.")
def check_data(path: Path, size: int | None, max_bad_fraction: float, near: int, out: Path | None) -> None:
    """Read every picture below PATH: which are bad and why, which are there twice.

    The exit code is 2 if there are more bad pictures than allowed.
    """
    from tfportrait.data.check import check
    from tfportrait.files import check_writable

    out = out and check_writable(out)
    report = check(path, max_bad_fraction=max_bad_fraction, near=near, image_size=size)
    click.echo(report.table())
    if out:
        report.save(out)
    if not report.ok:
        raise ValueError(report.verdict)


@data.command(context_settings={"ignore_unknown_options": True})
@click.argument("data_set", metavar="NAME_OR_PATH")
@click.argument("beam", nargs=-1, type=click.UNPROCESSED)
@click.option("--preset", default="portrait_128", help="The preset whose autoencoder encodes.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Cache that all machines see.")
@click.option("--split", default="train", help="train, validation or test.")
@click.option("--count", type=int, default=None, help="Number of examples.  [default: all]")
@click.option("--size", type=int, default=128, help="Side in pixels.")
def encode(
    data_set: str, beam: tuple[str, ...], preset: str, out: Path, split: str, count: int | None, size: int
) -> None:
    """Encode a data set to latents as an Apache Beam pipeline, here or on many machines.

    Options that are none of these are Beam's, such as --runner=DataflowRunner. Training reads the result with
    TFPORTRAIT_CACHE=OUT. Run again, it does what is left.
    """
    from tfportrait.terminal import start_backend

    start_backend()
    from tfportrait import pipelines

    done = pipelines.encode(
        preset, data_set, out, image_size=size, split=split, options=beam, **({} if count is None else {"count": count})
    )
    click.echo(f"{done} parts encoded in {out}")


@data.command()
@click.argument("data_set", metavar="NAME_OR_PATH")
@click.option("--split", default="train", help="train, validation or test.")
@click.option("--count", type=int, default=8, help="Number of examples, from the first on.")
@click.option("--size", type=int, default=128, help="Side in pixels.")
@click.option("--seed", type=int, default=0, help="Settles the captions, and what the augmentation draws.")
@click.option(
    "--augment",
    multiple=True,
    help="flip, rotation, shear, zoom, crop, colour, channel_shift or jpeg, or with a strength from 0 to 1 (else 0.5) "
    "such as rotation=0.3; may be repeated. Each picture is shown beside what becomes of it.",
)
@click.option("--out", type=click.Path(path_type=Path), default=None, help="PNG file.  [default: a free data.png]")
def show(
    data_set: str, split: str, count: int, size: int, seed: int, augment: tuple[str, ...], out: Path | None
) -> None:
    """Draw pictures and captions of a data set, as training sees them."""
    import logging

    from tfportrait.data import Augmentation
    from tfportrait.files import atomic_write
    from tfportrait.terminal import quiet, start_backend

    if count < 1:
        raise ValueError(f"--count must be at least 1, got {count}")
    if out and out.suffix.lower() != ".png":
        raise ValueError(f"the output must be a PNG file, got {str(out)!r}; nearest: {str(out.with_suffix('.png'))!r}")
    (path,) = output_paths(out, 1) if out else free_paths("data.png", 1)
    with quiet():
        augmentation = Augmentation(augment)
    if augment:
        start_backend()
    import numpy as np

    from tfportrait import plot
    from tfportrait.data import WORLDS, batches, open_source

    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # it reports fonts that have but one weight
    lenient = {} if data_set in WORLDS else {"max_bad_fraction": 1.0}
    source = open_source(data_set, split, image_size=size, count=count, **lenient)
    indices = np.arange(min(count, len(source)))
    images, title = source.images(indices), f"{Path(data_set).resolve().name}, {split}"
    if augment:
        dataset = batches(source, batch_size=len(indices), seed=seed, shuffle=False, augmentation=augmentation)
        batch = next(iter(dataset))
        texts = [text.decode() for text in batch["caption"].numpy()]
        figure = plot.augmentation(images, batch["image"].numpy(), texts, title=f"{title}: original and augmented")
    else:
        figure = plot.images(images, source.captions(indices, seed=seed), title=title)
    with atomic_write(path) as file:
        figure.savefig(file, format="png", dpi=150)
    click.echo(path)

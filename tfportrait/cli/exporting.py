"""Export a painter for programs without this package."""

from pathlib import Path

import click

from tfportrait import files
from tfportrait.cli.app import app
from tfportrait.export import FORMATS, QUANTIZATIONS


@app.command()
@click.argument("preset", default="portrait_128")
@click.option("--format", "form", type=click.Choice(FORMATS), default="litert")
@click.option("--quantize", type=click.Choice(QUANTIZATIONS), default="none", help="Weights on disk.")
@click.option("--steps", type=int, default=20, help="Steps of the sampler, which are fixed in what is exported.")
@click.option("--sampler", default="dpmpp_2m", help="ddim, euler, heun or dpmpp_2m.")
@click.option("--size", type=int, default=None, help="Side of the pictures in pixels.  [default: the preset's]")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A new folder.")
def export(preset: str, form: str, quantize: str, steps: int, sampler: str, size: int | None, out: Path) -> None:
    """Write PRESET, from words to pixels, as one model that runs without tfportrait.

    The folder has the model, its tokenizer and paint.py, which needs numpy, pillow, tokenizers and the format's
    runtime (ai-edge-litert, onnxruntime or tensorflow).
    """
    from tfportrait.presets import locate
    from tfportrait.terminal import start_backend

    folder = locate(preset)
    files.check_writable_folder(out)
    start_backend()
    from tfportrait.export import package
    from tfportrait.models import LatentDiffusion
    from tfportrait.training import accelerate

    package.check_installed(form)
    accelerate("float32")
    painter = LatentDiffusion.from_preset(folder)
    path = package.export(painter, out, form, quantize=quantize, num_steps=steps, sampler=sampler, image_size=size)
    mean, largest = package.difference(out, painter)
    size_on_disk = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    click.echo(
        f"{size_on_disk / 1e6:.1f} MB; one picture differs by {mean:.3f} of 255 on average, {largest:.0f} at most"
    )
    click.echo(path)

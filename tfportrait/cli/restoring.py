"""Damaged pictures, restored."""

from pathlib import Path

import click

from tfportrait.cli.app import app
from tfportrait.cli.options import free_paths, output_paths


@app.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--degradation",
    default=None,
    help="What damaged it: gaussian or poisson (noise), jpeg, blur, or grey (no colours).  [default: jpeg for JPEGs]",
)
@click.option(
    "--level",
    type=float,
    default=None,
    help="Deviation of Gaussian noise in grey levels, photons of white, quality of JPEG, pixels of the blur.  "
    "[default: measured; blur needs it]",
)
@click.option("--noise", type=float, default=0.0, help="Of blur: the noise's deviation in grey levels.")
@click.option("--prompt", default=None, help="What the picture shows; of a grey one, its colours.")
@click.option("--negative", default=None, help="What it does not show.")
@click.option(
    "--preset",
    default=None,
    help="A model of pixels, or one as for paint.  [default: pixels_128; portrait_128 for a prompt, and for what is "
    "no noise in pictures of 128 px]",
)
@click.option("--seed", type=int, default=0)
@click.option("--steps", type=int, default=None, help="Steps of the sampler.  [default: 4 to 12]")
@click.option("--samples", type=int, default=None, help="Mean of so many results: truer and softer.  [default: 1 or 4]")
@click.option("--guidance", type=float, default=1.0, help="How far beyond the plain model (1) the prompt pulls.")
@click.option("--precision", default="auto", help="auto, float32, bfloat16 or float16.")
@click.option("--label", is_flag=True, help="Draw a visible mark, AI生成 / AI-generated.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=None,
    help="PNG, WebP or JPEG file.  [default: a free restored.png]",
)
def restore(
    file: Path,
    degradation: str | None,
    level: float | None,
    noise: float,
    prompt: str | None,
    negative: str | None,
    preset: str | None,
    seed: int,
    steps: int | None,
    samples: int | None,
    guidance: float,
    precision: str,
    label: bool,
    out: Path | None,
) -> None:
    """Take noise, traces of JPEG or blur out of the picture FILE, or give it colours. Its size stays."""
    from tfportrait.presets import locate
    from tfportrait.recipe import write_picture
    from tfportrait.terminal import start_backend

    (path,) = output_paths(out, 1) if out else free_paths("restored.png", 1)
    folder = None if preset is None else locate(preset)
    start_backend()
    from tfportrait import tasks

    image, recipe = tasks.repair(
        folder,
        file,
        degradation,
        level=level,
        noise=noise,
        prompt=prompt,
        negative=negative,
        seed=seed,
        num_steps=steps,
        samples=samples,
        guidance_scale=guidance,
        precision=precision,
        say=click.echo,
    )
    click.echo(write_picture(path, image, recipe, label=label))

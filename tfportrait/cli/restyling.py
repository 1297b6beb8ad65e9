"""Pictures painted again in another style, or for other words."""

from pathlib import Path

import click

from tfportrait.cli.app import app
from tfportrait.cli.options import free_paths, output_paths


@app.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("prompt", required=False)
@click.option("--style", default=None, help="A style of the world, such as oil.  [default: what PROMPT says]")
@click.option(
    "--strength",
    type=float,
    default=None,
    help="How much is painted anew: above 0, at most 1.  [default: 1 for inversion, 0.85 for noise]",
)
@click.option(
    "--method",
    default=None,
    help="inversion (keeps more of the picture) or noise (of the seed).  [default: noise for others' checkpoints]",
)
@click.option("--negative", default=None, help="What should not be in the picture.")
@click.option("--preset", default="portrait_128", help="As for paint.")
@click.option("--seed", type=int, default=0)
@click.option("--steps", type=int, default=20, help="Steps of a whole sampling, of which --strength makes a part.")
@click.option("--guidance", type=float, default=4.0, help="How far beyond the plain model (1) the prompt pulls.")
@click.option("--sampler", default=None, help="As for paint.  [default: dpmpp_2m; ddim for inversion]")
@click.option("--size", type=int, default=None, help="Side in pixels.  [default: that of the training]")
@click.option("--fit", default="crop", help="crop or letterbox, for pictures that are not square.")
@click.option("--precision", default="auto", help="auto, float32, bfloat16 or float16.")
@click.option("--label", is_flag=True, help="Draw a visible mark, AI生成 / AI-generated.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=None,
    help="PNG, WebP or JPEG file.  [default: a free restyled.png]",
)
def restyle(
    file: Path,
    prompt: str | None,
    style: str | None,
    strength: float | None,
    method: str | None,
    negative: str | None,
    preset: str,
    seed: int,
    steps: int,
    guidance: float,
    sampler: str | None,
    size: int | None,
    fit: str,
    precision: str,
    label: bool,
    out: Path | None,
) -> None:
    """Paint the picture FILE again: in another --style, or for PROMPT.

    Without PROMPT the portrait is described by the oracle of the portrait world.
    """
    from tfportrait.presets import locate
    from tfportrait.recipe import write_picture
    from tfportrait.terminal import start_backend

    (path,) = output_paths(out, 1) if out else free_paths("restyled.png", 1)
    folder = locate(preset)
    start_backend()
    from tfportrait import tasks

    image, recipe = tasks.restyle(
        folder,
        file,
        prompt,
        style=style,
        strength=strength,
        method=method,
        negative=negative,
        seed=seed,
        num_steps=steps,
        guidance_scale=guidance,
        sampler=sampler,
        image_size=size,
        fit=fit,
        precision=precision,
        say=click.echo,
    )
    click.echo(write_picture(path, image, recipe, label=label))

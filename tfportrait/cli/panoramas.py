"""Wide pictures from words."""

from pathlib import Path

import click

from tfportrait.cli.app import app
from tfportrait.cli.options import free_paths, output_paths


@app.command()
@click.argument("prompt")
@click.option("--width", type=int, default=512, help="In pixels; the height is that of the preset.")
@click.option("--open", "with_ends", is_flag=True, help="Paint two ends; else the right one goes on at the left.")
@click.option("--negative", default=None, help="What should not be in the picture.")
@click.option("--preset", default="portrait_128", help="As for paint.")
@click.option("--seed", type=int, default=0)
@click.option("--steps", type=int, default=20, help="Steps of the sampler.")
@click.option("--guidance", type=float, default=4.0, help="How far beyond the plain model (1) the prompt pulls.")
@click.option("--sampler", default="dpmpp_2m", help="As for paint.")
@click.option("--precision", default="auto", help="auto, float32, bfloat16 or float16.")
@click.option("--label", is_flag=True, help="Draw a visible mark, AI生成 / AI-generated.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=None,
    help="PNG, WebP or JPEG file.  [default: a free panorama.png]",
)
def panorama(
    prompt: str,
    width: int,
    with_ends: bool,
    negative: str | None,
    preset: str,
    seed: int,
    steps: int,
    guidance: float,
    sampler: str,
    precision: str,
    label: bool,
    out: Path | None,
) -> None:
    """Paint a panorama for PROMPT, by default one whose ends join."""
    from tfportrait.presets import locate
    from tfportrait.recipe import write_picture
    from tfportrait.terminal import start_backend

    (path,) = output_paths(out, 1) if out else free_paths("panorama.png", 1)
    folder = locate(preset)
    start_backend()
    from tfportrait import tasks
    from tfportrait.tasks.opening import open_painter

    settings = {"num_steps": steps, "guidance_scale": guidance, "sampler": sampler, "seamless": not with_ends}
    painter, opened = open_painter(folder, precision=precision)
    image = tasks.panorama(painter, prompt, negative, width=width, seeds=seed, progress=True, **settings)[0]
    recipe = {
        "task": "panorama",
        "prompt": prompt,
        "negative_prompt": negative,
        "seed": seed,
        **settings,
        "image_size": list(image.shape[:2]),
        **opened,
    }
    click.echo(write_picture(path, image, recipe, label=label))

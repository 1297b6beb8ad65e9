"""Words to pictures, and what is written in pictures."""

from pathlib import Path

import click

from tfportrait.cli.app import app
from tfportrait.cli.options import free_paths, output_paths, parse_loras, parse_tags


@app.command()
@click.argument("prompt", required=False)
@click.option("--tag", "tags", multiple=True, help="An attribute, as name=value; may be repeated. Added to the prompt.")
@click.option("--negative", default=None, help="What should not be in the picture.")
@click.option("--preset", default="portrait_128", help="A shipped preset, a folder in diffusers' layout, or one file.")
@click.option(
    "--prediction-type", default=None, help="What a file of Stable Diffusion 2 predicts: epsilon or v_prediction."
)
@click.option("--lora", "loras", multiple=True, help="A LoRA, as FILE or FILE=STRENGTH; may be repeated.")
@click.option("--seed", type=int, default=0, help="Seed of the first portrait; the others follow.")
@click.option("--count", type=int, default=1, help="Number of portraits.")
@click.option("--steps", type=int, default=20, help="Steps of the sampler.")
@click.option("--guidance", type=float, default=4.0, help="How far beyond the plain model (1) the prompt pulls.")
@click.option("--sampler", default="dpmpp_2m", help="ddpm, ddim, euler, euler_ancestral, heun, dpmpp_2m or lcm.")
@click.option("--size", type=int, default=None, help="Side in pixels.  [default: that of the training]")
@click.option("--clip-skip", type=int, default=None, help="Layer of the text encoder, from the last, 1.  [default: 1]")
@click.option("--precision", default="auto", help="auto, float32, bfloat16 or float16.")
@click.option("--out", type=click.Path(path_type=Path), default=None, help="PNG file.  [default: a free portrait.png]")
def paint(
    prompt: str | None,
    tags: tuple[str, ...],
    negative: str | None,
    preset: str,
    prediction_type: str | None,
    loras: tuple[str, ...],
    seed: int,
    count: int,
    steps: int,
    guidance: float,
    sampler: str,
    size: int | None,
    clip_skip: int | None,
    precision: str,
    out: Path | None,
) -> None:
    """Paint portraits for PROMPT, in English or Chinese; (word:1.3) weighs a word, as in the web UIs."""
    from tfportrait import tasks
    from tfportrait.presets import locate
    from tfportrait.recipe import write_png
    from tfportrait.terminal import start_backend

    paths = output_paths(out, count) if out else free_paths("portrait.png", count)
    text = tasks.compose_prompt(prompt, parse_tags(tags))
    strengths = parse_loras(loras)
    folder = locate(preset)
    start_backend()
    images, recipes = tasks.paint(
        folder,
        text,
        negative,
        seeds=list(range(seed, seed + count)),
        num_steps=steps,
        guidance_scale=guidance,
        sampler=sampler,
        image_size=size,
        prediction_type=prediction_type,
        loras=strengths,
        precision=precision,
        clip_skip=clip_skip,
        say=click.echo,
    )
    for path, image, recipe in zip(paths, images, recipes, strict=True):
        click.echo(write_png(path, image, recipe))


@app.command()
@click.argument("file", type=click.Path(path_type=Path))
def recipe(file: Path) -> None:
    """Print the recipe stored in a PNG, as JSON."""
    import json

    from tfportrait.recipe import read_recipe

    click.echo(json.dumps(read_recipe(file), ensure_ascii=False, indent=2))

"""Parts of pictures painted anew, and what is beyond their borders."""

from pathlib import Path

import click

from tfportrait.cli.app import app
from tfportrait.cli.options import free_paths, output_paths


@app.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--mask", default=None, help="A picture that is black where nothing is to change, or a box: x,y,w,h.")
@click.option("--extend", default=None, help="Instead of a mask: new pixels above, right, below, left, as 32,0,0,32.")
@click.option("--overlay", is_flag=True, help="Instead of a mask: what `tfportrait.world.overlays` has drawn, found.")
@click.option("--prompt", default=None, help="What the whole picture is to show.")
@click.option("--negative", default=None, help="What should not be in the picture.")
@click.option("--strength", type=float, default=1.0, help="Below 1 the part is painted over, not all anew.")
@click.option("--feather", type=int, default=0, help="Pixels inside the mask over which old goes over into new.")
@click.option("--preset", default="portrait_128", help="As for paint.")
@click.option("--seed", type=int, default=0)
@click.option("--steps", type=int, default=20, help="Steps of the sampler.")
@click.option("--guidance", type=float, default=4.0, help="How far beyond the plain model (1) the prompt pulls.")
@click.option("--sampler", default="dpmpp_2m", help="As for paint.")
@click.option("--size", type=int, default=None, help="Side in pixels.  [default: that of the training]")
@click.option("--fit", default="crop", help="crop or letterbox, for pictures that are not square.")
@click.option("--precision", default="auto", help="auto, float32, bfloat16 or float16.")
@click.option("--label", is_flag=True, help="Draw a visible mark, AI生成 / AI-generated.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=None,
    help="PNG, WebP or JPEG file.  [default: a free inpainted.png]",
)
def inpaint(
    file: Path,
    mask: str | None,
    extend: str | None,
    overlay: bool,
    prompt: str | None,
    negative: str | None,
    strength: float,
    feather: int,
    preset: str,
    seed: int,
    steps: int,
    guidance: float,
    sampler: str,
    size: int | None,
    fit: str,
    precision: str,
    label: bool,
    out: Path | None,
) -> None:
    """Paint a part of the picture FILE anew; all else stays as it is, bit for bit.

    Without --prompt the portrait is described by the oracle of the portrait world.
    """
    from tfportrait.cli.options import parse_numbers
    from tfportrait.presets import locate
    from tfportrait.recipe import write_picture
    from tfportrait.terminal import start_backend

    if (mask is not None) + (extend is not None) + overlay != 1:
        raise ValueError("say where: --mask PICTURE, --mask x,y,w,h, --extend above,right,below,left, or --overlay")
    (path,) = output_paths(out, 1) if out else free_paths("inpainted.png", 1)
    borders = None if extend is None else parse_numbers("--extend", extend, "32,0,0,32")
    if mask is not None:
        mask = Path(mask) if Path(mask).is_file() else parse_numbers("--mask", mask, "32,48,64,24 or a picture's name")
    folder = locate(preset)
    start_backend()
    from tfportrait import tasks

    image, recipe = tasks.edit_part(
        folder,
        file,
        mask,
        borders=borders,
        overlay=overlay,
        prompt=prompt,
        negative=negative,
        strength=strength,
        feather=feather,
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

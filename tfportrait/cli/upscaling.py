"""Pictures to larger pictures."""

from pathlib import Path

import click

from tfportrait.cli.app import app
from tfportrait.cli.options import free_paths, output_paths


@app.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--factor", type=int, default=2, help="2 or 4.")
@click.option("--painted", is_flag=True, help="A painter made it: draw anew what its autoencoder has blurred.")
@click.option("--preset", default="upscale_2x", help="A shipped upscaler, or the folder of one.")
@click.option("--seed", type=int, default=0)
@click.option("--steps", type=int, default=2, help="Steps of the sampler for each doubling.")
@click.option("--precision", default="auto", help="auto, float32, bfloat16 or float16.")
@click.option("--label", is_flag=True, help="Draw a visible mark, AI生成 / AI-generated.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=None,
    help="PNG, WebP or JPEG file.  [default: a free upscaled.png]",
)
def upscale(
    file: Path,
    factor: int,
    painted: bool,
    preset: str,
    seed: int,
    steps: int,
    precision: str,
    label: bool,
    out: Path | None,
) -> None:
    """Enlarge the picture FILE; reduced again it is the same (unless --painted)."""
    from tfportrait.files import sha256
    from tfportrait.presets import locate
    from tfportrait.recipe import FORMAT, write_picture
    from tfportrait.tasks.pictures import read_picture
    from tfportrait.terminal import start_backend

    (path,) = output_paths(out, 1) if out else free_paths("upscaled.png", 1)
    folder = locate(preset)
    image = read_picture(file)
    start_backend()
    from tfportrait import __version__, tasks
    from tfportrait.tasks.opening import preset_hash
    from tfportrait.training import accelerate

    chosen = accelerate(precision, brief=True).precision
    (large,) = tasks.upscale(image, factor, seeds=seed, num_steps=steps, painted=painted, upscaler=folder)
    recipe = {
        "format": FORMAT,
        "task": "upscale",
        "input": {"file": file.name, "hash": sha256(file)},
        "factor": factor,
        "painted": painted,
        "seed": seed,
        "num_steps": steps,
        "image_size": list(large.shape[:2]),
        "preset": folder.name,
        "preset_hash": preset_hash(folder),
        "precision": chosen,
        "version": __version__,
    }
    click.echo(write_picture(path, large, recipe, label=label))

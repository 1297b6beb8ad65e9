"""One prompt under many settings, side by side."""

from pathlib import Path

import click

from tfportrait.cli.app import app
from tfportrait.cli.options import Size


@app.command()
@click.argument("prompt")
@click.option("--x", "across", default=None, help="What changes from left to right, as steps=5,10,20 or seed=3..8.")
@click.option("--y", "down", default=None, help="What changes from top to bottom, likewise.")
@click.option("--matrix", is_flag=True, help='PROMPT is "always | perhaps | perhaps": all combinations are painted.')
@click.option(
    "--vary", type=int, default=None, help="A seed that the noise goes towards, with --strength or --x strength=0,0.2."
)
@click.option("--strength", type=float, default=None, help="How far it goes, from 0 to 1.")
@click.option("--negative", default=None, help="What should not be in the pictures.")
@click.option("--preset", default="portrait_128", help="As for paint.")
@click.option("--seed", type=int, default=0, help="Of every picture.")
@click.option("--steps", type=int, default=20, help="Steps of the sampler.")
@click.option("--guidance", type=float, default=4.0, help="How far beyond the plain model (1) the prompt pulls.")
@click.option("--sampler", default="dpmpp_2m", help="As for paint.")
@click.option(
    "--size", type=Size(), default=None, help="Pixels: 256, or 384x128, width first.  [default: the preset's]"
)
@click.option("--precision", default="auto", help="auto, float32, bfloat16 or float16.")
@click.option("--label", is_flag=True, help="Draw a visible mark, AI生成 / AI-generated.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("exploration"), help="Folder, created if need be.")
def explore(
    prompt: str,
    across: str | None,
    down: str | None,
    matrix: bool,
    vary: int | None,
    strength: float | None,
    negative: str | None,
    preset: str,
    seed: int,
    steps: int,
    guidance: float,
    sampler: str,
    size: int | tuple[int, int] | None,
    precision: str,
    label: bool,
    out: Path,
) -> None:
    """Paint PROMPT under many settings: a table of pictures, and each of them with its recipe."""
    from tfportrait.presets import locate
    from tfportrait.tasks import exploring
    from tfportrait.terminal import start_backend

    if matrix and (across or down):
        raise ValueError("--matrix makes both axes itself: leave --x and --y out")
    if not matrix and not across:
        raise ValueError("give --x, such as --x steps=5,10,20, or --matrix")
    columns, rows = exploring.matrix(prompt) if matrix else (exploring.parse_axis(across), None)
    rows = exploring.parse_axis(down) if down else rows
    settings = {
        "prompt": prompt,
        "negative": negative,
        "seed": seed,
        "steps": steps,
        "guidance": guidance,
        "sampler": sampler,
        "size": size,
        "vary": vary,
        "strength": strength,
    }
    made = exploring.cells(settings, columns, rows)
    folder = locate(preset)
    start_backend()
    click.echo(paint_table(made, columns, rows, out.expanduser(), folder, precision, label))


def paint_table(made, columns, rows, out: Path, preset: Path, precision: str, label: bool) -> Path:
    """What `explore` does once it knows the cells. Returns the path of the table."""
    from tqdm import tqdm

    from tfportrait import plot
    from tfportrait.files import atomic_write, check_writable_folder
    from tfportrait.recipe import write_picture
    from tfportrait.tasks import exploring
    from tfportrait.tasks.opening import open_painter

    out = check_writable_folder(out)
    painter, opened = open_painter(preset, count=len(made), precision=precision)
    for cell in tqdm(exploring.explore(painter, opened, made), total=len(made), leave=False, disable=None):
        write_picture(out / f"{cell.row + 1:02d}-{cell.column + 1:02d}.png", cell.image, cell.recipe, label=label)
    figure = plot.table([cell.image for cell in made], columns.labels, rows.labels if rows else ("",))
    with atomic_write(out / "table.png") as file:
        figure.savefig(file, format="png", dpi=150)
    return out / "table.png"

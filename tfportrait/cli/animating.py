"""Moving pictures from words."""

from pathlib import Path

import click

from tfportrait.cli.app import app


@app.command()
@click.argument("prompts", nargs=-1, required=True)
@click.option("--frames", type=int, default=24, help="Of the whole clip.")
@click.option("--times", default=None, help="When each prompt is reached, as 0,1,3.  [default: even distances]")
@click.option("--loop", is_flag=True, help="Go back to the first prompt, so that the end joins the beginning.")
@click.option("--fps", type=float, default=12.0, help="Frames a second.")
@click.option("--negative", default=None, help="What should not be in the pictures.")
@click.option("--preset", default="portrait_128", help="As for paint.")
@click.option("--seed", type=int, multiple=True, default=(0,), help="One for all prompts, or given once for each.")
@click.option("--steps", type=int, default=20, help="Steps of the sampler.")
@click.option("--guidance", type=float, default=4.0, help="How far beyond the plain model (1) the prompt pulls.")
@click.option("--sampler", default="dpmpp_2m", help="As for paint.")
@click.option("--size", type=int, default=None, help="Side in pixels.  [default: that of the training]")
@click.option("--precision", default="auto", help="auto, float32, bfloat16 or float16.")
@click.option("--label", is_flag=True, help="Draw a visible mark, AI生成 / AI-generated.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("clip.gif"), help="GIF, WebP or MP4 file.")
def animate(
    prompts: tuple[str, ...],
    frames: int,
    times: str | None,
    loop: bool,
    fps: float,
    negative: str | None,
    preset: str,
    seed: tuple[int, ...],
    steps: int,
    guidance: float,
    sampler: str,
    size: int | None,
    precision: str,
    label: bool,
    out: Path,
) -> None:
    """Paint a clip that goes from each of the PROMPTS to the next."""
    from tfportrait.clips import check_clip_suffix, write_clip
    from tfportrait.files import check_writable
    from tfportrait.presets import locate
    from tfportrait.terminal import start_backend

    path = check_writable(check_clip_suffix(out.expanduser()))
    if not 0 < fps <= 100:
        raise ValueError(f"--fps is {fps:g}, but must be above 0 and at most 100")
    try:
        moments = None if times is None else [float(time) for time in times.split(",")]
    except ValueError:
        raise ValueError(f"--times takes numbers with commas between, such as 0,1,3; got {times!r}") from None
    folder = locate(preset)
    start_backend()
    from tfportrait import tasks
    from tfportrait.tasks.opening import open_painter

    settings = {
        "frames": frames,
        "times": moments,
        "loop": loop,
        "seeds": seed[0] if len(seed) == 1 else list(seed),
        "num_steps": steps,
        "guidance_scale": guidance,
        "sampler": sampler,
        "image_size": size,
    }
    painter, opened = open_painter(folder, count=frames, precision=precision)
    clip = tasks.animate(painter, list(prompts), negative, progress=True, **settings)
    recipe = {
        "task": "animate",
        "prompts": list(prompts),
        "negative_prompt": negative,
        **settings,
        "image_size": list(clip.shape[1:3]),
        "fps": fps,
        **opened,
    }
    click.echo(write_clip(path, clip, recipe, fps=fps, label=label))

"""Moving pictures from words."""

from pathlib import Path

import click

from tfportrait.cli.app import app
from tfportrait.cli.options import Size


@app.command()
@click.argument("prompts", nargs=-1, required=True)
@click.option("--from", "start", type=click.Path(path_type=Path), help="A picture that turns into what PROMPTS say.")
@click.option("--strength", type=float, default=0.5, help="With --from: how much of a frame is painted anew, 0 to 1.")
@click.option("--smoothing", type=float, default=0.5, help="With --from: the share of a frame that the next one keeps.")
@click.option("--motion", default=None, help="One motion: smile, turn-left, turn-right, blink or nightfall.")
@click.option("--video", default=None, help="With --motion: another video model, see `train motion`.")
@click.option("--frames", type=int, default=None, help="Of the whole clip.  [default: 24; with --motion 16]")
@click.option("--times", default=None, help="When each prompt is reached, as 0,1,3.  [default: even distances]")
@click.option("--loop", is_flag=True, help="Go back to the first prompt, so that the end joins the beginning.")
@click.option("--fps", type=float, default=12.0, help="Frames a second.")
@click.option("--negative", default=None, help="What should not be in the pictures.")
@click.option("--preset", default=None, help="As for paint.  [default: portrait_128; for a nightfall scene_128]")
@click.option("--seed", type=int, multiple=True, default=(0,), help="One for all prompts, or given once for each.")
@click.option("--steps", type=int, default=20, help="Steps of the sampler.")
@click.option("--guidance", type=float, default=4.0, help="How far beyond the plain model (1) the prompt pulls.")
@click.option("--sampler", default="dpmpp_2m", help="As for paint.")
@click.option(
    "--size", type=Size(), default=None, help="Pixels: 256, or 384x128, width first.  [default: the preset's]"
)
@click.option("--precision", default="auto", help="auto, float32, bfloat16 or float16.")
@click.option("--label", is_flag=True, help="Draw a visible mark, AI生成 / AI-generated.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("clip.gif"), help="GIF, WebP or MP4 file.")
def animate(
    prompts: tuple[str, ...],
    start: Path | None,
    strength: float,
    smoothing: float,
    motion: str | None,
    video: str | None,
    frames: int | None,
    times: str | None,
    loop: bool,
    fps: float,
    negative: str | None,
    preset: str | None,
    seed: tuple[int, ...],
    steps: int,
    guidance: float,
    sampler: str,
    size: int | tuple[int, int] | None,
    precision: str,
    label: bool,
    out: Path,
) -> None:
    """Paint a clip that goes from each of the PROMPTS to the next, or shows one motion of what they say."""
    from tfportrait.clips import check_clip_suffix, write_clip
    from tfportrait.files import check_writable
    from tfportrait.presets import locate
    from tfportrait.tasks.moving import video_presets
    from tfportrait.terminal import start_backend

    path = check_writable(check_clip_suffix(out.expanduser()))
    if not 0 < fps <= 100:
        raise ValueError(f"--fps is {fps:g}, but must be above 0 and at most 100")
    try:
        moments = None if times is None else [float(time) for time in times.split(",")]
    except ValueError:
        raise ValueError(f"--times takes numbers with commas between, such as 0,1,3; got {times!r}") from None
    painting, moving = video_presets(motion)
    folder = locate(preset or painting)
    if motion is not None:
        unfit = {"--from": start, "--times": times, "--loop": loop or None, "--size": size}
        if given := [name for name, value in unfit.items() if value is not None]:
            raise ValueError(f"--motion paints one motion from words, in the preset's size; it takes no {given[0]}")
        if len(seed) > 1:
            raise ValueError("--motion takes one seed")
        video = video or moving
        film = locate(video)
        if not (film / "config.json").is_file():
            raise ValueError(f"{film} is no preset of a video model, as `tfportrait train motion` makes them")
    elif video is not None:
        raise ValueError("--video is the model of a --motion, and there is none")
    start_backend()
    from tfportrait import tasks
    from tfportrait.tasks.opening import open_painter

    if frames is None:
        frames = 24 if motion is None else 16
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
    if motion is not None:
        from tfportrait.models import VideoDiffusion

        first, last, kind = tasks.motion_ends(prompts, motion)
        model = VideoDiffusion.from_preset(film, painter)
        settings = {name: value for name, value in settings.items() if name not in ("times", "loop", "image_size")}
        clip = model.generate(first, last, negative, motion=kind, progress=True, **settings)[0]
        given = {"motion": motion, "video": video}
    elif start is None:
        clip, given = tasks.animate(painter, list(prompts), negative, progress=True, **settings), {}
    else:
        image, given = tasks.read_input(folder, painter, start, settings.pop("image_size"), click.echo)
        settings |= {"strength": strength, "smoothing": smoothing}
        clip = tasks.chain(painter, image, list(prompts), negative, progress=True, **settings)
    recipe = {
        "task": "animate",
        **given,
        "prompts": list(prompts),
        "negative_prompt": negative,
        **settings,
        "image_size": list(clip.shape[1:3]),
        "fps": fps,
        **opened,
    }
    click.echo(write_clip(path, clip, recipe, fps=fps, label=label))

"""Words to pictures, and what is written in pictures."""

from pathlib import Path

import click

from tfportrait.cli.app import app
from tfportrait.cli.options import Size, free_paths, output_paths, parse_loras, parse_tags, seconds


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
@click.option("--vary", type=int, default=None, help="A seed that the noise goes towards; with --count the following.")
@click.option("--strength", type=float, default=None, help="How far it goes, from 0 to 1.")
@click.option("--steps", type=int, default=20, help="Steps of the sampler.")
@click.option("--guidance", type=float, default=4.0, help="How far beyond the plain model (1) the prompt pulls.")
@click.option("--sampler", default="dpmpp_2m", help="ddpm, ddim, euler, euler_ancestral, heun, dpmpp_2m or lcm.")
@click.option(
    "--size", type=Size(), default=None, help="Pixels: 256, or 384x128, width first.  [default: the preset's]"
)
@click.option("--clip-skip", type=int, default=None, help="Layer of the text encoder, from the last, 1.  [default: 1]")
@click.option("--quality", type=click.Choice(["draft", "good", "best"]), help="Chooses sampler, steps and size.")
@click.option("--budget", default=None, help="So does this: time that painting may take here once loaded, such as 2s.")
@click.option("--precision", default="auto", help="auto, float32, bfloat16 or float16.")
@click.option("--label", is_flag=True, help="Draw a visible mark, AI生成 / AI-generated.")
@click.option(
    "--recipe", "source", type=click.Path(path_type=Path), help="Paint the picture FILE again, pixel by pixel."
)
@click.option("--prompts", type=click.Path(path_type=Path), help="A file of prompts: one a line, or JSON lines.")
@click.option(
    "--beam",
    multiple=True,
    help="Paint that file as an Apache Beam pipeline with this option of Beam's: --beam=--runner=FlinkRunner.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=None,
    help="PNG, WebP or JPEG file; with --prompts a folder.  [default: a free portrait.png, or portraits]",
)
@click.pass_context
def paint(
    context: click.Context,
    prompt: str | None,
    tags: tuple[str, ...],
    negative: str | None,
    preset: str,
    prediction_type: str | None,
    loras: tuple[str, ...],
    seed: int,
    count: int,
    vary: int | None,
    strength: float | None,
    steps: int,
    guidance: float,
    sampler: str,
    size: int | tuple[int, int] | None,
    clip_skip: int | None,
    quality: str | None,
    budget: str | None,
    precision: str,
    label: bool,
    source: Path | None,
    prompts: Path | None,
    beam: tuple[str, ...],
    out: Path | None,
) -> None:
    """Paint portraits for PROMPT, in English or Chinese; (word:1.3) weighs a word, as in the web UIs."""
    if source:
        allowed = ("source", "preset", "loras", "label", "out")
        refuse_others(context, allowed, "--recipe", "comes from the recipe")
        return paint_again(source, preset if given(context, "preset") else None, loras, label, out)
    settings = {
        "num_steps": steps,
        "guidance_scale": guidance,
        "sampler": sampler,
        "image_size": size,
        "clip_skip": clip_skip,
    }
    opening = {"prediction_type": prediction_type, "precision": precision}
    if prompts:
        refuse_others(context, (*IN_BATCHES, "prompts", "beam"), "--prompts", "is said by each line of the file")
        out, shared = out or Path("portraits"), {"seed": seed, "negative": negative, **settings}
        return paint_file(prompts, out, preset, shared, {"loras": parse_loras(loras), "label": label, **opening}, beam)
    if beam:
        raise ValueError("--beam is for many pictures: give a file of prompts with --prompts")
    from tfportrait import tasks
    from tfportrait.presets import locate
    from tfportrait.recipe import write_picture
    from tfportrait.terminal import start_backend

    paths = output_paths(out, count) if out else free_paths("portrait.png", count)
    strengths = parse_loras(loras)
    allowed_seconds = None if budget is None else seconds(budget)
    if (quality or budget) and (named := next((name for name in ("steps", "sampler") if given(context, name)), None)):
        raise ValueError(f"--{named} cannot be given beside --quality or --budget, which choose it")
    if (vary is None) != (strength is None) or not 0 <= (strength or 0) <= 1:
        raise ValueError("--vary SEED and --strength, from 0 to 1, belong together")
    folder, tags = locate(preset), parse_tags(tags)
    start_backend()
    text = tasks.compose_prompt(prompt, tags)
    seeds, variations = list(range(seed, seed + count)), None
    if vary is not None:
        seeds, variations = [seed] * count, [(vary + number, strength) for number in range(count)]
    images, recipes = tasks.paint(
        folder,
        text,
        negative,
        seeds=seeds,
        variations=variations,
        quality=quality,
        budget=allowed_seconds,
        loras=strengths,
        say=click.echo,
        **settings,
        **opening,
    )
    for path, image, recipe in zip(paths, images, recipes, strict=True):
        click.echo(write_picture(path, image, recipe, label=label))


IN_BATCHES = (
    "negative",
    "preset",
    "prediction_type",
    "loras",
    "seed",
    "steps",
    "guidance",
    "sampler",
    "size",
    "clip_skip",
    "precision",
    "label",
    "out",
)


def given(context: click.Context, name: str) -> bool:
    """Whether an argument stands on the command line."""
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def refuse_others(context: click.Context, allowed: tuple[str, ...], option: str, reason: str) -> None:
    """Raises a ValueError if an argument is given that is not allowed beside an option."""
    for parameter in context.command.params:
        if parameter.name not in allowed and given(context, parameter.name):
            name = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.opts[0].upper()
            raise ValueError(f"{name} cannot be given beside {option}: it {reason}")


def paint_again(source: Path, preset: str | None, loras: tuple[str, ...], label: bool, out: Path | None) -> None:
    """What `paint --recipe` does."""
    from tfportrait import tasks
    from tfportrait.recipe import read_recipe, write_picture
    from tfportrait.terminal import start_backend

    (path,) = output_paths(out, 1) if out else free_paths("portrait.png", 1)
    recipe, strengths = read_recipe(source), parse_loras(loras)
    start_backend()
    image, recipe = tasks.repaint(recipe, preset, loras=strengths, say=click.echo)
    click.echo(write_picture(path, image, recipe, label=label))


def paint_file(prompts: Path, out: Path, preset: str, settings: dict, opening: dict, beam: tuple[str, ...]) -> None:
    """What `paint --prompts` does."""
    from tfportrait import tasks
    from tfportrait.presets import locate
    from tfportrait.terminal import start_backend

    if beam:
        from tfportrait import pipelines

        summary = pipelines.paint(prompts, out, preset, options=beam, **settings, **opening)
        for job in summary.failed:
            click.echo(f"line {job.line}: {job.error}")
    else:
        folder, jobs = locate(preset), tasks.read_prompts(prompts, **settings)
        start_backend()
        summary = tasks.paint_jobs(jobs, out, folder, say=click.echo, **opening)
    click.echo(summary)
    if summary.failed:
        count = summary.painted + summary.skipped + len(summary.failed)
        raise ValueError(f"{len(summary.failed)} of {count} lines failed, see above; the others are painted")


@app.command()
@click.argument("file", type=click.Path(path_type=Path))
def recipe(file: Path) -> None:
    """Print the recipe stored in a picture, as JSON."""
    import json

    from tfportrait.recipe import read_recipe

    click.echo(json.dumps(read_recipe(file), ensure_ascii=False, indent=2))

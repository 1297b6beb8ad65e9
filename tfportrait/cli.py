"""The command `tfportrait`. Only click is imported here; a command imports what it needs when it runs."""

import errno
import os
import sys
import warnings
from pathlib import Path

import click

from tfportrait import __version__


class _Commands(click.Group):
    """Lists the commands in the order in which they are defined."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.version_option(__version__, prog_name="tfportrait")
@click.option("--traceback", is_flag=True, help="Show where in the code an error comes from.")
@click.pass_context
def app(context: click.Context, traceback: bool) -> None:
    """Portraits from words: paint them, and train the painter."""
    context.ensure_object(dict)["traceback"] = traceback
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def parse_tags(tags: tuple[str, ...]) -> dict[str, str]:
    """Reads `name=value` tags.

    Args:
        tags: sequence of str, such as "style=watercolour".

    Returns: attribute name -> value, both known to the portrait world.

    Raises: ValueError for a tag without "=", a name given twice with different values, or an attribute or a value that
        does not exist (the message lists the valid ones).
    """
    from tfportrait.world.attributes import check

    attributes: dict[str, str] = {}
    for tag in tags:
        name, separator, value = (part.strip() for part in tag.partition("="))
        if not separator or not name or not value:
            raise ValueError(f"a tag is name=value, such as glasses=round; got {tag!r}")
        name, value = (part.lower().replace("-", "_").replace(" ", "_") for part in (name, value))
        if attributes.get(name, value) != value:
            raise ValueError(f"tag {name} is given twice: {attributes[name]} and {value}")
        attributes[name] = value
    return check(attributes)


def parse_loras(loras: tuple[str, ...]) -> dict[Path, float]:
    """Reads `file=strength`, such as "style.safetensors=0.8"; one without a strength has 1.

    Raises: ValueError for a file that is not there or given twice, or a strength that is no finite number.
    """
    strengths: dict[Path, float] = {}
    for text in loras:
        name, separator, number = text.rpartition("=")
        if not separator or Path(text).is_file():  # a path with "=" in it
            name, number = text, "1"
        path = Path(name).expanduser()
        if not path.is_file():
            raise ValueError(f"there is no LoRA file {path}")
        if path in strengths:
            raise ValueError(f"--lora {path} is given twice")
        try:
            strengths[path] = float(number)
        except ValueError:
            strengths[path] = float("nan")
        if not abs(strengths[path]) < float("inf"):
            raise ValueError(f"the strength of a LoRA is a number, such as {path.name}=0.8; got {number!r}")
    return strengths


def output_paths(out: str | os.PathLike, count: int) -> list[Path]:
    """Where `count` pictures go, checked before any work.

    Args:
        out: str or path. `FILE.png`; several pictures become `FILE-1.png`, `FILE-2.png`, ...
        count: int. At least 1.

    Returns: one path for each picture.

    Raises: ValueError if the count is below 1, the name does not end in .png, or the files cannot be written there.
    """
    from tfportrait.files import check_writable

    out = Path(out).expanduser()
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    if out.is_dir():
        raise ValueError(f"cannot write {out}: it is a folder; give a file name in it")
    if out.suffix.lower() != ".png":
        raise ValueError(f"the output must be a PNG file, got {str(out)!r}; nearest: {str(out.with_suffix('.png'))!r}")
    if count == 1:
        return [check_writable(out)]
    digits = len(str(count))
    return [check_writable(out.with_stem(f"{out.stem}-{number:0{digits}d}")) for number in range(1, count + 1)]


def free_paths(name: str, count: int) -> list[Path]:
    """Where `count` pictures go in the current folder: named after `name`, numbered on until none is there already."""
    number, paths = 1, output_paths(name, count)
    while any(path.exists() for path in paths):
        number += 1
        paths = output_paths(Path(name).with_stem(f"{Path(name).stem}-{number}"), count)
    return paths


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
@click.option("--count", type=int, default=1000, help="Number of portraits.")
@click.option("--size", type=int, default=128, help="Side of each picture in pixels, 32 to 512.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write; created if need be.")
@click.option("--seed", type=int, default=0, help="Seed of the first portrait; the others follow.")
@click.option("--workers", type=int, default=None, help="Processes.  [default: one a core]")
def world(count: int, size: int, out: Path, seed: int, workers: int | None) -> None:
    """Render portraits with their captions to a folder."""
    from tfportrait import world as portraits

    portraits.write(out, count, size, seed=seed, workers=workers)
    click.echo(f"{count} portraits at {size} px in {out}")


def weigh(data_sets: tuple[str, ...]) -> dict[str, float]:
    """Reads data sets with their weights, such as ("portrait_world=3", "photos"); one without weighs 1.

    Raises: ValueError for a data set that is given twice.
    """
    weights: dict[str, float] = {}
    for text in data_sets:
        name, separator, number = text.rpartition("=")
        try:
            name, weight = (name, float(number)) if separator else (text, 1.0)
        except ValueError:
            name, weight = text, 1.0  # a path with "=" in it
        if name in weights:
            raise ValueError(f"--data {name} is given twice")
        weights[name] = weight
    return weights


@app.command()
@click.argument("stage", type=click.Choice(["autoencoder", "text_encoder", "diffusion", "oracle"]))
@click.option("--config", default="portrait_128", help="A shipped configuration, or a TOML file.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the preset; created if need be.")
@click.option("--init", default=None, help="A preset whose weights the training starts from.")
@click.option(
    "--data",
    "data_sets",
    multiple=True,
    help="A data set's name, or the path of a folder of pictures; =WEIGHT behind it, and several of them, mix. "
    "[default: the configuration's]",
)
@click.option("--crop", type=click.Choice(["center", "face"]), default=None, help="How --data's pictures are cut.")
@click.option("--upsample", is_flag=True, help="Take pictures of --data that are too small too, enlarged.")
@click.option("--augment", multiple=True, help="As for `data show`; may be repeated. Not for the U-Net's training.")
@click.option("--steps", type=int, default=None, help="Training steps.  [default: the configuration's]")
@click.option("--precision", default="auto", help="auto, float32, bfloat16 or float16.")
def train(
    stage: str,
    config: str,
    out: Path,
    init: str | None,
    data_sets: tuple[str, ...],
    crop: str | None,
    upsample: bool,
    augment: tuple[str, ...],
    steps: int | None,
    precision: str,
) -> None:
    """Train one STAGE of a preset. Started again, it goes on where it was stopped."""
    if steps is not None and steps < 1:
        raise ValueError(f"--steps must be at least 1, got {steps}")
    if (crop or upsample) and not data_sets:
        raise ValueError("--crop and --upsample are about the pictures of --data, which is not given")
    weights = weigh(data_sets)
    from tfportrait.terminal import start_backend

    start_backend()
    from tfportrait.presets import trainers
    from tfportrait.training import accelerate

    settings = trainers.load(config)
    if weights:
        options = {name: value for name, value in (("crop", crop), ("upsample", upsample)) if value}
        settings = trainers.with_data(settings, weights, **options)
    if augment:
        settings = trainers.with_augmentation(settings, stage, augment)
    accelerate(precision)
    getattr(trainers, f"train_{stage}")(settings, out, init=init, steps=steps)
    click.echo(out)


@app.command()
@click.argument("preset", default="portrait_128")
@click.option("--oracle", default="oracle_128", help="The preset that reads the pictures.")
@click.option("--samples", type=int, default=512, help="Number of prompts, every other one Chinese.")
@click.option("--steps", type=int, default=20, help="Steps of the sampler.")
@click.option("--guidance", type=float, default=4.0, help="How strongly the prompt is followed.")
@click.option("--sampler", default="dpmpp_2m", help="As for paint.")
@click.option("--precision", default="auto", help="auto, float32, bfloat16 or float16.")
def evaluate(preset: str, oracle: str, samples: int, steps: int, guidance: float, sampler: str, precision: str) -> None:
    """Measure PRESET on prompts that no training has seen."""
    from tfportrait.presets import locate
    from tfportrait.terminal import start_backend

    folders = locate(preset), locate(oracle)
    start_backend()
    from tfportrait import metrics
    from tfportrait.models import LatentDiffusion, Oracle
    from tfportrait.training import accelerate

    accelerate(precision)
    painter, reader = LatentDiffusion.from_preset(folders[0]), Oracle.from_preset(folders[1])
    click.echo(
        metrics.evaluate(painter, reader, count=samples, num_steps=steps, guidance_scale=guidance, sampler=sampler)
    )


def seconds(duration: str) -> float:
    """Reads a duration: "90", "90s", "10m" or "1.5h".

    Raises: ValueError for anything else, or nothing at all.
    """
    text = duration.strip().lower()
    unit = {"s": 1.0, "m": 60.0, "h": 3600.0}.get(text[-1:])
    try:
        value = float(text[:-1] if unit else text) * (unit or 1.0)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError(f"a duration is such as 90s, 10m or 1.5h; got {duration!r}")
    return value


@app.command()
@click.option("--budget", default="10m", help="Time of training for all models together, such as 90s, 10m or 1h.")
@click.option("--models", default="vae,gan,vaegan,pixel_diffusion,latent_diffusion", help="Families, with commas.")
@click.option("--size", type=int, default=64, help="Side of the pictures: 32, 64, 128 or 256.")
@click.option("--count", type=int, default=8192, help="Training pictures.")
@click.option("--samples", type=int, default=256, help="Pictures that each model is measured by.")
@click.option("--seed", type=int, default=0)
@click.option("--precision", default="auto", help="auto, float32, bfloat16 or float16.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of table and picture; else: comparison.")
@click.option("--show", is_flag=True, help="Train nothing: print the recorded table, by default the one that ships.")
def compare(
    budget: str,
    models: str,
    size: int,
    count: int,
    samples: int,
    seed: int,
    precision: str,
    out: Path | None,
    show: bool,
) -> None:
    """Train all families of models for the same time, and put what they paint side by side."""
    from tfportrait.terminal import start_backend

    allowed = seconds(budget)
    start_backend()
    from tfportrait.presets import comparison
    from tfportrait.training import accelerate

    if show:
        record, folder = comparison.recorded(out)
        click.echo(comparison.table(record.pop("rows")))
        click.echo("\n".join(f"{name}: {value}" for name, value in record.items()))
        click.echo(folder / comparison.PICTURE)
        return
    out = out or Path(comparison.OUT)
    accelerate(precision)
    names = [name.strip().replace("-", "_") for name in models.split(",") if name.strip()]
    rows = comparison.compare(
        out,
        budget=allowed,
        image_size=size,
        count=count,
        samples=samples,
        seed=seed,
        models=names,
        say=click.echo,
    )
    click.echo(comparison.table(rows))
    click.echo(out / comparison.PICTURE)


@app.group()
def data() -> None:
    """Look at data sets: check their files, show what training sees."""


@data.command("check")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--size", type=int, default=None, help="Side in pixels: count the pictures that are smaller.")
@click.option("--max-bad-fraction", type=float, default=0.05, help="Share of bad pictures up to which all is well.")
@click.option("--near", type=int, default=4, help="Bits of 64 in which the hashes of near duplicates may differ.")
@click.option("--json", "out", type=click.Path(path_type=Path), default=None, help="File for the whole report.")
def check_data(path: Path, size: int | None, max_bad_fraction: float, near: int, out: Path | None) -> None:
    """Read every picture below PATH: which are bad and why, which are there twice.

    The exit code is 2 if there are more bad pictures than allowed.
    """
    from tfportrait.data.check import check
    from tfportrait.files import check_writable

    out = out and check_writable(out)
    report = check(path, max_bad_fraction=max_bad_fraction, near=near, image_size=size)
    click.echo(report.table())
    if out:
        report.save(out)
    if not report.ok:
        raise ValueError(report.verdict)


@data.command()
@click.argument("data_set", metavar="NAME_OR_PATH")
@click.option("--split", default="train", help="train, validation or test.")
@click.option("--count", type=int, default=8, help="Number of examples, from the first on.")
@click.option("--size", type=int, default=128, help="Side in pixels.")
@click.option("--seed", type=int, default=0, help="Settles the captions, and what the augmentation draws.")
@click.option(
    "--augment",
    multiple=True,
    help="flip, rotation, shear, zoom, crop, colour, channel_shift or jpeg, or with a strength from 0 to 1 (else 0.5) "
    "such as rotation=0.3; may be repeated. Each picture is shown beside what becomes of it.",
)
@click.option("--out", type=click.Path(path_type=Path), default=None, help="PNG file.  [default: a free data.png]")
def show(
    data_set: str, split: str, count: int, size: int, seed: int, augment: tuple[str, ...], out: Path | None
) -> None:
    """Draw pictures and captions of a data set, as training sees them."""
    import logging

    from tfportrait.data import Augmentation
    from tfportrait.files import atomic_write
    from tfportrait.terminal import quiet, start_backend

    if count < 1:
        raise ValueError(f"--count must be at least 1, got {count}")
    (path,) = output_paths(out, 1) if out else free_paths("data.png", 1)
    with quiet():
        augmentation = Augmentation(augment)
    if augment:
        start_backend()
    import numpy as np

    from tfportrait import plot
    from tfportrait.data import WORLDS, batches, open_source

    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # it reports fonts that have but one weight
    lenient = {} if data_set in WORLDS else {"max_bad_fraction": 1.0}
    source = open_source(data_set, split, image_size=size, count=count, **lenient)
    indices = np.arange(min(count, len(source)))
    images, title = source.images(indices), f"{Path(data_set).resolve().name}, {split}"
    if augment:
        dataset = batches(source, batch_size=len(indices), seed=seed, shuffle=False, augmentation=augmentation)
        batch = next(iter(dataset))
        texts = [text.decode() for text in batch["caption"].numpy()]
        figure = plot.augmentation(images, batch["image"].numpy(), texts, title=f"{title}: original and augmented")
    else:
        figure = plot.images(images, source.captions(indices, seed=seed), title=title)
    with atomic_write(path) as file:
        figure.savefig(file, format="png", dpi=150)
    click.echo(path)


@app.command()
@click.argument("file", type=click.Path(path_type=Path))
def recipe(file: Path) -> None:
    """Print the recipe stored in a PNG, as JSON."""
    import json

    from tfportrait.recipe import read_recipe

    click.echo(json.dumps(read_recipe(file), ensure_ascii=False, indent=2))


@app.command()
@click.pass_context
def doctor(context: click.Context) -> None:
    """Check this installation and say what to do."""
    from tfportrait.doctor import checks

    warned = 0
    for finding in checks():
        warned += not finding.ok
        click.echo(str(finding))
    if warned:
        context.exit(1)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line.

    Returns: the exit code: 0, 1 if `doctor` has a warning, 2 after an error (one line on standard error), 130 after
        Ctrl-C.
    """
    context: dict = {}
    warnings.formatwarning = lambda message, *_, **__: f"tfportrait: {message}\n"
    try:
        code = app.main(arguments, prog_name="tfportrait", standalone_mode=False, obj=context)
        sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        print("\ntfportrait: stopped; nothing is left half-written", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left: nothing to say, nor to flush
        return 0
    except (
        click.ClickException,
        ValueError,
        FloatingPointError,
        OSError,
        MemoryError,
        ModuleNotFoundError,
    ) as error:
        if isinstance(error, ModuleNotFoundError) and str(error.name).startswith("tfportrait"):
            raise
        if context.get("traceback"):
            import traceback

            traceback.print_exc()
        print(f"tfportrait: {explain(error)}", file=sys.stderr)
        return 2
    return code if isinstance(code, int) else 0


def explain(error: Exception) -> str:
    """What went wrong, on one line."""
    if isinstance(error, click.ClickException):
        text = error.format_message()
        if isinstance(error, click.UsageError) and error.ctx is not None:
            text += f" (see {error.ctx.command_path} --help)"
    elif isinstance(error, OSError) and error.errno == errno.ENOSPC:
        where = error.filename or (error.strerror if error.strerror != os.strerror(errno.ENOSPC) else "")
        text = f"no space left on the disk{': ' if where else ''}{where}; free some, or set TFPORTRAIT_CACHE elsewhere"
    elif isinstance(error, OSError) and error.filename:
        text = f"{error.filename}: {error.strerror}"
    elif isinstance(error, ModuleNotFoundError):
        text = f"{error.name} is not installed: pip install {error.name}"
    elif isinstance(error, MemoryError):
        text = "out of memory: fewer or smaller pictures at a time need less"
    else:
        text = str(error) or type(error).__name__
    return " ".join(text.split())

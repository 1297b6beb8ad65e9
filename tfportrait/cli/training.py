"""Train models and compare them."""

import contextlib
from pathlib import Path

import click

from tfportrait import files
from tfportrait.cli.app import app
from tfportrait.cli.options import seconds, weigh


@app.command()
@click.argument(
    "stage",
    type=click.Choice(["autoencoder", "text_encoder", "diffusion", "lora", "oracle", "upscaler", "pixels", "motion"]),
)
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
@click.option("--resume", is_flag=True, help="Begin nothing anew: fail if no such training was stopped in --out.")
@click.option("--profile", type=click.Path(path_type=Path), help="Folder for a TensorBoard profile of ten steps.")
@click.option("--workers", default=None, help="host:port of every machine that trains, with commas, in one order.")
@click.option("--index", type=int, default=None, help="Which of the workers this process is, from 0.")
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
    resume: bool,
    profile: Path | None,
    workers: str | None,
    index: int | None,
    precision: str,
) -> None:
    """Train one STAGE of a preset. Started again, it goes on where it was stopped.

    All GPUs of the machine share the batches; with --workers several machines do, each running the same command with
    its own --index (or a TF_CONFIG), and with an --out that all of them see.
    """
    if steps is not None and steps < 1:
        raise ValueError(f"--steps must be at least 1, got {steps}")
    if (crop or upsample) and not data_sets:
        raise ValueError("--crop and --upsample are about the pictures of --data, which is not given")
    weights = weigh(data_sets)
    from tfportrait.terminal import start_backend

    start_backend()
    from tfportrait.presets import trainers
    from tfportrait.training import accelerate, cluster

    settings = trainers.load(config)
    if weights:
        options = {name: value for name, value in (("crop", crop), ("upsample", upsample)) if value}
        settings = trainers.with_data(settings, weights, **options)
    if augment:
        settings = trainers.with_augmentation(settings, stage, augment)
    if resume:
        settings = trainers.resuming(settings)
    if profile is not None:
        settings = trainers.profiled(settings, profile)
    strategy = cluster.strategy(workers, index)
    accelerate(precision)
    files.check_writable_folder(out)
    with contextlib.ExitStack() as stack:
        if cluster.is_chief(strategy):
            stack.enter_context(files.locked(out, "training"))
        stack.enter_context(cluster.naming_lost_workers(strategy))
        stack.enter_context(strategy.scope())
        getattr(trainers, f"train_{stage}")(settings, out, init=init, steps=steps)
    click.echo(out)


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

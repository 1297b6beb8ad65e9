"""Measure a preset."""

from pathlib import Path

import click

from tfportrait import files
from tfportrait.cli.app import app

STUDIES = ("samplers", "guidance")
TOGETHER = 64  # rows of a batch that is painted, 32 pictures with guidance


@app.command()
@click.argument("preset", default="portrait_128")
@click.option("--oracle", default=None, help="The preset that reads the pictures.  [default: PRESET's]")
@click.option("--samples", type=int, default=None, help="Number of prompts.  [default: 512, in a study 128]")
@click.option(
    "--data",
    default=None,
    help="A data set's name, or the path of a folder of pictures: the unseen ones, and what they are painted after. "
    "[default: the world that the oracle reads, every other prompt Chinese]",
)
@click.option("--split", default="validation", help="Part of --data.")
@click.option("--training", type=int, default=None, help="Training pictures to compare with.  [default: --samples]")
@click.option("--inception", type=click.Path(path_type=Path), help="Weights of FID's Inception, for FID and KID.")
@click.option("--clip", type=click.Path(path_type=Path), help="Folder of a CLIP checkpoint, for the CLIP score.")
@click.option("--steps", type=int, default=20, help="Steps of the sampler.")
@click.option("--guidance", type=float, default=4.0, help="How strongly the prompt is followed.")
@click.option("--sampler", default="dpmpp_2m", help="As for paint.")
@click.option("--seed", type=int, default=0, help="Of the first picture.")
@click.option("--study", type=click.Choice(STUDIES), default=None, help="Of all samplers and steps, or of guidance.")
@click.option("--precision", default="auto", help="auto, float32, bfloat16 or float16.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("evaluation"), help="Folder of tables and figures."
)
def evaluate(
    preset: str,
    oracle: str | None,
    samples: int | None,
    data: str | None,
    split: str,
    training: int | None,
    inception: Path | None,
    clip: Path | None,
    steps: int,
    guidance: float,
    sampler: str,
    seed: int,
    study: str | None,
    precision: str,
    out: Path,
) -> None:
    """Measure PRESET on pictures that no training has seen. Stopped, it goes on when it is called again."""
    from tfportrait.presets import locate
    from tfportrait.terminal import start_backend

    folder, read_by = locate(preset), locate(oracle) if oracle else None
    start_backend()
    from tfportrait import metrics
    from tfportrait.metrics import report
    from tfportrait.models import CLIP, LatentDiffusion, Oracle
    from tfportrait.tasks.describing import oracle_of
    from tfportrait.tasks.opening import preset_hash
    from tfportrait.training import accelerate

    read_by = read_by or locate(oracle_of(folder))
    files.check_writable_folder(out)
    with files.locked(out, "evaluation"):
        chosen = accelerate(precision, rows=TOGETHER)
        painter, reader = LatentDiffusion.from_preset(folder), Oracle.from_preset(read_by)
        identity = [preset_hash(folder), preset_hash(read_by), str(chosen)]
        kept = {"parts": out, "identity": identity, "seed": seed}
        count = (128 if study else 512) if samples is None else samples
        settings = {"preset": preset, "hashes": identity[:2], "seed": seed, "samples": count}
        if study:
            choices = {
                "samplers": lambda: metrics.sampler_settings(guidance_scale=guidance),
                "guidance": lambda: metrics.guidance_settings(sampler=sampler, num_steps=steps),
            }
            rows = metrics.study(painter, reader, choices[study](), count=count, **kept)
            text = metrics.study_table(rows)
            written = report.write_study(out, study, rows, text, settings)
        else:
            sources = _sources(reader, data, split, count, count if training is None else training)
            result = metrics.evaluate(
                painter,
                reader,
                count=count,
                num_steps=steps,
                guidance_scale=guidance,
                sampler=sampler,
                inception=metrics.InceptionFeatures(inception) if inception else None,
                clip=CLIP.from_folder(clip) if clip else None,
                **sources,
                **kept,
            )
            settings |= {"steps": steps, "guidance": guidance, "sampler": sampler, "data": data}
            text, written = str(result), report.write(out, result, settings)
    click.echo(text)
    for path in written:
        click.echo(path)


def _sources(oracle, data, split, count, known):
    """The unseen pictures, and the training pictures."""
    from tfportrait import data as sources
    from tfportrait.world.choice import world_of

    if count < 1 or known < 0:
        raise ValueError(f"--samples must be at least 1 and --training at least 0, got {count} and {known}")
    if data and known and split == "train":
        raise ValueError("--split train are the training pictures: --training 0 compares with none")
    name = data or world_of(oracle.attributes)
    found = {"source": None, "training": None}
    if data:
        found["source"] = sources.open_source(name, split, image_size=oracle.image_size)
    if known:
        found["training"] = sources.open_source(name, "train", image_size=oracle.image_size, count=known)
    return found

"""Work on data sets beyond one machine, as Apache Beam pipelines: encoding pictures to latents, painting prompts.

The same pipeline runs in this process (Beam's DirectRunner) and on Dataflow, Flink or Spark, as Beam's options say.
What is written goes to a folder that all workers see: a network file system, or a bucket that is mounted as one. Each
part of the work is a file, or a few, under a name that the work itself settles, and appears whole or not at all: a
pipeline that was killed, or of which a part ran twice, is simply run again, and does what is left.

Needs the extra `beam`: pip install "tfportrait[beam]".
"""

import dataclasses
import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tfportrait import files, tasks
from tfportrait.presets import locate

TOGETHER = 32  # pictures that one part paints


def encode(
    preset: str | os.PathLike,
    data_set: str | os.PathLike,
    out: str | os.PathLike,
    *,
    image_size: int,
    split: str = "train",
    batch_size: int = 64,
    options: Sequence[str] = (),
    **source_options: Any,
) -> int:
    """Encodes every picture of a data set with a preset's autoencoder, in parts of 2,048.

    Training on any machine reads them: `TFPORTRAIT_CACHE=OUT tfportrait train diffusion ...`.

    Args:
        preset: str or path. As `tfportrait.presets.locate` takes it.
        data_set: str or path. As `tfportrait.data.open_source` takes it, on every worker.
        out: str or path. The cache, a folder that all workers and the training see.
        image_size, split, **source_options: as `open_source` takes them.
        batch_size: int. Pictures encoded at a time.
        options: sequence of str. Beam's own, such as "--runner=DataflowRunner".

    Returns: int. Parts that were encoded; those that were there already are not.

    Raises: ValueError as `open_source` and `locate`, or if Beam is not installed.
    """
    beam = _beam()
    out = str(files.check_writable_folder(out).resolve())
    job = _Encoding(
        str(locate(preset)), str(data_set), out, image_size, split, batch_size, tuple(source_options.items())
    )
    missing = job.missing()
    with beam.Pipeline(options=_options(beam, options)) as pipeline:
        parts = pipeline | "parts" >> beam.Create(missing, reshuffle=False) | "spread" >> beam.Reshuffle()
        parts | "encode" >> beam.Map(job.encode)
    return len(missing)  # the pipeline raises if one of them fails


def paint(
    prompts: str | os.PathLike,
    out: str | os.PathLike,
    preset: str | os.PathLike,
    *,
    seed: int = 0,
    negative: str | None = None,
    loras: Mapping[Path, float] | None = None,
    precision: str = "auto",
    prediction_type: str | None = None,
    label: bool = False,
    options: Sequence[str] = (),
    num_steps: int = 20,
    guidance_scale: float = 4.0,
    sampler: str = "dpmpp_2m",
    **settings: Any,
) -> Any:
    """Paints every line of a file of prompts, 32 in a part; pictures that are there already are left alone.

    Args:
        prompts: str or path. As `tfportrait.tasks.read_prompts` takes it, with `seed`, `negative` and the settings of
            painting: `num_steps`, `guidance_scale`, `sampler`, and what else `generate` takes.
        out: str or path. A folder that all workers see.
        preset: str or path. As `tfportrait.presets.locate` takes it.
        loras, precision, prediction_type: as `tfportrait.tasks.opening.open_painter` takes them; files that all workers
            see.
        label: bool. Draws "AI-generated" into the pictures.
        options: as in `encode`.

    Returns: tfportrait.tasks.batches.Summary.

    Raises: ValueError as `read_prompts` and `locate`, or if Beam is not installed.
    """
    beam = _beam()
    out = str(files.check_writable_folder(out).resolve())
    chosen = {"num_steps": num_steps, "guidance_scale": guidance_scale, "sampler": sampler, **settings}
    jobs = tasks.read_prompts(prompts, seed=seed, negative=negative, **chosen)
    files_of_loras = tuple((str(Path(file).resolve()), strength) for file, strength in (loras or {}).items())
    painting = _Painting(str(locate(preset)), out, files_of_loras, precision, prediction_type, label)
    there = [tasks.batches.is_painted(job, out) for job in jobs]
    parts = [jobs[first : first + TOGETHER] for first in range(0, len(jobs), TOGETHER)]
    with beam.Pipeline(options=_options(beam, options)) as pipeline:
        spread = pipeline | "prompts" >> beam.Create(parts, reshuffle=False) | "spread" >> beam.Reshuffle()
        spread | "paint" >> beam.Map(painting.paint)
    summary = tasks.batches.Summary()
    for job, was_there in zip(jobs, there, strict=True):
        if was_there:
            summary.skipped += 1
        elif tasks.batches.is_painted(job, out):
            summary.painted += 1
        else:
            job.error = job.error or "not painted; the log of the worker that tried says why"
            summary.failed.append(job)
    return summary


@dataclasses.dataclass(frozen=True)
class _Encoding:
    """What a worker is sent."""

    preset: str
    data_set: str
    out: str
    image_size: int
    split: str
    batch_size: int
    source_options: tuple

    def missing(self):
        from tfportrait.data import latents

        return latents.latent_parts(*_opened(self), self.out)

    def encode(self, part):
        from tfportrait.data import latents

        latents.encode_part(*_opened(self), tuple(part), self.out, batch_size=self.batch_size)


@functools.lru_cache(maxsize=1)
def _opened(job):
    """(autoencoder, source), once in every worker."""
    from tfportrait import data
    from tfportrait.models import AutoencoderKL
    from tfportrait.models.preset import part_folder

    source = data.open_source(job.data_set, job.split, image_size=job.image_size, **dict(job.source_options))
    return AutoencoderKL.from_folder(part_folder(job.preset, "vae")), source


@dataclasses.dataclass(frozen=True)
class _Painting:
    """What a worker is sent."""

    preset: str
    out: str
    loras: tuple
    precision: str
    prediction_type: str | None
    label: bool

    def paint(self, jobs):
        opened = functools.partial(_painter, self)
        tasks.paint_jobs(jobs, Path(self.out), Path(self.preset), label=self.label, opener=opened)


def _painter(job, preset, **options):
    """What `paint_jobs` opens: all that says how stands in the job."""
    return _open_painter(job)


@functools.lru_cache(maxsize=1)
def _open_painter(job):
    """Once in every worker."""
    from tfportrait.tasks.opening import open_painter

    return open_painter(
        Path(job.preset),
        count=TOGETHER,
        precision=job.precision,
        prediction_type=job.prediction_type,
        loras={Path(file): strength for file, strength in job.loras},
    )


def _beam():
    try:
        import apache_beam
    except ImportError as error:
        raise ValueError('Apache Beam is not installed: pip install "tfportrait[beam]"') from error
    return apache_beam


def _options(beam, options):
    from apache_beam.options.pipeline_options import PipelineOptions

    return PipelineOptions(list(options))

"""Many pictures from a file of prompts: what is there already is skipped, what fails does not stop the rest."""

import dataclasses
import json
import numbers
import re
from pathlib import Path

from tfportrait.models import prompts
from tfportrait.recipe import check_suffix, read_recipe, write_picture
from tfportrait.tasks.opening import open_painter
from tfportrait.tasks.painting import compose_prompt, paint_batch
from tfportrait.world.choice import check_any

TOGETHER = 8  # pictures
LONGEST = 60  # letters of a file's name
NUMBERS = {"seed": numbers.Integral, "num_steps": numbers.Integral, "guidance_scale": numbers.Real}
NUMBERS |= {"image_size": numbers.Integral, "clip_skip": numbers.Integral}
ALIASES = {"negative_prompt": "negative", "steps": "num_steps", "guidance": "guidance_scale", "size": "image_size"}
KEYS = ("prompt", "negative", "tags", "out", "sampler", *NUMBERS)


@dataclasses.dataclass
class Job:
    """One picture.

    Attributes:
        line: int. Where it stands in the file.
        name: str. Of the file to write, in the folder.
        prompt, negative, seed: what is painted.
        settings: dict. As `paint_batch` takes them.
        error: str. Why it cannot be painted, or "".
    """

    line: int
    name: str = ""
    prompt: str = ""
    negative: str | None = None
    seed: int = 0
    settings: dict = dataclasses.field(default_factory=dict)
    error: str = ""


@dataclasses.dataclass
class Summary:
    """What became of the jobs.

    Attributes:
        painted, skipped: int.
        failed: list of Job, each with its error.
    """

    painted: int = 0
    skipped: int = 0
    failed: list = dataclasses.field(default_factory=list)

    def __str__(self):
        return f"{self.painted} painted, {self.skipped} there already, {len(self.failed)} failed"


def read_prompts(path, *, seed=0, negative=None, **settings):
    """Reads a file of prompts.

    Args:
        path: str or path. UTF-8 (or UTF-16 with its mark). One prompt a line; or each line a JSON object with "prompt"
            and any of "negative", "seed", "steps", "guidance", "sampler", "size", "clip_skip", "tags" (an object) and
            "out" (the file's name). Empty lines, and those that begin with "#", are left out.
        seed: int. Of lines that say none.
        negative: str or None. Of lines that say none.
        **settings: of lines that say none, as `paint_batch` takes them.

    Returns:
        list of Job. Lines that cannot be read are among them, with the error.

    Raises:
        ValueError: no such file, no text, or no prompt in it.
    """
    path = Path(path).expanduser()
    try:
        data = path.read_bytes()
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text in UTF-8: {error.reason} at byte {error.start}") from error
    jobs, names = [], {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            job = _job(line, number, seed, negative, settings)
        except ValueError as error:
            job = Job(number, error=str(error))
        if not job.error:
            if job.name in names:
                job.error = f"its picture {job.name} is that of line {names[job.name]} too"
            names.setdefault(job.name, number)
        jobs.append(job)
    if not jobs:
        raise ValueError(f'{path} has no prompts: write one a line, or JSON lines with "prompt"')
    return jobs


def _job(line, number, seed, negative, settings):
    entry = {"prompt": line}
    if line.startswith("{"):
        try:
            entry = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"it is no JSON: {error}") from error
    entry = {ALIASES.get(key, key): value for key, value in entry.items()}
    if unknown := [key for key in entry if key not in KEYS]:
        raise ValueError(f"unknown key {unknown[0]!r}; the keys are {', '.join(KEYS)}")
    for key, value in entry.items():
        if key in NUMBERS and (isinstance(value, bool) or not isinstance(value, NUMBERS[key])):
            raise ValueError(f"{key} is {value!r}, but must be a number")
        if key in ("prompt", "negative", "out", "sampler") and not isinstance(value, str):
            raise ValueError(f"{key} is {value!r}, but must be text")
    tags = entry.get("tags", {})
    if not isinstance(tags, dict):
        raise ValueError(f"tags are {tags!r}, but must be an object of names and values")
    prompt = compose_prompt(entry.get("prompt"), check_any(tags))
    negative = entry.get("negative", negative)
    for text in (prompt, negative or ""):
        prompts.parse(text)
    name = entry.get("out") or f"{number:04d}-{_slug(prompt)}.png"
    if Path(name).name != name or name.startswith("."):
        raise ValueError(f"out is {name!r}, but must be a file's name without a folder")
    check_suffix(name)
    chosen = {key: entry.get(key, value) for key, value in settings.items()}
    return Job(number, name, prompt, negative, entry.get("seed", seed), chosen)


def _slug(prompt):
    """What of a prompt is fit for a file's name anywhere."""
    words = re.sub(r"[^\w]+", "-", prompt.lower()).strip("-_")
    return words[:LONGEST].rstrip("-") or "portrait"


def paint_jobs(
    jobs,
    out,
    preset,
    *,
    loras=None,
    precision="auto",
    prediction_type=None,
    label=False,
    say=print,
    opener=open_painter,
):
    """Paints what is not there yet, each picture written as soon as it is painted.

    Args:
        jobs: list of Job.
        out: path. Folder; created if need be.
        preset: path. As `open_painter` takes it.
        loras, precision, prediction_type: as `open_painter` takes them.
        label: bool. As `write_picture` takes it.
        say: callable of str. Is told of every picture and every failure.
        opener: callable. What opens the preset; a process that paints many such lists keeps the painter open.

    Returns:
        Summary.

    Raises:
        ValueError: the folder cannot be written, or the preset not be read.
    """
    from tqdm import tqdm

    from tfportrait.files import check_writable_folder

    out = check_writable_folder(out)
    summary, groups = Summary(), {}
    for job in jobs:
        if is_painted(job, out):
            summary.skipped += 1
            continue
        if job.error:
            _fail(summary, job, say)
            continue
        groups.setdefault(json.dumps(job.settings, sort_keys=True), []).append(job)
    todo = [group[i : i + TOGETHER] for group in groups.values() for i in range(0, len(group), TOGETHER)]
    if not todo:
        return summary
    count = sum(map(len, todo))
    painter, opened = opener(preset, count=count, precision=precision, prediction_type=prediction_type, loras=loras)
    with tqdm(total=count, unit="picture", leave=False, disable=None) as bar:
        for group in todo:
            _paint(painter, opened, group, out, label, summary, say)
            bar.update(len(group))
    return summary


def is_painted(job, out):
    """Whether a job's picture is in the folder `out`; where another one has its name, `job.error` says so."""
    path = Path(out) / job.name
    if job.error or not path.exists():
        return False
    job.error = _differs(job, path)
    return not job.error


def _differs(job, path):
    """Why a file that is there is not the job's picture, or ""."""
    try:
        recipe = read_recipe(path)
    except ValueError as error:
        return f"{path} is there, but is no picture of ours ({error}); move it away"
    wanted = {"prompt": job.prompt, "seed": job.seed, "negative_prompt": job.negative, **job.settings}
    for name, value in wanted.items():
        if name != "image_size" and recipe.get(name) != value:
            return f"{path} is there, painted with {name} {recipe.get(name)!r}; move it away or use another folder"
    return ""


def _paint(painter, opened, group, out, label, summary, say):
    """Paints jobs of one kind; where that fails, each by itself."""
    try:
        images, recipes = paint_batch(
            painter,
            opened,
            [job.prompt for job in group],
            [job.negative for job in group],
            [job.seed for job in group],
            **group[0].settings,
        )
    except (ValueError, FloatingPointError) as error:
        if len(group) > 1:
            for job in group:
                _paint(painter, opened, [job], out, label, summary, say)
            return
        group[0].error = str(error)
        _fail(summary, group[0], say)
        return
    for job, image, recipe in zip(group, images, recipes, strict=True):
        say(str(write_picture(out / job.name, image, recipe, label=label)))
        summary.painted += 1


def _fail(summary, job, say):
    say(f"line {job.line}: {job.error}")
    summary.failed.append(job)

"""What arguments of commands mean, checked before any work."""

import os
from pathlib import Path

import click

language = click.option("--language", type=click.Choice(("en", "zh")), default="en", help="Of the course.")
chapters = click.option(
    "--chapter", "chapters", type=click.IntRange(0, 13), multiple=True, help="Only this one; may be repeated."
)


class Size(click.ParamType):
    """A side in pixels, or WIDTHxHEIGHT: an int, or (height, width)."""

    name = "size"

    def convert(self, value, parameter, context):
        from tfportrait.tasks.exploring import parse_size

        try:
            return value if isinstance(value, tuple) else parse_size(str(value))
        except ValueError as error:
            self.fail(str(error))


def parse_tags(tags: tuple[str, ...]) -> dict[str, str]:
    """Reads `name=value` tags.

    Args:
        tags: sequence of str, such as "style=watercolour".

    Returns: attribute name -> value, both known to the world of portraits or of scenes.

    Raises: ValueError for a tag without "=", a name given twice with different values, or an attribute or a value that
        does not exist (the message lists the valid ones).
    """
    from tfportrait.world.choice import check_any

    attributes: dict[str, str] = {}
    for tag in tags:
        name, separator, value = (part.strip() for part in tag.partition("="))
        if not separator or not name or not value:
            raise ValueError(f"a tag is name=value, such as glasses=round; got {tag!r}")
        name, value = (part.lower().replace("-", "_").replace(" ", "_") for part in (name, value))
        if attributes.get(name, value) != value:
            raise ValueError(f"tag {name} is given twice: {attributes[name]} and {value}")
        attributes[name] = value
    return check_any(attributes)


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
        out: str or path. `FILE.png`, or `.webp` or `.jpg`; several pictures become `FILE-1.png`, `FILE-2.png`, ...
        count: int. At least 1.

    Returns: one path for each picture.

    Raises: ValueError if the count is below 1, the name ends in no such thing, or the files cannot be written there.
    """
    from tfportrait.files import check_writable
    from tfportrait.recipe import check_suffix

    out = Path(out).expanduser()
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    if out.is_dir():
        raise ValueError(f"cannot write {out}: it is a folder; give a file name in it")
    check_suffix(out)
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


def parse_numbers(option: str, text: str, example: str) -> tuple[int, int, int, int]:
    """Reads four whole numbers with commas between.

    Raises: ValueError for anything else.
    """
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 4:
        raise ValueError(f"{option} takes four whole numbers, such as {example}; got {text!r}")
    return numbers

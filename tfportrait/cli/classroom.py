"""The teacher's side of the course."""

import functools
from pathlib import Path

import click

from tfportrait import files
from tfportrait.cli.options import chapters, language

_OPTIONS = (
    language,
    chapters,
    click.option("--repairs", is_flag=True, help='With the series "repair the chapter".'),
    click.option(
        "--key",
        type=click.Path(path_type=Path),
        help="Gives every student cases of his own, the same every time; from tfportrait course key.",
    ),
    click.option("--seconds", type=click.FloatRange(0, min_open=True), default=20.0, help="For one exercise."),
    click.option("--memory", type=click.IntRange(1), default=4096, help="For one exercise, in MB."),
    click.option(
        "--unsafe",
        is_flag=True,
        help="Do without the sandbox: students' code can then read the solutions and your files, and delete them.",
    ),
)


def _grading(command):
    """Adds the options of grading."""
    return functools.reduce(lambda made, option: option(made), reversed(_OPTIONS), command)


def _graded(submissions, **options):
    from tfportrait.course.assessing import assess

    def tell(results):
        answered = sum(result.kind != "unanswered" for result in results)
        click.echo(f"{results[0].student}: {sum(map(bool, results))} right of {answered} answered")

    return assess(submissions, on_student=tell, **options)


@click.command()
@click.argument("submissions", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The table to write, CSV.")
@_grading
def grade(submissions: Path, out: Path, **options) -> None:
    """Grade a class.

    SUBMISSIONS is a folder with a folder, a notebook or a Python file of each student:

    \b
        anna/04_two_dimensions.ipynb
        anna/05_unet.ipynb
        ben.ipynb
        chen.py

    Its name is the student's. For exercise 04-2 the cells with the tag exercise-04-2 count, which the notebooks of
    "tfportrait course get" have; where there are none, the function called as the exercise says: add_noise. Of a
    notebook only what this function needs is run.

    Each exercise runs in a process of its own, in a sandbox (Linux, bubblewrap) without network, files or solutions.
    """
    from tfportrait.course import results

    out = files.check_writable(out)
    found = _graded(submissions, **options)
    results.write(out, found)
    click.echo(out)


@click.command()
@click.argument("source", type=click.Path(path_type=Path), metavar="SUBMISSIONS|RESULTS.csv")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The page to write, HTML.")
@click.option("--csv", "grades", type=click.Path(path_type=Path), help="Also a table for a learning platform.")
@click.option("--pseudonyms", is_flag=True, help="Show no names: others instead, made from the key.")
@_grading
def report(source: Path, out: Path, grades: Path | None, pseudonyms: bool, **options) -> None:
    """Show how a class did, on one page: by exercise, by misconception, by student.

    From the table that "tfportrait course grade" wrote, or from submissions, which are graded first. The page needs no
    network. The table has a row for each student, under the real name, and a column for each exercise: 1 if right.
    """
    from tfportrait.course import report, results, variants

    if pseudonyms and options["key"] is None:
        raise click.UsageError("--pseudonyms are made from a key: --key FILE")
    out, grades = files.check_writable(out), grades and files.check_writable(grades)
    secret = variants.read_key(options["key"]) if pseudonyms else None
    found = _graded(source, **options) if source.is_dir() else results.read(source)
    students = dict.fromkeys(result.student for result in found)
    names = {student: variants.pseudonym(secret, student) for student in students} if pseudonyms else None
    with files.atomic_write(out) as file:
        file.write(report.page(found, language=options["language"], names=names).encode())
    click.echo(out)
    if grades:
        results.write_grades(grades, found, names)
        click.echo(grades)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def key(file: Path) -> None:
    """Make a key in FILE, for variants and pseudonyms. Keep it where neither students nor a repository have it."""
    from tfportrait.course import variants

    click.echo(variants.make_key(file))


@click.command()
@click.argument("out", type=click.Path(path_type=Path), metavar="OUT.tar")
@language
@click.option(
    "--wheels",
    is_flag=True,
    help="With all that the package needs, for computers like this one; from where pip is set to find it.",
)
def bundle(out: Path, language: str, wheels: bool) -> None:
    """Pack the course for a room without internet: notebooks, the package with its presets, how to install it."""
    from tfportrait.course import bundle

    out = files.check_writable(out)
    bundle.bundle(out, language=language, wheels=wheels)
    click.echo(f"{out}  {out.stat().st_size / 1e6:.0f} MB")

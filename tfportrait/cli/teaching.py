"""The course."""

from pathlib import Path

import click

from tfportrait import files
from tfportrait.cli import classroom
from tfportrait.cli.app import app
from tfportrait.cli.options import chapters, language


@app.group()
def course() -> None:
    """The course: notebooks and exercises, in English and Chinese."""


for command in (classroom.grade, classroom.report, classroom.key, classroom.bundle):
    course.add_command(command)


@course.command()
@language
def guide(language: str) -> None:
    """Print the guide for teachers: order, times, goals, plans, misconceptions by chapter, projects."""
    from tfportrait.course.guides import guide as text

    click.echo(text(language))


@course.command()
@click.argument("folder", default="tfportrait-course", type=click.Path(path_type=Path))
@language
@click.option("--solutions", is_flag=True, help="With the solutions of the exercises.")
@chapters
@click.option("--github", metavar="OWNER/NAME", help="Your copy of this repository: links to Colab and Binder.")
def get(folder: Path, language: str, solutions: bool, chapters: tuple[int, ...], github: str | None) -> None:
    """Write the notebooks into FOLDER. What is there already, with your answers in it, stays as it is."""
    from tfportrait.course import notebooks

    files.check_writable_folder(folder)
    written, kept = notebooks.write(
        folder, language=language, student=not solutions, chapters=chapters, repository=github
    )
    for path in written:
        click.echo(path)
    if kept:
        click.echo(f"{len(kept)} notebooks were there and stay as they are", err=True)


@course.command()
@click.argument("folder", default="notebooks", type=click.Path(path_type=Path))
@language
@chapters
@click.option(
    "--lessons", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Sources of the lessons."
)
@click.option("--full", is_flag=True, help="In full mode: minutes instead of one each.")
@click.option("--stamp", is_flag=True, help="Say that both languages of every cell say the same now, and end.")
@click.option("--check", is_flag=True, help="Run nothing; fail if a notebook in FOLDER is not what its source gives.")
def build(
    folder: Path,
    language: str,
    chapters: tuple[int, ...],
    lessons: Path | None,
    full: bool,
    stamp: bool,
    check: bool,
) -> None:
    """Run the notebooks with their solutions and write them into FOLDER with what they show: for their authors."""
    from tfportrait.course import executing, notebooks, sources

    lessons = lessons or sources.FOLDER
    if stamp:
        for path in sorted(lessons.glob("[0-9][0-9]_*.py")):
            for cell in sources.stamp(path):
                click.echo(f"{path.stem}, {cell}: both languages say the same")
        return
    found = [lesson for lesson in sources.lessons(lessons) if not chapters or int(lesson.name[:2]) in chapters]
    if faults := [fault for lesson in found for fault in sources.faults(lesson)]:
        raise ValueError("; ".join(faults))
    if check:
        if stale := [lesson.name for lesson in found if not notebooks.is_current(lesson, folder, language)]:
            raise ValueError(f"not what their sources give: {', '.join(stale)}; tfportrait course build {folder}")
        return
    files.check_writable_folder(folder)
    for lesson in found:
        done, seconds = executing.execute(notebooks.notebook(lesson, language=language), full=full)
        path = folder / f"{lesson.name}.ipynb"
        notebooks.save(path, done)
        click.echo(f"{path}  {seconds:.0f} s")

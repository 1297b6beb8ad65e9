"""The command `tfportrait`. Only click is imported here; a command imports what it needs when it runs."""

import errno
import os
import sys
import warnings

import click

from tfportrait.cli import (  # noqa: F401 - each adds its commands to app
    animating,
    data,
    evaluating,
    exploring,
    exporting,
    inpainting,
    painting,
    panoramas,
    restoring,
    restyling,
    teaching,
    training,
    upscaling,
)
from tfportrait.cli.app import app


@app.command()
@click.option("--selftest", is_flag=True, help="Then train small models for half a minute, in every precision.")
@click.pass_context
def doctor(context: click.Context, selftest: bool) -> None:
    """Check this installation and say what to do."""
    from tfportrait.doctor import checks

    def findings():
        yield from checks()
        if selftest:
            from tfportrait.selftest import selftest as trained

            yield from trained()

    warned = 0
    for finding in findings():
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

"""The group of all commands."""

import click

from tfportrait import __version__

ORDER = (
    "paint",
    "panorama",
    "restyle",
    "inpaint",
    "restore",
    "upscale",
    "animate",
    "explore",
    "recipe",
    "train",
    "evaluate",
    "compare",
    "export",
    "world",
    "data",
    "course",
)


class _Commands(click.Group):
    """Lists the commands in the order of their use."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(self.commands, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


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

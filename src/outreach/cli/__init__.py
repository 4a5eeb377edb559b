"""The command line. One file a room; each adds its commands to `app`."""

import gc
import sys
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from outreach import __version__
from outreach.cli.door import BAD_DATA, Door, Failure

INTERRUPTED = 130


class Interruptible(TyperGroup):
    """Ctrl-C ends a command with a sentence; the parser would end it without a word."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            line = "interrupted; nothing is lost, run the command again to go on"
            raise Failure(INTERRUPTED, line) from None


app = typer.Typer(
    name="outreach",
    cls=Interruptible,
    help="Outbound client care for a securities brokerage: defined in files, provable for years.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"outreach {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path, typer.Option(help="The project's config.toml.", envvar="OUTREACH_CONFIG")
    ] = Path("config.toml"),
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    context.obj = Door(config_path=config, json=json)


@cache
def command_line() -> Any:
    """The whole command line, put together once in a process."""
    from outreach.cli import rooms

    rooms.add_to(app)
    return get_command(app)


def main() -> None:
    """Run a command; every expected trouble ends in a plain line and the right exit code."""
    # Modules and their classes come by the hundred thousand objects and stay to the end.
    gc.set_threshold(20_000, 20, 100)
    try:
        command_line()()
    except Failure as failure:
        _end(failure.code, failure.lines)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        if error.strerror is None:
            raise
        _end(BAD_DATA, [f"{error.filename or 'a file'}: {error.strerror}"])
    except Exception as error:
        if not _expected(error):
            raise
        _end(BAD_DATA, str(error).splitlines())


def _expected(error: Exception) -> bool:
    """Troubles of the world that carry their own sentence (class name, so nothing is imported)."""
    named = {
        "DatabaseProblem", "ClockProblem", "CalendarCoverageError", "FileProblem",
        "ChannelUnavailable", "SecretProblem", "CalendarConflict", "TemplateRefused",
    }  # fmt: skip
    return any(kind.__name__ in named for kind in type(error).__mro__)


def _end(code: int, lines: list[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr)
    sys.exit(code)

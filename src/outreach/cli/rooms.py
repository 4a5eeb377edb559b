"""The table of commands: one line a room. A module is imported only to learn its commands."""

import typer

from outreach.cli import calendar, check, database, init


def add_to(app: typer.Typer) -> None:
    """Add every room's commands."""
    app.command()(init.init)
    app.command()(check.check)
    app.command()(check.schema)
    app.add_typer(database.app, name="db")
    app.add_typer(calendar.app, name="calendar")

"""`outreach db`: migrations, and a move to another database."""

import typer

from outreach.cli import db_move, db_partitions
from outreach.cli.door import Door
from outreach.cli.output import emit_json, next_step, say

app = typer.Typer(no_args_is_help=True, help="Set up the database, bring it up to date, move it.")
app.command()(db_move.move)
app.command()(db_partitions.partitions)


@app.command()
def upgrade(context: typer.Context) -> None:
    """Bring the database to the newest revision, with the shipped calendars. Safe to repeat."""
    from outreach.cli.calendar import import_shipped
    from outreach.store import migrate, partitions

    door: Door = context.obj
    revision = migrate.upgrade(door.open_database())
    import_shipped(door)
    partitions.keep(door.database, door.now())
    if door.json:
        emit_json({"revision": revision})
    say(door, f"The database is at revision {revision}.")
    next_step(door, "outreach clients import samples/clients.csv")


@app.command()
def current(context: typer.Context) -> None:
    """Show the revision the database is at and the newest one."""
    from outreach.store import migrate

    door: Door = context.obj
    at, newest = migrate.current(door.open_database()), migrate.newest()
    if door.json:
        emit_json({"revision": at, "newest": newest})
    say(door, f"The database is at revision {at or 'none'}; the newest is {newest}.")

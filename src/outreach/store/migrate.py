"""One alembic tree for both databases, shipped in the wheel."""

from pathlib import Path
from typing import Any

from outreach.store.database import Database, DatabaseProblem


def scripts() -> Path:
    """The folder of the migration scripts, in a checkout or in the installed package."""
    installed = Path(__file__).parents[1] / "_project" / "alembic"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "alembic"


def _config(database: Database) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts()))
    config.attributes["database"] = database
    return config


def upgrade(database: Database) -> str:
    """Bring the database to the newest revision; returns that revision. Safe to repeat."""
    from alembic import command

    command.upgrade(_config(database), "head")
    return current(database) or ""


def current(database: Database) -> str | None:
    """The revision the database is at; None when it was never set up."""
    from alembic.migration import MigrationContext

    with database.reading() as conn:
        return MigrationContext.configure(conn).get_current_revision()


def newest() -> str:
    """The newest revision this program knows."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(scripts()))
    return ScriptDirectory.from_config(config).get_current_head() or ""


def require_current(database: Database) -> None:
    """Raise DatabaseProblem unless the database is at the newest revision and was not moved."""
    from sqlalchemy import text

    from outreach.store import moved

    with database.reading() as conn:
        exists = conn.dialect.has_table(conn, "alembic_version")
        at = (
            conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
            if exists
            else None
        )
        closed = moved.why_closed(conn) if at == REVISION else None
    known, where = REVISION, database.name
    if closed:
        raise DatabaseProblem(f"{where}: the database {closed}")
    if at == known:
        return
    if at is None:
        raise DatabaseProblem(f"{where}: the database is not set up; run `outreach db upgrade`")
    raise DatabaseProblem(
        f"{where}: the database is at revision {at}, this program needs {known};"
        " run `outreach db upgrade`"
    )


# Kept here so that no command has to load alembic to find out; a test compares it to the tree.
REVISION = "0003"

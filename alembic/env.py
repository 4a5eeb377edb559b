"""Runs the migrations on the database that `outreach db upgrade` hands over."""

from typing import Any, Literal

from alembic import context
from outreach.store.database import Database
from outreach.store.tables import UtcDateTime, metadata


def plain_types(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """Revisions stand alone: a type of ours is written as what it is in the database."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run() -> None:
    database: Database = context.config.attributes["database"]
    with database.write_engine.connect() as connection:
        if database.sqlite:
            # A batch ALTER drops and renames a table; with foreign keys on, that would delete rows.
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=True,
            compare_type=True,
            render_item=plain_types,
            transactional_ddl=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        if database.sqlite:
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise RuntimeError(f"the migration would break foreign keys: {broken[:3]}")
        connection.commit()
    if database.sqlite:
        database.write_engine.dispose()


run()

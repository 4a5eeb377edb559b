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


def partitions(connection: Any) -> set[str]:
    """The partitions of divided tables: they follow their table."""
    if connection.dialect.name == "sqlite":
        return set()
    query = "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'"
    return {name for (name,) in connection.exec_driver_sql(query)}


# Over all partitions a key holds only if it begins with what divides them; this one holds within
# each (docs/decisions.md).
WITHIN_EACH = "uq_message_run_id_client_id_channel"


def run() -> None:
    database: Database = context.config.attributes["database"]
    with database.write_engine.connect() as connection:
        if database.sqlite:
            # A batch ALTER drops and renames a table; with foreign keys on, that would delete rows.
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        hidden = partitions(connection)
        divided = bool(hidden)
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=True,
            compare_type=True,
            render_item=plain_types,
            transactional_ddl=True,
            include_name=lambda name, kind, _parents: kind != "table" or name not in hidden,
            include_object=lambda _item, name, *_: not (divided and name == WITHIN_EACH),
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

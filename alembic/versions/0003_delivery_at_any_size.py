"""Delivery at any size: one function a room"""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Each room makes its own tables."""
    _heard_back()
    _replies()
    _returned_mail()
    _moves()
    _rates()
    _workers()
    _partitions()  # last: what the others made is divided


def _workers() -> None:
    """Who works beside whom; and, on PostgreSQL, the queue that wakes them."""
    op.create_table(
        "worker",
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("queues", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_worker")),
    )
    if op.get_bind().dialect.name == "postgresql":
        _jobs()


def _jobs() -> None:
    """Procrastinate's own tables, in a schema of their own: they hold wake-ups, nothing else."""
    from procrastinate.schema import SchemaManager

    with op.get_bind().connection.driver_connection.cursor() as cursor:
        (before,) = cursor.execute("SELECT current_setting('search_path')").fetchone()
        cursor.execute("CREATE SCHEMA outreach_jobs")
        cursor.execute("SELECT set_config('search_path', 'outreach_jobs', true)")
        cursor.execute(SchemaManager.get_schema())
        cursor.execute("SELECT set_config('search_path', %s, true)", [before])


def _moves() -> None:
    """That a database was moved, on both sides."""
    op.create_table(
        "database_move",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("other", sa.Text(), nullable=False),
        sa.Column("entries", _id(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_database_move")),
    )


# Table, the column its key begins with, its key, its other indexes, and up to where the first
# partition reaches when the table is empty.
_DIVIDED = (
    ("decision", "run_id", "run_id, client_id", {}, 1_000),
    ("message", "id", "id", {}, 10_000_000),
    ("outcome", "window_id", "window_id, message_id", {}, 1_000_000),
    ("receipt", "id", "id", {"ix_receipt_message_id": "message_id"}, 10_000_000),
)


def _partitions() -> None:
    """On PostgreSQL, tables that grow with every message are divided by ranges of their keys.

    What a table holds stays where it is: it becomes the first partition. Whoever takes a large
    database up waits while PostgreSQL reads it once to see that no row is beyond the range.
    """
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, column, key, indexes, step in _DIVIDED:
        query = sa.select(sa.func.max(sa.column(column))).select_from(sa.table(table))
        highest = op.get_bind().execute(query).scalar()
        reach = (-(-(2 * (highest or 0)) // step) or 1) * step
        first, rest = f"{table}_first", f"{table}_rest"
        op.execute(f"ALTER TABLE {table} RENAME TO {first}")
        op.execute(f"ALTER TABLE {first} RENAME CONSTRAINT pk_{table} TO pk_{first}")
        for name in indexes:
            op.execute(f"ALTER INDEX {name} RENAME TO {name}_first")
        like = f"LIKE {first} INCLUDING DEFAULTS INCLUDING STORAGE"
        op.execute(f"CREATE TABLE {table} ({like}) PARTITION BY RANGE ({column})")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY ({key})")
        for name, columns in indexes.items():
            op.execute(f"CREATE INDEX {name} ON {table} ({columns})")
        ends = f"FROM (MINVALUE) TO ({reach})"
        op.execute(f"ALTER TABLE {table} ATTACH PARTITION {first} FOR VALUES {ends}")
        op.execute(f"CREATE TABLE {rest} (LIKE {first} INCLUDING ALL)")
        op.execute(f"ALTER TABLE {table} ATTACH PARTITION {rest} DEFAULT")


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _heard_back() -> None:
    """What comes in about messages and from clients, and what it says of each message."""
    op.create_table(
        "raw_event",
        sa.Column("id", _id(), autoincrement=False, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_raw_event")),
        sa.UniqueConstraint("source", "digest", name=op.f("uq_raw_event_source_digest")),
    )
    op.create_table(
        "event_due",
        sa.Column("event_id", _id(), autoincrement=False, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_event_due")),
    )
    op.create_index("ix_event_due_not_before", "event_due", ["not_before", "event_id"])
    op.create_table(
        "event_aside",
        sa.Column("event_id", _id(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.String(length=48), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_event_aside")),
    )
    op.create_table(
        "receipt",
        sa.Column("id", _id(), autoincrement=False, nullable=False),
        sa.Column("event_id", _id(), nullable=False),
        sa.Column("message_id", _id(), nullable=False),
        sa.Column("run_id", _id(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=48), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("provider_ref", sa.Text(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
    )
    op.create_index("ix_receipt_message_id", "receipt", ["message_id"])
    op.create_table(
        "provider_reference",
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("message_id", _id(), nullable=False),
        sa.PrimaryKeyConstraint(
            "sender", "reference", "message_id", name=op.f("pk_provider_reference")
        ),
        sqlite_with_rowid=False,
    )
    of_retries = sa.text("batch_id IS NULL")
    op.create_index(
        "ix_window_again", "window", ["run_id"],
        sqlite_where=of_retries, postgresql_where=of_retries,
    )  # fmt: skip


def _rates() -> None:
    """How fast senders may send, which of them may not, and since when a message is tried."""
    op.create_table(
        "sender_rate",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("clock", sa.BigInteger(), nullable=False),
        sa.Column("urgent_until", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sender_rate")),
    )
    op.create_table(
        "sender_breaker",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("open_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("recent", sa.String(length=50), nullable=False),
        sa.Column("rests", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sender_breaker")),
    )
    op.add_column("batch", sa.Column("pace", sa.Text(), nullable=True))
    op.add_column("retry", sa.Column("pace", sa.Text(), nullable=True))
    op.add_column("retry", sa.Column("since_at", sa.DateTime(timezone=True), nullable=True))


def _returned_mail() -> None:
    """Reports on mail that came back, and the addresses they block."""
    op.create_table(
        "bounce",
        sa.Column("id", _id(), autoincrement=False, nullable=False),
        sa.Column("event_id", _id(), nullable=False),
        sa.Column("identity", sa.LargeBinary(length=32), nullable=False),
        sa.Column("message_id", _id(), nullable=True),
        sa.Column("run_id", _id(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("signed", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("diagnostic", sa.Text(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounce")),
        sa.UniqueConstraint("identity", name=op.f("uq_bounce_identity")),
    )
    op.create_index("ix_bounce_address", "bounce", ["address", "said_at"])
    op.create_index("ix_bounce_at", "bounce", ["at"])
    op.create_table(
        "block_step",
        sa.Column("id", _id(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("action", sa.String(length=8), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_block_step")),
    )
    op.create_index("ix_block_step_address", "block_step", ["address", "id"])
    op.add_column("address_block", sa.Column("until_at", sa.DateTime(timezone=True), nullable=True))


def _replies() -> None:
    """What clients wrote back, what was made of it, and who has seen to it."""
    op.create_table(
        "reply",
        sa.Column("id", _id(), autoincrement=False, nullable=False),
        sa.Column("event_id", _id(), nullable=False),
        sa.Column("identity", sa.LargeBinary(length=32), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("intent", sa.String(length=16), nullable=False),
        sa.Column("made", sa.String(length=16), nullable=False),
        sa.Column("clients", sa.Integer(), nullable=False),
        sa.Column("review", sa.Boolean(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply")),
        sa.UniqueConstraint("identity", name=op.f("uq_reply_identity")),
    )
    to_review = sa.text("review")
    op.create_index(
        "ix_reply_review", "reply", ["id"], sqlite_where=to_review, postgresql_where=to_review
    )
    op.create_table(
        "reply_step",
        sa.Column("id", _id(), autoincrement=False, nullable=False),
        sa.Column("reply_id", _id(), nullable=False),
        sa.Column("action", sa.String(length=12), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply_step")),
        sa.UniqueConstraint("reply_id", name=op.f("uq_reply_step_reply_id")),
    )

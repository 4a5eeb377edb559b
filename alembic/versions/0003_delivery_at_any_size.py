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
    _moves()
    _workers()


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


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")

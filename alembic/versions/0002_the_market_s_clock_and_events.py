"""The market's clock and events: one function a room"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _call_backs()
    _runs()
    _halts()
    _halt_feeds()
    _preferences()
    _surveys()
    _incidents()
    _market_moves()
    _doubts()


def _call_backs() -> None:
    """Who is to be called back, what came of it, and the yearly tenth."""
    op.create_table(
        "call_back",
        sa.Column("id", _id(), autoincrement=False, nullable=False),
        sa.Column("client_id", _id(), nullable=False),
        sa.Column("rule", sa.String(length=16), nullable=False),
        sa.Column("since_on", sa.Date(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("draw_id", _id(), nullable=True),
        sa.Column("book_id", _id(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_back")),
        sa.UniqueConstraint(
            "client_id", "rule", "since_on", "detail",
            name=op.f("uq_call_back_client_id_rule_since_on_detail"),
        ),
    )  # fmt: skip
    op.create_index("ix_call_back_rule", "call_back", ["rule", "since_on"])
    op.create_table(
        "call_back_result",
        sa.Column("id", _id(), autoincrement=False, nullable=False),
        sa.Column("client_id", _id(), nullable=False),
        sa.Column("rule", sa.String(length=16), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        sa.Column("done_by", sa.Text(), nullable=False),
        sa.Column("means", sa.String(length=8), nullable=False),
        sa.Column("result", sa.String(length=12), nullable=False),
        sa.Column("identity", sa.Boolean(), nullable=True),
        sa.Column("own_will", sa.Boolean(), nullable=True),
        sa.Column("no_staff_trading", sa.Boolean(), nullable=True),
        sa.Column("risk_disclosed", sa.Boolean(), nullable=True),
        sa.Column("no_full_mandate", sa.Boolean(), nullable=True),
        sa.Column("changes_confirmed", sa.Boolean(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("book_id", _id(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_back_result")),
    )
    op.create_index(
        "ix_call_back_result_client_id", "call_back_result", ["client_id", "rule", "done_on"]
    )
    op.create_index("ix_call_back_result_done_on", "call_back_result", ["done_on", "client_id"])
    _yearly_call_backs()


def _yearly_call_backs() -> None:
    counts = ("clients", "opened_later", "dormant", "suspended", "closed")
    op.create_table(
        "call_back_base",
        sa.Column("id", _id(), autoincrement=False, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in counts),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_back_base")),
    )
    op.create_table(
        "call_back_base_client",
        sa.Column("base_id", _id(), nullable=False),
        sa.Column("client_id", _id(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("base_id", "client_id", name=op.f("pk_call_back_base_client")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "call_back_draw",
        sa.Column("id", _id(), autoincrement=False, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("share", sa.Text(), nullable=False),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.Column("base_id", _id(), nullable=True),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("clients", "called", "waiting", "drawn")
        ),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_back_draw")),
    )


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _runs() -> None:
    """A run may be superseded by a later one; what is to be done of runs is found by indexes."""
    op.add_column("run", sa.Column("superseded_by", _id(), nullable=True))
    op.create_index("ix_run_state", "run", ["state"])
    unsettled = sa.text("settled_at IS NULL")
    op.create_index(
        "ix_window_open", "window", ["id"],
        sqlite_where=unsettled, postgresql_where=unsettled,
    )  # fmt: skip


def _halts() -> None:
    """What each campaign made of an alert, and who watches a security."""
    op.create_table(
        "halt_told",
        sa.Column("id", _id(), autoincrement=False, nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("halt_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("run_id", _id(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_halt_told")),
        sa.UniqueConstraint(
            "campaign",
            "halt_id",
            "version",
            "event",
            name=op.f("uq_halt_told_campaign_halt_id_version_event"),
        ),
    )
    op.create_index("ix_halt_told_run_id", "halt_told", ["run_id"])
    op.create_table(
        "watching",
        sa.Column("book_id", _id(), nullable=False),
        sa.Column("market", sa.String(length=8), nullable=False),
        sa.Column("symbol", sa.String(length=16), nullable=False),
        sa.Column("client_id", _id(), nullable=False),
        sa.PrimaryKeyConstraint(
            "book_id", "market", "symbol", "client_id", name=op.f("pk_watching")
        ),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("halt_alert", schema=None) as batch_op:
        batch_op.drop_index("ix_halt_alert_untold")
        batch_op.drop_column("told")
        batch_op.drop_column("run_id")
    op.create_index("ix_halt_alert_at", "halt_alert", ["at"])


def _moment(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _halt_feeds() -> None:
    """What a source gives of a halt besides, which markets a file tells of, how feeds do."""
    op.create_table(
        "halt_source",
        sa.Column("halt_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("book_id", _id(), nullable=False),
        sa.Column("isin", sa.String(length=12), nullable=True),
        sa.Column("resume_quote_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_halted_on", sa.Date(), nullable=True),
        sa.Column("source_updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source_row_sha256", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("halt_id", "version", name=op.f("pk_halt_source")),
    )
    op.create_table(
        "book_market",
        sa.Column("book_id", _id(), nullable=False),
        sa.Column("market", sa.String(length=8), nullable=False),
        _moment("as_of"),
        sa.PrimaryKeyConstraint("book_id", "market", name=op.f("pk_book_market")),
    )
    op.create_index("ix_book_market_market", "book_market", ["market", "as_of"])
    op.create_table(
        "feed_source",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("form", sa.String(length=16), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("last_modified", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_feed_source")),
    )


def _preferences() -> None:
    """What clients asked of us: as it stands in the client book, and each time it was said."""
    op.add_column("client", sa.Column("salutation", sa.Text(), nullable=True))
    op.add_column("client", sa.Column("preferred_channel", sa.String(length=8), nullable=True))
    op.add_column("client", sa.Column("wanted_risk", sa.Integer(), nullable=True))
    op.add_column("client", sa.Column("own_hours", sa.String(length=11), nullable=True))
    op.create_table(
        "preference_event",
        sa.Column("id", _id(), autoincrement=False, nullable=False),
        sa.Column("client_id", _id(), nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=False),
        sa.Column("said_by", sa.String(length=16), nullable=False),
        _moment("said_at"),
        _moment("recorded_at"),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("book_id", _id(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preference_event")),
    )
    op.create_index("ix_preference_event_client_id", "preference_event", ["client_id", "id"])


def _surveys() -> None:
    """Answers to surveys, and what departments made of them."""
    op.create_table(
        "survey_answer",
        sa.Column("id", _id(), autoincrement=False, nullable=False),
        sa.Column("run_id", _id(), nullable=False),
        sa.Column("client_id", _id(), nullable=False),
        sa.Column("message_id", _id(), nullable=True),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        _moment("received_at"),
        _moment("recorded_at"),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("book_id", _id(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_answer")),
        sa.UniqueConstraint("identity", name=op.f("uq_survey_answer_identity")),
    )
    op.create_index("ix_survey_answer_run_id", "survey_answer", ["run_id", "client_id", "id"])
    op.create_table(
        "follow_up",
        sa.Column("id", _id(), autoincrement=False, nullable=False),
        sa.Column("answer_id", _id(), nullable=False),
        sa.Column("department", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        _moment("opened_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
        sa.UniqueConstraint(
            "answer_id", "department", name=op.f("uq_follow_up_answer_id_department")
        ),
    )
    op.create_table(
        "follow_up_step",
        sa.Column("id", _id(), autoincrement=False, nullable=False),
        sa.Column("follow_up_id", _id(), nullable=False),
        sa.Column("action", sa.String(length=12), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        _moment("at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up_step")),
    )
    op.create_index("ix_follow_up_step_follow_up_id", "follow_up_step", ["follow_up_id"])


def _incidents() -> None:
    """What clients are told when a service fails, step by step."""
    op.create_table(
        "incident",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("narrowed", sa.LargeBinary(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
    )
    op.create_table(
        "incident_step",
        sa.Column("incident_id", sa.String(length=16), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("functions", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status_zh", sa.Text(), nullable=False),
        sa.Column("status_en", sa.Text(), nullable=False),
        sa.Column("workaround_zh", sa.Text(), nullable=False),
        sa.Column("workaround_en", sa.Text(), nullable=False),
        sa.Column("next_update_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("to_all", sa.Boolean(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "sequence", name=op.f("pk_incident_step")),
    )


def _market_moves() -> None:
    """Where indexes stand, and which clients crossed a line of their margin ratio."""
    op.create_table(
        "market_level",
        sa.Column("id", _id(), autoincrement=False, nullable=False),
        sa.Column("index_code", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("prev_close", sa.BigInteger(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("book_id", _id(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_market_level")),
    )
    op.create_index("ix_market_level_index_code", "market_level", ["index_code", "at"])
    op.create_table(
        "margin_ratio",
        sa.Column("book_id", _id(), nullable=False),
        sa.Column("client_id", _id(), nullable=False),
        sa.Column("ratio", sa.BigInteger(), nullable=False),
        sa.Column("warn_line", sa.Integer(), nullable=False),
        sa.Column("close_line", sa.Integer(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "client_id", name=op.f("pk_margin_ratio")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "margin_event",
        sa.Column("book_id", _id(), nullable=False),
        sa.Column("line", sa.String(length=8), nullable=False),
        sa.Column("client_id", _id(), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("recovered", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("book_id", "line", "client_id", name=op.f("pk_margin_event")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "margin_standing",
        sa.Column("client_id", _id(), autoincrement=False, nullable=False),
        sa.Column("ratio", sa.BigInteger(), nullable=False),
        sa.Column("warn_line", sa.Integer(), nullable=False),
        sa.Column("close_line", sa.Integer(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("warn_peak", sa.BigInteger(), nullable=True),
        sa.Column("close_peak", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_margin_standing")),
    )


def _doubts() -> None:
    """What people say became of messages in doubt."""
    op.create_table(
        "doubt_step",
        sa.Column("id", _id(), autoincrement=False, nullable=False),
        sa.Column("proposal_id", _id(), nullable=False),
        sa.Column("run_id", _id(), nullable=False),
        sa.Column("action", sa.String(length=12), nullable=False),
        sa.Column("verdict", sa.String(length=12), nullable=False),
        sa.Column("messages", sa.LargeBinary(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        _moment("at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_doubt_step")),
    )
    op.create_index("ix_doubt_step_run_id", "doubt_step", ["run_id"])

"""Every table. Facts are appended, never updated; only run, batch, window and retry move.

One tree of tables serves SQLite and PostgreSQL. Times go through `UtcDateTime`, which refuses naive
values; money is whole fen; lists are `,a,b,`; JSON is stored as the exact bytes that were hashed.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    Time,
    TypeDecorator,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, kept in UTC. SQLite would silently drop the offset, so naive is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _required(name: str, type_: Any, **options: Any) -> Column[Any]:
    return Column(name, type_, nullable=False, **options)


# --- the client book -------------------------------------------------------------------------

book = Table(
    "book",
    metadata,
    Column("id", Id, primary_key=True),
    _required("kind", String(16)),  # what was imported: clients, holdings, watching, halts ...
    _required("file", Text),
    _required("digest", String(64)),  # SHA-256 of the file, hex
    _required("encoding", String(16)),
    _required("as_of", UtcDateTime),
    _required("imported_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    _required("read", Integer, default=0),
    _required("added", Integer, default=0),
    _required("updated", Integer, default=0),
    _required("unchanged", Integer, default=0),
    _required("rejected", Integer, default=0),
    Column("rejects_file", Text),
)

client = Table(
    "client",
    metadata,
    Column("id", Id, primary_key=True),
    _required("client_no", String(64), unique=True),
    _required("name", Text),
    _required("kind", String(16)),
    _required("status", String(16)),
    _required("legal_hold", Boolean),
    Column("account_no", String(64)),
    Column("phone", String(32), index=True),  # E.164, or as written when phone_state is invalid
    _required("phone_state", String(8)),  # ok | missing | invalid
    Column("phone_country", String(2)),
    Column("email", Text, index=True),
    _required("email_state", String(8)),
    Column("country", String(2)),
    _required("locale", String(8)),
    Column("zone", String(64)),
    Column("branch", Text),
    Column("adviser", Text),
    Column("opened_on", Date),
    Column("reactivated_on", Date),
    Column("document_expires_on", Date),
    Column("risk_level", Integer),
    _required("lowest_tolerance", Boolean),
    Column("assessed_on", Date),
    Column("assessment_expires_on", Date),
    _required("professional", Boolean),
    Column("total_assets", BigInteger),  # fen
    Column("average_daily_assets", BigInteger),  # fen
    Column("assets_window_days", Integer),
    Column("assets_as_of", Date),
    Column("cash", BigInteger),  # fen
    Column("holdings_value", BigInteger),  # fen
    Column("last_trade_on", Date),
    _required("permissions", Text, default=""),  # ,a,b,
    _required("topics", Text, default=""),
    _required("book_id", Id, index=False),
    _required("updated_at", UtcDateTime),
    # The service file: what the client asked of us, as it stands now (table preference_event).
    Column("salutation", Text),
    Column("preferred_channel", String(8)),
    Column("wanted_risk", Integer),  # R1..R5 as 1..5: no product above it is to be spoken of
    Column("own_hours", String(11)),  # 09:30-12:00 on the client's own clock
)

# Snapshots: each import is a book of its own, so "who held it as of the prior close" stays known.
holding = Table(
    "holding",
    metadata,
    _required("book_id", Id),
    _required("market", String(8)),  # MIC: XSHG, XSHE, BJSE, XHKG ...
    _required("symbol", String(16)),
    _required("client_id", Id),
    _required("quantity", BigInteger),
    PrimaryKeyConstraint("book_id", "market", "symbol", "client_id"),
    sqlite_with_rowid=False,
)

# Snapshots like holdings: securities a client asked to be told about without holding them.
watching = Table(
    "watching",
    metadata,
    _required("book_id", Id),
    _required("market", String(8)),
    _required("symbol", String(16)),
    _required("client_id", Id),
    PrimaryKeyConstraint("book_id", "market", "symbol", "client_id"),
    sqlite_with_rowid=False,
)

STOPS = "action IN ('withdraw', 'object')"

consent_event = Table(
    "consent_event",
    metadata,
    Column("id", Id, primary_key=True),
    _required("client_id", Id),
    Column("channel", String(8)),  # None = every channel
    Column("purpose", String(16)),  # None = every purpose
    _required("action", String(16)),  # grant | withdraw | object | confirm | expire
    _required("source", String(32)),  # core.consent.Source
    Column("source_ref", Text),
    Column("wording", Text),  # wording id and version
    _required("captured_at", UtcDateTime),
    _required("recorded_at", UtcDateTime),
    _required("actor", Text),
    Column("valid_until", UtcDateTime),
    Column("book_id", Id),
    Index("ix_consent_event_client_id", "client_id", "id"),
    # The few clients who ever said no, found without reading what everybody agreed to.
    Index(
        "ix_consent_event_stop",
        "client_id",
        sqlite_where=text(STOPS),
        postgresql_where=text(STOPS),
    ),
)

# Addresses nobody may write to, whichever client they belong to.
address_block = Table(
    "address_block",
    metadata,
    Column("id", Id, primary_key=True),
    _required("channel", String(8)),
    _required("address", Text),
    # hard_bounce | soft_bounces | regulator_list | global_objection
    _required("reason", String(32)),
    _required("since_at", UtcDateTime),
    _required("source", Text),
    Column("until_at", UtcDateTime),  # None: until somebody lifts it
    UniqueConstraint("channel", "address", "reason"),
)

# --- the market ------------------------------------------------------------------------------

halt = Table(
    "halt",
    metadata,
    _required("halt_id", Text),  # market-symbol-halted moment-sequence
    _required("version", Integer),
    _required("market", String(8)),
    _required("symbol", String(16)),
    _required("name_zh", Text),
    _required("name_en", Text, default=""),
    _required("kind", String(16)),  # full_day | intraday | continuous | volatility | market_wide
    _required("halt_at", UtcDateTime),
    Column("resume_at", UtcDateTime),  # exclusive
    _required("resume_status", String(16)),  # none | planned | confirmed | cancelled
    Column("reason_code_raw", Text),
    Column("reason_text_raw", Text),
    Column("reason_family", Text),
    Column("announcement_title", Text),
    Column("announcement_url", Text),
    _required("source", Text),
    _required("first_seen_at", UtcDateTime),
    _required("book_id", Id),
    PrimaryKeyConstraint("halt_id", "version"),
    Index("ix_halt_halt_at", "halt_at"),
    Index("ix_halt_symbol", "symbol"),
)

# What a source gives besides, by version: what a client is seldom told, but a check may ask for.
halt_source = Table(
    "halt_source",
    metadata,
    _required("halt_id", Text),
    _required("version", Integer),
    _required("book_id", Id),
    Column("isin", String(12)),
    Column("resume_quote_at", UtcDateTime),
    Column("last_halted_on", Date),
    Column("source_updated_at", UtcDateTime),
    Column("source_row_sha256", String(64)),  # of the row the version was read from, hex
    PrimaryKeyConstraint("halt_id", "version"),
)

# Which markets a halts file told everything of, and as of when; that moves on while its source says
# that nothing has changed.
book_market = Table(
    "book_market",
    metadata,
    _required("book_id", Id),
    _required("market", String(8)),
    _required("as_of", UtcDateTime),
    PrimaryKeyConstraint("book_id", "market"),
    Index("ix_book_market_market", "market", "as_of"),
)

# The halt feeds that are fetched, as they stand.
feed_source = Table(
    "feed_source",
    metadata,
    Column("name", Text, primary_key=True),
    _required("form", String(16)),
    Column("checked_at", UtcDateTime),
    Column("fetched_at", UtcDateTime),
    Column("changed_at", UtcDateTime),
    _required("failures", Integer, default=0),
    _required("error", Text, default=""),
    _required("etag", Text, default=""),
    _required("last_modified", Text, default=""),
    _required("digest", String(64), default=""),
)

# What there is to tell of a halt's version.
halt_alert = Table(
    "halt_alert",
    metadata,
    _required("halt_id", Text),
    _required("version", Integer),
    _required("event", String(16)),  # core.halt_merge.EVENTS
    _required("at", UtcDateTime, index=True),
    _required("book_id", Id),
    PrimaryKeyConstraint("halt_id", "version", "event"),
)

# What a campaign made of an alert: each key once.
halt_told = Table(
    "halt_told",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("campaign", Text),
    _required("halt_id", Text),
    _required("version", Integer),
    _required("event", String(16)),
    _required("outcome", String(16)),  # core.halt_alerts.Made
    Column("run_id", Id, index=True),  # the run that tells it
    _required("at", UtcDateTime),
    UniqueConstraint("campaign", "halt_id", "version", "event"),
)

calendar_coverage = Table(
    "calendar_coverage",
    metadata,
    _required("market", String(8)),
    _required("from_on", Date),
    _required("to_on", Date),
    _required("status", String(12)),  # official | provisional
    _required("source_ref", Text),
    _required("entered_by", Text),
    _required("entered_at", UtcDateTime),
    PrimaryKeyConstraint("market", "from_on"),
)

calendar_day = Table(
    "calendar_day",
    metadata,
    _required("market", String(8)),
    _required("on_date", Date),
    _required("kind", String(12)),  # closed | half | open | late_open | workday
    Column("opens", Time),
    Column("closes", Time),
    Column("break_from", Time),
    Column("break_to", Time),
    _required("name_zh", Text),
    _required("name_en", Text),
    _required("source_ref", Text),
    Column("published_on", Date),
    _required("status", String(12)),
    _required("entered_by", Text),
    Column("approved_by", Text),
    PrimaryKeyConstraint("market", "on_date"),
)

# The steps of an override: proposed, approved, withdrawn. Each row repeats what it is about.
calendar_override = Table(
    "calendar_override",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("override_id", Id, index=True),  # the id of its first step
    _required("action", String(12)),  # propose | approve | withdraw
    _required("market", String(8), index=True),
    _required("on_date", Date),
    _required("kind", String(12)),  # closed | half | open | late_open
    Column("opens", Time),
    Column("closes", Time),
    _required("name_zh", Text),
    _required("name_en", Text),
    _required("reason", Text),
    _required("source_ref", Text),
    _required("actor", Text),
    _required("at", UtcDateTime),
)

# When the money of a trading day moves, where a clearing house said so.
calendar_settlement = Table(
    "calendar_settlement",
    metadata,
    _required("market", String(8)),
    _required("trade_on", Date),
    _required("settles_on", Date),
    _required("source_ref", Text),
    Column("published_on", Date),
    _required("entered_by", Text),
    PrimaryKeyConstraint("market", "trade_on"),
)

# --- the market moves ------------------------------------------------------------------------

market_level = Table(
    "market_level",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("index_code", String(16)),
    _required("at", UtcDateTime),
    _required("level", BigInteger),  # ten-thousandths of a point
    _required("prev_close", BigInteger),
    _required("name_zh", Text, default=""),
    _required("name_en", Text, default=""),
    _required("book_id", Id),
    Index("ix_market_level_index_code", "index_code", "at"),
)

# Snapshots like holdings. Ratios and lines are in hundredths of a percent.
margin_ratio = Table(
    "margin_ratio",
    metadata,
    _required("book_id", Id),
    _required("client_id", Id),
    _required("ratio", BigInteger),
    _required("warn_line", Integer),
    _required("close_line", Integer),
    _required("as_of", UtcDateTime),
    PrimaryKeyConstraint("book_id", "client_id"),
    sqlite_with_rowid=False,
)

# Who crossed a line with which file.
margin_event = Table(
    "margin_event",
    metadata,
    _required("book_id", Id),
    _required("line", String(8)),  # warn | close
    _required("client_id", Id),
    _required("direction", String(8)),  # below | back
    Column("recovered", BigInteger),  # how far above the line since last below it; None: never was
    PrimaryKeyConstraint("book_id", "line", "client_id"),
    sqlite_with_rowid=False,
)

# What every new file is compared with: the newest ratio of each client, made from the snapshots.
margin_standing = Table(
    "margin_standing",
    metadata,
    Column("client_id", Id, primary_key=True, autoincrement=False),
    _required("ratio", BigInteger),
    _required("warn_line", Integer),
    _required("close_line", Integer),
    _required("as_of", UtcDateTime),
    Column("warn_peak", BigInteger),  # highest above the line since last below it
    Column("close_peak", BigInteger),
)

# --- what was decided and sent ---------------------------------------------------------------

# Content-addressed: the exact campaign, segment, template and policy a run was made from.
frozen = Table(
    "frozen",
    metadata,
    Column("digest", String(64), primary_key=True),
    _required("kind", String(16)),  # campaign | segment | template | policy
    _required("name", Text),
    _required("content", LargeBinary),  # JSON
    _required("at", UtcDateTime),
)

approval = Table(
    "approval",
    metadata,
    Column("id", Id, primary_key=True),
    _required("campaign", Text),
    _required("digest", String(64)),  # of campaign, segment and template together
    _required("action", String(8)),  # approve | revoke
    _required("actor", Text),
    _required("at", UtcDateTime),
    _required("note", Text, default=""),
    Index("ix_approval_campaign", "campaign"),
)

GOING = ("planning", "sending")  # states of a run that may be worked
OPEN = (*GOING, "paused")  # states of a run that has not ended
STOPPED = ("cancelled", "superseded")  # states of a run whose unsent messages never go

run = Table(
    "run",
    metadata,
    Column("id", Id, primary_key=True),
    _required("campaign", Text),
    _required("occurrence", Text),
    _required("purpose", String(16)),
    # planning | sending | paused | finished | cancelled | superseded | missed
    _required("state", String(12)),
    _required("campaign_digest", String(64)),
    _required("segment_digest", String(64)),
    _required("template_digest", String(64)),
    _required("policy_digest", String(64)),
    Column("approval_id", Id),
    _required("values", LargeBinary),  # JSON: what the occurrence and the firm gave to the texts
    _required("opened_at", UtcDateTime),  # the moment every fact of the plan refers to
    _required("opened_by", Text),
    Column("expires_at", UtcDateTime),
    Column("reason", String(16)),  # of a missed occurrence: core.words.Missed
    _required("cursor", Id, default=0),  # last client planned
    _required("audience", Integer, default=0),  # candidates planned so far
    Column("planned_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("superseded_by", Id),  # the run that tells what is true now
    UniqueConstraint("campaign", "occurrence"),
    # Every round asks which runs are to be worked, and which were stopped with something left.
    Index("ix_run_state", "state"),
)

# How far each campaign's schedule has been followed: what fired until then is settled.
schedule_mark = Table(
    "schedule_mark",
    metadata,
    Column("campaign", Text, primary_key=True),
    _required("fired_until", UtcDateTime),
)

# Counters are kept as facts are appended; nothing counts rows on the way of a message.
run_count = Table(
    "run_count",
    metadata,
    _required("run_id", Id),
    _required("kind", String(12)),  # decision | reason | state | channel | parts
    _required("key", String(48)),
    _required("n", BigInteger),
    PrimaryKeyConstraint("run_id", "kind", "key"),
    sqlite_with_rowid=False,
)

decision = Table(
    "decision",
    metadata,
    _required("run_id", Id),
    _required("client_id", Id),
    _required("verdict", String(8)),  # allow | defer | suppress
    Column("reason", String(48)),
    Column("until_at", UtcDateTime),
    _required("facts", LargeBinary),  # JSON: [candidate, [[route, hits], ...]]
    PrimaryKeyConstraint("run_id", "client_id"),
    sqlite_with_rowid=False,
)

message = Table(
    "message",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("run_id", Id),
    _required("client_id", Id),
    _required("channel", String(8)),
    _required("batch_id", Id),
    _required("address", Text),
    _required("locale", String(8)),
    _required("values", LargeBinary),  # JSON array: this client's values, in the template's order
    _required("sms_parts", Integer),
    _required("content_digest", LargeBinary(32)),
    UniqueConstraint("run_id", "client_id", "channel"),
)

batch = Table(
    "batch",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("run_id", Id),
    _required("sender", Text),
    _required("channel", String(8)),
    _required("first_id", Id),
    _required("last_id", Id),
    _required("next_id", Id),  # cursor: messages below it have been in a window
    _required("not_before", UtcDateTime),
    _required("good_until", UtcDateTime),  # afterwards the policy is asked again before sending
    _required("held", Boolean),  # counted as held until it is claimed
    _required("urgent", Boolean),
    _required("state", String(12)),  # ready | leased | done | cancelled
    Column("owner", Text),
    Column("token", String(36)),
    Column("lease_until", UtcDateTime),
    _required("takeovers", Integer, default=0),
    _required("consent_mark", Id),  # newest consent event the plan had seen
    _required("block_mark", Id),
    _required("book_mark", Id),
    Column("pace", Text),  # of a country with a limit of its own: its name in sender_rate
    Index("ix_batch_run_id_state", "run_id", "state"),
    Index("ix_batch_state", "state", "not_before"),
)

UNSETTLED = "settled_at IS NULL"
OF_RETRIES = "batch_id IS NULL"

# The intent to send: committed before a single message is handed over.
window = Table(
    "window",
    metadata,
    Column("id", Id, primary_key=True),
    _required("run_id", Id),
    Column("batch_id", Id),  # None: a window of retries
    _required("first_id", Id),
    _required("last_id", Id),
    _required("sender", Text),
    _required("owner", Text),
    _required("token", String(36)),
    _required("intent_at", UtcDateTime),
    _required("lease_until", UtcDateTime),
    Column("settled_at", UtcDateTime),
    Index("ix_window_batch_id", "batch_id"),
    Index("ix_window_run_id", "run_id"),
    # The few that are open, which every round looks for among those of years.
    Index(
        "ix_window_open",
        "id",
        sqlite_where=text(UNSETTLED),
        postgresql_where=text(UNSETTLED),
    ),
    # Windows of retries are found by the run: their messages are of any batch.
    Index(
        "ix_window_again",
        "run_id",
        sqlite_where=text(OF_RETRIES),
        postgresql_where=text(OF_RETRIES),
    ),
)

outcome = Table(
    "outcome",
    metadata,
    _required("window_id", Id),
    _required("message_id", Id),
    _required("state", String(12)),
    _required("code", String(48)),
    _required("detail", Text),
    _required("provider_ref", Text),
    _required("digest", LargeBinary(32)),  # of the exact bytes handed over
    _required("at", UtcDateTime),
    PrimaryKeyConstraint("window_id", "message_id"),
    sqlite_with_rowid=False,
)

# The few messages that certainly were not taken and get another try.
retry = Table(
    "retry",
    metadata,
    Column("message_id", Id, primary_key=True, autoincrement=False),
    _required("run_id", Id),
    _required("sender", Text),
    _required("attempts", Integer),
    _required("not_before", UtcDateTime),
    Column("window_id", Id),  # in a sender's hands
    Column("pace", Text),  # as of its batch
    Column("since_at", UtcDateTime),  # when it was not taken for the first time
    Index("ix_retry_run_id", "run_id", "not_before"),
)

# Messages that count towards a frequency cap; a row goes when its message did not go out.
frequency_use = Table(
    "frequency_use",
    metadata,
    Column("message_id", Id, primary_key=True, autoincrement=False),
    _required("client_id", Id),
    _required("purpose", String(16)),
    _required("at", UtcDateTime),
    Index("ix_frequency_use_client_id", "client_id", "purpose"),
)

# --- preferences, surveys and what follows from an answer ----------------------------------------

# What a client asked of us, each time it was said. The client book holds what stands now.
preference_event = Table(
    "preference_event",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("client_id", Id),
    _required("said", LargeBinary),  # canonical JSON: what was said about which preference
    _required("said_by", String(16)),  # core.preference_rows.SAID_BY
    _required("said_at", UtcDateTime),
    _required("recorded_at", UtcDateTime),
    _required("actor", Text),
    Column("book_id", Id),
    Index("ix_preference_event_client_id", "client_id", "id"),
)

survey_answer = Table(
    "survey_answer",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("run_id", Id),
    _required("client_id", Id),
    Column("message_id", Id),  # the message that was answered
    _required("kind", String(8)),  # core.survey.Kind
    Column("score", Integer),
    _required("comment", Text),
    _required("raw", Text),  # as it came in, to the letter
    _required("received_at", UtcDateTime),
    _required("recorded_at", UtcDateTime),
    _required("source", String(8)),  # sms | web | staff
    _required("actor", Text),
    _required("identity", String(64), unique=True),  # the same answer handed in twice is one
    Column("book_id", Id),
    Index("ix_survey_answer_run_id", "run_id", "client_id", "id"),
)

# A department was told of an answer, once a department.
follow_up = Table(
    "follow_up",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("answer_id", Id),
    _required("department", String(64)),
    _required("rule", Text),  # the rule that said so, in the words of the campaign file
    _required("opened_at", UtcDateTime),
    UniqueConstraint("answer_id", "department"),
)

# What became of it: handed over or not, taken up, noted, closed.
follow_up_step = Table(
    "follow_up_step",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("follow_up_id", Id, index=True),
    _required("action", String(12)),  # core.follow_up.Action
    _required("actor", Text),
    _required("note", Text),
    _required("at", UtcDateTime),
)

# --- incidents ---------------------------------------------------------------------------------

incident = Table(
    "incident",
    metadata,
    Column("id", String(16), primary_key=True),  # INC-2026-0001
    _required("segment", Text),
    Column("narrowed", LargeBinary),  # JSON: the segment as it stood; None: the campaign's own
    _required("opened_at", UtcDateTime),
    _required("opened_by", Text),
)

# One thing told about an incident, whole: which functions, since when, what is so now. Its run has
# the occurrence INC-2026-0001.2, where 2 is the sequence.
incident_step = Table(
    "incident_step",
    metadata,
    _required("incident_id", String(16)),
    _required("sequence", Integer),
    _required("kind", String(12)),  # core.incident.Kind
    _required("functions", Text),  # ,login,orders,
    _required("started_at", UtcDateTime),
    _required("status_zh", Text),
    _required("status_en", Text),
    _required("workaround_zh", Text),
    _required("workaround_en", Text),
    Column("next_update_by", UtcDateTime),
    Column("resolved_at", UtcDateTime),
    _required("to_all", Boolean),
    _required("campaign", Text),
    _required("at", UtcDateTime),
    _required("by", Text),
    PrimaryKeyConstraint("incident_id", "sequence"),
)

# --- doubts settled by people ----------------------------------------------------------------

# What people say became of messages in doubt: proposed, confirmed, withdrawn.
doubt_step = Table(
    "doubt_step",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("proposal_id", Id),  # the id of its first step
    _required("run_id", Id, index=True),
    _required("action", String(12)),  # propose | confirm | withdraw
    _required("verdict", String(12)),  # core.doubt.Verdict
    _required("messages", LargeBinary),  # JSON array: those proposed, or settled by this step
    _required("why", Text),
    _required("actor", Text),
    _required("at", UtcDateTime),
)

# --- what is heard back ----------------------------------------------------------------------

TO_REVIEW = "review"  # a column that is true or false

# What came in, as it came: status reports, replies, returned mail, clicks, answers.
raw_event = Table(
    "raw_event",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("source", String(64)),  # twilio:main, gateway:main, mail:bounces, unsubscribe ...
    _required("kind", String(16)),  # status | inbound | report | click | answer | lookup ...
    _required("digest", LargeBinary(32)),  # SHA-256 of kind and content: the same comes in once
    _required("content", LargeBinary),
    _required("received_at", UtcDateTime),
    UniqueConstraint("source", "digest"),
)

# The few that are not applied yet.
event_due = Table(
    "event_due",
    metadata,
    Column("event_id", Id, primary_key=True, autoincrement=False),
    _required("attempts", Integer),
    _required("not_before", UtcDateTime),
    Index("ix_event_due_not_before", "not_before", "event_id"),
)

# Those that could not be applied, and why: a person looks at them.
event_aside = Table(
    "event_aside",
    metadata,
    Column("event_id", Id, primary_key=True, autoincrement=False),
    _required("reason", String(48)),
    _required("detail", Text),
    _required("at", UtcDateTime),
)

# What a provider said of a message after its outcome.
receipt = Table(
    "receipt",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("event_id", Id),
    _required("message_id", Id, index=True),
    _required("run_id", Id),
    _required("state", String(12)),  # core.receipt.HEARD
    _required("code", String(48)),
    _required("detail", Text),
    _required("provider_ref", Text),
    _required("said_at", UtcDateTime),
    _required("at", UtcDateTime),
)

# What clients wrote back, and what was made of it.
reply = Table(
    "reply",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("event_id", Id),
    _required("identity", LargeBinary(32), unique=True),  # a reply told twice is one
    _required("channel", String(8)),
    _required("sender", Text),  # of ours: where it was written to
    _required("address", Text),
    _required("text", Text),
    _required("intent", String(16)),  # core.inbound.Intent
    _required("made", String(16)),  # core.reply.Made
    _required("clients", Integer),  # how many have the address
    _required("review", Boolean),  # a person is to see to it
    _required("said_at", UtcDateTime),
    _required("at", UtcDateTime),
    Index("ix_reply_review", "id", sqlite_where=text(TO_REVIEW), postgresql_where=text(TO_REVIEW)),
)

# Who has seen to a reply, once.
reply_step = Table(
    "reply_step",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("reply_id", Id, unique=True),
    _required("action", String(12)),  # seen
    _required("actor", Text),
    _required("note", Text),
    _required("at", UtcDateTime),
)

# Which message a provider means, where it cannot give our number back.
provider_reference = Table(
    "provider_reference",
    metadata,
    _required("sender", Text),
    _required("reference", Text),
    _required("message_id", Id),
    PrimaryKeyConstraint("sender", "reference", "message_id"),
    sqlite_with_rowid=False,
)

# --- how fast senders may send, and which may not ----------------------------------------------

# One row a limit: of a sender, of an account that senders share, of a country. All workers reserve
# from it.
sender_rate = Table(
    "sender_rate",
    metadata,
    Column("name", Text, primary_key=True),  # SENDER, `SENDER +852`, `account NAME`
    _required("clock", BigInteger),  # virtual: when the next message may go, us since 1970
    _required("urgent_until", BigInteger),  # until when bulk leaves the sender to urgent messages
    Column("day", Date),  # on the firm's clock
    _required("used", Integer),  # of the day's cap
    Column("first_on", Date),  # the first day of a ramp-up
    Column("not_before", UtcDateTime),
    Column("since_at", UtcDateTime),  # when that was set: a clock that jumped must not hold it
    Column("why", String(16)),  # core.rate.Why
)

# One row for a sender that had trouble; it goes when the trouble is over for good.
sender_breaker = Table(
    "sender_breaker",
    metadata,
    Column("name", Text, primary_key=True),
    _required("state", String(12)),  # closed | open | half_open | stopped
    Column("open_until", UtcDateTime),
    Column("since_at", UtcDateTime),
    _required("errors", Integer),  # of the line, in a row
    _required("recent", String(50)),  # the last 200 attempts, a bit each: 1 is in doubt
    _required("rests", Integer),  # how often it opened without a success in between
    _required("why", Text),
    _required("actor", Text),
    _required("at", UtcDateTime),
)

# --- mail that came back -----------------------------------------------------------------------

# What each report said of the address a message went to.
bounce = Table(
    "bounce",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("event_id", Id),
    _required("identity", LargeBinary(32), unique=True),  # a report that came twice is one
    Column("message_id", Id),  # None: nobody knows whose message it was
    Column("run_id", Id),
    _required("address", Text),
    _required("kind", String(12)),  # core.bounce.Kind
    _required("counts", Boolean),  # as a soft bounce, against the address
    _required("signed", Boolean),  # it came to a return address of ours
    _required("status", String(16)),
    _required("diagnostic", Text),
    _required("said_at", UtcDateTime),
    _required("at", UtcDateTime),
    Index("ix_bounce_address", "address", "said_at"),
    Index("ix_bounce_at", "at"),
)

# Why an address was blocked, and why it was let go. What stands now is in address_block.
block_step = Table(
    "block_step",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("channel", String(8)),
    _required("address", Text),
    _required("reason", String(32)),
    _required("action", String(8)),  # block | lift
    _required("why", Text),
    _required("source", Text),  # bounce 12 | message 5 | a person
    Column("until_at", UtcDateTime),
    _required("actor", Text),
    _required("at", UtcDateTime),
    Index("ix_block_step_address", "address", "id"),
)

# --- call-backs ------------------------------------------------------------------------------

# Why a client is to be called: a permission was opened, an account was flagged, or the client was
# drawn. New accounts are not here: the client book tells of them.
call_back = Table(
    "call_back",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("client_id", Id),
    _required("rule", String(16)),  # core.call_back.Rule
    _required("since_on", Date),  # the day it became due
    _required("detail", Text),  # which permission, or what was noticed
    Column("draw_id", Id),
    Column("book_id", Id),
    _required("recorded_at", UtcDateTime),
    _required("actor", Text),
    UniqueConstraint("client_id", "rule", "since_on", "detail"),
    Index("ix_call_back_rule", "rule", "since_on"),
)

# One call and what came of it. Yes is the answer that gives no concern.
call_back_result = Table(
    "call_back_result",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("client_id", Id),
    _required("rule", String(16)),
    _required("done_at", UtcDateTime),
    _required("done_on", Date),  # its day on the firm's clock
    _required("done_by", Text),
    _required("means", String(8)),  # core.call_back.Means
    _required("result", String(12)),  # core.call_back.Result
    Column("identity", Boolean),
    Column("own_will", Boolean),
    Column("no_staff_trading", Boolean),
    Column("risk_disclosed", Boolean),
    Column("no_full_mandate", Boolean),
    Column("changes_confirmed", Boolean),
    Column("reference", Text),  # where the recording or the form is
    Column("note", Text),
    Column("book_id", Id),
    _required("recorded_at", UtcDateTime),
    _required("actor", Text),
    Index("ix_call_back_result_client_id", "client_id", "rule", "done_on"),
    Index("ix_call_back_result_done_on", "done_on", "client_id"),
)

# The clients at the end of a year, of whom a tenth is called in the next one. The newest base of a
# year counts, once it is here in whole.
call_back_base = Table(
    "call_back_base",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("year", Integer),  # the year of the calls
    _required("as_of", UtcDateTime),  # of the client book it was taken from
    _required("clients", Integer),
    _required("opened_later", Integer),
    _required("dormant", Integer),
    _required("suspended", Integer),
    _required("closed", Integer),  # closed or deceased
    _required("taken_at", UtcDateTime),
    _required("actor", Text),
)

call_back_base_client = Table(
    "call_back_base_client",
    metadata,
    _required("base_id", Id),
    _required("client_id", Id),
    Column("branch", Text),  # as it was then
    PrimaryKeyConstraint("base_id", "client_id"),
    sqlite_with_rowid=False,
)

call_back_draw = Table(
    "call_back_draw",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    _required("year", Integer),
    _required("share", Text),  # as it was asked for: 0.12
    _required("seed", Text),
    Column("base_id", Id),  # None: out of the client book as it was at the moment
    _required("clients", Integer),
    _required("called", Integer),  # called back already in this year
    _required("waiting", Integer),  # drawn earlier and not called yet
    _required("drawn", Integer),
    _required("drawn_at", UtcDateTime),
    _required("actor", Text),
)

# --- growing up --------------------------------------------------------------------------------

# That this database was moved to another one, or is the other one. `store.moved` reads the newest.
database_move = Table(
    "database_move",
    metadata,
    Column("id", String(36), primary_key=True),  # the same in both databases
    _required("state", String(8)),  # store.moved.State
    _required("other", Text),  # the other database, without its password
    _required("entries", Id),  # how long the audit log was
    _required("root", LargeBinary(32)),  # and its root
    _required("actor", Text),
    _required("at", UtcDateTime),
)

# --- workers ---------------------------------------------------------------------------------

# Processes that work from the queue. By the database's clock where it has one.
worker = Table(
    "worker",
    metadata,
    Column("owner", String(200), primary_key=True),  # as in `batch` and `window`
    _required("name", Text),
    _required("queues", Text),  # with commas in between
    _required("started_at", UtcDateTime),
    _required("seen_at", UtcDateTime),
)

# --- the proof -------------------------------------------------------------------------------

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("seq", Id, primary_key=True, autoincrement=False),  # leaf index, from 0
    _required("at", UtcDateTime),
    _required("kind", String(32)),
    _required("actor", Text),
    _required("subject", Text),
    _required("detail", LargeBinary),  # canonical JSON
    Column("covers_table", String(32)),
    Column("covers_from", Text),  # first key of the covered rows, JSON array
    Column("covers_to", Text),
    Column("covers_count", Integer),
    Column("covers_root", LargeBinary(32)),
    Column("row_hints", LargeBinary),  # 8 bytes a covered row: names the row that was changed
    _required("leaf", LargeBinary(32)),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _required("size", Id),
    _required("frontier", LargeBinary),
    _required("root", LargeBinary(32)),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("id", Id, primary_key=True),
    _required("size", Id),
    _required("root", LargeBinary(32)),
    _required("note", Text),
    _required("at", UtcDateTime),
)

id_block = Table(
    "id_block",
    metadata,
    Column("name", String(16), primary_key=True),
    _required("next", Id),
)

"""What the market does: halts, calendars, levels and margins."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    Time,
    UniqueConstraint,
)

from outreach.store.tables.base import Id, UtcDateTime, metadata, required

# --- the market -------------------------------------------------------------------------------

halt = Table(
    "halt",
    metadata,
    required("halt_id", Text),  # market-symbol-halted moment-sequence
    required("version", Integer),
    required("market", String(8)),
    required("symbol", String(16)),
    required("name_zh", Text),
    required("name_en", Text, default=""),
    required("kind", String(16)),  # full_day | intraday | continuous | volatility | market_wide
    required("halt_at", UtcDateTime),
    Column("resume_at", UtcDateTime),  # exclusive
    required("resume_status", String(16)),  # none | planned | confirmed | cancelled
    Column("reason_code_raw", Text),
    Column("reason_text_raw", Text),
    Column("reason_family", Text),
    Column("announcement_title", Text),
    Column("announcement_url", Text),
    required("source", Text),
    required("first_seen_at", UtcDateTime),
    required("book_id", Id),
    PrimaryKeyConstraint("halt_id", "version"),
    Index("ix_halt_halt_at", "halt_at"),
    Index("ix_halt_symbol", "symbol"),
)

# What a source gives besides, by version: what a client is seldom told, but a check may ask for.
halt_source = Table(
    "halt_source",
    metadata,
    required("halt_id", Text),
    required("version", Integer),
    required("book_id", Id),
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
    required("book_id", Id),
    required("market", String(8)),
    required("as_of", UtcDateTime),
    PrimaryKeyConstraint("book_id", "market"),
    Index("ix_book_market_market", "market", "as_of"),
)

# The halt feeds that are fetched, as they stand.
feed_source = Table(
    "feed_source",
    metadata,
    Column("name", Text, primary_key=True),
    required("form", String(16)),
    Column("checked_at", UtcDateTime),
    Column("fetched_at", UtcDateTime),
    Column("changed_at", UtcDateTime),
    required("failures", Integer, default=0),
    required("error", Text, default=""),
    required("etag", Text, default=""),
    required("last_modified", Text, default=""),
    required("digest", String(64), default=""),
)

# What there is to tell of a halt's version.
halt_alert = Table(
    "halt_alert",
    metadata,
    required("halt_id", Text),
    required("version", Integer),
    required("event", String(16)),  # core.halt_merge.EVENTS
    required("at", UtcDateTime, index=True),
    required("book_id", Id),
    PrimaryKeyConstraint("halt_id", "version", "event"),
)

# What a campaign made of an alert: each key once.
halt_told = Table(
    "halt_told",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("campaign", Text),
    required("halt_id", Text),
    required("version", Integer),
    required("event", String(16)),
    required("outcome", String(16)),  # core.halt_alerts.Made
    Column("run_id", Id, index=True),  # the run that tells it
    required("at", UtcDateTime),
    UniqueConstraint("campaign", "halt_id", "version", "event"),
)

calendar_coverage = Table(
    "calendar_coverage",
    metadata,
    required("market", String(8)),
    required("from_on", Date),
    required("to_on", Date),
    required("status", String(12)),  # official | provisional
    required("source_ref", Text),
    required("entered_by", Text),
    required("entered_at", UtcDateTime),
    PrimaryKeyConstraint("market", "from_on"),
)

calendar_day = Table(
    "calendar_day",
    metadata,
    required("market", String(8)),
    required("on_date", Date),
    required("kind", String(12)),  # closed | half | open | late_open | workday
    Column("opens", Time),
    Column("closes", Time),
    Column("break_from", Time),
    Column("break_to", Time),
    required("name_zh", Text),
    required("name_en", Text),
    required("source_ref", Text),
    Column("published_on", Date),
    required("status", String(12)),
    required("entered_by", Text),
    Column("approved_by", Text),
    PrimaryKeyConstraint("market", "on_date"),
)

# The steps of an override: proposed, approved, withdrawn. Each row repeats what it is about.
calendar_override = Table(
    "calendar_override",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("override_id", Id, index=True),  # the id of its first step
    required("action", String(12)),  # propose | approve | withdraw
    required("market", String(8), index=True),
    required("on_date", Date),
    required("kind", String(12)),  # closed | half | open | late_open
    Column("opens", Time),
    Column("closes", Time),
    required("name_zh", Text),
    required("name_en", Text),
    required("reason", Text),
    required("source_ref", Text),
    required("actor", Text),
    required("at", UtcDateTime),
)

# When the money of a trading day moves, where a clearing house said so.
calendar_settlement = Table(
    "calendar_settlement",
    metadata,
    required("market", String(8)),
    required("trade_on", Date),
    required("settles_on", Date),
    required("source_ref", Text),
    Column("published_on", Date),
    required("entered_by", Text),
    PrimaryKeyConstraint("market", "trade_on"),
)

# --- the market moves -------------------------------------------------------------------------

market_level = Table(
    "market_level",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("index_code", String(16)),
    required("at", UtcDateTime),
    required("level", BigInteger),  # ten-thousandths of a point
    required("prev_close", BigInteger),
    required("name_zh", Text, default=""),
    required("name_en", Text, default=""),
    required("book_id", Id),
    Index("ix_market_level_index_code", "index_code", "at"),
)

# Snapshots like holdings. Ratios and lines are in hundredths of a percent.
margin_ratio = Table(
    "margin_ratio",
    metadata,
    required("book_id", Id),
    required("client_id", Id),
    required("ratio", BigInteger),
    required("warn_line", Integer),
    required("close_line", Integer),
    required("as_of", UtcDateTime),
    PrimaryKeyConstraint("book_id", "client_id"),
    sqlite_with_rowid=False,
)

# Who crossed a line with which file.
margin_event = Table(
    "margin_event",
    metadata,
    required("book_id", Id),
    required("line", String(8)),  # warn | close
    required("client_id", Id),
    required("direction", String(8)),  # below | back
    Column("recovered", BigInteger),  # how far above the line since last below it; None: never was
    PrimaryKeyConstraint("book_id", "line", "client_id"),
    sqlite_with_rowid=False,
)

# What every new file is compared with: the newest ratio of each client, made from the snapshots.
margin_standing = Table(
    "margin_standing",
    metadata,
    Column("client_id", Id, primary_key=True, autoincrement=False),
    required("ratio", BigInteger),
    required("warn_line", Integer),
    required("close_line", Integer),
    required("as_of", UtcDateTime),
    Column("warn_peak", BigInteger),  # highest above the line since last below it
    Column("close_peak", BigInteger),
)

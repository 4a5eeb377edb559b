"""The client book: who a client is, what they hold and watch, and what they agreed to."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from outreach.store.tables.base import Id, UtcDateTime, metadata, required

book = Table(
    "book",
    metadata,
    Column("id", Id, primary_key=True),
    required("kind", String(16)),  # what was imported: clients, holdings, watching, halts ...
    required("file", Text),
    required("digest", String(64)),  # SHA-256 of the file, hex
    required("encoding", String(16)),
    required("as_of", UtcDateTime),
    required("imported_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    required("read", Integer, default=0),
    required("added", Integer, default=0),
    required("updated", Integer, default=0),
    required("unchanged", Integer, default=0),
    required("rejected", Integer, default=0),
    Column("rejects_file", Text),
)

client = Table(
    "client",
    metadata,
    Column("id", Id, primary_key=True),
    required("client_no", String(64), unique=True),
    required("name", Text),
    required("kind", String(16)),
    required("status", String(16)),
    required("legal_hold", Boolean),
    Column("account_no", String(64)),
    Column("phone", String(32), index=True),  # E.164, or as written when phone_state is invalid
    required("phone_state", String(8)),  # ok | missing | invalid
    Column("phone_country", String(2)),
    Column("email", Text, index=True),
    required("email_state", String(8)),
    Column("country", String(2)),
    required("locale", String(8)),
    Column("zone", String(64)),
    Column("branch", Text),
    Column("adviser", Text),
    Column("opened_on", Date),
    Column("reactivated_on", Date),
    Column("document_expires_on", Date),
    Column("risk_level", Integer),
    required("lowest_tolerance", Boolean),
    Column("assessed_on", Date),
    Column("assessment_expires_on", Date),
    required("professional", Boolean),
    Column("total_assets", BigInteger),  # fen
    Column("average_daily_assets", BigInteger),  # fen
    Column("assets_window_days", Integer),
    Column("assets_as_of", Date),
    Column("cash", BigInteger),  # fen
    Column("holdings_value", BigInteger),  # fen
    Column("last_trade_on", Date),
    required("permissions", Text, default=""),  # ,a,b,
    required("topics", Text, default=""),
    required("book_id", Id, index=False),
    required("updated_at", UtcDateTime),
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
    required("book_id", Id),
    required("market", String(8)),  # MIC: XSHG, XSHE, BJSE, XHKG ...
    required("symbol", String(16)),
    required("client_id", Id),
    required("quantity", BigInteger),
    PrimaryKeyConstraint("book_id", "market", "symbol", "client_id"),
    sqlite_with_rowid=False,
)

# Snapshots like holdings: securities a client asked to be told about without holding them.
watching = Table(
    "watching",
    metadata,
    required("book_id", Id),
    required("market", String(8)),
    required("symbol", String(16)),
    required("client_id", Id),
    PrimaryKeyConstraint("book_id", "market", "symbol", "client_id"),
    sqlite_with_rowid=False,
)

STOPS = "action IN ('withdraw', 'object')"

consent_event = Table(
    "consent_event",
    metadata,
    Column("id", Id, primary_key=True),
    required("client_id", Id),
    Column("channel", String(8)),  # None = every channel
    Column("purpose", String(16)),  # None = every purpose
    required("action", String(16)),  # grant | withdraw | object | confirm | expire
    required("source", String(32)),  # core.consent.Source
    Column("source_ref", Text),
    Column("wording", Text),  # wording id and version
    required("captured_at", UtcDateTime),
    required("recorded_at", UtcDateTime),
    required("actor", Text),
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
    required("channel", String(8)),
    required("address", Text),
    # hard_bounce | soft_bounces | regulator_list | global_objection
    required("reason", String(32)),
    required("since_at", UtcDateTime),
    required("source", Text),
    Column("until_at", UtcDateTime),  # None: until somebody lifts it
    UniqueConstraint("channel", "address", "reason"),
)

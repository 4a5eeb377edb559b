"""What is heard back: receipts, replies, returned mail."""

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from outreach.store.tables.base import Id, UtcDateTime, metadata, required

# --- what is heard back -----------------------------------------------------------------------

TO_REVIEW = "review"  # a column that is true or false

# What came in, as it came: status reports, replies, returned mail, clicks, answers.
raw_event = Table(
    "raw_event",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("source", String(64)),  # twilio:main, gateway:main, mail:bounces, unsubscribe ...
    required("kind", String(16)),  # status | inbound | report | click | answer | lookup ...
    required("digest", LargeBinary(32)),  # SHA-256 of kind and content: the same comes in once
    required("content", LargeBinary),
    required("received_at", UtcDateTime),
    UniqueConstraint("source", "digest"),
)

# The few that are not applied yet.
event_due = Table(
    "event_due",
    metadata,
    Column("event_id", Id, primary_key=True, autoincrement=False),
    required("attempts", Integer),
    required("not_before", UtcDateTime),
    Index("ix_event_due_not_before", "not_before", "event_id"),
)

# Those that could not be applied, and why: a person looks at them.
event_aside = Table(
    "event_aside",
    metadata,
    Column("event_id", Id, primary_key=True, autoincrement=False),
    required("reason", String(48)),
    required("detail", Text),
    required("at", UtcDateTime),
)

# What a provider said of a message after its outcome.
receipt = Table(
    "receipt",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("event_id", Id),
    required("message_id", Id, index=True),
    required("run_id", Id),
    required("state", String(12)),  # core.receipt.HEARD
    required("code", String(48)),
    required("detail", Text),
    required("provider_ref", Text),
    required("said_at", UtcDateTime),
    required("at", UtcDateTime),
)

# What clients wrote back, and what was made of it.
reply = Table(
    "reply",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("event_id", Id),
    required("identity", LargeBinary(32), unique=True),  # a reply told twice is one
    required("channel", String(8)),
    required("sender", Text),  # of ours: where it was written to
    required("address", Text),
    required("text", Text),
    required("intent", String(16)),  # core.inbound.Intent
    required("made", String(16)),  # core.reply.Made
    required("clients", Integer),  # how many have the address
    required("review", Boolean),  # a person is to see to it
    required("said_at", UtcDateTime),
    required("at", UtcDateTime),
    Index("ix_reply_review", "id", sqlite_where=text(TO_REVIEW), postgresql_where=text(TO_REVIEW)),
)

# Who has seen to a reply, once.
reply_step = Table(
    "reply_step",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("reply_id", Id, unique=True),
    required("action", String(12)),  # seen
    required("actor", Text),
    required("note", Text),
    required("at", UtcDateTime),
)

# Which message a provider means, where it cannot give our number back.
provider_reference = Table(
    "provider_reference",
    metadata,
    required("sender", Text),
    required("reference", Text),
    required("message_id", Id),
    PrimaryKeyConstraint("sender", "reference", "message_id"),
    sqlite_with_rowid=False,
)

# --- mail that came back ----------------------------------------------------------------------

# What each report said of the address a message went to.
bounce = Table(
    "bounce",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("event_id", Id),
    required("identity", LargeBinary(32), unique=True),  # a report that came twice is one
    Column("message_id", Id),  # None: nobody knows whose message it was
    Column("run_id", Id),
    required("address", Text),
    required("kind", String(12)),  # core.bounce.Kind
    required("counts", Boolean),  # as a soft bounce, against the address
    required("signed", Boolean),  # it came to a return address of ours
    required("status", String(16)),
    required("diagnostic", Text),
    required("said_at", UtcDateTime),
    required("at", UtcDateTime),
    Index("ix_bounce_address", "address", "said_at"),
    Index("ix_bounce_at", "at"),
)

# Why an address was blocked, and why it was let go. What stands now is in address_block.
block_step = Table(
    "block_step",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("channel", String(8)),
    required("address", Text),
    required("reason", String(32)),
    required("action", String(8)),  # block | ask | lift
    required("why", Text),
    required("source", Text),  # bounce 12 | message 5 | by hand | a person
    Column("until_at", UtcDateTime),
    required("actor", Text),
    required("at", UtcDateTime),
    Index("ix_block_step_address", "address", "id"),
)

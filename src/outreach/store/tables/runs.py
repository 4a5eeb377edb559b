"""What was decided, sent, and came of it."""

from sqlalchemy import (
    BigInteger,
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

# --- what was decided and sent ----------------------------------------------------------------

# Content-addressed: the exact campaign, segment, template and policy a run was made from.
frozen = Table(
    "frozen",
    metadata,
    Column("digest", String(64), primary_key=True),
    required("kind", String(16)),  # campaign | segment | template | policy
    required("name", Text),
    required("content", LargeBinary),  # JSON
    required("at", UtcDateTime),
)

approval = Table(
    "approval",
    metadata,
    Column("id", Id, primary_key=True),
    required("campaign", Text),
    required("digest", String(64)),  # of campaign, segment and template together
    required("action", String(8)),  # approve | revoke
    required("actor", Text),
    required("at", UtcDateTime),
    required("note", Text, default=""),
    Index("ix_approval_campaign", "campaign"),
)

GOING = ("planning", "sending")  # states of a run that may be worked
OPEN = (*GOING, "paused")  # states of a run that has not ended
STOPPED = ("cancelled", "superseded")  # states of a run whose unsent messages never go

run = Table(
    "run",
    metadata,
    Column("id", Id, primary_key=True),
    required("campaign", Text),
    required("occurrence", Text),
    required("purpose", String(16)),
    # planning | sending | paused | finished | cancelled | superseded | missed
    required("state", String(12)),
    required("campaign_digest", String(64)),
    required("segment_digest", String(64)),
    required("template_digest", String(64)),
    required("policy_digest", String(64)),
    Column("approval_id", Id),
    required("values", LargeBinary),  # JSON: what the occurrence and the firm gave to the texts
    required("opened_at", UtcDateTime),  # the moment every fact of the plan refers to
    required("opened_by", Text),
    Column("expires_at", UtcDateTime),
    Column("reason", String(16)),  # of a missed occurrence: core.words.Missed
    required("cursor", Id, default=0),  # last client planned
    required("audience", Integer, default=0),  # candidates planned so far
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
    required("fired_until", UtcDateTime),
)

# Counters are kept as facts are appended; nothing counts rows on the way of a message.
run_count = Table(
    "run_count",
    metadata,
    required("run_id", Id),
    required("kind", String(12)),  # decision | reason | state | channel | parts
    required("key", String(48)),
    required("n", BigInteger),
    PrimaryKeyConstraint("run_id", "kind", "key"),
    sqlite_with_rowid=False,
)

decision = Table(
    "decision",
    metadata,
    required("run_id", Id),
    required("client_id", Id),
    required("verdict", String(8)),  # allow | defer | suppress
    Column("reason", String(48)),
    Column("until_at", UtcDateTime),
    required("facts", LargeBinary),  # JSON: [candidate, [[route, hits], ...]]
    PrimaryKeyConstraint("run_id", "client_id"),
    sqlite_with_rowid=False,
)

message = Table(
    "message",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("run_id", Id),
    required("client_id", Id),
    required("channel", String(8)),
    required("batch_id", Id),
    required("address", Text),
    required("locale", String(8)),
    required("values", LargeBinary),  # JSON array: this client's values, in the template's order
    required("sms_parts", Integer),
    required("content_digest", LargeBinary(32)),
    UniqueConstraint("run_id", "client_id", "channel"),
)

batch = Table(
    "batch",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("run_id", Id),
    required("sender", Text),
    required("channel", String(8)),
    required("first_id", Id),
    required("last_id", Id),
    required("next_id", Id),  # cursor: messages below it have been in a window
    required("not_before", UtcDateTime),
    required("good_until", UtcDateTime),  # afterwards the policy is asked again before sending
    required("held", Boolean),  # counted as held until it is claimed
    required("urgent", Boolean),
    required("state", String(12)),  # ready | leased | done | cancelled
    Column("owner", Text),
    Column("token", String(36)),
    Column("lease_until", UtcDateTime),
    required("takeovers", Integer, default=0),
    required("consent_mark", Id),  # newest consent event the plan had seen
    required("block_mark", Id),
    required("book_mark", Id),
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
    required("run_id", Id),
    Column("batch_id", Id),  # None: a window of retries
    required("first_id", Id),
    required("last_id", Id),
    required("sender", Text),
    required("owner", Text),
    required("token", String(36)),
    required("intent_at", UtcDateTime),
    required("lease_until", UtcDateTime),
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
    required("window_id", Id),
    required("message_id", Id),
    required("state", String(12)),
    required("code", String(48)),
    required("detail", Text),
    required("provider_ref", Text),
    required("digest", LargeBinary(32)),  # of the exact bytes handed over
    required("at", UtcDateTime),
    PrimaryKeyConstraint("window_id", "message_id"),
    sqlite_with_rowid=False,
)

# The few messages that certainly were not taken and get another try.
retry = Table(
    "retry",
    metadata,
    Column("message_id", Id, primary_key=True, autoincrement=False),
    required("run_id", Id),
    required("sender", Text),
    required("attempts", Integer),
    required("not_before", UtcDateTime),
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
    required("client_id", Id),
    required("purpose", String(16)),
    required("at", UtcDateTime),
    Index("ix_frequency_use_client_id", "client_id", "purpose"),
)

# --- doubts settled by people -----------------------------------------------------------------

# What people say became of messages in doubt: proposed, confirmed, withdrawn.
doubt_step = Table(
    "doubt_step",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("proposal_id", Id),  # the id of its first step
    required("run_id", Id, index=True),
    required("action", String(12)),  # propose | confirm | withdraw
    required("verdict", String(12)),  # core.doubt.Verdict
    required("messages", LargeBinary),  # JSON array: those proposed, or settled by this step
    required("why", Text),
    required("actor", Text),
    required("at", UtcDateTime),
)

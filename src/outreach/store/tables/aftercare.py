"""Preferences, surveys and what follows from an answer, incidents, call-backs."""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from outreach.store.tables.base import Id, UtcDateTime, metadata, required

# --- preferences, surveys and what follows from an answer -------------------------------------

# What a client asked of us, each time it was said. The client book holds what stands now.
preference_event = Table(
    "preference_event",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("client_id", Id),
    required("said", LargeBinary),  # canonical JSON: what was said about which preference
    required("said_by", String(16)),  # core.preference_rows.SAID_BY
    required("said_at", UtcDateTime),
    required("recorded_at", UtcDateTime),
    required("actor", Text),
    Column("book_id", Id),
    Index("ix_preference_event_client_id", "client_id", "id"),
)

survey_answer = Table(
    "survey_answer",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("run_id", Id),
    required("client_id", Id),
    Column("message_id", Id),  # the message that was answered
    required("kind", String(8)),  # core.survey.Kind
    Column("score", Integer),
    required("comment", Text),
    required("raw", Text),  # as it came in, to the letter
    required("received_at", UtcDateTime),
    required("recorded_at", UtcDateTime),
    required("source", String(8)),  # sms | web | staff
    required("actor", Text),
    required("identity", String(64), unique=True),  # the same answer handed in twice is one
    Column("book_id", Id),
    Index("ix_survey_answer_run_id", "run_id", "client_id", "id"),
)

# A department was told of an answer, once a department.
follow_up = Table(
    "follow_up",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("answer_id", Id),
    required("department", String(64)),
    required("rule", Text),  # the rule that said so, in the words of the campaign file
    required("opened_at", UtcDateTime),
    UniqueConstraint("answer_id", "department"),
)

# What became of it: handed over or not, taken up, noted, closed.
follow_up_step = Table(
    "follow_up_step",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("follow_up_id", Id, index=True),
    required("action", String(12)),  # core.follow_up.Action
    required("actor", Text),
    required("note", Text),
    required("at", UtcDateTime),
)

# --- incidents --------------------------------------------------------------------------------

incident = Table(
    "incident",
    metadata,
    Column("id", String(16), primary_key=True),  # INC-2026-0001
    required("segment", Text),
    Column("narrowed", LargeBinary),  # JSON: the segment as it stood; None: the campaign's own
    required("opened_at", UtcDateTime),
    required("opened_by", Text),
)

# One thing told about an incident, whole: which functions, since when, what is so now. Its run has
# the occurrence INC-2026-0001.2, where 2 is the sequence.
incident_step = Table(
    "incident_step",
    metadata,
    required("incident_id", String(16)),
    required("sequence", Integer),
    required("kind", String(12)),  # core.incident.Kind
    required("functions", Text),  # ,login,orders,
    required("started_at", UtcDateTime),
    required("status_zh", Text),
    required("status_en", Text),
    required("workaround_zh", Text),
    required("workaround_en", Text),
    Column("next_update_by", UtcDateTime),
    Column("resolved_at", UtcDateTime),
    required("to_all", Boolean),
    required("campaign", Text),
    required("at", UtcDateTime),
    required("by", Text),
    PrimaryKeyConstraint("incident_id", "sequence"),
)

# --- call-backs -------------------------------------------------------------------------------

# Why a client is to be called: a permission was opened, an account was flagged, or the client was
# drawn. New accounts are not here: the client book tells of them.
call_back = Table(
    "call_back",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("client_id", Id),
    required("rule", String(16)),  # core.call_back.Rule
    required("since_on", Date),  # the day it became due
    required("detail", Text),  # which permission, or what was noticed
    Column("draw_id", Id),
    Column("book_id", Id),
    required("recorded_at", UtcDateTime),
    required("actor", Text),
    UniqueConstraint("client_id", "rule", "since_on", "detail"),
    Index("ix_call_back_rule", "rule", "since_on"),
)

# One call and what came of it. Yes is the answer that gives no concern.
call_back_result = Table(
    "call_back_result",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("client_id", Id),
    required("rule", String(16)),
    required("done_at", UtcDateTime),
    required("done_on", Date),  # its day on the firm's clock
    required("done_by", Text),
    required("means", String(8)),  # core.call_back.Means
    required("result", String(12)),  # core.call_back.Result
    Column("identity", Boolean),
    Column("own_will", Boolean),
    Column("no_staff_trading", Boolean),
    Column("risk_disclosed", Boolean),
    Column("no_full_mandate", Boolean),
    Column("changes_confirmed", Boolean),
    Column("reference", Text),  # where the recording or the form is
    Column("note", Text),
    Column("book_id", Id),
    required("recorded_at", UtcDateTime),
    required("actor", Text),
    Index("ix_call_back_result_client_id", "client_id", "rule", "done_on"),
    Index("ix_call_back_result_done_on", "done_on", "client_id"),
)

# The clients at the end of a year, of whom a tenth is called in the next one. The newest base of a
# year counts, once it is here in whole.
call_back_base = Table(
    "call_back_base",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("year", Integer),  # the year of the calls
    required("as_of", UtcDateTime),  # of the client book it was taken from
    required("clients", Integer),
    required("opened_later", Integer),
    required("dormant", Integer),
    required("suspended", Integer),
    required("closed", Integer),  # closed or deceased
    required("taken_at", UtcDateTime),
    required("actor", Text),
)

call_back_base_client = Table(
    "call_back_base_client",
    metadata,
    required("base_id", Id),
    required("client_id", Id),
    Column("branch", Text),  # as it was then
    PrimaryKeyConstraint("base_id", "client_id"),
    sqlite_with_rowid=False,
)

call_back_draw = Table(
    "call_back_draw",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    required("year", Integer),
    required("share", Text),  # as it was asked for: 0.12
    required("seed", Text),
    Column("base_id", Id),  # None: out of the client book as it was at the moment
    required("clients", Integer),
    required("called", Integer),  # called back already in this year
    required("waiting", Integer),  # drawn earlier and not called yet
    required("drawn", Integer),
    required("drawn_at", UtcDateTime),
    required("actor", Text),
)

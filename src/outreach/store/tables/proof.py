"""The proof that nothing was altered, and what the database knows of itself."""

from sqlalchemy import Column, Integer, LargeBinary, String, Table, Text

from outreach.store.tables.base import Id, UtcDateTime, metadata, required

# --- the proof --------------------------------------------------------------------------------

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("seq", Id, primary_key=True, autoincrement=False),  # leaf index, from 0
    required("at", UtcDateTime),
    required("kind", String(32)),
    required("actor", Text),
    required("subject", Text),
    required("detail", LargeBinary),  # canonical JSON
    Column("covers_table", String(32)),
    Column("covers_from", Text),  # first key of the covered rows, JSON array
    Column("covers_to", Text),
    Column("covers_count", Integer),
    Column("covers_root", LargeBinary(32)),
    Column("row_hints", LargeBinary),  # 8 bytes a covered row: names the row that was changed
    required("leaf", LargeBinary(32)),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    required("size", Id),
    required("frontier", LargeBinary),
    required("root", LargeBinary(32)),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("id", Id, primary_key=True),
    required("size", Id),
    required("root", LargeBinary(32)),
    required("note", Text),
    required("at", UtcDateTime),
)

id_block = Table(
    "id_block",
    metadata,
    Column("name", String(16), primary_key=True),
    required("next", Id),
)

# --- growing up -------------------------------------------------------------------------------

# That this database was moved to another one, or is the other one. `store.moved` reads the newest.
database_move = Table(
    "database_move",
    metadata,
    Column("id", String(36), primary_key=True),  # the same in both databases
    required("state", String(8)),  # store.moved.State
    required("other", Text),  # the other database, without its password
    required("entries", Id),  # how long the audit log was
    required("root", LargeBinary(32)),  # and its root
    required("actor", Text),
    required("at", UtcDateTime),
)

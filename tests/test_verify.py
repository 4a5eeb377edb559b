"""Tampering with the log, one way a test: each is found, and the first broken record is named."""

from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any

import pytest
from sqlalchemy import Table, Update, delete, insert, select, text, update

from outreach.core import note
from outreach.store import audit, tables
from outreach.store.audit import Entry, cover
from outreach.store.covered import COVERINGS
from outreach.store.database import Database, append
from outreach.store.tables import audit_entry, audit_head, checkpoint
from outreach.verify import Bad, verify
from tests.store.covered_rows import AT, log_page, names, pages, stand

ORIGIN = "www.example-securities.cn/outreach"
SEED, OTHER_SEED = bytes(range(32)), bytes(32)
PUBLIC = note.public_key(SEED)

# One column of each covered table that a forger would change, and what the row is called.
CHANGED: dict[str, tuple[str, Any, str]] = {
    "frozen": ("content", b"[]", f"frozen template closure {3:064d}"),
    "approval": ("actor", "wang.l", "approval 3 campaign c-3"),
    "run": ("purpose", "regulatory", "run 3 campaign closure-notice"),
    "decision": ("verdict", "defer", "decision run 3 client 3"),
    "message": ("address", "+8613900000000", "message 3 run 3 client 3"),
    "outcome": ("state", "failed", "outcome window 7 message 3"),
    "consent_event": ("action", "grant", "consent event 3 client 3"),
    "holding": ("quantity", 1, "holding book 1 600003.XSHG client 3"),
    "halt": ("name_zh", "示例股票", "halt XSHG-600003 version 1 book 1"),
    "halt_alert": ("at", AT.replace(hour=9), "halt alert XSHG-600003 version 1 halted"),
    "halt_told": (
        "outcome",
        "too_short",
        "telling 3 by suspension-alert of halt alert XSHG-600003 version 1 halted",
    ),
    "market_level": ("level", 39_000_000, "level 3 of CSI300 book 5"),
    "margin_ratio": ("ratio", 16_000, "margin ratio book 6 client 3"),
    "margin_event": ("recovered", 700, "margin close below book 6 client 3"),
    "calendar_override": ("kind", "closed", "override 3 of HK 2026-09-28 step 3"),
    "preference_event": ("said", b'{"wanted_risk":5}', "preferences 3 client 3"),
    "survey_answer": ("score", 1, "answer 3 run 3 client 3"),
    "follow_up": ("department", "nobody", "follow-up 3 of answer 3"),
    "raw_event": ("content", b"{}", "event 3 from twilio:main"),
    "event_aside": ("detail", "no message 8", "setting aside of event 3"),
    "reply": ("text", "ok", "reply 3"),
    "reply_step": ("actor", "nobody", "step 3 about reply 3"),
    "receipt": ("state", "undelivered", "receipt 3 for message 3"),
    "bounce": ("kind", "hard", "returned mail 3 about message 3"),
    "block_step": ("action", "lift", "step 3 on a blocked address"),
    "follow_up_step": ("action", "failed", "step 3 of follow-up 3"),
}
PAGES = {table.name: (table, rows) for table, rows in pages()}
SIZE = 1 + len(PAGES)  # entries of the log below


@pytest.fixture
def logged(database: Database) -> Database:
    """A log of one entry, then one for a page of five rows of each covered table."""
    with database.begin() as tx:
        audit.append(tx, [Entry(AT, "campaign.checked", "wang.l", "closure-notice", {"ok": True})])
        for table, rows in PAGES.values():
            log_page(tx, table, rows)
        stand(tx)
    return database


def seal(database: Database, seed: bytes | None = SEED) -> audit.Checkpoint:
    with database.begin() as tx:
        return audit.write_checkpoint(tx, ORIGIN, AT, "wang.l", seed)


def tamper(database: Database, *statements: Any) -> None:
    with database.begin() as tx:
        for statement in statements:
            tx.execute(statement)


def third(table: Table) -> Any:
    """The condition that names the third row of a table's page."""
    row = PAGES[table.name][1][2]
    columns = names(table)
    return [
        table.c[name] == row[columns.index(name)] for name in COVERINGS[table.name].order
    ]  # fmt: skip


def entry_of(table: str) -> str:
    seq = list(PAGES).index(table) + 1
    return f"entry {seq} ({table}.added, run 3)"


# --- an honest log ---------------------------------------------------------------------------


def test_an_empty_log_stands(database: Database) -> None:
    found = verify(database)

    assert (found.ok, found.entries, found.tree_size, found.first_bad) == (True, 0, 0, None)


def test_an_honest_log_stands(logged: Database) -> None:
    seal(logged)
    found = verify(logged, public_keys=[PUBLIC])
    with logged.reading() as conn:
        head = audit.head(conn)

    assert found.first_bad is None
    assert found.ok
    assert (found.entries, found.tree_size, found.root) == (SIZE + 1, SIZE + 1, head.root)
    assert (found.rows, found.checkpoints, found.signatures) == (5 * len(PAGES) + 1, 1, 1)


def test_every_covered_table_is_tried_here() -> None:
    assert {*PAGES, "checkpoint"} == set(COVERINGS)


def test_progress_is_told_entry_by_entry(logged: Database) -> None:
    told: list[tuple[int, int]] = []
    verify(logged, lambda done, total: told.append((done, total)))

    assert told == [(n, SIZE) for n in range(1, SIZE + 1)]


def test_the_log_may_grow_while_it_is_verified(logged: Database) -> None:
    table, rows = PAGES["decision"]

    def grow(done: int, _total: int) -> None:
        if done == 1:
            with logged.begin() as tx:
                log_page(tx, table, [(9, *row[1:]) for row in rows])

    during = verify(logged, grow)

    assert (during.ok, during.entries) == (True, SIZE)
    assert verify(logged).entries == SIZE + 1


def test_columns_that_may_move_may_move(logged: Database) -> None:
    tamper(logged, update(tables.run).values(state="finished", cursor=5, audience=5))

    assert verify(logged).ok


def test_pages_whose_ids_took_turns_stand(database: Database) -> None:
    table, rows = PAGES["message"]
    with database.begin() as tx:
        log_page(tx, table, rows[::2])
        log_page(tx, table, rows[1::2])

    assert verify(database).ok


# --- rows ------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", CHANGED)
def test_a_changed_row_is_named(logged: Database, table: str) -> None:
    target = PAGES[table][0]
    column, value, what = CHANGED[table]
    tamper(logged, update(target).where(*third(target)).values({column: value}))
    found = verify(logged)

    why = "its content differs from what was recorded"
    assert found.first_bad == Bad(what, entry_of(table), why)
    assert not found.ok
    assert found.entries == list(PAGES).index(table) + 1


@pytest.mark.parametrize("table", PAGES)
def test_every_changed_column_is_noticed(logged: Database, table: str) -> None:
    target = PAGES[table][0]
    for column in COVERINGS[table].columns:
        with logged.begin() as tx:
            old = tx.execute(select(target.c[column]).where(*third(target))).scalar_one()
            # A key may not collide with a neighbour's; the large values are free.
            new = _other(target, column, old)
            tx.execute(update(target).where(*third(target)).values({column: new}))
        bad = verify(logged).first_bad
        assert bad is not None, column
        assert bad.where == entry_of(table), column
        where = [
            target.c[name] == (new if name == column else condition.right.value)
            for name, condition in zip(COVERINGS[table].order, third(target), strict=True)
        ]
        tamper(logged, update(target).where(*where).values({column: old}))
    assert verify(logged).ok


def _other(table: Table, column: str, old: Any) -> Any:
    if old is None:
        kind = table.c[column].type.python_type
        return {int: 9, str: "x", bytes: b"x", time: time(9)}.get(kind, AT)
    if isinstance(old, bool):
        return not old
    if isinstance(old, int):
        return old + 1000
    if isinstance(old, str):
        return "x" + old[1:]
    if isinstance(old, bytes):
        return bytes([old[0] ^ 1]) + old[1:]
    if type(old) is date:
        return old + timedelta(days=1)
    return old.replace(microsecond=old.microsecond ^ 1)


@pytest.mark.parametrize("table", PAGES)
def test_a_deleted_row_is_missed(logged: Database, table: str) -> None:
    target = PAGES[table][0]
    tamper(logged, delete(target).where(*third(target)))
    bad = verify(logged).first_bad

    assert bad is not None
    assert (bad.where, bad.why) == (entry_of(table), "it is missing")
    assert bad.what.startswith("the row after ")
    assert "2" in bad.what


def test_a_deleted_row_at_either_end_is_named_by_its_key(logged: Database) -> None:
    columns = tables.decision.c
    tamper(logged, delete(tables.decision).where(columns.client_id == 5))
    last = verify(logged).first_bad
    tamper(logged, delete(tables.decision).where(columns.client_id == 1))
    first = verify(logged).first_bad

    assert last is not None
    assert first is not None
    assert (last.what, last.why) == ("decision run_id 3 client_id 5", "it is missing")
    assert (first.what, first.why) == ("decision run_id 3 client_id 1", "it is missing")


@pytest.mark.parametrize("table", PAGES)
def test_an_added_row_is_found_though_its_key_is_outside(logged: Database, table: str) -> None:
    target, rows = PAGES[table]
    extra = pages(6)[list(PAGES).index(table)][1][-1]
    tamper(logged, insert(target).values(dict(zip(names(target), extra, strict=True))))
    bad = verify(logged).first_bad

    assert bad is not None
    assert bad.where == f"table {table}"
    assert bad.why == "it was added, and no entry of the log covers it"
    assert bad.what == COVERINGS[table].called.format_map(
        dict(zip(names(target), extra, strict=True))
    )
    assert len(rows) == 5


def test_a_row_added_between_covered_ones_is_named(database: Database) -> None:
    table, rows = PAGES["message"]
    with database.begin() as tx:
        log_page(tx, table, [rows[0], rows[1], rows[3], rows[4]])
        append(tx, table, names(table), [rows[2]])
    bad = verify(database).first_bad

    assert bad is not None
    assert (bad.what, bad.where) == ("message 3 run 3 client 3", "table message")


def test_the_changed_row_is_named_among_pages_whose_ids_took_turns(database: Database) -> None:
    table, rows = PAGES["message"]
    with database.begin() as tx:
        log_page(tx, table, rows[::2])
        log_page(tx, table, rows[1::2])
    tamper(database, update(table).where(table.c.id == 4).values(locale="en"))
    bad = verify(database).first_bad

    assert bad is not None
    assert (bad.what, bad.where) == ("message 4 run 3 client 4", "entry 1 (message.added, run 3)")


def test_rows_covered_twice_are_reported(logged: Database) -> None:
    table, rows = PAGES["decision"]
    with logged.begin() as tx:
        twice = cover(table, names(table), rows)
        audit.append(tx, [Entry(AT, "decision.added", "x", "run 3", {}, twice)])
    bad = verify(logged).first_bad

    assert bad == Bad("table decision", "the whole log", "it holds 5 rows, the log covers 10")


# --- entries ---------------------------------------------------------------------------------


@pytest.mark.parametrize("column", [column.name for column in audit_entry.columns])
def test_a_changed_entry_is_named(logged: Database, column: str) -> None:
    """Entry 4 covers the decisions; each of its columns is changed in turn."""
    seq = audit_entry.c.seq
    with logged.reading() as conn:
        old = conn.execute(select(audit_entry.c[column]).where(seq == 4)).scalar_one()
    tamper(
        logged,
        update(audit_entry).where(seq == 4).values({column: _other(audit_entry, column, old)}),
    )
    bad = verify(logged).first_bad

    assert bad is not None
    assert bad.what == "entry 4"
    assert bad.why == (
        "it is missing" if column == "seq" else "its content differs from what was recorded"
    )


@pytest.mark.parametrize("seq", [0, 4, SIZE - 1])
def test_a_deleted_entry_is_missed(logged: Database, seq: int) -> None:
    tamper(logged, delete(audit_entry).where(audit_entry.c.seq == seq))
    bad = verify(logged).first_bad

    assert bad is not None
    assert bad.what == f"entry {seq}"
    assert bad.why.startswith("it is missing")


def test_swapped_entries_are_noticed(logged: Database) -> None:
    def move(seq: int, to: int) -> Update:
        return update(audit_entry).where(audit_entry.c.seq == seq).values(seq=to)

    tamper(logged, move(2, 99), move(6, 2), move(99, 6))
    bad = verify(logged).first_bad

    assert bad is not None
    assert (bad.what, bad.why) == ("entry 2", "its content differs from what was recorded")


@pytest.mark.parametrize("seq", [-1, SIZE])
def test_an_entry_outside_the_tree_is_named(logged: Database, seq: int) -> None:
    tamper(
        logged,
        text(
            "INSERT INTO audit_entry (seq, at, kind, actor, subject, detail, leaf)"
            f" SELECT {seq}, at, kind, actor, subject, detail, leaf FROM audit_entry WHERE seq = 0"
        ),
    )
    bad = verify(logged).first_bad

    assert bad is not None
    assert bad.what == f"entry {seq}"
    assert bad.why == f"it is not part of the tree, whose head counts {SIZE} entries"


@pytest.mark.parametrize(
    ("values", "what"),
    [
        pytest.param({"root": b"x" * 32}, "audit head", id="root"),
        pytest.param({"frontier": bytes(72)}, "audit head", id="frontier"),
        pytest.param({"size": SIZE + 1}, f"entry {SIZE}", id="larger"),
        pytest.param({"size": SIZE - 1}, f"entry {SIZE - 1}", id="smaller"),
    ],
)
def test_a_changed_head_is_noticed(logged: Database, values: dict[str, Any], what: str) -> None:
    tamper(logged, update(audit_head).values(values))
    bad = verify(logged).first_bad

    assert bad is not None
    assert bad.what == what


def test_a_deleted_head_is_noticed(logged: Database) -> None:
    tamper(logged, delete(audit_head))
    bad = verify(logged).first_bad

    assert bad is not None
    assert (bad.what, bad.why) == (
        "entry 0", "it is not part of the tree, whose head counts 0 entries"
    )  # fmt: skip


# --- checkpoints -----------------------------------------------------------------------------


def rewrite(database: Database) -> None:
    """What an insider who knows the program would do: change a row, then all hashes above it."""
    table, rows = PAGES["decision"]
    forged = [
        (3, 3, "suppress", "channel_opt_out", None, b'["ok"]') if r[1] == 3 else r for r in rows
    ]
    with database.begin() as tx:
        stored = list(audit.entries(tx))
        tx.execute(delete(audit_entry))
        tx.execute(delete(audit_head))
        tx.execute(
            update(table).where(*third(table)).values(verdict="suppress", reason="channel_opt_out")
        )
        for old in stored:
            covered = None
            if old.covers_table == "decision":
                covered = cover(table, names(table), forged)
            elif old.covers_table == "checkpoint":
                made = list(audit.checkpoints(tx))
                covered = cover(checkpoint, names(checkpoint), made)
            elif old.covers_table:
                other, kept = PAGES[old.covers_table]
                covered = cover(other, names(other), kept)
            audit.append(tx, [Entry(old.at, old.kind, old.actor, old.subject, {"n": 5}, covered)])


def test_a_wholly_rewritten_log_betrays_itself_at_the_next_checkpoint(logged: Database) -> None:
    seal(logged)
    rewrite(logged)
    bad = verify(logged).first_bad

    assert bad == Bad(
        f"checkpoint 1 size {SIZE}",
        f"the first {SIZE} entries",
        "an entry among them was rewritten: they no longer have the sealed root",
    )


def test_a_log_rewritten_before_any_checkpoint_betrays_itself_to_a_copy(logged: Database) -> None:
    with logged.reading() as conn:
        head = audit.head(conn)
    copy = note.sign(note.checkpoint_text(ORIGIN, head.size, head.root), ORIGIN, SEED)
    honest = verify(logged, public_keys=[PUBLIC], notes=[("copy.note", copy)])
    rewrite(logged)

    assert honest.ok
    assert verify(logged).ok
    bad = verify(logged, notes=[("copy.note", copy)]).first_bad
    assert bad is not None
    assert bad.what == "copy.note"


def test_a_shortened_log_betrays_itself_to_a_copy(logged: Database) -> None:
    copy = note.checkpoint_text(ORIGIN, SIZE + 2, b"r" * 32)
    bad = verify(logged, notes=[("copy.note", copy)]).first_bad

    assert bad == Bad(
        "copy.note", "the log's end", f"it seals {SIZE + 2} entries, the log holds {SIZE}"
    )


@pytest.mark.parametrize("copy", ["", "no checkpoint\n", "a\n0\nAAAA\n"])
def test_a_copy_that_is_no_checkpoint_is_called_so(logged: Database, copy: str) -> None:
    bad = verify(logged, notes=[("copy.note", copy)]).first_bad

    assert bad is not None
    assert (bad.what, bad.why) == (
        "copy.note",
        "its text is not a checkpoint of this size and root",
    )


def forge_signature(made: audit.Checkpoint) -> str:
    return note.sign(made.note.rpartition("\n\n")[0] + "\n", ORIGIN, OTHER_SEED)


def test_a_checkpoint_signed_by_another_key_is_refused(logged: Database) -> None:
    made = seal(logged, OTHER_SEED)

    assert verify(logged).ok
    assert verify(logged, public_keys=[PUBLIC, note.public_key(OTHER_SEED)]).ok
    assert verify(logged, public_keys=[PUBLIC]).first_bad == Bad(
        f"checkpoint {made.id} size {SIZE}",
        f"the first {SIZE} entries",
        "none of the given keys signed it",
    )


def test_a_copy_without_signature_is_refused_where_there_is_a_key(logged: Database) -> None:
    made = seal(logged)
    bare = made.note.rpartition("\n\n")[0] + "\n"

    assert verify(logged, notes=[("copy.note", bare)]).ok
    assert not verify(logged, public_keys=[PUBLIC], notes=[("copy.note", bare)]).ok


def test_an_unsigned_checkpoint_of_ours_stands_as_it_was_logged(logged: Database) -> None:
    seal(logged, None)
    found = verify(logged, public_keys=[PUBLIC])

    assert (found.ok, found.checkpoints, found.signatures) == (True, 1, 0)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda made: {"note": made.note.rpartition("\n\n")[0] + "\n"}, id="bare"),
        pytest.param(lambda made: {"note": forge_signature(made)}, id="signature"),
        pytest.param(lambda made: {"note": "x" + made.note[1:]}, id="origin"),
        pytest.param(lambda made: {"root": b"x" * 32}, id="root"),
        pytest.param(lambda made: {"size": SIZE - 1}, id="size"),
        pytest.param(lambda made: {"at": made.at.replace(year=2025)}, id="time"),
    ],
)
def test_a_changed_checkpoint_is_noticed_without_a_key(
    logged: Database, change: Callable[[audit.Checkpoint], dict[str, Any]]
) -> None:
    made = seal(logged)
    tamper(logged, update(checkpoint).values(change(made)))
    bad = verify(logged).first_bad

    assert bad is not None
    assert bad.what.startswith("checkpoint 1 size")


@pytest.mark.parametrize("says", [(SIZE - 1, None), (SIZE, b"x" * 32)])
def test_a_checkpoint_whose_text_says_something_else_is_refused(
    logged: Database, says: tuple[int, bytes | None]
) -> None:
    with logged.begin() as tx:
        head = audit.head(tx)
        text = note.checkpoint_text(ORIGIN, says[0], says[1] or head.root)
        row = (1, head.size, head.root, text, AT)
        append(tx, checkpoint, names(checkpoint), [row])
        covered = cover(checkpoint, names(checkpoint), [row])
        audit.append(tx, [Entry(AT, "audit.checkpoint", "li.m", "checkpoint 1", {}, covered)])
    why = "its text is not a checkpoint of this size and root"

    what = f"checkpoint 1 size {SIZE}"
    assert verify(logged).first_bad == Bad(what, f"the first {SIZE} entries", why)


def test_a_deleted_checkpoint_is_missed(logged: Database) -> None:
    seal(logged)
    tamper(logged, delete(checkpoint))

    assert verify(logged).first_bad == Bad(
        "checkpoint id 1", f"entry {SIZE} (audit.checkpoint, checkpoint 1)", "it is missing"
    )

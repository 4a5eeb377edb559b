"""The audit log as it is kept: the same bytes before and after storage, and a head that grows."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Table, event, update

from outreach.core import merkle, note
from outreach.store import audit, tables
from outreach.store.audit import Entry, cover
from outreach.store.covered import (
    COVERINGS,
    HINT_SIZE,
    all_rows,
    count_rows,
    row_bytes,
    row_hashes,
    rows_between,
)
from outreach.store.database import Database
from tests.store.covered_rows import AT, SHANGHAI, log_page, names, pages

PAGES = pages()
ENTRY = Entry(AT, "run.paused", "wang.l", "run 3", {"why": "typo", "n": 1})


@pytest.fixture
def logged(database: Database) -> Database:
    with database.begin() as tx:
        for table, rows in PAGES:
            log_page(tx, table, rows)
    return database


def asked(database: Database, work: Callable[[], object]) -> list[str]:
    """The statements that some work sends to the database."""
    seen: list[str] = []

    def listen(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(database.read_engine, "before_cursor_execute", listen)
    work()
    event.remove(database.read_engine, "before_cursor_execute", listen)
    return seen


# --- rows as bytes ---------------------------------------------------------------------------


def test_a_row_is_a_json_array_of_its_values() -> None:
    row = (3, None, True, "张三", b"\x00\xff", AT, date(2026, 10, 1), time(9, 30), [1.5])

    assert row_bytes(row).decode() == (
        '[3,null,true,"张三","00ff","2026-09-28T07:30:00.250000Z","2026-10-01","09:30:00",[1.5]]'
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page[0].name)
def test_stored_rows_have_the_root_that_was_logged(
    logged: Database, page: tuple[Table, Any]
) -> None:
    covering = COVERINGS[page[0].name]
    with logged.reading() as conn:
        stored = [row for rows in all_rows(conn, covering) for row in rows]
        [entry] = [e for e in audit.entries(conn) if e.covers_table == covering.table.name]
    hashes = row_hashes(stored)

    assert entry.covers_root == merkle.root(hashes)
    assert entry.covers_count == len(stored) == 5
    assert entry.row_hints == b"".join(one[:HINT_SIZE] for one in hashes)
    assert orjson.loads(entry.covers_from or "") == list(covering.key(stored[0]))
    assert orjson.loads(entry.covers_to or "") == list(covering.key(stored[-1]))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page[0].name)
def test_a_range_of_keys_gives_the_rows_between_them_in_order(
    logged: Database, page: tuple[Table, Any]
) -> None:
    covering = COVERINGS[page[0].name]
    with logged.reading() as conn:
        [stored] = list(all_rows(conn, covering))
        ends = covering.key(stored[1]), covering.key(stored[3])
        [between] = list(rows_between(conn, covering, *ends))

        assert between == stored[1:4]
        assert count_rows(conn, covering) == 5


def test_text_keys_sort_by_their_bytes_on_every_server(database: Database) -> None:
    symbols = ["a", "B", "b", "A", "é", "_", "股", "𠮷", "1", "-"]
    rows = [(1, "XSHG", symbol, 1, 100) for symbol in symbols]
    covering = COVERINGS["holding"]
    with database.begin() as tx:
        log_page(tx, tables.holding, rows)
    with database.reading() as conn:
        [stored] = list(all_rows(conn, covering))
        [between] = list(rows_between(conn, covering, (1, "XSHG", "B", 1), (1, "XSHG", "b", 1)))

        statements = asked(database, lambda: list(all_rows(conn, covering)))

    # The server of the tests sorts by bytes anyway; one in another language must be told to.
    assert database.sqlite or statements[0].count('COLLATE "C"') == 2
    assert [row[2] for row in stored] == sorted(symbols)
    assert [row[2] for row in between] == ["B", "_", "a", "b"]


def test_large_ids_are_found(database: Database) -> None:
    rows = [(2**40 + i, *PAGES[4][1][i][1:]) for i in range(3)]
    with database.begin() as tx:
        log_page(tx, tables.message, rows)
    with database.reading() as conn:
        [found] = list(rows_between(conn, COVERINGS["message"], (2**40,), (2**40 + 1,)))

    assert found == rows[:2]


def test_rows_may_be_covered_in_any_order_of_rows_and_columns() -> None:
    columns, rows = names(tables.decision), PAGES[3][1]
    backwards = tuple(reversed(columns))

    assert cover(tables.decision, columns, rows) == cover(
        tables.decision, backwards, [tuple(reversed(row)) for row in reversed(rows)]
    )


def test_a_moment_is_covered_as_the_same_instant_in_any_zone() -> None:
    columns = names(tables.frozen)
    row = ("d", "k", "n", b"{}", AT)

    assert cover(tables.frozen, columns, [row]) == cover(
        tables.frozen, columns, [(*row[:4], AT.astimezone(SHANGHAI))]
    )


def test_no_rows_are_covered_by_nothing() -> None:
    assert cover(tables.decision, names(tables.decision), []) is None


def test_what_cannot_be_proved_later_is_refused() -> None:
    with pytest.raises(ValueError, match="not covered"):
        cover(tables.batch, ("id",), [(1,)])
    with pytest.raises(ValueError, match="without their id"):
        cover(tables.approval, names(tables.approval)[1:], [PAGES[1][1][0][1:]])
    with pytest.raises(ValueError, match="without a zone"):
        cover(
            tables.frozen,
            names(tables.frozen),
            [("d", "k", "n", b"", datetime(2026, 9, 28))],  # noqa: DTZ001
        )


def test_columns_that_may_still_change_are_not_covered() -> None:
    [row] = PAGES[2][1][:1]
    at = names(tables.run).index("state")
    later = (*row[:at], "finished", *row[at + 1 :])

    assert cover(tables.run, names(tables.run), [row]) == cover(
        tables.run, names(tables.run), [later]
    )


# --- the log ---------------------------------------------------------------------------------


def test_the_head_of_an_empty_log_is_that_of_an_empty_tree(database: Database) -> None:
    with database.reading() as conn:
        assert audit.head(conn)[:2] == (0, merkle.EMPTY_ROOT)
        assert list(audit.entries(conn)) == []


def test_entries_come_back_as_they_were_logged(database: Database) -> None:
    local = Entry(AT.astimezone(SHANGHAI), "run.resumed", "li.m", "run 3", {})
    with database.begin() as tx:
        assert audit.append(tx, [ENTRY, local]) == 0
        assert audit.append(tx, [ENTRY]) == 2
    with database.reading() as conn:
        first, second, third = audit.entries(conn)
        later = list(audit.entries(conn, since=2))

    assert first[:6] == (0, AT, "run.paused", "wang.l", "run 3", b'{"n":1,"why":"typo"}')
    assert second[:6] == (1, AT, "run.resumed", "li.m", "run 3", b"{}")
    assert first[6:12] == (None,) * 6
    assert [entry.computed_leaf() for entry in (first, second, third)] == [
        first.leaf, second.leaf, third.leaf
    ]  # fmt: skip
    assert later == [third]


def test_a_transaction_that_read_the_log_may_write_on(database: Database) -> None:
    with database.begin() as tx:
        audit.append(tx, [ENTRY])
        stored = list(audit.entries(tx))
        tx.execute(update(tables.audit_entry).values(actor="x"))

    assert len(stored) == 1


def test_the_head_is_the_root_over_all_leaves(database: Database) -> None:
    for n in (1, 4, 2):
        with database.begin() as tx:
            audit.append(tx, [ENTRY] * n)
    with database.reading() as conn:
        head, leaves = audit.head(conn), audit.leaves(conn, 7)

    assert (head.size, head.root) == (7, merkle.root(leaves))
    assert merkle.Frontier.from_bytes(head.frontier).root() == head.root


def test_equal_entries_have_different_leaves(database: Database) -> None:
    with database.begin() as tx:
        audit.append(tx, [ENTRY, ENTRY])
    with database.reading() as conn:
        assert len(set(audit.leaves(conn, 2))) == 2


def test_nothing_is_logged_when_the_transaction_fails(database: Database) -> None:
    with database.begin() as tx:
        audit.append(tx, [ENTRY])
    with pytest.raises(RuntimeError), database.begin() as tx:
        audit.append(tx, [ENTRY])
        raise RuntimeError
    with database.reading() as conn:
        assert audit.head(conn).size == len(audit.leaves(conn, 9)) == 1


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    naive = Entry(datetime(2026, 9, 28), "x", "y", "z", {})  # noqa: DTZ001
    with pytest.raises(ValueError, match="needs a zone"), database.begin() as tx:
        audit.append(tx, [naive])


def test_appenders_that_meet_are_put_in_order(database_url: str) -> None:
    def write(_: int) -> None:
        own = Database(database_url)
        for _ in range(5):
            with own.begin() as tx:
                audit.append(tx, [ENTRY, ENTRY])
        own.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    database = Database(database_url)
    with database.reading() as conn:
        head, stored = audit.head(conn), list(audit.entries(conn))
    database.close()

    assert [entry.seq for entry in stored] == list(range(40))
    assert head.root == merkle.root([entry.computed_leaf() for entry in stored])


# --- checkpoints -----------------------------------------------------------------------------

ORIGIN = "www.example-securities.cn/outreach"
SEED = bytes(range(32))


def test_a_checkpoint_seals_the_head_and_is_logged_itself(database: Database) -> None:
    with database.begin() as tx:
        audit.append(tx, [ENTRY, ENTRY])
        before = audit.head(tx)
        made = audit.write_checkpoint(tx, ORIGIN, AT, "wang.l", SEED)
    text = note.verify(made.note, ORIGIN, note.public_key(SEED))
    with database.reading() as conn:
        assert list(audit.checkpoints(conn)) == [audit.latest_checkpoint(conn)] == [made]
        *_, last = audit.entries(conn)

    assert text is not None
    assert note.read_checkpoint(text) == (ORIGIN, 2, before.root)
    assert (last.seq, last.kind, last.covers_table) == (2, "audit.checkpoint", "checkpoint")


def test_a_log_that_has_not_grown_gets_no_second_checkpoint(database: Database) -> None:
    with database.begin() as tx:
        audit.append(tx, [ENTRY])
        first = audit.write_checkpoint(tx, ORIGIN, AT, "wang.l", SEED)
        again = audit.write_checkpoint(tx, ORIGIN, AT + timedelta(days=1), "wang.l", SEED)
        audit.append(tx, [ENTRY])
        third = audit.write_checkpoint(tx, ORIGIN, AT + timedelta(days=2), "wang.l", SEED)

    assert again == first
    assert third.size == 3


def test_a_checkpoint_without_a_key_is_sealed_again_once_there_is_one(database: Database) -> None:
    with database.begin() as tx:
        bare = audit.write_checkpoint(tx, ORIGIN, AT, "wang.l", None)
        signed = audit.write_checkpoint(tx, ORIGIN, AT, "wang.l", SEED)

    assert note.read_checkpoint(bare.note) == (ORIGIN, 0, merkle.EMPTY_ROOT)
    assert (signed.id, signed.size) == (bare.id + 1, 1)


def test_a_changed_head_row_does_not_go_unseen_by_the_next_append(database: Database) -> None:
    with database.begin() as tx:
        audit.append(tx, [ENTRY])
        tx.execute(update(tables.audit_head).values(frontier=b"\x00" * 9))
        with pytest.raises(ValueError, match="frontier"):
            audit.append(tx, [ENTRY])

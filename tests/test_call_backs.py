"""Who is to be called back, what counts as done, and the yearly tenth, on both databases."""

import heapq
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update

from outreach import call_backs, ingest
from outreach.core.call_back import QUESTIONS, ticket
from outreach.core.words import Sentence
from outreach.feeds import calendar_file
from outreach.store import audit, books, calendars, call_back_years
from outreach.store import call_backs as stored
from outreach.store.books import Counts
from outreach.store.call_backs import NewCase, NewResult
from outreach.store.database import Database
from outreach.store.tables import call_back, call_back_base_client
from outreach.store.tables import client as client_table
from outreach.verify import verify
from tests.store.client_book import add, row

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 9, 30, 7, 30, tzinfo=UTC)  # Wednesday 15:30 in Shanghai
TODAY = date(2026, 9, 30)
WELL: dict[str, Any] = dict.fromkeys(QUESTIONS, True)


@pytest.fixture
def firm(database: Database) -> Database:
    """The calendars of 2026, and a first client book of 1 September."""
    shipped = calendar_file.shipped()
    with database.begin() as tx:
        calendars.save(tx, shipped.coverage, shipped.days, entered_by="clerk", entered_at=NOW)
    imported(database, "2026-09-01")
    return database


def imported(database: Database, day: str) -> None:
    """A client book that speaks of a day, taken in on that day."""
    at = datetime.fromisoformat(f"{day}T20:00+08:00")
    with database.begin() as tx:
        book = books.open_book(
            tx, "clients", file="c.csv", digest="d" * 64, encoding="utf-8", as_of=at,
            imported_at=at,
        )  # fmt: skip
        books.finish(tx, book, Counts(), None, at)


def clients(database: Database, *facts: dict[str, Any]) -> None:
    plain = {"opened_on": date(2020, 1, 6), "reactivated_on": None, "branch": "静安"}
    with database.begin() as tx:
        add(tx, [row(n, **{**plain, **more}) for n, more in enumerate(facts, start=1)])


def flagged(database: Database, *cases: tuple[int, str, str, str]) -> None:
    """(client, rule, day, what) of permissions and abnormal accounts."""
    new = [NewCase(n, rule, date.fromisoformat(day), what) for n, rule, day, what in cases]
    with database.begin() as tx:
        _, covered = stored.add_cases(tx, new, recorded_at=NOW, actor="clerk")
        audit.append(tx, [audit.Entry(NOW, "call_back.flagged", "clerk", "test", {}, covered)])


def called(database: Database, client_id: int, rule: str, day: str, result: str = "reached") -> Any:
    done_on = date.fromisoformat(day)
    answers: dict[str, Any] = WELL if result == "reached" else {}
    one = NewResult(
        client_id, rule, datetime(done_on.year, done_on.month, done_on.day, 3, tzinfo=UTC), done_on,
        "zhou.q", "phone", result, **answers,
    )  # fmt: skip
    return call_backs.record(database, one, recorded_at=NOW, actor="clerk")


def due(
    database: Database, today: date = TODAY, until: date | None = None, **more: str
) -> list[tuple[str, str, int, bool]]:
    """(deadline, rule, client, overdue) of what is due, in its order."""
    with database.reading() as conn:
        asked = call_backs.asked_on(conn, today, SHANGHAI, **more)
        found = list(call_backs.due(conn, asked, calendars.load(conn, "CN_A"), until))
    return [
        (str(one.deadline), one.waiting.rule, one.waiting.client_id, one.overdue) for one in found
    ]


# --- who is due -------------------------------------------------------------------------------


def test_what_runs_out_first_stands_first_whatever_rule_asks(firm: Database) -> None:
    clients(firm, {"opened_on": date(2026, 9, 10)}, {}, {}, {})
    flagged(
        firm, (2, "abnormal", "2026-09-30", "对敲"), (3, "abnormal", "2026-09-25", "对敲"),
        (4, "new_permission", "2026-09-08", "期权"),
    )  # fmt: skip

    assert due(firm) == [
        ("2026-09-29", "abnormal", 3, True),
        ("2026-10-08", "new_permission", 4, False),
        ("2026-10-09", "abnormal", 2, False),
        ("2026-10-10", "new_account", 1, False),
    ]
    assert [one[2] for one in due(firm, until=date(2026, 10, 9))] == [3, 4, 2]
    assert [one[2] for one in due(firm, today=date(2026, 10, 12)) if one[3]] == [3, 4, 2, 1]


def test_its_last_day_is_in_time(firm: Database) -> None:
    clients(firm, {})
    flagged(firm, (1, "abnormal", "2026-09-30", ""))

    assert due(firm, today=date(2026, 10, 9))[0][3] is False
    assert due(firm, today=date(2026, 10, 10))[0][3] is True


def test_new_accounts_are_told_by_the_book_alone(firm: Database) -> None:
    clients(
        firm,
        {"opened_on": date(2026, 8, 1)},  # its 30 days were over before the first book came
        {"opened_on": date(2026, 8, 2)},
        {"opened_on": TODAY},
        {"opened_on": TODAY + timedelta(days=1)},
        {"opened_on": None},
        {"opened_on": date(2026, 9, 5), "reactivated_on": date(2026, 9, 5)},
        {"opened_on": date(2026, 9, 5), "status": "closed"},
        {"opened_on": date(2026, 9, 5), "status": "frozen"},
    )

    assert [(one[0], one[2]) for one in due(firm)] == [
        ("2026-09-01", 2), ("2026-10-05", 8), ("2026-10-30", 3),
    ]  # fmt: skip


def test_only_a_client_who_was_reached_is_done_and_the_tries_are_told(firm: Database) -> None:
    clients(firm, {})
    flagged(firm, (1, "abnormal", "2026-09-28", "对敲"))
    called(firm, 1, "abnormal", "2026-09-28", "not_reached")
    called(firm, 1, "abnormal", "2026-09-29", "refused")
    with firm.reading() as conn:
        asked = call_backs.asked_on(conn, TODAY, SHANGHAI)
        (one,) = call_backs.due(conn, asked, calendars.load(conn, "CN_A"))
    waiting = one.waiting
    assert (waiting.tries, waiting.last_on, waiting.last_result) == (
        2, date(2026, 9, 29), "refused",
    )  # fmt: skip

    called(firm, 1, "abnormal", "2026-09-30")

    assert due(firm) == []


def test_what_came_after_a_call_asks_for_another(firm: Database) -> None:
    clients(firm, {})
    flagged(firm, (1, "new_permission", "2026-09-01", "融资融券"))
    called(firm, 1, "new_permission", "2026-09-10")
    assert due(firm) == []

    flagged(
        firm, (1, "new_permission", "2026-09-20", "科创板"), (1, "abnormal", "2026-09-09", ""),
    )  # fmt: skip

    assert [one[:3] for one in due(firm)] == [
        ("2026-09-11", "abnormal", 1),
        ("2026-10-20", "new_permission", 1),
    ]


def test_where_the_calendar_ends_the_call_is_due_all_the_same(firm: Database) -> None:
    clients(firm, {}, {}, {})
    flagged(
        firm, (1, "abnormal", "2026-12-30", ""), (2, "new_permission", "2026-12-30", ""),
        (3, "new_permission", "2026-12-01", ""),
    )  # fmt: skip

    found = due(firm, today=date(2026, 12, 31))

    assert [one[::2] for one in found] == [("2026-12-31", 3), ("None", 1), ("2027-01-29", 2)]
    assert due(firm, today=date(2026, 12, 31), until=date(2026, 12, 31)) == found[:2]


def test_a_branch_an_adviser_and_a_client_can_be_asked_for(firm: Database) -> None:
    new = {"opened_on": date(2026, 9, 10)}
    clients(firm, new, {**new, "branch": "黄浦"}, {**new, "adviser": "A1"})

    assert [one[2] for one in due(firm, branch="黄浦")] == [2]
    assert [one[2] for one in due(firm, adviser="A1")] == [3]
    assert [one[2] for one in due(firm, client="0000001")] == [1]


def test_a_call_nobody_asked_for_is_refused(firm: Database) -> None:
    clients(firm, {})
    flagged(firm, (1, "abnormal", "2026-09-28", ""))

    assert isinstance(called(firm, 1, "abnormal", "2026-09-27"), Sentence)
    assert isinstance(called(firm, 1, "new_permission", "2026-09-28"), Sentence)
    for rule in ("abnormal", "new_account", "yearly"):  # anybody may be called for the year
        assert called(firm, 1, rule, "2026-09-28") == 1
        assert called(firm, 1, rule, "2026-09-28") == 0


# --- files ------------------------------------------------------------------------------------


def desk(firm: Database, folder: Path) -> ingest.Desk:
    return ingest.Desk(firm, folder / "rejects", "clerk", lambda: NOW)


def written(folder: Path, text: str) -> Path:
    path = folder / "file.csv"
    path.write_bytes(text.encode("gb18030"))
    return path


def test_a_file_of_permissions_and_flags_is_taken_once(firm: Database, tmp_path: Path) -> None:
    clients(firm, {}, {})
    path = written(
        tmp_path,
        "客户号,回访规则,起始日期,说明\n"
        '="0000001",新开通交易权限,20260920,科创板\n'
        "0000002,账户使用异常,2026年9月28日,对敲\n"
        "0000002,新开户,2026-09-28,\n0000002,异常,2026-10-01,\n0000002,异常,,\n0000009,异常,2026-09-01,\n",
    )

    first = ingest.import_call_backs(desk(firm, tmp_path), path, as_of=NOW).counts
    again = ingest.import_call_backs(desk(firm, tmp_path), path, as_of=NOW).counts

    assert (first.read, first.added, first.rejected) == (6, 2, 4)
    assert (again.added, again.unchanged, again.rejected) == (0, 2, 4)
    assert [one[:3] for one in due(firm)] == [
        ("2026-09-30", "abnormal", 2),
        ("2026-10-20", "new_permission", 1),
    ]
    with firm.reading() as conn:
        assert stored.newest_cases(conn) == NOW
    assert verify(firm).ok


def test_a_file_of_results_is_taken_once_and_its_bad_rows_are_told(
    firm: Database, tmp_path: Path
) -> None:
    clients(firm, {}, {}, {}, {}, {})
    flagged(firm, *((n, "abnormal", "2026-09-28", "") for n in (1, 2, 3, 4)))
    yes = "是,是,是,是,是,"
    path = written(
        tmp_path,
        "客户号,回访规则,回访时间,回访人,回访方式,回访结果,身份核实,本人意愿,无员工代客操作,"
        "风险揭示,无全权委托,账户变更确认,录音编号\n"
        f"0000001,异常,2026-09-29 10:00,周强,电话,已接通,{yes},R1\n"
        "0000002,异常,2026-09-29 10:05,周强,电话,未接通,,,,,,,R2\n"
        "0000003,异常,2026-09-29 10:10,周强,电话,已接通,是,是,否,是,是,是,R3\n"
        "0000004,异常,2026-09-29 10:15,周强,电话,已接通,是,,,,,,R4\n"
        f"0000004,异常,2026-09-29 10:20,周强,电话,已接通,否,是,是,是,是,,R5\n"
        f"0000005,异常,2026-09-29 10:25,周强,电话,已接通,{yes},R6\n"
        f"0000005,年度,2026-10-29 10:25,周强,电话,已接通,{yes},R7\n"
        f"0000005,年度,2026-09-29 10:30,周强,视频,已接通,{yes},R8\n",
    )

    done = ingest.import_call_back_results(desk(firm, tmp_path), path, as_of=NOW)
    again = ingest.import_call_back_results(desk(firm, tmp_path), path, as_of=NOW)

    assert (done.counts.added, done.counts.rejected) == (4, 4)
    assert (again.counts.added, again.counts.unchanged) == (0, 4)
    assert done.rejects_file is not None
    told = done.rejects_file.read_text(encoding="utf-8-sig")
    for words in ("no answer to own_will", "somebody else answered", "was due", "yet to come"):
        assert words in told
    assert [one[2] for one in due(firm)] == [2, 4]
    with firm.reading() as conn:
        (concern,) = stored.concerns(conn, date(2026, 1, 1), TODAY)
    assert (concern["client_id"], concern["no_staff_trading"]) == (3, False)
    assert verify(firm).ok


# --- the yearly tenth -------------------------------------------------------------------------

BOOK = (
    {"opened_on": date(2025, 12, 31)},
    {"opened_on": None},
    {"status": "defective"},
    {"branch": None},
    {"branch": "黄浦"},
    {"opened_on": date(2026, 1, 1)},
    {"status": "dormant"},
    {"status": "frozen"},
    {"status": "closed"},
    {"status": "deceased"},
    {"opened_on": date(2026, 2, 1), "status": "closed"},
)
COUNTED = [1, 2, 3, 4, 5]


def test_the_denominator_is_the_clients_of_the_year_before(firm: Database) -> None:
    clients(firm, *BOOK)
    with firm.reading() as conn:
        base = call_back_years.base_of(conn, 2026)

    assert base[3:] == (5, 2, 1, 1, 2)  # counted, opened later, dormant, suspended, closed
    assert base.id is None
    assert base.as_of == datetime(2026, 9, 1, 12, tzinfo=UTC)


def take(firm: Database) -> call_back_years.Base | Sentence:
    return call_backs.take_base(firm, 2026, at=NOW, actor="clerk", zone=SHANGHAI)


def test_a_kept_base_stays_whatever_becomes_of_the_book(
    firm: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients(firm, *BOOK)
    monkeypatch.setattr(call_backs, "_PAGE", 2)
    taken = take(firm)
    assert isinstance(taken, call_back_years.Base)
    with firm.begin() as tx:
        tx.execute(update(client_table).values(status="dormant", branch="新"))
    with firm.reading() as conn:
        found = call_backs.coverage(conn, 2026)
        kept = select(call_back_base_client.c.client_id).order_by("client_id")
        assert list(conn.execute(kept).scalars()) == COUNTED

    assert found.base == taken
    assert [(one.branch, one.clients) for one in found.branches] == [
        ("静安", 3), ("黄浦", 1), (None, 1),
    ]  # fmt: skip
    assert verify(firm).ok


def test_a_base_cut_short_counts_for_nothing(
    firm: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients(firm, *BOOK)
    monkeypatch.setattr(call_backs, "_PAGE", 2)

    def ends_here(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call_backs.take_base(firm, 2026, at=NOW, actor="clerk", zone=SHANGHAI, progress=ends_here)
    with firm.reading() as conn:
        assert call_back_years.base_of(conn, 2026).id is None
        rows = conn.execute(select(func.count()).select_from(call_back_base_client))
        assert rows.scalar_one() == 2
    taken = take(firm)
    with firm.reading() as conn:
        assert call_back_years.base_of(conn, 2026) == taken
        assert sum(one.clients for one in call_backs.coverage(conn, 2026).branches) == 5
    assert verify(firm).ok


@pytest.mark.parametrize(
    ("book", "said"),
    [
        pytest.param(None, "no client book", id="no book"),
        pytest.param("2025-12-30", "2025-12-30", id="a day too early"),
        pytest.param("2025-12-31", None, id="of the last day"),
    ],
)
def test_a_base_needs_a_book_of_the_last_day_or_later(
    database: Database, book: str | None, said: str | None
) -> None:
    clients(database, *BOOK)
    if book:
        imported(database, book)

    taken = take(database)

    if said is None:
        assert isinstance(taken, call_back_years.Base)
    else:
        assert isinstance(taken, Sentence)
        assert said in taken.en


def test_whoever_was_reached_in_the_year_counts_once(firm: Database) -> None:
    clients(firm, *[{} for _ in range(21)], {"opened_on": date(2026, 9, 1)})
    flagged(firm, (2, "abnormal", "2026-03-02", ""), (1, "abnormal", "2026-03-02", ""))
    for client_id, rule, day, result in (
        (1, "yearly", "2026-01-01", "reached"),
        (1, "abnormal", "2026-03-03", "reached"),
        (2, "abnormal", "2026-03-03", "reached"),
        (3, "yearly", "2025-12-31", "reached"),
        (4, "yearly", "2026-05-06", "not_reached"),
        (5, "yearly", "2026-05-06", "refused"),
        (22, "new_account", "2026-09-02", "reached"),  # no client of last year's
    ):
        assert called(firm, client_id, rule, day, result) == 1
    with firm.reading() as conn:
        found = call_backs.coverage(conn, 2026)

    assert (found.base.clients, found.done, found.required, found.needed) == (21, 2, 3, 1)
    assert found.by_rule == {"yearly": 1, "abnormal": 2}
    assert f"{found.share:.4f}" == "0.0952"


def test_of_nobody_no_tenth_is_wanted(firm: Database) -> None:
    with firm.reading() as conn:
        found = call_backs.coverage(conn, 2026)

    assert (found.share, found.needed, found.branches) == (0.0, 0, [])


# --- the draw ---------------------------------------------------------------------------------


def drawn(firm: Database) -> list[int]:
    query = select(call_back.c.client_id).where(call_back.c.rule == "yearly")
    with firm.reading() as conn:
        return sorted(conn.execute(query).scalars())


def lowest(seed: str, numbers: Iterable[int], count: int) -> Sequence[int]:
    """The draw by hand: the lowest tickets of the seed."""
    return sorted(heapq.nsmallest(count, numbers, key=lambda n: ticket(seed, f"{n:07}")))


def draw(firm: Database, share: str, seed: str = "2026-a", **more: Any) -> call_back_years.Draw:
    return call_backs.draw(firm, 2026, Fraction(share), seed, at=NOW, actor="wang.l", **more)


def test_a_draw_leaves_out_whoever_was_called_drawn_or_is_gone(firm: Database) -> None:
    clients(firm, *[{} for _ in range(50)])
    assert isinstance(take(firm), call_back_years.Base)
    with firm.begin() as tx:
        gone = client_table.c.id.in_([49, 50])
        tx.execute(update(client_table).where(gone).values(status="closed"))
    for client_id in (1, 2):
        called(firm, client_id, "yearly", "2026-03-02")
    left = range(3, 49)

    first = draw(firm, "0.12")

    assert (first.clients, first.called, first.waiting, first.drawn) == (50, 2, 0, 4)
    assert drawn(firm) == lowest("2026-a", left, 4)
    again = draw(firm, "0.12", "2026-b")
    assert (again.id, again.waiting, again.drawn) == (0, 4, 0)
    more = draw(firm, "0.2", "2026-b")
    rest = set(left) - set(drawn(firm)[:0]) - set(lowest("2026-a", left, 4))
    assert more.drawn == 4
    assert drawn(firm) == sorted([*lowest("2026-a", left, 4), *lowest("2026-b", rest, 4)])
    with firm.reading() as conn:
        kept = [(one.id, one.seed, one.actor) for one in call_back_years.draws(conn, 2026)]
    assert kept == [(1, "2026-a", "wang.l"), (2, "2026-b", "wang.l")]
    assert verify(firm).ok


def test_a_dry_run_draws_the_same_and_writes_nothing(firm: Database) -> None:
    clients(firm, *[{} for _ in range(30)])

    assert draw(firm, "0.1", dry_run=True).drawn == 3
    assert drawn(firm) == []
    assert draw(firm, "0.1").drawn == 3
    assert drawn(firm) == lowest("2026-a", range(1, 31), 3)


def test_whoever_was_drawn_is_due_until_any_call_of_the_year_reaches_them(firm: Database) -> None:
    clients(firm, *[{} for _ in range(20)])
    draw(firm, "0.1")
    first, second = drawn(firm)
    assert due(firm) == [
        ("2026-12-31", "yearly", first, False),
        ("2026-12-31", "yearly", second, False),
    ]

    flagged(firm, (first, "abnormal", "2026-09-29", ""))
    called(firm, first, "abnormal", "2026-09-30")
    called(firm, second, "yearly", "2026-03-02")  # made before the draw, put on record after it

    assert due(firm) == []
    with firm.reading() as conn:
        found = call_backs.coverage(conn, 2026)
    assert (found.done, found.waiting, found.needed) == (2, 0, 0)

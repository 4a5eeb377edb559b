"""Halts fired by a scheduler: each alert key once, after its digest window, whoever looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select

from outreach import ingest, plan
from outreach.core.run_values import RunValues
from outreach.feeds import calendar_file
from outreach.plan.fire_events import Fired
from outreach.project.definition import define
from outreach.project.load import Project, load_project
from outreach.store import calendars, runs
from outreach.store.database import Database, DatabaseProblem
from outreach.store.tables import book, halt_told, holding, run
from tests.fired_project import SHANGHAI
from tests.store import client_book

ROOT = Path(__file__).parents[1]
NAME = "suspension-alert"
HEADER = "market,symbol,name_zh,kind,halt_at,resume_at,resume_status,reason_text_raw\n"


def at(text: str) -> datetime:
    """Such as "09:30" on Thursday 24 September 2026, or "28 09:30" on another day of the month."""
    day, _, time = text.rpartition(" ")
    return datetime.fromisoformat(f"2026-09-{day or '24'}T{time}").replace(tzinfo=SHANGHAI)


@dataclass
class Market:
    """The shipped project with two clients, a snapshot of holdings, and halt files as they come."""

    database: Database
    folder: Path
    project: Project
    files: int = 0

    def halts(self, moment: str, *rows: str) -> None:
        """Take a file of the firm's own form in."""
        self.files += 1
        path = self.folder / f"halts-{self.files}.csv"
        path.write_text(HEADER + "".join(f"{one}\n" for one in rows), encoding="utf-8")
        desk = ingest.Desk(self.database, self.folder, "clerk", lambda: at(moment))
        done = ingest.import_halts(desk, path, as_of=at(moment))
        assert done.counts.rejected == 0, done

    def fire(self, moment: str, actor: str = "scheduler") -> list[Fired]:
        return plan.fire_due(self.database, self.project, at(moment), actor, [NAME])

    def outcomes(self) -> list[tuple[str, str, str]]:
        """(symbol, event, what was made of it) of every alert that is settled."""
        with self.database.reading() as conn:
            rows = conn.execute(select(halt_told).order_by(halt_told.c.id)).mappings().all()
        return [(one["halt_id"].split("-")[1], one["event"], one["outcome"]) for one in rows]

    def told(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """By run, the (symbol, event) it tells."""
        with self.database.reading() as conn:
            rows = conn.execute(select(run).order_by(run.c.id)).mappings().all()
        return [
            (one["occurrence"], [(a.symbol, a.event) for a in RunValues.load(one["values"]).alerts])
            for one in rows
        ]


@pytest.fixture
def market(database: Database, tmp_path: Path) -> Market:
    project, problems = load_project(ROOT / "config.toml")
    assert project is not None, problems
    shipped = calendar_file.shipped()
    with database.begin() as tx:
        calendars.save(
            tx, shipped.coverage, shipped.days, entered_by="clerk", entered_at=at("07:00")
        )
        client_book.add(tx, [client_book.row(1), client_book.row(2)])
        held = tx.execute(insert(book).values(
            kind="holdings", file="holdings.csv", digest="d" * 64, encoding="utf-8",
            as_of=at("23 18:00"), imported_at=at("23 18:00"), finished_at=at("23 18:00"),
        ).returning(book.c.id)).scalar_one()  # fmt: skip
        for client, symbol in ((1, "600519"), (2, "600519"), (2, "600000")):
            tx.execute(insert(holding).values(
                book_id=held, market="XSHG", symbol=symbol, client_id=client, quantity=100,
            ))  # fmt: skip
        digest = define(project, NAME).approval_digest
        runs.approve(tx, NAME, digest, "li.na", at("07:00"), action="approve", note="")
    return Market(database, tmp_path, project)


def row(symbol: str, begins: str, ends: str = "", kind: str = "continuous") -> str:
    status = "planned" if ends else "none"
    end = at(ends).isoformat() if ends else ""
    return f"XSHG,{symbol},示例,{kind},{at(begins).isoformat()},{end},{status},重大事项"


def said(fired: Sequence[Fired]) -> list[tuple[str | None, str]]:
    return [(one.key, one.outcome) for one in fired]


def test_an_alert_waits_for_others_and_goes_with_them(market: Market) -> None:
    market.halts("09:00", row("600519", "09:30"))
    assert said(market.fire("09:00")) == []
    market.halts("09:09", row("600519", "09:30"), row("600000", "09:30"))
    assert said(market.fire("09:09")) == []

    assert said(market.fire("09:10")) == [("2026-09-24", "opened")]
    assert market.told() == [("2026-09-24", [("600000", "halted"), ("600519", "halted")])]
    assert said(market.fire("09:30")) == []


def test_two_schedulers_tell_it_once(market: Market) -> None:
    market.halts("09:00", row("600519", "09:30"))
    fired = [*market.fire("09:10", "a"), *market.fire("09:10", "b"), *market.fire("09:11", "a")]

    assert said(fired) == [("2026-09-24", "opened")]
    assert len(market.told()) == 1


def test_a_scheduler_that_was_overtaken_writes_nothing(market: Market) -> None:
    market.halts("09:00", row("600519", "09:30"))
    definition = define(market.project, NAME)
    with market.database.reading() as conn:
        slow = plan.prepare(conn, definition, None, at("09:10"))
        assert isinstance(slow, plan.Due)
    market.fire("09:10")
    later = slow._replace(occurrence=slow.occurrence.__class__(
        "2026-09-24.2", slow.occurrence.due_at, slow.occurrence.expires_at
    ))  # fmt: skip

    with pytest.raises(plan.Overtaken):
        plan.open_run(market.database, later, "slow", at("09:11"))
    assert [key for key, _ in market.told()] == ["2026-09-24"]


def test_what_follows_is_a_run_of_its_own(market: Market) -> None:
    market.halts("09:00", row("600519", "09:30"))
    market.fire("09:10")
    market.halts("11:00", row("600519", "09:30", "28 09:30"))
    market.fire("11:10")
    market.halts("14:00", row("600519", "09:30", "29 09:30"))
    market.fire("14:10")

    assert [told for _, told in market.told()] == [
        [("600519", "halted")], [("600519", "resume_planned")], [("600519", "extended")],
    ]  # fmt: skip
    assert [key for key, _ in market.told()] == ["2026-09-24", "2026-09-24.2", "2026-09-24.3"]


def test_pauses_are_put_on_record_and_open_no_run(market: Market) -> None:
    for n in range(5):
        begins, ends = f"1{n}:00" if n != 2 else "13:30", f"1{n}:05" if n != 2 else "13:35"
        market.halts(begins, row("600519", begins, ends, "volatility"))
        assert said(market.fire((at(begins) + timedelta(minutes=1)).strftime("%H:%M"))) == []

    assert market.told() == []
    assert {outcome for _, _, outcome in market.outcomes()} == {"too_short"}
    assert len(market.outcomes()) == 5


def test_of_two_schedulers_that_leave_an_alert_alone_one_waits_for_the_other(
    market: Market,
) -> None:
    """On SQLite the second does not even begin to write."""
    if market.database.sqlite:
        return
    market.halts("10:00", row("600519", "10:00", "10:05", "volatility"))
    other = Database(market.database.url.render_as_string(hide_password=False))
    asked: list[str] = []
    event.listen(other.write_engine, "begin", _impatient)

    @event.listens_for(market.database.write_engine, "after_cursor_execute")
    def _meanwhile(_conn: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("SELECT halt_told.halt_id, halt_told.version") and not asked:
            asked.append(statement)
            with pytest.raises(DatabaseProblem, match="lock timeout"):
                plan.fire_due(other, market.project, at("10:01"), "b", [NAME])

    assert said(market.fire("10:01", "a")) == []
    assert asked
    assert market.outcomes() == [("600519", "halted", "too_short")]
    other.close()


def _impatient(conn: Connection) -> None:
    conn.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")


def test_an_alert_that_nobody_approved_in_time_is_stale_and_on_record(market: Market) -> None:
    with market.database.begin() as tx:
        digest = define(market.project, NAME).approval_digest
        runs.approve(tx, NAME, digest, "li.na", at("08:00"), action="revoke", note="")
    market.halts("09:00", row("600519", "09:30"))
    assert said(market.fire("09:10")) == [("2026-09-24", "blocked")]

    assert said(market.fire("28 14:59")) == [("2026-09-28", "blocked")]
    assert said(market.fire("28 15:00")) == []
    assert market.outcomes() == [("600519", "halted", "stale")]


@pytest.mark.parametrize(
    ("ends", "last"),
    [
        pytest.param(
            "2026-10-23T09:30:00+08:00", "10月22日(星期四)", id="at an opening: the day before"
        ),
        pytest.param(
            "2026-10-08T09:30:00+08:00", "9月30日(星期三)", id="after a closure: before it"
        ),
        pytest.param("2026-10-22T15:00:00+08:00", "10月22日(星期四)", id="at a close: that day"),
    ],
)
def test_the_last_day_of_a_delisting_period_is_the_last_session_in_it(
    market: Market, ends: str, last: str
) -> None:
    begins = at("09:30").isoformat()
    market.halts("09:00", f"XSHG,600519,示例,delisting_period,{begins},{ends},planned,退市")
    market.fire("09:10")

    with market.database.reading() as conn:
        values = RunValues.load(conn.execute(select(run.c["values"])).scalar_one())
    (line,) = values.securities.values()
    assert (line["zh-CN"]["event"], line["zh-CN"]["last_day"]) == ("delisting", last)


def test_a_run_by_hand_puts_on_record_what_it_passes_over(market: Market) -> None:
    market.halts("09:00", row("600519", "10:00", "10:10"))
    plan.settle(market.database, define(market.project, NAME), at("09:05"))

    assert market.outcomes() == [("600519", "halted", "too_short")]

"""Halts over time and over feeds: one fact is one halt, one version and one alert."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.halt_versions import Change, Known, compare
from outreach.core.halts import Statement

SHANGHAI, EASTERN = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
Told = list[tuple[str, int, str | None]]


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=zone)


def szse(halt_at: str, resume_at: str = "", **more: Any) -> Statement:
    said = Statement(
        1, "szse", "XSHE", "300096", "ST易联众", resume_status="planned" if resume_at else "none",
        reason_text_raw="重大事项", reason_family="重大事项",
    )._replace(**more)  # fmt: skip
    zone = EASTERN if said.market == "XNAS" else SHANGHAI
    return said._replace(
        halt_at=at(halt_at, zone) if halt_at else None,
        resume_at=at(resume_at, zone) if resume_at else None,
    )


def nasdaq(halt_at: str, resume_at: str = "", **more: Any) -> Statement:
    fields = {"source": "nasdaq", "market": "XNAS", "symbol": "SMPL", "reason_code_raw": "T1"}
    said = {"reason_text_raw": "News pending", "reason_family": "news pending"}
    return szse(halt_at, resume_at, **{**fields, **said, **more})


def days(halt_at: str, resume_at: str = "", **more: Any) -> Statement:
    fields = {"source": "tushare", "name_zh": "", "reason_text_raw": None, "reason_family": None}
    return szse(halt_at, resume_at, **{**fields, **more})


def nyse(halt_at: str, resume_at: str = "", **more: Any) -> Statement:
    fields = {"source": "nyse", "market": "XNAS", "symbol": "SMPL"}
    said = {"reason_text_raw": "Halt - News", "reason_family": None}
    return szse(halt_at, resume_at, **{**fields, **said, **more})


class Book:
    """What is known, as files come in."""

    def __init__(self) -> None:
        self.known: list[Known] = []

    def take(self, as_of: str | datetime, *statements: Statement) -> list[Change]:
        moment = at(as_of) if isinstance(as_of, str) else as_of
        done = compare(self.known, statements, moment)
        assert len(done.changes) + done.unchanged + len(done.refused) >= len(statements)
        self.known += [Known(change.halt, moment) for change in done.changes]
        return done.changes

    def latest(self) -> dict[str, Known]:
        newest = sorted(self.known, key=lambda one: one.halt.version or 0)
        return {one.halt.halt_id: one for one in newest}

    def intervals(self) -> set[tuple[Any, ...]]:
        return {
            (h.market, h.symbol, h.halt_at, h.resume_at, h.resume_status)
            for h in (one.halt for one in self.latest().values())
        }


def told(changes: list[Change]) -> Told:
    return [(one.halt.halt_id[-10:], one.halt.version or 0, one.event) for one in changes]


OPEN = szse("09-24 09:30")
# Fifteen sessions from 14 September 2026; on 13 October it is off the market.
PERIOD = szse("09-14 09:30", "10-13 09:30", source="file", kind="delisting_period")
CASES: dict[str, list[tuple[str, list[Statement], Told]]] = {
    "a halt, its extension, and its end": [
        ("09-24 08:00", [szse("09-24 09:30", "09-28 09:30")], [("20260924-1", 1, "halted")]),
        ("09-25 08:00", [szse("09-24 09:30", "09-29 09:30")], [("20260924-1", 2, "extended")]),
        ("09-26 08:00", [szse("09-24 09:30")], [("20260924-1", 3, "extended")]),
        ("09-27 08:00", [szse("09-24 09:30", "09-30 09:30")],
         [("20260924-1", 4, "resume_planned")]),
        ("09-30 10:00", [szse("09-24 09:30", "09-30 09:30", resume_status="confirmed")],
         [("20260924-1", 5, "resumed")]),
    ],
    "a row without a beginning ends the halt that was on": [
        ("09-24 08:00", [OPEN], [("20260924-1", 1, "halted")]),
        ("09-28 10:00", [szse("", "09-28 09:30", resume_status="confirmed")],
         [("20260924-1", 2, "resumed")]),
        ("09-28 11:00", [szse("", "09-28 09:30", resume_status="confirmed")], []),
    ],
    "both in one file, the end above the beginning": [
        ("09-28 10:00", [szse("", "09-28 09:30", resume_status="confirmed"), OPEN],
         [("20260924-1", 1, "halted"), ("20260924-1", 2, "resumed")]),
    ],
    "a reason is corrected": [
        ("09-24 08:00", [OPEN], [("20260924-1", 1, "halted")]),
        ("09-24 09:00", [OPEN._replace(reason_text_raw="澄清公告", reason_family="澄清公告")],
         [("20260924-1", 2, "corrected")]),
    ],
    "a name changes while trading is halted, which is nothing to tell": [
        ("09-24 08:00", [OPEN], [("20260924-1", 1, "halted")]),
        ("09-25 08:00", [OPEN._replace(name_zh="易联众")], [("20260924-1", 2, None)]),
    ],
    "a file without the halt is no resumption": [
        ("09-24 08:00", [OPEN], [("20260924-1", 1, "halted")]),
        ("09-28 08:00", [szse("09-28 09:30", symbol="000016")], [("20260928-1", 1, "halted")]),
        ("09-29 08:00", [], []),
    ],
    "resumed, then halted again the same day": [
        ("09-24 11:00", [szse("09-24 09:30", "09-24 10:30", resume_status="confirmed")],
         [("20260924-1", 1, "resumed")]),
        ("09-24 13:10", [szse("09-24 13:00")], [("20260924-2", 1, "halted")]),
    ],
    "a feed that lists day after day": [
        ("09-23 08:00", [szse("09-23 09:30", "09-24 09:30")], [("20260923-1", 1, "halted")]),
        ("09-24 08:00", [szse("09-24 09:30", "09-28 09:30")], [("20260923-1", 2, "extended")]),
        ("09-24 08:00", [szse("09-24 09:30", "09-28 09:30")], []),
        ("09-25 08:00", [szse("09-23 09:30", "09-24 09:30"), szse("09-24 09:30", "09-28 09:30")],
         []),
    ],
    "halted until its delisting period, which is told once, and whose end is nothing to tell": [
        ("09-10 08:00", [PERIOD._replace(kind="continuous", halt_at=at("09-11 09:30"),
                                         resume_at=at("09-14 09:30"))],
         [("20260911-1", 1, "halted")]),
        ("09-11 08:00", [PERIOD], [("20260914-1", 1, "delisting")]),
        ("09-14 08:00", [PERIOD], []),
        ("09-14 10:00", [PERIOD._replace(kind="continuous", halt_at=at("09-11 09:30"),
                                         resume_at=at("09-14 09:30"), resume_status="confirmed")],
         [("20260911-1", 2, "resumed")]),
        ("10-14 08:00", [PERIOD._replace(resume_status="confirmed")], [("20260914-1", 2, None)]),
    ],
    "the delisting period ends on another day": [
        ("09-11 08:00", [PERIOD], [("20260914-1", 1, "delisting")]),
        ("09-15 08:00", [PERIOD._replace(resume_at=at("10-15 09:30"))],
         [("20260914-1", 2, "corrected")]),
        ("09-16 08:00", [PERIOD._replace(resume_at=at("10-15 09:30"), resume_status="cancelled")],
         [("20260914-1", 3, "cancelled")]),
    ],
    "a delisting period heard of when it is over": [
        ("10-14 08:00", [PERIOD._replace(resume_status="confirmed")], [("20260914-1", 1, None)]),
    ],
    "a table of days tells one halt, by one file or by a file a day": [
        ("09-22 18:00", [days("09-22 09:30")], [("20260922-1", 1, "halted")]),
        ("09-23 18:00", [days("09-22 09:30"), days("09-23 09:30")], []),
        ("09-24 18:00", [days("09-24 09:30")], []),
        # Of the 28th nothing is said, of the 29th again that it is halted: it never resumed.
        ("09-29 18:00", [days("09-29 09:30")], []),
        ("09-30 18:00", [days("", "09-30 09:30", resume_status="confirmed")],
         [("20260922-1", 2, "resumed")]),
        ("09-30 19:00", [days("09-29 09:30")], []),
        ("10-08 18:00", [days("10-08 09:30")], [("20261008-1", 1, "halted")]),
    ],
    "a whole table of days at once": [
        ("09-30 18:00",
         [days("09-22 09:30", "09-24 09:30", resume_status="confirmed"),
          days("09-23 09:30", "09-24 09:30", resume_status="confirmed"),
          days("", "09-24 09:30", resume_status="confirmed"), days("09-29 09:30")],
         [("20260922-1", 1, "resumed"), ("20260929-1", 1, "halted")]),
    ],
    "a table of days says no more than what the exchange said already": [
        ("09-22 08:00", [szse("09-22 09:30", "09-24 09:30")], [("20260922-1", 1, "halted")]),
        ("09-23 18:00", [days("09-22 09:30"), days("09-23 09:30")], []),
        ("09-24 18:00", [days("", "09-24 09:30", resume_status="confirmed")],
         [("20260922-1", 2, "resumed")]),
    ],
    "struck out": [
        ("08-07 22:00", [nasdaq("08-07 09:45:12")], [("20260807-1", 1, "halted")]),
        ("08-07 23:00", [nasdaq("08-07 09:45:12", resume_status="cancelled")],
         [("20260807-1", 2, "cancelled")]),
    ],
    "Nasdaq and NYSE tell one halt, seconds apart": [
        ("08-07 22:00", [nasdaq("08-07 09:45:12")], [("20260807-1", 1, "halted")]),
        ("08-07 22:10", [nyse("08-07 09:45:14")], []),
        ("08-07 22:20", [nyse("08-07 09:45:14", "08-07 11:00")],
         [("20260807-1", 2, "resume_planned")]),
        ("08-07 22:30", [nasdaq("08-07 09:45:12")], []),
    ],
    "the other way round, with a correction by the market's own feed": [
        ("08-07 22:00", [nyse("08-07 09:45:14")], [("20260807-1", 1, "halted")]),
        ("08-07 22:10", [nasdaq("08-07 09:45:12")], [("20260807-1", 2, None)]),
        ("08-07 22:20", [nyse("08-07 09:45:14")], []),
        ("08-07 22:30", [nasdaq("08-07 09:45:12", reason_code_raw="H10", reason_text_raw="SEC",
                                reason_family="regulatory concern")],
         [("20260807-1", 3, "corrected")]),
    ],
    "news pending, then news released, is one story": [
        ("08-07 22:00", [nasdaq("08-07 09:45:12")], [("20260807-1", 1, "halted")]),
        ("08-07 22:10", [nasdaq("08-07 09:45:12", reason_code_raw="T2")],
         [("20260807-1", 2, None)]),
    ],
    "a table of days meets the halt that began at 13:00": [
        ("09-24 14:00", [szse("09-24 13:00")], [("20260924-1", 1, "halted")]),
        ("09-24 15:00", [szse("09-24 09:30", "09-28 09:30", source="eastmoney")],
         [("20260924-1", 2, "resume_planned")]),
        ("09-24 16:00", [szse("09-24 13:00")], []),
        ("09-25 08:00", [szse("09-24 13:00", "09-29 09:30")], [("20260924-1", 3, "extended")]),
        ("09-25 09:00", [szse("09-24 09:30", "09-28 09:30", source="eastmoney")], []),
    ],
    "the table of days comes first": [
        ("09-24 14:00", [szse("09-24 09:30", source="eastmoney")], [("20260924-1", 1, "halted")]),
        ("09-24 15:00", [szse("09-24 13:00")], [("20260924-1", 2, "corrected")]),
        ("09-24 16:00", [szse("09-24 13:00")], []),
    ],
    "an older file that comes late turns nothing back": [
        ("09-25 08:00", [szse("09-24 09:30", "09-29 09:30")], [("20260924-1", 1, "halted")]),
        ("09-24 08:00", [szse("09-24 09:30", "09-28 09:30")], []),
        ("09-24 08:00", [szse("09-24 09:30")], []),
    ],
    "an older file that comes late brings no withdrawn plan back": [
        ("09-25 08:00", [szse("09-24 09:30")], [("20260924-1", 1, "halted")]),
        ("09-24 08:00", [szse("09-24 09:30", "09-28 09:30")], []),
    ],
    "two files of one moment do not undo each other when they are read again": [
        ("09-24 08:00", [szse("09-24 09:30", "09-28 09:30")], [("20260924-1", 1, "halted")]),
        ("09-24 08:00", [szse("09-24 09:30", "09-29 09:30")], [("20260924-1", 2, "extended")]),
        ("09-24 08:00", [szse("09-24 09:30", "09-28 09:30")], []),
        ("09-24 08:00", [szse("09-24 09:30", "09-29 09:30")], []),
    ],
    "the row comes twice, first without its end": [
        ("08-07 22:00", [nyse("08-07 09:45:12"), nyse("08-07 09:45:12", "08-07 10:00")],
         [("20260807-1", 1, "halted")]),
    ],
    "five volatility pauses in a day are five halts": [
        ("08-07 22:00",
         [nasdaq(f"08-07 10:{10 * n}:00", f"08-07 10:{10 * n + 5}:00") for n in range(1, 6)],
         [(f"20260807-{n}", 1, "halted") for n in range(1, 6)]),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_told(name: str) -> None:
    book = Book()
    for as_of, statements, expected in CASES[name]:
        assert told(book.take(as_of, *statements)) == expected


def test_an_end_without_a_halt_is_refused_with_its_line() -> None:
    done = compare([], [szse("", "09-28 09:30")._replace(line=7)], at("09-28 10:00"))

    assert [(one.line, one.column) for one in done.refused] == [(7, "halt_at")]
    assert "no halt of 300096.XSHE is known" in done.refused[0].bad.wrong


def test_a_code_in_two_markets_is_two_securities() -> None:
    book = Book()
    book.take("09-24 08:00", szse("09-24 09:30", symbol="000001"))
    book.take("09-24 08:00", szse("09-24 09:30", symbol="000001", market="XSHG", source="sse"))

    assert sorted(book.latest()) == ["XSHE-000001-20260924-1", "XSHG-000001-20260924-1"]


def test_another_quotation_time_is_a_version_and_nothing_to_tell() -> None:
    book = Book()
    quote = at("08-07 10:30", EASTERN)
    book.take("08-07 22:00", nasdaq("08-07 09:45:12", source_row_sha256="a" * 64))
    (second,) = book.take("08-07 22:10", nasdaq("08-07 09:45:12", resume_quote_at=quote))
    third = book.take("08-07 22:20", nyse("08-07 09:45:14", "08-07 10:35"))

    assert (second.event, second.halt.resume_quote_at) == (None, quote)
    assert [(one.event, one.halt.resume_quote_at) for one in third] == [("resume_planned", quote)]


def test_the_row_alone_makes_no_version() -> None:
    book = Book()
    book.take("09-24 08:00", OPEN._replace(source_row_sha256="a" * 64))

    assert book.take("09-24 09:00", OPEN._replace(source_row_sha256="b" * 64)) == []


def test_alert_keys_and_what_a_version_takes_the_place_of() -> None:
    book = Book()
    (first,) = book.take("09-24 08:00", OPEN)
    (second,) = book.take("09-25 08:00", szse("09-24 09:30", "09-28 09:30"))

    assert (first.supersedes, second.supersedes) == (None, 1)
    assert second.key == ("XSHE-300096-20260924-1", 2, "resume_planned")


# --- whatever the facts ----------------------------------------------------------------------

OPENINGS = [at(f"09-{day} 09:30").astimezone(UTC) for day in (21, 22, 23, 24, 28, 29, 30)]


@st.composite
def facts(draw: st.DrawFn) -> list[Statement]:
    """Halts of up to three securities, one after the other, each with an end or the last open."""
    rows: list[Statement] = []
    for symbol in draw(st.sets(st.sampled_from(["000016", "300096", "002999"]), min_size=1)):
        days = sorted(draw(st.sets(st.sampled_from(range(len(OPENINGS))), min_size=1, max_size=6)))
        for place in range(0, len(days), 2):
            begins = OPENINGS[days[place]]
            ends = OPENINGS[days[place + 1]] if place + 1 < len(days) else None
            rows.append(
                Statement(
                    len(rows) + 1, "szse", "XSHE", symbol, "示例", halt_at=begins, resume_at=ends,
                    resume_status="planned" if ends else "none",
                    reason_text_raw=draw(st.sampled_from(["重大事项", "澄清公告"])),
                )
            )  # fmt: skip
    return draw(st.permutations(rows))


def retold(rows: list[Statement], source: str) -> list[Statement]:
    """The same facts as another feed has them, in its own words."""
    return [row._replace(source=source, reason_text_raw="停牌", name_zh="例") for row in rows]


@settings(max_examples=60, deadline=None)
@given(facts(), st.integers(0, 48))
def test_the_same_file_again_changes_nothing(rows: list[Statement], hours: int) -> None:
    book, as_of = Book(), at("09-24 08:00")
    book.take(as_of, *rows)
    before = list(book.known)

    assert book.take(as_of + timedelta(hours=hours), *rows) == []
    assert book.known == before


@settings(max_examples=60, deadline=None)
@given(
    facts(),
    st.sampled_from([("szse", "eastmoney"), ("szse", "jydb"), ("jydb", "eastmoney")]),
    st.integers(-5, 5),
)
def test_the_order_of_two_feeds_with_the_same_facts_does_not_matter(
    rows: list[Statement], feeds: tuple[str, str], hours: int
) -> None:
    one, other = retold(rows, feeds[0]), retold(rows, feeds[1])
    forth, back, first = Book(), Book(), at("09-24 08:00")
    second = first + timedelta(hours=hours)
    events = [c.event for c in (*forth.take(first, *one), *forth.take(second, *other))]
    again = [c.event for c in (*back.take(second, *other), *back.take(first, *one))]

    assert forth.intervals() == back.intervals()
    assert [e for e in events if e] == [e for e in again if e]

"""A table of days says the same whether it comes as one file or as a file a day."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outreach.core.halt_versions import Known, compare
from tests.feeds.halts.halt_files import CALENDARS, parsed, written

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAYS = CALENDARS["CN_A"].sessions(date(2026, 9, 14), date(2026, 10, 16))
HEADER = "ts_code,trade_date,suspend_timing,suspend_type"

Row = tuple[int, str, str]  # the session, the code, S or R


def after_close(day: int) -> datetime:
    return datetime.combine(DAYS[day], time(18), SHANGHAI).astimezone(UTC)


@st.composite
def halts(draw: st.DrawFn) -> list[Row]:
    """Days on which up to two securities are halted, some of them missing from the table; the last
    halt of each may go on."""
    rows: list[Row] = []
    for code in draw(st.sets(st.sampled_from(["300096.SZ", "600519.SH"]), min_size=1)):
        edges = sorted(draw(st.sets(st.sampled_from(range(len(DAYS))), min_size=1, max_size=5)))
        for place in range(0, len(edges), 2):
            ended = place + 1 < len(edges)
            last = edges[place + 1] if ended else len(DAYS)
            silent = draw(st.sets(st.sampled_from(range(len(DAYS)))))
            halted = [day for day in range(edges[place], last) if day not in silent]
            rows += [(day, code, "S") for day in sorted({edges[place], *halted})]
            rows += [(last, code, "R")] if ended else []
    return rows


def told(folder: Path, files: list[tuple[int, list[Row]]]) -> set[tuple[object, ...]]:
    """The halts that files come to, each as of the evening of a session."""
    known: list[Known] = []
    for day, rows in files:
        lines = [f"{code},{DAYS[at]:%Y%m%d},,{type_}" for at, code, type_ in rows]
        file = written(folder, "a.csv", "\n".join([HEADER, *lines]) + "\n")
        as_of = after_close(day)
        done = compare(known, parsed(file, as_of=as_of).statements, as_of)
        assert done.refused == []
        known += [Known(change.halt, as_of) for change in done.changes]
    newest = {one.halt.halt_id: one.halt for one in known}
    return {(h.symbol, h.halt_at, h.resume_at, h.resume_status) for h in newest.values()}


@settings(
    max_examples=40, deadline=timedelta(seconds=5),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(halts())
def test_one_file_and_a_file_a_day_come_to_the_same_halts(tmp_path: Path, rows: list[Row]) -> None:
    last = len(DAYS) - 1
    daily = [(day, [row for row in rows if row[0] == day]) for day in range(len(DAYS))]
    once = told(tmp_path, [(last, rows)])

    assert told(tmp_path, [one for one in daily if one[1]]) == once
    assert told(tmp_path, [(last, rows), (last, rows)]) == once
    opens = {at for _, at, _, _ in once}
    first = min((day for day, _, _ in rows), default=0)
    assert datetime.combine(DAYS[first], time(9, 30), SHANGHAI) in opens

"""`outreach calendar`: import trading calendars, and show a year of one."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from outreach.cli import calendar_diff, calendar_overrides
from outreach.cli.door import BAD_DATA, PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import console, emit_json, next_step, say, table

if TYPE_CHECKING:
    from outreach.core.market import CalendarDay, Coverage, Settlement
    from outreach.core.trading_calendar import TradingCalendar
    from outreach.store.calendars import Saved

    Given = tuple[list[Coverage], list[CalendarDay]]

app = typer.Typer(no_args_is_help=True, help="Trading calendars: import them, show a year.")
app.command("diff")(calendar_diff.diff)
app.command("override")(calendar_overrides.override)
app.command("approve-override")(calendar_overrides.approve_override)
app.command("withdraw-override")(calendar_overrides.withdraw_override)
app.command("overrides")(calendar_overrides.overrides)


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(help="A calendar file (CSV). Without one: the calendars we ship."),
    ] = None,
    source: Annotated[
        Literal["exchange_calendars"] | None, typer.Option("--from", help="A library instead.")
    ] = None,
    market: Annotated[str, typer.Option(help="With --from: HK, US or UK.")] = "",
    years: Annotated[str, typer.Option(help="With --from: 2026 or 2026-2027.")] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Overrule official data stored earlier.")
    ] = False,
    actor: Annotated[str, typer.Option("--as", help="Who enters it.")] = "",
) -> None:
    """Store what an exchange announced. Repeating it is harmless; a contradiction is refused."""
    door: Door = context.obj
    if source and file:
        raise Failure(USAGE, "name a file or --from, not both")
    if (market or years) and not source:
        raise Failure(USAGE, "--market and --years go with --from exchange_calendars")
    paid: list[Settlement] = []
    if source:
        given = _from_library(door, market, years)
    else:
        given, paid = _from_file(file)
    who = actor or door.actor
    contradicted = [] if replace else _settled_otherwise(door, paid)
    saved = save(door, given, who, replace) if not contradicted else None
    if saved is None or saved.conflicts:
        what = "the import contradicts official data; add --replace to overrule them"
        raise Failure(PROBLEMS, [*(saved.conflicts if saved else contradicted), what])
    _report(door, given, saved, _save_settlements(door, paid, who))


def import_shipped(door: Door) -> None:
    """Store the calendars that come with the program. A year somebody has entered otherwise stays
    as it is."""
    (coverage, days), paid = _from_file(None)
    for span in coverage:
        mine = [day for day in days if day.market == span.market]
        here = [day for day in mine if span.from_on <= day.on <= span.to_on]
        save(door, ([span], here), door.actor, False)
    if not _settled_otherwise(door, paid):
        _save_settlements(door, paid, door.actor)


def save(door: Door, given: "Given", actor: str, replace: bool) -> "Saved":
    """Store coverage and days in one transaction."""
    from outreach.store import calendars

    coverage, days = given
    with door.database.begin() as tx:
        return calendars.save(
            tx, coverage, days, entered_by=actor, entered_at=door.now(), replace=replace
        )


def _settled_otherwise(door: Door, paid: "list[Settlement]") -> list[str]:
    from outreach.store import settlements

    with door.database.reading() as conn:
        return settlements.contradictions(conn, paid)


def _save_settlements(door: Door, paid: "list[Settlement]", actor: str) -> int:
    from outreach.store import settlements

    if not paid:
        return 0
    with door.database.begin() as tx:
        return settlements.save(tx, paid, entered_by=actor, entered_at=door.now())


def _from_file(file: Path | None) -> "tuple[Given, list[Settlement]]":
    from outreach.feeds import calendar_file

    if file is None:
        found = calendar_file.shipped()
    else:
        try:
            found = calendar_file.parse(str(file), file.read_bytes())
        except OSError as error:
            raise Failure(BAD_DATA, f"{file}: cannot be read: {error.strerror}") from None
    if found.problems:
        raise Failure(PROBLEMS, [str(problem) for problem in found.problems])
    return (list(found.coverage), list(found.days)), list(found.settlements)


def _from_library(door: Door, market: str, years: str) -> "Given":
    """Years beyond the next are the library's arithmetic, so they are stored as provisional."""
    from outreach.feeds.exchange_calendars import CalendarSourceProblem, calendar_days

    first, last = _years(years)
    announced = door.now().year + 1
    coverage, days = [], []
    try:
        for year in range(first, last + 1):
            status: Literal["official", "provisional"] = (
                "official" if year <= announced else "provisional"
            )
            span, found = calendar_days(market, year, year, status)
            coverage.append(span)
            days += found
    except CalendarSourceProblem as error:
        raise Failure(BAD_DATA, str(error)) from None
    return coverage, days


def _years(written: str) -> tuple[int, int]:
    first, _, last = written.partition("-")
    if not (first.isdigit() and (last or first).isdigit()):
        raise Failure(USAGE, f"--years {written!r}: write a year or two, such as 2026 or 2026-2027")
    span = int(first), int(last or first)
    if not (1990 <= span[0] <= span[1] <= span[0] + 20):
        raise Failure(USAGE, f"--years {written!r}: write at most 20 years, the earlier first")
    return span


def _report(door: Door, given: "Given", saved: "Saved", paid: int) -> None:
    coverage, _ = given
    rows = [
        {
            "market": span.market,
            "from_on": span.from_on,
            "to_on": span.to_on,
            "status": span.status,
            "source_ref": span.source_ref,
        }
        for span in coverage
    ]
    if door.json:
        counts = {
            "added": saved.added,
            "changed": saved.changed,
            "removed": saved.removed,
            "unchanged": saved.unchanged,
            "settlements": paid,
        }
        emit_json({**counts, "coverage": rows})
        return
    if rows:
        console().print(table("", list(rows[0]), [list(row.values()) for row in rows]))
    say(
        door,
        f"{saved.added} days added, {saved.changed} changed, {saved.removed} removed,"
        f" {saved.unchanged} unchanged; {paid} settlement days stored.",
    )
    if not coverage:
        return
    last = coverage[-1]
    forecast = " --provisional" if last.status == "provisional" else ""
    next_step(door, f"outreach calendar show {last.to_on.year} {last.market}{forecast}")


@app.command()
def show(
    context: typer.Context,
    year: Annotated[int, typer.Argument(help="The year.", min=1990, max=2100)],
    market: Annotated[str, typer.Argument(help="CN_A, HK, US, UK, SB or NB.")] = "CN_A",
    provisional: Annotated[
        bool, typer.Option("--provisional", help="Show forecast days as well.")
    ] = False,
) -> None:
    """Show a year: sessions, closures, half days and make-up working days."""
    from outreach.core.market import MARKETS
    from outreach.store import calendars

    door: Door = context.obj
    if market not in MARKETS:
        raise Failure(USAGE, f"{market} is not a known market; write one of {', '.join(MARKETS)}")
    with door.database.reading() as conn:
        calendar = calendars.load(conn, market)
    calendar = calendar.with_provisional() if provisional else calendar
    first, last = date(year, 1, 1), date(year, 12, 31)
    days = [day for day in _each(first, last) if calendar.covers(day)]
    if not days:
        calendar.is_session(first)  # raises, with what to import
    if door.json:
        emit_json([_row(calendar, day) for day in days])
        return
    _print_year(calendar, days, door.config.language)


def _each(first: date, last: date) -> Iterator[date]:
    for step in range((last - first).days + 1):
        yield first + timedelta(days=step)


def _row(calendar: "TradingCalendar", on: date) -> dict[str, Any]:
    row = calendar.day(on)
    session = calendar.is_session(on)
    hours = calendar.hours(on) if session else None
    return {
        "market": calendar.market,
        "on": on,
        "session": session,
        "kind": row.kind if row else None,
        "working_day": calendar.is_working_day(on) if calendar.market not in ("SB", "NB") else None,
        "settles_on": calendar.settlement_day(on) if session else None,
        "opens": hours.opens.isoformat("minutes") if hours else None,
        "closes": hours.closes.isoformat("minutes") if hours else None,
        "name_zh": row.name_zh if row else None,
        "name_en": row.name_en if row else None,
        "source_ref": row.source_ref if row else None,
    }


def _print_year(calendar: "TradingCalendar", days: list[date], language: str) -> None:
    out = console()
    sessions = sum(calendar.is_session(day) for day in days)
    out.print(f"{calendar.market}: {sessions} sessions from {days[0]} to {days[-1]}")
    out.print("  * shut for a holiday   w make-up working day, shut   h half day   l late opening")
    for quarter in range(4):
        grids = [_month(calendar, days, 3 * quarter + n) for n in (1, 2, 3)]
        out.print()
        for parts in zip(*grids, strict=True):
            out.print("   ".join(parts).rstrip(), markup=False)
    out.print(table("", _CLOSURE_COLUMNS, _closure_rows(calendar, days, language)))


_BLANK = "   "
_WEEKDAYS = "Mo Tu We Th Fr Sa Su "
_MARKS = {"closed": "*", "workday": "w", "half": "h", "late_open": "l", "open": "+"}
_CLOSURE_COLUMNS = ("holiday", "closed from", "to", "last session", "reopens", "also shut")


def _month(calendar: "TradingCalendar", days: list[date], month: int) -> list[str]:
    """Eight lines of equal width: the title, the weekdays, and up to six weeks from Monday."""
    here = [day for day in days if day.month == month]
    first = date(days[0].year, month, 1)
    before = first.weekday() + (here[0].day - 1 if here else 0)
    cells = [_BLANK] * before + [_cell(calendar, day) for day in here]
    cells += [_BLANK] * (6 * 7 - len(cells))
    weeks = ["".join(cells[week : week + 7]) for week in range(0, 6 * 7, 7)]
    return [f"{first:%Y-%m}".ljust(len(_WEEKDAYS)), _WEEKDAYS, *weeks]


def _cell(calendar: "TradingCalendar", on: date) -> str:
    row = calendar.day(on)
    if row is None:
        return f"{on.day:2} " if calendar.is_session(on) else " · "
    return f"{on.day:2}{_MARKS[row.kind]}"


def _closure_rows(
    calendar: "TradingCalendar", days: list[date], language: str
) -> Iterator[tuple[Any, ...]]:
    for closure in calendar.closures(days[0], days[-1]):
        yield (
            closure.holiday.in_(language),
            closure.close_from,
            closure.close_to,
            closure.last_session,
            closure.reopen,
            " ".join(day.isoformat() for day in closure.weekend_closed),
        )

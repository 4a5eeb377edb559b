"""The departments of config.toml as ways to hand a case over, with their secrets."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from outreach.cli.door import Door

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from outreach.project.config import Config
    from outreach.project.load import Project
    from outreach.survey import HandOver

DEFAULT_DAYS: Final = 3  # working days, of a department that is no longer in config.toml
# A case that nobody even tried to hand over for so long: nothing runs `serve` or `survey forward`.
FORGOTTEN: Final = timedelta(hours=1)


def departments(door: Door) -> "tuple[dict[str, HandOver], list[str]]":
    """The departments of config.toml that can be called, and why the others cannot: a webhook needs
    a secret, since an unsigned case could be anybody's."""
    ways: dict[str, HandOver] = {}
    problems: list[str] = []
    for name, one in door.config.departments.items():
        way = _opened(door, name, one)
        if isinstance(way, str):
            problems.append(way)
        else:
            ways[name] = way
    return ways, problems


def _opened(door: Door, name: str, department: Any) -> "HandOver | str":
    from outreach.channels.department import Folder, Lines, Webhook
    from outreach.core.standard_webhooks import check_secret
    from outreach.project.secrets import SecretProblem, secret, variable_of

    if department.kind == "file":
        path = door.root / department.path
        return Folder(path) if department.path.endswith("/") else Lines(path)
    owner = f"department-{name}"
    try:
        given = secret(owner)
    except SecretProblem as error:
        return f"departments.{name}: {error}"
    if not given:
        wrong = f"departments.{name}: its webhook has no secret to sign with"
        return f"{wrong}; set {variable_of(owner)}, or {variable_of(owner)}_FILE"
    if wrong := check_secret(given):
        return f"{variable_of(owner)}: {wrong}; copy it again from the department"
    return Webhook(department.url, given, department.timeout)


def days_of(config: "Config", name: str) -> int:
    """The working days a department has for a case."""
    known = config.departments.get(name)
    return known.answer_within_days if known else DEFAULT_DAYS


def working_days(config: "Config", conn: "Connection") -> "Callable[[date], bool]":
    """Whether the firm's staff work on a day: by its market's calendar, make-up days included;
    beyond that, Monday to Friday."""
    from outreach.core.trading_calendar import CalendarCoverageError
    from outreach.store import calendars

    sides = {"SB": "CN_A", "NB": "CN_A"}  # Stock Connect has no staff of its own
    market = config.firm.market
    calendar = calendars.load(conn, sides.get(market, market)).with_provisional()

    def works(day: date) -> bool:
        try:
            return calendar.is_working_day(day)
        except CalendarCoverageError:
            return day.weekday() < 5

    return works


class Seen(NamedTuple):
    """One finding, in the order in which `doctor` takes it."""

    level: Literal["ok", "warning"]
    says: str
    write: str = ""


def department_findings(conn: "Connection", project: "Project", now: datetime) -> Iterator[Seen]:
    """Webhooks without a secret, cases that no department has, and those that are overdue."""
    from outreach.core.follow_up import Delivery, due_on, overdue, standing
    from outreach.project.secrets import SecretProblem, secret, variable_of
    from outreach.store import follow_ups

    config, fine = project.config, True
    for name, one in config.departments.items():
        try:
            signed = one.kind == "file" or bool(secret(f"department-{name}"))
        except SecretProblem:
            signed = False
        if not signed:
            variable, fine = variable_of(f"department-{name}"), False
            yield Seen("warning", f"{name}: its webhook has no secret", f"set {variable}")
    zone, works = ZoneInfo(config.firm.zone), working_days(config, conn)
    today, failed, forgotten, late = now.astimezone(zone).date(), 0, 0, 0
    for case in follow_ups.cases(conn):
        now_is, opened = standing(case.steps), case.opened_at.astimezone(zone).date()
        failed += now_is.delivery is Delivery.FAILED
        forgotten += now_is.delivery is Delivery.WAITING and case.opened_at < now - FORGOTTEN
        late += overdue(now_is, due_on(opened, days_of(config, case.department), works), today)
    for count, what, write in (
        (failed, "could not be handed over", "outreach survey forward --again"),
        (forgotten, "wait to be handed over", "outreach serve, or outreach survey forward"),
        (late, "are overdue", "outreach follow-ups list"),
    ):
        if count:
            fine = False
            yield Seen("warning", f"cases that {what}: {count:,}", write)
    if fine:
        yield Seen("ok", "no case waits for a department or is overdue")

"""The departments of config.toml as ways to hand a case over, with their secrets."""

from datetime import date
from typing import TYPE_CHECKING, Any

from outreach.cli.door import BAD_DATA, Door, Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from outreach.survey import HandOver

DEFAULT_DAYS = 3  # working days, of a department that is no longer in config.toml


def departments(door: Door) -> "dict[str, HandOver]":
    """Every department of config.toml, ready to be called. Raises Failure(3) for a webhook without
    a secret: an unsigned case could be anybody's."""
    return {name: _opened(door, name, one) for name, one in door.config.departments.items()}


def _opened(door: Door, name: str, department: Any) -> "HandOver":
    import base64
    import binascii

    from outreach.channels.department import Folder, Lines, Webhook
    from outreach.project.secrets import SecretProblem, secret, variable_of

    if department.kind == "file":
        path = door.root / department.path
        return Folder(path) if department.path.endswith("/") else Lines(path)
    owner = f"department-{name}"
    try:
        given = secret(owner)
    except SecretProblem as error:
        raise Failure(BAD_DATA, str(error)) from error
    if not given:
        wrong = f"departments.{name}: its webhook has no secret to sign with"
        raise Failure(BAD_DATA, f"{wrong}; set {variable_of(owner)}, or {variable_of(owner)}_FILE")
    if given.startswith("whsec_"):
        try:
            base64.b64decode(given.removeprefix("whsec_"), validate=True)
        except binascii.Error as error:
            wrong = f"{variable_of(owner)}: what follows whsec_ is no base64"
            raise Failure(BAD_DATA, f"{wrong}; copy it again from the department") from error
    return Webhook(department.url, given, department.timeout)


def days_of(door: Door, name: str) -> int:
    """The working days a department has for a case."""
    known = door.config.departments.get(name)
    return known.answer_within_days if known else DEFAULT_DAYS


def working_days(door: Door, conn: "Connection") -> "Callable[[date], bool]":
    """Whether the firm's staff work on a day: by its market's calendar, make-up days included;
    beyond that, Monday to Friday."""
    from outreach.core.trading_calendar import CalendarCoverageError
    from outreach.store import calendars

    sides = {"SB": "CN_A", "NB": "CN_A"}  # Stock Connect has no staff of its own
    market = door.config.firm.market
    calendar = calendars.load(conn, sides.get(market, market)).with_provisional()

    def works(day: date) -> bool:
        try:
            return calendar.is_working_day(day)
        except CalendarCoverageError:
            return day.weekday() < 5

    return works

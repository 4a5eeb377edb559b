"""Which occurrence is due, and everything a run of it is opened with."""

from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from outreach.core.campaign import AfterClientEvent
from outreach.core.halt_lines import security_lines
from outreach.core.occurrence import Blocked, Occurrence, due, from_key
from outreach.core.run_values import RunValues
from outreach.project.definition import Definition
from outreach.store import audience, calendars, facts, runs


class Due(NamedTuple):
    """An occurrence ready to be planned, with what the database knows of it."""

    definition: Definition
    occurrence: Occurrence
    values: RunValues
    approval_id: int | None
    provisional: bool = False  # timed by a forecast: to look at, never to send by


def prepare(
    conn: Connection,
    definition: Definition,
    key: str | None,
    now: datetime,
    *,
    provisional: bool = False,
) -> Due | Blocked:
    """Find the occurrence that is meant (the one due now, or the one `key` names) and everything a
    run of it is opened with; or why there is none. Forecast days count only where `provisional`."""
    rule, zone = definition.campaign.occurrence, definition.zone
    markets = {getattr(rule, "market", None), getattr(rule, "calendar", None)} - {None}
    known = {market: calendars.load(conn, market) for market in markets if market}
    if provisional:
        known = {market: calendar.with_provisional() for market, calendar in known.items()}
    found = from_key(rule, key, now, known, zone) if key else due(rule, now, known, zone)
    if isinstance(found, Blocked):
        return found
    approval = runs.standing_approval(conn, definition.campaign_id, definition.approval_digest)
    needed = definition.campaign.purpose in definition.config.approval.required_for
    today = now.astimezone(zone).date()
    values = RunValues(
        key=found.key,
        due_at=found.due_at,
        expires_at=found.expires_at,
        year=today.year,
        approved=approval is not None or not needed,
        constants=definition.constants(found, today),
        day=_event_day(definition, found),
    )
    session_on = found.values.get("session_on")
    if isinstance(session_on, date):
        halted, as_of = facts.halted_on(conn, session_on, zone)
        values = replace(
            values,
            securities=security_lines(halted, definition.template.locales, zone, today.year),
            halts_as_of=as_of,
            holdings_book=audience.newest_holdings(conn),
        )
    return Due(definition, found, values, approval["id"] if approval else None, provisional)


def _event_day(definition: Definition, found: Occurrence) -> date | None:
    """After a client event: the day an occurrence stands for, which is its key."""
    after_event = isinstance(definition.campaign.schedule, AfterClientEvent)
    return date.fromisoformat(found.key) if after_event else None

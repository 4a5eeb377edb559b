"""Which occurrence of a campaign is due, or why none is."""

from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Connection

from outreach.core.alert import Alert, Reach
from outreach.core.campaign import AfterClientEvent
from outreach.core.halt_lines import security_lines
from outreach.core.occurrence import Blocked, Occurrence, due, from_key
from outreach.plan.due import Due
from outreach.plan.event import due_of
from outreach.plan.events import EVENTS
from outreach.project.definition import Definition
from outreach.store import audience, calendars, facts


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
    if rule.kind in EVENTS:
        return EVENTS[rule.kind].prepare(conn, definition, key, now)
    markets = {getattr(rule, "market", None), getattr(rule, "calendar", None)} - {None}
    known = {market: calendars.load(conn, market) for market in markets if market}
    if provisional:
        known = {market: calendar.with_provisional() for market, calendar in known.items()}
    found = from_key(rule, key, now, known, zone) if key else due(rule, now, known, zone)
    if isinstance(found, Blocked):
        return found
    due_now = due_of(conn, definition, found, now, day=_event_day(definition, found))
    values, today = due_now.values, now.astimezone(zone).date()
    session_on = found.values.get("session_on")
    if isinstance(session_on, date):
        halted, as_of = facts.halted_on(conn, session_on, zone, getattr(rule, "markets", ()))
        book = audience.newest_holdings(conn)
        reach = () if book is None else (Reach("holds", book),)
        values = replace(
            values,
            securities=security_lines(halted, definition.template.locales, zone, today.year),
            halts_as_of=as_of,
            alerts=tuple(
                Alert(f"{one.market}:{one.symbol}", 1, "halted", one.market, one.symbol, reach)
                for one in halted
            ),
        )
    return due_now._replace(values=values, provisional=provisional)


def _event_day(definition: Definition, found: Occurrence) -> date | None:
    """After a client event: the day an occurrence stands for, which is its key."""
    after_event = isinstance(definition.campaign.schedule, AfterClientEvent)
    return date.fromisoformat(found.key) if after_event else None

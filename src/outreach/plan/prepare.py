"""Which occurrence of a campaign is due, or why none is."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from outreach.core.campaign import AfterClientEvent, OnClosure
from outreach.core.closure_told import parted
from outreach.core.occurrence import Blocked, Occurrence, due, from_key
from outreach.plan.corrections import dates_of, latest_correction, prepare_correction
from outreach.plan.due import Due, OnOpen, Overtaken
from outreach.plan.event import due_of, opened_before
from outreach.plan.events import EVENTS
from outreach.project.definition import Definition
from outreach.store import calendars, runs
from outreach.store.database import Database


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
    if key is not None and parted(key)[1] > 1:  # a correction, or what was missed and sent later
        again = runs.find(conn, definition.campaign_id, key)
        if again is not None:
            return opened_before(definition, again)
    if isinstance(rule, OnClosure):
        correction = prepare_correction(conn, definition, rule, key, known, now)
        if correction is not None:
            return correction
    found = from_key(rule, key, now, known, zone) if key else due(rule, now, known, zone)
    if isinstance(found, Blocked):
        return found
    if key is None and (corrected := latest_correction(conn, definition, found.key)) is not None:
        return corrected
    due_now = due_of(
        conn, definition, found, now, day=_event_day(definition, found), closure=dates_of(found)
    )
    on_open = _still_true(rule, found, zone) if isinstance(rule, OnClosure) else None
    return due_now._replace(provisional=provisional, on_open=on_open)


def _still_true(rule: OnClosure, found: Occurrence, zone: ZoneInfo) -> OnOpen:
    """Looks at the dates of a closure once more where its run is opened: an override that came in
    since has stopped the runs there were, and would not know of this one."""

    def check(tx: Connection, _run_id: int) -> None:
        now_known = {rule.market: calendars.load(tx, rule.market)}
        again = from_key(rule, found.key, found.due_at, now_known, zone)
        if isinstance(again, Blocked) or again != found:
            raise Overtaken

    return check


def settle(database: Database, definition: Definition, now: datetime) -> None:
    """Put on record what has happened and will never be told; only for campaigns of events."""
    event = EVENTS.get(definition.campaign.occurrence.kind)
    if event is not None:
        event.settle(database, definition, now)


def _event_day(definition: Definition, found: Occurrence) -> date | None:
    """After a client event: the day an occurrence stands for, which is its key."""
    after_event = isinstance(definition.campaign.schedule, AfterClientEvent)
    return date.fromisoformat(found.key) if after_event else None

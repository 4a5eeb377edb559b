"""Closures told with dates that are no longer true: what is unsent stops, the rest is corrected.

The first notice of a closure comes by its schedule. A correction has no schedule: it is due as soon
as the calendar says otherwise than a run that has told of the closure.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from outreach.core.campaign import Campaign, OnClosure, Timed
from outreach.core.closure_told import ClosureDates, Correction, Told, only_those, parted
from outreach.core.occurrence import Blocked, Calendars, Occurrence, from_key
from outreach.core.words import Missed, Sentence
from outreach.plan.due import Due
from outreach.plan.event import due_of, opened_before
from outreach.plan.fire_events import Fired, opened
from outreach.project.definition import Definition, define
from outreach.project.load import Project
from outreach.store import calendars, closures_told, outbox, runs
from outreach.store.database import Database

# --- the run of a correction ---------------------------------------------------------------------


def prepare_correction(
    conn: Connection,
    definition: Definition,
    rule: OnClosure,
    key: str | None,
    known: Calendars,
    now: datetime,
) -> Due | Blocked | None:
    """The correction that `key` names, or that takes the place of what is due now; None where the
    key is that of a first notice, or nothing is to be corrected."""
    if key is not None and parted(key)[1] == 1:
        return None
    for one in closures_told.owed(conn, definition.campaign_id, rule, known, now):
        if one.key is not None and (key is None or one.key == key):
            return _due(conn, definition, one.told, one.key, known, now)
    if key is None:
        return None
    said = f"{key!r} corrects nothing: what was told of the closure is true"
    return Blocked("key", Sentence(said, f"“{key}”无需更正：此前告知的休市日期无误"))


def latest_correction(conn: Connection, definition: Definition, key: str) -> Due | None:
    """The newest correction of a closure as it was opened; None where there is none."""
    newest = runs.revised(conn, definition.campaign_id, key)
    if newest is None or newest["occurrence"] == key:
        return None
    return opened_before(definition, newest)


def _due(
    conn: Connection,
    definition: Definition,
    told: Sequence[Told],
    key: str,
    known: Calendars,
    now: datetime,
) -> Due | Blocked:
    rule = definition.campaign.occurrence
    found = from_key(rule, parted(key)[0], now, known, definition.zone)
    if isinstance(found, Blocked):
        return found
    occurrence = Occurrence(key, now, found.expires_at, {**found.values, "correction": True})

    def on_open(tx: Connection, run_id: int) -> None:
        for one in told:
            if not runs.supersede(tx, one.run, run_id, now, outbox.ACTOR):
                runs.succeed(tx, one.run, run_id)

    return due_of(
        conn, definition, occurrence, now, only=only_those(told), on_open=on_open,
        closure=dates_of(found),
    )  # fmt: skip


def dates_of(found: Occurrence) -> ClosureDates | None:
    """The dates an occurrence tells of a closure; None for one of another kind."""
    names = ClosureDates.__dataclass_fields__
    if not names.keys() <= found.values.keys():
        return None
    return ClosureDates(**{name: found.values[name] for name in names})  # type: ignore[arg-type]


def fire_corrections(
    database: Database,
    project: Project,
    chosen: Mapping[str, Campaign],
    known: Calendars,
    now: datetime,
    actor: str,
) -> list[Fired]:
    """Open the runs of corrections that campaigns owe; those that fire by hand wait for a hand."""
    fired: list[Fired] = []
    for name, campaign in chosen.items():
        rule = campaign.occurrence
        if not (campaign.enabled and isinstance(rule, OnClosure)):
            continue
        if not isinstance(campaign.schedule, Timed):
            continue
        with database.reading() as conn:
            found = closures_told.owed(conn, name, rule, known, now)
        keys = [one.key for one in found if one.key]
        if keys:
            definition = define(project, name)
            fired += [_fired(database, definition, rule, key, now, actor) for key in keys]
    return fired


def _fired(
    database: Database, definition: Definition, rule: OnClosure, key: str, now: datetime, actor: str
) -> Fired:
    with database.reading() as conn:
        known = {rule.market: calendars.load(conn, rule.market)}
        due = prepare_correction(conn, definition, rule, key, known, now)
    due = due or Blocked("nothing_due", Missed.NOTHING_DUE.sentence)
    return opened(database, definition.campaign_id, key, due, now, actor)


# --- what stops when the calendar changes --------------------------------------------------------


def stop_untrue(
    tx: Connection, known: Calendars, now: datetime, actor: str
) -> dict[int, Correction]:
    """Stop every run that is telling dates that `known` no longer bears out, in the transaction
    that changed the calendar; by run, what it told. What has gone out is left to a correction."""
    stopped: dict[int, Correction] = {}
    for run, correction in closures_told.untrue(tx, known, now).items():
        if runs.supersede(tx, run, None, now, actor):
            stopped[run] = correction
    return stopped

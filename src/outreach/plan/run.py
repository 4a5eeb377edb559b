"""Open the run of an occurrence and plan it, a page of candidates at a time.

A page is decided and rendered on a snapshot, then written in one short transaction that first makes
sure nothing it relied on has moved; if something has, the page is decided again inside it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, RowMapping

from outreach.core.page_rows import PAGE_COLUMNS, preference
from outreach.core.policy.wall_clock import clocks_for, narrowed, next_shut
from outreach.core.run_values import RunValues
from outreach.core.words import Missed
from outreach.plan.due import Due
from outreach.plan.job import Job, Page, decide
from outreach.project.config import limited_countries
from outreach.project.definition import redefine
from outreach.store import facts, outbox, runs
from outreach.store.database import Database
from outreach.store.task import Task

# How long a plan is trusted at most before the policy is asked again.
TRUSTED: Final = timedelta(hours=1)
_ZONE: Final = PAGE_COLUMNS.index("zone")

Tick = Callable[[int], None]
Clock = Callable[[], datetime]


def open_run(
    database: Database, due: Due, actor: str, now: datetime, missed: Missed | None = None
) -> tuple[int, bool]:
    """Open the run of an occurrence, or record that it was missed, once; (its number, whether it is
    new). What an event tells goes on record with it. Raises Overtaken."""
    definition = due.definition
    opening = runs.Opening(
        campaign=definition.campaign_id,
        occurrence=due.occurrence.key,
        purpose=definition.campaign.purpose,
        parts=definition.parts,
        values=due.values.dump(),
        opened_at=now,
        opened_by=actor,
        expires_at=due.occurrence.expires_at,
        approval_id=due.approval_id,
        missed=missed,
    )
    with database.begin() as tx:
        run_id, fresh = runs.open_run(tx, opening)
        if fresh and due.on_open is not None:
            due.on_open(tx, run_id)
        if fresh and missed is None:
            database.submit(tx, [Task("plan", run_id, definition.campaign.urgent)])
    return run_id, fresh


def reopened(conn: Connection, run: RowMapping, key: bytes) -> Job:
    """The job of a run, out of the database alone."""
    definition = redefine(runs.parts(conn, run))
    return Job.of(definition, RunValues.load(run["values"]), key, run["opened_at"])


def work(database: Database, run_id: int, key: bytes, clock: Clock, page: int, tick: Tick) -> None:
    """Plan the pages a run still lacks. Safe to repeat: it goes on after the last page written."""
    with database.reading() as conn:
        run = runs.load(conn, run_id)
        if run is None or run["state"] != "planning":
            return
        job = reopened(conn, run, key)
        if run["cursor"]:
            job.taken = facts.taken_addresses(conn, run_id)
    after, planned = int(run["cursor"]), int(run["audience"])
    while True:
        now = clock()
        with database.reading() as conn:
            decided = decide(conn, job, after, page, now)
        with database.begin() as tx:
            if decided is not None:
                decided = _unmoved(tx, job, decided, after, page, now)
            if decided is None:
                runs.move(tx, run_id, "sending", now, outbox.ACTOR, since=["planning"])
                return
            last = decided.rows[-1][0]
            if not runs.advance(tx, run_id, after, last, len(decided.rows)):
                return
            release = _release(job, run_id, decided, now)
            database.submit(tx, outbox.add_page(tx, release, *decided.plan, now))
        after = last
        job.taken = decided.taken
        planned += len(decided.rows)
        tick(planned)


def _unmoved(
    tx: Connection, job: Job, page: Page, after: int, limit: int, now: datetime
) -> Page | None:
    """The page, decided again here when a ledger moved since its snapshot was taken."""
    if job.definition.cap:
        facts.hold_caps(tx)
    if facts.marks(tx) == page.marks:
        return page
    return decide(tx, job, after, limit, now)


def _release(job: Job, run_id: int, page: Page, now: datetime) -> outbox.Release:
    campaign, hours = job.definition.campaign, job.sheet.campaign.contact_hours
    good_until = min(now + TRUSTED, job.values.expires_at)
    if hours is not None:
        preferences = job.sheet.preferences
        asked = {(row[_ZONE], preference(row, preferences, "own_hours")) for row in page.rows}
        shut = (
            next_shut(narrowed(hours, own), clocks_for(zone, job.sheet.campaign), now)
            for zone, own in asked
        )
        good_until = min(good_until, *shut)
    return outbox.Release(
        run_id,
        campaign.purpose,
        job.definition.cap is not None,
        campaign.urgent,
        # Cut to the second, so that a clock that begins there again finds the messages due.
        job.as_of.replace(microsecond=0),
        good_until,
        page.marks.consent,
        page.marks.block,
        page.marks.book,
        limited_countries(job.definition.config),
    )

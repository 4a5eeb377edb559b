"""Leg 1: open the run of an occurrence and plan it, a page of candidates at a time.

A page is decided and rendered on a snapshot, then written in one short transaction that first makes
sure nothing it relied on has moved; if something has, the page is decided again inside it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping

from outreach.core.halt_lines import security_lines
from outreach.core.occurrence import Blocked, Occurrence, due, from_key
from outreach.core.page_plan import PAGE_COLUMNS, Draft, PagePlan, Sheet, plan_page
from outreach.core.policy.wall_clock import clocks_for, next_shut
from outreach.core.run_values import RunValues
from outreach.core.unsubscribe import Unsubscribe
from outreach.project.definition import Definition, redefine
from outreach.store import audience, calendars, facts, outbox, runs
from outreach.store.database import Database

TRUSTED = timedelta(hours=1)  # how long a plan is trusted at most before the policy is asked again

Tick = Callable[[int], None]
Clock = Callable[[], datetime]


# --- what is due -----------------------------------------------------------------------------


class Due(NamedTuple):
    """An occurrence ready to be planned, with what the database knows of it."""

    definition: Definition
    occurrence: Occurrence
    values: RunValues
    approval_id: int | None


def prepare(
    conn: Connection, definition: Definition, key: str | None, now: datetime
) -> Due | Blocked:
    """Find the occurrence that is meant (the one due now, or the one `key` names) and everything a
    run of it is opened with; or why there is none."""
    rule, zone = definition.campaign.occurrence, definition.zone
    markets = {getattr(rule, "market", None), getattr(rule, "calendar", None)} - {None}
    known = {market: calendars.load(conn, market) for market in markets if market}
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
    return Due(definition, found, values, approval["id"] if approval else None)


# --- the job ---------------------------------------------------------------------------------


@dataclass
class Job:
    """A run being planned: what does not change, and what earlier pages taught."""

    definition: Definition
    values: RunValues
    sheet: Sheet
    links: Unsubscribe | None
    as_of: datetime  # the moment the segment's relative dates refer to
    taken: set[tuple[str, int]] = field(default_factory=set)
    _shared: tuple[int, frozenset[str] | None] = (-1, None)  # as of a client book
    _lists: dict[tuple[Any, ...], tuple[Any, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, definition: Definition, values: RunValues, key: bytes, as_of: datetime) -> "Job":
        occurrence = Occurrence(values.key, values.due_at, values.expires_at)
        campaign = definition.facts(
            occurrence, approved=values.approved, halts_as_of=values.halts_as_of
        )
        sheet = definition.sheet(campaign, values.constants, values.year)
        return cls(definition, values, sheet, definition.unsubscribe(key), as_of)

    @property
    def asked(self) -> audience.Asked:
        """What the segment is asked against."""
        return audience.Asked(
            today=self.as_of.astimezone(self.definition.zone).date(),
            lists=self.definition.lists,
            halted=tuple(self.values.halted()),
            holdings=self.values.holdings_book,
        )

    def count(self, conn: Connection) -> int:
        """How many candidates there are."""
        also = self._also()
        return audience.count(conn, self.definition.segment, self.asked, also=also)

    def page(self, conn: Connection, after: int, limit: int) -> list[tuple[Any, ...]]:
        """The next candidates behind a client id."""
        names = (*PAGE_COLUMNS, *self.definition.value_columns)
        columns = audience.client_columns(names)
        return audience.page(
            conn, self.definition.segment, self.asked, after=after, limit=limit, columns=columns,
            also=self._also(),
        )  # fmt: skip

    def _also(self) -> list[Any]:
        """Clients whom this campaign reached lately are no candidates."""
        days = self.definition.campaign.repeat_after_days
        if days is None:
            return []
        since = self.as_of - timedelta(days=days)
        return [~facts.reached(self.definition.campaign_id, self.values.key, since)]

    @property
    def grants(self) -> bool:
        """Whether the campaign needs consent."""
        return any(gate.name == "consent" for gate in self.sheet.gates)

    def sharing(self, conn: Connection, rows: Sequence[Any], book: int) -> list[int] | None:
        """Which of these clients have an address that others have too; None: ask about all."""
        if book % 2:  # an import is under way, and may bring an address any moment
            return None
        if self._shared[0] != book:
            self._shared = book, facts.shared_addresses(conn, self.definition.campaign.channels)
        shared = self._shared[1]
        if shared is None:
            return None
        return [row[0] for row in rows if row[_PHONE] in shared or row[_EMAIL] in shared]

    def completed(self, conn: Connection, rows: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows with what the run itself knows of each client: securities, unsubscribe link."""
        held = {}
        if self.values.securities and self.values.holdings_book is not None:
            ids = [row[0] for row in rows]
            securities = self.values.halted()
            held = facts.held_securities(conn, self.values.holdings_book, securities, ids)
        url = self.links.url if self.links else None
        return [
            (*row, *self._securities(held.get(row[0]), row), url(row[0]) if url else None)
            for row in rows
        ]

    def _securities(self, held: list[tuple[str, str]] | None, row: Any) -> tuple[Any, Any]:
        if not held:
            return None, None
        locale = self.sheet.template.locale_for(row[_LOCALE])
        found = self._lists.get((locale, *held))
        if found is None:  # the same list object for equal holdings, so that it is rendered once
            lines = [self.values.securities[f"{one}:{symbol}"][locale] for one, symbol in held]
            found = self._lists[locale, *held] = (lines, str(len(lines)))
        return found


_LOCALE, _ZONE, _PHONE, _EMAIL = map(PAGE_COLUMNS.index, ("locale", "zone", "phone", "email"))


class _Page(NamedTuple):
    rows: list[tuple[Any, ...]]
    plan: PagePlan
    marks: facts.Marks
    taken: set[tuple[str, int]]


def _decide(conn: Connection, job: Job, after: int, limit: int, now: datetime) -> _Page | None:
    """Read the next page and decide on it; None at the end of the audience."""
    campaign, marks = job.definition.campaign, facts.marks(conn)
    found = job.page(conn, after, limit)
    if not found:
        return None
    rows = job.completed(conn, found)
    gathered = facts.gather(
        conn,
        [row[0] for row in rows],
        channels=campaign.channels,
        purpose=campaign.purpose,
        cap=job.definition.cap,
        now=now,
        grants=job.grants,
        sharing=job.sharing(conn, rows, marks.book),
    )
    taken = set(job.taken)
    plan = plan_page(job.sheet, rows, gathered, taken, now)
    return _Page(rows, plan, marks, taken)


# --- dry run ---------------------------------------------------------------------------------


@dataclass
class Estimate:
    """What a run would come to."""

    audience: int = 0
    decisions: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    senders: Counter[str] = field(default_factory=Counter)
    sms_parts: int = 0
    longest_sms: Draft | None = None
    samples: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)


def estimate(database: Database, job: Job, now: datetime, tick: Tick) -> Estimate:
    """Plan without writing anything: the same decisions `run` would make at this moment."""
    total, after = Estimate(), 0
    with database.reading() as conn:
        while page := _decide(conn, job, after, job.definition.config.engine.page, now):
            after, job.taken = page.rows[-1][0], page.taken
            total.audience += len(page.rows)
            for decided in page.plan.decided:
                total.decisions[decided.verdict] += 1
                if decided.reason:
                    total.reasons[decided.reason] += 1
            for draft in page.plan.drafts:
                total.channels[draft.channel] += 1
                total.senders[draft.sender] += 1
                total.sms_parts += draft.sms_parts
                longest = total.longest_sms
                if draft.sms_parts and (not longest or draft.sms_units > longest.sms_units):
                    total.longest_sms = draft
                if (draft.channel, draft.locale) not in total.samples:
                    total.samples[draft.channel, draft.locale] = _rendered(job, draft)
            tick(total.audience)
    return total


def _rendered(job: Job, draft: Draft) -> tuple[str, ...]:
    """The text of a planned message, made again."""
    constants = job.sheet.constants[draft.locale]
    parts = job.sheet.template.render(draft.channel, draft.locale, constants, [draft.values])[0]
    return tuple(parts)


# --- the real run ----------------------------------------------------------------------------


def open_run(database: Database, due: Due, actor: str, now: datetime) -> tuple[int, bool]:
    """Open the run of an occurrence, once; (its number, whether it is new)."""
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
    )
    with database.begin() as tx:
        return runs.open_run(tx, opening)


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
            decided = _decide(conn, job, after, page, now)
        with database.begin() as tx:
            if decided is not None:
                decided = _unmoved(tx, job, decided, after, page, now)
            if decided is None:
                runs.move(tx, run_id, "sending", now, outbox.ACTOR, since=["planning"])
                return
            last = decided.rows[-1][0]
            if not runs.advance(tx, run_id, after, last, len(decided.rows)):
                return
            outbox.add_page(tx, _release(job, run_id, decided, now), *decided.plan, now)
        after = last
        job.taken = decided.taken
        planned += len(decided.rows)
        tick(planned)


def _unmoved(
    tx: Connection, job: Job, page: _Page, after: int, limit: int, now: datetime
) -> _Page | None:
    """The page, decided again here when a ledger moved since its snapshot was taken."""
    if job.definition.cap:
        facts.hold_caps(tx)
    if facts.marks(tx) == page.marks:
        return page
    return _decide(tx, job, after, limit, now)


def _release(job: Job, run_id: int, page: _Page, now: datetime) -> outbox.Release:
    campaign, hours = job.definition.campaign, job.sheet.campaign.contact_hours
    good_until = min(now + TRUSTED, job.values.expires_at)
    if hours is not None:
        zones = {row[_ZONE] for row in page.rows}
        shut = (next_shut(hours, clocks_for(zone, job.sheet.campaign), now) for zone in zones)
        good_until = min(good_until, *shut)
    return outbox.Release(
        run_id,
        campaign.purpose,
        job.definition.cap is not None,
        campaign.urgent,
        good_until,
        page.marks.consent,
        page.marks.block,
        page.marks.book,
    )

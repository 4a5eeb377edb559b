"""A run being planned: what does not change, what earlier pages taught, and the next page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection

from outreach.core.occurrence import Occurrence
from outreach.core.page_plan import PAGE_COLUMNS, PagePlan, Sheet, plan_page
from outreach.core.run_values import RunValues
from outreach.core.segment import Segment
from outreach.core.timetable import audience_on
from outreach.core.unsubscribe import Unsubscribe
from outreach.project.definition import Definition
from outreach.store import audience, facts


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
    def segment(self) -> Segment:
        """Whom the run is for: the campaign's segment, or those of it whose day it is."""
        definition, day = self.definition, self.values.day
        if day is None:
            return definition.segment
        return audience_on(definition.segment, definition.campaign.schedule, day)

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
        return audience.count(conn, self.segment, self.asked, also=also)

    def page(self, conn: Connection, after: int, limit: int) -> list[tuple[Any, ...]]:
        """The next candidates behind a client id."""
        names = (*PAGE_COLUMNS, *self.definition.value_columns)
        columns = audience.client_columns(names)
        return audience.page(
            conn, self.segment, self.asked, after=after, limit=limit, columns=columns,
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


_LOCALE, _PHONE, _EMAIL = map(PAGE_COLUMNS.index, ("locale", "phone", "email"))


class Page(NamedTuple):
    rows: list[tuple[Any, ...]]
    plan: PagePlan
    marks: facts.Marks
    taken: set[tuple[str, int]]


def decide(conn: Connection, job: Job, after: int, limit: int, now: datetime) -> Page | None:
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
    return Page(rows, plan, marks, taken)

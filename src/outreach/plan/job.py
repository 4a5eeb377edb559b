"""A run being planned: what does not change, what earlier pages taught, and the next page."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from outreach.core.alert import Concern
from outreach.core.market_values import own_margin
from outreach.core.page_plan import PAGE_COLUMNS, PagePlan, Sheet, plan_page
from outreach.core.run_values import RunValues
from outreach.core.segment import Segment
from outreach.core.sources import Fallen
from outreach.core.survey_link import SurveyLink
from outreach.core.timetable import audience_on
from outreach.core.unsubscribe import Unsubscribe
from outreach.project.definition import Definition
from outreach.store import audience, facts, market
from outreach.store.affected import Affected, affected
from outreach.store.sources import Span

NARROWEST, WIDEST = 10_000, 500_000  # clients in a span
CROWDED = 40_000  # clients of a span whom alerts concern: fewer, and the next one reaches further
LISTS_KEPT = 10_000  # of securities, told to more than one client


@dataclass
class Job:
    """A run being planned: what does not change, and what earlier pages taught."""

    definition: Definition
    values: RunValues
    sheet: Sheet
    links: Unsubscribe | None
    as_of: datetime  # the moment the segment's relative dates refer to
    survey: SurveyLink | None = None
    taken: set[tuple[str, int]] = field(default_factory=set)
    _shared: tuple[int, frozenset[str] | None] = (-1, None)  # as of a client book
    _lists: dict[tuple[Any, ...], tuple[Any, Any]] = field(default_factory=dict)
    _width: int = NARROWEST
    _stretch: tuple[Span, Affected] = (Span(0, 0), Affected((), {}))

    @classmethod
    def of(cls, definition: Definition, values: RunValues, key: bytes, as_of: datetime) -> "Job":
        sheet = definition.sheet(definition.facts(values), values.constants, values.year)
        links = definition.unsubscribe(key)
        return cls(definition, values, sheet, links, as_of, definition.survey_link(key, values.key))

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
            only=self.values.only,
        )

    def count(self, conn: Connection) -> int:
        """How many candidates there are."""
        also = self._also()
        if not self._by_spans:
            return audience.count(conn, self.segment, self.asked, also=also)
        last, total, after = audience.last_client(conn), 0, 0
        while after < last:
            span = self._next_span(after)
            total += audience.count(conn, self.segment, self._asked_in(conn, span), also=also)
            self._fit(span)
            after = span.last
        return total

    def page(self, conn: Connection, after: int, limit: int) -> list[tuple[Any, ...]]:
        """The next candidates behind a client id."""
        names = (*PAGE_COLUMNS, *self.definition.value_columns)
        columns, also = audience.client_columns(names), self._also()
        if not self._by_spans:
            return audience.page(
                conn, self.segment, self.asked, after=after, limit=limit, columns=columns, also=also
            )
        found: list[tuple[Any, ...]] = []
        last = audience.last_client(conn)
        while len(found) < limit and after < last:
            span = self._next_span(after)
            some = audience.page(
                conn, self.segment, self._asked_in(conn, span), after=after,
                limit=limit - len(found), columns=columns, also=also,
            )  # fmt: skip
            found += some
            after = some[-1][0] if len(found) == limit else span.last
            if after == span.last:
                self._fit(span)
        return found

    # --- candidates that only the run's own facts name: looked for a span of clients at a time ---

    @property
    def _by_spans(self) -> bool:
        return bool(self.values.only) or self.segment.asks_for_halts

    def _next_span(self, after: int) -> Span:
        """The span looked at last, as long as it goes on behind `after`."""
        span = self._stretch[0]
        return span if span.after <= after < span.last else Span(after, after + self._width)

    def _asked_in(self, conn: Connection, span: Span) -> audience.Asked:
        if not self.segment.asks_for_halts:
            return replace(self.asked, span=span)
        return replace(self.asked, span=span, affected=self._concerned(conn, span).clients.keys())

    def _concerned(self, conn: Connection, span: Span) -> Affected:
        """Whom the run's alerts concern in the span, and maybe beyond it."""
        known, concerned = self._stretch
        if not (known.after <= span.after and span.last <= known.last):
            concerned = affected(conn, self.values.alerts, span)
            self._stretch = span, concerned
        return concerned

    def _fit(self, span: Span) -> None:
        """Choose how far the next span reaches: few clients are looked for far, many near."""
        matches = len(self._stretch[1].clients) if self._stretch[0] == span else 0
        if matches > CROWDED:
            self._width = max(self._width // 2, NARROWEST)
        elif matches < CROWDED // 4:
            self._width = min(self._width * 2, WIDEST)

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
        """The rows with what the run itself knows of each client: securities and how they concern
        the client, unsubscribe link, margin ratio."""
        lines: dict[int, tuple[Any, Any]] = {}
        because: dict[int, list[list[object]]] = {}
        if self.values.alerts:
            concerned = self._concerned(conn, Span(rows[0][0] - 1, rows[-1][0]))
            for row in rows:
                if known := concerned.of(row[0]):
                    lines[row[0]] = self._securities(known, row)
                    because[row[0]] = [one.because(self.values.alerts) for one in known]
        margin = self._margin(conn, rows)
        url = self.links.url if self.links else None
        asked = self.survey.url if self.survey else None
        return [
            (*row, *lines.get(row[0], _NO_LINES), url(row[0]) if url else None,
             asked(row[0]) if asked else None, because.get(row[0]),
             *margin.get(row[0], _NO_MARGIN))
            for row in rows
        ]  # fmt: skip

    def _margin(self, conn: Connection, rows: Sequence[Any]) -> dict[int, tuple[Any, ...]]:
        """What the texts print of clients' margin accounts, where the run is about them."""
        book = next((one.book for one in self.values.only if isinstance(one, Fallen)), None)
        if book is None:
            return {}
        known = market.ratios_of(conn, book, [row[0] for row in rows])
        return {client_id: own_margin(one) for client_id, one in known.items()}

    def _securities(self, concerns: list[Concern], row: Any) -> tuple[Any, Any]:
        locale, alerts = self.sheet.template.locale_for(row[_LOCALE]), self.values.alerts
        numbers = tuple(one.alert for one in concerns)
        found = self._lists.get((locale, numbers))
        if found is None:  # the same list object for equal holdings, so that it is rendered once
            lines = [self.values.securities[alerts[number].halt_id][locale] for number in numbers]
            if len(self._lists) == LISTS_KEPT:
                self._lists.clear()
            found = self._lists[locale, numbers] = (lines, str(len(lines)))
        return found


_NO_LINES: Final = (None, None)
_NO_MARGIN: Final = own_margin(None)
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

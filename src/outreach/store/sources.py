"""The clients a source names, as a selection of client ids within a span of them."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, or_, select

from outreach.core.sources import Fallen, Got, Source
from outreach.core.words import State
from outreach.store.market import newly_below
from outreach.store.tables import margin_event, message, outcome, window

# What a client may have read: accepted, or not known not to be.
_WENT: Final = (State.ACCEPTED, State.DELIVERED, State.UNDELIVERED, State.IN_DOUBT)


class Span(NamedTuple):
    """Client ids above `after`, up to and including `last`."""

    after: int
    last: int

    def holds(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """The condition that a client id lies in it."""
        return and_(column > self.after, column <= self.last)


EVERYBODY: Final = Span(0, 2**62)


def clients_of(source: Source, span: Span) -> Select[Any]:
    """The ids of the clients in the span that a source names; some may come twice."""
    return SELECTIONS[type(source)](source, span)


def went(messages: Any = message) -> ColumnElement[bool]:
    """The condition that a row of `message` went out or may have: it has an outcome that does not
    deny it, or is in an open window."""
    spans = and_(window.c.first_id <= messages.c.id, window.c.last_id >= messages.c.id)
    told = (
        select(outcome.c.message_id)
        .where(
            outcome.c.window_id == window.c.id,
            outcome.c.message_id == messages.c.id,
            outcome.c.state.in_(_WENT),
        )
        .correlate(window, messages)
    )
    first = and_(window.c.batch_id == messages.c.batch_id, spans)
    again = and_(window.c.run_id == messages.c.run_id, window.c.batch_id.is_(None), spans)
    return or_(
        select(window.c.id)
        .where(first, or_(window.c.settled_at.is_(None), told.exists()))
        .exists(),
        select(window.c.id).where(again, told.exists()).exists(),
    )


def _got(source: Got, span: Span) -> Select[Any]:
    return select(message.c.client_id).where(
        message.c.run_id.in_(source.runs), span.holds(message.c.client_id), went()
    )


def _fallen(source: Fallen, span: Span) -> Select[Any]:
    event = margin_event.c
    fell = newly_below(source.line, source.rearm)
    return select(event.client_id).where(
        event.book_id == source.book, *fell, span.holds(event.client_id)
    )


SELECTIONS: Final[dict[type, Callable[[Any, Span], Select[Any]]]] = {Got: _got, Fallen: _fallen}


def any_of(sources: Sequence[Source], span: Span, column: Any) -> ColumnElement[bool]:
    """The condition that a client is named by one of the sources."""
    return or_(*(column.in_(clients_of(one, span)) for one in sources))

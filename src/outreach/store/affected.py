"""Whom the alerts of a run concern: holders and watchers of halted securities, a span at a time.

Snapshots are kept in the order of securities, clients in the order of runs, so a span of clients is
one short range of every halted security: thousands of halts are matched against millions of
holdings without a copy, a sort or a list that grows with either.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import BIGINT, TEXT, ColumnElement, Connection, Table, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from outreach.core.alert import Alert, Concern
from outreach.store.sources import Span, went
from outreach.store.tables import holding, message, watching

_SNAPSHOTS = {"holds": holding, "watches": watching}


class Affected(NamedTuple):
    """Whom alerts concern in a span of clients. Numbers stand for concerns, so that millions of
    them are lists of whole numbers."""

    concerns: Sequence[Concern]
    clients: Mapping[int, list[int]]

    def of(self, client_id: int) -> list[Concern]:
        """What concerns a client, each alert once, in the order of the alerts."""
        found: dict[int, Concern] = {}
        for number in sorted(self.clients.get(client_id, ())):
            concern = self.concerns[number]
            found.setdefault(concern.alert, concern)
        return list(found.values())


def affected(conn: Connection, alerts: Sequence[Alert], span: Span) -> Affected:
    """The clients of the span that the alerts concern."""
    concerns = [Concern(number, reach) for number, one in enumerate(alerts) for reach in one.reach]
    found: defaultdict[int, list[int]] = defaultdict(list)
    # Most alerts concern everybody who holds or watches; some leave out who was told, or take only
    # those.
    plain = [not _depends(alerts, concern) for concern in concerns]
    for via, table in _SNAPSHOTS.items():
        asked = [n for n, one in enumerate(concerns) if one.reach.via == via and plain[n]]
        for client_id, number in _matches(conn, table, alerts, concerns, asked, span):
            found[client_id].append(number)
    if all(plain):
        return Affected(concerns, found)
    got = _got(conn, _runs(alerts), span)
    for via, table in _SNAPSHOTS.items():
        asked = [n for n, one in enumerate(concerns) if one.reach.via == via and not plain[n]]
        for client_id, number in _matches(conn, table, alerts, concerns, asked, span):
            run, besides = concerns[number].reach.run, alerts[concerns[number].alert].besides
            if (run is None or (client_id, run) in got) and not any(
                (client_id, other) in got for other in besides
            ):
                found[client_id].append(number)
    return Affected(concerns, found)


def _depends(alerts: Sequence[Alert], concern: Concern) -> bool:
    """Whether it depends on who got a message of an earlier run."""
    return concern.reach.run is not None or bool(alerts[concern.alert].besides)


def _runs(alerts: Iterable[Alert]) -> set[int]:
    named = {reach.run for one in alerts for reach in one.reach if reach.run is not None}
    return named | {run for one in alerts for run in one.besides}


def _got(conn: Connection, runs: set[int], span: Span) -> set[tuple[int, int]]:
    """(client, run) of those in the span whom a message of one of these runs may have reached."""
    if not runs:
        return set()
    query = select(message.c.client_id, message.c.run_id).where(
        message.c.run_id.in_(sorted(runs)), span.holds(message.c.client_id), went()
    )
    return {(row[0], row[1]) for row in conn.execute(query)}


def _matches(
    conn: Connection,
    table: Table,
    alerts: Sequence[Alert],
    concerns: Sequence[Concern],
    asked: Sequence[int],
    span: Span,
) -> Iterator[Any]:
    """(client, number of the concern) of every row of the snapshots in the span."""
    if not asked:
        return iter(())
    rows = []
    for place in asked:
        alert, reach = alerts[concerns[place].alert], concerns[place].reach
        rows.append((place, reach.book, alert.market, alert.symbol))
    number, book, market, symbol = _given(conn, rows, (BIGINT, BIGINT, TEXT, TEXT))
    of_alert = (table.c.book_id == book) & (table.c.market == market) & (table.c.symbol == symbol)
    query = select(table.c.client_id, number).where(of_alert, span.holds(table.c.client_id))
    if "quantity" in table.c:
        query = query.where(table.c.quantity > 0)
    # The driver's own rows: these are whole numbers, and there may be millions of them.
    found: Any = conn.execute(query).cursor
    return iter(found)


def _given(
    conn: Connection, rows: Sequence[tuple[Any, ...]], types: Sequence[Any]
) -> list[ColumnElement[Any]]:
    """Rows of ours as columns of a query: one bound value however many they are."""
    if conn.dialect.name == "sqlite":
        content = orjson.dumps(rows).decode()
        value = func.json_each(content).table_valued("value").c.value
        return [func.json_extract(value, f"$[{at}]") for at in range(len(types))]
    arrays = [
        bindparam(None, list(column), type_=ARRAY(type_))
        for column, type_ in zip(zip(*rows, strict=True), types, strict=True)
    ]
    names = [f"given_{at}" for at in range(len(types))]
    given = func.unnest(*arrays).table_valued(*names).render_derived()
    return [given.c[name] for name in names]

"""Whom the alerts of a run concern: holders and watchers of halted securities, a span at a time.

Snapshots are kept in the order of securities, clients in the order of runs, so a span of clients is
one short range of every halted security: thousands of halts are matched against millions of
holdings without a copy, a sort or a list that grows with either.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import BIGINT, TEXT, ColumnElement, Connection, Table, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from outreach.core.alert import Alert, Concern, Reach
from outreach.store.sources import Span, went
from outreach.store.tables import holding, message, watching

_SNAPSHOTS = {"holds": holding, "watches": watching}


def affected(conn: Connection, alerts: Sequence[Alert], span: Span) -> dict[int, list[Concern]]:
    """The clients of the span that the alerts concern, each with its alerts in their order."""
    got = _got(conn, _runs(alerts), span)
    found: dict[int, dict[int, Reach]] = {}
    for via, table in _SNAPSHOTS.items():
        asked = [
            (number, reach)
            for number, one in enumerate(alerts)
            for reach in one.reach
            if reach.via == via
        ]
        for client_id, at in _matches(conn, table, alerts, asked, span):
            number, reach = asked[at]
            if reach.run is not None and (client_id, reach.run) not in got:
                continue
            if any((client_id, run) in got for run in alerts[number].besides):
                continue
            found.setdefault(client_id, {}).setdefault(number, reach)
    return {
        client_id: [Concern(number, reach) for number, reach in sorted(concerns.items())]
        for client_id, concerns in found.items()
    }


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
    asked: Sequence[tuple[int, Reach]],
    span: Span,
) -> Iterable[Any]:
    """(client, place in `asked`) of every row of the snapshots in the span."""
    if not asked:
        return ()
    rows = [
        (at, reach.book, alerts[number].market, alerts[number].symbol)
        for at, (number, reach) in enumerate(asked)
    ]
    at, book, market, symbol = _given(conn, rows, (BIGINT, BIGINT, TEXT, TEXT))
    of_alert = (table.c.book_id == book) & (table.c.market == market) & (table.c.symbol == symbol)
    query = select(table.c.client_id, at).where(of_alert, span.holds(table.c.client_id))
    if "quantity" in table.c:
        query = query.where(table.c.quantity > 0)
    return conn.execute(query)


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

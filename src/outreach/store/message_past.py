"""What happened to some messages so far, set-wise: where they stand before a receipt is counted."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from outreach.core.words import State
from outreach.store.one_of import one_of
from outreach.store.tables import Id, outcome, receipt, retry, window

_KEPT_BACK: Final = (State.SUPPRESSED, State.EXPIRED)  # outcomes of what was not handed over


@dataclass
class Past:
    """What happened to messages so far, by message."""

    senders: dict[int, set[str]]  # who had it
    in_hand: set[int]  # in a window that is not settled
    states: dict[int, list[tuple[int, str]]]  # outcomes: (window, state)
    waiting: set[int]  # for another try
    heard: dict[int, set[tuple[str, str]]]  # receipts on record: (state, code)


def past_of(tx: Connection, rows: Sequence[Any]) -> Past:
    """A handful of statements, however many messages. Windows and waiting tries are locked in this
    order, so that nobody sends one or settles a doubt about it until the transaction ends."""
    found = Past(defaultdict(set), set(), defaultdict(list), set(), defaultdict(set))
    ids = sorted(row.id for row in rows)
    if not ids:
        return found
    pairs = _windows_of(tx, rows, ids)
    opened = _locked(tx, {number for number, _ in pairs})
    query = select(retry.c.message_id, retry.c.window_id).where(one_of(tx, retry.c.message_id, ids))
    for number, window_id in tx.execute(query.order_by(retry.c.message_id).with_for_update()):
        (found.waiting if window_id is None else found.in_hand).add(number)
    if tx.dialect.name != "sqlite":  # what others began until we had the locks
        pairs = _windows_of(tx, rows, ids)
        opened |= _locked(tx, {number for number, _ in pairs} - opened.keys())
    pairs = {key: is_batch for key, is_batch in pairs.items() if key[0] in opened}
    written = _outcomes(tx, list(pairs))
    told = {(window_id, number) for window_id, number, _ in written}
    for key, is_batch in pairs.items():
        if is_batch and opened[key[0]][1] and key not in told:
            found.in_hand.add(key[1])
    for window_id, number, state in written:
        if state not in _KEPT_BACK:
            found.senders[number].add(opened[window_id][0])
        found.states[number].append((window_id, state))
    known = select(receipt.c.message_id, receipt.c.state, receipt.c.code)
    for number, state, code in tx.execute(known.where(one_of(tx, receipt.c.message_id, ids))):
        found.heard[number].add((state, code))
    return found


def _windows_of(
    conn: Connection, rows: Sequence[Any], ids: Sequence[int]
) -> dict[tuple[int, int], bool]:
    """Each window with each message it may hold, and whether it is one of a batch. Windows of
    retries name a range: not every message in it is theirs."""
    if not ids:
        return {}
    columns = (window.c.id, window.c.batch_id, window.c.first_id, window.c.last_id)
    of_batches = select(*columns).where(
        one_of(conn, window.c.batch_id, {row.batch_id for row in rows})
    )
    again = select(*columns).where(
        one_of(conn, window.c.run_id, {row.run_id for row in rows}), window.c.batch_id.is_(None),
        window.c.first_id <= ids[-1], window.c.last_id >= ids[0],
    )  # fmt: skip
    pairs: dict[tuple[int, int], bool] = {}
    for one in [*conn.execute(of_batches), *conn.execute(again)]:
        for at in range(bisect_left(ids, one.first_id), bisect_right(ids, one.last_id)):
            pairs[one.id, ids[at]] = one.batch_id is not None
    return pairs


def _locked(tx: Connection, ids: Iterable[int]) -> dict[int, tuple[str, bool]]:
    """(sender, open) of windows, held against whoever settles them or what they left in doubt."""
    query = select(window.c.id, window.c.sender, window.c.settled_at)
    query = query.where(one_of(tx, window.c.id, set(ids))).order_by(window.c.id).with_for_update()
    return {row.id: (row.sender, row.settled_at is None) for row in tx.execute(query)}


def _outcomes(conn: Connection, pairs: Sequence[tuple[int, int]]) -> Sequence[Any]:
    """The outcomes at these keys: there is no search by message alone."""
    if not pairs:
        return ()
    left: tuple[Any, Any]
    if conn.dialect.name == "sqlite":
        given = func.json_each(orjson.dumps(pairs).decode()).table_valued("value")
        left = func.json_extract(given.c.value, "$[0]"), func.json_extract(given.c.value, "$[1]")
    else:
        arrays = (bindparam(None, list(side), type_=ARRAY(Id)) for side in zip(*pairs, strict=True))
        given = func.unnest(*arrays).table_valued("w", "m").render_derived()
        left = given.c.w, given.c.m
    at = (outcome.c.window_id == left[0], outcome.c.message_id == left[1])
    columns = (outcome.c.window_id, outcome.c.message_id, outcome.c.state)
    return conn.execute(select(*columns).select_from(given).join(outcome, at[0] & at[1])).all()

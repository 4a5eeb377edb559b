"""What a refusal at once means for its address: one that does not exist is blocked like those that
bounce later, one that takes nothing for now is counted like them, and whoever has told a provider
to stop has withdrawn."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, select

from outreach.core.bounce.at_once import kind_at_once
from outreach.core.bounce.report import Kind
from outreach.core.bounce.resting import SoftRule
from outreach.core.bounce.returned import Judged, ReturnedMail
from outreach.core.model import Outcome
from outreach.core.words import Channel, State
from outreach.store import blocks, bounces, optouts
from outreach.store.audit import Entry
from outreach.store.blocks import Block
from outreach.store.bounces import NO_EVENT, Found
from outreach.store.one_of import one_of
from outreach.store.said import plain
from outreach.store.tables import message

_AT_ONCE: Final = sha256(b"said at once").digest()
_OVER: Final = frozenset({State.FAILED, State.EXPIRED})


def follow(
    tx: Connection, outcomes: Sequence[tuple[int, Outcome]], at: datetime, soft: SoftRule
) -> list[Entry]:
    """Block, count and withdraw what these outcomes say; what the log says of it. Costs nothing
    where no message ended without having been taken. `soft` says when an address rests.

    The ledger of consent comes last, right before the log, as with everybody who writes both.
    """
    over = [(number, one) for number, one in outcomes if one.state in _OVER]
    if not over:
        return []
    return [*_addresses(tx, over, at, soft), *optouts.withdraw(tx, over, at)]


def _addresses(
    tx: Connection, outcomes: Sequence[tuple[int, Outcome]], at: datetime, soft: SoftRule
) -> list[Entry]:
    kinds = {number: kind for number, one in outcomes if (kind := kind_at_once(one)) is not None}
    if not kinds:
        return []
    columns = (message.c.id, message.c.run_id, message.c.client_id, message.c.address)
    query = select(*columns).where(
        one_of(tx, message.c.id, kinds), message.c.channel == Channel.EMAIL
    )
    said = dict(outcomes)
    hard: list[Block] = []
    counted: list[Found] = []
    for row in tx.execute(query.order_by(message.c.id)):
        one = said[row.id]
        words = f"{one.code} {one.detail}"
        if kinds[row.id] is Kind.HARD:
            source = f"message {row.id}"
            hard.append(Block("email", row.address, "hard_bounce", plain(words, 400), source))
        else:
            # Nobody can have forged what was said to ourselves: it counts like a signed report.
            mail = ReturnedMail(row.id, True, _AT_ONCE, (), at)
            status = one.code.partition(" ")[2]
            judged = Judged(mail, row.address, Kind.SOFT, True, status, words)
            counted.append(Found(NO_EVENT, judged, row.run_id, row.client_id))
    entries = bounces.record(tx, counted, soft, at).entries
    return [*entries, *blocks.block(tx, hard, blocks.ACTOR, at)]

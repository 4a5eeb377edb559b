"""What a refusal at once means for its address: one that does not exist is blocked like those that
bounce later, and whoever has told a provider to stop has withdrawn."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from outreach.core.bounce.report import Kind
from outreach.core.bounce.status import of_failure
from outreach.core.model import Outcome
from outreach.core.words import Channel, State
from outreach.store import blocks, optouts
from outreach.store.audit import Entry
from outreach.store.blocks import Block
from outreach.store.one_of import one_of
from outreach.store.said import plain
from outreach.store.tables import message

# What the SMTP channels write: the reply and its enhanced status. Other channels have other codes.
_REFUSED: Final = re.compile(r"5\d\d(?: (5\.\d{1,3}\.\d{1,3}))?")


def follow(tx: Connection, outcomes: Sequence[tuple[int, Outcome]], at: datetime) -> list[Entry]:
    """Block and withdraw what these outcomes say; what the log says of it. The ledger of consent
    comes last, right before the log, as with everybody who writes both."""
    failed = [(number, one) for number, one in outcomes if one.state == State.FAILED]
    if not failed:
        return []
    return [*block(tx, failed, at), *optouts.withdraw(tx, failed, at)]


def block(tx: Connection, outcomes: Sequence[tuple[int, Outcome]], at: datetime) -> list[Entry]:
    """Block the addresses that do not exist, as their servers said; what the log says of it. Costs
    nothing where no mail was refused for good."""
    hard: dict[int, str] = {}
    for number, one in outcomes:
        if one.state is State.FAILED and (found := _REFUSED.fullmatch(one.code)):
            said = f"{one.code} {one.detail}"
            if of_failure(found[1] or "", said) is Kind.HARD:
                hard[number] = said
    if not hard:
        return []
    query = select(message.c.id, message.c.address).where(
        one_of(tx, message.c.id, hard), message.c.channel == Channel.EMAIL
    )
    shut = [
        Block("email", row.address, "hard_bounce", plain(hard[row.id], 400), f"message {row.id}")
        for row in tx.execute(query)
    ]
    return blocks.block(tx, shut, blocks.ACTOR, at)

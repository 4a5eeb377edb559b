"""Clients whom a provider will not write to because they have told it to stop: their consent is
withdrawn in the transaction that keeps the refusal."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from outreach.core.consent import Action, Source
from outreach.core.model import About, Outcome
from outreach.core.words import Channel
from outreach.store import consent, replies
from outreach.store.audit import Entry
from outreach.store.consent import NewEvent
from outreach.store.one_of import one_of
from outreach.store.tables import message

ACTOR: Final = "outreach"


def withdraw(tx: Connection, outcomes: Sequence[tuple[int, Outcome]], at: datetime) -> list[Entry]:
    """Withdraw consent for SMS of every client who has the number, as their own STOP would have
    done had it come to us; what the log says of it. Costs nothing where nobody has opted out."""
    numbers = {number for number, one in outcomes if one.about is About.OPTED_OUT}
    if not numbers:
        return []
    query = select(message.c.id, message.c.address).where(
        one_of(tx, message.c.id, numbers), message.c.channel == Channel.SMS
    )
    told = {row.address: int(row.id) for row in tx.execute(query.order_by(message.c.id.desc()))}
    events = [
        NewEvent(
            client_id, Channel.SMS.value, None, Action.WITHDRAW.value, Source.SMS_MO.value, at,
            source_ref=f"message {told[address]}",
        )
        for address, holders in sorted(replies.holders(tx, Channel.SMS, told).items())
        for client_id in holders
    ]  # fmt: skip
    covered = consent.add(tx, events, recorded_at=at, actor=ACTOR)
    if covered is None:
        return []
    detail = {"events": len(events)}
    return [Entry(at, "consent.refusals", ACTOR, "consent", detail, covered)]

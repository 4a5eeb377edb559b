"""Events: what came in, kept before anybody reads it, and who reads what."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson

from outreach.core.receipt import Answer, Click, Receipt, Reply, Said
from outreach.core.words import STATES, Channel, Purpose
from outreach.store import raw_events
from outreach.store.database import Database
from outreach.store.raw_events import Came as Event

__all__ = ["READERS", "Event", "Reader", "Readers", "reader_of", "take_in"]

_PURPOSES: Final = {purpose.value: purpose for purpose in Purpose}

# What an event says, as values; raises ValueError (or KeyError) for one that cannot be read.
Reader = Callable[[Event], Sequence[Said]]
Readers = Mapping[str, Reader]


def take_in(database: Database, events: Sequence[Event]) -> int:
    """Store events, in one short transaction; how many were not known before.

    An event is the same when source, kind and content agree: what is to count each time it is said
    needs the moment, or the sender's number of it, in its content.
    """
    if not events:
        return 0
    with database.begin() as tx:
        return raw_events.add(tx, events, max(one.received_at for one in events))


def reader_of(readers: Readers, source: str) -> Reader | None:
    """Who reads events of a source: the reader of exactly this source, else of its kind (`twilio`
    for `twilio:main`), else one of those that come with the program."""
    kind = source.partition(":")[0]
    return readers.get(source) or readers.get(kind) or READERS.get(kind)


def _click(event: Event) -> Sequence[Said]:
    """{"client": 12, "purpose": "marketing"}, its token checked before."""
    content = orjson.loads(event.content)
    return [Click(int(content["client"]), _PURPOSES[content["purpose"]], event.received_at)]


def _answer(event: Event) -> Sequence[Said]:
    """{"token": "...", "score": 4, "comment": "..."}"""
    content = orjson.loads(event.content)
    score = content.get("score")
    comment = str(content.get("comment") or "")
    score = None if score is None else int(score)
    return [Answer(str(content["token"]), score, comment, event.received_at)]


def pulled(sender: str, said: Receipt | Reply, at: datetime) -> Event:
    """What a provider answered when it was asked, as an event."""
    content: dict[str, Any]
    if isinstance(said, Reply):
        kind, content = "inbound", {
            "from": said.address, "to": said.sender, "text": said.text,
            "channel": said.channel.value, "reference": said.reference,
        }  # fmt: skip
    else:
        kind, content = "status", {
            "message": said.message_id, "state": said.state.value, "code": said.code,
            "detail": said.detail, "reference": said.reference, "address": said.address,
            "among": said.among, "slower": said.slower,
        }  # fmt: skip
    content["at"] = said.said_at.isoformat()
    return Event(f"pulled:{sender}", kind, orjson.dumps(content), at)


def _pulled(event: Event) -> Sequence[Said]:
    content = orjson.loads(event.content)
    at = datetime.fromisoformat(content["at"])
    if event.kind == "inbound":
        channel = Channel(content["channel"])
        return [
            Reply(content["to"], content["from"], content["text"], at, channel,
                  content["reference"])
        ]  # fmt: skip
    first, last = content.get("among") or (0, 0)
    return [
        Receipt(STATES[content["state"]], at, content["message"], content["reference"],
                content["address"], content["code"], content["detail"],
                (int(first), int(last)) if last else None, content.get("slower"))
    ]  # fmt: skip


# Events that this program writes itself.
READERS: Final[Readers] = {"unsubscribe": _click, "survey": _answer, "pulled": _pulled}

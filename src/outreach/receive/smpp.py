"""What message centres hand us over SMPP: put on record as it came, and read."""

from collections.abc import Callable, Sequence
from datetime import datetime

import orjson

from outreach.core.receipt import Said
from outreach.core.smpp import Garbled, Short, read_short
from outreach.core.smpp_said import Ids, Numbers, is_receipt, receipt, reply
from outreach.project.config import Config, SmppSender
from outreach.receive.events import Event, Reader, Readers, take_in
from outreach.store.database import Database


def hearing(
    database: Database, sender: str, clock: Callable[[], datetime]
) -> Callable[[Sequence[bytes]], None]:
    """What stores the bodies of deliver_sm; it raises where they could not be, so that the centre
    is not told that we have them."""

    def heard(bodies: Sequence[bytes]) -> None:
        at = clock()
        take_in(database, [_event(body, sender, at) for body in bodies])

    return heard


def smpp_readers(config: Config) -> Readers:
    """Who reads what the message centres of a config delivered."""
    return {
        f"smpp:{name}": _reader(sender.numbers, sender.ids)
        for name, sender in config.senders.items()
        if isinstance(sender, SmppSender)
    }


def _reader(numbers: Numbers, ids: Ids) -> Reader:

    def read(event: Event) -> Sequence[Said]:
        said = _said(bytes.fromhex(orjson.loads(event.content)["body"]))
        at = event.received_at
        found: Said | None
        if event.kind == "status":
            found = receipt(said, at, numbers, ids)
        else:
            found = reply(said, at, numbers)
        return [] if found is None else [found]

    return read


def _event(body: bytes, sender: str, at: datetime) -> Event:
    """{"body": "00..."}; of what a client wrote the minute too, for he may write the same again."""
    content: dict[str, str] = {"body": body.hex()}
    kind = "status"
    try:
        if not is_receipt(read_short(body)):
            kind = "inbound"
    except Garbled:
        kind = "inbound"  # a person sees that it cannot be read
    if kind == "inbound":
        content["at"] = f"{at:%Y-%m-%dT%H:%MZ}"
    return Event(f"smpp:{sender}", kind, orjson.dumps(content), at)


def _said(body: bytes) -> Short:
    try:
        return read_short(body)
    except Garbled as error:
        raise ValueError(f"no deliver_sm: {error}") from error

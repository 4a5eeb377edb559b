"""SMPP 3.4 as bytes: what is said to a message centre and what it says (SMPP v3.4 issue 1.2).

Numbers in brackets are sections of that document. Nothing here connects to anything.
"""

import struct
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

MOST: Final = 64 * 1024

# Commands (5.1.2.1); a response has the highest bit set.
GENERIC_NACK: Final = 0x80000000
BIND_RECEIVER: Final = 0x00000001
BIND_TRANSMITTER: Final = 0x00000002
SUBMIT_SM: Final = 0x00000004
DELIVER_SM: Final = 0x00000005
UNBIND: Final = 0x00000006
BIND_TRANSCEIVER: Final = 0x00000009
ENQUIRE_LINK: Final = 0x00000015
ALERT_NOTIFICATION: Final = 0x00000102
DATA_SM: Final = 0x00000103
RESPONSE: Final = 0x80000000

# Optional parameters (5.3.2).
RECEIPTED_MESSAGE_ID: Final = 0x001E
USER_MESSAGE_REFERENCE: Final = 0x0204
NETWORK_ERROR_CODE: Final = 0x0423
MESSAGE_PAYLOAD: Final = 0x0424
MESSAGE_STATE: Final = 0x0427

_HEAD: Final = struct.Struct(">IIII")
_TLV: Final = struct.Struct(">HH")


class Garbled(Exception):
    """What came is no SMPP."""


class Pdu(NamedTuple):
    """One thing said, either way."""

    command: int
    status: int
    sequence: int
    body: bytes = b""


class Place(NamedTuple):
    """An address: digits or a name, its type of number and numbering plan (5.2.5, 5.2.6)."""

    address: str
    ton: int
    npi: int


class Short(NamedTuple):
    """The fields of submit_sm and deliver_sm that are used (4.4.1, 4.6.1)."""

    source: Place
    target: Place
    text: bytes
    data_coding: int = 0
    esm_class: int = 0
    registered_delivery: int = 0
    validity_period: str = ""
    tlvs: Mapping[int, bytes] = {}

    @property
    def content(self) -> bytes:
        """The text, wherever it stands."""
        return self.text or self.tlvs.get(MESSAGE_PAYLOAD, b"")


def encoded(pdu: Pdu) -> bytes:
    return _HEAD.pack(16 + len(pdu.body), pdu.command, pdu.status, pdu.sequence) + pdu.body


class PduReader:
    """Takes bytes as they come and gives what they say."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Pdu]:
        """Raises `Garbled`; what comes after that means nothing."""
        self._buffer += data
        found = []
        while len(self._buffer) >= 16:
            length, command, status, sequence = _HEAD.unpack_from(self._buffer)
            if not 16 <= length <= MOST:
                raise Garbled("a length that no message has")
            if len(self._buffer) < length:
                break
            found.append(Pdu(command, status, sequence, self._buffer[16:length]))
            self._buffer = self._buffer[length:]
        return found


def bind(system_id: str, password: str, system_type: str) -> bytes:
    """The body of a bind, of any kind (4.1). Raises ValueError where a field is too long. The
    password may be longer than the paper's 8: centres that give out longer ones take them."""
    return (
        _text(system_id, 15, "system_id")
        + _text(password, 64, "password")
        + _text(system_type, 12, "system_type")
        + bytes((0x34, 0, 0))
        + b"\0"
    )


def short(said: Short) -> bytes:
    """The body of a submit_sm. Raises ValueError where a field does not fit."""
    if len(said.text) > 254:
        raise ValueError("more than 254 bytes of text")
    source, target = said.source, said.target
    return b"".join((
        b"\0", bytes((source.ton, source.npi)), _text(source.address, 20, "source_addr"),
        bytes((target.ton, target.npi)), _text(target.address, 20, "destination_addr"),
        bytes((said.esm_class, 0, 0)), b"\0", _text(said.validity_period, 16, "validity_period"),
        bytes((said.registered_delivery, 0, said.data_coding, 0, len(said.text))), said.text,
        *(_TLV.pack(tag, len(value)) + value for tag, value in said.tlvs.items()),
    ))  # fmt: skip


def read_short(body: bytes) -> Short:
    """What a deliver_sm or submit_sm says. Raises `Garbled`."""
    try:
        _, at = _upto(body, 0)
        source, at = _place(body, at)
        target, at = _place(body, at)
        esm_class = body[at]
        _, at = _upto(body, at + 3)
        validity, at = _upto(body, at)
        registered, _, data_coding, _, length = body[at : at + 5]
        at += 5
        text = body[at : at + length]
        if len(text) != length:
            raise Garbled("a text that is cut off")
        tlvs = dict(_tlvs(body, at + length))
    except (IndexError, ValueError) as error:
        raise Garbled("a message that is cut off") from error
    return Short(source, target, text, data_coding, esm_class, registered, validity, tlvs)


def message_id(body: bytes) -> str:
    """What the centre calls a message it has taken (4.4.2); empty where it names none."""
    return body.partition(b"\0")[0].decode("latin-1")


def relative(seconds: int) -> str:
    """A time from now, as validity_period has it (7.1.1.2): at most a week."""
    minutes, second = divmod(min(max(seconds, 1), 7 * 86_400), 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    return f"0000{day:02}{hour:02}{minute:02}{second:02}000R"


def _text(value: str, most: int, name: str) -> bytes:
    found = value.encode("ascii", "replace") if value.isascii() else b"?"
    if not value.isascii() or len(found) > most or b"\0" in found:
        raise ValueError(f"{name} has more than {most} characters, or others than ASCII")
    return found + b"\0"


def _upto(body: bytes, at: int) -> tuple[str, int]:
    end = body.index(b"\0", at)
    return body[at:end].decode("latin-1"), end + 1


def _place(body: bytes, at: int) -> tuple[Place, int]:
    address, after = _upto(body, at + 2)
    return Place(address, body[at], body[at + 1]), after


def _tlvs(body: bytes, at: int) -> Iterable[tuple[int, bytes]]:
    while at < len(body):
        if at + 4 > len(body):
            raise Garbled("an optional parameter that is cut off")
        tag, length = _TLV.unpack_from(body, at)
        value = body[at + 4 : at + 4 + length]
        if len(value) != length:
            raise Garbled("an optional parameter that is cut off")
        yield tag, value
        at += 4 + length

"""What a message centre hands us: receipts of deliveries, and what clients write."""

import re
from datetime import datetime
from typing import Final, Literal

from outreach.core.gateway.request import read_number
from outreach.core.receipt import Receipt, Reply
from outreach.core.smpp import MESSAGE_STATE, NETWORK_ERROR_CODE, RECEIPTED_MESSAGE_ID, Place, Short
from outreach.core.smpp_text import read
from outreach.core.words import State

# Which number a centre writes in its receipts for the id its response gave: the same, or, as many
# do, the response's in hexadecimal as a decimal number, or the other way round.
Ids = Literal["same", "hex_then_decimal", "decimal_then_hex"]
Numbers = Literal["e164", "national"]

# message_state (5.2.28), and its words in the text of a receipt (appendix B).
_STATES: Final = {
    1: State.ACCEPTED,  # en route
    2: State.DELIVERED,
    3: State.UNDELIVERED,  # its validity period has ended
    4: State.UNDELIVERED,  # deleted
    5: State.UNDELIVERED,
    6: State.ACCEPTED,  # taken on the client's behalf
    8: State.UNDELIVERED,  # rejected
}
_WORDS: Final = {
    "ENROUTE": 1, "DELIVRD": 2, "EXPIRED": 3, "DELETED": 4, "UNDELIV": 5, "ACCEPTD": 6,
    "UNKNOWN": 7, "REJECTD": 8,
}  # fmt: skip
_ID: Final = re.compile(r"\bid:(\S+)", re.IGNORECASE)
_STAT: Final = re.compile(r"\bstat:([A-Z]{7})", re.IGNORECASE)
_ERR: Final = re.compile(r"\berr:(\S+)", re.IGNORECASE)
_KIND: Final = 0x3C  # of esm_class, 5.2.12: bits 5 to 2
_RECEIPT: Final = (0x04, 0x20)  # a delivery receipt; an intermediate notification


def is_receipt(said: Short) -> bool:
    """Whether it speaks of one of our messages, and is not from a client."""
    return said.esm_class & _KIND in _RECEIPT


def receipt(said: Short, at: datetime, numbers: Numbers, ids: Ids) -> Receipt | None:
    """What became of a message; None where it names none, or a state that says nothing. The moments
    in its text have no zone, so that of its arrival stands for them."""
    text = said.content.decode("latin-1")
    id_ = said.tlvs.get(RECEIPTED_MESSAGE_ID, b"").partition(b"\0")[0].decode("latin-1")
    found, word, fault = _ID.search(text), _STAT.search(text), _ERR.search(text)
    id_ = id_ or (found[1] if found else "")
    if (given := said.tlvs.get(MESSAGE_STATE)) and len(given) == 1:
        number = given[0]
    else:
        number = _WORDS.get(word[1].upper(), 0) if word else 0
    state = _STATES.get(number)
    if state is None or not id_:
        return None
    code = fault[1] if fault else ""
    if not code and len(error := said.tlvs.get(NETWORK_ERROR_CODE, b"")) == 3:
        code = str(int.from_bytes(error[1:], "big"))
    name = next((one for one, n in _WORDS.items() if n == number), "")
    return Receipt(
        state, at, reference=kept_id(id_, ids, "receipt"), address=number_of(said.source, numbers),
        code="" if code.strip("0") == "" else code[:48], detail=name,
    )  # fmt: skip


def reply(said: Short, at: datetime, numbers: Numbers) -> Reply | None:
    """What a client wrote; None where it names no writer."""
    writer = number_of(said.source, numbers)
    if not said.source.address:
        return None
    text = read(said.content, said.data_coding, said.esm_class)
    return Reply(said.target.address, writer, text, at)


def number_of(place: Place, numbers: Numbers) -> str:
    """E.164 of a client's number as the centre writes it."""
    if numbers == "national":
        return read_number(place.address)
    return "+" + re.sub(r"\D", "", place.address).removeprefix("00")


def kept_id(id_: str, ids: Ids, said: Literal["response", "receipt"]) -> str:
    """A centre's id in the one form both are compared in; unchanged where it is not of the kind it
    should be."""
    if ids == "same":
        return id_[:64]
    hexadecimal = (ids == "hex_then_decimal") == (said == "response")
    try:
        return str(int(id_, 16 if hexadecimal else 10))
    except ValueError:
        return id_[:64]

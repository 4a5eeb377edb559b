"""What the status of an SMPP response means for the message it answers (SMPP v3.4, 5.1.3).

A response that is not 0 carries no message id (4.4.2): the centre does not answer for the message.
"""

from enum import StrEnum
from typing import Final, NamedTuple


class Meaning(StrEnum):
    TAKEN = "taken"
    SLOW = "slow"  # not taken, and less is wanted
    LATER = "later"  # not taken; it may be tried again
    RECIPIENT = "recipient"  # the number takes none, ever
    TEXT = "text"  # this text cannot be sent
    OURS = "ours"  # our login, sender number or contract: a person has to look


class Code(NamedTuple):
    status: int
    name: str
    meaning: Meaning


_ROWS: Final = (
    Code(0x00, "ESME_ROK", Meaning.TAKEN),
    Code(0x14, "ESME_RMSGQFUL", Meaning.SLOW),
    Code(0x58, "ESME_RTHROTTLED", Meaning.SLOW),
    Code(0x08, "ESME_RSYSERR", Meaning.LATER),
    Code(0x45, "ESME_RSUBMITFAIL", Meaning.LATER),
    Code(0x64, "ESME_RX_T_APPN", Meaning.LATER),
    Code(0xFF, "ESME_RUNKNOWNERR", Meaning.LATER),
    Code(0x0B, "ESME_RINVDSTADR", Meaning.RECIPIENT),
    Code(0x50, "ESME_RINVDSTTON", Meaning.RECIPIENT),
    Code(0x51, "ESME_RINVDSTNPI", Meaning.RECIPIENT),
    Code(0x65, "ESME_RX_P_APPN", Meaning.RECIPIENT),
    Code(0x66, "ESME_RX_R_APPN", Meaning.RECIPIENT),
    Code(0x01, "ESME_RINVMSGLEN", Meaning.TEXT),
    # What we ask for in every message is not understood or not allowed.
    Code(0x02, "ESME_RINVCMDLEN", Meaning.OURS),
    Code(0x03, "ESME_RINVCMDID", Meaning.OURS),
    Code(0x04, "ESME_RINVBNDSTS", Meaning.OURS),
    Code(0x05, "ESME_RALYBND", Meaning.OURS),
    Code(0x06, "ESME_RINVPRTFLG", Meaning.OURS),
    Code(0x07, "ESME_RINVREGDLVFLG", Meaning.OURS),
    Code(0x0A, "ESME_RINVSRCADR", Meaning.OURS),
    Code(0x0D, "ESME_RBINDFAIL", Meaning.OURS),
    Code(0x0E, "ESME_RINVPASWD", Meaning.OURS),
    Code(0x0F, "ESME_RINVSYSID", Meaning.OURS),
    Code(0x15, "ESME_RINVSERTYP", Meaning.OURS),
    Code(0x43, "ESME_RINVESMCLASS", Meaning.OURS),
    Code(0x48, "ESME_RINVSRCTON", Meaning.OURS),
    Code(0x49, "ESME_RINVSRCNPI", Meaning.OURS),
    Code(0x53, "ESME_RINVSYSTYP", Meaning.OURS),
    Code(0x62, "ESME_RINVEXPIRY", Meaning.OURS),
    Code(0xC0, "ESME_RINVOPTPARSTREAM", Meaning.OURS),
    Code(0xC1, "ESME_ROPTPARNOTALLWD", Meaning.OURS),
    Code(0xC2, "ESME_RINVPARLEN", Meaning.OURS),
    Code(0xC4, "ESME_RINVOPTPARAMVAL", Meaning.OURS),
)
CODES: Final = {row.status: row for row in _ROWS}


def code_of(status: int) -> Code:
    """The row of a status. One in no row, such as a centre's own from 0x400 on, may be our own
    fault: the message waits."""
    return CODES.get(status) or Code(status, f"0x{status:08x}", Meaning.LATER)

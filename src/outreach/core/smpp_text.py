"""A text as SMPP carries it: its alphabet, and the parts a long one goes in.

Counted as `core.sms_text` counts, so that what is estimated is what is sent.
"""

from typing import Final, Literal, NamedTuple

from outreach.core.sms_text import BASIC, EXTENSION, measure

GSM: Final = 0x00  # data_coding: the centre's own alphabet, GSM 03.38 one character a byte
UCS2: Final = 0x08

_UDH: Final = 0x40  # esm_class: the text begins with a header (SMPP v3.4, 5.2.12)
_ESCAPE: Final = 0x1B
# 3GPP TS 23.038, 6.2.1: the alphabet has its escape at 0x1B, and its extension behind that.
_CODES: Final = {one: at if at < _ESCAPE else at + 1 for at, one in enumerate(BASIC)}
_EXTENDED: Final = dict(
    zip(EXTENSION, (0x0A, 0x14, 0x28, 0x29, 0x2F, 0x3C, 0x3D, 0x3E, 0x40, 0x65), strict=True)
)
_CHARACTERS: Final = {code: one for one, code in _CODES.items()}
_FURTHER: Final = {code: one for one, code in _EXTENDED.items()}


class Parts(NamedTuple):
    """What goes out for one text: a part a message."""

    data_coding: int
    esm_class: int
    texts: tuple[bytes, ...]


def parts(text: str, reference: int, alphabet: Literal["gsm", "ucs2"] = "gsm") -> Parts:
    """A text in as many parts as it needs; those of a long one each begin with a header that has
    `reference` (one byte of it) in common (3GPP TS 23.040, 9.2.3.24.1). `ucs2` takes that alphabet
    for every text, for centres whose own is another. Raises ValueError beyond 255 parts."""
    narrow = alphabet == "gsm" and measure(text).encoding == "GSM-7"
    units = [_gsm(one) for one in text] if narrow else [one.encode("utf-16-be") for one in text]
    one, many = (160, 153) if narrow else (140, 134)
    coding = GSM if narrow else UCS2
    if sum(map(len, units)) <= one:
        return Parts(coding, 0, (b"".join(units),))
    pieces = [b""]
    for unit in units:
        if len(pieces[-1]) + len(unit) > many:  # a character is never cut in two
            pieces.append(b"")
        pieces[-1] += unit
    if len(pieces) > 255:
        raise ValueError(f"{len(pieces)} parts")
    count = len(pieces)
    return Parts(coding, _UDH, tuple(
        bytes((5, 0, 3, reference & 0xFF, count, number)) + piece
        for number, piece in enumerate(pieces, 1)
    ))  # fmt: skip


def whole(text: str, alphabet: Literal["gsm", "ucs2"] = "gsm") -> tuple[int, bytes]:
    """A text in one piece, for message_payload: its data_coding, and its bytes."""
    if alphabet == "gsm" and measure(text).encoding == "GSM-7":
        return GSM, b"".join(map(_gsm, text))
    return UCS2, text.encode("utf-16-be")


def read(content: bytes, data_coding: int, esm_class: int) -> str:
    """The text of what a client wrote, whatever alphabet it came in; a header of parts is left
    out. What cannot be read shows as U+FFFD."""
    if esm_class & _UDH and content:
        content = content[content[0] + 1 :]
    if data_coding == UCS2:
        return content.decode("utf-16-be", "replace")
    if data_coding == 0x03:  # 5.2.19: Latin 1
        return content.decode("latin-1")
    if data_coding == 0x01:  # ASCII
        return content.decode("ascii", "replace")
    return _read_gsm(content)


def _gsm(one: str) -> bytes:
    code = _CODES.get(one)
    return bytes((code,)) if code is not None else bytes((_ESCAPE, _EXTENDED[one]))


def _read_gsm(content: bytes) -> str:
    found, escaped = [], False
    for code in content:
        if code == _ESCAPE and not escaped:
            escaped = True
            continue
        found.append((_FURTHER if escaped else _CHARACTERS).get(code, "�"))
        escaped = False
    return "".join(found)

"""Counting an SMS as the networks bill it: alphabet, units and parts of a finished text."""

import re
from typing import Final, Literal, NamedTuple

# 3GPP TS 23.038, 6.2.1: the default alphabet. The escape code 0x1B is no character of a text.
BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION: Final = "\f^{}\\[~]|€"

_OUTSIDE_GSM: Final = re.compile(f"[^{re.escape(BASIC + EXTENSION)}]")
_EXTENDED: Final = re.compile(f"[{re.escape(EXTENSION)}]")
_BEYOND_BMP: Final = re.compile("[\U00010000-\U0010ffff]")

_ESCAPE: Final = "\x1b"
_HIGH_SURROGATE: Final = "\ud800"


class Measure(NamedTuple):
    """What a text costs. `units` are septets of GSM-7 or 16-bit units of UCS-2."""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    parts: int


def measure(text: str) -> Measure:
    """Count the finished text: signature, opt-out wording and all, after rendering.

    One part holds 160 septets or 70 units; each of several holds 153 or 67, because a header takes
    the rest. A character of two septets or two units never straddles two parts, so a long text may
    need more parts than its units divided by 153 or 67. Counted as 3GPP TS 23.038 and 23.040 have
    it; a provider that keeps grapheme clusters whole may bill more. An empty text is GSM-7, 0
    units and 1 part, for that is what is billed if it is sent.
    """
    if _OUTSIDE_GSM.search(text) is None:
        return _measure_gsm(text)
    units = len(text.encode("utf-16-le", "surrogatepass")) >> 1
    if units <= 70:
        return Measure("UCS-2", units, 1)
    if units == len(text):
        return Measure("UCS-2", units, -(-units // 67))
    pairs = _BEYOND_BMP.sub(_HIGH_SURROGATE + ".", text)
    return Measure("UCS-2", units, _parts(pairs, 67, _HIGH_SURROGATE))


def _measure_gsm(text: str) -> Measure:
    units = len(text) + len(_EXTENDED.findall(text))
    if units <= 160:
        return Measure("GSM-7", units, 1)
    if units == len(text):
        return Measure("GSM-7", units, -(-units // 153))
    return Measure("GSM-7", units, _parts(_EXTENDED.sub(_ESCAPE + ".", text), 153, _ESCAPE))


def _parts(units: str, room: int, lead: str) -> int:
    """Parts of `room` units each; a `lead` in the last place moves on with its second half."""
    start = parts = 0
    while start < len(units):
        end = start + room
        start = end - 1 if units[end - 1 : end] == lead else end
        parts += 1
    return parts

"""Return addresses that name their message (VERP), signed so that only ours are believed.

`b@bounces.example.com` becomes `b+<token>@bounces.example.com`. Anybody can send us a report about
anybody; one that came to a token of ours was written by somebody who got that mail.
"""

import base64
import binascii
import re
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from hmac import compare_digest
from itertools import islice
from typing import Final, NamedTuple

_BODY: Final = 8  # bytes of the message id
_MAC: Final = 7  # bytes; with the id 15, which is 24 characters of base32 with no bit to spare
_LENGTH: Final = 24
_PERSON: Final = b"outreach verp 1"  # the key may sign other things too
_LIKELY: Final = re.compile(rb"\+([A-Za-z2-7]{24})@")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"  # RFC 4648 6, in small letters


class Verp(NamedTuple):
    """Makes and reads the return addresses of one mailbox."""

    mailbox: str
    key: bytes

    def address(self, message_id: int) -> str:
        """The return address of a message. The same message always gets the same one."""
        return self.writer()(message_id).decode()

    def writer(self) -> Callable[[int], bytes]:
        """What makes the address of a message in a microsecond: every mail that leaves has one."""
        box, _, domain = self.mailbox.rpartition("@")
        head, tail, key, pairs = f"{box}+".encode(), f"@{domain}".encode(), self.key, _pairs()

        def address(message_id: int) -> bytes:
            return head + _token(key, message_id, pairs) + tail

        return address

    def read(self, address: str) -> int | None:
        """The message an address names; None where it names none of ours. The domain may differ:
        what a relay rewrites is not signed."""
        local = address.strip().strip("<>").rpartition("@")[0]
        return read(self.key, local.rpartition("+")[2])

    def found_in(self, text: bytes) -> list[int]:
        """The messages whose return addresses stand anywhere in a text, in their order: whoever
        quotes one has had the mail. Only the first hundred that look like one are checked."""
        likely = (found[1].decode() for found in islice(_LIKELY.finditer(text), 100))
        known = (read(self.key, one) for one in likely)
        return list(dict.fromkeys(one for one in known if one is not None))


def token(key: bytes, message_id: int) -> str:
    """The token of a message: 24 small letters and digits, since mail systems may fold case."""
    return _token(key, message_id, _pairs()).decode()


def read(key: bytes, text: str) -> int | None:
    """The message a token stands for, in letters of either case; None when it is not ours."""
    if len(text) != _LENGTH or not text.isascii():
        return None
    try:
        raw = base64.b32decode(text.upper())
    except binascii.Error:
        return None
    body, mac = raw[:_BODY], raw[_BODY:]
    return int.from_bytes(body, "big") if compare_digest(mac, _mac(key, body)) else None


def _token(key: bytes, message_id: int, pairs: list[bytes]) -> bytes:
    body = message_id.to_bytes(_BODY, "big")
    bits = int.from_bytes(body + _mac(key, body), "big")
    # Ten bits at a time: the library's base32 takes twice as long for so few bytes.
    return b"".join([pairs[bits >> at & 1023] for at in range(110, -1, -10)])


@cache
def _pairs() -> list[bytes]:
    return [(first + second).encode() for first in _LETTERS for second in _LETTERS]


def _mac(key: bytes, body: bytes) -> bytes:
    return blake2b(body, key=key[:64], digest_size=_MAC, person=_PERSON).digest()

"""Return addresses that name their message (VERP), signed so that only ours are believed.

`b@bounces.example.com` becomes `b+<token>@bounces.example.com`. Anybody can send us a report about
anybody; one that came to a token of ours was written by somebody who got that mail.
"""

import base64
import binascii
import hmac
from typing import Final, NamedTuple

_BODY: Final = 8  # bytes of the message id
_MAC: Final = 7  # bytes; with the id 15, which is 24 characters of base32 with no bit to spare
_LENGTH: Final = 24
_SCOPE: Final = b"outreach verp 1\0"  # the key signs other things too


class Verp(NamedTuple):
    """Makes and reads the return addresses of one mailbox."""

    mailbox: str
    key: bytes

    def address(self, message_id: int) -> str:
        """The return address of a message. The same message always gets the same one."""
        box, _, domain = self.mailbox.rpartition("@")
        return f"{box}+{token(self.key, message_id)}@{domain}"

    def read(self, address: str) -> int | None:
        """The message an address names; None where it names none of ours. The domain may differ:
        what a relay rewrites is not signed."""
        local = address.strip().strip("<>").rpartition("@")[0]
        return read(self.key, local.rpartition("+")[2])


def token(key: bytes, message_id: int) -> str:
    """The token of a message: 24 small letters and digits, since mail systems may fold case."""
    body = message_id.to_bytes(_BODY, "big")
    return base64.b32encode(body + _mac(key, body)).decode().lower()


def read(key: bytes, text: str) -> int | None:
    """The message a token stands for, in letters of either case; None when it is not ours."""
    if len(text) != _LENGTH or not text.isascii():
        return None
    try:
        raw = base64.b32decode(text.upper())
    except binascii.Error:
        return None
    body, mac = raw[:_BODY], raw[_BODY:]
    return int.from_bytes(body, "big") if hmac.compare_digest(mac, _mac(key, body)) else None


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, _SCOPE + body, "sha256")[:_MAC]

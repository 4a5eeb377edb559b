"""Unsubscribe links: one opaque token per client and purpose, made and read without a table.

RFC 8058 asks for a link that acts without login, so the token itself must be hard to guess.
"""

import base64
import struct
from hashlib import blake2b
from hmac import compare_digest
from typing import NamedTuple

from outreach.core.words import Purpose

_PURPOSES = tuple(Purpose)
_PLACES = {purpose: place for place, purpose in enumerate(_PURPOSES)}
_BODY = struct.Struct(">QB")  # client, purpose
_MAC = 15  # bytes; 120 bits, and the token is 24 bytes = 32 characters without padding


class Unsubscribe(NamedTuple):
    """Makes links for one purpose."""

    address: str  # of the door, ends with /
    key: bytes
    purpose: Purpose

    def url(self, client_id: int) -> str:
        """The link of one client. The same client and purpose always get the same one."""
        return f"{self.address}{token(self.key, client_id, self.purpose)}"


def token(key: bytes, client_id: int, purpose: Purpose) -> str:
    """The token of a client and purpose."""
    body = _BODY.pack(client_id, _PLACES[purpose])
    mac = blake2b(body, key=key[:64], digest_size=_MAC).digest()
    return base64.urlsafe_b64encode(body + mac).decode()


def read(key: bytes, text: str) -> tuple[int, Purpose] | None:
    """(client, purpose) a token stands for; None when it is not one of ours."""
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii", "strict"))
    except (ValueError, UnicodeEncodeError):
        return None
    if len(raw) != _BODY.size + _MAC:
        return None
    # The decoder skips strange characters; a token has one spelling only.
    if base64.urlsafe_b64encode(raw).decode() != text:
        return None
    body, mac = raw[: _BODY.size], raw[_BODY.size :]
    if not compare_digest(mac, blake2b(body, key=key[:64], digest_size=_MAC).digest()):
        return None
    client_id, purpose = _BODY.unpack(body)
    return (client_id, _PURPOSES[purpose]) if purpose < len(_PURPOSES) else None

"""Unsubscribe links: one opaque token per client and purpose, made and read without a table.

RFC 8058 asks for a link that acts without login, so the token itself must be hard to guess.
"""

import struct
from typing import NamedTuple

from outreach.core.signed_token import opened, sealed
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
    return sealed(key, _BODY.pack(client_id, _PLACES[purpose]), mac=_MAC)


def read(key: bytes, text: str) -> tuple[int, Purpose] | None:
    """(client, purpose) a token stands for; None when it is not one of ours."""
    body = opened(key, text, body=_BODY.size, mac=_MAC)
    if body is None:
        return None
    client_id, purpose = _BODY.unpack(body)
    return (client_id, _PURPOSES[purpose]) if purpose < len(_PURPOSES) else None

"""A few bytes that only we can have written, as the text of a link: body and keyed hash together.

Links carry them without a table. The hash (BLAKE2b, RFC 7693) tells ours from made-up ones; a
`person` keeps tokens of one kind from being taken for another though the key is the same.
"""

import base64
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest


def sealed(key: bytes, body: bytes, *, mac: int, person: bytes = b"") -> str:
    """The token of a body, with `mac` bytes of hash. Body and hash together in threes of bytes have
    no padding."""
    return base64.urlsafe_b64encode(body + _mac(key, body, mac, person)).decode()


def opened(key: bytes, text: str, *, body: int, mac: int, person: bytes = b"") -> bytes | None:
    """The body of `body` bytes in a token; None when it is not one of ours."""
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii", "strict"))
    except (ValueError, UnicodeEncodeError):
        return None
    if len(raw) != body + mac:
        return None
    # The decoder skips strange characters; a token has one spelling only.
    if base64.urlsafe_b64encode(raw).decode() != text:
        return None
    found = raw[:body]
    return found if compare_digest(raw[body:], _mac(key, found, mac, person)) else None


def _mac(key: bytes, body: bytes, size: int, person: bytes) -> bytes:
    keyed = _keyed(key, size, person).copy()
    keyed.update(body)
    return keyed.digest()


@lru_cache(maxsize=16)
def _keyed(key: bytes, size: int, person: bytes) -> blake2b:
    """The hash with its key worked in, to copy: half of what a token costs."""
    return blake2b(key=key[:64], digest_size=size, person=person)

"""What a gateway posts to us by itself: read as its profile says, and the path that shows it is it.

Gateways of the mainland do not sign what they push. So the address they are given holds a token
that only we and they know, made of our key and the sender's name.
"""

import base64
import json
from collections.abc import Callable, Sequence
from hashlib import blake2b
from hmac import compare_digest
from typing import Any, Final, TypeVar

from outreach.core.gateway.answer import Receipt, Reply, receipt_of, reply_of
from outreach.core.gateway.profile import Profile

T = TypeVar("T")

_PERSON: Final = b"gateway-push"  # the key also signs links: none may be taken for another


def push_token(key: bytes, sender: str) -> str:
    """The part of a sender's push addresses that nobody can guess: 24 characters."""
    mac = blake2b(sender.encode(), key=key[:64], digest_size=18, person=_PERSON)
    return base64.urlsafe_b64encode(mac.digest()).decode()


def is_push_token(key: bytes, sender: str, token: str) -> bool:
    """Whether a token is that of a sender."""
    return compare_digest(push_token(key, sender).encode(), token.encode("utf-8", "replace"))


def pushed_receipts(profile: Profile, content: bytes) -> list[Receipt]:
    """The receipts in a push. Raises ValueError where it holds something else."""
    place = profile.push.receipts if profile.push else None
    if place is None:
        raise ValueError(f"the profile of {profile.title} does not say how receipts are pushed")
    return _read(content, place.items, lambda entry: receipt_of(place, entry))


def pushed_replies(profile: Profile, content: bytes) -> list[Reply]:
    """The replies in a push. Raises ValueError where it holds something else."""
    place = profile.push.replies if profile.push else None
    if place is None:
        raise ValueError(f"the profile of {profile.title} does not say how replies are pushed")
    return _read(content, place.items, lambda entry: reply_of(place, entry))


def _read(content: bytes, items: str, read: Callable[[Any], T | None]) -> list[T]:
    found = [read(entry) for entry in _entries(content, items)]
    good = [entry for entry in found if entry is not None]
    if not good and found:
        raise ValueError(f"none of {len(found)} entries could be read")
    return good


def _entries(content: bytes, items: str) -> Sequence[Any]:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is no JSON") from error
    for name in items.split(".") if items else ():
        data = data.get(name) if isinstance(data, dict) else None
    if isinstance(data, dict):
        return [data]
    if not isinstance(data, list):
        raise ValueError("it holds no list")
    return data

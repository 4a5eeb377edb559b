"""Signed JSON over HTTP as Standard Webhooks 1.0.0 says it (standardwebhooks.com).

HMAC-SHA256 over id, time and body; the id stays the same on every attempt, so that a receiver who
has seen it does nothing twice.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

TOLERANCE: Final = timedelta(minutes=5)  # how far the time of a request may be from ours
_PREFIX: Final = "whsec_"  # before a secret in base64


def signed(secret: str, id_: str, body: bytes, at: datetime) -> dict[str, str]:
    """The headers of a request: what it is, and the proof that it is ours."""
    stamp = str(int(at.timestamp()))
    return {
        "content-type": "application/json",
        "user-agent": "outreach",
        "webhook-id": id_,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{_signature(secret, id_, stamp, body)}",
    }


def verified(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether a request was signed with the secret, within `TOLERANCE` of now. Names of headers
    are in small letters; a request may bring several signatures, of which one has to fit."""
    id_, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not id_ or not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 12):
        return False
    if abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
        return False
    ours = f"v1,{_signature(secret, id_, stamp, body)}"
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(ours.encode(), one.encode()) for one in given)


def check_secret(secret: str) -> str:
    """Why a secret cannot sign, in words; empty where it can."""
    if not secret.startswith(_PREFIX):
        return ""
    try:
        base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        return f"what follows {_PREFIX} is no base64"
    return ""


def _signature(secret: str, id_: str, stamp: str, body: bytes) -> str:
    content = b".".join((id_.encode(), stamp.encode(), body))
    return base64.b64encode(hmac.digest(_key(secret), content, sha256)).decode()


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        return base64.b64decode(secret.removeprefix(_PREFIX))
    return secret.encode()

"""Links to a survey: one opaque token per client and survey, made and read without a table.

Like unsubscribe links (`core.unsubscribe`): whoever holds one answers for that client, so it must
be hard to guess. It names the survey by a mark of campaign and occurrence, which is known before
the run has a number.
"""

import struct
from hashlib import blake2b
from typing import Final, NamedTuple

from outreach.core.signed_token import opened, sealed

_BODY: Final = struct.Struct(">Q8s")  # client, mark
_MAC: Final = 14  # bytes; 112 bits, and the token is 30 bytes = 40 characters without padding
_PERSON: Final = b"survey-answer"  # the key also signs other links: none may be taken for another


class SurveyLink(NamedTuple):
    """Makes links to one survey."""

    address: str  # of the door, ends with /
    key: bytes
    mark: bytes

    def url(self, client_id: int) -> str:
        """The link of one client. The same client and survey always get the same one."""
        return f"{self.address}{token(self.key, client_id, self.mark)}"


def mark_of(campaign: str, occurrence: str) -> bytes:
    """What a token calls a survey: 8 bytes."""
    return blake2b(f"{campaign}\n{occurrence}".encode(), digest_size=8, person=_PERSON).digest()


def token(key: bytes, client_id: int, mark: bytes) -> str:
    """The token of a client and survey."""
    return sealed(key, _BODY.pack(client_id, mark), mac=_MAC, person=_PERSON)


def read(key: bytes, text: str) -> tuple[int, bytes] | None:
    """(client, mark) a token stands for; None when it is not one of ours."""
    body = opened(key, text, body=_BODY.size, mac=_MAC, person=_PERSON)
    if body is None:
        return None
    client_id, mark = _BODY.unpack(body)
    return client_id, mark

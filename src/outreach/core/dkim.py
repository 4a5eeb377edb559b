"""DKIM signatures (RFC 6376; Ed25519: RFC 8463), relaxed/relaxed, over the bytes that are sent.

The same message signed with the same key always gives the same bytes, so that every attempt hands
over the same mail: the time in a signature is the message's own, and neither kind of key draws
random numbers.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final

# RFC 6376 5.4.1, and RFC 8058 3 for the List-Unsubscribe headers. Each is listed once more than it
# occurs, so that none can be added behind our back (8.15); this holds for From above all.
SIGNED: Final = (
    b"from",
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"mime-version",
    b"content-type",
    b"content-language",
)
SMALLEST_RSA: Final = 2048  # RFC 8301 3.2: signers should use no less

_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
)
_FIELDS = re.compile(rb"\r\n(?![ \t])")
_SPACES = re.compile(rb"[ \t]+")
_LOOSE = re.compile(rb"  |\t| \r\n").search  # what relaxed canonicalization would change
_LINE: Final = 72

Sign = Callable[[bytes], bytes]


class KeyProblem(ValueError):
    """A key, domain or selector cannot sign. The sentence holds nothing of the key."""


class Signer:
    """Signs for one domain with one key."""

    __slots__ = ("_sign", "_start")

    def __init__(self, domain: str, selector: str, pem: bytes) -> None:
        """`pem` is a private key without a password. Raises `KeyProblem`."""
        for what, name in (("domain", domain), ("selector", selector)):
            if not _NAME.fullmatch(name.lower()):
                raise KeyProblem(f'the {what} "{name}" is not a name of the DNS in ASCII')
        algorithm, self._sign = key_of(pem)
        self._start = (
            f"DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed;"
            f"\r\n d={domain.lower()}; s={selector.lower()}; t="
        ).encode()

    def field(self, signed: bytes, names: bytes, body_hash: bytes, at: datetime) -> bytes:
        """The header field, with its line end, for canonical fields and a body hash."""
        unsigned = b"%b%d;\r\n h=%b;\r\n bh=%b;\r\n b=" % (
            self._start, int(at.timestamp()), names, body_hash,
        )  # fmt: skip
        signature = b64encode(self._sign(signed + canonical_field(unsigned)))
        lines = (signature[start : start + _LINE] for start in range(0, len(signature), _LINE))
        return unsigned + b"\r\n  ".join(lines) + b"\r\n"


def signed(signers: Sequence[Signer], content: bytes, at: datetime) -> bytes:
    """A message with the signatures of all signers before its headers.

    The message must be ASCII with lines of at most 998 octets, or a relay may have to write it
    anew, which breaks the signatures (RFC 6376 5.3).
    """
    head, _, body = content.partition(b"\r\n\r\n")
    fields: dict[bytes, list[bytes]] = {}
    for field in _FIELDS.split(head):
        fields.setdefault(field.partition(b":")[0].strip().lower(), []).append(field)
    names: list[bytes] = []
    parts: list[bytes] = []
    for name in SIGNED:
        found = fields.get(name, ())
        names += [name] * (len(found) + 1)
        # RFC 6376 5.4.2: of several with one name the last comes first.
        parts += [canonical_field(field) + b"\r\n" for field in reversed(found)]
    lines = (b":".join(names[start : start + 4]) for start in range(0, len(names), 4))
    listed = b":\r\n  ".join(lines)
    body_hash = b64encode(sha256(canonical_body(body)).digest())
    ours = [signer.field(b"".join(parts), listed, body_hash, at) for signer in signers]
    return b"".join((*ours, content))


def canonical_field(field: bytes) -> bytes:
    """A header field as relaxed canonicalization wants it, without line end (RFC 6376 3.4.2)."""
    name, _, value = field.partition(b":")
    value = _SPACES.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return b"%b:%b" % (name.strip(b" \t").lower(), value)


def canonical_body(body: bytes) -> bytes:
    """A body as relaxed canonicalization wants it (RFC 6376 3.4.4)."""
    if _LOOSE(body):
        body = _SPACES.sub(b" ", body).replace(b" \r\n", b"\r\n")
    body = body.rstrip(b" ") if body.endswith(b" ") else body
    if not body.endswith(b"\r\n"):
        return body + b"\r\n" if body else body
    while body.endswith(b"\r\n\r\n"):
        body = body[:-2]
    return b"" if body == b"\r\n" else body


def key_of(pem: bytes) -> tuple[str, Sign]:
    """The algorithm of a private key, as a signature names it, and how it signs.

    Raises `KeyProblem`.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyProblem("this is not a private key in PEM form without a password") from None
    if isinstance(key, Ed25519PrivateKey):
        # RFC 8463 3: what is signed is the hash.
        return "ed25519-sha256", lambda data: key.sign(sha256(data).digest())
    if isinstance(key, RSAPrivateKey):
        if key.key_size < SMALLEST_RSA:
            raise KeyProblem(f"an RSA key needs {SMALLEST_RSA} bits; this one has {key.key_size}")
        padding, hashing = PKCS1v15(), SHA256()
        return "rsa-sha256", lambda data: key.sign(data, padding, hashing)
    raise KeyProblem("a key for DKIM is RSA or Ed25519")

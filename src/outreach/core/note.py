"""Checkpoints of the log as signed notes: what we publish so that others can hold us to it.

The text formats are C2SP's `signed-note.md` and `tlog-checkpoint.md`, so that independent programs
can check a checkpoint and sign it beside us.
"""

import re
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Final, NamedTuple

from outreach.core.merkle import HASH_SIZE

_ED25519: Final = b"\x01"
_KEY_NAME: Final = re.compile(r"[^\s+\x00-\x1f\x7f]+")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


class TreeHead(NamedTuple):
    """What a checkpoint says: whose log, how many entries, and the root over them."""

    origin: str
    size: int
    root: bytes


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """The text of a checkpoint: origin, size and base64 root, a line each.

    Raises ValueError for what no checkpoint can say.
    """
    if not origin or _CONTROL.search(origin) or "\n" in origin:
        raise ValueError("a checkpoint's origin is one line of text")
    if size < 0 or len(root) != HASH_SIZE:
        raise ValueError("a checkpoint has a size from 0 and a root of 32 bytes")
    return f"{origin}\n{size}\n{b64encode(root).decode()}\n"


def read_checkpoint(text: str) -> TreeHead | None:
    """What a checkpoint's text says, or None if it is not one. Further lines are passed over."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        return None
    if re.fullmatch(r"0|[1-9][0-9]*", lines[1], re.ASCII) is None:
        return None
    root = _base64(lines[2])
    if root is None or len(root) != HASH_SIZE:
        return None
    return TreeHead(lines[0], int(lines[1]), root)


def sign(text: str, key_name: str, private_key: bytes) -> str:
    """`text` as a note with one signature. `private_key` is the 32-byte Ed25519 seed.

    Raises ValueError when the text or the name cannot stand in a note, or the seed is no seed.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not text.endswith("\n") or _CONTROL.search(text):
        raise ValueError("a note's text ends in a newline and holds no control characters")
    key = Ed25519PrivateKey.from_private_bytes(private_key)
    line = _key_id(key_name, public_key(private_key)) + key.sign(text.encode())
    return f"{text}\n— {key_name} {b64encode(line).decode()}\n"


def verify(note: str, key_name: str, public_key: bytes) -> str | None:
    """The text of `note` if this key signed it, else None. Other keys' signatures are passed over.

    Use only the text that comes back: whatever else is in the note, nobody vouches for it.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    if not signatures.endswith("\n") or _CONTROL.search(note):
        return None
    key_id = _key_id(key_name, public_key)
    key = Ed25519PublicKey.from_public_bytes(public_key)
    for line in signatures[:-1].split("\n"):
        mark, name, encoded = (*line.split(" "), "", "", "")[:3]
        signature = _base64(encoded)
        if mark != "—" or signature is None or len(signature) < 5:
            return None
        if name != key_name or signature[:4] != key_id:
            continue
        try:
            key.verify(signature[4:], text.encode())
        except (InvalidSignature, UnicodeEncodeError):
            return None
        return text
    return None


def public_key(private_key: bytes) -> bytes:
    """The 32-byte Ed25519 public key of a 32-byte seed. Raises ValueError for another length."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def read_seed(text: str) -> bytes:
    """A private key as it is kept: 32 bytes in base64. Raises ValueError for anything else."""
    seed = _base64(text.strip())
    if seed is None or len(seed) != 32:
        raise ValueError("write 32 random bytes in base64, such as `openssl rand -base64 32` makes")
    return seed


def origin_of(website: str) -> str:
    """The name of a firm's log, from its website: `https://www.example.cn/` is
    `www.example.cn/outreach`. Raises ValueError for a website that gives no such name."""
    host = website.rpartition("://")[2]
    origin = f"{host.partition('/')[0]}/outreach"
    if origin.startswith("/") or not _KEY_NAME.fullmatch(origin):
        raise ValueError(f"{website!r} gives the audit log no name; write the website's address")
    return origin


def verifier_key(key_name: str, public_key: bytes) -> str:
    """The line to hand to whoever shall check our notes: NAME+HASH+KEY."""
    encoded = b64encode(_ED25519 + public_key).decode()
    return f"{key_name}+{_key_id(key_name, public_key).hex()}+{encoded}"


def read_verifier_key(line: str) -> tuple[str, bytes] | None:
    """Name and public key of a `verifier_key` line, or None when it is not one for Ed25519."""
    name, key_id, encoded = (*line.strip().split("+", 2), "", "")[:3]
    key = _base64(encoded)
    if key is None or key[:1] != _ED25519 or len(key) != 33 or not _KEY_NAME.fullmatch(name):
        return None
    return (name, key[1:]) if _key_id(name, key[1:]).hex() == key_id else None


def _key_id(key_name: str, public_key: bytes) -> bytes:
    if not _KEY_NAME.fullmatch(key_name):
        raise ValueError("a key's name holds neither spaces nor a plus sign and is not empty")
    return sha256(key_name.encode() + b"\n" + _ED25519 + public_key).digest()[:4]


def _base64(text: str) -> bytes | None:
    """The bytes of canonical base64, or None."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        return None
    return data if b64encode(data).decode() == text else None

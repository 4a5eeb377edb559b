"""A verifier of DKIM signatures, written from RFC 6376 alone, character by character."""

import base64
import hashlib
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

PublicKey = rsa.RSAPublicKey | ed25519.Ed25519PublicKey


def verdicts(mail: bytes, keys: Mapping[tuple[str, str], PublicKey]) -> list[str]:
    """One word a signature, from the first: pass, body, signature, or what else is wrong."""
    text = mail.decode("latin-1")
    head, body = text.split("\r\n\r\n", 1)
    fields: list[str] = []
    for line in head.split("\r\n"):
        if line[:1] in (" ", "\t"):
            fields[-1] += "\r\n" + line
        else:
            fields.append(line)
    own = [field for field in fields if field.lower().startswith("dkim-signature")]
    return [_verdict(field, fields, body, keys) for field in own]


def _verdict(
    own: str, fields: list[str], body: str, keys: Mapping[tuple[str, str], PublicKey]
) -> str:
    tags: dict[str, str] = {}
    for part in own.split(":", 1)[1].split(";"):
        if part.strip():
            name, value = part.split("=", 1)
            tags[name.strip()] = re.sub(r"\s", "", value)
    if tags["v"] != "1" or tags["c"] != "relaxed/relaxed" or "l" in tags:
        return "form"
    names = tags["h"].lower().split(":")
    if "from" not in names:
        return "from"
    digest = hashlib.sha256(_body(body).encode("latin-1")).digest()
    if base64.b64decode(tags["bh"]) != digest:
        return "body"
    left = [field for field in fields if field is not own]
    said = ""
    for name in names:
        for at in range(len(left) - 1, -1, -1):
            if left[at].split(":", 1)[0].strip().lower() == name:
                said += _field(left.pop(at)) + "\r\n"
                break
    # The value of b= is taken out, with the white space around it; nothing else of the field is.
    said += _field(re.sub(r"([;\s]b\s*=)[^;]*", r"\1", own))
    key, given = keys[tags["d"], tags["s"]], base64.b64decode(tags["b"])
    try:
        if tags["a"] == "ed25519-sha256" and isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(given, hashlib.sha256(said.encode("latin-1")).digest())
        elif tags["a"] == "rsa-sha256" and isinstance(key, rsa.RSAPublicKey):
            key.verify(given, said.encode("latin-1"), padding.PKCS1v15(), hashes.SHA256())
        else:
            return "algorithm"
    except InvalidSignature:
        return "signature"
    return "pass"


def _field(field: str) -> str:
    name, value = field.split(":", 1)
    out = ""
    for char in value.replace("\r\n", ""):
        if char not in " \t":
            out += char
        elif not out.endswith(" "):
            out += " "
    return name.lower().rstrip(" \t") + ":" + out.strip(" ")


def _body(body: str) -> str:
    lines = body.split("\r\n")
    if lines[-1] == "":
        lines.pop()
    done = []
    for line in lines:
        out = ""
        for char in line:
            if char not in " \t":
                out += char
            elif not out.endswith(" "):
                out += " "
        done.append(out.rstrip(" "))
    while done and not done[-1]:
        done.pop()
    return "".join(line + "\r\n" for line in done)

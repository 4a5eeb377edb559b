"""Signatures of requests, as the gateways' public documentation lays them down."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, NamedTuple
from urllib.parse import quote

BEIJING: Final = timezone(timedelta(hours=8))


class Key(NamedTuple):
    """Who asks: the id a gateway knows the account by, and the secret that goes with it."""

    account: str
    secret: str

    def __repr__(self) -> str:
        return f"Key({self.account!r}, ...)"


class Unsigned(NamedTuple):
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes


def encoded(values: Mapping[str, str]) -> str:
    """Names and values in order of their names, encoded as RFC 3986 has it."""
    return "&".join(f"{_quoted(name)}={_quoted(values[name])}" for name in sorted(values))


def acs3(
    request: Unsigned, key: Key, *, action: str, version: str, at: datetime, nonce: str
) -> dict[str, str]:
    """The headers of a request with their signature, ACS3-HMAC-SHA256.

    https://help.aliyun.com/document_detail/2593177.html
    """
    hashed = hashlib.sha256(request.content).hexdigest()
    headers = {name.lower(): value for name, value in request.headers.items()} | {
        "x-acs-action": action,
        "x-acs-version": version,
        "x-acs-date": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-content-sha256": hashed,
    }
    signed = sorted(
        name for name in headers if name.startswith("x-acs-") or name in ("host", "content-type")
    )
    canonical = "\n".join(
        (
            request.method,
            request.path,
            encoded(request.query),
            *(f"{name}:{headers[name].strip()}" for name in signed),
            "",
            ";".join(signed),
            hashed,
        )
    )
    text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = _hmac(key.secret.encode(), text).hex()
    headers["Authorization"] = (
        f"ACS3-HMAC-SHA256 Credential={key.account},"
        f"SignedHeaders={';'.join(signed)},Signature={signature}"
    )
    return headers


def tc3(
    request: Unsigned, key: Key, *, action: str, version: str, service: str, region: str,
    at: datetime,
) -> dict[str, str]:  # fmt: skip
    """The headers of a request with their signature, TC3-HMAC-SHA256.

    https://cloud.tencent.com/document/api/306/57449
    """
    headers = {name.lower(): value for name, value in request.headers.items()} | {
        "x-tc-action": action,
        "x-tc-version": version,
        "x-tc-timestamp": str(int(at.timestamp())),
        "x-tc-region": region,
    }
    signed = ("content-type", "host", "x-tc-action")
    canonical = "\n".join(
        (
            request.method,
            request.path,
            encoded(request.query),
            *(f"{name}:{headers[name].strip().lower()}" for name in signed),
            "",
            ";".join(signed),
            hashlib.sha256(request.content).hexdigest(),
        )
    )
    day = at.astimezone(UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{service}/tc3_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"TC3-HMAC-SHA256\n{headers['x-tc-timestamp']}\n{scope}\n{hashed}"
    derived = _hmac(
        _hmac(_hmac(f"TC3{key.secret}".encode(), day), service), "tc3_request"
    )  # each step binds the key to one more part of the scope
    headers["Authorization"] = (
        f"TC3-HMAC-SHA256 Credential={key.account}/{scope}, "
        f"SignedHeaders={';'.join(signed)}, Signature={_hmac(derived, text).hex()}"
    )
    return headers


def digest_of(kind: str, pieces: tuple[str, ...], secret: str) -> str:
    """The signature a carrier port wants in a field: MD5 over pieces one of which is the secret,
    or HMAC-SHA256 over them with it. Hex, small letters."""
    text = "".join(pieces)
    if kind == "md5":
        return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - the carrier's choice, not ours
    return _hmac(secret.encode(), text).hex()


def compact(value: object) -> str:
    """JSON as it is signed and sent: Chinese as itself, no blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")

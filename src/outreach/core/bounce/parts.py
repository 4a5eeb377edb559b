"""The parts of a returned mail that are looked at, within bounds: a hostile one costs little.

What is attached as a mail (the original, or anything forwarded) is never searched for reports: only
its header fields are kept.
"""

import base64
import binascii
import html
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any, Final, NamedTuple, TypeAlias

LARGEST: Final = 1 << 20  # bytes looked at; reports are small, what follows is the original
_TEXT: Final = 64 << 10  # characters of readable text
_PARTS: Final = 100
_BLOCKS: Final = 1000  # groups of fields of one report
_DEPTH: Final = 8
_NESTED: Final = 64  # boundaries declared in one mail; the parser's work grows with them
_HEADER: Final = 2000  # characters of one header field
_REPORTS: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_ORIGINALS: Final = frozenset({
    "message/rfc822", "message/global", "message/global-headers", "text/rfc822-headers",
})  # fmt: skip
# Some gateways turn the report into plain text; then it begins with one of its fields.
_LIKE_REPORT: Final = re.compile(r"\s*(?:Reporting-MTA|Final-Recipient)\s*:", re.IGNORECASE)
_TAG: Final = re.compile(r"<[^<>]{0,2000}>")
_HIDDEN: Final = re.compile(r"<(style|script)\b", re.IGNORECASE)
_BREAK: Final = re.compile(r"<(?:br|/p|/div|/tr|/h\d|/li)\b[^<>]{0,200}>", re.IGNORECASE)

# What the library's parser trips over in malformed headers.
_FAULTS: Final = (MessageError, ValueError, LookupError, TypeError, AttributeError)

Fields = dict[str, str]
_Mail: TypeAlias = "Message[Any, Any]"


class Parts(NamedTuple):
    """What was found in a mail."""

    headers: Fields  # decoded, names in small letters, the first of each
    kind: str  # media type of the whole
    report_type: str
    text: str  # what a person would read, the original left out
    status: str  # text of the delivery status, empty when there is none
    feedback: str  # text of the feedback report (RFC 5965)
    receipt: bool  # whether it is a notice that a mail was read (RFC 8098)
    original: Fields
    data: bytes  # as far as it was read


def read(data: bytes) -> Parts:
    """Take a mail apart. Whatever the bytes are, there is an answer; at most LARGEST are read."""
    data = data[:LARGEST]
    mail = parsed(data)
    found: dict[str, list[str]] = {"text": [], "html": [], "status": [], "feedback": []}
    original: Fields = {}
    receipt = False
    for part in _leaves(mail):
        kind = part.get_content_type()
        if kind in _REPORTS:
            found["status"].append(_flat(part))
        elif kind == "message/feedback-report":
            found["feedback"].append(_flat(part))
        elif kind == "message/disposition-notification":
            receipt = True
        elif kind in _ORIGINALS:
            original = original or _original(part)
        elif part.get_content_maintype() == "text":
            _readable(part, found)
    text = "\n".join(found["text"]) or "\n".join(found["html"])
    return Parts(
        _headers(mail), mail.get_content_type(), _parameter(mail, "report-type").lower(),
        text[:_TEXT], "\n\n".join(found["status"]), "\n\n".join(found["feedback"]), receipt,
        original, data,
    )  # fmt: skip


def parsed(data: bytes) -> _Mail:
    """A mail as the library reads it; its header alone where the rest is malformed or nested beyond
    any use."""
    if data.lower().count(b"boundary") <= _NESTED:
        try:
            return message_from_bytes(data, policy=policy.compat32)
        except (*_FAULTS, RecursionError):
            pass
    head = data.split(b"\n\n", 1)[0].split(b"\r\n\r\n", 1)[0]
    return BytesHeaderParser(policy=policy.compat32).parsebytes(head[: _HEADER * 50])


def _leaves(mail: _Mail) -> Iterator[_Mail]:
    """The parts that hold something, in order; mails inside are not entered."""
    left = [(mail, 0)]
    seen = 0
    while left and seen < _PARTS:
        part, depth = left.pop()
        seen += 1
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            if depth < _DEPTH:
                left += [(one, depth + 1) for one in reversed(_inside(part)[:_PARTS])]
        else:
            yield part


def _inside(part: _Mail) -> list[_Mail]:
    inner = part.get_payload()
    return [one for one in inner if isinstance(one, Message)]


def _readable(part: _Mail, found: dict[str, list[str]]) -> None:
    text = _decoded(part)
    if part.get_content_subtype() == "html":
        found["html"].append(_shown(text))
    elif _LIKE_REPORT.match(text) and not found["status"]:
        found["status"].append(text)
    else:
        found["text"].append(text)


def _shown(text: str) -> str:
    """What a page shows, roughly: a block per line, without tags, styles and scripts."""
    pieces, start, low = [], 0, text.lower()
    while found := _HIDDEN.search(text, start):
        pieces.append(text[start : found.start()])
        end = low.find(f"</{found[1].lower()}", found.end())
        start = len(text) if end < 0 else end
    pieces.append(text[start:])
    return html.unescape(_TAG.sub(" ", _BREAK.sub("\n", "".join(pieces))))


def _decoded(part: _Mail) -> str:
    try:
        raw = part.get_payload(decode=True)
        charset = part.get_content_charset() or ""
    except _FAULTS:
        return ""
    return text_of(raw, charset)[:_TEXT] if isinstance(raw, bytes) else ""


def text_of(raw: bytes, charset: str = "") -> str:
    """Bytes as text: as declared, else UTF-8, else GB18030 (which holds GBK and GB2312, and
    which mainland servers send under either name or none); strange bytes are replaced."""
    for name in (charset, "utf-8", "gb18030"):
        try:
            return raw.decode(name or "utf-8")
        except (LookupError, ValueError):
            continue
    return raw.decode("utf-8", "replace")


def _flat(part: _Mail) -> str:
    """The text of a part that the parser has already read as headers, written out again."""
    blocks = _inside(part)[:_BLOCKS]
    text = "\n\n".join(map(_block, blocks)) if blocks else _decoded(part)
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    if blocks and encoding == "base64":  # not allowed by RFC 3464, and done
        try:
            text = text_of(base64.b64decode(text))
        except (binascii.Error, ValueError):
            return text
    return text


def _block(message: _Mail) -> str:
    lines = [f"{name}: {value}" for name, value in _raw(message)]
    payload = message.get_payload()
    rest = payload if isinstance(payload, str) else ""
    return "\n".join(lines) + ("\n\n" + _plain(rest) if rest.strip() else "")


def _raw(message: _Mail) -> Iterator[tuple[str, str]]:
    for name, value in message.raw_items():
        yield name, _plain(str(value)[:_HEADER])


def _plain(text: str) -> str:
    """Text of the parser, in which strange bytes are surrogates."""
    return text_of(text.encode("utf-8", "surrogateescape"))


def _original(part: _Mail) -> Fields:
    if inside := _inside(part):
        return _headers(inside[0])
    head = _decoded(part).encode("utf-8", "replace")[: _HEADER * 50]
    return _headers(BytesHeaderParser(policy=policy.compat32).parsebytes(head.lstrip()))


def _headers(message: _Mail) -> Fields:
    fields: Fields = {}
    for name, value in _raw(message):
        fields.setdefault(name.lower(), _words(value))
    return fields


def _words(value: str) -> str:
    """A header field with its encoded words (RFC 2047) read."""
    value = " ".join(value.split())
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value)
    except _FAULTS:
        return value
    return "".join(
        piece if isinstance(piece, str) else text_of(piece, charset or "")
        for piece, charset in pieces
    )


def _parameter(mail: _Mail, name: str) -> str:
    try:
        found = mail.get_param(name, "")
    except _FAULTS:
        return ""
    return found if isinstance(found, str) else ""

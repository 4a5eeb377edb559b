"""Machine-readable reports: delivery status (RFC 3464, RFC 6533) and feedback (RFC 5965)."""

import re
from itertools import islice
from typing import Final

from outreach.core.bounce.parts import Fields
from outreach.core.bounce.report import Kind, Returned
from outreach.core.bounce.status import of_failure, status_of
from outreach.core.bounce.texts import said

_RECIPIENTS: Final = 500  # of one report
_VALUE: Final = 1000  # characters of one field
_GAP: Final = re.compile(r"\n[ \t]*\n")
_FOLD: Final = re.compile(r"\n[ \t]+")
_FIELD: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60})[ \t]*:[ \t]*(.*)")
_ADDRESS: Final = re.compile(r"[^\s<>\";,]+@[^\s<>\";,]+")
_UNICODE: Final = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")  # RFC 6533, utf-8-addr-xtext
_DONE: Final = frozenset({"delivered", "relayed", "expanded"})
# Reports about something other than what a person complained of (RFC 5965, RFC 6591).
_NO_COMPLAINT: Final = frozenset({"not-spam", "auth-failure"})


def blocks(text: str) -> list[Fields]:
    """The groups of fields of a report, folded lines joined; the first of each name counts."""
    found = []
    for group in _GAP.split(text.replace("\r\n", "\n"))[: _RECIPIENTS * 2]:
        fields: Fields = {}
        for line in _FOLD.sub(" ", group).split("\n"):
            if match := _FIELD.match(line.strip()):
                fields.setdefault(match[1].lower(), match[2].strip()[:_VALUE])
        if fields:
            found.append(fields)
    return found


def typed(value: str) -> str:
    """The value of a field with a type before it: `rfc822; a@example.com` -> a@example.com."""
    _, mark, rest = value.partition(";")
    return (rest if mark else value).strip()


def address_of(value: str) -> str:
    """The mailbox in a field; empty where there is none."""
    plain = _UNICODE.sub(_character, typed(value))
    found = _ADDRESS.search(plain)
    return found[0].rstrip(".:") if found else ""


def _character(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else ""


def delivery(text: str, told: str) -> tuple[list[Returned], str]:
    """The recipients of a delivery status, and the envelope id. `told` is the readable text, which
    is asked where a recipient has no diagnostic field."""
    rows: dict[str, Returned] = {}
    envelope = ""
    for fields in blocks(text):
        envelope = envelope or fields.get("original-envelope-id", "")
        if not fields.keys() & {"final-recipient", "original-recipient"}:
            continue
        row = _recipient(fields, told)
        rows.setdefault(row.recipient, row)
    return list(rows.values())[:_RECIPIENTS], envelope


def _recipient(fields: Fields, told: str) -> Returned:
    final = address_of(fields.get("final-recipient", ""))
    recipient = address_of(fields.get("original-recipient", "")) or final
    diagnostic = typed(fields.get("diagnostic-code", "")) or around(told, final or recipient)
    status = status_of(fields.get("status", ""), diagnostic)
    action = fields.get("action", "").split(" ")[0].lower()
    kind = _kind(action, status, diagnostic, final or recipient)
    elsewhere = "" if final == recipient else final
    remote = typed(fields.get("remote-mta", ""))
    return Returned(recipient, kind, status, diagnostic, action, remote, elsewhere)


def _kind(action: str, status: str, diagnostic: str, tried: str) -> Kind:
    if action == "delayed":
        return Kind.DELAYED
    if action in _DONE or (action != "failed" and status.startswith("2")):
        return Kind.SUCCESS
    if action != "failed" and status.startswith("4"):
        return Kind.DELAYED
    return of_failure(status, diagnostic, tried)


def around(told: str, address: str) -> str:
    """What a readable text says about one address: what follows it, up to another one. Where it is
    named several times, the first place that says something known."""
    following = [_after(told, place.end(), address) for place in _places(told, address)]
    known = (one for one in following if said(one) or status_of("", one))
    return next(known, max(following, key=len, default=""))


def _places(told: str, address: str) -> list[re.Match[str]]:
    whole = rf"(?<![\w.+-]){re.escape(address)}(?![\w-]|\.\w)"
    return list(islice(re.finditer(whole, told, re.IGNORECASE), 8)) if address else []


def _after(told: str, start: int, address: str) -> str:
    rest = told[start : start + _VALUE]
    others = (one for one in _ADDRESS.finditer(rest) if address.lower() not in one[0].lower())
    if other := next(others, None):
        rest = rest[: other.start()]
    return " ".join(rest.strip("<>:;,()[] \r\n\t").split())


def feedback(text: str, original: Fields) -> list[Returned]:
    """The recipients who complained (RFC 5965). Where the report hides them, the mail's own To."""
    joined = _FOLD.sub(" ", text.replace("\r\n", "\n"))
    fields: Fields = {}
    told: list[str] = []
    for line in joined.split("\n"):
        if match := _FIELD.match(line.strip()):
            fields.setdefault(match[1].lower(), match[2].strip()[:_VALUE])
            if match[1].lower() == "original-rcpt-to":
                told.append(address_of(match[2]))
    sort = fields.get("feedback-type", "").lower()
    kind = Kind.NOT_A_BOUNCE if sort in _NO_COMPLAINT else Kind.COMPLAINT
    people = [one for one in dict.fromkeys(told) if one][:_RECIPIENTS]
    people = people or [address_of(original.get("to", ""))]
    diagnostic = f"Feedback-Type: {sort}" if sort else ""
    return [Returned(one, kind, diagnostic=diagnostic) for one in people]

"""What a gateway's answers say: of each number sent to, of receipts, and of replies."""

import json
import re
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from outreach.core.gateway.profile import (
    Clock,
    Meaning,
    Profile,
    ReceiptPlaces,
    Receipts,
    ReceiptState,
    Replies,
    ReplyPlaces,
)
from outreach.core.gateway.request import read_number
from outreach.core.gateway.signing import BEIJING

_NUMBER: Final = re.compile(r"(\+?\d{3})\d{2,}(\d{4})")
_NOT_OURS: Final = (301, 302, 303, 307, 308, 404, 405, 410)  # another address answers


class Verdict(NamedTuple):
    """What the gateway says of one number, or of a whole request."""

    meaning: Meaning
    code: str
    words: str = ""
    reference: str = ""


class Receipt(NamedTuple):
    """What became of one message, in the words every gateway shares."""

    number: str  # E.164
    state: ReceiptState
    reason: str  # the gateway's or carrier's own code
    at: datetime | None
    reference: str  # what the gateway called the message, or its request
    mark: str  # what we called the request: RUN-FIRST MESSAGE


class Reply(NamedTuple):
    """What a client wrote back."""

    number: str  # E.164
    text: str
    at: datetime | None
    extend: str


class Pulled(NamedTuple):
    """What a pull brought, and how many entries nobody could read."""

    entries: tuple[Any, ...]
    unread: int


class Unanswered(Exception):
    """A pull brought no list: the gateway's code and words, or what came instead."""


def verdicts(
    profile: Profile, status: int, content: bytes, numbers: list[str]
) -> Verdict | dict[str, Verdict]:
    """What an answer to a send says: of the whole request, or of each number (as it was sent)."""
    data, place = _json(content), profile.send.answer
    code = _text(data, place.code)
    items = _at(data, place.items) if place.items else None
    if not code and isinstance(items, list) and status < 300:
        return _by_number(profile, items, numbers)
    if not code:
        return _without_code(status, "no_json" if data is None else "no_code")
    words, meaning = masked(_text(data, place.words)), profile.meaning(code)
    if meaning is None:
        meaning = _unknown(status)
    if meaning == "accepted":
        if status >= 300:
            return Verdict("doubt", f"http_{status}", "it accepts with an error of HTTP")
        if isinstance(items, list):
            return _by_number(profile, items, numbers)
        reference = _text(data, place.reference)
        if place.items or (place.reference and not reference):
            return Verdict("doubt", "no_reference", "the answer accepts but names no message")
        return Verdict("accepted", code, words, reference)
    return Verdict(meaning, code, words)


def receipts(profile: Profile, status: int, content: bytes) -> Pulled:
    """The receipts of an answer to a pull. Raises `Unanswered`."""
    place = profile.receipts
    if place is None:
        raise Unanswered(f"{profile.title} has no receipts to pull")
    return _pulled(
        _entries(profile, place, status, content), lambda entry: receipt_of(place, entry)
    )


def replies(profile: Profile, status: int, content: bytes) -> Pulled:
    """The replies of an answer to a pull. Raises `Unanswered`."""
    place = profile.replies
    if place is None:
        raise Unanswered(f"{profile.title} has no replies to pull")
    return _pulled(_entries(profile, place, status, content), lambda entry: reply_of(place, entry))


def masked(words: str) -> str:
    """A gateway's own words, short and without whole numbers."""
    return _NUMBER.sub(r"\1****\2", words)[:200]


def _by_number(profile: Profile, items: list[Any], numbers: list[str]) -> dict[str, Verdict]:
    place, found = profile.send.answer, {}
    sent = {read_number(number): number for number in numbers}
    for item in items:
        number = sent.get(read_number(_text(item, place.number)))
        if number is None:
            continue
        code = _text(item, place.item_code)
        meaning = profile.meaning(code) if code else "doubt"
        words = masked(_text(item, place.item_words))
        reference = _text(item, place.item_reference)
        if meaning == "accepted" and place.item_reference and not reference:
            meaning, code, words = "doubt", "no_reference", "accepted, but named no message"
        found[number] = Verdict(meaning or "later", code or "no_code", words, reference)
    missing = Verdict("doubt", "no_answer", "the answer leaves this number out")
    return {number: found.get(number, missing) for number in numbers}


def _without_code(status: int, nothing: str) -> Verdict:
    label = f"http_{status}"
    if status == 429:
        return Verdict("throttled", label, "too many requests")
    if status in (401, 403) or status in _NOT_OURS:
        return Verdict("stopped", label, f"HTTP {status} without a code of the gateway")
    if status >= 500 or status == 408:
        return Verdict("doubt", label, "an error of HTTP without a code of the gateway")
    if status < 300:
        return Verdict("doubt", nothing, "the answer says nothing that can be read")
    return Verdict("waits", label, "an error of HTTP without a code of the gateway")


def _unknown(status: int) -> Meaning:
    """A code that is in no table may be our own fault: the messages wait, and nobody is blamed."""
    if status >= 500 or status == 408:
        return "doubt"
    if status == 429:
        return "throttled"
    return "stopped" if status in (401, 403) else "waits"


def _entries(profile: Profile, place: Receipts | Replies, status: int, content: bytes) -> list[Any]:
    data = _json(content)
    code = _text(data, place.code)
    if code and profile.meaning(code) != "accepted":
        raise Unanswered(f"{code} {masked(_text(data, place.words))}".strip())
    items = _at(data, place.items)
    if status >= 300 or not isinstance(items, list):
        raise Unanswered(f"HTTP {status} and nothing that can be read")
    return items


def _pulled(entries: list[Any], read: Any) -> Pulled:
    found = [read(entry) for entry in entries]
    good = tuple(entry for entry in found if entry is not None)
    return Pulled(good, len(found) - len(good))


def receipt_of(place: ReceiptPlaces, entry: Any) -> Receipt | None:
    """What an entry says of one message; None where it says nothing that can be read."""
    number, state = _number(place, entry), place.states.get(_text(entry, place.state))
    if not number or state is None:
        return None
    return Receipt(
        read_number(number),
        state,
        _text(entry, place.reason),
        _moment(_at(entry, place.at), place.clock),
        _text(entry, place.reference),
        _text(entry, place.mark),
    )


def reply_of(place: ReplyPlaces, entry: Any) -> Reply | None:
    """What somebody wrote back, by an entry; None where it holds no such thing."""
    number = _number(place, entry)
    if not number or not isinstance(entry, dict) or _at(entry, place.text) is None:
        return None
    moment = _moment(_at(entry, place.at), place.clock)
    return Reply(read_number(number), _text(entry, place.text), moment, _text(entry, place.extend))


def _number(place: ReceiptPlaces | ReplyPlaces, entry: Any) -> str:
    """The number in an entry; where the country stands apart, with it before."""
    number = _text(entry, place.number)
    country = _text(entry, place.country).lstrip("+") if place.country else ""
    return f"+{country}{number}" if number and country else number


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _at(data: Any, path: str) -> Any:
    """What stands at a dotted path; None where nothing does."""
    if not path:
        return None
    for name in path.split("."):
        data = data.get(name) if isinstance(data, dict) else None
    return data


def _text(data: Any, path: str) -> str:
    found = _at(data, path)
    if isinstance(found, bool):
        return str(found).lower()
    return str(found) if isinstance(found, str | int | float) else ""


def _moment(value: Any, clock: Clock) -> datetime | None:
    try:
        if clock == "epoch":
            return datetime.fromtimestamp(int(value), UTC)
        return (
            datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S")
            .replace(tzinfo=BEIJING)
            .astimezone(UTC)
        )
    except (ValueError, TypeError, OverflowError, OSError):
        return None

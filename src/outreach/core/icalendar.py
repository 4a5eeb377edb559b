"""A calendar file (RFC 5545) of moments, for the calendar program of whoever watches over them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_OCTETS: Final = 75  # of a line, without its end (3.1)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # what a text may not hold (3.3.11)


@dataclass(frozen=True, slots=True)
class Event:
    """One moment. `uid` stays the same for the same moment, so that a new file replaces the old."""

    uid: str
    starts_at: datetime
    summary: str
    description: str
    certain: bool  # else it is shown as tentative


def calendar_file(name: str, events: Iterable[Event], made_at: datetime) -> bytes:
    """The file: UTF-8, lines ended by CRLF and folded. Times are in UTC, so it names no zone."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//outreach//schedule//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{_text(name)}",
        *(line for event in events for line in _event(event, made_at)),
        "END:VCALENDAR",
    ]
    return b"".join(_folded(line) + b"\r\n" for line in lines)


def _event(event: Event, made_at: datetime) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{_text(event.uid)}"
    yield f"DTSTAMP:{_moment(made_at)}"
    yield f"DTSTART:{_moment(event.starts_at)}"
    yield "DURATION:PT15M"  # a moment without length is too thin to be seen in a day's column
    yield f"SUMMARY:{_text(event.summary)}"
    yield f"DESCRIPTION:{_text(event.description)}"
    yield f"STATUS:{'CONFIRMED' if event.certain else 'TENTATIVE'}"
    yield "TRANSP:TRANSPARENT"  # nobody is busy because a campaign fires
    yield "END:VEVENT"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    """A text with what means something in the format written out (3.3.11)."""
    value = _CONTROLS.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    for mark in ("\\", ";", ","):
        value = value.replace(mark, f"\\{mark}")
    return value.replace("\n", "\\n")


def _folded(line: str) -> bytes:
    """A line cut into pieces of at most 75 octets, never within a character (3.1)."""
    pieces, piece = [], b""
    for character in line:
        octets = character.encode()
        if len(piece) + len(octets) > _OCTETS:
            pieces.append(piece)
            piece = b" "
        piece += octets
    return b"\r\n".join([*pieces, piece])

"""Calendar files, read back by a small reader of its own that knows only RFC 5545."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.icalendar import Event, calendar_file
from tests.core.icalendar_reader import read

MADE = datetime(2026, 9, 14, 1, 30, tzinfo=UTC)
AT = datetime.fromisoformat("2026-09-29T15:30+08:00")


def event(summary: str = "Holiday closure notice", description: str = "") -> Event:
    return Event("closure-notice.CN_A-2026-10-01@example.com", AT, summary, description, True)


def test_an_event_reads_back() -> None:
    name, events = read(calendar_file("示例证券", [event(description="a\nb")], MADE))

    assert name == "示例证券"
    assert events == [
        {
            "UID": "closure-notice.CN_A-2026-10-01@example.com",
            "DTSTAMP": "20260914T013000Z",
            "DTSTART": "20260929T073000Z",
            "DURATION": "PT15M",
            "SUMMARY": "Holiday closure notice",
            "DESCRIPTION": "a\nb",
            "STATUS": "CONFIRMED",
            "TRANSP": "TRANSPARENT",
        }
    ]


def test_a_moment_that_something_blocks_is_tentative() -> None:
    blocked = Event("a@b", AT, "Notice", "", certain=False)

    assert read(calendar_file("", [blocked], MADE))[1][0]["STATUS"] == "TENTATIVE"


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200))
def test_any_text_comes_back_and_no_line_is_longer_than_75_octets(text: str) -> None:
    made = calendar_file(text, [event(text, text)], MADE)
    name, events = read(made)

    assert name == events[0]["SUMMARY"] == events[0]["DESCRIPTION"] == text
    assert all(len(line) <= 75 for line in made.split(b"\r\n"))
    assert all(line.decode() for line in made.split(b"\r\n")[:-1]), "no character is cut in two"


@pytest.mark.parametrize("octets", [74, 75, 76, 149, 150])
def test_a_line_is_folded_only_where_it_must_be(octets: int) -> None:
    summary = "x" * (octets - len("SUMMARY:"))
    lines = calendar_file("", [event(summary)], MADE).split(b"\r\n")
    first = next(n for n, line in enumerate(lines) if line.startswith(b"SUMMARY:"))
    pieces = lines[first : next(n for n, each in enumerate(lines) if each.startswith(b"DESC"))]

    assert [len(piece) for piece in pieces][:-1] == [75] * (len(pieces) - 1)
    assert len(pieces) == 1 + (octets > 75) + (octets > 75 + 74)


@pytest.mark.parametrize(
    ("written", "read_back"),
    [("a\r\nb\rc", "a\nb\nc"), ("bell\x07", "bell"), ("tab\there", "tab\there"), ("\x7f", "")],
)
def test_what_a_text_may_not_hold_is_left_out(written: str, read_back: str) -> None:
    assert read(calendar_file("", [event(written)], MADE))[1][0]["SUMMARY"] == read_back


def test_an_empty_calendar_is_one() -> None:
    assert read(calendar_file("x", [], MADE)) == ("x", [])

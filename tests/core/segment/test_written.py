"""What a clerk may ask of a field, and what is said when it cannot be asked."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from outreach.core.segment import (
    All,
    AnyOf,
    HoldsHalted,
    Listed,
    Not,
    Question,
    Segment,
    Span,
    client_numbers,
)

NAME = {"zh": "客户", "en": "Clients"}


def segment(**where: Any) -> Segment:
    return Segment.model_validate({"name": NAME, "where": where})


@pytest.mark.parametrize(
    ("where", "condition"),
    [
        ({"field": "status", "is": "normal"}, Question("status", "is", "normal")),
        ({"field": "risk_level", "in": [1, 2]}, Question("risk_level", "in", (1, 2))),
        ({"field": "cash", "below": 100}, Question("cash", "below", 10_000)),
        ({"field": "cash", "at_least": 99.99}, Question("cash", "at_least", 9_999)),
        ({"field": "professional", "is": False}, Question("professional", "is", False)),
        (
            {"field": "opened_on", "before": date(2026, 1, 1)},
            Question("opened_on", "before", date(2026, 1, 1)),
        ),
        (
            {"field": "opened_on", "days_since": {"at_most": 30}},
            Question("opened_on", "since", Span("days", None, 30)),
        ),
        (
            {"field": "document_expires_on", "days_until": {"at_least": 1, "at_most": 60}},
            Question("document_expires_on", "until", Span("days", 1, 60)),
        ),
        ({"field": "permissions", "contains": "期权"}, Question("permissions", "contains", "期权")),
        ({"field": "email", "is_set": True}, None),
        ({"list_file": "campaigns/lists/vip.txt"}, Listed("campaigns/lists/vip.txt")),
        ({"holds_halted": True}, HoldsHalted()),
        (
            {"not": {"any": [{"holds_halted": True}, {"field": "cash", "is": 0}]}},
            Not(AnyOf((HoldsHalted(), Question("cash", "is", 0)))),
        ),
        (
            {"field": "risk_level", "at_least": 2, "at_most": 4},
            All((Question("risk_level", "at_least", 2), Question("risk_level", "at_most", 4))),
        ),
    ],
)
def test_a_condition_is_read_in_stored_units(where: dict[str, Any], condition: Any) -> None:
    if condition is None:
        with pytest.raises(ValidationError, match="is not for segments"):
            segment(**where)
    else:
        assert segment(**where).condition == condition


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({}, "asks nothing, write one of all, any, not, field, list_file, holds_halted"),
        ({"field": "cash"}, "cash is asked nothing, write one of is, in, at_least"),
        ({"field": "open_on", "is_set": True}, 'no field "open_on", write opened_on'),
        ({"field": "phone", "is_set": True}, "phone is not for segments, write one of client_no"),
        ({"field": "opened_on", "is": 3}, "opened_on is a date and cannot be asked `is`"),
        ({"field": "permissions", "is": "x"}, "permissions is a list and cannot be asked `is`"),
        ({"field": "professional", "is": "yes"}, 'professional cannot be "yes", write true'),
        ({"field": "professional", "is": 1}, "professional cannot be 1, write true or false"),
        ({"field": "risk_level", "is": "C2"}, 'risk_level cannot be "C2", write a whole number'),
        ({"field": "risk_level", "is": True}, "risk_level cannot be true, write a whole number"),
        ({"field": "risk_level", "at_least": 2.5}, "risk_level cannot be 2.5"),
        ({"field": "cash", "at_least": 1.234}, "whole fen, write at most two decimals"),
        ({"field": "cash", "at_least": 1e300}, "cash is never that large"),
        ({"field": "status", "in": ["normal", "gone"]}, 'status is never "gone", write one of'),
        ({"field": "topics", "contains": "a,b"}, "topics has no entry with a comma"),
        ({"is": 3}, "is asks no field, write field = ... beside it"),
        ({"holds_halted": True, "list_file": "x"}, "mixes list_file and holds_halted"),
        (
            {"field": "opened_on", "days_since": {"at_least": 9, "at_most": 8}},
            "can never be true, write an at_least that is not above at_most",
        ),
        ({"field": "opened_on", "days_since": {}}, "asks nothing, write at_least, at_most or both"),
        (
            {"field": "opened_on", "years_since": {"at_least": 101}},
            "opened_on is asked about centuries",
        ),
    ],
)
def test_what_cannot_be_asked_is_said_with_what_to_write(where: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        segment(**where)

    assert said in str(caught.value.errors()[0]["msg"])


def test_a_segment_knows_its_list_files_and_whether_it_asks_for_halts() -> None:
    listed = segment(all=[{"list_file": "a.txt"}, {"not": {"list_file": "b.txt"}}])
    held = segment(any=[{"holds_halted": True}, {"list_file": "a.txt"}])

    assert listed.list_files == ("a.txt", "b.txt")
    assert (listed.asks_for_halts, held.asks_for_halts) == (False, True)


def test_a_dumped_segment_reads_back() -> None:
    written = segment(
        all=[
            {"field": "status", "in": ["normal"]},
            {"not": {"field": "opened_on", "before": date(2026, 1, 1)}},
            {"field": "cash", "is": 0.5},
        ]
    )

    assert Segment.model_validate(written.model_dump(mode="json", exclude_none=True)) == written


def test_a_list_file_holds_one_client_number_a_line() -> None:
    text = "\ufeff0000001  # from the branch\r\n\n# all of it\n0000002\n0000001\n"

    assert client_numbers("x.txt", text) == (frozenset({"0000001", "0000002"}), [])


@pytest.mark.parametrize("line", ["0001,0002", '="0001"', "00 01", "客户1", "x" * 65])
def test_a_line_that_is_no_client_number_is_named(line: str) -> None:
    numbers, problems = client_numbers("x.txt", f"0001\n{line}\n0003\n")

    assert numbers == {"0001", "0003"}
    assert [(problem.file, problem.line) for problem in problems] == [("x.txt", 2)]


@pytest.mark.parametrize(
    ("today", "span", "first", "last"),
    [
        pytest.param("2026-08-31", Span("months", 6, None), None, "2026-02-28", id="no 31 Feb"),
        pytest.param("2028-08-31", Span("months", 6, None), None, "2028-02-29", id="leap year"),
        pytest.param("2027-02-28", Span("years", 3, None), None, "2024-02-28", id="years back"),
        pytest.param("2028-02-29", Span("years", 3, None), None, "2025-02-28", id="from 29 Feb"),
        pytest.param("2026-01-15", Span("months", 1, None), None, "2025-12-15", id="over a year"),
        pytest.param(
            "2026-11-22", Span("days", None, 30), "2026-10-23", "2026-11-22", id="within 30 days"
        ),
        pytest.param("2026-11-22", Span("days", 1, 30), "2026-10-23", "2026-11-21", id="not today"),
    ],
)
def test_a_span_of_the_past_is_a_range_of_days(
    today: str, span: Span, first: str | None, last: str
) -> None:
    expected = (date.fromisoformat(first) if first else None, date.fromisoformat(last))

    assert span.past(date.fromisoformat(today)) == expected


def test_a_span_ahead_begins_today() -> None:
    today = date(2026, 11, 22)

    assert Span("days", None, 60).coming(today) == (today, date(2027, 1, 21))
    assert Span("days", 10, None).coming(today) == (date(2026, 12, 2), None)

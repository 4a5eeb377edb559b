"""Tables on narrow terminals: nothing is lost, no word is cut, and Chinese counts double."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from outreach.cli.output import table

AT = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
SENDERS = ("sender", "kind", "state", "until", "why", "last_minute", "today", "account")
STOPPED = (
    "mail-relay",
    "smtp",
    "stopped",
    AT,
    "运营商要求暂停，等待通知后再恢复发送",
    2392,
    4131,
    None,
)
IDLE = ("mail-file", "file", "sends", None, None, 0, None, None)


def printed(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int, title: str = ""
) -> str:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(table(title, columns, rows))
    return out.getvalue()


def joined(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140])
def test_no_line_is_wider_than_the_terminal_and_nothing_that_was_said_is_missing(
    width: int,
) -> None:
    said = printed(SENDERS, [IDLE, STOPPED], width, "Senders")
    assert max(map(cell_len, said.splitlines())) <= width
    for column in ("mail-relay", "stopped", "2026-09-28", "07:30", "2,392", "4,131"):
        assert column in said
    for column in ("sender", "until", "why", "last", "minute", "today"):
        assert column in said


def test_why_a_sender_stands_still_is_read_at_80_columns() -> None:
    at = [line for line in printed(SENDERS, [IDLE, STOPPED], 80).splitlines() if "运" in line]
    assert at, "the reason is missing"


def test_words_are_not_cut_where_a_record_at_a_time_shows_them_whole() -> None:
    columns = ("address", "class", "reports", "diagnostic", "blocked", "source", "said_by")
    row = ("c***@example.cn", "hard", 12, "unknown-user-in-table", "hard_bounce", "message 28006",
           "mx.example.net")  # fmt: skip
    said = printed(columns, [row, row], 70, "Mail that came back")
    for word in ("c***@example.cn", "unknown-user-in-table", "hard_bounce", "mx.example.net"):
        assert said.count(word) == 2
    assert said.startswith("Mail that came back")


def test_a_column_in_which_nobody_says_anything_gives_its_room_away_only_where_it_is_needed() -> (
    None
):
    assert "account" in printed(SENDERS, [STOPPED], 140)
    assert "account" not in printed(SENDERS, [STOPPED], 80)


def test_chinese_folds_between_any_two_characters_and_english_at_spaces() -> None:
    said = printed(
        ("gate", "verdict"), [("stale", "该通知在星期一前有效" * 4), ("law", "a b " * 30)], 50
    )
    assert joined("该通知在星期一前有效") in joined(said)
    assert max(map(cell_len, said.splitlines())) <= 50


def test_a_wide_terminal_sees_the_table_as_it_was() -> None:
    said = printed(("id", "amount"), [(7, 1234.5), (12, 20.0)], 140, "Sums")
    assert [line.rstrip() for line in said.splitlines()] == [
        "Sums",
        "",
        "  id    amount",
        " ──────────────",
        "   7   1,234.5",
        "  12      20.0",
        "",
    ]

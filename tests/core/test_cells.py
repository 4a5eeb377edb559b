"""Cells as files really write them: dates, money, phones, e-mails, and the words of the trade."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core import cells, client_words
from outreach.core.addresses import email, email_column, phone, phone_column
from outreach.core.cell_text import number_text
from outreach.core.cells import Bad, Memo, money, money_column
from outreach.core.headers import alias_index, header_key, match_headers


@pytest.mark.parametrize(
    "cell",
    [
        "20261120",
        "2026-11-20",
        "2026/11/20",
        "2026年11月20日",
        "2026.11.20",
        "46346",
        "46346.5",
        "2026-11-20 15:30:00",
        "２０２６-１１-２０",
    ],
)
def test_every_way_to_write_a_day_is_the_same_day(cell: str) -> None:
    assert cells.day(cell) == date(2026, 11, 20)


@pytest.mark.parametrize(
    "cell", ["20260230", "2025-02-29", "20241305", "上周五", "11/20/2026", "1826-01-01", "12"]
)
def test_what_is_no_day_is_refused_with_the_form_to_write(cell: str) -> None:
    read = cells.day(cell)

    assert isinstance(read, Bad)
    assert "2026-11-20" in read.fix


def test_no_day_and_for_ever_have_their_own_words() -> None:
    assert [cells.day(cell) for cell in ("", "0", "长期", "99991231")] == [
        None,
        None,
        date.max,
        date.max,
    ]


@pytest.mark.parametrize(
    ("cell", "unit", "fen"),
    [
        ("1,234,567.89", 1, 123456789),
        ("￥1,234.5", 1, 123450),
        ("(1,234.00)", 1, -123400),
        ("-5", 1, -500),
        ("42.2756", 10_000, 42275600),
        ("3.5万", 1, 3500000),
        ("1.2亿元", 10_000, 12000000000),
        ("0.005", 1, 1),
        ("１２３", 1, 12300),
    ],
)
def test_money_is_whole_fen(cell: str, unit: int, fen: int) -> None:
    assert money_column(unit).column([cell]) == [fen]


@pytest.mark.parametrize("cell", ["9,999,999,999,999", "99999999999.99", "9999999999999"])
def test_an_amount_beyond_all_money_is_refused(cell: str) -> None:
    column = money_column(100_000_000)

    assert column.column([cell]) == [None]
    assert column.bad[cell].wrong == "the amount is too large"


@pytest.mark.parametrize("cell", ["#VALUE!", "约三万", "1.2E+08", "1.2.3", "99999999999999999999"])
def test_what_is_no_amount_is_refused(cell: str) -> None:
    column = money_column(1)

    assert column.column([cell]) == [None]
    assert cell in column.bad


@settings(max_examples=200, deadline=None)
@given(
    st.decimals(0, 9 * 10**8, places=6, allow_nan=False), st.sampled_from([1, 1000, 10_000, 10**8])
)
def test_the_short_way_to_fen_agrees_with_decimals(amount: Decimal, unit: int) -> None:
    exact = int((amount * unit * 100).quantize(Decimal(1), ROUND_HALF_UP))
    read = money(unit)(f"{amount:f}")

    assert read == exact
    assert money_column(unit).column([f"{amount:f}", f"{amount:,f}"]) == [exact, exact]


@pytest.mark.parametrize(
    ("cell", "country", "e164"),
    [
        ("13812345678", "CN", "+8613812345678"),
        ("+86 138-1234-5678", "CN", "+8613812345678"),
        ("008613812345678", "HK", "+8613812345678"),
        ("１３８１２３４５６７８", "CN", "+8613812345678"),
        ("13812345678.0", "CN", "+8613812345678"),
        ("9123 4567", "HK", "+85291234567"),
        ("+1 (212) 555-0101", "CN", "+12125550101"),
    ],
)
def test_a_phone_becomes_one_number(cell: str, country: str, e164: str) -> None:
    read = phone(cell, country)

    assert not isinstance(read, Bad)
    assert (read.value, read.state) == (e164, "ok")


@pytest.mark.parametrize(
    "cell", ["010-12345678", "12345", "13812345678;13912345678", "+447700900123"]
)
def test_a_phone_no_sms_can_reach_is_kept_as_written_and_marked(cell: str) -> None:
    read = phone(cell, "CN")

    assert not isinstance(read, Bad)
    assert (read.value, read.state) == (cell, "invalid")


@pytest.mark.parametrize("cell", ["1.3812E+10", "1.38E10", "1E+10"])
def test_a_phone_excel_destroyed_is_refused(cell: str) -> None:
    assert isinstance(phone(cell, "CN"), Bad)


def test_a_number_two_countries_could_claim_is_nobodys() -> None:
    columns = phone_column(["13105550101", "13105550101"], "CN", ["CN", "US"])

    assert columns.states == ["ok", "invalid"]


def test_addresses_of_a_column_stay_in_their_rows() -> None:
    column = email_column(["A.b@Example.com", "", "x@y", "张三@例子.中国", "n@example.org"])

    assert column.states == ["ok", "missing", "invalid", "invalid", "ok"]
    assert column.values[0] == "a.b@example.com"
    assert list(column.invalid) == [2, 3]


@pytest.mark.parametrize(
    "cell", ["a..b@c.com", "a@b@c.com", "a@example.invalid", "a b@c.com", "@c.com"]
)
def test_what_is_no_email_address_is_marked(cell: str) -> None:
    assert email(cell).state == "invalid"


@pytest.mark.parametrize(
    ("read", "cell", "value"),
    [
        (client_words.risk, "C3", 3),
        (client_words.risk, "C3-稳健型", 3),
        (client_words.risk, "激进型", 5),
        (client_words.risk, "2", 2),
        (client_words.risk, "四级", 4),
        (client_words.STATUS, "已销户", "closed"),
        (client_words.STATUS, "不合格", "defective"),
        (client_words.professional, "专业A", True),
        (client_words.professional, "普通投资者", False),
        (client_words.zone, "北京时间", "Asia/Shanghai"),
        (client_words.country, "中国香港", "HK"),
        (client_words.LOCALE, "英文", "en"),
        (cells.flag, "是", True),
        (cells.whole, "20天", 20),
        (cells.flag, "N", False),
        (cells.items, "融资融券;港股通、港股通", ",融资融券,港股通,"),
        (cells.code, "００1２3", "00123"),
    ],
)
def test_words_of_the_trade(read: Any, cell: str, value: object) -> None:
    assert read(cell) == value


@pytest.mark.parametrize(
    ("read", "cell"),
    [
        (client_words.risk, "C9"),
        (client_words.risk, "超级激进"),
        (client_words.STATUS, "待定"),
        (client_words.zone, "UTC+8"),
        (client_words.zone, "../etc/passwd"),
        (cells.flag, "可能"),
        (cells.whole, "3000000000"),
        (cells.whole, "二十"),
        (cells.code, "1.0E+09"),
        (cells.text, "张\ufffd"),
    ],
)
def test_words_nobody_uses_are_refused(read: Any, cell: str) -> None:
    assert isinstance(read(cell), Bad)


def test_a_wrong_cell_is_told_in_every_chunk() -> None:
    memo = Memo(cells.flag)

    told = []
    for _ in range(2):
        memo.column(["是", "可能"])
        told.append(list(memo.bad))

    assert told == [["可能"], ["可能"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [(13812345678.0, "13812345678"), (0.1, "0.1"), (1e17, "1.00000000000000E+17")],
)
def test_a_spreadsheet_number_is_what_was_typed(value: float, text: str) -> None:
    assert number_text(value) == text


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("总资产(万元)", ("总资产", 10_000)),
        ("总资产（单位：万元）", ("总资产", 10_000)),
        ("Total Assets (CNY)", ("totalassets", 1)),
        ("日均资产/亿元", ("日均资产", 100_000_000)),
        (" E-mail ", ("email", 1)),
    ],
)
def test_a_header_is_its_name_and_its_unit(header: str, key: tuple[str, int]) -> None:
    assert header_key(header) == key


def test_headers_are_matched_reported_and_never_guessed() -> None:
    index = alias_index({"phone": ["手机号", "联系电话"], "name": ["姓名"]}, {"name": ["昵称"]})
    matched = match_headers(["手机号", "联系电话", "昵称", "星座"], index, ["name", "phone"])

    assert {name: column.index for name, column in matched.columns.items()} == {
        "phone": 0,
        "name": 2,
    }
    assert matched.unknown == ("星座",)
    assert len(matched.repeated) == 1
    assert matched.missing == ()

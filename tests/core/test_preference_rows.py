"""Rows of a preferences file: what is taken, what is refused and what it adds up to."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from outreach.core.cells import Fault
from outreach.core.preference_rows import Stated, hours, risk, standing, stated
from outreach.core.topics import topic_words
from outreach.core.written import Bilingual

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
TOPICS = (
    Bilingual(zh="新能源", en="New energy"),
    Bilingual(zh="医药", en="Health care"),
    Bilingual(zh="ETF", en="ETF"),
)


def read(**cells: str) -> Stated | Fault:
    row = {"client_no": "0000001", **cells}
    return stated(row, {"0000001": 1}, TOPICS, SHANGHAI, NOW - timedelta(days=1), NOW)


def said(**cells: str) -> dict[str, Any]:
    found = read(**cells)
    assert isinstance(found, Stated), found
    return found.said


@pytest.mark.parametrize(
    ("cells", "taken"),
    [
        ({"salutation": "张女士"}, {"salutation": "张女士"}),
        ({"preferred_channel": "短信"}, {"preferred_channel": "sms"}),
        ({"preferred_channel": "E-Mail"}, {"preferred_channel": "email"}),
        ({"topics": "新能源、医药"}, {"topics": ",新能源,医药,"}),
        ({"topics": "Health care; new energy"}, {"topics": ",医药,新能源,"}),
        ({"topics": "新能源 医药"}, {"topics": ",新能源,医药,"}),
        ({"topics": "ＥＴＦ；医药；医药"}, {"topics": ",ETF,医药,"}),
        ({"wanted_risk": "Ｒ３"}, {"wanted_risk": 3}),
        ({"wanted_risk": "中低风险"}, {"wanted_risk": 2}),
        ({"own_hours": "９：３０－１２：００"}, {"own_hours": "09:30-12:00"}),
        ({"locale": "英文"}, {"locale": "en"}),
        ({"note": "喜欢电话沟通"}, {"note": "喜欢电话沟通"}),
        ({"wanted_risk": "清除", "topics": "none"}, {"wanted_risk": None, "topics": None}),
    ],
)
def test_a_row_is_taken(cells: dict[str, str], taken: dict[str, Any]) -> None:
    assert said(**cells) == taken


@pytest.mark.parametrize(
    ("cells", "field", "wrong"),
    [
        ({"client_no": "9"}, "client_no", "no client has this number"),
        ({}, "client_no", "the row says nothing"),
        ({"topics": "新能原"}, "topics", "新能原 is no topic of the list"),
        ({"topics": "医药,白酒"}, "topics", "白酒 is no topic of the list"),
        ({"wanted_risk": "R9"}, "wanted_risk", "the product risk is not known"),
        ({"preferred_channel": "电话"}, "preferred_channel", "the word is not known"),
        ({"own_hours": "下午"}, "own_hours", "these are no hours of a day"),
        ({"own_hours": "12:00-09:00"}, "own_hours", "the hours end before they begin"),
        ({"locale": "无"}, "locale", "a client always has a language"),
        ({"salutation": "张" * 21}, "salutation", "it has 21 characters"),
        ({"note": "x", "said_at": "2026-09-29"}, "said_at", "the moment is yet to come"),
        ({"note": "x", "said_by": "朋友"}, "said_by", "the word is not known"),
    ],
)
def test_a_row_is_refused_at_its_cell(cells: dict[str, str], field: str, wrong: str) -> None:
    found = read(**cells)

    assert isinstance(found, Fault)
    assert (found.field, found.bad.wrong) == (field, wrong)
    assert found.bad.fix


def test_without_a_list_any_topic_is_taken() -> None:
    found = stated({"client_no": "1", "topics": "白酒;黄金"}, {"1": 1}, (), SHANGHAI, NOW, NOW)

    assert isinstance(found, Stated)
    assert found.said == {"topics": ",白酒,黄金,"}


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("9点-12点", "09:00-12:00"), ("9:30至17:00", "09:30-17:00"), ("9-17", "09:00-17:00"),
        ("20:00-24:00", "20:00-23:59"), ("", None),
    ],
)  # fmt: skip
def test_hours_are_kept_in_one_form(cell: str, kept: str | None) -> None:
    assert hours(cell) == kept


@pytest.mark.parametrize(("cell", "level"), [("r1", 1), ("5", 5), ("R3级", 3), ("高风险", 5)])
def test_a_risk_is_read(cell: str, level: int) -> None:
    assert risk(cell) == level


def event(day: int, **told: Any) -> Stated:
    return Stated(1, told, "client", NOW.replace(day=day))


def test_what_was_said_last_stands_and_what_was_never_spoken_of_stays() -> None:
    history = [
        event(3, wanted_risk=4, salutation="张总"), event(9, wanted_risk=2),
        event(5, wanted_risk=3),  # recorded last, said before
    ]  # fmt: skip

    assert standing(history) == {"wanted_risk": 2, "salutation": "张总"}


def test_what_was_taken_back_is_gone() -> None:
    assert standing([event(3, topics=",医药,"), event(4, topics=None)]) == {"topics": None}


@pytest.mark.parametrize(
    ("locale", "known", "words"),
    [
        ("zh-CN", TOPICS, "新能源、医药"), ("en", TOPICS, "New energy, Health care"),
        ("zh-CN", (), "新能源、医药、白酒"),
    ],
)  # fmt: skip
def test_topics_are_printed_in_the_language_of_the_text_and_only_known_ones(
    locale: str, known: tuple[Bilingual, ...], words: str
) -> None:
    assert topic_words(",新能源,医药,白酒,", locale, known) == words
    assert topic_words(",白酒,", locale, TOPICS) is None
    assert topic_words("", locale, known) is None

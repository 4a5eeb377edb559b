"""The values of a text: dates, money and names as a Chinese and an English reader expect them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.campaign import Bilingual, BilingualList
from outreach.core.formats import format_date, format_time
from outreach.core.render import RenderError, compile_part
from outreach.core.values import (
    CLIENT_VALUES,
    PER_CLIENT,
    campaign_values,
    client_row,
    closure_values,
    sample_values,
)
from outreach.core.words import Sentence

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("day", "locale", "year", "written"),
    [
        ("2026-10-01", "zh-CN", 2026, "10月1日(星期四)"),
        ("2026-10-01", "en", 2026, "Thursday 1 October"),
        ("2026-10-08", "zh-CN", 2026, "10月8日(星期四)"),
        ("2026-10-08", "en", 2026, "Thursday 8 October"),
        ("2026-10-10", "zh-CN", 2026, "10月10日(星期六)"),
        ("2026-09-20", "en", 2026, "Sunday 20 September"),
        ("2026-02-24", "zh-CN", 2026, "2月24日(星期二)"),
        ("2027-01-04", "zh-CN", 2026, "2027年1月4日(星期一)"),
        ("2027-01-04", "en", 2026, "Monday 4 January 2027"),
        ("2024-02-29", "en", 2026, "Thursday 29 February 2024"),
        ("2026-10-01", "zh-HK", 2026, "10月1日(星期四)"),
        ("2026-10-01", "en-GB", 2026, "Thursday 1 October"),
    ],
)
def test_a_date_is_written_with_its_weekday(day: str, locale: str, year: int, written: str) -> None:
    assert format_date(date.fromisoformat(day), locale, year) == written


@given(st.dates(date(1990, 1, 1), date(2050, 12, 31)))
@settings(max_examples=50, deadline=None)
def test_a_weekday_is_that_of_its_date(day: date) -> None:
    assert format_date(day, "en", 0) == day.strftime("%A {} %B %Y").format(day.day)
    assert f"(星期{'一二三四五六日'[day.isoweekday() - 1]})" in format_date(day, "zh-CN", 0)


def test_a_time_is_written_behind_its_date() -> None:
    at = datetime(2026, 9, 28, 9, 30, tzinfo=SHANGHAI)

    assert format_time(at, "zh-CN", 2026) == "9月28日(星期一)09:30"
    assert format_time(at, "en", 2026) == "Monday 28 September, 09:30"


@pytest.mark.parametrize(
    ("name", "found", "zh", "en"),
    [
        ("client_name", " 张晓明 ", "张晓明", "张晓明"),
        ("account_tail", "800012345678", "5678", "5678"),
        ("risk_level", 3, "C3", "C3"),
        ("opened_on", date(2026, 10, 1), "10月1日(星期四)", "Thursday 1 October"),
        ("last_trade_on", date(2023, 3, 15), "2023年3月15日(星期三)", "Wednesday 15 March 2023"),
        ("last_trade_on", "2023-03-15", "2023年3月15日(星期三)", "Wednesday 15 March 2023"),
        ("branch", "", None, None),
        ("opened_on", None, None, None),
        ("risk_level", None, None, None),
    ],
)
def test_a_value_is_made_from_its_field(
    name: str, found: object, zh: str | None, en: str | None
) -> None:
    columns = (CLIENT_VALUES[name].field,)

    assert client_row((name,), columns, "zh-CN", 2026)((found,)) == (zh,)
    assert client_row((name,), columns, "en", 2026)((found,)) == (en,)


def test_a_row_follows_the_names_and_not_the_columns() -> None:
    read = client_row(
        ("unsubscribe_url", "client_name"), ("id", "name", "unsubscribe_url"), "en", 0
    )

    assert read((7, "Li Jing", "https://x")) == ("https://x", "Li Jing")


def test_a_value_without_its_column_is_refused() -> None:
    with pytest.raises(KeyError, match="adviser"):
        client_row(("adviser",), ("name",), "en", 2026)


def test_an_unknown_value_may_be_asked_for_but_not_printed() -> None:
    read = client_row(("branch",), ("branch",), "en", 2026)
    asks = compile_part("{% if branch %}{{ branch }}{% endif %}ok", ("branch",), html=False)
    prints = compile_part("{{ branch }}", ("branch",), html=False)

    assert asks.render_rows({}, [read((None,))]) == ["ok"]
    (result,) = prints.render_rows({}, [read((None,))])
    assert isinstance(result, RenderError)


@pytest.mark.parametrize(
    ("written", "zh", "en"),
    [
        (Bilingual(zh="甲", en="a"), "甲", "a"),
        (BilingualList(zh=["甲"], en=["a", "b"]), ["甲"], ["a", "b"]),
        (date(2026, 10, 1), "10月1日(星期四)", "Thursday 1 October"),
        (["x", date(2026, 10, 1)], ["x", "10月1日(星期四)"], ["x", "Thursday 1 October"]),
        (2026, "2026", "2026"),
        (1.5, "1.5", "1.5"),
        ("x", "x", "x"),
    ],
)
def test_values_of_a_campaign_are_written_in_the_language_of_the_client(
    written: object, zh: object, en: object
) -> None:
    assert campaign_values({"v": written}, "zh-CN", 2026) == {"v": zh}
    assert campaign_values({"v": written}, "en", 2026) == {"v": en}


def test_a_closure_counts_its_days_and_names_its_weekends() -> None:
    values = closure_values(
        holiday=Sentence("Spring Festival", "春节"),
        market=Sentence("the A-share market", "A股市场"),
        first=date(2026, 2, 15),
        last=date(2026, 2, 23),
        last_session=date(2026, 2, 13),
        reopen=date(2026, 2, 24),
        weekend_closed=(date(2026, 2, 14), date(2026, 2, 28)),
        locale="zh-CN",
        year=2026,
    )

    assert values == {
        "holiday": "春节",
        "market_name": "A股市场",
        "close_from": "2月15日(星期日)",
        "close_to": "2月23日(星期一)",
        "close_days": "9",
        "last_session": "2月13日(星期五)",
        "reopen": "2月24日(星期二)",
        "weekend_closed": ["2月14日(星期六)", "2月28日(星期六)"],
        "correction": "",
    }


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_the_sample_knows_every_value_of_a_client(locale: str) -> None:
    assert sample_values(locale).keys() >= PER_CLIENT

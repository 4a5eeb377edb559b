"""Dates in the texts of a project, held against the week and the trading calendar."""

from datetime import date
from pathlib import Path

import pytest

from outreach.core.market import CalendarDay, Coverage
from outreach.core.trading_calendar import TradingCalendar
from outreach.feeds import calendar_file
from outreach.project.check import check
from outreach.project.check_dates import Almanac
from tests.project.small_project import change, make_project

CN = calendar_file.shipped().calendar("CN_A")
ALMANAC = Almanac(date(2026, 9, 20), {"CN_A": CN})
SMS = "templates/notice/sms.zh-CN.text.j2"
NOTICE = "campaigns/notice.toml"
CLOSURE = ('kind = "day"\n\n[values]', 'kind = "closure"\n\n[values]')


def found(folder: Path, almanac: Almanac = ALMANAC) -> list[str]:
    _, problems = check(folder / "config.toml", almanac)
    return [
        str(problem).replace(f"{folder}/", "") + f" ({problem.severity})" for problem in problems
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_project(tmp_path)
    return tmp_path


def test_a_project_without_dates_has_nothing_to_report(folder: Path) -> None:
    assert found(folder) == []


def test_a_typed_date_is_a_warning_and_a_wrong_weekday_an_error(folder: Path) -> None:
    change(folder, SMS, "{{ topic }}，", "{{ topic }}，10月1日(星期五)，")

    assert found(folder) == [
        f"{SMS}:1: “10月1日(星期五)” is another day of the week (in notice), write 星期四"
        " (Thursday), or give the date as a value: 2026-10-01 (error)",
        f"{SMS}:1: “10月1日(星期五)” is typed by hand, give the date as a value (warning)",
    ]


def test_a_wrong_reopening_is_found_in_an_e_mail_page(folder: Path) -> None:
    html = "templates/notice/email.en.html.j2"
    change(
        folder, html, "<p>{{ topic }}.</p>",
        "<h2>Trading resumes</h2> <p>on Saturday 10 October</p>\n<p>The market reopens on Sat,"
        " Oct 10.</p>\n"
        "<p>{{ topic }}.</p>",
    )  # fmt: skip

    (error,) = [line for line in found(folder) if line.endswith("(error)")]
    assert error == (
        f"{html}:3: “Sat, Oct 10” is called a trading day, but CN_A is shut on 2026-10-10"
        " (in notice), the next session is 2026-10-12 (error)"
    )


def test_the_wrong_value_in_a_closure_notice_is_found_by_its_sample(folder: Path) -> None:
    change(folder, NOTICE, *CLOSURE)
    change(folder, SMS, "{{ topic }}，", "{{ close_from }}至{{ close_to }}休市，{{ reopen }}开市，")
    assert [line for line in found(folder) if "trading day" in line] == []

    change(folder, SMS, "{{ reopen }}开市", "{{ close_to }}起照常开市")

    assert any("“10月7日(星期三)” is called a trading day" in line for line in found(folder))


def test_the_sample_closure_is_right_whatever_the_calendar_says_by_now(folder: Path) -> None:
    change(folder, NOTICE, CLOSURE[0], 'kind = "closure"\nmarket = "HK"\n\n[values]')
    change(folder, SMS, "{{ topic }}，", "{{ close_from }}至{{ close_to }}休市，{{ reopen }}开市，")
    span = Coverage("HK", date(2026, 1, 1), date(2026, 12, 31), "official", "HKEX")
    shut = CalendarDay("HK", date(2026, 10, 8), "closed", "台风", "typhoon", "HKEX")

    almanac = Almanac(ALMANAC.today, {"HK": TradingCalendar.of("HK", [span], [shut])})
    assert [line for line in found(folder, almanac) if "called" in line] == []


def test_a_date_given_as_a_value_is_held_against_the_calendar(folder: Path) -> None:
    change(folder, NOTICE, "[values]", "[values]\nback = 2026-10-12")
    change(folder, SMS, "{{ topic }}，", "{{ topic }}，{{ back }}恢复交易，")
    assert found(folder) == []

    change(folder, NOTICE, "2026-10-12", "2026-10-10")

    assert found(folder) == [
        f"{SMS}:1: “10月10日(星期六)” is called a trading day, but CN_A is shut on 2026-10-10"
        " (in notice), the next session is 2026-10-12 (error)"
    ]


def test_a_value_of_a_campaign_is_reported_where_it_is_typed(folder: Path) -> None:
    change(folder, NOTICE, "系统升级", "10月10日（周五）恢复交易")

    assert found(folder) == [
        f"{NOTICE}:12: values.topic.zh: “10月10日（周五）” is another day of the week, write 星期六"
        " (Saturday), or give the date as a value: 2026-10-10 (error)",
        f"{NOTICE}:12: values.topic.zh: “10月10日（周五）” is called a trading day, but CN_A is"
        " shut on 2026-10-10, the next session is 2026-10-12 (error)",
    ]


def test_without_an_almanac_only_what_is_certain_is_said(folder: Path) -> None:
    change(folder, NOTICE, "系统升级", "10月10日（周五）恢复交易")
    assert found(folder, Almanac()) == []

    change(folder, NOTICE, "10月10日", "2026年10月10日")
    assert len(found(folder, Almanac())) == 1


def test_the_shipped_texts_agree_with_the_calendar() -> None:
    root = Path(__file__).parents[2]

    assert found(root) == []

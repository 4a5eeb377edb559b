"""Dates in texts: weekdays that are wrong, and shut days called open. Real dates, real mistakes."""

from datetime import date

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from outreach.core.date_lint import mentions, session_faults, visible_text, weekday_faults
from outreach.core.formats import format_date
from outreach.core.trading_calendar import TradingCalendar
from outreach.feeds import calendar_file

SHIPPED = calendar_file.shipped()
CN = TradingCalendar.of("CN_A", SHIPPED.coverage, SHIPPED.days)
SEPTEMBER = date(2026, 9, 20)


@pytest.mark.parametrize(
    ("text", "near", "found"),
    [
        # A futures firm's notice for the new year of 2026.
        ("1月5日（星期二）起照常开市", date(2025, 12, 25), ["1月5日（星期二）"]),
        ("2026年1月5日(星期二)", None, ["2026年1月5日(星期二)"]),
        ("2026年1月5日（星期一）起照常开市", None, []),
        ("10月1日(星期四)至10月7日(星期三)休市", SEPTEMBER, []),
        ("10月1日（周四）", SEPTEMBER, []),
        ("10月1日周五", SEPTEMBER, ["10月1日周五"]),
        ("10月1日至7日（周四）", SEPTEMBER, ["7日（周四）"]),
        ("10月1日至7日（周三）", SEPTEMBER, []),
        ("10月1日 星期天", SEPTEMBER, ["10月1日 星期天"]),
        ("Thursday 1 October", SEPTEMBER, []),
        ("Friday 1 October", SEPTEMBER, ["Friday 1 October"]),
        ("Friday 1 October 2027", SEPTEMBER, []),
        ("Thu, Oct 1", SEPTEMBER, []),
        ("Fri, Oct 1, 2026", None, ["Fri, Oct 1, 2026"]),
        ("Thursday, October 1st", SEPTEMBER, []),
        ("Wednesday, the 1st of October 2026", None, ["Wednesday, the 1st of October 2026"]),
        ("1 October 2026 (Friday)", None, ["1 October 2026 (Friday)"]),
        ("2026-10-01 (Thursday)", None, []),
        ("2026/10/01（星期五）", None, ["2026/10/01（星期五）"]),
        ("Sunday 20 September, Saturday 10 October", SEPTEMBER, []),
        ("2月30日", SEPTEMBER, ["2月30日"]),
        ("31 September 2026", None, ["31 September 2026"]),
        ("10月1日周边活动", SEPTEMBER, []),
        ("10月1日(星期五)", None, []),  # no year, and nobody says which one is near
        ("1 Oct. 2026 (Friday). Later", None, ["1 Oct. 2026 (Friday)"]),
        ("It reopens on Friday 1 October. Then", SEPTEMBER, ["Friday 1 October"]),
        ("open Monday to Friday", SEPTEMBER, []),
        ("you may 5 times", SEPTEMBER, []),
        # Around the turn of the year the nearest is meant.
        ("1月1日（星期五）", date(2026, 12, 20), []),
        ("12月31日（星期四）", date(2027, 1, 3), []),
    ],
)
def test_a_date_and_its_weekday_agree(text: str, near: date | None, found: list[str]) -> None:
    assert [fault.found for fault in weekday_faults(text, near)] == found


def test_a_fault_says_what_to_write() -> None:
    (fault,) = weekday_faults("自1月5日（星期二）起", date(2025, 12, 25))

    assert (fault.at, fault.wrong) == (1, "is another day of the week")
    assert fault.write == "write 星期一 (Monday), or give the date as a value: 2026-01-05"


def test_what_the_program_wrote_itself_is_taken_as_it_is() -> None:
    assert list(weekday_faults("10月1日(星期五)", SEPTEMBER, {"10月1日(星期五)": SEPTEMBER})) == []


@settings(max_examples=60)
@drawn(st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.sampled_from(["zh-CN", "en"]))
def test_every_date_the_program_writes_is_read_back(day: date, locale: str) -> None:
    written = format_date(day, locale, 0)
    (mention,) = mentions(f"x {written} y")

    assert (mention.found, mention.on(day), mention.weekday) == (written, day, day.weekday())
    assert list(weekday_faults(written, None)) == []


@settings(max_examples=60)
@drawn(st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.integers(1, 6))
def test_any_other_weekday_is_found(day: date, off: int) -> None:
    wrong = "一二三四五六日"[(day.weekday() + off) % 7]

    assert len(list(weekday_faults(f"{day.month}月{day.day}日(星期{wrong})", day))) == 1


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("10月8日(星期四)起照常开市", None),
        ("10月7日(星期三)起照常开市", "2026-10-07"),
        ("10月10日(星期六)恢复交易", "2026-10-10"),  # a make-up working Saturday
        ("恢复交易：10月8日", None),
        ("恢复交易：10月7日", "2026-10-07"),
        ("恢复交易日期为10月10日", "2026-10-10"),
        ("节前最后交易日：9月30日(星期三)", None),
        ("节前最后交易日：10月1日", "2026-10-01"),
        ("节后首个交易日为10月10日", "2026-10-10"),
        ("10月1日至10月7日休市，10月8日起照常开市", None),
        ("10月1日至10月7日休市，10月7日起照常开市", "2026-10-07"),
        ("10月1日至10月8日休市", "10月1日至10月8日"),
        ("10月1日(星期四)至7日(星期三)休市", None),
        ("10月10日(星期六)为周末，不开市", None),
        ("10月10日(星期六)不开市", None),
        ("港股10月5日恢复交易", None),  # another market
        ("A股10月5日恢复交易", "2026-10-05"),
        ("Trading resumes: Thursday 8 October", None),
        ("Trading resumes on Wednesday 7 October", "2026-10-07"),
        ("After the closure from Thursday 1 October to Wednesday 7 October trading resumes on"
         " Thursday 8 October", None),
        ("On Saturday 10 October the market reopens", "2026-10-10"),
        ("The market reopens on Sat, Oct 10.", "2026-10-10"),
        ("Closed Thursday 1 October to Friday 9 October", "Thursday 1 October to Friday 9 October"),
        ("Closed weekend days: Sunday 20 September, Saturday 10 October", None),
        ("The next trading day is 1 October 2026", "2026-10-01"),
        ("Hong Kong trading resumes on Monday 5 October", None),
        ("2027年1月1日恢复交易", None),  # beyond coverage nothing is judged
        ("10月1日至10月7日", None),
    ],
)  # fmt: skip
def test_a_shut_day_is_not_called_open(text: str, day: str | None) -> None:
    faults = list(session_faults(text, CN, SEPTEMBER))

    if day is None:
        assert faults == []
    else:
        (fault,) = faults
        assert day in fault.wrong or day == fault.found


def test_money_promised_for_a_make_up_saturday_is_found() -> None:
    """A finance page promised the money of 13 February for 14 February; ChinaClear says 24."""
    wrong = list(session_faults("2026年2月13日的交易于2026年2月14日完成交收", CN, None))
    right = list(session_faults("2026年2月13日的交易于2026年2月24日完成交收", CN, None))

    assert [fault.found for fault in wrong] == ["2026年2月14日"]
    assert wrong[0].write == "the next session is 2026-02-24"
    assert right == []


def test_a_page_reads_a_line_a_row() -> None:
    html = (
        "<head><title>x</title></head><tr><th>Trading resumes</th><td>Thu 8&nbsp;October</td></tr>"
        "<p>y</p>"
    )

    lines = [" ".join(line.split()) for line in visible_text(html).splitlines()]

    assert lines == ["Trading resumes Thu 8 October", "y"]

"""A halt is told in the client's language, whichever language its feed speaks."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from outreach.core import halt_reasons
from outreach.core.halt_lines import EXCHANGES, REASONS, security_line
from outreach.core.halts import MARKET_CLOCKS, Halt

AT = datetime(2026, 8, 7, 13, 57, 48, tzinfo=UTC)


def reason(text: str | None, family: str | None, locale: str) -> str:
    halt = Halt(
        "XNAS-SMPL-20260807-1", 1, "XNAS", "SMPL", "样品食品", "Sample Foods", "intraday", AT, None,
        "none", None, text, family, None, None, "nasdaq",
    )  # fmt: skip
    line = security_line(halt, "halted", None, locale, ZoneInfo("Asia/Shanghai"), 2026)
    return line["reason"]


@pytest.mark.parametrize(
    ("text", "family", "zh", "en"),
    [
        ("News pending", "news pending", "重要消息待公布", "news pending"),
        ("Volatility trading pause", "volatility pause", "价格波动触发的暂停交易",
         "volatility pause"),
        ("刊登重大事项公告", "重大事项", "刊登重大事项公告", "material matters"),
        # Without a family nothing is translated: each client gets what is in their language.
        ("Something New", None, "", "Something New"),
        ("其他", None, "其他", ""),
        ("其他", "没有登记的类别", "其他", ""),
        (None, "重大资产重组", "重大资产重组", "planned major asset restructuring"),
        (None, None, "", ""),
    ],
)  # fmt: skip
def test_a_reason_is_told_in_both_languages(
    text: str | None, family: str | None, zh: str, en: str
) -> None:
    assert (reason(text, family, "zh-CN"), reason(text, family, "en")) == (zh, en)


def test_every_family_of_the_feeds_is_known_in_both_languages() -> None:
    families = {
        *(family for _, family in halt_reasons._PHRASES),
        *(one.family for one in halt_reasons.CODES.values()),
        *(family for family, _ in halt_reasons._WORDS.values()),
    }
    assert families <= REASONS.keys()
    assert all(one.zh and one.en.isascii() for one in REASONS.values())


def test_every_market_has_a_name() -> None:
    assert MARKET_CLOCKS.keys() == EXCHANGES.keys()

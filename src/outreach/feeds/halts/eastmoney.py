"""Halts as Eastmoney tables them and akshare exports them (`stock_tfp_em`), saved as CSV or XLSX.

The export turns moments into days, so a halt from 13:00 on reads like one from the opening. It has
two ends: 预计复牌时间 is the day trading resumes, 停牌截止时间 the last halted day.
"""

from datetime import date
from typing import Final

from outreach.core.cells import Bad, Fault
from outreach.core.halt_clock import Calendars, MarketClock, day
from outreach.core.halt_reasons import family_of
from outreach.core.halts import Statement
from outreach.core.holding_rows import Security, security
from outreach.feeds.halts.saved import MISSING, Parsed, Row, Saved, from_table, ordered

SOURCE: Final = "eastmoney"
COLUMNS: Final = {
    "symbol": ["代码", "证券代码", "股票代码"],
    "name_zh": ["名称", "证券名称", "证券简称"],
    "halt_at": ["停牌时间", "停牌开始时间"],
    "last_on": ["停牌截止时间"],
    "reason_code_raw": ["停牌期限"],
    "reason_text_raw": ["停牌原因"],
    "market": ["所属市场"],
    "resume_at": ["预计复牌时间"],
}
REQUIRED: Final = ("symbol", "name_zh", "halt_at", "reason_code_raw", "resume_at")
_BOARDS: Final = {"上交所": "XSHG", "深交所": "XSHE", "北交所": "BJSE", "沪": "XSHG", "深": "XSHE"}


def parse(saved: Saved, calendars: Calendars) -> Parsed:
    """The statements of a saved table. Raises FileProblem."""
    parsed = from_table(
        saved, COLUMNS, REQUIRED, lambda line, row: _statement(line, row, calendars)
    )
    parsed.unknown = tuple(name for name in parsed.unknown if name != "序号")
    return parsed


def _security(row: Row) -> Security | Bad:
    """The market decides which security a code means: 000001 is one in Shenzhen, another (an
    index) in Shanghai."""
    board = row.get("market", "")
    mic = next((mic for word, mic in _BOARDS.items() if board.startswith(word)), board)
    return security(row["symbol"], mic)


def _statement(line: int, row: Row, calendars: Calendars) -> Statement | Fault:
    found = _security(row)
    if isinstance(found, Bad):
        return Fault("symbol", found)
    if found.market not in ("XSHG", "XSHE", "BJSE"):
        return Fault("market", Bad("the market is not known", "it is 上交所, 深交所 or 北交所"))
    market = MarketClock.of(found.market, calendars)
    begun = day(row["halt_at"])
    if begun is None or isinstance(begun, Bad):
        return Fault("halt_at", begun or MISSING)
    halt_at = market.opening(begun)
    if isinstance(halt_at, Bad):
        return Fault("halt_at", halt_at)
    resumes_on, last = day(row["resume_at"]), day(row.get("last_on", ""))
    for name, value in (("resume_at", resumes_on), ("last_on", last)):
        if isinstance(value, Bad):
            return Fault(name, value)
    resume_at = None
    if resumes_on is not None and not isinstance(resumes_on, Bad):
        resume_at, field = market.opening(resumes_on), "resume_at"
    elif last is not None and not isinstance(last, Bad):
        resume_at, field = market.opening_after(last), "last_on"
    if isinstance(resume_at, Bad):
        return Fault(field, resume_at)
    term, reason = row["reason_code_raw"], row.get("reason_text_raw", "")
    return ordered(
        Statement(
            line, SOURCE, found.market, found.symbol, row["name_zh"], kind=_kind(term),
            halt_at=halt_at, resume_at=resume_at,
            resume_status="planned" if resume_at else "none", reason_code_raw=term or None,
            reason_text_raw=reason or None, reason_family=family_of(reason),
            last_halted_on=last if isinstance(last, date) else None,
        )
    )  # fmt: skip


def _kind(term: str) -> str:
    if family_of(term) == "盘中临时停牌":
        return "volatility"
    if "盘中" in term or "小时" in term or term in ("上午停牌", "下午停牌"):
        return "intraday"
    return "full_day" if term in ("停牌一天", "1天", "一天", "停牌1天") else "continuous"

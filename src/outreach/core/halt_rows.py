"""Rows of a halts file in the canonical form."""

import re
from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from outreach.core import cells
from outreach.core.cell_text import half_width
from outreach.core.cells import Bad, Fault
from outreach.core.consent_rows import moment
from outreach.core.halts import DELISTING_PERIOD, KINDS, MARKET_CLOCKS, RESUME_STATES, Halt
from outreach.core.holding_rows import security

ALIASES: Final[dict[str, list[str]]] = {
    "halt_id": ["停牌编号"],
    "version": ["版本"],
    "market": ["市场", "交易所", "mic", "exchange"],
    "symbol": ["证券代码", "股票代码", "代码", "code"],
    "name_zh": ["证券名称", "证券简称", "名称", "name"],
    "name_en": ["英文名称", "english_name"],
    "kind": ["停牌类型", "类型"],
    "halt_at": ["停牌时间", "停牌开始", "停牌日期"],
    "resume_at": ["复牌时间", "复牌日期", "预计复牌时间"],
    "resume_status": ["复牌状态"],
    "reason_code_raw": ["原因代码", "停牌期限"],
    "reason_text_raw": ["停牌原因", "原因", "reason"],
    "reason_family": ["原因类别"],
    "announcement_title": ["公告标题"],
    "announcement_url": ["公告链接"],
    "source": ["来源"],
    "isin": ["ISIN代码", "isin_code"],
    "resume_quote_at": ["恢复报价时间"],
    "last_halted_on": ["最后停牌日"],
    "source_updated_at": ["更新时间", "updated_at"],
}
REQUIRED: Final = ("market", "symbol", "name_zh", "halt_at")
FIELDS: Final = tuple(ALIASES)

_kind: Final = cells.one_of(
    {
        **{kind: kind for kind in KINDS},
        "全天停牌": "full_day", "停牌一天": "full_day", "连续停牌": "continuous",
        "盘中停牌": "intraday", "盘中临时停牌": "volatility",
        "退市整理期": DELISTING_PERIOD, "退市整理": DELISTING_PERIOD,
    },
    f"write {', '.join(KINDS)}",
)  # fmt: skip
_status: Final = cells.one_of(
    {
        **{state: state for state in RESUME_STATES},
        "未定": "none", "预计": "planned", "已确认": "confirmed", "已复牌": "confirmed",
        "取消": "cancelled",
    },
    f"write {', '.join(RESUME_STATES)}",
)  # fmt: skip


def halt(row: Mapping[str, str]) -> Halt | Fault:
    """One halt, or the field that is wrong and why. Days without a time open with the market."""
    found = security(row.get("symbol", ""), row.get("market", ""))
    if isinstance(found, Bad):
        return Fault("symbol", found)
    if found.market not in MARKET_CLOCKS:
        return Fault("market", Bad("the market is not known", f"write {', '.join(MARKET_CLOCKS)}"))
    values: dict[str, Any] = {"market": found.market, "symbol": found.symbol}
    for name in FIELDS:
        if name not in ("market", "symbol"):
            value = _cell(name, row.get(name, ""), found.market)
            if isinstance(value, Bad):
                return Fault(name, value)
            values[name] = value
    return _completed(values)


def _cell(name: str, cell: str, market: str) -> Any:
    match name:
        case "halt_at" | "resume_at" | "resume_quote_at" | "source_updated_at":
            return _on_market_clock(cell, market)
        case "last_halted_on":
            return cells.day(cell)
        case "isin":
            return isin(cell)
        case "kind":
            return _kind(cell)
        case "resume_status":
            return _status(cell)
        case "version":
            return cells.whole(cell)
        case "announcement_url" if cell and not cell.startswith(("https://", "http://")):
            return Bad("this is no web address", "write an address that begins with https://")
        case _:
            return cells.text(cell)


def _completed(values: dict[str, Any]) -> Halt | Fault:
    begins, ends = values["halt_at"], values["resume_at"]
    if begins is None:
        return Fault("halt_at", Bad("the moment is missing", "write when the halt began"))
    if values["name_zh"] is None:
        return Fault("name_zh", Bad("the name is missing", "write the security's name"))
    if values["version"] is not None and values["version"] < 1:
        return Fault("version", Bad("there is no such version", "count versions from 1"))
    if ends is not None and ends <= begins:
        wrong = "trading would resume before it halts"
        return Fault("resume_at", Bad(wrong, "write the first moment of trading again"))
    state = values["resume_status"] or ("none" if ends is None else "planned")
    if ends is None and state == "confirmed":
        return Fault("resume_at", Bad("a confirmed resumption needs its moment", "write when"))
    values["resume_status"] = state
    values["kind"] = values["kind"] or "continuous"
    values["name_en"] = values["name_en"] or ""
    values["source"] = values["source"] or "file"
    zone = ZoneInfo(MARKET_CLOCKS[values["market"]][0])
    day = begins.astimezone(zone)
    values["halt_id"] = values["halt_id"] or "-".join(
        (values["market"], values["symbol"], f"{day:%Y%m%d}", "1")
    )
    return Halt(**values)


_ISIN: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{9}\d")


def isin(cell: str) -> str | Bad | None:
    """An ISIN (ISO 6166), held against its check digit."""
    cell = half_width(cell).replace(" ", "").upper()
    if not cell:
        return None
    if not _ISIN.fullmatch(cell):
        return Bad("this is no ISIN", "write it as CNE0000018R8")
    digits = [int(digit) for sign in cell for digit in str(int(sign, 36))][::-1]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    if (sum(digits[::2]) + sum(doubled)) % 10:
        return Bad("a sign of this ISIN is wrong, its check digit says", "copy it again")
    return cell


_DAY_OPENS: Final = re.compile(r"(.*\d日?)\s*开市")


def _on_market_clock(cell: str, market: str) -> datetime | Bad | None:
    zone_name, opens = MARKET_CLOCKS[market]
    zone = ZoneInfo(zone_name)
    if found := _DAY_OPENS.fullmatch(cell):
        cell = found[1]
    value = moment(cell, zone)
    if isinstance(value, datetime) and ":" not in cell:
        return datetime.combine(value.date(), time.fromisoformat(opens), zone)
    return value

"""Halts of the Shanghai exchange: its halt query (停复牌提示), saved as JSON or JSONP.

`endStopDate` is the last halted day and so lies inside the halt: trading resumes with the session
after it. Rows whose `controlType` is not TR are about other business than trading.
"""

from datetime import date, datetime
from typing import Any, Final

from outreach.core.cells import Bad, Fault
from outreach.core.halt_clock import Calendars, MarketClock, clock, day
from outreach.core.halt_reasons import family_of
from outreach.core.halts import Statement
from outreach.core.holding_rows import security
from outreach.feeds.file_problem import FileProblem
from outreach.feeds.halts.json_records import numbered, part, read
from outreach.feeds.halts.saved import MISSING, Parsed, Row, Saved, ordered, taken

SOURCE: Final = "sse"
COLUMNS: Final = {
    "symbol": "productCode", "name_zh": "productName", "halt_at": "startStopDate",
    "resume_at": "endStopDate", "stop_time": "stopTime", "reason_code_raw": "type",
    "reason_text_raw": "stopReason",
}  # fmt: skip
TRADING: Final = "TR"


def parse(saved: Saved, calendars: Calendars) -> Parsed:
    """The statements of a saved answer. Raises FileProblem."""
    answer = read(saved, "productCode")
    parsed = Parsed("json")
    rows = answer.rows
    if answer.document is None:
        cut = Bad(f"the file breaks off after {len(rows)} whole rows", "take the file again")
        parsed.partial(0, "", "", cut)
    else:
        rows = _rows(saved, answer.document)
        _compare_with_total(parsed, part(answer.document, "pageHelp"), len(rows))
    trading = [(line, row) for line, row in rows if row.get("controlType", TRADING) == TRADING]
    if other := len(rows) - len(trading):
        said = Bad(f"{other} rows are not about trading and were left out", "nothing to do")
        parsed.note(0, "controlType", "", said)
    market = MarketClock.of("XSHG", calendars)
    return taken(parsed, trading, lambda line, row: _statement(line, row, market), COLUMNS)


def _rows(saved: Saved, document: Any) -> list[tuple[int, Row]]:
    """The rows of `result`, or of `pageHelp.data`, which repeats them."""
    if isinstance(document, dict):
        pages = part(document, "pageHelp")
        for found in (document.get("result"), pages.get("data")):
            records = found if isinstance(found, list) else []
            if records or (isinstance(found, list) and not pages.get("total")):
                rows = numbered(records)
                if not rows or {"productCode", "startStopDate"} <= set(rows[0][1]):
                    return rows
    raise FileProblem(
        f"{saved.path}: there are no rows with productCode and startStopDate; save the answer of"
        " the halt query as it is"
    )


def _compare_with_total(parsed: Parsed, page: dict[str, Any], count: int) -> None:
    total = page.get("total")
    if isinstance(total, int) and total != count:
        where = f"page {page.get('pageNo', '?')} of {page.get('pageCount', '?')}"
        bad = Bad(f"{where}: {count} of {total} rows", "save the other pages too")
        parsed.partial(0, "total", str(total), bad)


def _statement(line: int, row: Row, market: MarketClock) -> Statement | Fault:
    found = security(row.get("productCode", ""), "XSHG")
    if isinstance(found, Bad):
        return Fault("symbol", found)
    first, last = day(row.get("startStopDate", "")), day(row.get("endStopDate", ""))
    if first is None or isinstance(first, Bad):
        return Fault("halt_at", first or MISSING)
    if isinstance(last, Bad):
        return Fault("resume_at", last)
    if last is not None and last < first:
        return Fault("resume_at", Bad("the last halted day is before the first", "correct it"))
    when = row.get("stopTime", "").upper()
    begins = _begins(market, first, when)
    if isinstance(begins, Bad):
        return Fault("halt_at", begins)
    ends = _ends(market, first, last, when)
    if isinstance(ends, Bad):
        return Fault("resume_at", ends)
    reason = row.get("stopReason", "")
    return ordered(
        Statement(
            line, SOURCE, found.market, found.symbol, row.get("productName", ""),
            kind=_kind(row.get("type", ""), when, first, last, reason),
            halt_at=begins, resume_at=ends, resume_status="planned" if ends else "none",
            reason_code_raw=row.get("type") or None, reason_text_raw=reason or None,
            reason_family=family_of(reason), last_halted_on=last,
        )
    )  # fmt: skip


def _begins(market: MarketClock, first: date, when: str) -> datetime | Bad:
    """WH, AM and nothing begin with the session, PM after the break, `930` at that minute."""
    opens = market.opening(first)
    if isinstance(opens, Bad) or when in ("WH", "AM", ""):
        return opens
    if when == "PM":
        return market.afternoon(first)
    at = clock(when.zfill(4) if when.isdigit() else when)
    if at is None or isinstance(at, Bad):
        return Bad(f"the time {when} is not known", "it is WH, AM, PM or a clock time")
    return market.at(first, at)


def _ends(market: MarketClock, first: date, last: date | None, when: str) -> datetime | Bad | None:
    if last is None:
        return None
    if when == "AM" and last == first:
        return market.afternoon(first)
    return market.opening_after(last)


def _kind(type_: str, when: str, first: date, last: date | None, reason: str) -> str:
    if family_of(reason) == "盘中临时停牌":
        return "volatility"
    if when not in ("", "WH") and type_ != "LXTP":
        return "intraday"
    return "full_day" if first == last else "continuous"

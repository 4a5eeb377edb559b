"""Halts of the Shenzhen exchange: its report 1798 (停复牌), saved as JSON.

`fpkssj` is the moment trading resumes and so lies outside the halt. A row without a beginning whose
term is 取消停牌 ends a halt that an earlier row began.
"""

from datetime import datetime
from typing import Any, Final

from outreach.core.cells import Bad, Fault
from outreach.core.halt_clock import Calendars, MarketClock
from outreach.core.halt_reasons import family_of
from outreach.core.halts import Statement
from outreach.core.holding_rows import security
from outreach.feeds.file_problem import FileProblem
from outreach.feeds.halts.json_records import numbered, part, read
from outreach.feeds.halts.saved import MISSING, Parsed, Row, Saved, ordered, taken

SOURCE: Final = "szse"
COLUMNS: Final = {
    "symbol": "zqdm", "name_zh": "zqjc", "halt_at": "tpkssj", "resume_at": "fpkssj",
    "reason_code_raw": "tpsj", "reason_text_raw": "tpyy",
}  # fmt: skip
ENDED: Final = "取消停牌"


def parse(saved: Saved, calendars: Calendars) -> Parsed:
    """The statements of a saved answer. A page that is not the whole report is told as such: a
    halt that is missing from it is no resumption. Raises FileProblem."""
    answer = read(saved, "zqdm")
    parsed = Parsed("json")
    rows = answer.rows
    if answer.document is None:
        cut = Bad(f"the file breaks off after {len(rows)} whole rows", "take the file again")
        parsed.partial(0, "", "", cut)
    else:
        report = report_of(answer.document)
        if report is None:
            raise FileProblem(
                f"{saved.path}: there are no rows with zqdm, tpkssj and fpkssj; save the answer of"
                " report 1798 as it is"
            )
        rows = numbered(report.get("data") or [])
        _compare_with_total(parsed, report, len(rows))
    clock = MarketClock.of("XSHE", calendars)
    return taken(parsed, rows, lambda line, row: _statement(line, row, clock), COLUMNS)


def report_of(document: Any) -> dict[str, Any] | None:
    """The tab with halts: the answer lists several, the others empty."""
    tabs = document if isinstance(document, list) else [document]
    tabs = [tab for tab in tabs if isinstance(tab, dict) and isinstance(tab.get("data"), list)]
    filled = [tab for tab in tabs if tab["data"]]
    if not filled:
        return tabs[0] if tabs else None
    fits = (tab for tab in filled if {"zqdm", "fpkssj"} <= set(_keys(tab["data"][0])))
    return next(fits, None)


def _keys(row: Any) -> list[str]:
    return list(row) if isinstance(row, dict) else []


def _compare_with_total(parsed: Parsed, report: dict[str, Any], count: int) -> None:
    about = part(report, "metadata")
    total, pages = about.get("recordcount"), about.get("pagecount")
    if isinstance(total, int) and total != count:
        page = f"page {about.get('pageno', '?')} of {pages or '?'}"
        bad = Bad(f"{page}: {count} of {total} rows", "save the other pages too")
        parsed.partial(0, "recordcount", str(total), bad)


def _statement(line: int, row: Row, clock: MarketClock) -> Statement | Fault:
    found = security(row.get("zqdm", ""), "XSHE")
    if isinstance(found, Bad):
        return Fault("symbol", found)
    moments: dict[str, datetime | None] = {}
    for name in ("halt_at", "resume_at"):
        at = clock.written(row.get(COLUMNS[name], ""))
        if isinstance(at, Bad):
            return Fault(name, at)
        moments[name] = at
    term, reason = row.get("tpsj", ""), row.get("tpyy", "")
    if moments["halt_at"] is None and (term != ENDED or moments["resume_at"] is None):
        return Fault("halt_at" if term != ENDED else "resume_at", MISSING)
    return ordered(
        Statement(
            line, SOURCE, found.market, found.symbol, row.get("zqjc", ""),
            kind=_kind(term, moments["halt_at"], clock),
            halt_at=moments["halt_at"], resume_at=moments["resume_at"],
            resume_status="planned" if moments["resume_at"] else "none",
            reason_code_raw=term or None, reason_text_raw=reason or None,
            reason_family=family_of(reason),
        )
    )  # fmt: skip


def _kind(term: str, begins: datetime | None, clock: MarketClock) -> str:
    if family_of(term) == "盘中临时停牌":
        return "volatility"
    if "小时" in term or "盘中" in term:
        return "intraday"
    if term in ("1天", "一天", "停牌1天"):
        return "full_day"
    return "continuous"

"""Halt feeds: one parser a file, the table of them, and which form a saved file is in."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from outreach.core import cells
from outreach.core.cell_problem import CellProblem
from outreach.core.cells import Bad
from outreach.core.halt_clock import Calendars, off_session
from outreach.core.halts import DELISTING_PERIOD, Statement
from outreach.feeds.file_problem import FileProblem
from outreach.feeds.halts import canonical, eastmoney, jydb, nasdaq, nyse, sse, szse, tushare
from outreach.feeds.halts.saved import Parsed, Parser, Saved

__all__ = [
    "CANONICAL",
    "MAINLAND",
    "PARSERS",
    "WHOLE_MARKETS",
    "Parsed",
    "Saved",
    "read",
    "recognised",
    "speaks_for",
]

CANONICAL: Final = "canonical"
PARSERS: Final[dict[str, Parser]] = {
    CANONICAL: canonical.parse,
    "sse": sse.parse,
    "szse": szse.parse,
    "nasdaq": nasdaq.parse,
    "nyse": nyse.parse,
    "eastmoney": eastmoney.parse,
    "jydb": jydb.parse,
    "tushare": tushare.parse,
}
MAINLAND: Final = ("XSHG", "XSHE", "BJSE")
_AMERICAN: Final = ("XNAS", "XNYS", "XASE", "ARCX", "BATS")
# The markets a feed lists every halt of. The other forms are lists somebody made: they speak for
# the markets of their rows.
WHOLE_MARKETS: Final[dict[str, tuple[str, ...]]] = {
    "sse": ("XSHG",),
    "szse": ("XSHE",),
    "nasdaq": _AMERICAN,
    "nyse": _AMERICAN,
    "eastmoney": MAINLAND,
    "tushare": MAINLAND,
}
_TEXTS: Final = (
    "name_zh", "name_en", "reason_code_raw", "reason_text_raw", "announcement_title",
    "announcement_url",
)  # fmt: skip
_TOP: Final = 20_000  # bytes that tell the form of a file

# Words that occur in the head of one form only. All of a line must be there.
_MARKS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("nasdaq", ("<rss", "nasdaqtrader")),
    ("sse", ('"pageHelp"', "sse|TFPXX|productCode|startStopDate")),
    ("sse", ('"productCode"', '"startStopDate"')),
    ("szse", ('"zqdm"', '"tpkssj"')),
    ("szse", ('"metadata"', "停复牌|1798|tpkssj")),
    ("nyse", ("halt date", "halt time", "resume time")),
    ("eastmoney", ("停牌时间", "停牌期限", "停牌截止时间|所属市场")),
    ("jydb", ("suspenddate", "resumptiondate")),
    ("tushare", ("ts_code", "suspend_type")),
)


def recognised(content: bytes) -> str:
    """The form a file is in, by its own marks; ours when it bears none of another. Workbooks and
    Parquet are ours unless the form is named."""
    head = _decoded(content[:_TOP])
    folded = head.casefold()
    for form, marks in _MARKS:
        if all(re.search(mark.casefold(), folded) for mark in marks):
            return form
    return CANONICAL


def _decoded(head: bytes) -> str:
    """Text enough to look for marks in; a character cut at the end does no harm."""
    utf8 = head.decode("utf-8", "replace")
    return head.decode("gb18030", "replace") if utf8.count("\ufffd") > 1 else utf8


_NOT_SAID: Final = Bad(
    "the moment of resumption has passed, and the row does not say that trading resumed",
    "write confirmed (已复牌) if it did, else the new moment: nobody is told of this one",
)


def read(saved: Saved, form: str, calendars: Calendars, as_of: datetime) -> Parsed:
    """What a saved file says as of a moment. Raises FileProblem.

    A resumption on a day without a session is refused. The end a feed gives is a plan until the
    moment has passed as of which the file speaks; our own form says itself what is confirmed.
    """
    if not saved.content:
        raise FileProblem(f"{saved.path}: the file is empty; take it again")
    parsed = PARSERS[form](saved, calendars)
    good: list[Statement] = []
    for said in parsed.statements:
        one = _taken(said, calendars)
        if isinstance(one, CellProblem):
            parsed.problems.append(one)
        elif form != CANONICAL:
            good.append(_settled(one, as_of))
        else:
            good.append(one)
            if one.kind != DELISTING_PERIOD and _settled(one, as_of) != one:
                parsed.note(one.line, "resume_status", "", _NOT_SAID)
    parsed.statements = good
    return parsed


def speaks_for(
    parsed: Parsed, form: str, ours: Sequence[str] = MAINLAND, declared: Sequence[str] = ()
) -> tuple[str, ...]:
    """The markets of which a file tells every halt there is, so that its silence counts too; none
    for one that is not whole.

    A list somebody made speaks for the markets of its rows, and where one of those is among `ours`
    for all of these: the markets the firm's own lists cover together. `declared` is what somebody
    wrote down about where the file comes from, and is believed.
    """
    if not parsed.whole:
        return ()
    if declared:
        return tuple(sorted(declared))
    if form in WHOLE_MARKETS:
        return WHOLE_MARKETS[form]
    markets = {said.market for said in parsed.statements}
    return tuple(sorted(markets | set(ours) if markets & set(ours) else markets))


def _taken(said: Statement, calendars: Calendars) -> Statement | CellProblem:
    """The statement with its texts on one line, or what speaks against it in any form."""
    if found := off_session(said, calendars):
        field, bad = found
        at = said.resume_at if field == "resume_at" else said.halt_at
        return CellProblem(said.line, field, at.isoformat() if at else "", *bad)
    texts: dict[str, Any] = {}
    for field in _TEXTS:
        if value := getattr(said, field):
            text = cells.text(value)
            if isinstance(text, cells.Bad):
                return CellProblem(said.line, field, value[:60], *text)
            texts[field] = text or ""
    return said._replace(**texts)


def _settled(said: Statement, as_of: datetime) -> Statement:
    if said.resume_status == "planned" and said.resume_at and said.resume_at <= as_of:
        return said._replace(resume_status="confirmed")
    return said

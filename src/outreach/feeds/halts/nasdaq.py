"""Halts of American exchanges: the Nasdaq Trader feed `tradehalts`, saved as RSS.

Its dates and times are Eastern wall clock without a zone. Only the trade time ends a halt: from the
quotation time on there are quotes and no trades. A document type is refused before anything is
parsed, so no entity of a file is ever expanded.
"""

import re
from typing import Final
from xml.etree import ElementTree

from outreach.core.cells import Bad, Fault
from outreach.core.halt_clock import Calendars
from outreach.core.halt_reasons import CODES, DELETED
from outreach.core.halts import Statement
from outreach.feeds.file_problem import FileProblem
from outreach.feeds.halts.eastern import eastern
from outreach.feeds.halts.saved import Parsed, Row, Saved, ordered, taken

SOURCE: Final = "nasdaq"
COLUMNS: Final = {
    "symbol": "IssueSymbol", "market": "Market", "name_en": "IssueName", "halt_at": "HaltDate",
    "halt_time": "HaltTime", "resume_at": "ResumptionTradeTime", "resume_on": "ResumptionDate",
    "quote_time": "ResumptionQuoteTime", "reason_code_raw": "ReasonCode",
}  # fmt: skip
_NAMESPACE: Final = "http://www.nasdaqtrader.com/"
_ITEM: Final = re.compile(rb"<item\b[^>]*>.*?</item>", re.DOTALL)


def parse(saved: Saved, calendars: Calendars) -> Parsed:
    """The statements of a saved feed; of one that breaks off, those of its whole items. Raises
    FileProblem."""
    _refuse_doctype(saved)
    parsed = Parsed("xml")
    try:
        root = ElementTree.fromstring(saved.content)  # noqa: S314 - no document type, see above
        items = root.findall(".//item")
        if root.tag != "rss":
            raise FileProblem(
                f"{saved.path}: this is no RSS feed; save the feed tradehalts as it is"
            )
    except ElementTree.ParseError as error:
        items = _whole_items(saved, error)
        cut = Bad(f"the file breaks off after {len(items)} whole items", "take the file again")
        parsed.partial(error.position[0], "", "", cut)
    else:
        stated = root.findtext(f".//{{{_NAMESPACE}}}numItems", "").strip()
        if stated.isdigit() and int(stated) != len(items):
            bad = Bad(f"the feed has {len(items)} of {stated} items", "take the file again")
            parsed.partial(0, "numItems", stated, bad)
    rows = enumerate((_row(item) for item in items), start=1)
    return taken(parsed, rows, lambda line, row: _statement(line, row, calendars), COLUMNS)


def _refuse_doctype(saved: Saved) -> None:
    from xml.parsers import expat

    def refuse(*_declared: object) -> None:
        raise FileProblem(
            f"{saved.path}: the XML declares a document type, which could hide anything; the feed"
            " never does, so take the file again from the exchange"
        )

    scout = expat.ParserCreate()
    scout.StartDoctypeDeclHandler = refuse
    try:
        scout.Parse(saved.content, True)
    except expat.ExpatError:
        return  # broken off, which is told when it is read


def _whole_items(saved: Saved, error: ElementTree.ParseError) -> list[ElementTree.Element]:
    found = []
    for item in _ITEM.findall(saved.content):
        wrapped = b'<rss xmlns:ndaq="%s">%s</rss>' % (_NAMESPACE.encode(), item)
        try:
            found.append(ElementTree.fromstring(wrapped)[0])  # noqa: S314 - no document type
        except ElementTree.ParseError:
            continue
    if not found:
        raise FileProblem(
            f"{saved.path}: the file is no valid XML (line {error.position[0]}) and holds no whole"
            " item; take it again"
        ) from error
    return found


def _row(item: ElementTree.Element) -> Row:
    """The fields of an item without their namespace; `Mkt` is a name the market has gone by."""
    row = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in item}
    row.setdefault("Market", row.get("Mkt", ""))
    return row


def _statement(line: int, row: Row, calendars: Calendars) -> Statement | Fault:
    fields = {name: row.get(column, "") for name, column in COLUMNS.items()}
    found = eastern(fields, calendars)
    if isinstance(found, Fault):
        return found
    code = row.get("ReasonCode", "").upper()
    reason = CODES.get(code)
    state = "cancelled" if code == DELETED else "planned" if found.resume_at else "none"
    return ordered(
        Statement(
            line, SOURCE, found.market, found.symbol, name_en=row.get("IssueName", ""),
            kind=reason.kind if reason else "intraday",
            halt_at=found.halt_at, resume_at=found.resume_at, resume_status=state,
            reason_code_raw=code or None, reason_text_raw=reason.text if reason else None,
            reason_family=reason.family if reason else None,
            resume_quote_at=found.resume_quote_at,
        )
    )  # fmt: skip

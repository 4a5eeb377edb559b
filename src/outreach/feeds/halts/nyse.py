"""Halts of American exchanges as NYSE lists them: its halts download, saved as CSV.

Times are Eastern wall clock without a zone; reasons are words; names come in quotes of their own.
"""

from typing import Final

from outreach.core.cells import Fault
from outreach.core.halt_clock import Calendars
from outreach.core.halt_reasons import family_of_words
from outreach.core.halts import Statement
from outreach.feeds.halts.eastern import eastern
from outreach.feeds.halts.saved import Parsed, Row, Saved, from_table, ordered

SOURCE: Final = "nyse"
COLUMNS: Final = {
    "halt_at": ["Halt Date"],
    "halt_time": ["Halt Time"],
    "symbol": ["Symbol"],
    "name_en": ["Name"],
    "market": ["Exchange"],
    "reason_text_raw": ["Reason"],
    "resume_on": ["Resume Date"],
    "resume_at": ["NYSE Resume Time", "Resume Time"],
}
REQUIRED: Final = ("halt_at", "halt_time", "symbol", "market", "reason_text_raw", "resume_at")


def parse(saved: Saved, calendars: Calendars) -> Parsed:
    """The statements of a saved download. Raises FileProblem."""
    return from_table(saved, COLUMNS, REQUIRED, lambda line, row: _statement(line, row, calendars))


def _statement(line: int, row: Row, calendars: Calendars) -> Statement | Fault:
    found = eastern(row, calendars)
    if isinstance(found, Fault):
        return found
    family, kind = family_of_words(row["reason_text_raw"])
    return ordered(
        Statement(
            line, SOURCE, found.market, found.symbol, name_en=row.get("name_en", "").strip('" '),
            kind=kind, halt_at=found.halt_at, resume_at=found.resume_at,
            resume_status="planned" if found.resume_at else "none",
            reason_text_raw=row["reason_text_raw"] or None, reason_family=family,
        )
    )  # fmt: skip

"""Our own form of a halts file: CSV, XLSX, Parquet or JSON, one column for each field of a halt."""

from outreach.core import halt_rows
from outreach.core.cells import Bad, Fault
from outreach.core.halt_clock import Calendars, MarketClock
from outreach.core.halts import Statement
from outreach.feeds.halts.saved import Parsed, Row, Saved, from_table, ordered


def parse(saved: Saved, calendars: Calendars) -> Parsed:
    """The statements of the file. Days without a time open with the market. Raises FileProblem."""
    aliases, required = halt_rows.ALIASES, halt_rows.REQUIRED
    return from_table(
        saved,
        aliases,
        required,
        lambda line, row: _statement(line, row, calendars),
        may_be_empty=False,
    )


def _statement(line: int, row: Row, calendars: Calendars) -> Statement | Fault:
    found = halt_rows.halt(row)
    if isinstance(found, Fault):
        return found
    fields = found._asdict()
    if not row.get("halt_id"):
        fields["halt_id"] = None
    said = Statement(line=line, **fields)
    last = said.last_halted_on
    if last is None or said.resume_at is not None:
        return said
    ends = MarketClock.of(said.market, calendars).opening_after(last)
    if isinstance(ends, Bad):
        return Fault("last_halted_on", ends)
    return ordered(said._replace(resume_at=ends, resume_status="planned"))

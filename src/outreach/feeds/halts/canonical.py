"""Our own form of a halts file: CSV, XLSX, Parquet or JSON, one column for each field of a halt."""

from outreach.core import halt_rows
from outreach.core.cells import Fault
from outreach.core.halt_clock import Calendars
from outreach.core.halts import Statement
from outreach.feeds.halts.saved import Parsed, Row, Saved, from_table


def parse(saved: Saved, calendars: Calendars) -> Parsed:
    """The statements of the file. Days without a time open with the market. Raises FileProblem."""
    del calendars  # moments are written out; days are looked at like those of every form
    aliases, required = halt_rows.ALIASES, halt_rows.REQUIRED
    return from_table(saved, aliases, required, _statement, may_be_empty=False)


def _statement(line: int, row: Row) -> Statement | Fault:
    found = halt_rows.halt(row)
    if isinstance(found, Fault):
        return found
    fields = found._asdict()
    if not row.get("halt_id"):
        fields["halt_id"] = None
    return Statement(line=line, **fields)

"""The readers of client files take the sample file as its README says they do."""

from pathlib import Path

from outreach.core.client_columns import client_index, match_headers
from outreach.core.client_rows import ClientReader, Defaults
from outreach.core.headers import header_key
from outreach.feeds.table_file import open_table
from outreach.samples.bad_rows import FAULTS

SAMPLES = Path(__file__).parents[2] / "samples"


def test_the_readers_refuse_the_bad_rows_and_no_others() -> None:
    known = client_index()
    table = open_table(SAMPLES / "clients.csv", lambda cell: header_key(cell)[0] in known)
    reader = ClientReader(match_headers(table.headers), Defaults())
    refused: set[int] = set()
    numbers: dict[str, int] = {}
    for chunk in table.chunks():
        assert chunk.bad == []
        rows = reader.read(chunk.lines, chunk.columns)
        refused |= {problem.line for problem in rows.problems if problem.rejected}
        for line, number in zip(rows.lines, rows.columns["client_no"], strict=True):
            # The second row of a number is the one to refuse; only the importer can see it.
            refused |= {line} if number in numbers else set()
            numbers.setdefault(number, line)

    assert table.encoding == "gb18030"
    assert refused == {fault.row + 2 for fault in FAULTS}
    assert len(numbers) == 4_975

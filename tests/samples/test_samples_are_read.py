"""The readers of client files take the sample file as its README says they do."""

import csv
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from outreach.core import consent_rows, halt_rows, holding_rows
from outreach.core.client_columns import client_index, match_headers
from outreach.core.client_rows import ClientReader, Defaults
from outreach.core.consent import Action, Source
from outreach.core.halts import Halt
from outreach.core.headers import header_key
from outreach.feeds.table_file import open_table
from outreach.samples.bad_rows import FAULTS

SAMPLES = Path(__file__).parents[2] / "samples"
SHANGHAI = ZoneInfo("Asia/Shanghai")


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


def test_the_readers_take_every_consent_holding_and_halt() -> None:
    with (SAMPLES / "consents.csv").open(encoding="utf-8-sig", newline="") as file:
        for number, channel, purpose, action, source, _, _, at, until in list(csv.reader(file))[1:]:
            assert number.isdigit()
            assert consent_rows.channel(channel) in (None, "sms", "email")
            assert consent_rows.purpose(purpose) in (None, "marketing", "education")
            assert consent_rows.action(action) in set(Action)
            assert consent_rows.source(source) in set(Source)
            assert isinstance(consent_rows.moment(at, SHANGHAI), datetime)
            assert until == "" or isinstance(consent_rows.moment(until, SHANGHAI), datetime)
    with (SAMPLES / "holdings.csv").open(encoding="gb18030", newline="") as file:
        for _, symbol, _, market, quantity in list(csv.reader(file))[1:]:
            assert isinstance(holding_rows.security(symbol, market), holding_rows.Security)
            assert holding_rows.quantity(quantity) == int(quantity)
    with (SAMPLES / "halts.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            assert isinstance(halt_rows.halt(row), Halt), row["halt_id"]

"""The files in samples/: `python -m outreach.samples.shipped samples` makes them again."""

import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from outreach.samples import bad_rows, events, generate, market, moves, service

CLIENTS: Final = 5_000


def write_samples(folder: Path, seed: int = generate.SEED) -> None:
    """Write the client book, holdings, consents, halts, index levels, margin ratios, preferences
    and replies to a survey, the same bytes every time."""
    columns = generate.client_columns(seed, np.arange(1, CLIENTS + 1, dtype=np.int64))
    _write_clients(folder / "clients.csv", columns)
    holders = events.holders(columns, 1)
    _write(
        folder / "holdings.csv", events.HOLDING_COLUMNS, events.holding_rows(seed, holders),
        "gb18030",
    )  # fmt: skip
    consents = sorted(events.consent_rows(seed, holders), key=lambda row: row[7])
    _write(folder / "consents.csv", events.CONSENT_COLUMNS, consents, "utf-8-sig")
    _write(folder / "halts.csv", market.HALT_COLUMNS, market.HALTS, "utf-8-sig")
    _write(folder / "levels.csv", moves.LEVEL_COLUMNS, moves.LEVELS, "gb18030")
    _write(
        folder / "margin-ratios.csv", moves.RATIO_COLUMNS, moves.ratio_rows(seed, columns),
        "gb18030",
    )  # fmt: skip
    _write(
        folder / "preferences.csv", service.PREFERENCE_COLUMNS, service.preference_rows(columns),
        "gb18030",
    )  # fmt: skip
    _write(
        folder / "survey-consents.csv", service.CONSENT_COLUMNS,
        service.survey_consent_rows(columns), "utf-8-sig",
    )  # fmt: skip
    _write(
        folder / "survey-replies.csv", service.REPLY_COLUMNS, service.reply_rows(columns),
        "utf-8-sig",
    )  # fmt: skip


def _write_clients(path: Path, columns: dict[str, list[str]]) -> None:
    header = list(columns)
    with path.open("w", encoding="gb18030", newline="") as file:
        file.write(f"{generate.TITLE}\r\n{','.join(header)}\r\n")
        for row, cells in enumerate(zip(*columns.values(), strict=True), start=1):
            written = bad_rows.with_faults(row, dict(zip(header, cells, strict=True)))
            file.write(",".join(written.values()) + "\r\n")
        file.write(generate.total_row(CLIENTS, len(header)) + "\r\n")


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]], encoding: str) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    write_samples(Path(sys.argv[1]))

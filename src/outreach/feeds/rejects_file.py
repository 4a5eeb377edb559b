"""The rejects file of an import: what was wrong, where, and what to write; for its owner only."""

import csv
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TextIO

from outreach.core.cell_problem import CellProblem
from outreach.core.spreadsheet import inert
from outreach.feeds.file_problem import FileProblem

HEADER = ("line", "column", "value", "wrong", "fix", "taken")


class RejectsFile:
    """Made when the first problem comes, so that a clean import leaves none."""

    def __init__(self, folder: Path, imported: Path, at: datetime) -> None:
        self._path = folder / f"{imported.name}-{at:%Y%m%d-%H%M%S}.csv"
        self._file: TextIO | None = None
        self.written = 0

    @property
    def path(self) -> Path | None:
        """Where it is; None when nothing was wrong."""
        return self._path if self._file is not None else None

    def write(self, problems: Iterable[CellProblem]) -> None:
        """Add problems. Values that a spreadsheet would run as formulas are made plain text."""
        for problem in problems:
            try:
                if self._file is None:
                    self._file = self._opened()
                csv.writer(self._file).writerow(
                    [
                        problem.line,
                        inert(problem.column),
                        inert(problem.value),
                        inert(problem.wrong),
                        inert(problem.fix),
                        "no" if problem.rejected else "yes",
                    ]
                )
                self.written += 1
            except OSError as error:
                raise _unwritable(self._path, error) from error

    def _opened(self) -> TextIO:
        # It holds what clients' cells said, so nobody else reads it.
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        stem, again = self._path, 1
        while self._path.exists():  # two imports of one file within a second
            again += 1
            self._path = stem.with_name(f"{stem.stem}-{again}.csv")
        number = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
        file = os.fdopen(number, "w", encoding="utf-8-sig", newline="")
        csv.writer(file).writerow(HEADER)
        return file

    def close(self) -> None:
        """Finish the file."""
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                raise _unwritable(self._path, error) from error


def _unwritable(path: Path, error: OSError) -> FileProblem:
    return FileProblem(
        f"{path}: cannot be written ({error.strerror}); free some space or check rights"
    )

"""A door on SQLite, for what does not depend on the database."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from outreach.store.database import Database


@pytest.fixture
def sqlite(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite database at the newest revision."""
    path = tmp_path / "outreach.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()

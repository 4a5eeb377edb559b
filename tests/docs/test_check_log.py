"""The outsider's program agrees with the log, and disagrees when somebody touched it."""

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from outreach.store import audit, migrate
from outreach.store.database import Database

CHECK = Path(__file__).parents[2] / "docs" / "check_log.py"
ORIGIN = "outreach.example.com"


def _check(*arguments: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(CHECK), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def log(tmp_path: Path) -> tuple[Path, Path]:
    """A log of thirteen entries with a checkpoint after the eleventh, kept in a file."""
    path, kept = tmp_path / "outreach.db", tmp_path / "checkpoint.txt"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    at = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
    entries = [
        audit.Entry(
            at + timedelta(microseconds=n * 250_000), "run.opened", "张三", f"run {n}", {"n": n}
        )
        for n in range(12)
    ]
    with database.begin() as tx:
        audit.append(tx, entries[:11])
        kept.write_text(
            audit.write_checkpoint(tx, ORIGIN, at, "auditor", bytes(32)).note, encoding="utf-8"
        )
        audit.append(tx, entries[11:])
    database.close()
    return path, kept


def test_an_untouched_log_agrees_with_its_checkpoint(log: tuple[Path, Path]) -> None:
    done = _check(*log)

    assert done.stderr == ""
    assert done.stdout.startswith("13 entries, root ")
    assert f"the first 11 entries are those that {ORIGIN} sealed" in done.stdout


@pytest.mark.parametrize(
    "tampering",
    [
        pytest.param("UPDATE audit_entry SET actor = 'nobody' WHERE seq = 7", id="a value"),
        pytest.param("UPDATE audit_entry SET leaf = zeroblob(32) WHERE seq = 7", id="a hash"),
        pytest.param("DELETE FROM audit_entry WHERE seq = 7", id="an entry gone"),
    ],
)
def test_one_touched_entry_is_named(log: tuple[Path, Path], tampering: str) -> None:
    with sqlite3.connect(log[0]) as conn:
        conn.execute(tampering)

    done = _check(*log)

    assert done.returncode == 1
    assert done.stderr == "entry 7 is missing or was changed\n"


def test_a_log_cut_short_does_not_agree_with_the_checkpoint(log: tuple[Path, Path]) -> None:
    with sqlite3.connect(log[0]) as conn:
        conn.execute("DELETE FROM audit_entry WHERE seq >= 9")

    done = _check(*log)

    assert done.returncode == 1
    assert done.stderr == f"the log is not the one that {ORIGIN} sealed at 11 entries\n"

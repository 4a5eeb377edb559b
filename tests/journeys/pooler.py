"""PgBouncer in front of the tests' PostgreSQL, pooling by transaction; absent where it is not
installed."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
needs_pgbouncer = pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed")

SETTINGS = """\
[databases]
{name} = host={host} user={user}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 8
max_client_conn = 200
logfile = {folder}/pgbouncer.log
pidfile = {folder}/pgbouncer.pid
"""


@contextmanager
def pooler(url: str) -> Iterator[str]:
    """The address of a database by way of PgBouncer, which gives a server connection to another
    client after each transaction."""
    assert PROGRAM is not None
    server = make_url(url)
    host = Path(str(server.query["host"]))
    user = pwd.getpwuid(host.stat().st_uid)  # whoever may reach the server's socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = SETTINGS.format(
            name=server.database, host=host, user=server.username, port=port, folder=folder
        )
        (folder / "pgbouncer.ini").write_text(settings, encoding="utf-8")
        # It refuses to run as root.
        drop = ["-u", user.pw_name] if os.getuid() == 0 else []
        for path in (folder, folder / "pgbouncer.ini"):
            os.chown(path, user.pw_uid, user.pw_gid)
        process = subprocess.Popen([PROGRAM, "-q", *drop, str(folder / "pgbouncer.ini")])
        try:
            _until_open(process, port)
            yield f"postgresql+psycopg://{server.username}@127.0.0.1:{port}/{server.database}"
        finally:
            process.terminate()
            process.wait()


def _until_open(process: "subprocess.Popen[bytes]", port: int) -> None:
    end = time.monotonic() + 60
    while True:
        assert process.poll() is None, "pgbouncer ended at once"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < end, "pgbouncer never listened"
        time.sleep(0.01)

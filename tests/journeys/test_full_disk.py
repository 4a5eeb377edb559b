"""The disk of the database is full: a line, nothing lost, and all goes on when there is room."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.conftest import empty_postgres
from tests.journeys.house import House
from tests.journeys.test_crashes import small_house

CLIENTS = 2_000


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 24 MB, where a server of another user may go."""
    folder = Path(tempfile.mkdtemp(prefix="outreach-disk-"))
    folder.chmod(0o755)
    mount = shutil.which("mount")
    made = mount and os.geteuid() == 0 and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], capture_output=True, check=False
    ).returncode == 0  # fmt: skip
    if not made:
        folder.rmdir()
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    folder.rmdir()


def fill(disk: Path, left: int) -> Path:
    """A file that leaves so many bytes of the disk."""
    ballast = disk / "ballast"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    ballast.write_bytes(bytes(max(free - left, 0)))
    return ballast


def goes_on(house: House, ballast: Path) -> None:
    """It stops with a line, and with room again everything goes out, once."""
    stopped = house.type("run", "notice")
    doctor = house.type("doctor")
    ballast.unlink()
    house.must("run", "notice")

    assert stopped.code == 3
    assert "is full; free some space, then run again" in stopped.err
    assert doctor.code in (0, 1)
    shown = house.asked("runs", "show", "1")["messages"]
    assert shown == {"accepted": 2 * CLIENTS}
    assert sorted(house.on_disk().values()) == [1] * 2 * CLIENTS
    assert house.asked("audit", "verify")["ok"]


def test_a_full_disk_under_sqlite(small_disk: Path, tmp_path: Path) -> None:
    house = small_house(tmp_path / "house", clients=CLIENTS)
    kept = house.folder / "var"
    shutil.move(kept / "outreach.db", small_disk / "outreach.db")
    for left in kept.glob("outreach.db-*"):
        left.unlink()
    config = house.folder / "config.toml"
    url = f'database = "sqlite:///{small_disk}/outreach.db"\n\n'
    config.write_text(url + config.read_text("utf-8"), encoding="utf-8")
    house.must("runs")

    goes_on(house, fill(small_disk, 400_000))


def test_a_full_disk_under_postgresql(small_disk: Path, tmp_path: Path, postgres_url: str) -> None:
    owner = Path(postgres_url.rpartition("host=")[2]).stat()
    place = small_disk / "space"
    place.mkdir()
    os.chown(place, owner.st_uid, owner.st_gid)
    name = f"small_{os.getpid()}"
    with empty_postgres(postgres_url) as url:
        house = small_house(tmp_path / "house", url, clients=CLIENTS)
        admin = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
        with admin.connect() as conn:
            conn.execute(text(f"CREATE TABLESPACE {name} LOCATION '{place}'"))
            database = url.rpartition("/t_")[2].partition("?")[0]
            try:
                conn.execute(text(f"ALTER DATABASE t_{database} SET TABLESPACE {name}"))
                goes_on(house, fill(small_disk, 300_000))
            finally:
                conn.execute(text(f"ALTER DATABASE t_{database} SET TABLESPACE pg_default"))
                conn.execute(text(f"DROP TABLESPACE {name}"))
        admin.dispose()

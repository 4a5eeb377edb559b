"""The keys of links and return addresses: made once, whoever asks first."""

import threading
from pathlib import Path

import pytest

from outreach.cli.door import Door
from outreach.cli.engine import unsubscribe_key
from tests.project.small_project import make_project

AT_ONCE = 8


def test_all_who_ask_for_a_key_at_once_are_given_the_same_one(tmp_path: Path) -> None:
    """Threads of one process, too: a worker has one for each of its queues."""
    make_project(tmp_path)
    doors = [Door(tmp_path / "config.toml", json=False) for _ in range(AT_ONCE)]
    for each in doors:
        assert each.config
    together, keys = threading.Barrier(AT_ONCE), list[bytes]()

    def ask(each: Door) -> None:
        together.wait()
        keys.append(unsubscribe_key(each))

    for _ in range(20):
        (tmp_path / "var/keys/unsubscribe.key").unlink(missing_ok=True)
        keys.clear()
        threads = [threading.Thread(target=ask, args=(each,)) for each in doors]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert len(keys) == AT_ONCE
        assert len(set(keys)) == 1
    (kept,) = (tmp_path / "var/keys").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_key_of_the_environment_goes_before_the_one_that_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_project(tmp_path)
    monkeypatch.setenv("OUTREACH_SECRET_UNSUBSCRIBE", "of the environment")

    assert unsubscribe_key(Door(tmp_path / "config.toml", json=False)) == b"of the environment"
    assert not (tmp_path / "var/keys").exists()

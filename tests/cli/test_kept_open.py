"""What a service keeps open follows config.toml while the service runs, and a broken one not."""

import http.client
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from outreach.cli.door import PROBLEMS, Door, Failure
from outreach.cli.kept_open import KeptOpen
from outreach.cli.web import Processes
from outreach.cli.worker import LOOK_SECONDS, _Config
from outreach.project.config import Config
from tests.project.small_project import change, make_project


class Said:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []
        self._lock = threading.Lock()

    def __call__(self, event: str, **facts: Any) -> None:
        with self._lock:
            self.lines.append((event, facts))

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self.lines]


class Follower:
    """Notes what it was turned to; fails as often as it is told."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.by: list[bytes] = []
        self.fails: list[Exception] = []
        self.open = False

    def turn_to(self, config: Config, source: bytes) -> None:
        if self.fails:
            raise self.fails.pop(0)
        self.by.append(source)
        self.open = True

    def close(self) -> None:
        self.open = False


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Door(make_project(tmp_path / "project"), False).config


def followed(kept: KeptOpen, config: Config, source: bytes) -> None:
    """One round, and what it began."""
    kept.follow(config, source)
    if kept._thread is not None:
        kept._thread.join(20)


def test_what_does_not_go_is_said_once_tried_again_and_keeps_nothing_else_shut(
    config: Config,
) -> None:
    web, smpp, said = Follower("web"), Follower("smpp"), Said()
    kept = KeptOpen([web, smpp], said)
    kept.open(config, b"1")
    web.fails = [Failure(PROBLEMS, "[web] cannot listen"), Failure(PROBLEMS, "[web] cannot listen")]
    other = config.model_copy(update={"language": "en"})
    for _ in range(4):
        followed(kept, other, b"2")

    assert said.events == ["web_not_reopened"]
    assert said.lines[0][1]["why"] == "[web] cannot listen"
    assert web.by == [b"1", b"2"]
    assert smpp.by[:2] == [b"1", b"2"]
    kept.close()
    assert (web.open, smpp.open) == (False, False)


def test_a_config_that_stays_as_it_is_moves_nothing(config: Config) -> None:
    web = Follower("web")
    kept = KeptOpen([web], Said())
    kept.open(config, b"1")
    followed(kept, config, b"# a remark\n1")

    assert web.by == [b"1"]


def test_what_cannot_be_opened_at_the_start_is_raised(config: Config) -> None:
    web = Follower("web")
    web.fails = [Failure(PROBLEMS, "[web] cannot listen")]

    with pytest.raises(Failure):
        KeptOpen([web], Said()).open(config, b"1")


def test_a_worker_begins_also_while_an_editor_puts_a_new_config_in_its_place(
    tmp_path: Path,
) -> None:
    door, said = Door(make_project(tmp_path / "project"), False), Said()
    config = door.config
    away = door.config_path.rename(tmp_path / "away.toml")
    follows = _Config(door, said)
    assert follows() is config

    away.rename(door.config_path)
    follows._looked -= LOOK_SECONDS
    assert follows() == config
    assert said.events == ["config_changed"]


# --- the door in processes of its own ---------------------------------------------------------


@pytest.fixture
def door(tmp_path: Path, sqlite_template: Path) -> Door:
    path = make_project(tmp_path / "project")
    web = '[web]\nport = 0\npublic_url = "https://x.example.com"\n\n[[routes]]\nchannel = "sms"'
    change(path.parent, "config.toml", '[[routes]]\nchannel = "sms"', web)
    made = Door(path, False)
    place = made.root / made.config.database.removeprefix("sqlite:///")
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(sqlite_template, place)
    return made


def status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_door_turns_to_another_config_on_the_same_port_though_its_file_is_broken_by_then(
    door: Door,
) -> None:
    said = Said()
    processes = Processes(door, said)
    source = door.config_path.read_bytes()
    processes.turn_to(door.config, source)
    port = int(said.lines[0][1]["address"].rpartition(":")[2])
    try:
        assert (status(port, "/healthz"), status(port, "/below/healthz")) == (200, 404)
        changed = source.replace(b"https://x.example.com", b"https://x.example.com/below")
        door.config_path.write_bytes(changed)
        other = Door(door.config_path, False).config
        door.config_path.write_bytes(b"[web\n")
        processes.turn_to(other, changed)
        assert (status(port, "/healthz"), status(port, "/below/healthz")) == (404, 200)
        processes.turn_to(other.model_copy(update={"web": None}), b"")
    finally:
        processes.close()

    assert said.events == ["web_listening", "web_reopened", "web_closed"]

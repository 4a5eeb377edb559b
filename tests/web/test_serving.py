"""The thread that serves lives on whatever goes wrong beside it, or says why it ended."""

import asyncio
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from outreach.store.database import Database
from outreach.web import serving
from outreach.web.app import Health
from outreach.web.opening import Opened
from outreach.web.serving import listen
from tests.web.door import DEADLINE, KEY, NOW, Door, config_of, open_door


def test_a_look_at_slow_clients_that_fails_is_said_and_the_next_one_looks(
    tmp_path: Path, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "_SWEEP", 0.01)
    faults, of = [AttributeError("cycle"), AttributeError("cycle")], serving.Slow.of

    def looks(self: serving.Slow, connections: Any, now: float) -> list[Any]:
        if faults:
            raise faults.pop()
        return of(self, connections, now)

    monkeypatch.setattr(serving.Slow, "of", looks)
    with open_door(tmp_path, sqlite, "timeout = 1") as door:
        with socket.create_connection(("127.0.0.1", door.port), DEADLINE) as client:
            client.sendall(b"GET /hea")
            with suppress(ConnectionResetError):
                assert client.recv(1000) == b""

        assert [event for event, _ in door.said] == ["web_sweep_failed"]


def test_a_server_that_ends_by_itself_says_why(
    tmp_path: Path, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = asyncio.Event()

    async def main_loop(self: uvicorn.Server) -> None:
        await broken.wait()
        raise MemoryError

    monkeypatch.setattr(uvicorn.Server, "main_loop", main_loop)
    with open_door(tmp_path, sqlite) as door:
        loop = door.opened.site.intake._loop
        assert loop is not None
        loop.call_soon_threadsafe(broken.set)
        why = door.opened.serving.wait(threading.Event())
        door.opened.serving._sockets[0].close()  # the process would be gone now

        assert why.startswith("MemoryError")
        assert "test_serving.py" in why


def test_a_server_that_is_asked_to_end_has_no_reason_of_its_own(
    tmp_path: Path, sqlite: Database
) -> None:
    asked = threading.Event()
    asked.set()
    with open_door(tmp_path, sqlite) as door:
        assert door.opened.serving.wait(asked) == ""


def test_a_fault_of_ours_is_an_answer_and_a_line_and_not_a_line_a_request(
    tmp_path: Path, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(self: Health, *_: object) -> None:
        raise KeyError("+8613800000001")

    monkeypatch.setattr(Health, "ask", breaks)
    (listener,), said = listen("127.0.0.1", 0), list[tuple[str, dict[str, Any]]]()
    config = config_of(tmp_path)
    assert config.web is not None
    opened = Opened(
        config, config.web, sqlite, key=KEY, secrets={}, root=tmp_path, clock=lambda: NOW,
        say=lambda event, **facts: said.append((event, facts)), sockets=[listener],
    )  # fmt: skip
    opened.start()
    try:
        door = Door(opened, listener.getsockname()[1], said, sqlite)
        answers = [door.ask("GET", "/healthz").status for _ in range(3)]
        opened.site.tally.tell(opened.site.say)
    finally:
        opened.close()

    assert answers == [500, 500, 500]
    failed = [facts for event, facts in said if event == "web_failed"]
    assert [facts["error"] for facts in failed] == ["KeyError"]
    assert "138" not in str(failed)
    assert ("web_refused", {"failed": 3}) in said

"""The HTTP door as people run it: beside the scheduler or alone, and what a link in a mail does."""

import http.client
import os
import signal
import socket
from email import message_from_bytes
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from outreach.store.tables import consent_event
from tests.journeys.house import DEADLINE, MONDAY, House, person, shipped, until
from tests.journeys.serving import Serving, serving

BEFORE = "2026-09-22T15:30+08:00"  # three days before the closure of Mid-Autumn
WEB = '\n[web]\nport = 0\npublic_url = "https://outreach.example.com"\n'


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> House:
    """The shipped project with a door, and two clients who have e-mail."""
    made = shipped(tmp_path / "house", database_url if "postgresql" in database_url else None)
    made.write("config.toml", (made.folder / "config.toml").read_text(encoding="utf-8") + WEB)
    made.clients(person(1, phone=""), person(2, phone=""))
    return made


def asked(served: Serving, method: str, path: str, body: str = "") -> tuple[int, str]:
    """A request to the door that is open; status and body."""
    place = urlsplit(served.waits_for("web_listening")["address"])
    connection = http.client.HTTPConnection(place.hostname or "", place.port or 0, timeout=DEADLINE)
    try:
        connection.request(method, path, body or None)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def link_to(house: House, mailbox: str) -> str:
    """The path of the one-click link in the mail that went to a mailbox."""
    for path in house.folder.glob("var/outbox/*/email/*/*.eml"):
        mail = message_from_bytes(path.read_bytes())
        if mailbox in str(mail["To"]):
            assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            return urlsplit(str(mail["List-Unsubscribe"]).strip("<>")).path
    raise AssertionError(f"no mail to {mailbox}")


def withdrawn(house: House) -> bool:
    found = house.query(lambda conn: conn.execute(select(consent_event.c.source)).scalars().all())
    return "one_click" in found


def test_the_link_of_a_mail_stops_the_next_one(house: House) -> None:
    house.clock = BEFORE
    house.approve("closure-notice")
    assert house.asked("run", "closure-notice")["messages"] == {"accepted": 2}
    link = link_to(house, "c1@example.com")

    with serving(house, BEFORE) as served:
        assert asked(served, "GET", link)[0] == 200
        status, page = asked(served, "POST", link, "List-Unsubscribe=One-Click")
        assert (status, "已停止" in page) == (200, True)
        served.until(lambda: withdrawn(house))
        served.stops()

    house.clock = MONDAY  # before the National Day closure
    house.approve("closure-notice")
    ran = house.asked("run", "closure-notice")
    assert (ran["messages"], ran["suppress"]) == ({"accepted": 1}, 1)
    told = house.asked("explain", "000001", "closure-notice")
    assert any(gate["reason"] == "purpose_opt_out" for gate in told["gates"])
    assert house.asked("audit", "verify")["ok"] is True


def test_the_door_alone_answers_until_it_is_asked_to_stop(house: House) -> None:
    served = Serving(house.start("--json", "web"))
    try:
        assert asked(served, "GET", "/healthz") == (200, "ok\n")
        assert asked(served, "GET", "/unsubscribe/x")[0] == 404
        served.process.send_signal(signal.SIGTERM)
        served.ended()
    finally:
        served.close()


def test_a_door_process_that_dies_is_started_again_and_its_callers_are_served(
    house: House,
) -> None:
    with serving(house, MONDAY) as served:
        assert asked(served, "GET", "/healthz")[0] == 200
        (child,) = doors(served)
        os.kill(child, signal.SIGKILL)

        assert asked(served, "GET", "/healthz")[0] == 200  # it waited for the new one
        assert served.waits_for("web_died")["code"] == -signal.SIGKILL
        served.until(lambda: doors(served) not in ([], [child]))
        served.stops()


def test_the_door_follows_config_toml_while_it_is_sound_and_stays_while_it_is_not(
    house: House,
) -> None:
    with serving(house, MONDAY) as served:
        assert asked(served, "GET", "/below/healthz")[0] == 404
        house.edit("config.toml", "https://outreach.example.com", "https://x.example.com/below")
        served.waits_for("web_reopened", public_url="https://x.example.com/below")
        assert asked(served, "GET", "/below/healthz")[0] == 200

        house.edit("config.toml", "[web]", "[web")
        served.waits_for("definition_broken")
        (child,) = doors(served)
        os.kill(child, signal.SIGKILL)
        assert asked(served, "GET", "/below/healthz")[0] == 200  # by the last config that was sound
        served.until(lambda: doors(served) not in ([], [child]))
        assert [one["code"] for one in served.events("web_died")] == [-signal.SIGKILL]
        served.stops()


def test_of_several_processes_one_stores_and_applies_what_the_others_take_in(
    house: House,
) -> None:
    house.edit("config.toml", "port = 0\npublic", "processes = 3\nport = 0\npublic")
    house.approve("closure-notice")
    house.must("run", "closure-notice")
    link = link_to(house, "c1@example.com")
    with serving(house, MONDAY) as served:
        for _ in range(4):  # whichever of them answers
            assert asked(served, "POST", link, "List-Unsubscribe=One-Click")[0] == 200
        served.until(lambda: withdrawn(house))
        started = doors(served)
        assert len(started) == 3

        (keeper,) = (pid for pid in started if b"\0--keeps\0" in cmdline(pid))
        os.kill(keeper, signal.SIGKILL)
        served.until(lambda: asked(served, "POST", link, "List-Unsubscribe=One-Click")[0] == 200)
        codes = [one["code"] for one in served.events("web_died")]
        assert codes == [-signal.SIGKILL], served.other
        served.stops()
    assert [pid for pid in started if b"\0web\0" in cmdline(pid)] == []


def test_the_door_ends_with_a_scheduler_that_is_killed(house: House) -> None:
    with serving(house, MONDAY) as served:
        assert asked(served, "GET", "/healthz")[0] == 200
        (child,) = doors(served)
        served.killed()
        assert until(lambda: not Path(f"/proc/{child}/exe").exists())


def test_a_port_that_is_taken_is_said(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outreach.cli.web._PATIENCE", 0)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        house.edit("config.toml", "port = 0\npublic", f"port = {port}\npublic")
        said = house.type("web")

    assert (said.code, said.out) == (1, "")
    assert f"[web] cannot listen on 127.0.0.1 port {port}" in said.err


def test_without_a_table_there_is_no_door(house: House) -> None:
    house.edit("config.toml", WEB, "\n")
    said = house.type("web")

    assert said.code == 3
    assert "there is no [web] table" in said.err


def test_the_addresses_for_providers_are_told(house: House) -> None:
    sender = (
        '\n[senders.abroad]\nkind = "twilio_sms"\naddress = "+15005550006"\naccount = "AC0"\n'
        'receipts_url = "https://outreach.example.com/twilio/abroad/status"\n'
        '\n[senders.mainland]\nkind = "sms_gateway_http"\naddress = "95000"\nprofile = "aliyun"\n'
        'account = "1"\n'
    )
    house.write("config.toml", (house.folder / "config.toml").read_text(encoding="utf-8") + sender)
    found = {(one["sender"], one["what"]): one["url"] for one in house.asked("web", "addresses")}

    base = "https://outreach.example.com"
    assert found["abroad", "status"] == f"{base}/twilio/abroad/status"
    assert found["abroad", "inbound"] == f"{base}/twilio/abroad/inbound"
    assert found["mainland", "status"].startswith(f"{base}/gateway/mainland/")


def doors(served: Serving) -> list[int]:
    """The processes of the door beside a scheduler."""
    tasks = Path(f"/proc/{served.process.pid}/task").glob(
        "*/children"
    )  # by the thread that began it
    found = [int(pid) for path in tasks for pid in path.read_text(encoding="ascii").split()]
    return [pid for pid in found if b"\0web\0" in cmdline(pid)]


def cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""

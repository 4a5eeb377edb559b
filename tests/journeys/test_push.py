"""App notifications as a clerk sends them: texts, check, preview, run, consent, and the file
channel; the push service's own list is the witness."""

from pathlib import Path

import pytest

from outreach.core.words import State
from tests.channels.push_service import SECRET, push_service
from tests.journeys.house import House, person
from tests.project.small_project import change, make_project

APP = """
[senders.app]
kind = "{kind}"
{more}

[[routes]]
channel = "push"
sender = "app"

[[routes]]
channel = "sms"
sender = "sms-file"

[[routes]]
channel = "email"
"""
TEXTS = {
    "push.zh-CN.title.j2": "{{ topic }}\n",
    "push.zh-CN.text.j2": "{{ client_name }}，您好：{{ topic }}，详询{{ hotline }}。\n",
    "push.en.title.j2": "About {{ topic }}\n",
    "push.en.text.j2": "We announce {{ topic }}. Help: {{ hotline }}\n",
}


def push_house(folder: Path, kind: str, more: str, clock: str | None) -> House:
    """Three clients, of whom one has neither phone nor mail address, and a notice on the app."""
    make_project(folder)
    routes = '\n[[routes]]\nchannel = "sms"\nsender = "sms-file"\n\n[[routes]]\nchannel = "email"\n'
    change(folder, "config.toml", routes, APP.format(kind=kind, more=more))
    change(folder, "campaigns/notice.toml", '["sms", "email"]', '["push", "sms"]')
    for name, text in TEXTS.items():
        (folder / "templates/notice" / name).write_text(text, encoding="utf-8")
    house = House(folder, clock=clock)
    config = folder / "config.toml"
    config.write_text(
        config.read_text(encoding="utf-8").partition("[limits.contact_hours]")[0], encoding="utf-8"
    )
    house.must("check")
    house.must("db", "upgrade")
    house.clients(person(1), person(2, phone="", email=""), person(3, language="en"))
    house.approve("notice")
    return house


def test_notices_reach_the_push_service_and_withdrawn_consent_falls_back_to_sms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTREACH_SECRET_APP", SECRET)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with push_service() as service:
        house = push_house(tmp_path, "webhook", f'url = "{service.url}"', None)
        house.must("consent", "withdraw", "000003", "--channel", "push", "--source", "app")
        ran = house.asked("run", "notice")
        taken = {one.data["client"]: one.data for one in service.taken}

    assert ran["messages"] == {State.ACCEPTED: 3}
    assert set(taken) == {"000001", "000002"}
    assert taken["000001"]["title"] == "系统升级"
    assert taken["000001"]["text"].startswith("客户1，您好：系统升级")
    log = {one["client"]: one for one in house.asked("log", "--state", "accepted")}
    assert {number: one["channel"] for number, one in log.items()} == {
        "000001": "push", "000002": "push", "000003": "sms",
    }  # fmt: skip
    assert log["000002"]["address"] == "000002"
    assert house.asked("audit", "verify")["ok"] is True


def test_the_file_channel_takes_notifications_too(tmp_path: Path) -> None:
    house = push_house(tmp_path, "file", 'channel = "push"', "2026-09-28T10:00+08:00")

    shown = house.asked("preview", "notice", "--client", "000003", "--channel", "push")
    assert shown["parts"] == {
        "title": "About an upgrade", "text": "We announce an upgrade. Help: 95000",
    }  # fmt: skip
    planned = house.asked("plan", "notice")
    assert (planned["channels"], planned["sms_parts"]) == ({"push": 3}, 0)
    assert "系统升级" in house.must("plan", "notice").out

    assert house.asked("run", "notice")["messages"] == {State.ACCEPTED: 3}
    (file,) = tmp_path.glob("var/outbox/*/push.jsonl")
    assert len(file.read_text(encoding="utf-8").splitlines()) == 3

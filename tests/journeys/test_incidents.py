"""An incident from the first notice to the message afterwards, as the person on duty types it."""

import shutil
import subprocess
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from outreach.core.words import State
from outreach.plan import Overtaken
from tests.journeys.house import House, kill_all, person, shipped, until

MORNING = "2026-09-28T09:45+08:00"
ID = "INC-2026-0001"
OPEN = (
    "incident", "open", "--functions", "orders,login", "--started", "09:41", "--status", "slow",
    "--workaround", "phone", "--next-update", "10:15", "--as", "li.na",
)  # fmt: skip
UPDATE = ("incident", "update", ID, "--status", "partly-back", "--next-update", "10:45")
RESOLVE = ("incident", "resolve", ID, "--at", "10:32")


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped project with four clients: one reads English, one has closed the account, one
    has no phone. Made once, then copied."""
    house = shipped(tmp_path_factory.mktemp("furnished"))
    house.clock = MORNING
    house.clients(
        person(1),
        person(2, language="en"),
        person(3, status="销户"),
        person(4, phone=""),
    )
    house.approve("incident-notice")
    house.approve("incident-aftercare")
    return house.folder


@pytest.fixture
def house(furnished: Path, tmp_path: Path) -> House:
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    return House(tmp_path, clock=MORNING)


def at(house: House, clock: str) -> House:
    house.clock = f"2026-09-28T{clock}+08:00"
    return house


def bodies(house: House) -> list[str]:
    return [one["body"] for one in house.sms()]


def steps(house: House) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = house.asked("incident", "show", ID)["steps"]
    return found


# --- the whole way ---------------------------------------------------------------------------


def test_an_incident_from_its_first_notice_to_the_message_afterwards(house: House) -> None:
    opened = house.asked(*OPEN)
    at(house, "10:14").must(*UPDATE)
    at(house, "10:35").must(*RESOLVE)
    at(house, "16:00").must("incident", "aftercare", ID)

    assert opened["incident"] == ID
    assert (opened["step"], opened["kind"], opened["run"]) == (1, "open", 1)
    assert opened["messages"] == {"accepted": 3}
    assert [one[:32] for one in bodies(house) if one.startswith("【")] == [
        text[:32]
        for text in (
            "【示例证券】登录、委托下单自9月28日09:41起异常。可以使用，但响应较慢。",
            "【示例证券】进展：登录、委托下单自9月28日09:41起异常。部分功能已恢复，",
            "【示例证券】登录、委托下单已于10:32恢复正常。此前的委托以成交回报为准，",
            "【示例证券】尊敬的客户：9月28日09:41至10:32，登录、委托下单服务异常，",
        )
    ]
    english = [one for one in bodies(house) if one.startswith("[")]
    assert len(english) == 4
    assert "Next update by 10:45" in english[1]
    assert f"({ID} no. 3)" in english[2]
    assert [(one["kind"], one["sent"], one["state"]) for one in steps(house)] == [
        ("open", 3, "finished"), ("update", 3, "finished"), ("resolve", 3, "finished"),
        ("aftercare", 3, "finished"),
    ]  # fmt: skip
    assert house.asked("incident", "list")[0]["state"] == "closed"
    assert house.asked("audit", "verify")["ok"] is True


def test_a_mail_says_the_same_as_the_text_message(house: House) -> None:
    house.must(*OPEN)
    (mail,) = house.folder.glob("var/outbox/*/email/*/*.eml")
    from email import policy
    from email.parser import BytesParser

    read = BytesParser(policy=policy.default).parsebytes(mail.read_bytes())
    body = read.get_body(("plain",))
    assert read["Subject"] == f"服务通知：登录、委托下单异常（{ID}第1号）"
    assert body is not None
    for said in ("以成交回报为准", "下次通知：10:15前", "可使用电话委托", "请致电95000", "第1号"):
        assert said in body.get_content()


def test_it_goes_out_at_any_hour_and_the_message_afterwards_waits(house: House) -> None:
    at(house, "05:30")
    night = (*OPEN[:4], "--started", "05:20", "--status", "slow", "--next-update", "06:00")
    house.must(*night)
    at(house, "06:30").must("incident", "resolve", ID, "--at", "06:10")
    late = house.asked("incident", "aftercare", ID)

    assert [one["sent"] for one in steps(house)] == [3, 3, 0]
    assert late["messages"] == {"held": 3}
    assert str(late["next_at"]).startswith("2026-09-28T00:00")  # 8:00 in Shanghai


# --- before anything goes --------------------------------------------------------------------


def test_a_dry_run_shows_every_text_and_records_nothing(house: House) -> None:
    shown = house.asked(*OPEN, "--dry-run")

    assert [(one["channel"], one["locale"]) for one in shown["texts"]] == [
        ("sms", "en"), ("sms", "zh-CN"), ("email", "en"), ("email", "zh-CN"),
    ]  # fmt: skip
    assert shown["audience"] == 3
    assert shown["expires_at"] == "2026-09-28T02:45:00+00:00"
    assert shown["incident"] == ID
    assert all("95000" in one["parts"]["text"] for one in shown["texts"])
    assert house.asked("incident", "list") == []
    assert house.on_disk() == Counter()
    printed = house.must(*OPEN, "--dry-run").out
    assert "Nothing was recorded or sent" in " ".join(printed.split())
    assert "登录、委托下单自9月28日09:41起异常" in printed


def test_without_approval_nothing_is_told_and_the_attempt_is_on_record(house: House) -> None:
    house.must("approve", "incident-notice", "--as", "li.na", "--revoke")
    said = house.type(*OPEN)

    assert said.code == 5
    assert "nobody has approved this text" in said.err
    assert house.asked("incident", "list") == []
    assert house.asked("runs") == []
    from outreach.store import audit

    kinds = house.query(lambda conn: [(e.kind, e.actor) for e in audit.entries(conn)])
    assert kinds[-1] == ("incident.refused", "li.na")


def test_slots_do_not_void_an_approval_and_a_changed_text_does(house: House) -> None:
    house.must(*OPEN)
    house.edit("templates/incident-notice/sms.zh-CN.text.j2", "敬请谅解", "请谅解")
    said = at(house, "10:14").type(*UPDATE)

    assert said.code == 5
    assert "nobody has approved" in said.err


def test_a_step_to_many_clients_has_to_be_confirmed(house: House) -> None:
    house.edit("config.toml", "confirm_above = 500", "confirm_above = 2")
    said = house.type(*OPEN)

    assert said.code == 5
    assert "3 clients, more than 2" in said.err
    assert house.asked("incident", "list") == []
    assert house.must(*OPEN, "--yes").code == 0


WORDS = OPEN[:6]


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        pytest.param(
            (*WORDS, "--status", "因线路中断无法登录", "--status-en", "No login", "--next-update",
             "10:15"),
            5, "status, zh, character 1: “因” states a cause; say what works", id="a cause",
        ),
        pytest.param(
            (*WORDS, "--status", "登录较慢", "--status-en", "Slow, see www.example.com",
             "--next-update", "10:15"),
            5, "status, en, character 11: “www.example.com” is a link", id="a link",
        ),
        pytest.param(
            (*WORDS, "--status", "登录较慢{{ hotline }}", "--status-en", "Slow", "--next-update",
             "10:15"),
            5, "belongs to a template", id="a tag",
        ),
        pytest.param(
            (*WORDS, "--status", "登录较慢", "--next-update", "10:15"),
            2, "--status-en is missing beside your own wording", id="one language only",
        ),
        pytest.param(
            (*WORDS, "--status", "slow", "--next-update", "9.50"),
            2, "--next-update '9.50': write HH:MM", id="no time",
        ),
        pytest.param(
            (*WORDS, "--status", "slow", "--next-update", "09:40"),
            5, "--next-update has passed", id="an update in the past",
        ),
        pytest.param(
            (*OPEN[:4], "--started", "09:50", "--status", "slow", "--next-update", "10:15"),
            5, "--started is in the future", id="not begun yet",
        ),
        pytest.param(
            ("incident", "open", "--functions", "login,ordres", *OPEN[4:]),
            2, "--functions: ordres is not known; write of all, login", id="a misspelt function",
        ),
        pytest.param((*OPEN, "--segment", "nobody"), 3, "there is no segment nobody", id="segment"),
        pytest.param(
            (*OPEN, "--segment", "holders-of-halted"), 3, "asks for halts", id="halts"
        ),
        pytest.param(
            (*OPEN, "--campaign", "closure-notice"), 3, "does not tell notices of incidents",
            id="another campaign",
        ),
        pytest.param(UPDATE, 3, f"{ID}: there is no such incident", id="an unknown incident"),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused_and_nothing_is_told(
    house: House, typed: tuple[str, ...], code: int, said: str
) -> None:
    found = house.type(*typed)

    assert found.code == code, found
    assert said in found.err
    assert house.asked("incident", "list") == []
    assert house.on_disk() == Counter()


@pytest.mark.parametrize(
    ("before", "typed", "said"),
    [
        pytest.param((), (*RESOLVE[:3], "--at", "09:30"), "before the incident began", id="early"),
        pytest.param(
            (), ("incident", "aftercare", ID), "it is not resolved yet", id="after-care too early"
        ),
        pytest.param(
            (RESOLVE,), (*RESOLVE[:4], "10:33"), "it is resolved; if that was wrong", id="twice"
        ),
        pytest.param((RESOLVE,), UPDATE, "it is resolved", id="an update too late"),
        pytest.param(
            (("incident", "withdraw", ID),), UPDATE, "it was withdrawn", id="after a withdrawal"
        ),
        pytest.param(
            (), ("incident", "update", ID, "--status", "unavailable", "--next-update", "10:15"),
            "--next-update has passed", id="the promise that was broken",
        ),
        pytest.param(
            (), (*OPEN[:3], "login,app", *OPEN[4:6], "--status", "slow", "--next-update", "11:00"),
            f"{ID} is open for login, orders", id="a second clerk",
        ),
    ],
)  # fmt: skip
def test_a_step_that_cannot_follow_is_refused(
    house: House, before: tuple[tuple[str, ...], ...], typed: tuple[str, ...], said: str
) -> None:
    house.must(*OPEN)
    at(house, "10:40")
    for words in before:
        house.must(*words)
    told = len(house.sms())
    found = house.type(*typed)

    assert found.code == 5, found
    assert said in found.err
    assert len(house.sms()) == told


def test_an_update_that_says_the_same_again_is_refused(house: House) -> None:
    house.must(*OPEN)
    found = house.type("incident", "update", ID, "--next-update", "10:15")

    assert found.code == 5
    assert "this says what was said last" in found.err


# --- superseding -----------------------------------------------------------------------------


def test_an_update_takes_the_place_of_what_was_not_sent(house: House) -> None:
    house.must(*OPEN, "--no-wait")
    at(house, "10:14").must(*UPDATE)

    first, second = steps(house)
    assert (first["state"], first["sent"]) == ("superseded", 0)
    assert (second["state"], second["sent"]) == ("finished", 3)
    assert all("进展" in one or "Update" in one for one in bodies(house))
    assert house.type("run", "incident-notice", "--occurrence", f"{ID}.1").code == 0
    assert len(house.sms()) == 2, "the first notice is never sent any more"


def test_service_is_back_goes_to_those_who_heard_of_it(house: House) -> None:
    house.must(*OPEN)
    house.clients(person(1), person(2), person(5))  # a new client, who knows of nothing
    at(house, "10:35").must(*RESOLVE)

    assert steps(house)[1]["sent"] == 3
    assert Counter(one["to"] for one in house.sms())["+8613800000005"] == 0


def test_service_is_back_may_go_to_everybody(house: House) -> None:
    house.must(*OPEN)
    house.clients(person(1), person(2), person(5))
    at(house, "10:35").must(*RESOLVE, "--to-all")

    assert Counter(one["to"] for one in house.sms())["+8613800000005"] == 1


def test_nobody_hears_that_it_is_back_who_never_heard_it_was_gone(house: House) -> None:
    house.must(*OPEN, "--no-wait")
    at(house, "10:35").must(*RESOLVE)

    assert [one["sent"] for one in steps(house)] == [0, 0]
    assert bodies(house) == []


def test_what_was_wrong_is_corrected_for_everybody(house: House) -> None:
    house.must(*OPEN)
    at(house, "09:50").must("incident", "correct", ID, "--functions", "quotes", "--next-update",
                            "10:15")  # fmt: skip

    assert [one for one in bodies(house) if "更正：行情自9月28日09:41起异常" in one]
    assert house.asked("incident", "list")[0]["functions"] == "quotes"


def test_a_notice_that_service_is_back_can_be_corrected(house: House) -> None:
    house.must(*OPEN)
    at(house, "10:35").must(*RESOLVE)
    at(house, "10:40").must("incident", "correct", ID, "--status", "slow", "--next-update", "11:00")

    assert house.asked("incident", "list")[0]["state"] == "open"
    at(house, "10:59").must("incident", "resolve", ID, "--at", "10:55")


def test_a_withdrawal_goes_to_those_who_got_something(house: House) -> None:
    house.must(*OPEN)
    house.clients(person(1), person(2), person(5))
    at(house, "09:50").must("incident", "withdraw", ID)

    assert steps(house)[1]["sent"] == 3
    assert [one for one in bodies(house) if "现予撤回" in one]
    assert house.asked("incident", "list")[0]["state"] == "withdrawn"


# --- whom it touches -------------------------------------------------------------------------


def test_a_segment_narrows_every_step(house: House) -> None:
    house.clients(person(1), person(2), person(6, opened="2026-09-20"))
    house.must(*OPEN, "--segment", "new-investors-30")
    at(house, "10:14").must(*UPDATE)

    assert [one["sent"] for one in steps(house)] == [1, 1]
    assert {one["to"] for one in house.sms()} == {"+8613800000006"}
    assert house.asked("incident", "list")[0]["segment"] == "new-investors-30"


def test_a_segment_is_kept_as_it_stood_at_the_first_notice(house: House) -> None:
    house.clients(person(1), person(2), person(6, opened="2026-09-20"))
    house.must(*OPEN, "--segment", "new-investors-30")
    house.edit("campaigns/segments.toml", "at_most = 30", "at_most = 3")
    at(house, "10:14").must(*UPDATE)

    assert steps(house)[1]["sent"] == 1


# --- typed again -----------------------------------------------------------------------------


@pytest.mark.parametrize("typed", [OPEN, (*OPEN, "--another")])
def test_typed_again_it_is_the_same_incident(house: House, typed: tuple[str, ...]) -> None:
    first, again = house.asked(*typed), at(house, "09:47").asked(*typed)

    assert (first["incident"], first["run"]) == (again["incident"], again["run"])
    assert again["messages"] == {"accepted": 3}
    assert set(house.on_disk().values()) == {1}


@pytest.mark.parametrize("typed", [UPDATE, RESOLVE])
def test_a_step_typed_again_is_the_same_step(house: House, typed: tuple[str, ...]) -> None:
    house.must(*OPEN)
    at(house, "10:35")
    first, again = house.asked(*typed), house.asked(*typed)

    assert (first["step"], first["run"]) == (again["step"], again["run"]) == (2, 2)
    assert again["sent_now"] == 0


def test_another_incident_is_one_of_its_own(house: House) -> None:
    house.must(*OPEN)
    other = house.asked(*OPEN[:3], "login", *OPEN[4:6], "--status", "unavailable", "--next-update",
                        "10:15", "--another")  # fmt: skip

    assert other["incident"] == "INC-2026-0002"
    assert other["messages"] == {"accepted": 3}


def test_a_step_that_broke_off_before_its_run_was_opened_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("outreach.plan.open_run", _ends)
        assert house.type(*OPEN).code == 130
    assert steps(house)[0]["run"] is None
    assert "has no run yet" in house.must("incident", "show", ID).out

    house.must(*OPEN)

    assert [(one["run"], one["sent"]) for one in steps(house)] == [(1, 3)]


def _ends(*_: object) -> None:
    raise KeyboardInterrupt


def test_what_was_overtaken_between_two_looks_is_refused_with_a_sentence(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.must(*OPEN, "--no-wait")
    with monkeypatch.context() as racing:
        racing.setattr("outreach.plan.open_run", _overtaken)
        at(house, "10:14")
        told = house.type(*UPDATE)
        at(house, "10:15")
        run = house.type("run", "incident-notice", "--occurrence", f"{ID}.2")

    assert (told.code, run.code) == (5, 5)
    assert "others tell of it at this moment" in told.err
    assert "something newer was told of it" in run.err


def _overtaken(*_: object) -> None:
    raise Overtaken


CLIENTS, WINDOW, HELD = 300, 2, 21


def crowded(house: House) -> tuple[str, ...]:
    """Hundreds of clients, small windows, the real clock; what to type to open an incident."""
    house.edit("config.toml", "page = 2000", "page = 200")
    house.edit("config.toml", "window = 500", f"window = {WINDOW}")
    house.clients(*(person(n, phone="") for n in range(1, CLIENTS + 1)))
    house.clock = None
    now = datetime.now(ZoneInfo("Asia/Shanghai")).replace(tzinfo=None, microsecond=0)
    began, again = now - timedelta(minutes=5), now + timedelta(hours=2)
    return (
        "incident", "open", "--functions", "login", "--started", began.isoformat(), "--status",
        "slow", "--next-update", again.isoformat(), "--yes",
    )  # fmt: skip


def in_its_middle(house: House, words: tuple[str, ...]) -> subprocess.Popen[str]:
    """An incident of whose notice so many are written, and no more for now."""
    house.held_after = HELD
    process = house.start(*words)
    assert until(lambda: _mails(house) == HELD, process), process.communicate()
    return process


def test_an_incident_killed_while_it_is_sent_goes_on_when_typed_again(house: House) -> None:
    words = crowded(house)
    process = in_its_middle(house, words)
    kill_all(process)

    said = house.type(*words)

    assert said.code in (0, 1), said
    outcomes, on_disk = house.outcomes(), house.on_disk()
    states = Counter(outcomes.values())
    assert len(outcomes) == CLIENTS
    assert set(states) <= {State.ACCEPTED, State.IN_DOUBT}
    assert states[State.IN_DOUBT] <= WINDOW
    assert max(on_disk.values()) == 1
    assert {one for one, state in outcomes.items() if state == State.ACCEPTED} <= set(on_disk)
    assert len(house.asked("incident", "list")) == 1


def test_an_update_typed_while_the_first_notice_is_sent_stops_the_rest_of_it(house: House) -> None:
    words = crowded(house)
    number = f"INC-{datetime.now(ZoneInfo('Asia/Shanghai')).year}-0001"
    process = in_its_middle(house, words)
    update = house.type("incident", "update", number, "--status", "partly-back", *words[-3:])
    house.gate.unlink()
    _, err = process.communicate(timeout=40)

    assert update.code == 0, update
    assert (process.returncode, err) == (0, "")
    first, second = house.asked("incident", "show", number)["steps"]
    assert first["state"] == "superseded"
    assert HELD <= first["sent"] < CLIENTS
    assert first["sent"] + first["superseded"] == sum(first["messages"].values())
    assert second["sent"] == CLIENTS
    written = Counter(path.parents[2].name for path in house.folder.glob(MAILS))
    assert written == {"1": first["sent"], "2": CLIENTS}
    assert house.asked("audit", "verify")["ok"] is True


MAILS = "var/outbox/*/email/*/*.eml"


def _mails(house: House) -> int:
    return sum(1 for _ in house.folder.glob(MAILS))


# --- what the doctor says --------------------------------------------------------------------


def told(house: House) -> list[tuple[str, str]]:
    rows = house.asked("doctor")["checks"]
    return [(row["level"], row["finding"]) for row in rows if row["check"] == "incidents"]


def test_the_doctor_warns_while_an_incident_could_not_be_told(house: House) -> None:
    assert told(house) == [("ok", "an incident could be told at once")]
    house.edit("templates/incident-notice/sms.en.text.j2", "Help:", "Call")

    wrong = "incident-notice is not approved: an incident could not be told"
    assert told(house) == [("warning", wrong)]


def test_the_doctor_points_at_a_broken_promise(house: House) -> None:
    house.must(*OPEN)
    at(house, "10:15")

    promised = f"{ID}: clients were promised to hear again by 2026-09-28 10:15"
    assert ("warning", promised) in told(house)


# --- lists -----------------------------------------------------------------------------------


def test_a_broken_promise_is_pointed_at(house: House) -> None:
    house.must(*OPEN)
    listed = at(house, "10:20").must("incident", "list").out

    assert f"{ID}: clients were promised to hear again by now." in listed
    assert house.asked("incident", "list")[0]["overdue"] is True


def test_the_words_that_are_ready_are_listed_with_both_languages(house: House) -> None:
    words = house.asked("incident", "words")

    assert {"for": "--status", "name": "slow", "zh": "可以使用，但响应较慢",
            "en": "Available, but slower than usual"} in words  # fmt: skip
    assert {one["for"] for one in words} == {"--functions", "--status", "--workaround"}

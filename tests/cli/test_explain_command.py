"""`outreach explain`: each gate with what it saw, and what became of the messages."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from outreach.cli.door import BAD_DATA, Door
from outreach.core.doubt import CODES
from outreach.core.policy import gates_for
from outreach.core.words import REASONS, Purpose
from outreach.report import NOT_DECIDED, NOT_IN_AUDIENCE
from outreach.store import runs, takeover
from outreach.store.database import Database
from outreach.store.tables import client, decision, outcome, run
from tests.cli import sent_project
from tests.cli.sent_project import (
    AT,
    BOTH,
    HELD_BY_LAW,
    NEW_YORK,
    NOBODY,
    SHARER,
    STOPPED,
    outreach,
    refused,
)
from tests.store import client_book


@pytest.fixture
def door(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("OUTREACH_CLOCK", sent_project.CLOCK)
    return sent_project.sent(tmp_path, database)


def explained(door: Door, number: str, *words: str) -> dict[str, Any]:
    result = outreach(door, "explain", number, "closure-notice", *words, as_json=True)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def stopped_by(found: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [
        (gate["channel"], gate["gate"], gate["verdict"], gate["reason"])
        for gate in found["gates"]
        if gate["verdict"] != "allow"
    ]


def test_every_candidate_is_explained(door: Door) -> None:
    outcomes = {
        number: (found["outcome"], found["reason"], stopped_by(found))
        for number in (BOTH, HELD_BY_LAW, NOBODY, NEW_YORK, SHARER, STOPPED)
        for found in [explained(door, number)]
    }

    assert outcomes == {
        BOTH: ("accepted", None, []),
        HELD_BY_LAW: ("suppressed", "legal_hold", [
            ("sms", "legal_hold", "suppress", "legal_hold"),
            ("email", "legal_hold", "suppress", "legal_hold"),
        ]),
        NOBODY: ("suppressed", "address_invalid", [
            ("sms", "address", "suppress", "address_invalid"),
            ("email", "address", "suppress", "address_missing"),
        ]),
        NEW_YORK: ("held", "quiet_hours", [
            ("sms", "quiet_hours", "defer", "quiet_hours"),
            ("email", "quiet_hours", "defer", "quiet_hours"),
        ]),
        SHARER: ("accepted", None, [
            ("sms", "duplicate_address", "suppress", "duplicate_address"),
        ]),
        STOPPED: ("accepted", None, [
            ("sms", "channel_opt_out", "suppress", "channel_opt_out"),
        ]),
    }  # fmt: skip


def test_all_gates_are_told_with_their_facts_and_a_sentence(door: Door) -> None:
    found = explained(door, BOTH)
    names = [gate.name for gate in gates_for(Purpose.SERVICE)]

    assert {"client", "campaign", "run", "outcome", "gates"} <= found.keys()
    assert (found["client"], found["campaign"], found["run"]) == (BOTH, "closure-notice", 1)
    for channel in ("sms", "email"):
        gates = [gate for gate in found["gates"] if gate["channel"] == channel]
        assert [gate["gate"] for gate in gates] == names
        assert all(gate["sentence"] and isinstance(gate["facts"], dict) for gate in gates)
    assert found["approval"]["by"] == "li.m"
    assert [one["address"] for one in found["messages"]] == ["138****0001", "c***@example.com"]


def test_a_client_outside_the_audience(door: Door) -> None:
    with door.database.begin() as tx:
        client_book.add(tx, [client_book.row(99, status="closed")])
    found = explained(door, "0000099")

    assert (found["outcome"], found["gates"], found["messages"]) == (NOT_IN_AUDIENCE, [], [])
    assert found["segment"]


def test_a_client_the_plan_has_not_come_to(door: Door) -> None:
    with door.database.begin() as tx:
        tx.execute(update(run).values(state="planning", cursor=6))
        tx.execute(delete(decision).where(decision.c.client_id == 7))

    assert explained(door, STOPPED, "--run", "1")["outcome"] == NOT_DECIDED


def test_the_second_look_gives_the_reason(door: Door) -> None:
    with door.database.begin() as tx:
        stopped = {"state": "suppressed", "code": "channel_opt_out", "detail": "second look"}
        tx.execute(update(outcome).values(stopped))
    found = explained(door, BOTH)

    assert (found["outcome"], found["reason"]) == ("suppressed", "channel_opt_out")
    assert "客户已退订该渠道" in found["summary"]


def test_a_provider_code_is_told_as_it_is(door: Door) -> None:
    with door.database.begin() as tx:
        tx.execute(update(outcome).values(state="failed", code="550", detail="no such box"))

    assert explained(door, BOTH)["summary"] == "信息状态：发送失败（550）。"


@pytest.mark.parametrize(
    ("state", "code", "said"),
    [
        ("accepted", "settled_by_person", "通道已接收（经人工核实已发出）"),
        ("failed", "abandoned", "发送失败（经人工确认放弃）"),
        ("in_doubt", "sender_gone", "存疑，不自动重发（发送进程中断，结果不明）"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_people_said_of_a_doubt_is_a_sentence(
    door: Door, state: str, code: str, said: str
) -> None:
    with door.database.begin() as tx:
        tx.execute(update(outcome).values(state=state, code=code))
    found = explained(door, BOTH)

    assert found["summary"] == f"信息状态：{said}。"
    assert {one["why"] for one in found["messages"]} == {CODES[code].zh}


def test_a_client_who_left_the_book_can_still_be_explained(door: Door) -> None:
    with door.database.begin() as tx:
        tx.execute(delete(client).where(client.c.id == 1))

    assert explained(door, "#1")["outcome"] == "accepted"


def test_the_verdict_is_the_recorded_one_whatever_the_rule_says_today(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    with door.database.reading() as conn:
        facts = conn.execute(
            decision.select().where(decision.c.client_id == 3)
        ).one().facts.replace(b'true', b'false', 1)  # fmt: skip
    with door.database.begin() as tx:
        tx.execute(update(decision).where(decision.c.client_id == 3).values(facts=facts))
    gate = explained(door, HELD_BY_LAW)["gates"][0]

    assert (gate["gate"], gate["verdict"]) == ("legal_hold", "suppress")
    assert "规则此后已变更" in gate["sentence"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_for_people_and_what_is_refused(door: Door) -> None:
    shown = outreach(door, "explain", NEW_YORK, "closure-notice").stdout

    assert "信息状态：暂缓至可发送时段；原因：当前不在客户当地的可联系时段" in shown
    assert "defer to 2026-09-28 20:00" in shown
    assert "Approved  li.m, 2026-09-28 15:30" in shown
    for words, line in (
        (("1", "closure-notice"), "1: the client book has no such client"),
        ((BOTH, "risk-notice"), "risk-notice: has never run"),
        ((BOTH, "closure-notice", "--run", "9"), "run 9 is no run of closure-notice"),
    ):
        assert line in refused(outreach(door, "explain", *words), BAD_DATA)


def test_explain_and_the_log_say_the_same_of_a_run_that_was_cancelled(door: Door) -> None:
    with door.database.begin() as tx:
        runs.move(tx, 1, "cancelled", AT, "wang.l", since=["sending"])
        takeover.cancel_rest(tx, 1, AT, "wang.l")
    found = explained(door, NEW_YORK)
    listed = json.loads(outreach(door, "log", "--client", NEW_YORK, as_json=True).stdout)

    assert (found["outcome"], found["reason"]) == ("cancelled", "cancelled")
    assert [one["code"] for one in found["messages"]] == [one["reason"] for one in listed]
    assert {one["why"] for one in found["messages"]} == {REASONS["cancelled"].sentence.zh}

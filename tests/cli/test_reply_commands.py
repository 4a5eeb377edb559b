"""What clients write and click after a survey went out: taken in, acted on, and shown."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
import typer
from typer.testing import CliRunner

from outreach import clock, receive, survey
from outreach.cli import replies
from outreach.cli.door import BAD_DATA, NOT_ALLOWED, USAGE, Door, Failure
from outreach.core.receipt import Answer, Reply
from outreach.core.survey_link import mark_of, token
from outreach.core.words import Channel
from outreach.receive import Applied, Event
from outreach.store.database import Database
from outreach.store.tables import client, follow_up, survey_answer
from outreach.verify import verify
from tests.cli.survey_project import SENT, document, phone, surveyed

ZONE = ZoneInfo("Asia/Shanghai")
KEY = b"k" * 32
NEXT_DAY = datetime(2026, 9, 29, 7, 30, tzinfo=UTC)
MAINLAND, ABROAD = "1069000012345", "+12025550100"

app = typer.Typer(pretty_exceptions_enable=False)
app.add_typer(replies.app, name="replies")


@pytest.fixture
def door(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("OUTREACH_CLOCK", SENT)
    monkeypatch.setenv("OUTREACH_SECRET_UNSUBSCRIBE", "k" * 32)
    made = surveyed(tmp_path, database)
    monkeypatch.setenv("OUTREACH_CLOCK", NEXT_DAY.isoformat())
    return made


def reply(writer: str | int, text: str, *, to: str = MAINLAND, **more: Any) -> Event:
    address = phone(writer) if isinstance(writer, int) else writer
    content = {"from": address, "to": to, "text": text, **more}
    return Event("twilio:main", "inbound", orjson.dumps(content), NEXT_DAY)


def _read(event: Event) -> list[Reply]:
    content = orjson.loads(event.content)
    channel = Channel.EMAIL if "@" in content["from"] else Channel.SMS
    return [
        Reply(content["to"], content["from"], content["text"], event.received_at, channel,
              content.get("sid", ""))
    ]  # fmt: skip


def hear(door: Door, *events: Event) -> Applied:
    receive.take_in(door.database, events)
    done = receive.apply(
        door.database, {"twilio": _read}, clock.now, zone=ZONE, answering=answering(door)
    )
    found = verify(door.database)
    assert found.ok, found.first_bad
    return done


def answering(door: Door) -> Any:
    def answered(said: Answer) -> str | None:
        done = survey.answer(
            door.database, KEY, said.token, said.score, said.comment, now=said.said_at, zone=ZONE
        )
        return done.code if isinstance(done, survey.Refused) else None

    return answered


def listed(door: Door, *words: str) -> Any:
    door.json = True
    done = CliRunner().invoke(app, ["replies", "list", *words], obj=door)
    assert done.exception is None, done.exception
    return orjson.loads(done.stdout)


def seen(door: Door, *words: str) -> Any:
    door.json = False
    return CliRunner().invoke(app, ["replies", "seen", *words], obj=door)


def history(door: Door, n: int) -> list[tuple[str | None, ...]]:
    events = document(door, "consent", "history", f"{n:07}")
    return [(one["channel"], one["purpose"], one["action"], one["source"]) for one in events[1:]]


def rows(door: Door, table: Any) -> list[Any]:
    with door.database.reading() as conn:
        return list(conn.execute(table.select().order_by(table.c.id)).all())


@pytest.mark.parametrize("text", ["TD", "ＴＤ", " 退订！", "Stop.", "STOP"])
def test_an_opt_out_withdraws_the_channel_at_once(door: Door, text: str) -> None:
    assert hear(door, reply(1, text)) == Applied(events=1, replies=1)

    assert history(door, 1) == [("sms", None, "withdraw", "sms_mo")]
    (row,) = listed(door, "--all")
    assert (row["intent"], row["made"], row["clients"], row["state"]) == (
        "opt_out", "withdrawn", 1, "done",
    )  # fmt: skip
    assert listed(door) == []


def test_everybody_with_the_number_is_opted_out(door: Door) -> None:
    with door.database.begin() as tx:
        tx.execute(client.update().where(client.c.id == 2).values(phone=phone(1)))
    hear(door, reply(1, "TD"))

    assert history(door, 1) == history(door, 2) == [("sms", None, "withdraw", "sms_mo")]
    assert history(door, 3) == []


def test_a_reply_delivered_three_times_counts_once(door: Door) -> None:
    same = [reply(1, "TD", sid="SM1", attempt=n) for n in range(3)]
    assert hear(door, *same) == Applied(events=3, replies=1)
    assert hear(door, reply(1, "TD", sid="SM1", attempt=9)) == Applied(events=1)

    assert len(history(door, 1)) == 1
    assert len(listed(door, "--all")) == 1


def test_start_lifts_what_stop_did(door: Door) -> None:
    hear(door, reply(1, "TD"))
    later = reply(1, "START")
    hear(door, later._replace(received_at=NEXT_DAY + timedelta(microseconds=1)))

    assert [one[2] for one in history(door, 1)] == ["withdraw", "grant"]


def test_a_complaint_is_an_objection_to_everything_and_a_person_reads_it(door: Door) -> None:
    hear(
        door,
        reply(3, "再发我就去12321举报你们骗人的短信，电话13912345678，从来没有同意过接收这些东西"),
    )

    assert history(door, 3) == [(None, None, "object", "sms_mo")]
    (row,) = listed(door)
    assert (row["intent"], row["made"], row["state"]) == ("complaint", "objected", "open")
    assert row["from"] == "138****0003"
    assert "13912345678" not in row["text"]


@pytest.mark.parametrize(
    ("text", "to", "intent", "made"),
    [
        ("请问怎么退订", MAINLAND, "opt_out", "withdrawn"),
        ("帮助", MAINLAND, "help", "nothing"),
        ("R", ABROAD, "other", "nothing"),
    ],
)
def test_what_is_not_clear_is_acted_on_safely_and_read_by_a_person(
    door: Door, text: str, to: str, intent: str, made: str
) -> None:
    hear(door, reply(6, text, to=to))

    (row,) = listed(door)
    assert (row["intent"], row["made"], row["state"]) == (intent, made, "open")


def test_an_opt_out_from_a_number_nobody_has_waits_for_a_person(door: Door) -> None:
    hear(door, reply("+8613999999999", "TD"))

    (row,) = listed(door)
    assert (row["clients"], row["made"], row["state"]) == (0, "nothing", "open")


def test_small_talk_of_a_stranger_waits_for_nobody(door: Door) -> None:
    hear(door, reply("+8613999999999", "好的"))

    assert listed(door) == []
    assert len(listed(door, "--all")) == 1


def test_an_opt_out_by_mail_is_about_mail(door: Door) -> None:
    hear(door, reply("client2@example.com", "unsubscribe", to="notice@broker.example"))

    assert history(door, 2) == [("email", None, "withdraw", "email_reply")]


def test_an_answer_to_the_survey_is_counted_and_opens_its_case(door: Door) -> None:
    assert hear(door, reply(1, "A5 很好"), reply(2, "1分 等太久")).replies == 2

    answers = rows(door, survey_answer)
    assert [(one.client_id, one.score, one.kind, one.source) for one in answers] == [
        (1, 5, "answer", "sms"), (2, 1, "answer", "sms"),
    ]  # fmt: skip
    assert len(rows(door, follow_up)) == 1
    assert {row["made"] for row in listed(door, "--all")} == {"answered"}
    assert history(door, 1) == history(door, 2) == []


def test_an_answer_with_a_word_of_refusal_counts_as_both(door: Door) -> None:
    hear(door, reply(1, "A3 请别再发"))

    assert [one.score for one in rows(door, survey_answer)] == [3]
    assert history(door, 1) == [("sms", None, "withdraw", "sms_mo")]
    assert [row["state"] for row in listed(door)] == ["open"]


# --- links -----------------------------------------------------------------------------------


def click(n: int, purpose: str, nonce: int = 0) -> Event:
    content = orjson.dumps({"client": n, "purpose": purpose, "nonce": nonce})
    return Event("unsubscribe", "click", content, NEXT_DAY)


def test_a_click_withdraws_its_purpose_for_its_client_on_mail(door: Door) -> None:
    assert hear(door, click(6, "survey"), click(6, "survey")) == Applied(events=1, clicks=1)

    assert history(door, 6) == [("email", "survey", "withdraw", "one_click")]
    assert history(door, 7) == []


def test_an_answer_by_link_is_handed_to_the_survey(door: Door) -> None:
    (run,) = {one["occurrence"] for one in _runs(door)}
    link = token(KEY, 6, mark_of("satisfaction-survey", run))
    good = {"token": link, "score": 4, "comment": "快"}
    events = [
        Event("survey", "answer", orjson.dumps(content), NEXT_DAY)
        for content in (good, {"token": "made-up", "score": 4})
    ]

    assert hear(door, *events) == Applied(events=2, aside=1)
    assert [(one.client_id, one.score, one.source) for one in rows(door, survey_answer)] == [
        (6, 4, "web")
    ]


def test_an_answer_waits_for_a_process_that_takes_answers(door: Door) -> None:
    receive.take_in(door.database, [Event("survey", "answer", b'{"token":"t"}', NEXT_DAY)])

    assert receive.apply(door.database, {}, clock.now) == Applied()
    assert hear(door) == Applied(events=1, aside=1)


def _runs(door: Door) -> list[dict[str, str]]:
    with door.database.reading() as conn:
        found = conn.exec_driver_sql("SELECT occurrence FROM run").all()
    return [{"occurrence": one[0]} for one in found]


# --- seeing to it ----------------------------------------------------------------------------


def test_a_reply_is_seen_to_once(door: Door) -> None:
    hear(door, reply(1, "帮助"))
    (row,) = listed(door)
    done = seen(door, str(row["id"]), "--as", "li.na", "--note", "called back")

    assert done.exit_code == 0, done.output
    assert listed(door) == []
    (row,) = listed(door, "--all")
    assert (row["by"], row["note"], row["state"]) == ("li.na", "called back", "seen")
    again = seen(door, str(row["id"]), "--as", "wang.wei", "--note", "me too")
    assert isinstance(again.exception, Failure)
    assert (again.exception.code, again.exception.lines) == (
        NOT_ALLOWED, ["reply 1: li.na has seen to it"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["99", "--as", "li.na", "--note", "x"], BAD_DATA),
        (["1", "--as", " ", "--note", "x"], USAGE),
        (["1", "--as", "li.na"], USAGE),
    ],
)
def test_what_cannot_be_seen_to_is_refused(door: Door, words: list[str], code: int) -> None:
    hear(door, reply(1, "帮助"))
    done = seen(door, *words)

    assert isinstance(done.exception, Failure)
    assert done.exception.code == code


def test_a_reply_names_the_clients_who_have_the_number_so_that_somebody_can_be_called(
    door: Door,
) -> None:
    with door.database.begin() as tx:
        tx.execute(client.update().where(client.c.id == 2).values(phone=phone(1)))
    hear(door, reply(1, "投诉"), reply("+8613900000000", "怎么投诉"))

    unknown, known = listed(door, "--all")
    assert (known["client"], unknown["client"]) == (f"{1:07}, {2:07}", None)
    assert datetime.fromisoformat(known["said"]) == NEXT_DAY


def test_without_a_command_the_replies_that_wait_are_listed(door: Door) -> None:
    hear(door, reply(1, "投诉"))
    door.json = False
    said = CliRunner().invoke(app, ["replies"], obj=door)
    assert said.exit_code == 0
    assert "投诉" in said.stdout
    assert "For a person to see to: 1 reply." in said.stdout

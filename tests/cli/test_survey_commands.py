"""`outreach survey` and `follow-ups`: from the replies of clients to a case that is closed."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from outreach.cli.departments import department_findings
from outreach.cli.door import BAD_DATA, NOT_ALLOWED, PROBLEMS, USAGE, Door, Failure
from outreach.core.survey_link import mark_of, token
from outreach.store.database import Database
from tests.cli.survey_project import SENT, document, phone, replies, surveyed, typed
from tests.project.small_project import change

NEXT_DAY = "2026-09-29T15:30+08:00"
AT = "2026-09-29 10:00"


@pytest.fixture
def door(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("OUTREACH_CLOCK", SENT)
    monkeypatch.setenv("OUTREACH_SECRET_UNSUBSCRIBE", "k" * 32)
    made = surveyed(tmp_path, database)
    monkeypatch.setenv("OUTREACH_CLOCK", NEXT_DAY)
    return made


def take(door: Door, *rows: tuple[int, str, str]) -> Any:
    return document(door, "survey", "answers", "import", replies(door.root, *rows))


def refused(door: Door, code: int, *words: str) -> str:
    done = typed(door, *words)
    assert isinstance(done.exception, Failure), done.exception
    assert done.exception.code == code
    return " ".join(done.exception.lines)


def report(door: Door) -> Any:
    return document(door, "survey", "report", "satisfaction-survey")


def test_the_survey_goes_by_the_channel_a_client_prefers(door: Door) -> None:
    by_sms = (door.var / "outbox" / "1" / "sms.jsonl").read_text(encoding="utf-8")
    mails = list((door.var / "outbox" / "1" / "email").rglob("*.eml"))

    assert [phone(n) in by_sms for n in range(1, 8)] == [True] * 5 + [False] * 2
    assert len(mails) == 2
    assert "回复A1(非常不满意)至A5(非常满意)" in by_sms
    assert by_sms.count("拒收请回复R") == 5


def test_replies_become_answers_and_opt_outs(door: Door) -> None:
    done = take(
        door, (1, "A5", AT), (2, "３分 等太久", AT), (3, "非常满意", AT), (4, "TD", AT),
        (5, "说不清", AT),
    )  # fmt: skip

    assert done["taken"] == {"answer": 3, "late": 0, "review": 1, "opt_out": 1, "follow_up": 1}
    found = report(door)
    assert (found["sent"], found["answered"], found["mean"]) == (7, 3, 13 / 3)
    assert found["distribution"] == {"1": 0, "2": 0, "3": 1, "4": 0, "5": 2}
    assert found["review"] == 1
    states = document(door, "consent", "show", "0000004")["consent"]
    stopped = {row["state"] for row in states if row["channel"] == "sms"}
    assert stopped == {"opted out of the channel"}
    assert document(door, "consent", "history", "0000004")[-1]["source"] == "sms_mo"


def test_a_text_is_kept_to_the_letter(door: Door) -> None:
    take(door, (1, " Ａ５ ", AT))

    with door.database.reading() as conn:
        raw = conn.exec_driver_sql("SELECT raw, score FROM survey_answer").one()
    assert tuple(raw) == (" Ａ５ ", 5)


def test_the_same_file_again_changes_nothing(door: Door) -> None:
    rows = [(1, "A5", AT), (2, "1 投诉", AT), (4, "退订", AT), (5, "请问怎么退订", AT)]
    first = take(door, *rows)
    before = report(door)

    again = take(door, *rows)

    assert (first["added"], again["added"], again["unchanged"]) == (4, 0, 4)
    assert again["taken"] == dict.fromkeys(first["taken"], 0)
    assert report(door) == before
    assert len(document(door, "consent", "history", "0000004")) == 2


def test_a_later_answer_replaces_the_earlier_and_both_stay(door: Door) -> None:
    take(door, (1, "A1", AT), (1, "A5", "2026-09-29 11:00"))

    found = report(door)
    assert (found["answered"], found["mean"], found["replaced"]) == (1, 5.0, 1)
    listed = document(door, "survey", "answers", "list", "1")
    assert [one["score"] for one in listed] == [1, 5]


def test_rows_that_cannot_be_placed_are_told_and_masked(door: Door) -> None:
    bad = f"手机号,内容,时间\n13900000000,5,{AT}\n12,5,{AT}\n{phone(1)},,{AT}\n{phone(2)},5,\n"
    bad += f"{phone(3)},帮助,{AT}\n{phone(6)},5,{AT}\n{phone(1)},A4,{AT}\n"
    (door.root / "bad.csv").write_text(bad, encoding="utf-8")

    done = document(door, "survey", "answers", "import", str(door.root / "bad.csv"))

    assert (done["read"], done["added"], done["rejected"]) == (7, 1, 6)
    told = Path(done["rejects_file"]).read_text(encoding="utf-8-sig")
    for why in ("this is no mobile phone", "the text is empty", "the moment is missing"):
        assert why in told
    assert told.count("no survey went to this number") == 2  # a stranger; one who got an e-mail
    assert "the client asks for help" in told
    assert "13900000000" not in told


def test_an_answer_by_link_counts_and_closes_with_the_survey(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails = (door.var / "outbox" / "1" / "email").rglob("*.eml")
    (mail,) = [text for one in mails if "client6@" in (text := one.read_text(encoding="utf-8"))]
    made = token(b"k" * 32, 6, mark_of("satisfaction-survey", "2026-09-28"))
    link = f"--token={made}"
    assert f"https://www.example.com/survey/{made}" in mail

    done = document(door, "survey", "answer", link, "--score", "2", "--comment", "太慢")
    again = document(door, "survey", "answer", link, "--score", "2", "--comment", "太慢")
    monkeypatch.setenv("OUTREACH_CLOCK", "2026-10-06T00:00+08:00")
    late = document(door, "survey", "answer", link, "--score", "5")

    assert (done["kind"], done["again"], done["follow_ups"]) == ("answer", False, 1)
    assert (again["again"], again["follow_ups"]) == (True, 0)
    assert (late["kind"], late["until_on"]) == ("late", "2026-10-05")
    found = report(door)
    assert (found["answered"], found["mean"], found["late"]) == (1, 2.0, 1)


@pytest.mark.parametrize(
    ("link", "words", "code", "why"),
    [
        ("abc", ("--score", "3"), PROBLEMS, "this link belongs to no survey"),
        ("ours", ("--score", "6"), USAGE, "the score goes from 1 to 5"),
        ("ours", (), USAGE, "nothing was answered"),
        ("ours", ("--comment", "x" * 1001), USAGE, "at most 1,000 characters"),
        ("another", ("--score", "3"), PROBLEMS, "this link belongs to no survey"),
    ],
)
def test_an_answer_that_cannot_be_taken_is_refused(
    door: Door, link: str, words: tuple[str, ...], code: int, why: str
) -> None:
    mark = mark_of("satisfaction-survey", "2026-09-28")
    links = {"ours": token(b"k" * 32, 6, mark), "another": token(b"k" * 32, 99, mark)}

    assert why in refused(
        door, code, "survey", "answer", f"--token={links.get(link, link)}", *words
    )


def test_a_case_goes_to_its_department_once_and_is_worked_to_its_end(door: Door) -> None:
    take(door, (1, "1 我要投诉，电话13812340001", AT), (2, "A5", AT))

    done = document(door, "survey", "forward")
    assert [one["action"] for one in done] == ["forwarded", "forwarded"]
    assert document(door, "survey", "forward") == []
    file = (door.var / "departments" / "complaints.jsonl").read_text(encoding="utf-8")
    (case,) = map(json.loads, file.splitlines())
    assert case["id"] == "outreach-follow-up-1"
    assert (case["data"]["client_no"], case["data"]["score"]) == ("0000001", 1)

    (first, second) = document(door, "follow-ups", "list")
    assert (first["department"], first["due"]) == ("complaints", "2026-10-09")
    assert (second["department"], second["due"]) == ("client-service", "2026-10-12")
    assert "13812340001" not in first["comment"]
    by_zhou = ("1", "--as", "zhou", "--note")
    assert "--note: write" in refused(door, USAGE, "follow-ups", "close", *by_zhou, "")
    assert document(door, "follow-ups", "take", "1", "--as", "zhou")["state"] == "in_progress"
    closed = document(door, "follow-ups", "close", *by_zhou, "已致电道歉")
    assert (closed["state"], closed["actor"]) == ("done", "zhou")
    why = refused(door, NOT_ALLOWED, "follow-ups", "close", "1", "--as", "li", "--note", "x")
    assert "closed already" in why
    assert [one["id"] for one in document(door, "follow-ups", "list")] == [2]
    steps = document(door, "follow-ups", "show", "1")["steps"]
    assert [one["step"] for one in steps] == ["forwarded", "take", "close"]
    assert "there is no case 9" in refused(door, BAD_DATA, "follow-ups", "show", "9")


def test_overdue_cases_come_first(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    take(door, (2, "A1", AT), (1, "2 投诉", AT))

    monkeypatch.setenv("OUTREACH_CLOCK", "2026-10-10T10:00+08:00")
    rows = document(door, "follow-ups", "list")

    assert [(one["department"], one["overdue"]) for one in rows] == [
        ("complaints", True), ("client-service", False), ("client-service", False),
    ]  # fmt: skip


CRM = '[departments.crm]\nkind = "webhook"\nurl = "{url}"\ntimeout = 5\n\n[departments.complaints]'


@pytest.fixture
def crm(door: Door, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Complaints go to a system of the firm, which answers what the list says, then 200."""
    heard: list[Any] = []
    answers = [500, 503]

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            heard.append(self.headers["webhook-id"])
            # Nothing is open in the database while a department is called.
            with door.database.begin() as tx:
                tx.exec_driver_sql("SELECT 1")
            self.send_response(answers.pop(0) if answers else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/hooks"
    change(door.root, "config.toml", "[departments.complaints]", CRM.format(url=url))
    door._config = None
    monkeypatch.setenv("OUTREACH_SECRET_DEPARTMENT_CRM", "s3cret")
    yield heard
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_that_fails_is_tried_again_later_with_the_same_id(
    door: Door, crm: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with door.database.begin() as tx:
        from outreach.store import follow_ups, surveys
        from tests.cli.survey_answers import one_answer

        (number,), _ = surveys.record(tx, [one_answer()], recorded_at=door.now(), actor="test")
        follow_ups.open_cases(tx, [(number, "crm", "complaint")], door.now(), "test")
    for moment, code in (
        (NEXT_DAY, PROBLEMS),
        ("2026-09-29T15:30:30+08:00", None),  # not due yet
        ("2026-09-29T15:31+08:00", PROBLEMS),
        ("2026-09-29T15:36+08:00", 0),
    ):
        monkeypatch.setenv("OUTREACH_CLOCK", moment)
        done = typed(door, "survey", "forward")
        failed = done.exception.code if isinstance(done.exception, Failure) else done.exit_code
        assert failed == (code or 0), done.output

    assert crm == ["outreach-follow-up-1"] * 3
    steps = document(door, "follow-ups", "show", "1")["steps"]
    assert [one["step"] for one in steps] == ["retry", "retry", "forwarded"]
    assert re.match("HTTP 500", steps[0]["note"])


def test_a_webhook_without_a_secret_is_not_called(
    door: Door, crm: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OUTREACH_SECRET_DEPARTMENT_CRM")

    assert "OUTREACH_SECRET_DEPARTMENT_CRM" in refused(door, BAD_DATA, "survey", "forward")
    assert crm == []


def findings(door: Door) -> list[tuple[str, str]]:
    with door.database.reading() as conn:
        found = department_findings(conn, door.project, door.now())
        return [(one.level, one.says) for one in found]


def test_doctor_tells_of_cases_that_nobody_has_and_of_late_ones(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert findings(door) == [("ok", "no case waits for a department or is overdue")]
    take(door, (1, "A1", AT))
    assert findings(door)[0][0] == "ok"

    monkeypatch.setenv("OUTREACH_CLOCK", "2026-09-29T16:31+08:00")
    assert findings(door) == [("warning", "cases that wait to be handed over: 1")]
    document(door, "survey", "forward")
    assert findings(door)[0][0] == "ok"
    monkeypatch.setenv("OUTREACH_CLOCK", "2026-10-13T09:00+08:00")
    assert findings(door) == [("warning", "cases that are overdue: 1")]


def test_doctor_tells_of_a_webhook_without_a_secret(
    door: Door, crm: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OUTREACH_SECRET_DEPARTMENT_CRM")
    door._project = None

    assert findings(door) == [("warning", "crm: its webhook has no secret")]


def test_every_answer_can_be_taken_out(door: Door) -> None:
    take(door, (1, "A5", AT), (2, "=1+1", AT))
    out = door.root / "answers.csv"

    assert typed(door, "survey", "report", "1", "--out", str(out)).exit_code == 0

    lines = out.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("answer,run,client,received_at,kind,score,comment")
    assert len(lines) == 3
    assert "'=1+1" in lines[2]
    assert "is there already" in refused(door, USAGE, "survey", "report", "1", "--out", str(out))


@pytest.mark.parametrize("which", ["7", "closure-notice"])
def test_what_is_no_survey_has_no_report(door: Door, which: str) -> None:
    assert "see `outreach runs`" in refused(door, PROBLEMS, "survey", "report", which)

"""`bounce classify`, `inbound classify`, `sms measure`: what scripts rely on, and what is shown."""

import json
import mailbox
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from outreach.cli import bounce, inbound, options, sms
from tests.core.bounce.samples import CLIENT, complaint, fields, letter, postfix, qq

ROOT = Path(__file__).parents[2]
HARD = postfix(fields(diagnostic=f"550 5.1.1 <{CLIENT}>: call +8613812341234, unknown"))
FULL = postfix(fields(recipient="li.si@example.com", status="5.2.2"))

app = typer.Typer(pretty_exceptions_enable=False)
app.callback()(options)
for name, room in (("bounce", bounce), ("inbound", inbound), ("sms", sms)):
    app.add_typer(room.app, name=name)


def typed(*words: str, given: bytes = b"") -> Result:
    return CliRunner().invoke(app, list(words), input=given)


def document(*words: str, given: bytes = b"") -> Any:
    done = typed("--json", *words, given=given)
    assert done.exception is None, done.exception
    return json.loads(done.stdout)


@pytest.fixture(autouse=True)
def no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tools need no config.toml and no database."""
    monkeypatch.chdir(tmp_path)


def test_a_bounce_is_a_row_a_recipient_with_the_names_scripts_rely_on(tmp_path: Path) -> None:
    (tmp_path / "one.eml").write_bytes(HARD)
    (row,) = document("bounce", "classify", "one.eml")

    assert row["file"] == "one.eml"
    assert (row["class"], row["status"], row["suppress"]) == ("hard", "5.1.1", True)
    assert row["recipient"] == "z***@example.com"
    assert row["diagnostic"] == "550 5.1.1 <z***@example.com>: call 138****1234, unknown"


def test_nobody_is_named_in_full_in_the_table(tmp_path: Path) -> None:
    (tmp_path / "one.eml").write_bytes(HARD)
    shown = typed("bounce", "classify", "one.eml").stdout

    assert "z***@example.com" in shown
    assert "zhang.san" not in shown
    assert "13812341234" not in shown


def test_several_files_a_pipe_an_mbox_and_a_maildir_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(complaint())
    box = mailbox.mbox(tmp_path / "box")
    for mail in (HARD, FULL):
        box.add(mailbox.mboxMessage(mail))
    box.close()
    folder = mailbox.Maildir(tmp_path / "dir")
    folder.add(qq("该用户不存在"))
    folder.close()

    rows = document("bounce", "classify", "a.eml", "box", "dir", "-", given=letter())

    assert [(row["file"].partition("/")[0], row["class"]) for row in rows] == [
        ("a.eml", "complaint"), ("box#1", "hard"), ("box#2", "soft"), ("dir", "hard"),
        ("-", "not_a_bounce"),
    ]  # fmt: skip


def test_every_recipient_of_one_report_has_a_row(tmp_path: Path) -> None:
    both = postfix(fields(), fields(recipient="li.si@example.com", action="delayed"))
    rows = document("bounce", "classify", "-", given=both)

    assert [(row["class"], row["suppress"]) for row in rows] == [("hard", True), ("delayed", False)]


@pytest.mark.parametrize("name", ["nothing.eml", "."])
def test_what_is_no_mail_is_told_in_a_line(name: str) -> None:
    done = typed("bounce", "classify", name)

    assert getattr(done.exception, "code", 0) == 3
    assert str(done.exception).startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("text", "intent", "review"),
    [
        ("ＴＤ", "opt_out", False),
        ("请问怎么退订", "opt_out", True),
        ("R&D部门", "other", False),
        ("START", "opt_in", False),
        ("HELP", "help", False),
        ("我要投诉", "complaint", True),
    ],
)
def test_a_reply_is_read(text: str, intent: str, review: bool) -> None:
    assert document("inbound", "classify", text) == {"intent": intent, "review": review}


def test_a_letter_to_a_sender_abroad_is_left_to_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    abroad = document("inbound", "classify", "R", "--sender", "+15551234567")
    assert abroad == {"intent": "other", "review": True}
    assert "somebody should read it" in typed(
        "inbound", "classify", "R", "--sender", "+15551234567"
    ).stdout  # fmt: skip

    monkeypatch.chdir(ROOT)  # sms-file is a sender of the shipped config.toml, number 95000
    named = document("inbound", "classify", "R", "--sender", "sms-file")
    assert named == {"intent": "opt_out", "review": False}


@pytest.mark.parametrize(
    ("text", "counted", "shown"),
    [
        ("hello", {"encoding": "GSM-7", "units": 5, "parts": 1}, "GSM-7: 5 septets, 1 part"),
        ("【示例证券】" + "股" * 65, {"encoding": "UCS-2", "units": 71, "parts": 2}, "2 parts"),
        ("A" * 152 + "€" + "A" * 152, {"encoding": "GSM-7", "units": 306, "parts": 3}, "306 sep"),
        ("", {"encoding": "GSM-7", "units": 0, "parts": 1}, "0 septets"),
    ],
)
def test_a_text_is_measured(text: str, counted: dict[str, Any], shown: str) -> None:
    assert document("sms", "measure", text) == counted
    assert shown in typed("sms", "measure", text).stdout

"""`outreach bounces` and `outreach blocks`: from a mail in the mailbox to the blocked address."""

from pathlib import Path

import pytest
from sqlalchemy import select, update

from outreach.core.verp import Verp
from outreach.feeds.maildir import Maildir
from outreach.store.tables import client, message
from tests.core.bounce import samples
from tests.core.bounce.samples import fields, postfix
from tests.journeys.house import MONDAY, House
from tests.journeys.test_crashes import small_house

BOX = "b@bounces.example.com"
CONFIG = f"""
[bounces]
address = "{BOX}"

[bounces.mailboxes.local]
kind = "maildir"
path = "mail/b"
"""
HARD = fields(recipient="c2@example.com", diagnostic="550 5.1.1 <c2@example.com> no such user")
CONTENT = fields(recipient="c3@example.com", status="5.6.0", diagnostic="554 5.6.0 rejected")


class Died(BaseException):
    """The process ends here: nothing after it runs."""


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Three clients who got their mails, and an empty mailbox for what comes back."""
    made = small_house(tmp_path, clients=3)
    config = tmp_path / "config.toml"
    config.write_text(config.read_text(encoding="utf-8") + CONFIG, encoding="utf-8")
    for name in ("new", "cur", "tmp"):
        (tmp_path / "mail" / "b" / name).mkdir(parents=True)
    made.clock = MONDAY
    made.must("run", "notice")
    return made


def put(house: House, name: str, group: str, client_no: int, *, key: bytes = b"") -> None:
    """A report about the mail of a client, into the mailbox."""
    numbers = house.query(
        lambda conn: dict(
            conn.execute(
                select(message.c.client_id, message.c.id).where(message.c.channel == "email")
            ).all()
        )
    )
    key = key or (house.folder / "var" / "keys" / "bounces.key").read_bytes()
    path = Verp(BOX, key).address(numbers[client_no])
    content = postfix(group).replace(samples.RETURN.encode(), path.encode())
    (house.folder / "mail" / "b" / "new" / name).write_bytes(content)


def test_a_returned_mail_is_looked_at_then_read_and_blocks_the_address(house: House) -> None:
    put(house, "1", HARD, 2)
    put(house, "2", HARD.replace("c2@", "c1@"), 1, key=b"somebody else's")

    dry = house.asked("bounces", "read", "--dry-run")["mails"]
    assert [(row["class"], row["signed"], row["suppress"]) for row in dry] == [
        ("hard", True, True), ("hard", False, False),
    ]  # fmt: skip
    assert "c2@" not in str(dry)
    assert house.asked("bounces") == []
    assert len(list((house.folder / "mail" / "b" / "new").iterdir())) == 2

    read = house.asked("bounces", "read")
    assert read == {
        "mailboxes": [{"mailbox": "local", "mails": 2, "new": 2, "trouble": None}],
        "returned": {"hard": 2}, "receipts": 1, "waiting": 0, "set_aside": 0,
    }  # fmt: skip
    rows = house.asked("bounces")
    assert {(row["signed"], row["blocked"]) for row in rows} == {
        (True, "hard_bounce"),
        (False, None),
    }
    assert all(row["address"] == "c***@example.com" for row in rows)
    assert "c2@" not in house.must("bounces").out + str(rows)
    assert house.asked("runs", "show", "1")["messages"] == {"accepted": 5, "undelivered": 1}
    assert house.asked("audit", "verify")["ok"] is True


def test_a_process_that_dies_before_a_mail_is_moved_loses_and_doubles_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Died

    put(house, "1", HARD, 2)
    monkeypatch.setattr(Maildir, "done", die)
    with pytest.raises(Died):
        house.type("bounces", "read")
    monkeypatch.undo()
    again = house.asked("bounces", "read")

    assert again["mailboxes"] == [{"mailbox": "local", "mails": 1, "new": 0, "trouble": None}]
    assert again["returned"] == {"hard": 1}
    assert [row["reports"] for row in house.asked("bounces")] == [1]
    assert house.asked("bounces", "read")["returned"] == {}


def test_the_client_who_confirms_the_address_is_written_to_again(house: House) -> None:
    put(house, "1", HARD, 2)
    house.must("bounces", "read")
    (row,) = house.asked("blocks", "list")
    assert (row["channel"], row["address"], row["reason"]) == (
        "email", "c***@example.com", "hard_bounce",
    )  # fmt: skip
    assert "no such user" in row["why"]
    assert house.asked("blocks", "list", "--client", "000001") == []
    assert len(house.asked("blocks", "list", "--client", "000002")) == 1

    assert house.type("blocks", "lift", "--client", "000002").code == 2  # no reason given
    assert house.type("blocks", "lift", "--client", "000002", "c2@example.com").code == 2
    lifted = house.asked(
        "blocks", "lift", "--client", "000002", "--why", "confirmed by phone", "--as", "li.na"
    )
    assert lifted == {"lifted": [{"channel": "email", "reason": "hard_bounce"}]}
    assert house.asked("blocks", "list") == []
    refused = house.type("blocks", "lift", "c2@example.com", "--why", "confirmed by phone")
    assert (refused.code, len(refused.err.splitlines())) == (1, 1)
    assert "not blocked" in refused.err
    assert house.asked("audit", "verify")["ok"] is True


def test_what_binds_the_firm_cannot_be_lifted(house: House) -> None:
    from outreach.store import audit, blocks
    from outreach.store.database import Database
    from tests.small_run import NOW

    database = Database(house.url)
    with database.begin() as tx:
        listed = blocks.Block("email", "c1@example.com", "regulator_list", "list 7", "a person")
        audit.append(tx, blocks.block(tx, [listed], "li.na", NOW))
    database.close()
    refused = house.type("blocks", "lift", "c1@example.com", "--why", "we want to")

    assert refused.code == 5
    assert "binding" in refused.err


def test_a_refused_text_and_unbelievable_reports_are_told_by_doctor(house: House) -> None:
    put(house, "1", CONTENT, 3)
    put(house, "2", HARD, 2, key=b"somebody else's")
    house.must("bounces", "read")

    found = [
        row["finding"] for row in house.asked("doctor")["checks"] if row["check"] == "returned mail"
    ]
    assert len(found) == 2
    assert found[0].startswith("notice: 1 mail of 7 days came back because of its text: 554 5.6.0")
    assert "1 report of class hard" in found[1]
    assert house.asked("blocks", "list") == []


def test_a_mailbox_that_cannot_be_read_is_told_and_the_others_are_read(house: House) -> None:
    house.edit("config.toml", "[bounces.mailboxes.local]", (
        '[bounces.mailboxes.gone]\nkind = "maildir"\npath = "nowhere"\n\n[bounces.mailboxes.local]'
    ))  # fmt: skip
    put(house, "1", HARD, 2)
    said = house.type("bounces", "read", as_json=True)

    assert said.code == 1
    assert "gone: " in said.err
    assert [(row["mailbox"], row["mails"]) for row in said.document["mailboxes"]] == [
        ("gone", 0), ("local", 1),
    ]  # fmt: skip
    assert house.type("bounces", "read", "--mailbox", "local").code == 0
    assert house.type("bounces", "read", "--mailbox", "loacl").code == 2
    assert house.type("bounces", "--class", "herd").code == 2


def test_without_a_mailbox_it_says_what_to_write(tmp_path: Path) -> None:
    house = small_house(tmp_path, clients=1)
    said = house.type("bounces", "read")

    assert said.code == 3
    assert "[bounces.mailboxes.NAME]" in said.err


def test_a_new_address_of_the_client_is_written_to(house: House) -> None:
    put(house, "1", HARD, 2)
    house.must("bounces", "read")
    from outreach.store.database import Database

    database = Database(house.url)
    with database.begin() as tx:
        tx.execute(update(client).where(client.c.id == 2).values(email="new@example.com"))
    database.close()

    assert house.asked("blocks", "list", "--client", "000002") == []
    assert len(house.asked("blocks", "list")) == 1


LISTED = ("c1@example.com", "１３８ 0000 0001")
WHY = ("--why", "list 7 of 2026-09-25")


def test_an_address_blocked_by_hand_gets_nothing_until_two_people_let_it_go(house: House) -> None:
    looked = house.asked("blocks", "add", *LISTED, *WHY, "--dry-run")
    assert [row["client"] for row in looked] == ["000001", "000001"]
    assert house.asked("blocks", "list") == []

    house.must("blocks", "add", *LISTED, *WHY, "--as", "li.na")
    shown = house.asked("blocks")
    assert {(row["channel"], row["client"], row["reason"], row["why"]) for row in shown} == {
        ("email", "000001", "regulator_list", "list 7 of 2026-09-25"),
        ("sms", "000001", "regulator_list", "list 7 of 2026-09-25"),
    }
    assert all(row["was_blocked"] for row in house.asked("blocks", "add", *LISTED, *WHY))
    assert house.asked("plan", "notice")["reasons"] == {"regulator_list": 1}

    lift = ("blocks", "lift", "--client", "000001", "--why", "typed wrongly")
    assert house.asked(*lift, "--as", "li.na")["lifted"] == []
    assert "by li.na: typed wrongly" in house.asked("blocks")[0]["asked"]
    assert (house.type(*lift, "--as", "li.na").code, len(house.asked("blocks"))) == (5, 2)
    assert len(house.asked(*lift, "--as", "wang.wei")["lifted"]) == 2
    assert house.asked("blocks") == []
    assert house.asked("audit", "verify")["ok"] is True


def test_a_request_to_let_an_address_go_does_not_outlive_the_block_it_was_about(
    house: House,
) -> None:
    lift = ("blocks", "lift", LISTED[0], "--why", "typed wrongly")
    house.must("blocks", "add", LISTED[0], *WHY)
    house.must(*lift, "--as", "li.na")
    house.must(*lift, "--as", "wang.wei")
    house.must("blocks", "add", LISTED[0], *WHY)

    assert house.asked(*lift, "--as", "wang.wei")["lifted"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "c1@example.com"), "--why: write why"),
        (("add", "12", *WHY), "12: this is no phone number; write one such as 13812345678"),
        (("add", "c1@", *WHY), "c1@: this is no e-mail address"),
        (("lift", "c1 example.com", *WHY), "this is no phone number"),
    ],
)
def test_what_is_no_address_is_not_blocked(house: House, words: tuple[str, ...], said: str) -> None:
    refused = house.type("blocks", *words)
    assert (refused.code, said in refused.err) == (2, True)
    assert house.asked("blocks") == []

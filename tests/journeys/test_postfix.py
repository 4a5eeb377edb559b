"""A campaign sent into a real world of mail, every recipient domain a behaviour: exactly the states
and blocks that follow, with the mail server's log and its mailboxes as witnesses."""

import re
import smtplib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import select

from outreach.core.verp import Verp
from outreach.store import consent
from outreach.store.tables import bounce, client, message
from tests.core.bounce import samples
from tests.journeys.house import House, person
from tests.journeys.serving import Serving
from tests.postfix_world import PostfixWorld, missing, postfix_world
from tests.project.small_project import change, make_project

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "there")

PATIENCE: Final = 180.0  # seconds; a slow domain is given up after some ten
WAITING: Final = frozenset({"ready", "held"})

# Every behaviour: what becomes of the message, and whether its address is blocked.
SYNCHRONOUS: Final = {
    "ok.example.com": ("accepted", None),
    "reject.example.com": ("failed", "hard_bounce"),
    "blocked.example.com": ("failed", None),
    "defer.example.com": ("waits", None),
    "busy.example.com": ("waits", None),
    "nowhere.example.com": ("failed", "hard_bounce"),
}
LATER: Final = {
    "grey.example.com": ("accepted", None),
    "bounce.example.com": ("undelivered", "hard_bounce"),
    "full.example.com": ("undelivered", None),
    "slow.example.com": ("undelivered", None),
}
ALL: Final = {**SYNCHRONOUS, **LATER}
REPORTED: Final = {
    "ok.example.com": ("accepted", None),
    "bounce.example.com": ("undelivered", "hard_bounce"),
    "full.example.com": ("undelivered", None),
}

MAILBOXES: Final = {
    "imap": """
[bounces.mailboxes.returns]
kind = "imap"
host = "127.0.0.1"
port = {imaps}
ca_file = "{certificate}"
username = "b@bounces.example.com"
done = "已处理 & done"
""",
    "imap by starttls": """
[bounces.mailboxes.returns]
kind = "imap"
host = "127.0.0.1"
port = {imap}
security = "starttls"
ca_file = "{certificate}"
username = "b@bounces.example.com"
""",
    "maildir": """
[bounces.mailboxes.returns]
kind = "maildir"
path = "{maildir}"
""",
    "lmtp": """
[bounces.mailboxes.returns]
kind = "lmtp"
port = {lmtp}
""",
}


@pytest.fixture
def world() -> Iterator[PostfixWorld]:
    with postfix_world() as made:
        yield made


def house_in(
    folder: Path, world: PostfixWorld, domains: Mapping[str, Any], kind: str, url: str = ""
) -> House:
    """The small project, its e-mails sent through the world; client n lives at the n-th domain."""
    make_project(folder)
    change(folder, "campaigns/notice.toml", '["sms", "email"]', '["email"]')
    config = folder / "config.toml"
    text = config.read_text(encoding="utf-8").partition("[limits.contact_hours]")[0]
    text = text.replace(
        '[senders.mail-file]\nkind = "file"\nchannel = "email"\n',
        f'[senders.mail-file]\nkind = "smtp"\nhost = "127.0.0.1"\nport = {world.ports.smtp}\n'
        f'security = "starttls"\nca_file = "{world.certificate}"\n',
    )
    box = "b@door.example.com" if kind == "lmtp" else "b@bounces.example.com"
    bounces = MAILBOXES[kind].format(
        **world.ports._asdict(), certificate=world.certificate,
        maildir=world.maildir("b@bounces.example.com"),
    )  # fmt: skip
    database = f'database = "{url}"\n\n' if url else ""
    text = f'{database}{text}\n[bounces]\naddress = "{box}"\n{bounces}'
    config.write_text(text, encoding="utf-8")
    house = House(folder, clock=None)
    house.must("db", "upgrade")
    house.clients(*(person(n, email=f"u{n}@{one}") for n, one in enumerate(domains, start=1)))
    house.approve("notice")
    return house


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_SECRET_MAILBOX_RETURNS", PostfixWorld.password)


# --- what is so ------------------------------------------------------------------------------


def became(house: House) -> dict[str, tuple[str, str | None]]:
    """By domain: the state of the message as the send log tells it, and why its address is
    blocked."""
    numbered = {row["client"]: row["state"] for row in house.asked("log", "--run", "1")}
    blocked = {
        row["address"].partition("@")[2]: row["reason"] for row in house.asked("blocks", "list")
    }
    emails: list[tuple[str, str]] = house.query(
        lambda conn: [
            tuple(row) for row in conn.execute(select(client.c.client_no, client.c.email))
        ]
    )
    found = {}
    for number, email in emails:
        domain = email.partition("@")[2]
        state = numbered[number]
        found[domain] = ("waits" if state in WAITING else state, blocked.get(domain))
    return found


def until_so(so: Callable[[], bool], house: House) -> None:
    end = time.monotonic() + PATIENCE
    while not so():
        assert time.monotonic() < end, became(house)
        time.sleep(0.3)


def message_ids(house: House) -> dict[str, int]:
    """The message of each domain."""
    found: dict[str, int] = house.query(
        lambda conn: {
            row.address.partition("@")[2]: row.id
            for row in conn.execute(select(message.c.id, message.c.address))
        }
    )
    return found


def verp_of(house: House, box: str) -> Verp:
    return Verp(box, (house.folder / "var" / "keys" / "bounces.key").read_bytes())


def kinds(house: House) -> dict[str, list[str]]:
    """The classes of the reports about each domain, each report once."""
    found: dict[str, list[str]] = {}
    rows = house.query(
        lambda conn: list(
            conn.execute(select(bounce.c.address, bounce.c.kind).order_by(bounce.c.id))
        )
    )
    for address, kind in rows:
        found.setdefault(address.partition("@")[2], []).append(kind)
    return found


# --- the journeys ----------------------------------------------------------------------------


def test_every_behaviour_of_a_recipient_has_its_state_and_its_block(
    tmp_path: Path, database_url: str, world: PostfixWorld
) -> None:
    url = database_url if database_url.startswith("postgresql") else ""
    house = house_in(tmp_path, world, ALL, "imap", url)
    ran = house.type("run", "notice")
    assert ran.code == 1, ran
    first = became(house)
    assert {domain: first[domain] for domain in SYNCHRONOUS} == SYNCHRONOUS
    assert first["grey.example.com"] == ("waits", None)

    def settled() -> bool:
        # What was put off is tried again; what came back is read.
        house.type("runs", "retry", "1")
        house.must("bounces", "read")
        return became(house) == ALL

    until_so(settled, house)
    house.must("bounces", "read")
    assert became(house) == ALL
    reports = kinds(house)
    assert reports.pop("slow.example.com") == ["delayed", "soft"]
    assert reports == {"bounce.example.com": ["hard"], "full.example.com": ["soft"]}
    _witnesses(house, world)
    assert house.asked("audit", "verify")["ok"] is True
    assert house.asked("bounces", "read")["mailboxes"] == [
        {"mailbox": "returns", "mails": 0, "new": 0, "trouble": None}
    ]


def _witnesses(house: House, world: PostfixWorld) -> None:
    """The mail server saw each message once, with its own return address; nobody else was told."""
    verp, ids = verp_of(house, "b@bounces.example.com"), message_ids(house)
    for domain in ("ok.example.com", "grey.example.com"):
        number = ids[domain]
        (mail,) = world.mails(f"u{list(ALL).index(domain) + 1}@{domain}")
        assert verp.read(mail["Return-Path"]) == number
        assert len(mail.get_all("Return-Path") or []) == 1  # the last server's, not ours
        assert mail["Message-ID"].startswith(f"<m{number}.r1@")
    paths = re.findall(r"from=<(b\+[a-z2-7]+@bounces\.example\.com)>, size=\d+", world.log)
    accepted = {
        ids[one]
        for one in (
            "ok.example.com",
            "grey.example.com",
            "bounce.example.com",
            "full.example.com",
            "slow.example.com",
        )
    }
    assert {verp.read(path) for path in paths} == accepted
    assert world.mails("b@bounces.example.com") == []  # every report was moved to what is done


@pytest.mark.parametrize("kind", ["imap by starttls", "maildir"])
def test_reports_are_read_from_a_mailbox_and_moved_when_they_are_stored(
    tmp_path: Path, world: PostfixWorld, kind: str
) -> None:
    house = house_in(tmp_path, world, REPORTED, kind)
    house.must("run", "notice")
    until_so(lambda: len(world.mails("b@bounces.example.com")) == 2, house)
    dry = house.asked("bounces", "read", "--dry-run")["mails"]
    assert sorted(row["class"] for row in dry) == ["hard", "soft"]
    assert all(row["signed"] for row in dry)
    assert len(world.mails("b@bounces.example.com")) == 2
    assert {state for state, _ in became(house).values()} == {"accepted"}

    assert house.asked("bounces", "read")["returned"] == {"hard": 1, "soft": 1}

    assert became(house) == REPORTED
    assert world.mails("b@bounces.example.com") == []
    done = list((world.maildir("b@bounces.example.com") / ".Done").glob("[cn][ue][rw]/*"))
    assert len(done) == 2
    # Put back by hand and read again: known by their digest.
    for number, path in enumerate(done):
        path.rename(world.maildir("b@bounces.example.com") / "new" / f"{number}.put-back")
    new, read = 0, 0

    def all_read() -> bool:
        nonlocal new, read
        (row,) = house.asked("bounces", "read")["mailboxes"]
        new, read = new + row["new"], read + row["mails"]
        return bool(read == 2)

    until_so(all_read, house)
    assert new == 0
    assert kinds(house) == {"bounce.example.com": ["hard"], "full.example.com": ["soft"]}


def test_a_wrong_password_and_a_certificate_of_nobody_are_said_in_a_line(
    tmp_path: Path, world: PostfixWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = house_in(tmp_path, world, {"ok.example.com": None}, "imap")
    monkeypatch.setenv("OUTREACH_SECRET_MAILBOX_RETURNS", "wrong-password")
    refused = house.type("bounces", "read")
    assert refused.code == 1
    assert "wrong-password" not in refused.err + refused.out
    assert re.search(r"returns: 127\.0\.0\.1:\d+: .*[Aa]uthentication failed", refused.err)
    monkeypatch.setenv("OUTREACH_SECRET_MAILBOX_RETURNS", PostfixWorld.password)
    house.edit("config.toml", f'port = {world.ports.imaps}\nca_file = "{world.certificate}"\n',
               f"port = {world.ports.imaps}\n")  # fmt: skip
    refused = house.type("bounces", "read")
    assert refused.code == 1
    assert "its certificate is not trusted" in refused.err
    monkeypatch.delenv("OUTREACH_SECRET_MAILBOX_RETURNS")
    refused = house.type("bounces", "read")
    assert "set OUTREACH_SECRET_MAILBOX_RETURNS" in refused.err


def test_a_served_door_takes_reports_by_lmtp_and_forged_ones_silence_nobody(
    tmp_path: Path, world: PostfixWorld
) -> None:
    house = house_in(tmp_path, world, REPORTED, "lmtp")
    house.must("run", "notice")
    # Nobody listens yet: the mail server keeps the reports and tries again.
    serving = Serving(house.start("--json", "serve", "--every", "0.3"))
    try:
        serving.waits_for("lmtp_listening")
        until_so(lambda: became(house) == REPORTED, house)
        number = message_ids(house)["ok.example.com"]
        verp = verp_of(house, "b@door.example.com")
        away = samples.letter("Auto-Submitted: auto-replied", subject="Out of office")
        forged = samples.postfix(samples.fields(status="5.1.1", diagnostic="550 5.1.1 no user"))
        forged = forged.replace(samples.CLIENT.encode(), b"u1@ok.example.com")
        _deliver(world, verp.address(number), away)
        _deliver(world, Verp("b@door.example.com", b"a guess").address(number), forged)
        _deliver(world, "b@door.example.com", forged)
        until_so(lambda: sum(map(len, kinds(house).values())) == 5, house)
        assert became(house)["ok.example.com"] == ("accepted", None)
        complaint = samples.complaint().replace(
            samples.RETURN.encode(), verp.address(number).encode()
        )
        _deliver(world, "b+fbl@door.example.com", complaint)
        until_so(lambda: bool(objections(house)), house)
        serving.stops()
    finally:
        serving.close()

    assert objections(house) == {1: "object"}
    assert became(house)["ok.example.com"] == ("delivered", None)
    listed = {(row["class"], row["signed"]) for row in house.asked("bounces")}
    assert ("hard", False) in listed
    assert house.asked("audit", "verify")["ok"] is True


def _deliver(world: PostfixWorld, to: str, content: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", world.ports.smtp) as server:
        server.sendmail("<>", [to], content)


def objections(house: House) -> dict[int, str]:
    """Who objected to everything."""
    found = house.query(lambda conn: consent.events_of(conn, range(1, 20)))
    return {
        number: events[-1].action
        for number, events in found.items()
        if events[-1].channel is None and events[-1].purpose is None
    }


def test_an_address_is_let_go_with_a_reason_and_then_written_to_again(
    tmp_path: Path, world: PostfixWorld
) -> None:
    domains = {
        "ok.example.com": ("accepted", None),
        "reject.example.com": ("failed", "hard_bounce"),
    }
    house = house_in(tmp_path, world, domains, "maildir")
    house.type("run", "notice")
    assert became(house) == domains

    assert house.type("blocks", "lift", "u2@reject.example.com").code == 2
    lifted = house.asked(
        "blocks", "lift", "u2@reject.example.com", "--why", "the client rang us up"
    )
    assert lifted == {"lifted": [{"channel": "email", "reason": "hard_bounce"}]}
    assert house.asked("blocks", "list") == []
    assert house.type("blocks", "lift", "u2@reject.example.com", "--why", "again").code == 1
    assert house.asked("audit", "verify")["ok"] is True

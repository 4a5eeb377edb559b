"""Returned mail applied, on both databases: what each report does, and that it does it once."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import select, update

from outreach import receive
from outreach.core.bounce.resting import SoftRule
from outreach.core.model import in_doubt, refused, unavailable
from outreach.core.verp import Verp
from outreach.core.words import Reason, State
from outreach.receive import Applied, Event, mail_reader
from outreach.store import blocks, bounces, consent, facts
from outreach.store.database import Database, latest
from outreach.store.tables import address_block, bounce, client, message, retry
from outreach.verify import verify
from tests.core.bounce import samples
from tests.core.bounce.samples import fields, letter, postfix
from tests.small_run import NOW, SmallRun, merged, opened
from tests.small_run import client as person

VERP = Verp("b@bounces.example.net", b"k" * 32)
STRANGER = Verp("b@bounces.example.net", b"another key")
RULE = SoftRule(limit=3, days=10, block_days=7)
USERS = {n: f"c{n}@example.com" for n in range(1, 7)}


@pytest.fixture
def small(database: Database, tmp_path: Path) -> Iterator[SmallRun]:
    """Six e-mails, sent. What is so afterwards: the counters are those of the facts, the log
    stands, and every block has its step."""
    people = [person(n, phone=None, phone_state="missing") for n in USERS]
    made = opened(database, tmp_path / "project", people)
    made.plan()
    made.drain()
    yield made
    assert made.tally() == merged(made.counts())
    found = verify(database)
    assert found.ok, found.first_bad


def message_of(small: SmallRun, client_id: int) -> int:
    with small.database.reading() as conn:
        query = select(message.c.id).where(
            message.c.client_id == client_id, message.c.run_id == small.run_id
        )
        return int(conn.execute(query).scalar_one())


def came(
    small: SmallRun, client_id: int, content: bytes, *, verp: Verp | None = VERP,
    report: str = "r1", box: str = "returns",
) -> Event:  # fmt: skip
    """A mail about the message of a client, as it lies in a mailbox."""
    number = message_of(small, client_id)
    path = verp.address(number) if verp else "b@bounces.example.net"
    content = content.replace(samples.RETURN.encode(), path.encode())
    content = content.replace(samples.OURS.encode(), f"<m{number}.r{small.run_id}@x.net>".encode())
    content = content.replace(samples.CLIENT.encode(), USERS[client_id].encode())
    head = f"Received: by {box}\r\nMessage-ID: <{report}.{client_id}@mx.example.net>\r\n"
    return Event(f"mail:{box}", "report", head.encode() + content, small.now)


def hear(small: SmallRun, *events: Event) -> Applied:
    receive.take_in(small.database, events)
    readers = {"mail": mail_reader(VERP)}
    return receive.apply(small.database, readers, small.clock, soft=RULE)


def blocked(small: SmallRun) -> dict[str, str]:
    with small.database.reading() as conn:
        return {one.address: one.reason for one in blocks.standing(conn, small.now)}


def objectors(small: SmallRun) -> list[int]:
    with small.database.reading() as conn:
        found = consent.events_of(conn, sorted(USERS))
    return sorted(
        client_id for client_id, events in found.items()
        if any(e.action == "object" and e.channel is None and e.purpose is None for e in events)
    )  # fmt: skip


def state_of(small: SmallRun, client_id: int) -> State:
    return small.states()[message_of(small, client_id)]


HARD = postfix(fields(status="5.1.1", diagnostic="550 5.1.1 no such user"))
FULL = postfix(fields(status="5.2.2", diagnostic="552 5.2.2 over quota"))
POLICY = postfix(fields(status="5.7.1", diagnostic="554 5.7.1 listed at a blocklist"))
CONTENT = postfix(fields(status="5.6.0", diagnostic="554 5.6.0 message content rejected"))
LATE = postfix(fields(action="delayed", status="4.2.1", diagnostic="450 4.2.1 busy"))
RELAYED = postfix(fields(action="relayed", status="2.0.0"))
DONE = postfix(fields(action="delivered", status="2.0.0"))
AWAY = letter("Auto-Submitted: auto-replied", subject="Out of office")
HUMAN = letter(text="Please call me.")


@pytest.mark.parametrize(
    ("content", "state", "kind", "blocks_it"),
    [
        pytest.param(HARD, State.UNDELIVERED, "hard", "hard_bounce", id="no such user"),
        pytest.param(FULL, State.UNDELIVERED, "soft", None, id="mailbox full"),
        pytest.param(POLICY, State.UNDELIVERED, "policy", None, id="we are refused"),
        pytest.param(CONTENT, State.UNDELIVERED, "content", None, id="the text is refused"),
        pytest.param(LATE, State.ACCEPTED, "delayed", None, id="delayed"),
        pytest.param(DONE, State.DELIVERED, "success", None, id="delivered"),
        pytest.param(RELAYED, State.ACCEPTED, "success", None, id="passed on"),
        pytest.param(AWAY, State.ACCEPTED, "auto_reply", None, id="on holiday"),
        pytest.param(HUMAN, State.ACCEPTED, "not_a_bounce", None, id="a letter"),
    ],
)
def test_what_each_report_does(
    small: SmallRun, content: bytes, state: State, kind: str, blocks_it: str | None
) -> None:
    done = hear(small, came(small, 1, content))

    assert done.returned == {kind: 1}
    assert state_of(small, 1) == state
    assert {state_of(small, n) for n in range(2, 7)} == {State.ACCEPTED}
    assert blocked(small) == ({USERS[1]: blocks_it} if blocks_it else {})
    assert objectors(small) == []
    refused = {(small.run_id, kind): 1} if kind in ("content", "policy") else {}
    assert done.refused == refused


def test_a_complaint_is_an_objection_of_everybody_who_has_the_address(small: SmallRun) -> None:
    with small.database.begin() as tx:
        tx.execute(update(client).where(client.c.id == 4).values(email=USERS[1]))
    hear(small, came(small, 1, samples.complaint()))

    assert objectors(small) == [1, 4]
    assert blocked(small) == {}


def test_a_complaint_counts_for_the_client_who_got_the_mail_whatever_his_address_is_now(
    small: SmallRun,
) -> None:
    with small.database.begin() as tx:
        tx.execute(update(client).where(client.c.id == 1).values(email="new@example.com"))
    hear(small, came(small, 1, samples.complaint()))

    assert objectors(small) == [1]


@pytest.mark.parametrize("content", [HARD, FULL, samples.complaint()], ids=["hard", "soft", "arf"])
@pytest.mark.parametrize("verp", [None, STRANGER], ids=["no token", "a token not ours"])
def test_a_forged_report_is_recorded_and_silences_nobody(
    small: SmallRun, content: bytes, verp: Verp | None
) -> None:
    done = hear(small, came(small, 1, content, verp=verp))

    assert sum(done.returned.values()) == 1
    assert blocked(small) == {}
    assert objectors(small) == []
    with small.database.reading() as conn:
        (row,) = conn.execute(select(bounce.c.signed, bounce.c.counts)).all()
    assert tuple(row) == (False, False)


def test_a_report_with_our_headers_alone_tells_of_the_message_and_blocks_nothing(
    small: SmallRun,
) -> None:
    hear(small, came(small, 1, HARD, verp=None))

    assert state_of(small, 1) == State.UNDELIVERED
    assert blocked(small) == {}


def test_our_headers_with_another_recipient_tell_nothing(small: SmallRun) -> None:
    event = came(small, 1, HARD, verp=None)
    other = event._replace(content=event.content.replace(b"c1@example.com", b"c2@example.com"))
    hear(small, other)

    assert state_of(small, 1) == state_of(small, 2) == State.ACCEPTED


def test_unsigned_words_never_make_a_message_delivered(small: SmallRun) -> None:
    hear(small, came(small, 1, DONE, verp=None))

    assert state_of(small, 1) == State.ACCEPTED
    assert small.counts() == {"accepted": 6}


def test_a_report_that_came_to_two_boxes_counts_once(small: SmallRun) -> None:
    one, other = came(small, 1, FULL), came(small, 1, FULL, box="second")
    assert one.content != other.content

    assert hear(small, one).returned == {"soft": 1}
    assert hear(small, other).returned == {}
    assert hear(small, one) == Applied()
    assert small.rows_of(bounce) == 1


def test_two_reports_of_one_box_count_twice(small: SmallRun) -> None:
    done = hear(small, came(small, 1, FULL), came(small, 1, FULL, report="r2"))

    assert done.returned == {"soft": 2}


def test_a_hard_bounce_blocks_the_old_address_of_a_client_who_has_changed_it(
    small: SmallRun,
) -> None:
    with small.database.begin() as tx:
        tx.execute(update(client).where(client.c.id == 1).values(email="new@example.com"))
    hear(small, came(small, 1, HARD))

    assert blocked(small) == {USERS[1]: "hard_bounce"}
    assert reasons(small) == {}


def test_a_report_about_the_address_a_mail_was_passed_on_to_blocks_nothing(
    small: SmallRun,
) -> None:
    event = came(small, 1, HARD)
    passed = event._replace(content=event.content.replace(b"c1@example.com", b"old@else.example"))
    hear(small, passed)

    assert state_of(small, 1) == State.UNDELIVERED
    assert blocked(small) == {}


def test_a_report_heals_a_doubt(database: Database, tmp_path: Path) -> None:
    people = [person(n, phone=None, phone_state="missing") for n in USERS]
    small = opened(database, tmp_path / "project", people)
    small.plan()
    doubted = {message_of(small, n) for n in (1, 3)}
    for gateway in small.gateways.values():
        gateway.answer = lambda one: in_doubt("lost") if one.id in doubted else None
    small.drain()
    assert {
        number for number, state in small.states().items() if state == State.IN_DOUBT
    } == doubted
    hear(small, came(small, 1, HARD), came(small, 3, AWAY))

    assert [state_of(small, n) for n in (1, 3)] == [State.UNDELIVERED, State.ACCEPTED]
    assert small.tally() == merged(small.counts())


# --- soft bounces ----------------------------------------------------------------------------


def test_three_days_with_a_full_mailbox_give_it_a_rest_and_then_it_is_tried_again(
    small: SmallRun,
) -> None:
    for day in range(3):
        assert blocked(small) == {}
        again = [came(small, 1, FULL, report=f"d{day}.{n}") for n in range(2)]
        hear(small, *again)
        small.pass_time(days=1)

    assert blocked(small) == {USERS[1]: "soft_bounces"}
    assert reasons(small) == {1: "soft_bounces"}
    small.pass_time(days=6)
    assert blocked(small) == {}
    assert reasons(small) == {}
    with small.database.reading() as conn:
        assert latest(conn, address_block)  # over, and not yet cleared away


def test_many_failures_of_one_day_are_one(small: SmallRun) -> None:
    hear(small, *(came(small, 1, FULL, report=f"n{n}") for n in range(9)))

    assert blocked(small) == {}


@pytest.mark.parametrize(
    "content", [POLICY, CONTENT, LATE, AWAY], ids=["policy", "content", "delayed", "away"]
)
def test_what_the_client_cannot_help_never_counts(small: SmallRun, content: bytes) -> None:
    for day in range(4):
        hear(small, came(small, 1, content, report=f"d{day}"))
        small.pass_time(days=1)

    assert blocked(small) == {}


def test_a_delivery_begins_the_count_anew(small: SmallRun) -> None:
    for day, content in enumerate((FULL, FULL, DONE, FULL, FULL)):
        hear(small, came(small, 1, content, report=f"d{day}"))
        small.pass_time(days=1)

    assert blocked(small) == {}


def test_a_forged_delivery_does_not_keep_an_address_from_its_rest(small: SmallRun) -> None:
    for day in range(3):
        hear(small, came(small, 1, FULL, report=f"d{day}"))
        hear(small, came(small, 1, DONE, report=f"forged{day}", verp=None))
        small.pass_time(days=1)

    assert blocked(small) == {USERS[1]: "soft_bounces"}


def test_after_a_rest_the_next_failure_gives_another(small: SmallRun) -> None:
    for day in range(3):
        hear(small, came(small, 1, FULL, report=f"d{day}"))
        small.pass_time(days=1)
    small.pass_time(days=6.5)
    assert blocked(small) == {}
    for day in range(3, 6):
        hear(small, came(small, 1, FULL, report=f"d{day}"))
        small.pass_time(days=1)

    assert blocked(small) == {USERS[1]: "soft_bounces"}


# --- letting an address go -------------------------------------------------------------------


def lift(small: SmallRun, address: str) -> int:
    from outreach.store import audit

    with small.database.begin() as tx:
        entries = blocks.lift(
            tx, "email", address, None, "the client confirmed it", "li.m", small.now
        )
        audit.append(tx, entries)
    return len(entries)


def test_a_person_lets_an_address_go_and_the_next_failure_blocks_it_again(small: SmallRun) -> None:
    hear(small, came(small, 1, HARD))
    assert lift(small, USERS[1]) == 1
    assert blocked(small) == {}
    assert lift(small, USERS[1]) == 0
    assert reasons(small) == {}
    hear(small, came(small, 1, HARD, report="r2"))

    assert blocked(small) == {USERS[1]: "hard_bounce"}


def test_what_failed_before_an_address_was_let_go_is_forgotten(small: SmallRun) -> None:
    for day in range(3):
        hear(small, came(small, 1, FULL, report=f"d{day}"))
        small.pass_time(days=1)
    lift(small, USERS[1])
    small.pass_time(hours=1)
    hear(small, came(small, 1, FULL, report="d9"))

    assert blocked(small) == {}


def test_the_mark_of_blocks_moves_whenever_one_comes_or_goes(small: SmallRun) -> None:
    """Messages already planned are looked at again only when it has moved."""
    marks = []
    for act in (
        lambda: None,
        lambda: hear(small, came(small, 1, HARD)),
        lambda: hear(small, came(small, 2, HARD)),
        lambda: lift(small, USERS[2]),
        lambda: hear(small, came(small, 3, HARD)),
    ):
        act()
        with small.database.reading() as conn:
            marks.append(facts.marks(conn).block)

    assert all(one != other for one, other in pairwise(marks))
    assert marks[4] not in marks[:4]


# --- what is listed --------------------------------------------------------------------------


def test_a_message_planned_before_the_bounce_does_not_go(
    database: Database, tmp_path: Path
) -> None:
    people = [person(n, phone=None, phone_state="missing") for n in USERS]
    first = opened(database, tmp_path / "one", people)
    first.plan()
    first.drain()
    second = SmallRun(database, first.made_from, now=NOW + timedelta(days=1))
    second.plan()
    hear(first, came(first, 1, HARD))
    second.drain()

    assert state_of(second, 1) == State.SUPPRESSED
    assert [code for _, code in second.outcomes()[message_of(second, 1)]] == [Reason.HARD_BOUNCE]
    assert second.counts() == {"accepted": 5, "suppressed": 1}


def test_a_page_of_events_costs_the_same_statements_as_one(small: SmallRun) -> None:
    from sqlalchemy import event as sql_event

    seen: list[str] = []
    engine = small.database.write_engine
    sql_event.listen(engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    counts = []
    for report, people in (("a", (1,)), ("b", (2, 3, 4, 5, 6))):
        events = [came(small, n, HARD, report=report) for n in people]
        receive.take_in(small.database, events)
        seen.clear()
        receive.apply(small.database, {"mail": mail_reader(VERP)}, small.clock, soft=RULE)
        counts.append(len(seen))

    assert counts[1] <= counts[0] + 2


def reasons(small: SmallRun) -> dict[int, str]:
    """Who could not be written to by e-mail now, because of a block on the address."""
    from outreach.core.words import Channel, Purpose

    with small.database.reading() as conn:
        found = facts.gather(
            conn, sorted(USERS), channels=[Channel.EMAIL], purpose=Purpose.SERVICE, cap=None,
            now=small.now, grants=False,
        )  # fmt: skip
    return {client_id: next(iter(why)) for (client_id, _), why in found.blocks.items()}


def test_what_came_back_is_listed_by_address_and_class(small: SmallRun) -> None:
    hear(small, came(small, 1, FULL), came(small, 1, FULL, report="r2"), came(small, 1, HARD))
    hear(small, came(small, 2, CONTENT), came(small, 3, POLICY), came(small, 4, HARD, verp=None))
    with small.database.reading() as conn:
        listed = bounces.lines(conn, NOW - timedelta(days=1))
        hard = bounces.lines(conn, NOW - timedelta(days=1), kind="hard", limit=1)
        later = bounces.lines(conn, NOW + timedelta(days=1))
        refusals = bounces.refused(conn, NOW - timedelta(days=1))
        doubtful = bounces.unsigned(conn, NOW - timedelta(days=1))
        shut = blocks.of_addresses(conn, NOW, [USERS[1], USERS[2]])
        campaigns = bounces.campaigns_of(conn, [small.run_id])

    assert [(one.address, one.kind, one.signed, one.reports) for one in listed] == [
        (USERS[4], "hard", False, 1), (USERS[3], "policy", True, 1), (USERS[2], "content", True, 1),
        (USERS[1], "hard", True, 1), (USERS[1], "soft", True, 2),
    ]  # fmt: skip
    assert listed[-1].diagnostic == "552 5.2.2 over quota"
    assert [(one.address, one.signed) for one in hard] == [(USERS[4], False)]
    assert later == []
    assert [one[:3] for one in refusals] == [("notice", "content", 1), ("notice", "policy", 1)]
    assert doubtful == {"hard": 1}
    assert shut == {USERS[1]: ["hard_bounce"]}
    assert campaigns == {small.run_id: "notice"}


def test_the_diagnostic_is_kept_without_the_names_of_mailboxes(small: SmallRun) -> None:
    words = "550 5.1.1 <c1@example.com>: no such user"
    hear(small, came(small, 1, postfix(fields(status="5.1.1", diagnostic=words))))

    with small.database.reading() as conn:
        (row,) = conn.execute(select(bounce.c.diagnostic)).scalars()
        (one,) = blocks.standing(conn, small.now)
    assert "c1@" not in row
    assert "c1@" not in one.why
    assert "no such user" in one.why


def test_nothing_is_written_where_nothing_came(small: SmallRun) -> None:
    with small.database.begin() as tx:
        assert bounces.record(tx, [], RULE, NOW).entries == []


# --- what a server refuses at once -----------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "detail", "expected"),
    [
        pytest.param("550 5.1.1", "<c***@example.com>: user unknown", True, id="no such user"),
        pytest.param("550 5.1.2", "no such domain", True, id="no such domain"),
        pytest.param("550", "c***@example.com... User unknown", True, id="by its words alone"),
        pytest.param("554 5.7.1", "refused by policy", False, id="policy"),
        pytest.param("552 5.2.2", "mailbox full", False, id="full"),
        pytest.param("smtputf8", "the server takes no address beyond ASCII", False, id="ours"),
        pytest.param("21211", "invalid number 5.1.1", False, id="a code of another channel"),
    ],
)
def test_an_address_refused_at_once_is_blocked_where_it_does_not_exist(
    database: Database, tmp_path: Path, code: str, detail: str, expected: bool
) -> None:
    people = [person(n, phone=None, phone_state="missing") for n in USERS]
    small = opened(database, tmp_path / "project", people)
    small.plan()
    wrong = message_of(small, 2)
    for gateway in small.gateways.values():
        gateway.answer = lambda one: refused(code, detail) if one.id == wrong else None
    small.drain()

    assert state_of(small, 2) == State.FAILED
    assert blocked(small) == ({USERS[2]: "hard_bounce"} if expected else {})
    assert verify(database).ok


def full(small: SmallRun, code: str, detail: str) -> int:
    """From now on the mailbox of client 2 answers so; the number of the message to it."""
    wrong = message_of(small, 2)
    for gateway in small.gateways.values():
        gateway.answer = lambda one: answer if one.id == wrong else None
    answer = unavailable(code, detail) if code.startswith("4") else refused(code, detail)
    return wrong


def counted(small: SmallRun) -> list[tuple[str, str, bool, bool, str]]:
    row = bounce.c
    with small.database.reading() as conn:
        found = conn.execute(select(row.address, row.kind, row.counts, row.signed, row.status))
        return [tuple(one) for one in found]


def planned(database: Database, tmp_path: Path, rule: SoftRule) -> SmallRun:
    people = [person(n, phone=None, phone_state="missing") for n in USERS]
    small = opened(database, tmp_path / "project", people)
    small.soft = rule
    small.plan()
    return small


def test_a_full_mailbox_refused_at_once_counts_as_a_soft_bounce(
    database: Database, tmp_path: Path
) -> None:
    small = planned(database, tmp_path, SoftRule(limit=2, days=10, block_days=7))
    full(small, "552 5.2.2", "<c***@example.com>: over quota")
    small.drain()

    assert counted(small) == [(USERS[2], "soft", True, True, "5.2.2")]
    assert blocked(small) == {}
    # The second day, by a report; only both together are enough.
    small.now += timedelta(days=1)
    receive.take_in(database, [came(small, 2, FULL)])
    rule = small.soft
    receive.apply(database, {"mail": mail_reader(VERP)}, small.clock, soft=rule)
    assert blocked(small) == {USERS[2]: "soft_bounces"}
    assert verify(database).ok


@pytest.mark.parametrize(
    ("code", "detail", "expected"),
    [
        pytest.param("452 4.2.2", "mailbox full", [(USERS[2], "soft", True, True, "4.2.2")]),
        # It may have needed more time than the run had.
        pytest.param("450 4.2.0", "Greylisted", []),
    ],
)
def test_an_address_that_was_full_until_its_run_was_over_counts_once(
    database: Database, tmp_path: Path, code: str, detail: str, expected: list[object]
) -> None:
    small = planned(database, tmp_path, SoftRule(limit=1, days=10, block_days=7))
    full(small, code, detail)
    while state_of(small, 2) in (State.READY, State.HELD):
        assert counted(small) == []
        small.drain()
        with database.reading() as conn:
            small.now = conn.execute(select(retry.c.not_before)).scalar_one_or_none() or small.now

    assert state_of(small, 2) is State.EXPIRED
    assert counted(small) == expected
    assert blocked(small) == ({USERS[2]: "soft_bounces"} if expected else {})
    assert verify(database).ok


def test_our_own_standing_counts_against_nobody(database: Database, tmp_path: Path) -> None:
    small = planned(database, tmp_path, SoftRule(limit=1, days=10, block_days=7))
    full(small, "554 5.7.1", "refused by policy")
    small.drain()

    assert state_of(small, 2) is State.FAILED
    assert counted(small) == []
    assert blocked(small) == {}

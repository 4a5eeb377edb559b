"""Providers asked about messages in doubt: what they know is healed, what they do not stays."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from outreach import receive
from outreach.channels import Asked, ChannelUnavailable
from outreach.cli import reconcile as command
from outreach.cli.door import PROBLEMS, Door, Failure
from outreach.core.receipt import Receipt, Reply
from outreach.core.words import State
from outreach.engine import steps
from outreach.receive import reconcile
from outreach.service.reconciling import AGAIN, Asker, Reconciling
from outreach.store import doubts, references, runs
from outreach.store.database import Database
from outreach.store.tables import raw_event, reply
from outreach.verify import verify
from tests.small_run import SmallRun, client, merged, opened

MINUTES = timedelta(minutes=1)


class Provider:
    """A provider as a test wants it: what it knows, what it keeps, and when it breaks off."""

    lookup = True

    def __init__(self) -> None:
        self.knows: dict[int, State] = {}
        self.keeps: list[Receipt | Reply] = []
        self.asked: list[list[Asked]] = []
        self.down_after: int | None = None
        self.trouble: Exception = ChannelUnavailable("the provider does not answer")

    def find(self, messages: Sequence[Asked]) -> Iterator[tuple[int, Receipt | None]]:
        self.asked.append(list(messages))
        for place, one in enumerate(messages):
            if self.down_after is not None and place >= self.down_after:
                raise self.trouble
            state = self.knows.get(one.id)
            yield one.id, Receipt(state, one.until, one.id, "SM1") if state else None

    def pull(self, at: datetime) -> Iterator[Receipt | Reply]:
        for place, one in enumerate(self.keeps):
            if self.down_after is not None and place >= self.down_after:
                raise self.trouble
            yield one


@pytest.fixture
def small(database: Database, tmp_path: Path) -> Iterator[SmallRun]:
    """Ten SMS in windows of three, of which three are in doubt since now."""
    made = opened(database, tmp_path / "project", [client(n) for n in range(1, 11)])
    made.plan()
    assert made.crash(after=1)
    assert made.sweep("a").in_doubt == 3
    made.drain("b")
    yield made
    assert made.tally() == merged(made.counts())
    found = verify(database)
    assert found.ok, found.first_bad


def asked(small: SmallRun, provider: Any, **more: Any) -> reconcile.Reconciled:
    def adapters(_sender: str) -> Any:
        return provider

    found = reconcile.questions(small.database, adapters, small.now, **more)
    done = reconcile.ask(small.database, adapters, found, small.now)
    while receive.apply(small.database, {}, small.clock).events:
        pass
    return done


def pulled(small: SmallRun, provider: Any) -> reconcile.Reconciled:
    done = reconcile.pull(small.database, lambda _name: provider, ["sms-file"], small.now)
    while receive.apply(small.database, {}, small.clock).events:
        pass
    return done


def test_a_receipt_gets_its_time_before_anybody_is_asked(small: SmallRun) -> None:
    provider = Provider()
    small.now += 15 * MINUTES - timedelta(seconds=1)
    asked(small, provider)
    assert provider.asked == []

    small.pass_time(seconds=1)
    asked(small, provider)
    assert [[one.id for one in some] for some in provider.asked] == [[1, 2, 3]]


def test_what_the_provider_knows_is_healed_and_the_rest_stays_in_doubt(small: SmallRun) -> None:
    provider = Provider()
    provider.knows = {1: State.ACCEPTED, 2: State.DELIVERED}
    small.now += 15 * MINUTES
    done = asked(small, provider)

    assert (done.asked, done.found, done.unknown) == ({"sms-file": 3}, {"sms-file": 2}, [3])
    assert small.counts() == {"accepted": 8, "delivered": 1, "in_doubt": 1}
    with small.database.reading() as conn:
        assert [one.message for one in doubts.listed(conn, small.run_id)] == [3]


def test_a_message_is_described_by_all_that_it_can_be_known_by(small: SmallRun) -> None:
    provider = Provider()
    asked(small, provider, patience=timedelta(0))

    first = provider.asked[0][0]
    assert (first.id, first.run_id, first.to) == (1, small.run_id, "+8613800000001")
    assert first.handed_at == small.now < first.until
    assert len(first.content_digest) == 32


BREAKS_OFF = pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (ChannelUnavailable("the provider does not answer"), "the provider does not answer"),
        (KeyError("+8613800000001"), "its answer cannot be read (KeyError)"),
    ],
)


@BREAKS_OFF
def test_a_provider_that_breaks_off_heals_what_it_said_until_then(
    small: SmallRun, trouble: Exception, said: str
) -> None:
    provider = Provider()
    provider.trouble = trouble
    provider.knows, provider.down_after = dict.fromkeys((1, 2, 3), State.ACCEPTED), 1
    small.now += 15 * MINUTES
    done = asked(small, provider)

    assert done.troubles == {"sms-file": said}
    assert small.counts() == {"accepted": 8, "in_doubt": 2}


def test_a_sender_that_cannot_be_asked_is_named_with_the_reason(small: SmallRun) -> None:
    def gone(_sender: str) -> Any:
        raise ChannelUnavailable("config.toml has no such sender any more")

    small.now += 15 * MINUTES
    (one,) = reconcile.questions(small.database, gone, small.now)
    assert one.why_not == "config.toml has no such sender any more"
    (one,) = reconcile.questions(small.database, lambda _name: SimpleNamespace(), small.now)
    assert one.why_not == "its provider cannot be asked about a message"


def test_what_a_gateway_keeps_is_fetched_once_and_applied(small: SmallRun) -> None:
    with small.database.begin() as tx:
        references.keep(tx, "sms-file", [("memory-4", 4), ("memory-5", 5)])
    provider = Provider()
    provider.keeps = [
        Receipt(State.DELIVERED, small.now, reference="memory-4", address="+8613800000004"),
        Receipt(State.UNDELIVERED, small.now, None, "memory-5", "+8613800000005", "MK:0001"),
        Reply("01", "+8613800000006", "TD", small.now),
    ]
    assert pulled(small, provider).pulled == {"sms-file": 3}
    assert pulled(small, provider).pulled == {"sms-file": 0}

    assert small.counts() == {"accepted": 5, "delivered": 1, "undelivered": 1, "in_doubt": 3}
    assert small.rows_of(reply) == 1


@BREAKS_OFF
def test_what_was_fetched_before_a_gateway_broke_off_is_kept(
    small: SmallRun, trouble: Exception, said: str
) -> None:
    provider = Provider()
    provider.trouble = trouble
    provider.keeps = [Reply("01", f"+861380000000{n}", "TD", small.now) for n in (6, 7)]
    provider.down_after = 1
    done = pulled(small, provider)

    assert done.troubles == {"sms-file": said}
    assert small.rows_of(raw_event) == small.rows_of(reply) == 1


def test_a_run_finishes_with_its_last_doubt(small: SmallRun) -> None:
    engine = steps.Local(small.sending(), 100, 0, 100, ())

    def may_be_closed() -> bool:
        with small.database.reading() as conn:
            return small.run_id in [run for run, _ in runs.with_work(conn, small.now)]

    provider = Provider()
    provider.knows = {1: State.DELIVERED, 2: State.ACCEPTED}
    asked(small, provider, patience=timedelta(0))
    steps.close(engine, small.run_id)
    assert (may_be_closed(), small.state) == (False, "sending")

    provider.knows = {3: State.UNDELIVERED}
    asked(small, provider, patience=timedelta(0))
    assert may_be_closed()
    steps.close(engine, small.run_id)
    assert small.state == "finished"
    assert small.counts() == {"accepted": 8, "delivered": 1, "undelivered": 1}


# --- in the rounds of a service --------------------------------------------------------------


class Heard:
    """What a service said."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, event: str, **facts: Any) -> None:
        self.lines.append((event, facts))


def looking(small: SmallRun, provider: Provider, heard: Heard) -> Reconciling:
    config = small.made_from.config
    definitions: Any = SimpleNamespace(config=config)
    asker = Asker(lambda _name: provider, lambda: None)
    return Reconciling(small.database, definitions, small.clock, heard, lambda _config: asker)


def test_a_service_asks_and_leaves_what_is_unknown_alone_for_a_while(small: SmallRun) -> None:
    provider, heard = Provider(), Heard()
    provider.knows = {1: State.ACCEPTED}
    service = looking(small, provider, heard)
    for wait in (timedelta(), 15 * MINUTES, MINUTES, AGAIN[0] - MINUTES, AGAIN[1]):
        small.now += wait
        service.look(small.now)

    assert [[one.id for one in some] for some in provider.asked] == [[1, 2, 3], [2, 3], [2, 3]]
    assert heard.lines[0] == ("reconciled", {"asked": 3, "found": 1})


def test_trouble_with_a_provider_is_said_once_and_its_end_too(small: SmallRun) -> None:
    provider, heard = Provider(), Heard()
    provider.down_after = 0
    service = looking(small, provider, heard)
    small.now += 15 * MINUTES
    for _ in range(3):
        service.look(small.now)
        small.now += MINUTES
    provider.down_after = None
    service.look(small.now)

    said = [event for event, _ in heard.lines]
    assert said.count("provider_not_asked") == 1
    assert said[-1] == "provider_asked_again"


# --- the command -----------------------------------------------------------------------------

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(command.reconcile)


@app.callback()
def _one_of_many() -> None:
    """A single command would be called without its name."""


def typed(door: Door, *words: str) -> Any:
    return CliRunner().invoke(app, ["reconcile", *words], obj=door)


@pytest.fixture
def door(small: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("OUTREACH_CLOCK", (small.now + 20 * MINUTES).isoformat())
    small.now += 20 * MINUTES
    return Door(tmp_path / "project" / "config.toml", json=True, _database=small.database)


def in_outbox(door: Door, run: int, *messages: int) -> None:
    """What the file channel had written before its process died."""
    path = door.var / "outbox" / str(run) / "sms.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps({"message": one}) + "\n" for one in messages))


def test_the_command_heals_what_is_in_the_outbox(small: SmallRun, door: Door) -> None:
    in_outbox(door, small.run_id, 1, 2)
    done = typed(door)

    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["asked"], said["found"], said["left"], said["messages"]) == (3, 2, 1, [3])
    assert small.counts() == {"accepted": 9, "in_doubt": 1}


def test_a_dry_run_asks_nothing(small: SmallRun, door: Door) -> None:
    in_outbox(door, small.run_id, 1, 2)
    (row,) = json.loads(typed(door, "--dry-run").stdout)

    assert (row["sender"], row["in doubt"], row["would be asked"]) == ("sms-file", 3, True)
    assert small.counts() == {"accepted": 7, "in_doubt": 3}
    assert small.rows_of(raw_event) == 0


def test_only_what_has_been_in_doubt_long_enough_is_asked_about(
    small: SmallRun, door: Door
) -> None:
    in_outbox(door, small.run_id, 1, 2)
    said = json.loads(typed(door, "--older-than", "30").stdout)

    assert (said["asked"], said["left"]) == (0, 0)


def test_a_run_that_is_not_there_is_refused(small: SmallRun, door: Door) -> None:
    done = typed(door, "99")

    assert isinstance(done.exception, Failure)
    assert done.exception.code != PROBLEMS
    assert "there is no run 99" in done.exception.lines[0]

"""What a service does about feeds in its rounds: looks, takes, asks, and is never held up by it."""

import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import func, select

from outreach.feeds.halts.fetching import Answer, FetchProblem, Request
from outreach.ingest import halts
from outreach.service import Service
from outreach.service.definitions import Definitions
from outreach.service.feeds import Feeds
from outreach.store.database import Database, DatabaseProblem
from outreach.store.tables import book
from tests.fired_project import Fires, at
from tests.service_engine import opener

SAVED = Path(__file__).parent / "feeds" / "halts" / "saved"
SOURCE = """
[[feeds.halts.sources]]
name = "nyse"
form = "nyse"
url = "https://www.nyse.example/halts"
every_minutes = 5
tries = 1
"""


MORNING = at("2026-09-24 09:00")


@dataclass
class Watched:
    """A service with feeds on the small project, and a clock that is set by hand."""

    fires: Fires
    now: datetime = MORNING
    said: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answers: list[bytes | FetchProblem] = field(default_factory=list)
    asked: int = 0

    def __post_init__(self) -> None:
        database, clock = self.fires.database, lambda: self.now
        self.definitions = Definitions(self.fires.folder / "config.toml", self.say)
        self.feeds = Feeds(database, self.definitions, clock, self.say, ask=self.ask)
        self.service = Service(
            database, self.definitions, clock, self.say, opener(database, clock),
            trusts_clock=True, feeds=self.feeds,
        )  # fmt: skip

    @property
    def inbox(self) -> Path:
        return self.fires.folder / "var" / "inbox" / "halts"

    def say(self, event: str, **facts: Any) -> None:
        self.said.append((event, facts))

    def ask(self, request: Request) -> Answer:
        del request
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, FetchProblem):
            raise answer
        return Answer(answer)

    def put(self, name: str) -> Path:
        self.inbox.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(SAVED / name, self.inbox / name))

    def round(self, seconds: float = 5.0) -> list[str]:
        """A round so many seconds after the last one; the events it told of."""
        self.now, before = self.now + timedelta(seconds=seconds), len(self.said)
        self.service.round(self.now)
        return [event for event, _ in self.said[before:]]

    def books(self) -> int:
        with self.fires.database.reading() as conn:
            statement = select(func.count()).where(book.c.kind == "halts")
            return int(conn.execute(statement).scalar_one())


@pytest.fixture
def watched(database: Database, tmp_path: Path) -> Watched:
    return Watched(Fires(database, tmp_path))


@pytest.fixture
def fetching(watched: Watched) -> Watched:
    config = watched.fires.folder / "config.toml"
    config.write_text(config.read_text(encoding="utf-8") + SOURCE, encoding="utf-8")
    return watched


def test_a_file_is_taken_once_nobody_writes_to_it_any_more(watched: Watched) -> None:
    file = watched.put("nyse.csv")
    assert watched.round() == []
    with file.open("ab") as more:
        more.write(b"\n")
    assert watched.round() == []
    assert watched.round() == ["feed_taken"]
    assert watched.said[-1][1]["form"] == "nyse"
    assert watched.round() == []
    assert [one.name for one in (watched.inbox / "done").iterdir()] == ["nyse.csv"]


def test_a_file_that_cannot_be_taken_is_said_once_and_the_others_are_taken(
    watched: Watched,
) -> None:
    watched.put("nyse.csv")
    (watched.inbox / "half.json").write_text('{"zqdm": "3000', encoding="utf-8")
    (watched.inbox / ".hidden.csv").write_text("being written", encoding="utf-8")
    (watched.inbox / "nyse.csv.part").write_text("being written", encoding="utf-8")

    assert watched.round() == []
    assert sorted(watched.round()) == ["feed_broken", "feed_taken"]
    assert watched.round() == []


def test_a_folder_that_is_not_there_is_none_of_its_business(watched: Watched) -> None:
    assert watched.round() == []
    assert not watched.inbox.exists()


def test_an_idle_round_reads_the_folder_once_and_asks_the_database_nothing(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.put("nyse.csv")
    for _ in range(3):
        watched.round()
    read: list[str] = []
    scandir = os.scandir

    def counted(path: Path) -> Any:
        read.append(str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counted)
    watched.feeds.database = cast("Any", None)
    watched.feeds.look(watched.now)

    assert read == [str(watched.inbox)]


def test_a_file_that_cannot_be_moved_away_is_taken_once(watched: Watched) -> None:
    watched.put("nyse.csv")
    (watched.inbox / "done").symlink_to("nowhere")
    said = [watched.round() for _ in range(4)]

    assert said == [[], ["feed_stuck"], [], []]
    assert watched.books() == 1


def test_a_file_on_which_the_program_fails_is_said_once_and_the_others_are_taken(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = halts.import_halts

    def failing(desk: Any, path: Path, **how: Any) -> Any:
        if path.name == "nyse.csv":
            raise RuntimeError("a fault of ours")
        return taken(desk, path, **how)

    monkeypatch.setattr(halts, "import_halts", failing)
    watched.put("nyse.csv")
    watched.put("szse.json")

    assert [sorted(watched.round()) for _ in range(4)] == [
        [], ["feed_stuck", "feed_taken"], [], [],
    ]  # fmt: skip


def test_a_file_another_service_took_meanwhile_is_no_trouble(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = halts.import_halts

    def overtaken(desk: Any, path: Path, **how: Any) -> Any:
        done = taken(desk, path, **how)
        (path.parent / "done").mkdir()
        path.rename(path.parent / "done" / path.name)
        return done

    monkeypatch.setattr(halts, "import_halts", overtaken)
    watched.put("nyse.csv")

    assert [watched.round() for _ in range(3)] == [[], [], []]
    assert not (watched.inbox / "broken").exists()


def test_a_due_source_is_asked_and_taken_in_the_same_round(fetching: Watched) -> None:
    fetching.answers = [(SAVED / "nyse.csv").read_bytes()]

    assert fetching.round() == ["feed_taken"]
    assert [fetching.round() for _ in range(10)] == [[]] * 10
    assert fetching.asked == 1
    assert fetching.round(300) == []  # asked again, and nothing has changed
    assert (fetching.asked, fetching.books()) == (2, 1)


def test_a_source_that_fails_is_said_once_and_again_when_it_is_back(fetching: Watched) -> None:
    good = (SAVED / "nyse.csv").read_bytes()
    fetching.answers = [FetchProblem("the server answers 503"), FetchProblem("the server answers"
                        " 503"), FetchProblem("the server answers 403"), good]  # fmt: skip

    assert [fetching.round(3600) for _ in range(5)] == [
        ["fetch_failed"], [], ["fetch_failed"], ["fetch_back", "feed_taken"], [],
    ]  # fmt: skip


def test_trouble_with_the_database_is_said_once_and_a_round_goes_on(watched: Watched) -> None:
    class Gone:
        def begin(self) -> Any:
            raise DatabaseProblem("the database is gone")

        reading = begin

    watched.round()
    there = watched.feeds.database
    watched.feeds.database = cast("Any", Gone())
    watched.put("nyse.csv")
    said = [watched.round() for _ in range(4)]
    watched.feeds.database = there

    assert said == [[], ["feeds_trouble"], [], []]
    assert watched.round() == ["feed_taken", "feeds_back"]


def test_nothing_is_begun_when_it_is_time_to_stop(watched: Watched) -> None:
    watched.put("nyse.csv")
    watched.feeds.stopping = lambda: True
    assert [watched.round() for _ in range(3)] == [[], [], []]


def test_no_round_waits_for_a_slow_source_and_none_is_asked_twice_at_once(
    fetching: Watched,
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    answers: Callable[[Request], Answer] = fetching.ask

    def slow(request: Request) -> Answer:
        begun.set()
        go_on.wait()
        return answers(request)

    fetching.answers = [(SAVED / "nyse.csv").read_bytes()]
    fetching.feeds.ask, fetching.feeds.background = slow, True
    assert fetching.round() == []
    begun.wait()
    assert [fetching.round(300) for _ in range(3)] == [[], [], []]
    go_on.set()
    fetching.service.close()

    assert fetching.asked == 1
    assert [event for event, _ in fetching.said] == ["feed_taken"]

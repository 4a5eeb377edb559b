"""Feeds that are fetched: into the inbox in whole or not at all, remembered, fresh and stale."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from outreach import ingest
from outreach.feeds import calendar_file
from outreach.ingest.fetch import (
    Fetched,
    Place,
    due_sources,
    fetch_sources,
    seen,
    shown_address,
    states_of,
    watch_of,
)
from outreach.ingest.halts import calendars_of
from outreach.project.feed_config import HaltFeed, HaltSource
from outreach.store import calendars, facts
from outreach.store.database import Database
from tests.feeds.halts.feed_server import Feed, Reply, serving

SHANGHAI = ZoneInfo("Asia/Shanghai")
ROW = {"zqdm": "300096", "zqjc": "ST易联众", "tpkssj": "2026-09-24 开市",
       "fpkssj": "2026-09-28 开市", "tpsj": "1天", "tpyy": "重大事项"}  # fmt: skip


def answer(*rows: dict[str, str], **about: int) -> bytes:
    told = {"pageno": 1, "pagecount": 1, "recordcount": len(rows), **about}
    return json.dumps([{"metadata": told, "data": rows}], ensure_ascii=False).encode()


WHOLE = Reply(answer(ROW), headers={"ETag": '"a"'})


SOURCE = HaltSource(name="szse", form="szse", url="http://x/")


@dataclass
class Room:
    """A desk with a clock that is set by hand, an inbox, and one source."""

    desk: ingest.Desk
    folder: Path
    now: datetime = datetime(2026, 9, 24, 1, 0, tzinfo=UTC)  # 9:00 in Shanghai
    source: HaltSource = SOURCE
    pauses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk = replace(self.desk, clock=lambda: self.now)
        kept, inbox = self.folder / "kept", self.folder / "inbox"
        self.place = Place(self.desk, inbox, kept, self.folder, pause=self.pauses.append)

    def at(self, text: str) -> None:
        self.now = datetime.fromisoformat(f"2026-{text}+08:00").astimezone(UTC)

    def fetch(self, feed: Feed, **how: Any) -> Fetched:
        changes = {"url": feed.url + "/halts?key={secret}", "timeout_seconds": 5.0, **how}
        self.source = self.source.model_copy(update=changes)
        (done,) = fetch_sources(self.place, [self.source])
        return done

    def take(self) -> list[dict[str, int]]:
        """Take the inbox in; the alerts of each file."""
        feed = HaltFeed(sources=(self.source,))
        put = ingest.import_inbox(self.desk, self.place.inbox, keep=self.place.kept, feed=feed)
        taken = [one.imported for one in put]
        assert None not in taken
        return [dict(one.alerts) for one in taken if one is not None]

    def waiting(self) -> list[str]:
        inbox = self.place.inbox
        return (
            sorted(one.name for one in inbox.iterdir() if one.is_file()) if inbox.exists() else []
        )

    def fresh(self) -> str:
        with self.desk.database.reading() as conn:
            as_of = facts.halts_as_of(conn, ["XSHE"])
        return f"{as_of.astimezone(SHANGHAI):%m-%d %H:%M}" if as_of else "unknown"

    def stands(self) -> str:
        state = states_of(self.desk).get(self.source.name)
        return watch_of(self.source, calendars_of(self.desk)).standing(seen(state), self.now)


@pytest.fixture
def room(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    monkeypatch.setenv("OUTREACH_SECRET_SZSE", "k-1/2")
    shipped = calendar_file.shipped()
    with database.begin() as tx:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        calendars.save(tx, shipped.coverage, shipped.days, entered_by="clerk", entered_at=now)
    desk = ingest.Desk(database, tmp_path / "rejects", "clerk", lambda: datetime.now(UTC))
    return Room(desk, tmp_path)


def test_what_was_fetched_is_a_file_of_the_inbox_and_as_old_as_its_request(room: Room) -> None:
    with serving(WHOLE) as feed:
        done = room.fetch(feed, headers={"Referer": "https://www.szse.cn/"})

    assert (done.outcome, room.waiting()) == ("new", ["szse@20260924T010000Z.json"])
    assert done.file is not None
    assert done.file.read_bytes() == WHOLE.body
    assert feed.asked[0][0] == "/halts?key=k-1%2F2"
    assert feed.asked[0][1]["Referer"] == "https://www.szse.cn/"
    assert room.fresh() == "unknown"  # nothing counts before it is taken in
    assert room.take() == [{"halted": 1}]
    assert (room.fresh(), room.stands()) == ("09-24 09:00", "ok")


def test_what_did_not_change_is_not_taken_again_and_keeps_its_market_fresh(room: Room) -> None:
    with serving(WHOLE, Reply(status=304), WHOLE) as feed:
        room.fetch(feed)
        room.take()
        for minute in (5, 10):
            room.at(f"09-24T09:{minute:02}")
            assert room.fetch(feed) == Fetched("szse", "unchanged")
            assert room.fresh() == f"09-24 09:{minute:02}"

    assert room.waiting() == []
    assert [headers.get("If-None-Match") for _, headers in feed.asked] == [None, '"a"', '"a"']
    assert states_of(room.desk)["szse"].changed_at == datetime(2026, 9, 24, 1, 0, tzinfo=UTC)


def test_the_same_answer_after_a_planned_end_tells_that_it_was_kept(room: Room) -> None:
    with serving(WHOLE, Reply(status=304)) as feed:
        room.fetch(feed)
        room.take()
        room.at("09-28T09:29")
        assert room.fetch(feed).file is None
        room.at("09-28T09:31")
        done = room.fetch(feed)
        assert (done.outcome, room.take()) == ("unchanged", [{"resumed": 1}])
        room.at("09-28T09:36")
        assert room.fetch(feed).file is None

    assert room.fresh() == "09-28 09:36"


def test_an_answer_that_still_waits_in_the_inbox_is_not_put_there_twice(room: Room) -> None:
    with serving(WHOLE) as feed:
        room.fetch(feed)
        room.at("09-24T09:05")
        room.fetch(feed)

    assert room.waiting() == ["szse@20260924T010000Z.json"]
    assert room.fresh() == "unknown"


def test_trouble_that_passes_is_tried_again_with_longer_and_longer_pauses(room: Room) -> None:
    with serving(Reply(status=500), Reply(answer(ROW)[:-9]), WHOLE) as feed:
        assert room.fetch(feed, url=feed.url + "/{page}").outcome == "new"

    assert room.pauses == [1.0, 2.0]


def test_a_source_that_fails_is_remembered_and_goes_stale_until_it_answers(room: Room) -> None:
    with serving(Reply(status=503)) as feed:
        for hour in range(9, 14):
            room.at(f"09-24T{hour:02}:00")
            done = room.fetch(feed, tries=1)
            assert (done.outcome, done.why) == ("failed", "the server answers 503")
    state = states_of(room.desk)["szse"]

    assert (state.failures, state.error, room.stands()) == (5, "the server answers 503", "stale")
    assert room.waiting() == []
    with serving(WHOLE) as feed:
        room.fetch(feed)
    assert states_of(room.desk)["szse"].failures == 0
    assert room.stands() == "ok"


@pytest.mark.parametrize(
    ("form", "body", "says"),
    [
        pytest.param("szse", answer(ROW)[:-2], "breaks off after 1 whole rows", id="half a JSON"),
        pytest.param("szse", answer(ROW, pagecount=2, recordcount=14), "page 1 of 2: 1 of 14 rows",
                     id="a page of two"),
        pytest.param("szse", b"<html>blocked</html>", "no valid JSON", id="a web page"),
        pytest.param("nyse", b"<html>blocked</html>", "web page or XML", id="instead of a CSV"),
        pytest.param("nyse", b"Symbol,Name\nA,B\n", "there is no column for", id="wrong columns"),
        pytest.param("nasdaq", b"<rss><channel><item></item>", "not whole", id="half an RSS"),
        pytest.param("szse", b"", "the file is empty", id="nothing"),
    ],
)  # fmt: skip
def test_what_is_not_whole_is_put_nowhere(room: Room, form: str, body: bytes, says: str) -> None:
    with serving(Reply(body)) as feed:
        done = room.fetch(feed, form=form)

    assert done.outcome == "failed"
    assert says in done.why
    assert str(room.folder) not in done.why
    assert room.waiting() == []
    assert states_of(room.desk)["szse"].digest == ""


def test_too_large_an_answer_is_refused(room: Room) -> None:
    with serving(Reply(b"x", announced=(1 << 20) + 1)) as feed:
        assert "larger than 1 MB" in room.fetch(feed, max_mb=1).why


def test_a_report_in_pages_is_one_file(room: Room) -> None:
    pages = {
        "/1": answer(ROW, pagecount=2, recordcount=2),
        "/2": answer({**ROW, "zqdm": "000016"}, pageno=2, pagecount=2, recordcount=2),
    }
    with serving(WHOLE) as feed:
        feed.by_path = lambda path: Reply(pages[path])
        assert room.fetch(feed, url=feed.url + "/{page}").outcome == "new"

    assert room.take() == [{"halted": 2}]
    assert room.fresh() == "09-24 09:00"


def test_two_processes_ask_a_source_once(room: Room) -> None:
    with serving(WHOLE) as feed:
        room.fetch(feed)
        before = states_of(room.desk)
        room.at("09-24T09:05")
        room.fetch(feed)
        room.at("09-24T09:06")
        late = replace(room.place, desk=room.desk)
        from outreach.ingest import fetch as verb

        done = verb._fetch_one(late, room.source, before["szse"], calendars_of(room.desk))

    assert done == Fetched("szse", "asked elsewhere")
    assert len(feed.asked) == 2


def test_the_day_of_an_address_is_that_of_the_market(room: Room) -> None:
    room.at("09-25T07:00")
    with serving(Reply(answer())) as feed:
        room.fetch(feed, url=feed.url + "/{day}")
        room.fetch(feed, url=feed.url + "/{day:%Y%m%d}", form="nasdaq")

    assert [path for path, _ in feed.asked] == ["/2026-09-25", "/20260924"]


def test_a_secret_is_asked_for_and_shown_nowhere(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OUTREACH_SECRET_SZSE")
    with serving(WHOLE) as feed:
        done = room.fetch(feed)

    assert done.why == "its secret is not there; set OUTREACH_SECRET_SZSE"
    assert feed.asked == []
    assert shown_address(HaltSource(name="a", form="szse", url="https://h/p?key=k")) == (
        "https://h/p?..."
    )


def test_only_what_is_due_is_asked_by_itself(room: Room) -> None:
    with serving(WHOLE) as feed:
        room.fetch(feed, every_minutes=5)
    soon, later = room.now + timedelta(minutes=4), room.now + timedelta(minutes=5)

    assert due_sources(room.desk, [room.source], soon) == []
    assert due_sources(room.desk, [room.source], later) == [room.source]

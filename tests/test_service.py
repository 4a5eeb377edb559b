"""What a service does in its rounds: files that change, clocks that differ, runs, and its end."""

import os
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from outreach.core.campaign import DailyAt
from outreach.core.model import Message, Outcome
from outreach.core.schedule import Once, SessionClose
from outreach.core.timetable import Here, timing
from outreach.core.trading_calendar import TradingCalendar
from outreach.core.words import State
from outreach.engine import local, steps
from outreach.service import Service
from outreach.service.definitions import Definitions
from outreach.service.live import RuleTrigger
from outreach.store.database import Database
from tests.fired_project import SHANGHAI, Fires, at, put_schedule
from tests.project.small_project import change, make_project
from tests.service_engine import opener
from tests.small_run import Gateway, client
from tests.store.client_book import add

DAILY = 'on = "daily"\nat = 10:00:00\nmax_late = "6h"'
NOTICE = "campaigns/notice.toml"


@dataclass
class Served:
    """A service on the small project; `now` is its clock, `said` what it said."""

    fires: Fires
    now: datetime = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 9:00 in Shanghai
    said: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    gateways: dict[str, Gateway] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.service = self.another("here:1:1")

    def another(self, owner: str, **more: Any) -> Service:
        """A further scheduler on the same database."""
        definitions = Definitions(self.fires.folder / "config.toml", self.say)
        engine = opener(
            self.fires.database, lambda: self.now, owner, self.gateways, self.stop.is_set
        )
        settings = {"trusts_clock": True, **more}
        return Service(
            self.fires.database, definitions, lambda: self.now, self.say, engine, **settings
        )

    def say(self, event: str, **facts: Any) -> None:
        self.said.append((event, facts))

    def at(self, moment: str) -> list[str]:
        """A round at a moment; the events it told of."""
        self.now, before = at(moment), len(self.said)
        self.service.round(self.now)
        return [event for event, _ in self.said[before:]]

    def sent(self) -> int:
        return sum(len(one.sent) for one in self.gateways.values())


@pytest.fixture
def served(database: Database, tmp_path: Path) -> Served:
    """The small project: a daily notice at 10:00, approved, and three clients."""
    fires = Fires(database, tmp_path)
    put_schedule(tmp_path, DAILY)
    fires.approve("2026-03-02 08:00")
    with database.begin() as tx:
        add(tx, [client(n) for n in (1, 2, 3)])
    return Served(fires)


def test_a_round_fires_and_sends_and_closes(served: Served) -> None:
    assert served.at("2026-03-02 09:00") == []
    assert served.at("2026-03-02 10:00") == ["opened", "worked"]
    assert served.at("2026-03-02 10:00:05") == []
    assert served.sent() == 3
    assert served.fires.rows() == [("2026-03-02", "finished", None)]


def test_where_workers_send_a_round_fires_and_hands_over(served: Served) -> None:
    handed: list[Any] = []
    served.service = served.another(
        "here:1:1", hand_over=lambda: handed.append(served.fires.rows())
    )
    served.at("2026-03-02 09:00")

    assert served.at("2026-03-02 10:00") == ["opened"]
    assert served.sent() == 0
    assert handed[-1] == [("2026-03-02", "planning", None)]


def test_held_messages_go_out_at_their_hour(served: Served) -> None:
    put_schedule(served.fires.folder, DAILY.replace("10:00:00", "22:00:00"))
    served.fires.approve("2026-03-02 09:00")
    served.at("2026-03-02 09:00")

    assert served.at("2026-03-02 22:00") == ["opened", "worked"]
    assert served.at("2026-03-03 07:59") == []
    assert served.sent() == 0
    assert served.at("2026-03-03 08:00") == ["worked"]
    assert served.sent() == 3


def test_what_is_urgent_goes_first(served: Served) -> None:
    urgent = 'urgent = true\nurgent_why = "x"\n'
    put_schedule(served.fires.folder, DAILY, name="second", more=urgent)
    served.fires.approve("2026-03-02 09:00", "second")
    served.at("2026-03-02 09:00")

    served.at("2026-03-02 10:00")

    assert [facts["campaign"] for event, facts in served.said if event == "opened"] == [
        "notice",
        "second",
    ]
    assert [facts["campaign"] for event, facts in served.said if event == "worked"] == [
        "second",
        "notice",
    ]


# --- files -----------------------------------------------------------------------------------


def test_a_broken_campaign_keeps_its_last_good_definition_and_says_so_once(
    served: Served,
) -> None:
    served.at("2026-03-02 09:00")
    change(served.fires.folder, NOTICE, 'purpose = "service"', 'purpose = "servise"')

    assert served.at("2026-03-02 09:30") == ["definition_broken"]
    assert "purpose" in served.said[-1][1]["problem"]
    assert served.at("2026-03-02 09:31") == []
    assert served.at("2026-03-02 10:00") == ["opened", "worked"]
    change(served.fires.folder, NOTICE, 'purpose = "servise"', 'purpose = "service"')
    assert served.at("2026-03-02 10:30") == ["definitions_sound"]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        pytest.param("config.toml", "[firm]", "[form]", id="config"),
        pytest.param("campaigns/segments.toml", '"status", is', '"stotus", is', id="segments"),
        pytest.param("templates/notice/sms.en.text.j2", "{{ topic }}", "{{ topic", id="template"),
        pytest.param(NOTICE, 'template = "notice"', 'template = "nothing"', id="reference"),
        pytest.param(NOTICE, "[schedule]", "[schedule", id="no TOML at all"),
    ],
)
def test_whatever_is_broken_the_last_good_definition_fires(
    served: Served, file: str, old: str, new: str
) -> None:
    served.at("2026-03-02 09:00")
    change(served.fires.folder, file, old, new)

    assert set(served.at("2026-03-02 09:30")) == {"definition_broken"}
    assert served.at("2026-03-02 10:00") == ["opened", "worked"]


def test_a_broken_campaign_does_not_keep_the_others_from_firing(served: Served) -> None:
    put_schedule(served.fires.folder, DAILY, name="second")
    served.fires.approve("2026-03-02 08:00", "second")
    change(served.fires.folder, NOTICE, 'purpose = "service"', 'purpose = "servise"')

    assert served.at("2026-03-02 09:00") == ["definition_broken"]
    served.at("2026-03-02 10:00")
    assert [facts["campaign"] for event, facts in served.said if event == "opened"] == ["second"]


def test_a_schedule_changed_while_serving_fires_by_its_new_hour(served: Served) -> None:
    served.at("2026-03-02 09:00")
    change(served.fires.folder, NOTICE, "10:00:00", "11:00:00")
    served.fires.approve("2026-03-02 09:30")

    assert served.at("2026-03-02 09:30") == ["definition_changed"]
    assert served.at("2026-03-02 10:30") == []
    assert served.at("2026-03-02 11:00") == ["opened", "worked"]


def test_a_campaign_whose_file_is_gone_fires_no_more(served: Served) -> None:
    served.at("2026-03-02 09:00")
    (served.fires.folder / NOTICE).unlink()

    assert served.at("2026-03-02 09:30") == ["definition_removed"]
    assert served.at("2026-03-02 10:00") == []


def test_a_file_only_touched_changes_nothing(served: Served) -> None:
    served.at("2026-03-02 09:00")
    os.utime(served.fires.folder / NOTICE, (1, 1))

    assert served.at("2026-03-02 09:30") == []


def test_what_blocks_a_firing_is_said_once(served: Served) -> None:
    served.at("2026-03-02 09:00")
    change(served.fires.folder, NOTICE, 'zh = "系统升级"', 'zh = "系统维护"')

    assert served.at("2026-03-02 10:00") == ["definition_changed", "blocked"]
    assert served.at("2026-03-02 10:00:05") == []
    served.fires.approve("2026-03-02 10:01")
    assert served.at("2026-03-02 10:01") == ["opened", "worked"]


# --- clocks, the dead, the end ---------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "fires"), [(1, True), (3, False), (-3, False)])
def test_nothing_is_fired_by_a_clock_that_differs_from_the_databases(
    served: Served, seconds: int, fires: bool
) -> None:
    if served.fires.database.sqlite:
        fires = True  # it has no clock but ours
    put_schedule(served.fires.folder, 'on = "daily"\nat = 00:00:00\nmax_late = "1d"')
    off = timedelta(seconds=seconds)
    service = served.another("here:1:2", trusts_clock=False)
    service.clock = lambda: datetime.now(UTC) + off

    service.round(datetime.now(UTC) - timedelta(days=1, hours=1))
    service.round(datetime.now(UTC))

    told = [event for event, _ in served.said]
    assert ("blocked" in told or "opened" in told) is fires
    assert told.count("clock_drift") == (0 if fires else 1)


def test_work_of_a_process_that_is_gone_is_taken_over(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(BaseException):
        pass

    def dies(_message: Message) -> Outcome | None:
        raise Gone

    served.at("2026-03-02 09:00")
    served.gateways["sms-file"].answer = dies
    with pytest.raises(Gone):
        served.at("2026-03-02 10:00")
    monkeypatch.setattr(steps, "gone", lambda owners: list(owners))
    served.service = served.another("here:2:2")

    assert "in_doubt_after_crash" in served.at("2026-03-02 10:00:10")
    assert served.sent() <= 3


def test_when_asked_to_stop_it_finishes_the_window_and_gives_the_rest_back(served: Served) -> None:
    with served.fires.database.begin() as tx:
        add(tx, [client(n) for n in range(4, 11)])
    served.at("2026-03-02 09:00")

    def asks(_message: Message) -> Outcome | None:
        served.stop.set()
        return None

    served.gateways["sms-file"].answer = asks

    served.at("2026-03-02 10:00")

    worked = served.said[-1][1]
    assert worked["messages"] == {State.ACCEPTED: 3, State.READY: 7}
    served.stop.clear()
    served.gateways["sms-file"].answer = lambda _message: None
    served.at("2026-03-02 10:00:05")
    assert served.said[-1][1]["messages"] == {State.ACCEPTED: 10}
    assert served.fires.rows() == [("2026-03-02", "finished", None)]


# --- the real scheduler ----------------------------------------------------------------------


def test_the_trigger_asks_the_rule() -> None:
    here = Here(SHANGHAI, "CN_A", {})
    schedule = DailyAt.model_validate({"on": "daily", "at": "10:00:00"})
    rule = timing(schedule, here)
    assert rule is not None
    trigger, now = RuleTrigger(rule), at("2026-03-02 10:00")

    first = trigger.get_next_fire_time(None, now)
    assert first == now
    assert trigger.get_next_fire_time(first, now) == at("2026-03-03 10:00")


def test_the_trigger_of_a_rule_that_is_over_or_unknown_never_fires() -> None:
    once = Once(at("2026-03-01 00:00").date(), at("2026-03-01 10:00").time(), SHANGHAI)
    unknown = SessionClose(TradingCalendar.of("CN_A", (), ()))

    assert RuleTrigger(once).get_next_fire_time(None, at("2026-03-02 10:00")) is None
    assert RuleTrigger(unknown).get_next_fire_time(None, at("2026-03-02 10:00")) is None


def test_serve_runs_until_it_is_asked_to_stop_and_ends_well(tmp_path: Path) -> None:
    make_project(tmp_path)
    put_schedule(tmp_path, DAILY)
    command = local.python_command("--config", str(tmp_path / "config.toml"))
    environment = {**os.environ, "OUTREACH_CLOCK": "2026-03-02T09:59:59+08:00"}
    subprocess.run([*command, "db", "upgrade"], env=environment, check=True, capture_output=True)
    lines = []
    with subprocess.Popen(
        [*command, "--json", "serve", "--every", "0.2"], env=environment,
        stderr=subprocess.PIPE, text=True,
    ) as serve:  # fmt: skip
        for line in serve.stderr or ():
            lines.append(line)
            if '"event":"serving"' in line:
                serve.send_signal(signal.SIGTERM)

    assert serve.returncode == 0
    assert '"event":"stopped"' in lines[-1]

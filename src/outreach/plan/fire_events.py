"""Fire what has happened: open the runs of events that wait to be told."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple

from outreach.core.campaign import Campaign, OnMarketEvent
from outreach.core.occurrence import Blocked
from outreach.core.words import Sentence
from outreach.plan.due import Due, Overtaken
from outreach.plan.event import Event
from outreach.plan.events import EVENTS
from outreach.plan.run import open_run
from outreach.project.definition import Definition, define
from outreach.project.load import Project
from outreach.store.database import Database

OVERTAKEN: Final = Sentence(
    "something changed while it was being opened; it is looked at again",
    "开启期间情况有变，将重新处理",
)


class Fired(NamedTuple):
    """What became of one firing. `blocked` ones are tried again; without `fires_at`, it is unknown
    whether the campaign fires at all."""

    campaign: str
    key: str | None
    fires_at: datetime | None
    outcome: Literal["opened", "known", "missed", "blocked"]
    run: int | None
    sentence: Sentence


def fire_events(
    database: Database, project: Project, chosen: Mapping[str, Campaign], now: datetime, actor: str
) -> list[Fired]:
    """Open the runs of every event campaign that has something to tell; say what was missed."""
    fired: list[Fired] = []
    for name, campaign in chosen.items():
        event = EVENTS.get(campaign.occurrence.kind)
        by_itself = campaign.enabled and isinstance(campaign.schedule, OnMarketEvent)
        if event is None or not by_itself:
            continue
        definition = define(project, name)
        for due, run, why in event.settle(database, definition, now):
            key, at = due.occurrence.key, due.occurrence.due_at
            fired.append(Fired(name, key, at, "missed", run, why.sentence))
        with database.reading() as conn:
            keys = event.pending(conn, definition, now)
        fired += [_fire_event(database, event, definition, key, now, actor) for key in keys]
    return fired


def _not_approved(campaign: str) -> Sentence:
    approve = f"outreach approve {campaign} --as USER"
    return Sentence(
        f"nobody has approved it as it stands: {approve}", f"当前版本尚未审批：{approve}"
    )


def _fire_event(
    database: Database, event: Event, definition: Definition, key: str, now: datetime, actor: str
) -> Fired:
    with database.reading() as conn:
        due = event.prepare(conn, definition, key, now)
    return opened(database, definition.campaign_id, key, due, now, actor)


def opened(
    database: Database, name: str, key: str, due: Due | Blocked, now: datetime, actor: str
) -> Fired:
    """Open the run of what was prepared, or say what stands in its way."""
    if isinstance(due, Blocked):
        return Fired(name, key, None, "blocked", None, due.sentence)
    if not due.values.approved:
        return Fired(name, key, None, "blocked", None, _not_approved(name))
    try:
        run, fresh = open_run(database, due, actor, now)
    except Overtaken:
        return Fired(name, key, None, "blocked", None, OVERTAKEN)
    outcome: Literal["opened", "known"] = "opened" if fresh else "known"
    said = Sentence(f"run {run} is opened", f"已开启批次 {run}")
    return Fired(name, key, due.occurrence.due_at, outcome, run, said)

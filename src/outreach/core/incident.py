"""An incident and what clients were told of it: steps in sequence, and which may follow which.

Every step holds all the facts it tells, so that it makes sense alone; the one before it is then
superseded. Nothing here guesses: a moment is refused when it cannot be right, never moved.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from outreach.core.words import Sentence, Spoken

State = Literal["open", "resolved", "closed", "withdrawn"]

# A clerk writes a time of day; one further off than this is a slip of the finger.
LONGEST_BACK: Final = timedelta(hours=72)
LONGEST_AHEAD: Final = timedelta(hours=24)
CLOCKS_AGREE: Final = timedelta(minutes=1)  # as far as the clocks of two machines ever do


class Kind(Spoken):
    """What a step does."""

    OPEN = "open", "the first notice", "首次通知"
    UPDATE = "update", "an update", "进展通知"
    RESOLVE = "resolve", "service is back", "恢复通知"
    AFTERCARE = "aftercare", "the message afterwards", "事后关怀"
    CORRECT = "correct", "a correction of the notice before", "更正通知"
    WITHDRAW = "withdraw", "every notice before is taken back", "撤回通知"


_KEY: Final = re.compile(r"(INC-\d{4}-\d{4,})\.([1-9]\d{0,3})")
KINDS: Final = {kind.value: kind for kind in Kind}
_FOLLOWS: Final[dict[State, frozenset[Kind]]] = {
    "open": frozenset({Kind.UPDATE, Kind.RESOLVE, Kind.CORRECT, Kind.WITHDRAW}),
    "resolved": frozenset({Kind.AFTERCARE, Kind.CORRECT}),
    "closed": frozenset(),
    "withdrawn": frozenset(),
}
_LEADS_TO: Final[dict[Kind, State]] = {
    Kind.OPEN: "open",
    Kind.UPDATE: "open",
    Kind.CORRECT: "open",
    Kind.RESOLVE: "resolved",
    Kind.AFTERCARE: "closed",
    Kind.WITHDRAW: "withdrawn",
}
_OVER: Final[dict[State, Sentence]] = {
    "open": Sentence(
        "it is not resolved yet; `outreach incident resolve` first",
        "尚未恢复，请先执行 outreach incident resolve",
    ),
    "resolved": Sentence(
        "it is resolved; if that was wrong `outreach incident correct`, for a new one"
        " `outreach incident open`",
        "已恢复；如恢复通知有误请用 outreach incident correct，新事件请用 outreach incident open",
    ),
    "closed": Sentence(
        "the message afterwards has gone; for a new incident `outreach incident open`",
        "事后关怀已发出；新事件请用 outreach incident open",
    ),
    "withdrawn": Sentence(
        "it was withdrawn; for another incident `outreach incident open`",
        "已撤回；其他事件请用 outreach incident open",
    ),
}


class Said(NamedTuple):
    """A text in both house languages, as a slot takes it. Empty: nothing is said."""

    zh: str = ""
    en: str = ""

    def in_(self, language: str) -> str:
        return self.zh if language.startswith("zh") else self.en


NOTHING: Final = Said()


@dataclass(frozen=True, slots=True)
class Facts:
    """What one step tells."""

    functions: tuple[str, ...]  # names of core.incident_words.FUNCTIONS, in their order
    started_at: datetime
    status: Said = NOTHING
    workaround: Said = NOTHING
    next_update_by: datetime | None = None
    resolved_at: datetime | None = None
    to_all: bool = False  # resolve and withdraw: also to those of the segment who got nothing yet


@dataclass(frozen=True, slots=True)
class Step:
    """One thing told, or to be told, about an incident."""

    sequence: int  # from 1
    kind: Kind
    facts: Facts
    campaign: str  # whose approved texts tell it
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident with its steps so far, in their order; there is always a first."""

    id: str  # INC-2026-0001
    segment: str
    steps: tuple[Step, ...]
    narrowed: bytes | None = None  # the segment as it stood, where it is not the campaign's own

    @property
    def last(self) -> Step:
        return self.steps[-1]

    @property
    def state(self) -> State:
        return _LEADS_TO[self.last.kind]

    def key(self, sequence: int) -> str:
        """The key of the occurrence in which a step is told: `INC-2026-0001.2`."""
        return occurrence_key(self.id, sequence)

    def step(self, sequence: int) -> Step | None:
        return next((step for step in self.steps if step.sequence == sequence), None)

    def after(self, sequence: int) -> Step | None:
        """The step that took the place of one."""
        return self.step(sequence + 1)


def incident_id(year: int, number: int) -> str:
    """How an incident is called: the year it began in, and its number in that year."""
    return f"INC-{year}-{number:04}"


def occurrence_key(number: str, sequence: int) -> str:
    """The key of the occurrence in which a step of an incident is told."""
    return f"{number}.{sequence}"


def from_key(key: str) -> tuple[str, int] | None:
    """(incident, sequence) of a key; None where it is no such key."""
    found = _KEY.fullmatch(key)
    return (found[1], int(found[2])) if found else None


class Refusal(NamedTuple):
    """Why a step may not be told. `repeated`: it is the step told last, typed once more."""

    code: Literal["repeated", "order", "time", "missing", "nothing_new", "already_open"]
    sentence: Sentence


def same_opening(facts: Facts, segment: str, others: Sequence[Incident]) -> Incident | None:
    """The incident that was opened with the same words and has not gone on since."""
    told = (facts, segment)
    return next(
        (one for one in others if len(one.steps) == 1 and (one.last.facts, one.segment) == told),
        None,
    )


def may_open(
    facts: Facts, others: Sequence[Incident], now: datetime, *, another: bool = False
) -> Refusal | None:
    """Why an incident may not be opened; `others` are those not resolved yet.

    Two people on duty type at the same time, so one that touches the functions of an open one is
    refused unless it is said to be `another`.
    """
    for other in others:
        if another or not set(facts.functions) & set(other.last.facts.functions):
            continue
        known = ", ".join(other.last.facts.functions)
        return _refusal(
            "already_open",
            f"{other.id} is open for {known}; write `outreach incident update {other.id}`, or add"
            " --another when it is something else",
            f"{other.id}（{known}）尚未恢复，请用 outreach incident update {other.id}；"
            "确属另一事件请加 --another",
        )
    return _times(facts, now) or _promised(facts, Kind.OPEN)


def may_follow(incident: Incident, kind: Kind, facts: Facts, now: datetime) -> Refusal | None:
    """Why a step may not follow on an incident's last one."""
    last = incident.last
    if kind is last.kind and facts == last.facts:
        return _refusal(
            "repeated",
            f"{incident.key(last.sequence)} says this already",
            f"{incident.key(last.sequence)} 已包含此内容",
        )
    if kind not in _FOLLOWS[incident.state]:
        over = _OVER[incident.state]
        return Refusal("order", Sentence(f"{incident.id}: {over.en}", f"{incident.id}：{over.zh}"))
    if facts == last.facts and kind in (Kind.UPDATE, Kind.CORRECT):
        return _refusal(
            "nothing_new",
            f"{incident.id}: this says what was said last; write what has changed, or a later"
            " --next-update",
            f"{incident.id}：内容与上一通知相同；请写明变化，或更新 --next-update",
        )
    if now < last.at - CLOCKS_AGREE:
        return _refusal(
            "time",
            f"{incident.id}: its last step was told later than now; look at this machine's clock",
            f"{incident.id}：上一步骤的时间晚于当前时间，请检查本机时钟",
        )
    return _times(facts, now) or _promised(facts, kind)


def _promised(facts: Facts, kind: Kind) -> Refusal | None:
    """An open incident always says when clients hear again, a resolved one since when it is."""
    state = _LEADS_TO[kind]
    if state == "open" and facts.next_update_by is None:
        return _refusal(
            "missing",
            "it does not say when clients hear again; add --next-update HH:MM",
            "未写明下次通知时间，请加 --next-update HH:MM",
        )
    if kind is Kind.RESOLVE and facts.resolved_at is None:
        return _refusal(
            "missing",
            "it does not say since when service is back; add --at HH:MM",
            "未写明恢复时间，请加 --at HH:MM",
        )
    return None


def _times(facts: Facts, now: datetime) -> Refusal | None:
    started, back, again = facts.started_at, facts.resolved_at, facts.next_update_by
    if started > now:
        return _when("--started", "is in the future", "晚于当前时间")
    if now - started > LONGEST_BACK and back is None:
        return _when("--started", "is more than three days ago", "早于三天前")
    if back is not None and back > now:
        return _when(
            "--at", "is in the future; tell it when it is so", "晚于当前时间，请在恢复后通知"
        )
    if back is not None and back < started:
        return _when("--at", "is before the incident began", "早于事件开始时间")
    if again is not None and again <= now:
        return _when("--next-update", "has passed", "已过")
    if again is not None and again - now > LONGEST_AHEAD:
        return _when("--next-update", "is more than a day ahead", "晚于一天之后")
    return None


def _when(option: str, en: str, zh: str) -> Refusal:
    more = Sentence(
        "write HH:MM of today, or YYYY-MM-DDTHH:MM", "请写当日 HH:MM，或 YYYY-MM-DDTHH:MM"
    )
    return _refusal("time", f"{option} {en}; {more.en}", f"{option} {zh}；{more.zh}")


def _refusal(
    code: Literal["repeated", "order", "time", "missing", "nothing_new", "already_open"],
    en: str,
    zh: str,
) -> Refusal:
    return Refusal(code, Sentence(en, zh))


# --- what a step tells, from what was told before ----------------------------------------------


def next_facts(
    incident: Incident,
    kind: Kind,
    *,
    functions: tuple[str, ...] | None = None,
    started_at: datetime | None = None,
    status: Said | None = None,
    workaround: Said | None = None,
    next_update_by: datetime | None = None,
    resolved_at: datetime | None = None,
    to_all: bool = False,
) -> Facts:
    """The facts of a step: what is given now, and for the rest what was told last. What was said of
    an open incident's state does not outlive it. Typed again, a step gives the same facts again."""
    before = incident.last.facts
    if _LEADS_TO[kind] != "open":
        before = replace(before, status=NOTHING, workaround=NOTHING)
    again = next_update_by if _LEADS_TO[kind] == "open" else None
    back = resolved_at if kind is Kind.RESOLVE else None
    if kind is Kind.AFTERCARE:
        back = before.resolved_at
    return Facts(
        before.functions if functions is None else functions,
        before.started_at if started_at is None else started_at,
        before.status if status is None else status,
        before.workaround if workaround is None else workaround,
        again,
        back,
        to_all,
    )


def expires_at(incident: Incident, step: Step, grace: timedelta, useful: timedelta) -> datetime:
    """When a step is stale: at the next step, or so long after clients should have heard again, or
    after it has been of use so long where it promised nothing more."""
    again, following = step.facts.next_update_by, incident.after(step.sequence)
    by_itself = step.at + useful if again is None else again + grace
    if following is None or following.kind is Kind.AFTERCARE:  # which repeats what was told last
        return by_itself
    return min(by_itself, following.at)


# --- times as a clerk types them ---------------------------------------------------------------


def moment_near(hour: int, minute: int, now: datetime) -> datetime:
    """The moment of a time of day that lies nearest to `now`, on its clock: at ten past midnight,
    23:50 was yesterday. Whether it may be past or to come is for the rules to say."""
    today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    around = (today - timedelta(days=1), today, today + timedelta(days=1))
    return min(around, key=lambda at: abs(at - now))

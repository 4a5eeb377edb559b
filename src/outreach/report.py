"""Reading back: why one client got, or did not get, a campaign's message."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping

from outreach.core import sources
from outreach.core.alert import Reach
from outreach.core.client_event import client_event
from outreach.core.doubt import CODES
from outreach.core.halt_lines import CONCERNS, EVENT_WORDS, NOT_CONCERNED
from outreach.core.model import ALLOW, CampaignFacts, Candidate, Defer, Facts
from outreach.core.policy import explain as ask_gates
from outreach.core.policy import gates_for
from outreach.core.recorded import RecordedChannel, recorded
from outreach.core.run_values import RunValues
from outreach.core.segment import describe
from outreach.core.words import REASONS, STATES, Reason, Sentence, State
from outreach.project.definition import Definition, redefine
from outreach.store import books, runs, sendlog
from outreach.store.affected import affected
from outreach.store.history import history
from outreach.store.sources import Span
from outreach.store.told import Told, code_of, told_to

NOT_IN_AUDIENCE, NOT_DECIDED = "not_in_audience", "not_decided_yet"

_OUTSIDE = Sentence(
    "The client is not in the run's audience: the segment did not take the client in when the run"
    " was planned.",
    "该客户不在本期目标客群中（以计划时的客户资料为准）。",
)
_REPEATED = Sentence(
    "Nor is a client whom the campaign reached within the last {} days.",
    "{}天内已收到本活动信息的客户也不在其中。",
)
_OTHERWISE = Sentence(
    " A halt concerned the client; another condition of the segment left the client out, or an"
    " earlier run had told the client.",
    "停牌信息与该客户有关，但客户不满足客群的其他条件，或此前批次已告知该客户。",
)
_REPLACED = Sentence(" Run {} took its place.", "由批次 {} 取代。")
_PENDING = Sentence(
    "The run is still being planned and has not come to this client.",
    "本期仍在计划中，尚未处理到该客户。",
)
_CHANGED = Sentence(
    " The rule has changed since; this is the recorded verdict.",
    "规则此后已变更，此处为当时记录的结论。",
)
# The best that happened on any channel is what came of the candidate.
_BEST = (
    State.DELIVERED, State.ACCEPTED, State.SENDING, State.READY, State.HELD, State.IN_DOUBT,
    State.UNDELIVERED, State.FAILED, State.EXPIRED, State.CANCELLED, State.SUPPRESSED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate's answer on one channel."""

    channel: str
    gate: str
    verdict: str  # allow | defer | suppress
    reason: str | None
    until: datetime | None  # of a deferral
    facts: dict[str, object]
    sentence: str


@dataclass(frozen=True, slots=True)
class Explained:
    """Why a client got, or did not get, a campaign's message."""

    client: str
    campaign: str
    run: int
    occurrence: str
    outcome: str  # a message state, `not_in_audience` or `not_decided_yet`
    reason: str | None
    summary: str
    segment: str  # the segment in a sentence
    decided_at: datetime | None
    approval: dict[str, Any] | None
    policy_version: str
    gates: tuple[Gate, ...]
    messages: tuple[dict[str, Any], ...]  # addresses in full; masked where they are shown
    event: str | None = None  # of its clients that the run came after, and when it was
    because: tuple[
        dict[str, Any], ...
    ] = ()  # halts, and whether they concern the client by which book


def explain(
    conn: Connection,
    client_no: str,
    campaign: str,
    *,
    run_id: int | None,
    language: str,
    now: datetime,
) -> Explained | str:
    """Every gate with the facts it saw, from the stored decision of the latest run (or `run_id`).

    A sentence when there is no such client or run.
    """
    client_id = sendlog.client_id(conn, client_no)
    if client_id is None:
        return f"{client_no}: the client book has no such client"
    found = runs.that_decided(conn, campaign, client_id, run_id)
    if found is None and run_id is not None:
        return f"run {run_id} is no run of {campaign}; see `outreach runs`"
    if found is None:
        return f"{campaign}: has never run; `outreach preview` shows what it would do"
    parts = runs.parts(conn, found)
    definition = redefine(parts)
    stored = runs.decided(conn, found["id"], client_id)
    told = told_to(conn, found["id"], client_id, now)
    if stored is None:
        outcome, reason, summary = _undecided(found, definition, client_id, language)
    else:
        outcome, reason = _outcome(stored, told)
        summary = _summary(outcome, reason, language)
    if reason == Reason.SUPERSEDED and found["superseded_by"] is not None:
        summary += _REPLACED.in_(language).format(found["superseded_by"])
    values = RunValues.load(found["values"])
    outside, more = _outside(conn, outcome, values, client_id, language)
    policy = orjson.loads(parts["policy"].content)
    record = recorded(stored.facts, policy) if stored is not None else None
    seen, event = definition.facts(values), client_event(definition.campaign, values.day)
    return Explained(
        client=client_no,
        campaign=campaign,
        run=int(found["id"]),
        occurrence=found["occurrence"],
        outcome=outcome,
        reason=reason,
        summary=summary + more,
        segment=_audience(definition, values, language),
        event=event.sentence.in_(language) if event else None,
        decided_at=record.at if record else None,
        approval=_approval(conn, found),
        policy_version=parts["policy"].name,
        gates=tuple(
            gate
            for one in (record.channels if record else ())
            for gate in _gates(record.candidate, one, seen, record.at, language)  # type: ignore[union-attr]
        ),
        messages=tuple(_message(conn, one, language) for one in told),
        because=(_because(conn, values, record.because or (), language) if record else outside),
    )


def _audience(definition: Definition, values: RunValues, language: str) -> str:
    """The segment in a sentence, and what a run of an event asked for beside it."""
    sentence = describe(definition.segment, language)
    if not values.only:
        return sentence
    zh = language.startswith("zh")
    asked = ("；或" if zh else "; or ").join(sources.said(one).in_(language) for one in values.only)
    if zh:
        return f"{sentence.removesuffix('。')}；并且{asked}。"
    return f"{sentence} And only those who {asked}."


def _snapshots(
    conn: Connection, values: RunValues, numbers: Iterable[int]
) -> dict[int, tuple[datetime, str]]:
    """By snapshot, the moment it speaks of and its file. The moment is the one the run was opened
    with, for which the audit log answers."""
    kept = {by.book: by.as_of for one in values.alerts for by in one.reach if by.as_of}
    found = books.as_of(conn, numbers)
    return {number: (kept.get(number, as_of), file) for number, (as_of, file) in found.items()}


def _because(
    conn: Connection, values: RunValues, because: Sequence[Sequence[Any]], language: str
) -> tuple[dict[str, Any], ...]:
    """The halts the decision was made for, each with the snapshot that says whom it concerns."""
    if not because:
        return ()
    snapshots = _snapshots(conn, values, (one[4] for one in because))
    return tuple(_concern(one, snapshots[one[4]], language) for one in because)


def _outside(
    conn: Connection, outcome: str, values: RunValues, client_id: int, language: str
) -> tuple[tuple[dict[str, Any], ...], str]:
    """Of a client outside a run of halts: which of them concern the client all the same, with a
    sentence on that; else by which snapshots none does."""
    if outcome != NOT_IN_AUDIENCE:
        return (), ""
    alerts = tuple(
        replace(one, besides=(), reach=tuple(Reach(by.via, by.book) for by in one.reach))
        for one in values.alerts
    )
    if found := affected(conn, alerts, Span(client_id - 1, client_id)).of(client_id):
        concerns = [one.because(alerts) for one in found]
        return _because(conn, values, concerns, language), _OTHERWISE.in_(language)
    asked: dict[tuple[str, int], set[str]] = {}
    for alert in alerts:
        for reach in alert.reach:
            asked.setdefault((reach.via, reach.book), set()).add(alert.symbol)
    snapshots = _snapshots(conn, values, (book for _, book in asked))
    without = tuple(
        {
            "why": f"not_{via}",
            "symbols": sorted(symbols),
            "book": book,
            "as_of": snapshots[book][0],
            "file": Path(snapshots[book][1]).name,
            "sentence": NOT_CONCERNED[via]
            .in_(language)
            .format(book=book, symbol=", ".join(sorted(symbols))),
        }
        for (via, book), symbols in sorted(asked.items())
    )
    return without, ""


def _concern(
    stored: Sequence[Any], snapshot: tuple[datetime, str], language: str
) -> dict[str, Any]:
    halt_id, version, event, why, book, run = stored
    symbol = halt_id.split("-")[1] if "-" in halt_id else halt_id.partition(":")[2]
    says = CONCERNS[why, run is not None].in_(language)
    words = EVENT_WORDS[event]
    return {
        "halt": halt_id,
        "symbol": symbol,
        "version": version,
        "event": event,
        "why": why,
        "book": book,
        "as_of": snapshot[0],
        "file": Path(snapshot[1]).name,
        "told_by_run": run,
        "sentence": says.format(symbol=symbol, event=words.in_(language), book=book, run=run),
    }


def _undecided(
    found: RowMapping, definition: Definition, client_id: int, language: str
) -> tuple[str, None, str]:
    """Why a run has no decision on a client: not a candidate, or not reached yet."""
    if found["state"] == "planning" and client_id > found["cursor"]:
        return NOT_DECIDED, None, _PENDING.in_(language)
    words, days = _OUTSIDE.in_(language), definition.campaign.repeat_after_days
    if days is not None:
        words += ("" if language.startswith("zh") else " ") + _REPEATED.in_(language).format(days)
    return NOT_IN_AUDIENCE, None, words


def _gates(
    candidate: Candidate,
    stored: RecordedChannel,
    campaign: CampaignFacts,
    at: datetime,
    language: str,
) -> Iterator[Gate]:
    """The gates with the sentences they say today about the facts they saw then.

    The verdict is the stored one: rules may have changed since, the record has not.
    """
    route, hits = stored
    left = {hit.gate: hit for hit in hits}
    for one in ask_gates(Facts(candidate, route, campaign, at), gates_for(campaign.purpose)):
        hit = left.pop(one.gate, None)
        verdict, reason = (hit.verdict, hit.reason) if hit else ("allow", None)
        until = datetime.fromisoformat(hit.until) if hit and hit.until else None
        sentence = one.sentence.in_(language)
        if _named(one.verdict) != verdict:
            sentence += _CHANGED.in_(language)
        yield Gate(route.channel, one.gate, verdict, reason, until, one.facts, sentence)
    # What no gate of today knows: the text that could not be rendered, or a gate since removed.
    for hit in left.values():
        words = _reason_words(hit.reason, language)
        yield Gate(route.channel, hit.gate, hit.verdict, hit.reason, None, {}, words)


def _named(verdict: object) -> str:
    if verdict is ALLOW:
        return "allow"
    return "defer" if isinstance(verdict, Defer) else "suppress"


def _outcome(stored: Any, told: Sequence[Told]) -> tuple[str, str | None]:
    """What came of the candidate over all channels, and the reason where there is one."""
    if not told:
        return State.SUPPRESSED.value, stored.reason
    best = min(told, key=lambda one: _BEST.index(one.state))
    if reason := code_of(best):
        return best.state.value, reason
    return best.state.value, stored.reason if best.state is State.HELD else None


def _summary(outcome: str, reason: str | None, language: str) -> str:
    state, zh = STATES[outcome].sentence.in_(language), language.startswith("zh")
    if reason is None:
        return f"信息状态：{state}。" if zh else f"The message {state}."
    if reason not in REASONS:  # a provider's code, or one of a doubt
        why = _reason_words(reason, language)
        return f"信息状态：{state}（{why}）。" if zh else f"The message {state} ({why})."
    known = REASONS[reason]
    if zh:
        return f"信息状态：{state}；原因：{known.sentence.zh}。处理：{known.remedy.zh}。"
    return f"The message {state}: {known.sentence.en}. What to do: {known.remedy.en}."


def _reason_words(reason: str, language: str) -> str:
    if reason in CODES:
        return CODES[reason].in_(language)
    return REASONS[reason].sentence.in_(language) if reason in REASONS else reason


def _approval(conn: Connection, found: RowMapping) -> dict[str, Any] | None:
    """Who approved what the run was made from."""
    row = runs.approval_numbered(conn, found["approval_id"])
    if row is None:
        return None
    return {"id": row["id"], "by": row["actor"], "at": row["at"], "digest": row["digest"]}


def _message(conn: Connection, one: Told, language: str) -> dict[str, Any]:
    row, last = one.message, one.last
    code = code_of(one)
    return {
        "message": row.id,
        "channel": row.channel,
        "address": row.address,
        "locale": row.locale,
        "state": one.state.value,
        "sentence": one.state.sentence.in_(language),
        "code": code,
        "why": _reason_words(code, language),
        "detail": last.detail if last else "",
        "at": last.at if last else None,
        "held_until": one.due_at if one.state is State.HELD else None,
        "sms_parts": row.sms_parts,
        "provider_ref": last.provider_ref if last else "",
        "content_digest": row.content_digest.hex(),
        "bytes_digest": last.digest.hex() if last else "",
        "sender": row.sender or "",
        "history": [was._asdict() for was in history(conn, row)],
    }

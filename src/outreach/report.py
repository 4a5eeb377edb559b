"""Reading back: the send log, and why one client got what he got."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping

from outreach.core.model import ALLOW, CampaignFacts, Candidate, Defer, Facts, Route
from outreach.core.occurrence import Occurrence
from outreach.core.policy import explain as ask_gates
from outreach.core.policy import gates_for
from outreach.core.run_values import RunValues
from outreach.core.segment import describe
from outreach.core.words import REASONS, STATES, Channel, Reason, State
from outreach.project.definition import Definition, redefine
from outreach.store import facts, runs, sendlog


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate's answer on one channel."""

    channel: str
    gate: str
    verdict: str  # allow | defer | suppress
    reason: str | None
    facts: dict[str, object]
    sentence: str


@dataclass(frozen=True, slots=True)
class Explained:
    """Why a client got, or did not get, a campaign's message."""

    client: str
    campaign: str
    run: int | None
    occurrence: str | None
    outcome: str  # a message state, `suppressed`, or `not_in_audience`
    summary: str
    segment: str  # the segment in a sentence
    decided_at: datetime | None
    approval: dict[str, Any] | None
    policy_version: str | None
    gates: tuple[Gate, ...]
    messages: tuple[dict[str, Any], ...]


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

    A sentence when there is no such client or the campaign never ran.
    """
    known = facts.client_numbered(conn, client_no, ["id"])
    if known is None:
        return f"{client_no}: the client book has no such client"
    client_id = known[0]
    found = runs.that_decided(conn, campaign, client_id, run_id)
    if found is None:
        return f"{campaign}: has never run; `outreach preview` shows what it would do"
    definition = redefine(runs.parts(conn, found))
    stored = runs.decided(conn, found["id"], client_id)
    segment = describe(definition.segment, language)
    head = (client_no, campaign, int(found["id"]), found["occurrence"])
    if stored is None:
        zh = language.startswith("zh")
        why = "该客户不在本期目标客群中。" if zh else "The client is not in the run's audience."
        return Explained(*head, "not_in_audience", why, segment, None, None, None, (), ())
    stamp, candidate, routes = orjson.loads(stored.facts)
    decided_at = datetime.fromtimestamp(stamp, UTC)
    values = RunValues.load(found["values"])
    seen = _campaign(definition, values)
    gates = tuple(
        gate
        for route, hits in routes
        for gate in _gates(_candidate(candidate), route, hits, seen, decided_at, language)
    )
    told = sendlog.told(conn, found["id"], client_id, now)
    outcome = _outcome(stored.verdict, [one.state for one in told])
    return Explained(
        *head,
        outcome,
        _summary(outcome, stored.reason, language),
        segment,
        decided_at,
        _approval(conn, found),
        runs.parts(conn, found)["policy"].name,
        gates,
        tuple(_message(one) for one in told),
    )


def _campaign(definition: Definition, values: RunValues) -> CampaignFacts:
    occurrence = Occurrence(values.key, values.due_at, values.expires_at)
    return definition.facts(occurrence, approved=values.approved, halts_as_of=values.halts_as_of)


def _candidate(stored: list[Any]) -> Candidate:
    expires = stored[Candidate._fields.index("assessment_expires_on")]
    fields = Candidate._make(stored)
    return fields._replace(assessment_expires_on=date.fromisoformat(expires) if expires else None)


_MOMENTS = [
    at for at, name in enumerate(Route._fields) if name.endswith("_on") or name == "granted_until"
]


def _route(stored: list[Any]) -> Route:
    values = list(stored)
    for at in _MOMENTS:
        values[at] = datetime.fromisoformat(values[at]) if values[at] else None
    return Route(Channel(values[0]), *values[1:])


def _gates(
    candidate: Candidate,
    stored: list[Any],
    hits: list[list[Any]],
    campaign: CampaignFacts,
    at: datetime,
    language: str,
) -> Iterator[Gate]:
    """The gates with the sentences they say today about the facts they saw then.

    The verdict is the stored one: rules may have changed since, the record has not.
    """
    route = _route(stored)
    recorded = {hit[0]: hit for hit in hits}
    for one in ask_gates(Facts(candidate, route, campaign, at), gates_for(campaign.purpose)):
        hit = recorded.pop(one.gate, None)
        verdict, reason = (hit[1], hit[2]) if hit else ("allow", None)
        sentence = one.sentence.in_(language)
        today = "allow" if one.verdict is ALLOW else (
            "defer" if isinstance(one.verdict, Defer) else "suppress"
        )  # fmt: skip
        if today != verdict:
            sentence += " (the rule has changed since: this is the recorded verdict)"
        yield Gate(route.channel, one.gate, verdict, reason, one.facts, sentence)
    for gate, verdict, reason, _ in recorded.values():
        words = REASONS[reason].sentence.in_(language)
        yield Gate(route.channel, gate, verdict, reason, {}, words)


def _outcome(verdict: str, states: list[State]) -> str:
    if verdict == "suppress" or not states:
        return State.SUPPRESSED
    order = (
        State.DELIVERED,
        State.ACCEPTED,
        State.SENDING,
        State.READY,
        State.HELD,
        State.IN_DOUBT,
    )
    return next((state for state in order if state in states), states[0])


def _summary(outcome: str, reason: str | None, language: str) -> str:
    words = STATES[outcome].sentence.in_(language)
    zh = language.startswith("zh")
    if reason is None:
        return f"信息状态：{words}。" if zh else f"The message {words}."
    why: Reason = REASONS[reason]
    if zh:
        return f"信息状态：{words}；原因：{why.sentence.zh}。处理：{why.remedy.zh}。"
    return f"The message {words}: {why.sentence.en}. What to do: {why.remedy.en}."


def _approval(conn: Connection, found: RowMapping) -> dict[str, Any] | None:
    """Who approved what the run was made from."""
    row = runs.approval_numbered(conn, found["approval_id"])
    if row is None:
        return None
    return {"id": row["id"], "by": row["actor"], "at": row["at"], "digest": row["digest"]}


def _message(one: Any) -> dict[str, Any]:
    row, last = one.row, one.last
    return {
        "message": row.id,
        "channel": row.channel,
        "address": row.address,
        "locale": row.locale,
        "state": one.state,
        "code": last.code if last else "",
        "at": last.at if last else None,
        "held_until": row.not_before if one.state == State.HELD else None,
        "provider_ref": last.provider_ref if last else "",
        "content_digest": row.content_digest.hex(),
        "bytes_digest": last.digest.hex() if last else "",
    }

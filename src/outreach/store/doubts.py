"""Messages in doubt and what people settled about them: each step is a row that nobody changes.

A verdict changes no fact: its outcomes stand in windows of their own, beside the doubt, as late
words of a sender do. A message that is to go again waits in the table of retries like any other.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final, NamedTuple
from uuid import uuid4

import orjson
from sqlalchemy import Connection, Row, insert, select

from outreach.core.doubt import Action, Proposal, Step, Verdict, outcome_of
from outreach.core.model import Outcome
from outreach.core.words import State
from outreach.store import audit
from outreach.store.audit import Entry
from outreach.store.covered import cover
from outreach.store.database import add_counts, allocate, append
from outreach.store.tables import client, doubt_step, message, outcome, receipt, retry, run, window
from outreach.store.windows import OUTCOME_COLUMNS, outcome_rows

_COLUMNS: Final = tuple(column.name for column in doubt_step.columns)
_WORDS: Final[dict[Action, str]] = {
    "propose": "proposed",
    "confirm": "confirmed",
    "withdraw": "withdrawn",
}


class Doubt(NamedTuple):
    """A message that may or may not have gone out, and nobody has said which."""

    run: int
    campaign: str
    message: int
    channel: str
    address: str  # in full; masked where it is shown
    sender: str
    handed_at: datetime  # when its window was begun: where to look in a provider's list
    since: datetime  # when it was found to be in doubt
    code: str
    said: str  # what the sender said last, or why it said nothing
    window: int
    content_digest: bytes  # of its text as planned
    client: str | None = None  # the client's number; None for one who is no longer in the book


def listed(conn: Connection, run_id: int) -> list[Doubt]:
    """The messages of a run in doubt, by number."""
    again, after = window.alias(), outcome.alias()
    later = (
        select(after.c.message_id)
        .join(again, again.c.id == after.c.window_id)
        .where(
            again.c.run_id == run_id,
            again.c.id > window.c.id,
            # Outcomes are found by their windows: there is no search by message.
            again.c.first_id <= outcome.c.message_id,
            again.c.last_id >= outcome.c.message_id,
            after.c.message_id == outcome.c.message_id,
        )
        .correlate(window, outcome)
    )
    heard = select(receipt.c.id).where(receipt.c.message_id == outcome.c.message_id)
    query = (
        select(
            run.c.id, run.c.campaign, message.c.id, message.c.channel, message.c.address,
            window.c.sender, window.c.intent_at, outcome.c.at, outcome.c.code, outcome.c.detail,
            window.c.id, message.c.content_digest, client.c.client_no,
        )
        .select_from(window)
        .join(run, run.c.id == window.c.run_id)
        .join(outcome, outcome.c.window_id == window.c.id)
        .join(message, message.c.id == outcome.c.message_id)
        .outerjoin(client, client.c.id == message.c.client_id)
        .where(window.c.run_id == run_id, outcome.c.state == State.IN_DOUBT, ~later.exists())
        .where(~heard.correlate(outcome).exists())
        .order_by(message.c.id)
    )  # fmt: skip
    return [Doubt._make(row) for row in conn.execute(query)]


# --- proposals -------------------------------------------------------------------------------


def proposals(conn: Connection, run_id: int) -> list[Proposal]:
    """Every proposal about a run, oldest first."""
    where = doubt_step.c.run_id == run_id
    rows: dict[int, list[Row[Any]]] = {}
    for row in conn.execute(select(doubt_step).where(where).order_by(doubt_step.c.id)):
        rows.setdefault(row.proposal_id, []).append(row)
    return [_proposal(steps) for steps in rows.values()]


def _proposal(rows: Sequence[Row[Any]]) -> Proposal:
    first = rows[0]
    return Proposal(
        id=first.proposal_id,
        run=first.run_id,
        verdict=Verdict(first.verdict),
        messages=tuple(orjson.loads(first.messages)),
        why=first.why,
        steps=tuple(Step(row.action, row.actor, row.at) for row in rows),
    )


def hold(tx: Connection, run_id: int) -> str | None:
    """The state of a run, while others who settle its doubts wait until this transaction ends;
    None when there is no such run."""
    query = select(run.c.state).where(run.c.id == run_id).with_for_update()
    return tx.execute(query).scalar_one_or_none()


def propose(
    tx: Connection,
    run_id: int,
    verdict: Verdict,
    messages: Sequence[int],
    why: str,
    actor: str,
    at: datetime,
) -> Proposal:
    """Record what somebody says became of messages; it changes nothing until it is confirmed.

    The step is logged in the same transaction, so this comes last in it.
    """
    number = allocate(tx, "doubt_step", 1)
    step = Step("propose", actor, at)
    made = Proposal(number, run_id, verdict, tuple(sorted(messages)), why, (step,))
    audit.append(tx, [_add_step(tx, made, step, made.messages, number)])
    return made


def withdraw(tx: Connection, proposal: Proposal, actor: str, at: datetime) -> None:
    """Record that a proposal is taken back; its messages stay in doubt."""
    number = allocate(tx, "doubt_step", 1)
    audit.append(tx, [_add_step(tx, proposal, Step("withdraw", actor, at), (), number)])


def _add_step(
    tx: Connection, proposal: Proposal, step: Step, messages: Sequence[int], number: int
) -> Entry:
    row = (
        number, proposal.id, proposal.run, step.action, proposal.verdict.value,
        orjson.dumps(list(messages)), proposal.why, step.actor, step.at,
    )  # fmt: skip
    append(tx, doubt_step, _COLUMNS, [row])
    detail = {
        "proposal": proposal.id,
        "verdict": proposal.verdict.value,
        "messages": len(messages),
        "why": proposal.why,
    }
    covered = cover(doubt_step, _COLUMNS, [row])
    subject = f"run {proposal.run}"
    return Entry(step.at, f"doubt.{_WORDS[step.action]}", step.actor, subject, detail, covered)


# --- confirming ------------------------------------------------------------------------------


def confirm(tx: Connection, proposal: Proposal, actor: str, at: datetime) -> list[int]:
    """Let a proposal count: its outcomes are appended, and what is to go again waits for its turn.

    Returns the messages it settled. One that is no longer in doubt is left alone. Call `hold`
    before. The log comes last in the transaction, so nothing may follow in it.
    """
    _lock(tx, proposal)
    chosen = set(proposal.messages)
    doubts = [one for one in listed(tx, proposal.run) if one.message in chosen]
    if proposal.verdict is Verdict.RESEND and doubts:
        rows = [
            {"message_id": one.message, "run_id": one.run, "sender": one.sender, "attempts": 0,
             "not_before": at, "window_id": None}
            for one in doubts
        ]  # fmt: skip
        tx.execute(insert(retry), rows)
    detail = f"{proposal.why} ({proposal.proposed_by}, confirmed by {actor})"
    verdict = outcome_of(proposal.verdict, detail)
    settled = list(_settled(tx, doubts, verdict, actor, at))
    counts = {("state", str(verdict.state)): len(doubts), ("state", State.IN_DOUBT): -len(doubts)}
    add_counts(tx, proposal.run, counts)
    messages = [one.message for one in doubts]
    number = allocate(tx, "doubt_step", 1)
    entry = _add_step(tx, proposal, Step("confirm", actor, at), messages, number)
    audit.append(tx, [*settled, entry])
    return messages


def _lock(tx: Connection, proposal: Proposal) -> None:
    """A sender that was only slow may end the same doubts now: it locks their windows too."""
    doubted = sorted({one.window for one in listed(tx, proposal.run)})
    for number in doubted:
        tx.execute(select(window.c.id).where(window.c.id == number).with_for_update())


def _settled(
    tx: Connection, doubts: Sequence[Doubt], verdict: Outcome, actor: str, at: datetime
) -> Iterator[Entry]:
    """A window beside each window that left a doubt, with the outcomes that end it."""
    by_window = sorted(doubts, key=lambda one: (one.window, one.message))
    for number, members in groupby(by_window, key=lambda one: one.window):
        before = tx.execute(select(window).where(window.c.id == number)).mappings().one()
        values = {**before, "owner": actor, "token": str(uuid4()), "settled_at": at}
        del values["id"]
        beside = tx.execute(insert(window).values(values).returning(window.c.id)).scalar_one()
        rows = outcome_rows(int(beside), [(one.message, verdict) for one in members], at)
        append(tx, outcome, OUTCOME_COLUMNS, rows)
        covered = cover(outcome, OUTCOME_COLUMNS, rows)
        tally = {str(verdict.state): len(rows)}
        subject = f"run {before['run_id']}"
        yield Entry(at, "window.settled_by_person", actor, subject, tally, covered)

"""What clients write and click: consent at once, answers to their surveys, the rest to a person."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from outreach.core import survey
from outreach.core.consent import Source
from outreach.core.inbound import Intent
from outreach.core.receipt import Click, Reply
from outreach.core.reply import Made, Understood, understand
from outreach.core.words import Channel
from outreach.store import audit, consent, follow_ups, replies, surveys
from outreach.store.audit import Entry
from outreach.store.consent import NewEvent
from outreach.store.replies import NewReply
from outreach.store.surveys import NewAnswer, SurveyRun

ACTOR: Final = "outreach"
_SOURCES: Final = {Channel.SMS: Source.SMS_MO, Channel.EMAIL: Source.EMAIL_REPLY}


class Said(NamedTuple):
    """What a client said, with the event it came by."""

    event_id: int
    value: Reply


class Clicked(NamedTuple):
    """A link that a client used, with the event it came by."""

    event_id: int
    value: Click


class _Read(NamedTuple):
    """A reply as it is understood, and who has the address it came from."""

    said: Said
    understood: Understood
    holders: Sequence[int]


def record(tx: Connection, said: Sequence[Said], at: datetime, zone: ZoneInfo) -> int:
    """Take replies in: opt-outs, objections and returns into the ledger for every client with the
    address, answers to the surveys they answer, all of them on record. How many were new.

    Hold the head of the log before (`audit.append(tx, [])`): whoever takes in the same ones waits.
    """
    if not said:
        return 0
    runs = {one.run_id: one for one in surveys.survey_runs(tx)}
    read = {id(one.said.value): one for one in _read(tx, said, list(runs.values()), zone)}
    fresh = {one.identity: one for one in replies.unknown(tx, [_kept(r) for r in read.values()])}
    news = [one for one in read.values() if fresh.get(_kept(one).identity) == _kept(one)]
    _wishes(tx, news, at)
    _answers(tx, news, runs, at)
    rows = [_kept(one) for one in news]
    if covered := replies.add(tx, rows, at):
        detail = {"n": len(rows), "review": sum(row.review for row in rows)}
        audit.append(tx, [Entry(at, "replies.received", ACTOR, "replies", detail, covered)])
    return len(rows)


def _read(
    tx: Connection, said: Sequence[Said], runs: Sequence[SurveyRun], zone: ZoneInfo
) -> list[_Read]:
    by_sms = {one.value.address for one in said if one.value.channel is Channel.SMS}
    by_mail = {one.value.address for one in said if one.value.channel is Channel.EMAIL}
    holders = {
        **replies.holders(tx, Channel.SMS, by_sms),
        **replies.holders(tx, Channel.EMAIL, by_mail),
    }
    asked = surveys.asked_at(tx, runs, by_sms)
    found = []
    for one in said:
        value = one.value
        surveyed = asked.get(value.address, ()) if value.channel is Channel.SMS else ()
        meant = understand(value.text, value.sender, surveyed, value.said_at, zone)
        found.append(_Read(one, meant, holders.get(value.address, ())))
    return found


def _kept(one: _Read) -> NewReply:
    value, meant = one.said.value, one.understood
    made = Made.NOTHING
    if meant.answer is not None:
        made = Made.ANSWERED
    if meant.wish is not None and one.holders:
        made = meant.wish.made
    # Somebody wants something of us whom we cannot tell from anybody: a person has to look.
    nobody = not one.holders and meant.intent is not Intent.OTHER
    return NewReply(
        one.said.event_id, value.channel.value, value.sender, value.address, value.text,
        value.reference, meant.intent.value, made.value, len(one.holders),
        meant.review or nobody, value.said_at,
    )  # fmt: skip


def _wishes(tx: Connection, news: Sequence[_Read], at: datetime) -> None:
    """A reply is about the channel it came by, a complaint about every one."""
    events = [
        NewEvent(
            owner,
            None if wish.everywhere else one.said.value.channel.value,
            None,
            wish.action.value,
            _SOURCES[one.said.value.channel].value,
            min(one.said.value.said_at, at),
            source_ref=f"event {one.said.event_id}",
        )
        for one in news
        if (wish := one.understood.wish) is not None
        for owner in one.holders
    ]
    _into_ledger(tx, events, "consent.replies", at)


def clicked(tx: Connection, clicks: Sequence[Clicked], at: datetime) -> int:
    """Withdraw consent where an unsubscribe link was used: for its client and purpose, on e-mail.
    How many events the ledger did not hold yet."""
    events = [
        NewEvent(
            one.value.client_id,
            Channel.EMAIL.value,
            one.value.purpose.value,
            "withdraw",
            Source.ONE_CLICK.value,
            min(one.value.said_at, at),
            source_ref=f"event {one.event_id}",
        )
        for one in clicks
    ]
    return _into_ledger(tx, events, "consent.clicks", at)


def _into_ledger(tx: Connection, events: Sequence[NewEvent], kind: str, at: datetime) -> int:
    if not events:
        return 0
    added, covered = consent.add_new(tx, events, recorded_at=at, actor=ACTOR)
    if covered is not None:
        audit.append(tx, [Entry(at, kind, ACTOR, "consent", {"events": added}, covered)])
    return added


def _answers(
    tx: Connection, news: Sequence[_Read], runs: dict[int, SurveyRun], at: datetime
) -> None:
    """Record answers to surveys, and open the cases their surveys ask for."""
    given = [
        NewAnswer(one.understood.answer, one.said.value.text, one.said.value.said_at, "sms",
                  _kept(one).identity.hex())
        for one in news
        if one.understood.answer is not None
    ]  # fmt: skip
    known = surveys.known(tx, (one.identity for one in given))
    fresh = [one for one in given if one.identity not in known]
    if not fresh:
        return
    numbers, covered = surveys.record(tx, fresh, recorded_at=at, actor=ACTOR)
    detail = {"answers": len(fresh)}
    audit.append(tx, [Entry(at, "survey.replies", ACTOR, "survey answers", detail, covered)])
    cases = [
        (number, department, rule)
        for number, one in zip(numbers, fresh, strict=True)
        for department, rule in survey.forwarded(runs[one.answer.to.run_id].survey, one.answer)
    ]
    follow_ups.open_cases(tx, cases, at, ACTOR)

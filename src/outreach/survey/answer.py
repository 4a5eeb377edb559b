"""One answer, by the link of a client or by a member of staff: read, recorded, acted on."""

from datetime import date, datetime
from hashlib import sha256
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from outreach.core import survey, survey_link
from outreach.core.survey import Answer, Kind, Open
from outreach.core.words import Sentence
from outreach.store import audit, follow_ups, surveys
from outreach.store.database import Database
from outreach.store.surveys import NewAnswer, SurveyRun

MOST: Final = 1_000  # characters of a comment


class Refused(NamedTuple):
    """An answer that cannot be taken, and why."""

    code: str  # unknown_link | off_scale | empty | too_long
    why: Sentence


class Received(NamedTuple):
    """An answer that is on record."""

    run_id: int
    kind: Kind  # answer, or late: kept, and not counted
    score: int | None
    again: bool  # the same answer had come before
    until_on: date  # the last day on which answers count
    follow_ups: int  # cases it opened


def answer(
    database: Database,
    key: bytes,
    token: str,
    score: int | None,
    comment: str,
    *,
    now: datetime,
    zone: ZoneInfo,
    source: str = "web",
    actor: str = "web",
) -> Received | Refused:
    """Record what the holder of a link answers. `key` is that of the links; `score` may be None
    where there is a comment, which a person then reads. The same answer twice in one minute is one.
    """
    said = survey_link.read(key, token)
    with database.begin() as tx:
        audit.append(tx, [])  # two requests at once queue here, so that one of them knows the other
        found = _asked(tx, said) if said else None
        if found is None:
            return _UNKNOWN
        one, asked = found
        if wrong := _wrong(asked, score, comment):
            return wrong
        kind = Kind.REVIEW if score is None else Kind.ANSWER
        if not survey.in_time(asked, now, zone):
            kind = Kind.LATE
        given = Answer(asked, kind, score, comment.strip())
        until = survey.until(asked.opened_at, asked.survey.answer_until_days, zone)
        identity = _identity(given, now, source)
        if surveys.known(tx, [identity]):
            return Received(asked.run_id, kind, score, True, until, 0)
        cases = _recorded(tx, one, NewAnswer(given, comment, now, source, identity), now, actor)
        return Received(asked.run_id, kind, score, False, until, cases)


_UNKNOWN: Final = Refused(
    "unknown_link", Sentence("this link belongs to no survey", "链接无效，未找到对应的调查")
)


def _asked(tx: Connection, said: tuple[int, bytes]) -> tuple[SurveyRun, Open] | None:
    client_id, mark = said
    for one in surveys.survey_runs(tx):
        if survey_link.mark_of(one.campaign, one.occurrence) == mark:
            asked = surveys.asked(tx, one, client_id)
            return (one, asked) if asked else None
    return None


def _wrong(asked: Open, score: int | None, comment: str) -> Refused | None:
    scale = asked.survey.scale
    if score is not None and not scale.lowest <= score <= scale.highest:
        low, high = scale.lowest, scale.highest
        words = Sentence(f"the score goes from {low} to {high}", f"评分应为{low}至{high}")
        return Refused("off_scale", words)
    if score is None and not comment.strip():
        return Refused("empty", Sentence("nothing was answered", "未填写评分或意见"))
    if len(comment) > MOST:
        words = Sentence(f"a comment has at most {MOST:,} characters", f"意见最多{MOST}字")
        return Refused("too_long", words)
    return None


def _identity(given: Answer, now: datetime, source: str) -> str:
    minute = int(now.timestamp()) // 60
    parts = (source, given.to.run_id, given.to.client_id, given.score, minute, given.comment)
    return sha256("\n".join(map(str, parts)).encode()).hexdigest()


def _recorded(tx: Connection, one: SurveyRun, new: NewAnswer, now: datetime, actor: str) -> int:
    (number,), covered = surveys.record(tx, [new], recorded_at=now, actor=actor)
    detail = {"run": one.run_id, "source": new.source, "kind": new.answer.kind.value}
    subject = f"client {new.answer.to.client_id}"
    audit.append(tx, [audit.Entry(now, "survey.answered", actor, subject, detail, covered)])
    cases = [(number, to, rule) for to, rule in survey.forwarded(one.survey, new.answer)]
    return len(follow_ups.open_cases(tx, cases, now, actor))

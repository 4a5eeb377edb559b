"""Answers to surveys: what a text means, which survey it is for, and how long it counts.

`A5`, `5`, `５分 服务很好`, 非常满意. A number that could mean two things is nobody's answer, and a
person reads it. An opt-out is never an answer.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from outreach.core.inbound_words import Word, wants_out, word
from outreach.core.survey_form import SATISFACTION, Scale, Survey
from outreach.core.survey_rules import holds
from outreach.core.words import Spoken


class Kind(Spoken):
    """What became of an answer. Only `answer` counts in reports."""

    ANSWER = "answer", "counts", "有效回答"
    LATE = "late", "came after the survey had closed", "超过截止日期"
    REVIEW = "review", "could not be read; somebody has to look", "无法识别，待人工处理"


class Open(NamedTuple):
    """A survey a client was asked: what is needed to read an answer to it."""

    run_id: int
    client_id: int
    message_id: int | None
    survey: Survey
    opened_at: datetime


class Answer(NamedTuple):
    """A text read as an answer to one survey."""

    to: Open
    kind: Kind
    score: int | None
    comment: str


class Reading(NamedTuple):
    """What a text from a client amounts to: an answer, a word about consent, both, or neither."""

    answer: Answer | None
    word: Word | None


class Marked(NamedTuple):
    """A text taken apart: the survey it names, the number, the words."""

    code: str
    score: int | None
    comment: str


_SYNONYMS: Final = {
    5: ("很满意", "十分满意", "特别满意", "非常好", "very good", "excellent"),
    4: ("比较满意", "基本满意", "挺满意", "good"),
    3: ("还行", "还可以", "凑合", "okay", "ok", "average"),
    2: ("不太满意", "不是很满意", "bad", "poor"),
    1: ("很不满意", "十分不满意", "极不满意", "太差了", "very bad", "terrible"),
}
_NUMERALS: Final = {sign: value for value, sign in enumerate("零一二三四五六七八九十")}
_NUMBER: Final = re.compile(r"(\d{1,3})(?!\d)\s*(?:分|星|颗星|points?\b|stars?\b)?", re.IGNORECASE)
_HAN_NUMBER: Final = re.compile(r"([零一二三四五六七八九十])\s*(?:(?:分|星|颗星)|(?=[\W_]|$))")
_CODED: Final = re.compile(r"([a-z]{1,2})\s*[-:.#]?\s*(?=[\d零一二三四五六七八九十])")
# What follows a number and makes it another one: 4-5, 4.5, 4或5, 1/5 is left to a person too.
_SPOILED: Final = re.compile(r"\s*(?:[-~/.到至或、]\s*\d|%|\d|[oO]\b)")
_GAP: Final = re.compile(r"^[\s\W_]+")
_BARE: Final = re.compile(r"[\d\W_]+")


def until(opened_at: datetime, days: int, zone: ZoneInfo) -> date:
    """The last day on which an answer counts, in the firm's zone."""
    return opened_at.astimezone(zone).date() + timedelta(days=days)


def in_time(survey: Open, at: datetime, zone: ZoneInfo) -> bool:
    """Whether an answer that came at a moment counts."""
    last = until(survey.opened_at, survey.survey.answer_until_days, zone)
    return survey.opened_at <= at and at.astimezone(zone).date() <= last


def marked(text: str, scale: Scale, codes: Collection[str] = ()) -> Marked:
    """Take a text apart. Without a score when there is none on the scale, or two are possible.
    A code behind the number (5A) counts where it is one of `codes`."""
    said = unicodedata.normalize("NFKC", text).strip()
    code, rest = "", said
    if found := _CODED.match(said.casefold()):
        code, rest = found[1].upper(), said[found.end() :]
    score, comment = _scored(rest, scale)
    if score is None:
        return Marked(code, None, said)
    if not code and comment.upper() in codes:
        code, comment = comment.upper(), ""
    return Marked(code, score, comment)


def _scored(said: str, scale: Scale) -> tuple[int | None, str]:
    if found := _NUMBER.match(said):
        value = int(found[1])
    elif found := _HAN_NUMBER.match(said):
        value = _NUMERALS[found[1]]
    else:
        return _worded(said, scale)
    rest = said[found.end() :]
    comment = _GAP.sub("", rest).strip()
    spoiled = _SPOILED.match(rest) or (comment and _BARE.fullmatch(comment))
    if spoiled or not scale.lowest <= value <= scale.highest:
        return None, said
    return value, comment


def _worded(said: str, scale: Scale) -> tuple[int | None, str]:
    """The longest word of the scale the text begins with; it must end there, or at a mark."""
    low = said.casefold()
    for spelled, value in _words(scale):
        if low.startswith(spelled):
            rest = said[len(spelled) :]
            if not rest or _GAP.match(rest) or rest[0] in "的了啊呀哦":
                return value, _GAP.sub("", rest.lstrip("的了啊呀哦")).strip()
    return None, said


def _words(scale: Scale) -> list[tuple[str, int]]:
    found = {
        text.casefold(): value
        for value, both in enumerate(scale.said, start=scale.lowest)
        for text in (both.zh, both.en)
    }
    if scale.said == SATISFACTION:
        found |= {word: value for value, more in _SYNONYMS.items() for word in more}
    return sorted(found.items(), key=lambda item: -len(item[0]))


def read(text: str, surveys: Sequence[Open], at: datetime, zone: ZoneInfo) -> Reading:
    """What a client's text means who was asked these surveys.

    A code names its survey; without one it is the newest that is still open, else the newest. An
    opt-out by itself is no answer; in the words of an answer it counts beside it.
    """
    said = word(text)
    if said in (Word.OPT_OUT, Word.OPT_IN, Word.HELP):
        return Reading(None, said)
    newest = sorted(surveys, key=lambda one: (one.opened_at, one.run_id), reverse=True)
    asked = [one for one in newest if one.opened_at <= at]
    if not asked:
        return Reading(None, said)
    answer = _answer(text, asked, at, zone)
    if answer.score is not None:  # a complaint in the words of an answer is for a department
        said = Word.OPT_OUT_REVIEW if wants_out(text) else None
    return Reading(answer, said)


def _answer(text: str, asked: Sequence[Open], at: datetime, zone: ZoneInfo) -> Answer:
    still = [one for one in asked if in_time(one, at, zone)]
    taken = (still or asked)[0]
    codes = {one.survey.code for one in asked}
    found = marked(text, taken.survey.scale, codes)
    if found.code:
        named = [one for one in asked if one.survey.code == found.code]
        if not named:
            return Answer(taken, Kind.REVIEW, None, text.strip())
        taken = next((one for one in named if one in still), named[0])
        found = marked(text, taken.survey.scale, codes)
    if found.score is None:
        return Answer(taken, Kind.REVIEW, None, found.comment)
    kind = Kind.ANSWER if in_time(taken, at, zone) else Kind.LATE
    return Answer(taken, kind, found.score, found.comment)


def forwarded(survey: Survey, answer: Answer) -> list[tuple[str, str]]:
    """(department, rule) for everything that has to be told about an answer, a department once."""
    told: dict[str, str] = {}
    for rule in survey.forward:
        if rule.to not in told and holds(rule.when, answer.score, answer.comment):
            told[rule.to] = rule.when
    return list(told.items())

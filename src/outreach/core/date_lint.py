"""Dates in a text held against the week and against the trading calendar.

Published notices have called Monday 5 January 2026 a 星期二, and have promised the money of 13
February for 14 February, a make-up working Saturday.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

from outreach.core.date_mentions import Mention, mentions
from outreach.core.trading_calendar import CalendarCoverageError, TradingCalendar

__all__ = ["DateFault", "Mention", "mentions", "session_faults", "visible_text", "weekday_faults"]

_DAYS_ZH: Final = "一二三四五六日"
_DAYS_EN: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# What only a trading day can be, and how it is called.
_OPEN_WORDS: Final = re.compile(
    r"(?<![不未非无暂休])(?:恢复(?:正常)?交易|(?:照常|正常|重新)?开市|复市)|(?:首|第一|下一)个?交易日|最后(?:一个)?交易日"
    r"|\b(?:re-?opens?|trading (?:resumes|reopens|restarts)|resumes? trading"
    r"|resumption of trading|opens? again|open for trading"
    r"|(?:next|first|last) (?:trading day|session))\b",
    re.IGNORECASE,
)
_PAID_WORDS: Final = re.compile(r"交收|\bsettles?\b|\bsettled\b", re.IGNORECASE)
_SHUT_WORDS: Final = re.compile(r"休市|\b(?:closed|shut)\b", re.IGNORECASE)
_JOINS: Final = re.compile(r"\s*(?:起?至|到|—+|–|-|~|～|to|through|until)\s*", re.IGNORECASE)
_BREAK: Final = re.compile(r"[。；;！!？?\n，,]|\.(?=\s|$)")
# Clauses about another market are not held against this one's calendar.
_MARKET_WORDS: Final[Mapping[str, re.Pattern[str]]] = {
    "HK": re.compile(r"港股(?!通)|香港|联交所|Hong Kong|HKEX", re.IGNORECASE),
    "SB": re.compile(r"港股通|南向|沪深港通|southbound|Stock Connect", re.IGNORECASE),
    "NB": re.compile(r"沪股通|深股通|北向|沪深港通|northbound|Stock Connect", re.IGNORECASE),
    "US": re.compile(r"美股|纽交所|纳斯达克|\bNYSE\b|Nasdaq|US market", re.IGNORECASE),
    "UK": re.compile(r"英股|伦敦|London", re.IGNORECASE),
    "CN_A": re.compile(r"(?<![A-Za-z])A股|沪深(?!股?港?通)|A[- ]share", re.IGNORECASE),
}
_RIGHT_AFTER: Final = 16  # characters between `trading resumes` and the date it speaks of


@dataclass(frozen=True, slots=True)
class DateFault:
    """A date that cannot be right: what is written where, what is wrong, what to write."""

    at: int
    found: str
    wrong: str
    write: str


def weekday_faults(
    text: str, near: date | None, given: Mapping[str, date] = {}
) -> Iterator[DateFault]:
    """Dates that do not exist, or whose weekday is another one.

    A date without a year is the one nearest to `near`, and is passed over when that is None. Dates
    in `given` were written by the program, so they agree.
    """
    for mention in mentions(text):
        if mention.found in given or (mention.year is None and near is None):
            continue
        real = mention.on(near or date(mention.year or 1, 1, 1))
        if real is None:
            wrong, write = "is not a day of the calendar", "write a real date"
            yield DateFault(mention.start, mention.found, wrong, write)
        elif mention.weekday is not None and mention.weekday != real.weekday():
            day = f"星期{_DAYS_ZH[real.weekday()]} ({_DAYS_EN[real.weekday()]})"
            wrong = "is another day of the week"
            write = f"write {day}, or give the date as a value: {real.isoformat()}"
            yield DateFault(mention.start, mention.found, wrong, write)


def session_faults(
    text: str, calendar: TradingCalendar, near: date | None, given: Mapping[str, date] = {}
) -> Iterator[DateFault]:
    """Days that a text calls a trading, reopening or settlement day and the market is shut, and
    days it calls closed on which there is a session. Days beyond coverage are not judged."""
    found = [(mention, _on(mention, near, given)) for mention in mentions(text)]
    for clause, about in _clauses(text, found):
        if _of_another_market(text[clause.start : clause.stop], calendar.market):
            continue
        yield from _not_open(text, clause, about, calendar)
        yield from _not_shut(text, clause, about, calendar)


def _on(mention: Mention, near: date | None, given: Mapping[str, date]) -> date | None:
    if mention.found in given:
        return given[mention.found]
    if mention.year is None and near is None:
        return None
    return mention.on(near or date(mention.year or 1, 1, 1))


Dated = Sequence[tuple[Mention, date | None]]


def _clauses(text: str, found: Dated) -> Iterator[tuple[slice, Dated]]:
    """Stretches of text between stops, those inside a date left out, with the dates in them."""
    inside = [range(mention.start, mention.end) for mention, _ in found]
    stops = [
        match.start()
        for match in _BREAK.finditer(text)
        if not any(match.start() in span for span in inside)
    ]
    for start, stop in zip([-1, *stops], [*stops, len(text)], strict=True):
        about = [one for one in found if start < one[0].start < stop]
        if about:
            yield slice(start + 1, stop), about


def _of_another_market(clause: str, market: str) -> bool:
    if _MARKET_WORDS[market].search(clause):
        return False
    return any(words.search(clause) for name, words in _MARKET_WORDS.items() if name != market)


def _not_open(
    text: str, clause: slice, about: Dated, calendar: TradingCalendar
) -> Iterator[DateFault]:
    for words, what in ((_OPEN_WORDS, "a trading day"), (_PAID_WORDS, "a settlement day")):
        for match in words.finditer(text, clause.start, clause.stop):
            mention, on = _spoken_of(match, about)
            if on is None or not calendar.covers(on) or calendar.is_session(on):
                continue
            wrong = f"is called {what}, but {calendar.market} is shut on {on}"
            yield DateFault(mention.start, mention.found, wrong, _instead(calendar, on))


def _instead(calendar: TradingCalendar, on: date) -> str:
    try:
        return f"the next session is {calendar.next_session(on)}"
    except CalendarCoverageError:
        return "import the calendar of the days after it"


def _spoken_of(match: re.Match[str], about: Dated) -> tuple[Mention, date | None]:
    """The date a word speaks of: right after it, else the nearest before it, else after it."""
    after = [one for one in about if one[0].start >= match.end()]
    before = [one for one in about if one[0].end <= match.start()]
    if after and (after[0][0].start - match.end() <= _RIGHT_AFTER or not before):
        return after[0]
    return before[-1] if before else about[0]


def _not_shut(
    text: str, clause: slice, about: Dated, calendar: TradingCalendar
) -> Iterator[DateFault]:
    if not _SHUT_WORDS.search(text, clause.start, clause.stop):
        return
    for (first, from_on), (last, to_on) in pairwise(about):
        if not _JOINS.fullmatch(text, first.end, last.start) or not (from_on and to_on):
            continue
        if not (from_on <= to_on and calendar.covers(from_on) and calendar.covers(to_on)):
            continue
        if sessions := calendar.sessions(from_on, to_on):
            found = text[first.start : last.end]
            wrong = f"is called closed, but {calendar.market} trades on {sessions[0]}"
            yield DateFault(first.start, found, wrong, "correct the dates")


# --- what a reader sees of a part --------------------------------------------------------------

_HEAD: Final = re.compile(r"<(style|head|title|script)\b.*?</\1>|<!--.*?-->", re.DOTALL)
_LINE_ENDS: Final = re.compile(r"<(?:/(?:tr|p|h\d|li|div|table)|br)\b[^>]*>", re.IGNORECASE)
_TAG: Final = re.compile(r"<[^<>]*>")


def visible_text(html: str) -> str:
    """The text of a page, a line a paragraph or table row. Places are not those of the source."""
    from html import unescape

    flat = re.sub(r"\s+", " ", _HEAD.sub(" ", html))
    return unescape(_TAG.sub(" ", _LINE_ENDS.sub("\n", flat)))

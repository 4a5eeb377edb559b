"""Dates as people write them, in Chinese and English, with the weekday that stands beside them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

_DAYS_ZH: Final = "一二三四五六日"
_DAYS_EN: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS: Final = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip

_BESIDE_ZH: Final = r"(?:\s*[(（]?\s*(?:星期|周|礼拜)(?P<zh>[一二三四五六日天])\s*[)）]?)?"
_DAY_EN: Final = (
    r"(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs?)?|Fri|Sat(?:ur)?|Sun)(?:day)?"  # Thur, Tuesday, Sat
)
_MONTH_EN: Final = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_BEFORE_EN: Final = rf"(?:\b(?P<before>{_DAY_EN})\b[.,]*\s+)?"
_YEAR_EN: Final = r"(?:,?\s+(?P<year>\d{4}))?"
_AFTER_EN: Final = rf"(?:\s*\(\s*(?P<after>{_DAY_EN})\s*\))?"
_NTH: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?\b"

_FORMS: Final = (
    re.compile(
        r"(?:(?P<year>\d{4})\s*年\s*)?(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*[日号]"
        + _BESIDE_ZH
    ),
    re.compile(
        r"(?<!\d)(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})(?!\d)"
        + _BESIDE_ZH
        + _AFTER_EN
    ),
    re.compile(
        rf"{_BEFORE_EN}(?<![\d:.,])(?:the\s+)?{_NTH}\s+(?:of\s+)?(?P<name>{_MONTH_EN})\b"
        rf"(?:\.(?=,?\s+\d{{4}}))?{_YEAR_EN}{_AFTER_EN}"
    ),
    re.compile(rf"{_BEFORE_EN}\b(?P<name>{_MONTH_EN})\b\.?\s+{_NTH}(?!:){_YEAR_EN}{_AFTER_EN}"),
)
# 10月1日至7日(星期三): the month is that of the date before it.
_REST_OF_RANGE: Final = re.compile(r"\s*[至到—–~～-]+\s*(?P<day>\d{1,2})\s*[日号]" + _BESIDE_ZH)


@dataclass(frozen=True, slots=True)
class Mention:
    """A date in a text: where it stands, as it is written, and what it says.

    `year` is None where none is written, `weekday` (0 Monday) where none stands beside it.
    """

    start: int
    end: int
    found: str
    year: int | None
    month: int
    day: int
    weekday: int | None

    def on(self, near: date) -> date | None:
        """The day that is meant: without a year, the one nearest to `near`. None: no such day."""
        if self.year is not None:
            return _day(self.year, self.month, self.day)
        around = (_day(near.year + step, self.month, self.day) for step in (-1, 0, 1))
        real = [day for day in around if day is not None]
        return min(real, key=lambda day: abs((day - near).days)) if real else None


def mentions(text: str) -> list[Mention]:
    """Every date in a text, in its order. Where two ways of reading overlap, the longer counts."""
    found = sorted(_all(text), key=lambda one: (one.start, -one.end))
    kept: list[Mention] = []
    for one in found:
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def _all(text: str) -> Iterator[Mention]:
    for form in _FORMS:
        for match in form.finditer(text):
            mention = _mention(match)
            yield mention
            if form is _FORMS[0] and (rest := _REST_OF_RANGE.match(text, match.end())):
                yield _rest(rest, mention)


def _mention(match: re.Match[str]) -> Mention:
    parts = match.groupdict()
    name = parts.get("name")
    month = _MONTHS.index(name[:3].lower()) + 1 if name else int(parts["month"])
    year = int(parts["year"]) if parts["year"] else None
    day = int(parts["day"])
    return Mention(match.start(), match.end(), match[0], year, month, day, _weekday(parts))


def _rest(match: re.Match[str], first: Mention) -> Mention:
    start = match.start("day")
    found = match.string[start : match.end()]
    weekday, day = _weekday(match.groupdict()), int(match["day"])
    return Mention(start, match.end(), found, first.year, first.month, day, weekday)


def _weekday(parts: Mapping[str, str | None]) -> int | None:
    if zh := parts.get("zh"):
        return _DAYS_ZH.index("日" if zh == "天" else zh)
    name = parts.get("before") or parts.get("after")
    return _DAYS_EN.index(name[:3].lower()) if name else None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None

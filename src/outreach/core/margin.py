"""Margin ratios over time: who fell below a line, who came back, and how far since.

Ratios and lines are in hundredths of a percent: 13527 is 135.27 %. Below means below: a client
exactly at a line has not fallen below it (维持担保比例低于警戒线、平仓线).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple

from outreach.core.market_conditions import MarginLine

LINES: Final[tuple[MarginLine, ...]] = ("warn", "close")


class Ratio(NamedTuple):
    """What a file says of one client."""

    client_id: int
    ratio: int
    warn_line: int
    close_line: int
    as_of: datetime


class Standing(NamedTuple):
    """What is known of one client. The peaks tell how far above each line the client has been
    since last falling below it; None: never seen below."""

    client_id: int
    ratio: int
    warn_line: int
    close_line: int
    as_of: datetime
    warn_peak: int | None = None
    close_peak: int | None = None


class Crossing(NamedTuple):
    """A client crossed a line. `recovered` is how far above it the client had been since last
    falling below; None for a client never seen below before, and for a way back."""

    client_id: int
    line: MarginLine
    direction: Literal["below", "back"]
    recovered: int | None


class Compared(NamedTuple):
    """A file against what was known. `late` rows speak of a moment before it: they are no news."""

    news: list[Ratio]
    standings: list[Standing]
    crossings: list[Crossing]
    known: int
    late: int


def compare(standings: Mapping[int, Standing], said: Iterable[Ratio]) -> Compared:
    """What a file changes, each client once. A row for the same moment that says something else is
    a correction and counts; an earlier one does not."""
    done = Compared([], [], [], 0, 0)
    known = late = 0
    for new in said:
        old = standings.get(new.client_id)
        if old is not None and new.as_of <= old.as_of:
            if new[:5] == old[:5]:
                known += 1
                continue
            if new.as_of < old.as_of:
                late += 1
                continue
        peaks = []
        for line in LINES:
            crossing, peak = _crossed(line, old, new)
            peaks.append(peak)
            if crossing:
                done.crossings.append(crossing)
        done.news.append(new)
        done.standings.append(Standing(*new, *peaks))
    return done._replace(known=known, late=late)


def _crossed(
    line: MarginLine, old: Standing | None, new: Ratio
) -> tuple[Crossing | None, int | None]:
    """The crossing, if there is one, and the peak from now on."""
    above = new.ratio - (new.warn_line if line == "warn" else new.close_line)
    was_below, peak = False, None
    if old is not None:
        was_below = old.ratio < (old.warn_line if line == "warn" else old.close_line)
        peak = old.warn_peak if line == "warn" else old.close_peak
    if above < 0 and not was_below:
        return Crossing(new.client_id, line, "below", peak), above
    highest = None if peak is None else max(peak, above)
    if above >= 0 and was_below:
        return Crossing(new.client_id, line, "back", None), highest
    return None, highest

"""What `outreach doctor` says of market moves: whether the levels a campaign waits for come in."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from outreach.core.market_conditions import OnMarketMove
    from outreach.project.load import Project

RATIOS_AGE: Final = timedelta(days=4)  # Friday's close is still the newest on a Tuesday morning
_INBOX: Final = "put a newer file into the inbox (docs/market-moves.md)"


class Seen(NamedTuple):
    """One finding, in the order in which `doctor` takes it."""

    level: Literal["ok", "warning"]
    says: str
    write: str = ""


def market_findings(conn: "Connection", project: "Project", now: datetime) -> Iterator[Seen]:
    """Indexes nobody reports, levels that stopped while the market is open, old ratios."""
    from outreach.core.campaign import OnMarketMove

    quiet = True
    for name, campaign in sorted(project.campaigns.items()):
        rule = campaign.occurrence
        if not campaign.enabled or not isinstance(rule, OnMarketMove):
            continue
        found = _ratios(conn, now) if rule.margin else _levels(conn, rule, now)
        for seen in found:
            quiet = False
            yield seen._replace(says=f"{name}: {seen.says}")
    if quiet:
        yield Seen("ok", "what market-move campaigns wait for comes in")


def _ratios(conn: "Connection", now: datetime) -> Iterator[Seen]:
    from outreach.store import market

    newest = market.margin_count(conn).as_of
    if newest is None:
        yield Seen("warning", "no margin ratio has come in yet", _INBOX)
    elif now - newest > RATIOS_AGE:
        yield Seen("warning", f"the newest margin ratio is {(now - newest).days} days old", _INBOX)


def _levels(conn: "Connection", rule: "OnMarketMove", now: datetime) -> Iterator[Seen]:
    from outreach.store import market

    is_open = _is_open(conn, rule, now)
    for code in sorted({one.index for one in rule.conditions if one.index}):
        newest = market.newest_level_at(conn, code)
        if newest is None:
            says = f"no level of {code} has come in yet"
            yield Seen("warning", says, "compare the code with `outreach market show`")
        elif is_open and now - newest > rule.freshness:
            minutes = int((now - newest).total_seconds()) // 60
            says = f"the newest level of {code} is {minutes} minutes old while the market is open"
            yield Seen("warning", says, _INBOX)


def _is_open(conn: "Connection", rule: "OnMarketMove", now: datetime) -> bool:
    """Whether a level younger than the rule allows must have come since the opening."""
    from outreach.core.trading_calendar import CalendarCoverageError
    from outreach.store import calendars

    calendar = calendars.load(conn, rule.calendar)
    day = now.astimezone(calendar.zone).date()
    try:
        if not calendar.is_session(day):
            return False
        opens, closes = calendar.open_at(day) + rule.freshness, calendar.close_at(day)
    except CalendarCoverageError:
        return False
    return opens < now < closes

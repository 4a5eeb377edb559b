"""What a run waits for, and when it will be through: for `run`, `runs show`, `plan` and the log."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from outreach.core.rate import Ask, Limits, ends_at, today
from outreach.project.config import limited_countries
from outreach.project.rate_config import limits

Lane = tuple[str, str | None]  # a sender, and the limit of a country under it
DEFAULT_RATE: Final = 1000.0  # messages a second a sender without a limit is believed to take

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from outreach.project.config import Config
    from outreach.store.left import Waiting


def waiting_rows(
    config: "Config", conn: "Connection", run_id: int, now: datetime
) -> list[dict[str, Any]]:
    """What of a run is in nobody's hands, by sender: how much, why it does not go, and until
    when."""
    from outreach.store import left, rates

    standing = rates.standing(conn)
    rows = []
    for one in left.by_sender(conn, run_id, now):
        begins = max(now, one.not_before, one.until or now)
        ends = last_at(config, {(one.sender, one.pace): one.messages}, begins, standing)
        rows.append(_row(config, one, now, ends))
    for batch, messages in left.set_aside(conn, run_id):
        why = f"set aside: batch {batch} killed every sender that took it"
        rows.append({"sender": None, "messages": messages, "until": None, "why": why})
    return rows


def _row(config: "Config", one: "Waiting", now: datetime, ends: datetime) -> dict[str, Any]:
    why = one.said or (one.why.sentence.in_(config.language) if one.why else None)
    own = limits(one.sender, config.senders.get(one.sender), config.accounts)
    rates = [ask.limit.per_second for ask in own.asks(one.pace) if ask.limit.per_second]
    begins = one.not_before if one.not_before > now else None
    stopped = one.why is not None and one.until is None
    return {
        "sender": one.pace or one.sender,
        "messages": one.messages,
        "until": one.until or begins,
        "why": why,
        "code": one.why.value if one.why else None,
        "per_second": min(rates, default=None),
        "done_at": None if stopped else ends,
        "eta_seconds": None if stopped else round((ends - now).total_seconds(), 1),
    }


def last_at(
    config: "Config",
    messages: Mapping[Lane, int],
    now: datetime,
    standing: Mapping[str, Any],
) -> datetime:
    """When the last of so many messages goes, if these alone go from now on. `standing`: the rows
    of their limits."""
    total: dict[Ask, int] = {}
    for (name, pace), n in messages.items():
        mine: Limits = limits(name, config.senders.get(name), config.accounts)
        for ask in mine.asks(pace) or (Ask(name, mine.own),):
            total[ask] = total.get(ask, 0) + n
    zone = ZoneInfo(config.firm.zone)
    return max((_one(ask, n, now, zone, standing) for ask, n in total.items()), default=now)


def eta_seconds(
    config: "Config", conn: "Connection", messages: Mapping[Lane, int], now: datetime
) -> float:
    """How long so many messages take, if they go now and alone."""
    from outreach.store import rates

    return (last_at(config, messages, now, rates.standing(conn)) - now).total_seconds()


def _one(ask: Ask, n: int, now: datetime, zone: ZoneInfo, standing: Mapping[str, Any]) -> datetime:
    row = standing.get(ask.name)
    used = row["used"] if row is not None and row["day"] == today(now, zone) else 0
    first_on = row["first_on"] if row is not None else None
    return ends_at(n, ask.limit, now, zone, used=used, first_on=first_on, fastest=DEFAULT_RATE)


def limits_added(planned: "Config", config: "Config", senders: Iterable[str]) -> list[str]:
    """The limits of countries that were added after a run was planned: its batches are not divided
    by them, so they do not hold for it."""
    then, now = limited_countries(planned), limited_countries(config)
    return [
        f"{sender} {prefix}"
        for sender in sorted(set(senders))
        for prefix in now.get(sender, ())
        if prefix not in then.get(sender, ())
    ]


def throttled(rows: list[dict[str, Any]], zone: str) -> str:
    """In a few words when a run with limited senders will be through; empty for one without."""
    slow = [row for row in rows if row.get("per_second") and row.get("done_at")]
    if not slow:
        return ""
    last = max(slow, key=lambda row: row["done_at"])
    at = last["done_at"].astimezone(ZoneInfo(zone))
    by = (
        f"{at:%Y-%m-%d %H:%M}"
        if last["eta_seconds"] > timedelta(hours=20).total_seconds()
        else (f"{at:%H:%M:%S}")
    )
    return f"{last['sender']}: {last['per_second']:g} a second, done about {by}"

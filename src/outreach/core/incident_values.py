"""What the texts of an incident may print, formatted in the client's language."""

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from outreach.core.formats import chinese, format_date
from outreach.core.incident import Facts, Kind, Step
from outreach.core.incident_words import STATUSES, WORKAROUNDS, listed

INCIDENT_NAMES: Final = frozenset(
    {
        "incident",
        "sequence",
        "stage",
        "functions",
        "started_at",
        "status",
        "workaround",
        "next_update_by",
        "resolved_at",
        "clock",
    }
)


def incident_values(incident: str, step: Step, locale: str, zone: ZoneInfo) -> dict[str, object]:
    """The values of a step. What it does not tell is empty. Times are on the firm's clock, `clock`
    says which one that is; a day is written where it is another than that of the step."""
    facts, told_on = step.facts, step.at.astimezone(zone).date()

    def written(at: datetime | None) -> str:
        return "" if at is None else _moment(at.astimezone(zone), locale, told_on)

    return {
        "incident": incident,
        "sequence": str(step.sequence),
        "stage": str(step.kind),
        "functions": listed(facts.functions, locale),
        "started_at": _moment(facts.started_at.astimezone(zone), locale, None),
        "status": facts.status.in_(locale),
        "workaround": facts.workaround.in_(locale),
        "next_update_by": written(facts.next_update_by),
        "resolved_at": written(facts.resolved_at),
        "clock": _clock(step.at.astimezone(zone)),
    }


def _moment(at: datetime, locale: str, today: date | None) -> str:
    """`9月28日09:41` or `09:41 on 28 September`; on the day itself only the time."""
    if at.date() == today:
        return f"{at:%H:%M}"
    if chinese(locale):
        return f"{at.month}月{at.day}日{at:%H:%M}"
    return f"{at:%H:%M} on {format_date(at.date(), locale, at.year).partition(' ')[2]}"


def _clock(at: datetime) -> str:
    """`UTC+8`: an English reader may be anywhere."""
    minutes = int((at.utcoffset() or timedelta()).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


def sample_incident(locale: str, day: date) -> dict[str, object]:
    """The values of an incident that is made up."""
    zone = ZoneInfo("Asia/Shanghai")

    def at(hour: int, minute: int) -> datetime:
        return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)

    facts = Facts(
        ("login", "orders"), at(9, 41), STATUSES["slow"], WORKAROUNDS["phone"], at(10, 15),
        at(10, 32),
    )  # fmt: skip
    step = Step(2, Kind.UPDATE, facts, "incident-notice", at(9, 45), "")
    return incident_values("INC-2026-0001", step, locale, zone)

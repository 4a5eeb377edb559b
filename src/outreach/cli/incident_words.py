"""What a clerk types about an incident, read as facts. Nothing is guessed: what cannot be read is
refused with what to write."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from outreach.cli.door import USAGE, Failure
from outreach.core.incident import NOTHING, Said, moment_near
from outreach.core.incident_words import (
    FUNCTIONS,
    MOST_FUNCTIONS,
    STATUSES,
    WORKAROUNDS,
    functions_in_order,
)

_CLOCK = re.compile(r"(\d{1,2})[:：](\d{2})")


class Written(NamedTuple):
    """The options of a step as they were typed; empty where they were left out."""

    functions: str = ""
    started: str = ""
    status: tuple[str, str] = ("", "")  # and in English
    workaround: tuple[str, str] = ("", "")
    next_update: str = ""
    resolved: str = ""
    to_all: bool = False


class Read(NamedTuple):
    """The same as facts; None where it was left out."""

    functions: tuple[str, ...] | None
    started_at: datetime | None
    status: Said | None
    workaround: Said | None
    next_update_by: datetime | None
    resolved_at: datetime | None
    to_all: bool


def read(written: Written, now: datetime, zone: ZoneInfo) -> Read:
    """Raises Failure(2) with a line for everything that cannot be read."""
    lines: list[str] = []
    made = Read(
        _functions(written.functions, lines) if written.functions else None,
        _moment("--started", written.started, now, zone, lines),
        _said("status", *written.status, STATUSES, lines),
        _said("workaround", *written.workaround, WORKAROUNDS, lines),
        _moment("--next-update", written.next_update, now, zone, lines),
        _moment("--at", written.resolved, now, zone, lines),
        written.to_all,
    )
    if lines:
        raise Failure(USAGE, lines)
    return made


def _functions(written: str, lines: list[str]) -> tuple[str, ...]:
    names = tuple(one.strip().casefold() for one in re.split(r"[,，、]", written) if one.strip())
    if unknown := [one for one in names if one not in FUNCTIONS]:
        known = ", ".join(FUNCTIONS)
        lines.append(f"--functions: {', '.join(unknown)} is not known; write of {known}")
        return ()
    if not names:
        lines.append("--functions: names nothing; `outreach incident words` lists what there is")
    if len(set(names)) > MOST_FUNCTIONS or ("all" in names and len(set(names)) > 1):
        lines.append(f"--functions: at most {MOST_FUNCTIONS} fit a text; write `all` by itself")
        return ()
    return functions_in_order(names)


def _said(
    option: str, zh: str, en: str, ready: Mapping[str, Said], lines: list[str]
) -> Said | None:
    """A ready wording by its name, or one's own in both languages; `none` says nothing."""
    zh, en = zh.strip(), en.strip()
    if not zh and not en:
        return None
    if zh == "none":
        return NOTHING
    if zh in ready:
        if en:
            lines.append(f"--{option}-en: {zh} is ready in both languages; leave it out")
        return ready[zh]
    if not zh or not en:
        lack = f"--{option}" if not zh else f"--{option}-en"
        names = ", ".join(ready)
        lines.append(f"{lack} is missing beside your own wording; or choose a ready one: {names}")
    return Said(zh.rstrip("。.；;"), en.rstrip(".;"))


def _moment(
    option: str, written: str, now: datetime, zone: ZoneInfo, lines: list[str]
) -> datetime | None:
    """A time of day, or a day with it, on the firm's clock."""
    text = written.strip()
    if not text:
        return None
    if found := _CLOCK.fullmatch(text):
        hour, minute = int(found[1]), int(found[2])
        if hour < 24 and minute < 60:
            return moment_near(hour, minute, now.astimezone(zone)).astimezone(UTC)
    elif "T" in text:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            at = None
        if at is not None:
            return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    lines.append(f"{option} {text!r}: write HH:MM such as 09:41, or 2026-09-28T09:41")
    return None

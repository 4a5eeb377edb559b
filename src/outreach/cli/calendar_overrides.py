"""`outreach calendar override`, `approve-override`, `withdraw-override`, `overrides`."""

from datetime import datetime, time
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import ZoneInfo

import typer

from outreach.cli.door import BAD_DATA, NOT_ALLOWED, USAGE, Door, Failure
from outreach.cli.output import emit_json, emit_rows, next_step, say

if TYPE_CHECKING:
    from outreach.core.calendar_override import Action, Override
    from outreach.core.occurrence import Occurrence
    from outreach.core.trading_calendar import Closure, TradingCalendar
    from outreach.store.overrides import Recorded

    Calendars = dict[str, TradingCalendar]

# Whose calendar follows from whose: an override of one side is one of Stock Connect too.
FOLLOWERS = {"CN_A": ("SB", "NB"), "HK": ("SB", "NB")}
Number = Annotated[int, typer.Argument(help="Its number; see `outreach calendar overrides`.")]
User = Annotated[str, typer.Option("--as", help="Who does it.")]


def override(
    context: typer.Context,
    market: Annotated[str, typer.Argument(help="CN_A, HK, US, UK, SB or NB.")],
    on: Annotated[datetime, typer.Argument(metavar="DATE", formats=["%Y-%m-%d"], help="The day.")],
    kind: Annotated[Literal["closed", "half", "open", "late_open"], typer.Option(help="It is:")],
    reason: Annotated[str, typer.Option(help="Why, kept with it.")],
    source: Annotated[str, typer.Option(help="The exchange's notice, by number or address.")],
    user: User,
    opens: Annotated[str, typer.Option(help="Wall clock of the market, such as 13:30.")] = "",
    closes: Annotated[str, typer.Option(help="Wall clock of the market, such as 12:00.")] = "",
    name_zh: Annotated[str, typer.Option(help="What notices call the day, in Chinese.")] = "",
    name_en: Annotated[str, typer.Option(help="What notices call the day, in English.")] = "",
) -> None:
    """Propose that a day is otherwise than announced. Counts once somebody else approved it."""
    from outreach.core.calendar_override import Override, contradiction, name_for
    from outreach.core.market import MARKETS
    from outreach.store import calendars, overrides

    door: Door = context.obj
    if market not in MARKETS:
        raise Failure(USAGE, f"{market} is not a known market; write one of {', '.join(MARKETS)}")
    day = on.date()
    hours = _time(opens, "--opens"), _time(closes, "--closes")
    with door.database.begin() as tx:
        overrides.hold(tx)
        calendar = calendars.load(tx, market).with_provisional()
        name = name_for(calendar, day, kind)
        proposed = Override(
            market, day, kind, *hours, name_zh or name.zh, name_en or name.en, reason, source
        )
        if (wrong := contradiction(proposed, calendar)) is not None:
            raise Failure(BAD_DATA, f"{market} {day}: {wrong.in_('en')}")
        if (other := overrides.pending(tx, market, day)) is not None:
            raise Failure(
                BAD_DATA,
                f"{market} {day}: override {other.id} is {_said(other.standing)} already;"
                f" withdraw it first: outreach calendar withdraw-override {other.id} --as USER",
            )
        number = overrides.add_step(tx, proposed, "propose", user, door.now())
    if door.json:
        emit_json({"override": number, "state": "proposed", "name_zh": proposed.name_zh,
                   "name_en": proposed.name_en})  # fmt: skip
    say(
        door,
        f"Override {number} proposed: {market} {day} {kind} ({proposed.name_en}). It changes"
        " nothing until somebody else approves it.",
    )
    next_step(door, f"outreach calendar approve-override {number} --as USER (not {user})")


def approve_override(context: typer.Context, number: Number, user: User) -> None:
    """Put an override in force, or its withdrawal; show what changes and what that touches."""
    _step(context.obj, number, "approve", user)


def withdraw_override(context: typer.Context, number: Number, user: User) -> None:
    """Take a proposal back; of an override in force, ask for its end, which another approves."""
    _step(context.obj, number, "withdraw", user)


def _step(door: Door, number: int, action: "Action", user: str) -> None:
    from outreach.core.calendar_override import contradiction, refusal
    from outreach.store import calendars, overrides

    with door.database.begin() as tx:
        overrides.hold(tx)
        found = overrides.find(tx, number)
        if found is None:
            raise Failure(BAD_DATA, f"there is no override {number}; see `calendar overrides`")
        if (why := refusal(list(found.steps), action, user)) is not None:
            raise Failure(NOT_ALLOWED, f"override {number}: {why.in_('en')}")
        before = _calendars(tx, found.override.market)
        if action == "approve" and found.standing == "proposed":
            # What was true when it was proposed may have been imported since.
            calendar = calendars.load(tx, found.override.market).with_provisional()
            if (wrong := contradiction(found.override, calendar)) is not None:
                raise Failure(BAD_DATA, f"override {number}: {wrong.in_('en')}; withdraw it")
        overrides.add_step(tx, found.override, action, user, door.now(), number)
    with door.database.reading() as conn:
        after = _calendars(conn, found.override.market)
        now_is = overrides.find(conn, number)
    state = now_is.standing if now_is else "withdrawn"
    document = {"override": number, "state": state, **_effects(door, before, after)}
    if door.json:
        emit_json(document)
        return
    what = f"{found.override.market} {found.override.on} {found.override.kind}"
    say(door, f"Override {number} ({what}) is {_said(state)}.")
    _show(door, document)
    if state == "withdrawing":
        say(door, "It stays in force until somebody else approves its withdrawal.")
        next_step(door, f"outreach calendar approve-override {number} --as USER (not {user})")


def _said(state: str) -> str:
    return {"in_force": "in force", "withdrawing": "in force, its withdrawal asked for"}.get(
        state, state
    )


def _time(written: str, option: str) -> time | None:
    if not written:
        return None
    try:
        return time.fromisoformat(written)
    except ValueError:
        raise Failure(
            USAGE, f"{option} {written!r}: write the market's wall clock as 12:00"
        ) from None


def _calendars(conn: Any, market: str) -> "Calendars":
    """The calendars an override of this market may change, forecasts included."""
    from outreach.store import calendars

    markets = (market, *FOLLOWERS.get(market, ()))
    return {name: calendars.load(conn, name).with_provisional() for name in markets}


# --- what it changes ---------------------------------------------------------------------------


def _effects(door: Door, before: "Calendars", after: "Calendars") -> dict[str, Any]:
    from outreach.core.calendar_difference import differing_closures, differing_days
    from outreach.core.calendar_effects import last_day

    sessions, closures = [], []
    for market, old in before.items():
        new = after[market]
        today = door.now().astimezone(old.zone).date()
        sessions += [
            {"market": market, "on": one.on, "before": str(one.before), "after": str(one.after)}
            for one in differing_days(old, new, today, last_day(old))
        ]
        closures += [
            {
                "market": market,
                "before": one.before.key if one.before else None,
                "was": _dates(one.before),
                "after": one.after.key if one.after else None,
                "is": _dates(one.after),
            }
            for one in differing_closures(old, new, today)
        ]
    touched = _touched(door, before, after) if sessions or closures else []
    return {"sessions": sessions, "closures": closures, "touched": touched}


def _dates(closure: "Closure | None") -> str:
    if closure is None:
        return "none"
    return f"{closure.close_from} to {closure.close_to}, reopens {closure.reopen}"


def _touched(door: Door, before: "Calendars", after: "Calendars") -> list[dict[str, Any]]:
    """Campaign occurrences that change, with the run of each that was opened already."""
    from outreach.core.calendar_effects import touched
    from outreach.store import runs

    rows = []
    zone = ZoneInfo(door.config.firm.zone)
    with door.database.reading() as conn:
        for name, campaign in door.project.campaigns.items():
            for found in touched(campaign.occurrence, before, after, door.now(), zone):
                key = _key(found.before) or _key(found.after) or ""
                run = runs.find(conn, name, key)
                rows.append(
                    {
                        "campaign": name,
                        "before": _key(found.before),
                        "after": _key(found.after),
                        "expires_at": found.after.expires_at if found.after else None,
                        "run": run["id"] if run else None,
                        "run_state": run["state"] if run else None,
                    }
                )
    return rows


def _key(occurrence: "Occurrence | None") -> str | None:
    return occurrence.key if occurrence else None


def _show(door: Door, document: dict[str, Any]) -> None:
    if not document["sessions"] and not document["closures"]:
        say(door, "No coming session changes.")
        return
    emit_rows(door, "Sessions that change", document["sessions"])
    emit_rows(door, "Closures that change", document["closures"])
    emit_rows(door, "Campaign occurrences that change", document["touched"])
    told = [row for row in document["touched"] if row["run"] is not None]
    for row in told:
        say(
            door,
            f"Run {row['run']} of {row['campaign']} {row['before'] or row['after']} is"
            f" {row['run_state']} with the dates as they were.",
        )
    going = {row["run"]: "" for row in told if row["run_state"] not in ("finished", "cancelled")}
    next_step(door, *(f"outreach runs cancel {run}" for run in going))


# --- the list ----------------------------------------------------------------------------------


def overrides(
    context: typer.Context,
    market: Annotated[str | None, typer.Option(help="Of one market only.")] = None,
) -> None:
    """Overrides on record with who proposed, approved and withdrew them."""
    from outreach.store import overrides as stored

    door: Door = context.obj
    with door.database.reading() as conn:
        rows = [_row(one) for one in stored.recorded(conn, market)]
    emit_rows(
        door, "Overrides", rows,
        ("id", "market", "on", "kind", "opens", "closes", "state", "name_en", "reason",
         "proposed_by", "approved_by", "withdrawn_by"),
        ("source_ref", "at"),
    )  # fmt: skip


def _row(one: "Recorded") -> dict[str, Any]:
    said: Override = one.override
    by = {
        action: ", ".join(step.actor for step in one.steps if step.action == action) or None
        for action in ("propose", "approve", "withdraw")
    }
    return {
        "id": one.id,
        "market": said.market,
        "on": said.on,
        "kind": said.kind,
        "opens": said.opens.isoformat("minutes") if said.opens else None,
        "closes": said.closes.isoformat("minutes") if said.closes else None,
        "name_zh": said.name_zh,
        "name_en": said.name_en,
        "state": one.standing,
        "reason": said.reason,
        "source_ref": said.source_ref,
        "proposed_by": by["propose"],
        "approved_by": by["approve"],
        "withdrawn_by": by["withdraw"],
        "at": one.moments[0],
    }

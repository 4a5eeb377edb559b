"""`outreach calendar override`, `approve-override`, `withdraw-override`, `overrides`."""

from datetime import datetime, time
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from outreach.cli.door import BAD_DATA, NOT_ALLOWED, USAGE, Door, Failure
from outreach.cli.output import emit_json, emit_rows, next_step, say

if TYPE_CHECKING:
    from outreach.core.calendar_override import Action, Override
    from outreach.store.overrides import Recorded

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
    from outreach.cli import calendar_changes as changes
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
        after = changes.calendars_of(tx, market, [proposed])
        effects = changes.effects(door, tx, changes.calendars_of(tx, market), after)
        number = overrides.add_step(tx, proposed, "propose", user, door.now())
    if door.json:
        emit_json({"override": number, "state": "proposed", "name_zh": proposed.name_zh,
                   "name_en": proposed.name_en, **effects})  # fmt: skip
        return
    say(
        door,
        f"Override {number} proposed: {market} {day} {kind} ({proposed.name_en}). It changes"
        " nothing until somebody else approves it. It would change:",
    )
    changes.show(door, effects, done=False)
    next_step(door, f"outreach calendar approve-override {number} --as USER (not {user})")


def approve_override(context: typer.Context, number: Number, user: User) -> None:
    """Put an override in force, or its withdrawal; show what changes and what that touches."""
    _step(context.obj, number, "approve", user)


def withdraw_override(context: typer.Context, number: Number, user: User) -> None:
    """Take a proposal back; of an override in force, ask for its end, which another approves."""
    _step(context.obj, number, "withdraw", user)


def _step(door: Door, number: int, action: "Action", user: str) -> None:
    from outreach import plan
    from outreach.cli import calendar_changes as changes
    from outreach.core.calendar_override import contradiction, refusal
    from outreach.store import calendars, overrides

    with door.database.begin() as tx:
        overrides.hold(tx)
        found = overrides.find(tx, number)
        if found is None:
            raise Failure(BAD_DATA, f"there is no override {number}; see `calendar overrides`")
        if (why := refusal(list(found.steps), action, user)) is not None:
            raise Failure(NOT_ALLOWED, f"override {number}: {why.in_('en')}")
        before = changes.calendars_of(tx, found.override.market)
        if action == "approve" and found.standing == "proposed":
            # What was true when it was proposed may have been imported since.
            calendar = calendars.load(tx, found.override.market).with_provisional()
            if (wrong := contradiction(found.override, calendar)) is not None:
                raise Failure(BAD_DATA, f"override {number}: {wrong.in_('en')}; withdraw it")
        overrides.add_step(tx, found.override, action, user, door.now(), number)
        after = changes.calendars_of(tx, found.override.market)
        effects = changes.effects(door, tx, before, after)
        if action == "approve":
            plan.stop_untrue(tx, after, door.now(), user)
        now_is = overrides.find(tx, number)
    state = now_is.standing if now_is else "withdrawn"
    document = {"override": number, "state": state, **effects}
    if door.json:
        emit_json(document)
        return
    what = f"{found.override.market} {found.override.on} {found.override.kind}"
    say(door, f"Override {number} ({what}) is {_said(state)}.")
    changes.show(door, document, done=action == "approve")
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

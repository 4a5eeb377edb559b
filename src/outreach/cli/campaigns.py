"""`outreach plan`, `preview`, `approve`, `approvals`: a campaign from draft to approved."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from outreach.cli.door import BAD_DATA, NOT_ALLOWED, PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import (
    console,
    emit_json,
    emit_rows,
    lasting,
    next_step,
    number_of,
    progress,
    say,
    table,
)

if TYPE_CHECKING:
    from outreach.plan import Due, Estimate, Job

CampaignName = Annotated[str, typer.Argument(help="A campaign: its file's name without .toml.")]
Occurrence = Annotated[
    str | None, typer.Option(help="Its key; without it, the occurrence due now.")
]

FORECAST = "the calendar of these days is provisional; import the official one before sending"


def plan(context: typer.Context, campaign: CampaignName, occurrence: Occurrence = None) -> None:
    """Dry run: audience, decisions and reasons, SMS parts, samples. Writes and sends nothing."""
    from outreach import plan as verb

    door: Door = context.obj
    if occurrence is None and _watching(door, campaign):
        return
    due, job = _prepared(door, campaign, occurrence)
    now = door.now()
    with door.database.reading() as conn:
        total = job.count(conn)
    with progress(door, "planning", total) as tick:
        found = verb.estimate(door.database, job, now, tick)
    document = _plan_document(door, campaign, due, found)
    if door.json:
        emit_json(document)
        return
    _show_plan(door, due, found, document)
    approve = f"outreach approve {campaign} --as USER"
    if due.provisional:
        return
    next_step(door, *([] if due.values.approved else [approve]), f"outreach run {campaign}")


def _watching(door: Door, campaign: str) -> bool:
    """Of a campaign that waits for the market to move: say where its conditions stand. False for
    any other, and for one that has something to tell."""
    from outreach import plan as verb
    from outreach.cli.engine import definition
    from outreach.cli.schedule import watched_row
    from outreach.core.campaign import OnMarketMove
    from outreach.core.occurrence import Blocked
    from outreach.store import moves

    defined, now = definition(door, campaign), door.now()
    rule = defined.campaign.occurrence
    if not isinstance(rule, OnMarketMove):
        return False
    with door.database.reading() as conn:
        due = verb.prepare(conn, defined, None, now)
        if not isinstance(due, Blocked) or due.code != "nothing_due":
            return False
        watched = moves.watch(conn, campaign, rule, now, defined.zone)
    language = door.config.language
    if door.json:
        conditions = [watched_row(one, language) for one in watched]
        said = due.sentence.in_(language)
        emit_json({"campaign": campaign, "waits": said, "conditions": conditions})
    say(door, due.sentence.in_(language), *(f"  {one.sentence.in_(language)}" for one in watched))
    return True


def _prepared(
    door: Door, campaign: str, occurrence: str | None, *, rehearse: bool = False
) -> "tuple[Due, Job]":
    from outreach import plan as verb
    from outreach.cli.engine import collect_seldom, definition, unsubscribe_key
    from outreach.core.occurrence import Blocked

    collect_seldom()
    defined, now = definition(door, campaign), door.now()
    if not defined.campaign.enabled:
        raise Failure(BAD_DATA, f"{campaign}: is not enabled; set enabled = true in its file")
    with door.database.reading() as conn:
        due = verb.prepare(conn, defined, occurrence, now)
        if isinstance(due, Blocked) and due.code == "calendar":
            forecast = verb.prepare(conn, defined, occurrence, now, provisional=True)
            due = due if isinstance(forecast, Blocked) else forecast
        if rehearse and isinstance(due, Blocked) and due.code == "nothing_due":
            due = verb.rehearsal(conn, defined, now) or due
    if isinstance(due, Blocked):
        raise Failure(BAD_DATA, f"{campaign}: {due.sentence.in_('en')}")
    # A draft is shown as it would go out: an approval is asked for by `run`, not by a look.
    values = replace(due.values, approved=True)
    return due, verb.Job.of(defined, values, unsubscribe_key(door), now)


def _plan_document(door: Door, campaign: str, due: "Due", found: "Estimate") -> dict[str, Any]:
    from outreach.engine.waiting import eta_seconds

    senders = door.config.senders
    with door.database.reading() as conn:
        seconds = eta_seconds(door.config, conn, found.lanes, door.now())
    cost = sum(n * getattr(senders[name], "part_price", 0.0) for name, n in found.parts.items())
    return {
        "campaign": campaign,
        "occurrence": due.occurrence.key,
        "expires_at": due.occurrence.expires_at,
        "approved": due.values.approved,
        "blocked_for_sending": FORECAST if due.provisional else None,
        "audience": found.audience,
        **{name: found.decisions.get(name, 0) for name in ("allow", "defer", "suppress")},
        "reasons": dict(found.reasons.most_common()),
        "channels": dict(found.channels),
        "senders": dict(found.senders),
        "sms_parts": found.sms_parts,
        "longest_sms_parts": found.longest_sms.sms_parts if found.longest_sms else 0,
        "sms_cost": round(cost, 2),
        "eta_seconds": round(seconds, 1),
    }


def _show_plan(door: Door, due: "Due", found: "Estimate", document: dict[str, Any]) -> None:
    from outreach.cli.engine import title

    out, language = console(), door.config.language
    out.print(f"[bold]{title(due.definition.campaign, language)}[/]  {due.occurrence.key}")
    show_decisions(door, document)
    channels = ", ".join(f"{name} {n:,}" for name, n in document["channels"].items()) or "none"
    line = f"Messages: {channels}; SMS parts {document['sms_parts']:,}"
    if document["sms_cost"]:
        line += f", about {document['sms_cost']:,.2f} at the price of config.toml"
    out.print(line)
    seconds, total = document["eta_seconds"], sum(document["channels"].values())
    rate = total / seconds if seconds else 0.0
    # Where the sender waits for its hour or its day, a rate over the wait says nothing.
    told = f" at {number_of(round(rate), 'message')} a second" if rate >= 1 else ""
    out.print(f"About {lasting(seconds)}{told}" if total else "Nothing to send")
    if found.longest_sms:
        longest = found.longest_sms
        out.print(f"Longest SMS: {longest.sms_units} units, {number_of(longest.sms_parts, 'part')}")
    for (channel, locale), parts in sorted(found.samples.items()):
        out.print(f"\n[dim]Sample {channel} {locale}[/]")
        out.print(_mail_text(parts) if channel == "email" else "\n".join(parts), markup=False)
    out.print()
    if due.provisional:
        out.print(f"Not to be sent: {FORECAST}.")
    if not due.values.approved:
        out.print("Not approved yet: `run` refuses until somebody else has approved it.")


def _mail_text(parts: tuple[str, ...]) -> str:
    lines = parts[1].strip().splitlines()
    shown = lines[:12] + ([f"… {len(lines) - 12} more lines"] if len(lines) > 12 else [])
    return "\n".join([f"Subject: {parts[0]}", "", *shown])


def show_decisions(door: Door, document: dict[str, Any]) -> None:
    """Candidates by decision, with the reasons in words."""
    from outreach.core.words import REASONS

    language = door.config.language
    rows: list[tuple[Any, ...]] = [("audience", document["audience"], "")]
    rows += [(name, document[name], "") for name in ("allow", "defer", "suppress")]
    for code, n in document["reasons"].items():
        rows.append((f"  {code}", n, REASONS[code].sentence.in_(language)))
    console().print(table("", ("decision", "clients", ""), rows))


def preview(
    context: typer.Context,
    campaign: CampaignName,
    client: Annotated[str, typer.Option(help="Client number.")],
    channel: Annotated[str | None, typer.Option(help="sms or email; the first without it.")] = None,
    occurrence: Occurrence = None,
    out: Annotated[str | None, typer.Option(help="Write it here: .eml, .html or .txt.")] = None,
) -> None:
    """Exactly what that client would get, whether or not a rule would stop it."""
    from pathlib import Path

    from outreach import plan as verb
    from outreach.cli.export import whole_file
    from outreach.core.words import Channel
    from outreach.preview import preview_of
    from outreach.store import audit
    from outreach.store.audit import Entry

    door: Door = context.obj
    due, job = _prepared(door, campaign, occurrence, rehearse=occurrence is None)
    channels = due.definition.campaign.channels
    if channel is not None and channel not in channels:
        raise Failure(
            BAD_DATA, f"{campaign} has no channel {channel}; it has {', '.join(channels)}"
        )
    wanted = Channel(channel) if channel else None
    with door.database.reading() as conn:
        shown = preview_of(conn, job, client, wanted, door.now())
    if isinstance(shown, str):
        raise Failure(BAD_DATA, shown)
    chosen = shown.choice.channel
    if out and Path(out).suffix not in shown.file_kinds:
        kinds = ", ".join(shown.file_kinds)
        raise Failure(USAGE, f"{out}: by {chosen}, the name must end with one of {kinds}")
    entry = Entry(door.now(), "client.previewed", door.actor, f"client {client}",
                  {"campaign": campaign, "channel": chosen})  # fmt: skip
    with door.database.begin() as tx:  # it shows a client's data, so it goes on record first
        audit.append(tx, [entry])
    if out:
        with whole_file(Path(out), force=True) as draft:
            draft.write_bytes(shown.as_file(Path(out).suffix))
    if door.json:
        made_up = due.occurrence.key == verb.MADE_UP
        emit_json({**shown.document(), "file": out, "made_up": made_up})
        return
    say(door, f"{campaign} {due.occurrence.key} to {client} by {chosen}: {shown.verdict}")
    if due.occurrence.key == verb.MADE_UP:
        say(door, "Nothing of the kind has happened: its figures are made up.")
    console().print(shown.text(), markup=False)
    if out:
        say(door, f"Written to {out}.")


def approve(
    context: typer.Context,
    campaign: CampaignName,
    user: Annotated[str, typer.Option("--as", help="Who approves; not who wrote it.")],
    revoke: Annotated[bool, typer.Option("--revoke", help="Take the approval back.")] = False,
    note: Annotated[str, typer.Option(help="Kept with the approval.")] = "",
) -> None:
    """Approve exactly this text, segment and campaign; any change to them needs a new approval."""
    from outreach.cli.engine import definition
    from outreach.store import runs

    door: Door = context.obj
    defined = definition(door, campaign)
    if not user.strip():
        raise Failure(NOT_ALLOWED, f"{campaign}: --as names nobody; name who approves")
    if not revoke and user.strip().casefold() == defined.campaign.owner.strip().casefold():
        raise Failure(
            NOT_ALLOWED,
            f"{campaign}: {user} wrote it, so somebody else must approve it (--as another user)",
        )
    if not revoke:
        _refuse_with_faults(door, campaign)
    action = "revoke" if revoke else "approve"
    digest = defined.approval_digest
    with door.database.begin() as tx:
        number = runs.approve(tx, campaign, digest, user, door.now(), action=action, note=note)
    document = {"approval": number, "campaign": campaign, "action": action, "as": user,
                "digest": digest}  # fmt: skip
    if door.json:
        emit_json(document)
    say(door, f"{action}d {campaign} as {user}, bound to {digest[:16]}…")
    next_step(door, f"outreach run {campaign}" if not revoke else "outreach approvals")


def _refuse_with_faults(door: Door, campaign: str) -> None:
    """What `check` calls an error is not approved: a wrong weekday, a session that is none."""
    from outreach.cli.almanac import almanac
    from outreach.project.check import check_project, concerning

    found = concerning(door.project, campaign, check_project(door.project, almanac(door)))
    lines = [str(one) for one in found if one.severity == "error"]
    if lines:
        raise Failure(PROBLEMS, [*lines, f"{campaign}: not approved; correct this first"])


def approvals(context: typer.Context) -> None:
    """Approvals and revocations on record, newest first."""
    from outreach.store import runs

    door: Door = context.obj
    with door.database.reading() as conn:
        rows = [dict(row) for row in runs.approvals(conn)]
    emit_rows(
        door, "Approvals", rows, ("id", "campaign", "action", "actor", "at", "digest", "note")
    )

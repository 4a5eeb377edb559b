"""`outreach explain`: why one client got, or did not get, a campaign's message."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from outreach.cli.door import BAD_DATA, Door, Failure
from outreach.cli.output import Marked, console, emit_json, moment, next_step, table
from outreach.core.masking import masked_address, masked_text

if TYPE_CHECKING:
    from outreach.report import Explained, Gate


def explain(
    context: typer.Context,
    client: Annotated[str, typer.Argument(help="Client number.")],
    campaign: Annotated[str, typer.Argument(help="A campaign's name.")],
    run: Annotated[
        int | None, typer.Option(help="A run's number; the newest that decided without it.")
    ] = None,
) -> None:
    """Every gate with the facts it saw and what it said, and what became of the messages."""
    from outreach import report

    door: Door = context.obj
    with door.database.reading() as conn:
        found = report.explain(
            conn, client, campaign, run_id=run, language=door.config.language, now=door.now()
        )
    if isinstance(found, str):
        raise Failure(BAD_DATA, found)
    if door.json:
        emit_json({**asdict(found), "messages": [_masked(one) for one in found.messages]})
        return
    _show(door, found)
    next_step(
        door, f"outreach log --client {found.client}",
        f"outreach preview {found.campaign} --client {found.client}",
    )  # fmt: skip


def _masked(one: dict[str, Any]) -> dict[str, Any]:
    address = masked_address(one["channel"], one["address"])
    past = [{**was, "detail": masked_text(was["detail"])} for was in one["history"]]
    return {**one, "address": address, "detail": masked_text(one["detail"]), "history": past}


def _show(door: Door, found: "Explained") -> None:
    out, clock = console(), ZoneInfo(door.config.firm.zone)
    out.print(f"[bold]{found.client}[/]  {found.campaign} {found.occurrence}, run {found.run}")
    out.print(found.summary, style="bold", markup=False)
    out.print()
    facts = [("Audience", found.segment)]
    if found.event:
        facts.append(("Event", found.event))
    if found.decided_at:
        facts.append(("Decided", moment(found.decided_at, clock)))
    if approval := found.approval:
        said = f"{approval['by']}, {moment(approval['at'], clock)}, {approval['digest'][:12]}…"
        facts.append(("Approved", said))
    facts.append(("Policy", found.policy_version))
    for one in found.because:
        when = moment(one["as_of"], clock)
        facts.append(("Because", f"{one['sentence']}, {one['file']}, as of {when}"))
    for label, text in facts:
        out.print(f"{label:<9} {text}", markup=False)
    for channel in dict.fromkeys(gate.channel for gate in found.gates):
        rows = [
            (gate.gate, _verdict(gate, clock), gate.sentence)
            for gate in found.gates
            if gate.channel == channel
        ]
        out.print()
        out.print(table(channel, ("gate", "verdict", ""), rows))
    _show_messages(door, found)


def _verdict(gate: "Gate", clock: ZoneInfo) -> str | Marked:
    if gate.verdict == "allow":
        return gate.verdict
    until = f" to {moment(gate.until, clock)}" if gate.until else ""
    return Marked(f"{gate.verdict}{until}", "yellow" if gate.verdict == "defer" else "bold red")


def _show_messages(door: Door, found: "Explained") -> None:
    if not found.messages:
        return
    messages = [_masked(one) for one in found.messages]
    zone = door.config.firm.zone
    names = ("message", "channel", "address", "state", "", "at")
    rows = [
        (
            one["message"], one["channel"], one["address"], one["state"],
            one["why"] or one["sentence"], one["held_until"] or one["at"],
        )
        for one in messages
    ]  # fmt: skip
    console().print(table("Messages", names, rows, zone=zone))
    past = [
        (one["message"], was["at"], was["what"], was["state"], was["code"], was["detail"],
         was["by"], was["provider_ref"])
        for one in messages
        for was in one["history"]
    ]  # fmt: skip
    if past:
        columns = ("message", "at", "what", "state", "code", "said", "by", "reference")
        console().print(table("What happened to them", columns, past, zone=zone))

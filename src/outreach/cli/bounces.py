"""`outreach bounces`: the mail that came back, and reading the mailboxes it came to."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from outreach.cli.door import BAD_DATA, PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import emit_json, emit_rows, next_step, say

if TYPE_CHECKING:
    from outreach.core.bounce.returned import ReturnedMail
    from outreach.project.bounce_config import ImapMailbox, MaildirMailbox

app = typer.Typer(help="Mail that came back: what is on record, and reading the mailboxes.")


@app.callback(invoke_without_command=True)
def listed(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=3660, help="Of the last so many days.")] = 30,
    kind: Annotated[
        str, typer.Option("--class", help="Only this class: hard, soft, policy ...")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 200,
) -> None:
    """What came back, by address and class, the newest first, and which addresses are blocked."""
    if context.invoked_subcommand is not None:
        return
    from outreach.core.bounce import Kind
    from outreach.core.masking import masked_email
    from outreach.store import blocks, bounces

    door: Door = context.obj
    if kind and kind not in {one.value for one in Kind}:
        raise Failure(USAGE, f"--class: {kind!r} is none of {', '.join(Kind)}")
    now = door.now()
    with door.database.reading() as conn:
        found = bounces.lines(conn, now - timedelta(days=days), kind=kind or None, limit=limit)
        shut = blocks.of_addresses(conn, now, [one.address for one in found])
    rows = [
        {
            "address": masked_email(one.address) or None,
            "class": one.kind,
            "signed": one.signed,
            "reports": one.reports,
            "last_at": one.last_at,
            "status": one.status or None,
            "diagnostic": one.diagnostic or None,
            "blocked": ", ".join(shut.get(one.address, ())) or None,
        }
        for one in found
    ]
    emit_rows(door, "Mail that came back", rows)
    next_step(door, "outreach blocks list")


@app.command()
def read(
    context: typer.Context,
    mailbox: Annotated[str, typer.Option(help="Only this one; without it, every one.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what the mails say; store and move nothing.")
    ] = False,
) -> None:
    """Read the mailboxes once: mails are stored, moved to what is done, and applied. `outreach
    serve` does the same by itself."""
    from outreach import receive
    from outreach.cli.mailboxes import applying, opening
    from outreach.feeds.returned_mail import MailboxTrouble

    door: Door = context.obj
    boxes, opened, database = _chosen(door, mailbox), opening(door.root), door.database
    if dry_run:
        _dry_run(door, boxes)
        return
    rows: list[dict[str, Any]] = []
    for name, configured in boxes.items():
        row: dict[str, Any] = {"mailbox": name, "mails": 0, "new": 0, "trouble": None}
        rows.append(row)
        try:
            box = opened(name, configured)
            try:
                took = receive.take_mails(database, name, box, door.now)
            finally:
                box.close()
            row |= {"mails": took.mails, "new": took.new}
        except MailboxTrouble as error:
            row["trouble"] = str(error)
    totals = _apply(applying(door), door)
    if door.json:
        emit_json({"mailboxes": rows, **totals})
    else:
        emit_rows(door, "Mailboxes", rows)
        classes = ", ".join(f"{kind} {n:,}" for kind, n in totals["returned"].items())
        say(door, f"New reports: {classes or 'none'}. Receipts: {totals['receipts']:,}.")
        next_step(door, "outreach bounces", "outreach blocks list")
    if lines := [f"{row['mailbox']}: {row['trouble']}" for row in rows if row["trouble"]]:
        raise Failure(PROBLEMS, lines)


def _chosen(door: Door, name: str) -> "dict[str, ImapMailbox | MaildirMailbox]":
    """The mailboxes that are read; what comes to an LMTP door needs no reading."""
    configured = door.config.bounces.mailboxes
    if name and name not in configured:
        known = ", ".join(sorted(configured)) or "none yet"
        raise Failure(USAGE, f"--mailbox: there is no mailbox {name}; there are: {known}")
    found = {
        one: box for one, box in configured.items() if box.kind != "lmtp" and name in ("", one)
    }
    if not found:
        write = "describe one under [bounces.mailboxes.NAME] with kind imap or maildir"
        raise Failure(BAD_DATA, f"{door.config_path.name}: there is no mailbox to read; {write}")
    return found


def _apply(apply: Any, door: Door) -> dict[str, Any]:
    """Apply everything that is due; what it came to."""
    from collections import Counter

    returned: Counter[str] = Counter()
    receipts = waiting = aside = 0
    while (done := apply(door.config)).events:
        returned.update(done.returned)
        receipts, waiting, aside = (
            receipts + done.receipts, waiting + done.waiting, aside + done.aside,
        )  # fmt: skip
    return {
        "returned": dict(returned), "receipts": receipts, "waiting": waiting, "set_aside": aside,
    }  # fmt: skip


def _dry_run(door: Door, boxes: "dict[str, ImapMailbox | MaildirMailbox]") -> None:
    from outreach import receive
    from outreach.cli.engine import returns
    from outreach.cli.mailboxes import opening
    from outreach.feeds.returned_mail import MailboxTrouble

    rows: list[dict[str, Any]] = []
    troubles: list[str] = []
    verp, opened = returns(door), opening(door.root)
    for name, configured in boxes.items():
        try:
            box = opened(name, configured)
            try:
                for mail in receive.look_at(box, verp, door.now):
                    rows += _said(name, mail)
            finally:
                box.close()
        except MailboxTrouble as error:
            troubles.append(f"{name}: {error}")
    if door.json:
        emit_json({"mails": rows})
    else:
        emit_rows(door, "What the mails say (nothing is stored)", rows)
    if troubles:
        raise Failure(PROBLEMS, troubles)


def _said(name: str, mail: "ReturnedMail") -> list[dict[str, Any]]:
    from outreach.core.masking import masked_email, masked_text

    return [
        {
            "mailbox": name,
            "message": mail.message_id,
            "signed": mail.signed,
            "recipient": masked_email(row.recipient) or None,
            "class": row.kind.value,
            "status": row.status or None,
            "diagnostic": masked_text(row.diagnostic) or None,
            "suppress": mail.signed and row.suppresses,
        }
        for row in mail.rows
    ]

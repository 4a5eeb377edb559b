"""What `outreach doctor` says of delivery: messages in doubt, what is heard back, returned mail."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from outreach.cli.output import number_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from outreach.project.load import Project

LATELY: Final = timedelta(days=7)
STUCK: Final = timedelta(hours=1)  # an event is applied within seconds


class Seen(NamedTuple):
    """One finding, in the order in which `doctor` takes it."""

    level: Literal["ok", "warning"]
    says: str
    write: str = ""


def doubt_findings(conn: "Connection", project: "Project", now: datetime) -> Iterator[Seen]:
    """Runs with messages in doubt."""
    from outreach.store import checkup

    open_ = checkup.in_doubt(conn)
    for run, n in open_.items():
        says = f"run {run}: {number_of(n, 'message')} may or may not have been sent"
        yield Seen("warning", says, f"outreach runs doubts {run}")
    if not open_:
        yield Seen("ok", "no message is in doubt")


def sender_findings(conn: "Connection", project: "Project", now: datetime) -> Iterator[Seen]:
    """Senders that had trouble or were stopped, and batches that nobody takes any more."""
    from outreach.store import breakers, left

    quiet = True
    for name, row in breakers.standing(conn).items():
        if row["state"] != "closed":
            quiet = False
            why = row["why"] if row["why"].startswith(f"{name}:") else f"{name}: {row['why']}"
            yield Seen("warning", why[:300], f"outreach senders open {name}")
    for run, batches in left.all_set_aside(conn).items():
        quiet = False
        many = number_of(batches, "batch", "batches")
        says = f"run {run}: {many} set aside, for every sender ended by it"
        yield Seen("warning", says, f"outreach runs show {run}, then outreach runs retry {run}")
    if quiet:
        yield Seen("ok", "no sender rests or is stopped")


def heard_findings(conn: "Connection", project: "Project", now: datetime) -> Iterator[Seen]:
    """Events nobody could make anything of, events nobody applies, replies nobody has seen to."""
    from outreach.store import raw_events, replies

    quiet = True
    for one in raw_events.aside_reasons(conn, now - LATELY):
        quiet = False
        events = number_of(one.n, "event")
        says = f"{events} of {one.source} set aside ({one.reason}): {one.detail}"
        yield Seen("warning", says[:300], _REMEDIES.get(one.reason, _LOOK))
    waiting = raw_events.waiting(conn)
    if waiting.oldest_at is not None and waiting.oldest_at < now - STUCK:
        quiet = False
        since = f"{waiting.oldest_at:%Y-%m-%d %H:%M} UTC"
        says = f"{number_of(waiting.events, 'event')} not applied yet, the oldest since {since}"
        yield Seen("warning", says, "let `outreach serve` run, with every sender it is to hear of")
    if unseen := len(replies.listed(conn)):
        quiet = False
        says = f"{number_of(unseen, 'reply', 'replies')} for a person to see to"
        yield Seen("warning", says, "outreach replies list")
    if quiet:
        yield Seen("ok", "what came in is applied, and nobody waits for an answer")


_LOOK: Final = "compare the event (table raw_event) with what its provider documents"
_REMEDIES: Final = {
    "unknown_message": "see whether another installation, or a restored one, uses this address",
    "never_sent": "see whether another installation, or a restored one, uses this address",
    "another_sender": "see that each sender of config.toml has addresses of its own",
    "unknown_reference": "see whether another program sends by the same account",
    "unknown_link": "nothing: somebody used a link that is none of ours",
}


def returned_findings(conn: "Connection", project: "Project", now: datetime) -> Iterator[Seen]:
    """Texts and senders that were refused, reports nobody can believe, mail nobody reads."""
    from outreach.store import bounces

    quiet, since, days = True, now - LATELY, LATELY.days
    for campaign, kind, mails, said in bounces.refused(conn, since):
        quiet = False
        what = "its text" if kind == "content" else "our sender"
        write = (
            "change the text, or ask the mail server's operator"
            if kind == "content"
            else "look at blocklists, SPF, DKIM and DMARC of the sender"
        )
        many = number_of(mails, "mail")
        says = f"{campaign}: {many} of {days} days came back because of {what}: {said}"
        yield Seen("warning", says[:300], write)
    for kind, reports in sorted(bounces.unsigned(conn, since).items()):
        quiet = False
        says = (
            f"{number_of(reports, 'report')} of class {kind} in {days} days without a token of ours"
        )
        yield Seen("warning", says, "outreach bounces; if clients are right, record it by hand")
    config = project.config.bounces
    if config.address and not config.mailboxes:
        quiet = False
        write = "describe its mailbox under [bounces.mailboxes.NAME]"
        yield Seen("warning", f"nobody reads what comes back to {config.address}", write)
    if quiet:
        yield Seen("ok", "no text and no sender was refused lately")

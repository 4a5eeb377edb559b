"""What came back and what follows from it, set-wise: addresses blocked, objections recorded."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, func, select

from outreach.core.bounce.report import Kind
from outreach.core.bounce.resting import SoftRule, rests_until
from outreach.core.bounce.returned import Judged, ReturnedMail, judged
from outreach.core.consent import Action, Source
from outreach.core.masking import masked_text
from outreach.core.words import Channel
from outreach.store import blocks, consent
from outreach.store.audit import Entry
from outreach.store.blocks import Block
from outreach.store.covered import cover
from outreach.store.database import allocate, append
from outreach.store.one_of import one_of
from outreach.store.said import plain
from outreach.store.tables import bounce, client, message, run

ACTOR: Final = "outreach"
NO_EVENT: Final = 0  # nothing came in: a server said it while the mail was handed over
_COLUMNS: Final = tuple(column.name for column in bounce.columns)


class Found(NamedTuple):
    """A returned mail with the message it is about, where there is one."""

    event_id: int
    judged: Judged
    run_id: int | None = None
    client_id: int | None = None


@dataclass
class Written:
    """What returned mails came to, and what the log must say of them."""

    kinds: Counter[str] = field(default_factory=Counter)  # by class, of reports not known before
    refused: Counter[tuple[int, str]] = field(default_factory=Counter)  # (run, content or policy)
    unsigned: int = 0  # reports of somebody who does not show that he had the mail
    entries: list[Entry] = field(default_factory=list)


def judge(conn: Connection, mails: Iterable[tuple[int, ReturnedMail]]) -> list[Found]:
    """Each returned mail, given with its event, judged for the address its message went to."""
    mails = list(mails)
    wanted = {mail.message_id for _, mail in mails if mail.message_id is not None}
    columns = (message.c.id, message.c.run_id, message.c.client_id, message.c.address)
    known: dict[int, Any] = {}
    if wanted := {one for one in wanted if 0 < one < 2**63}:
        query = select(*columns).where(
            one_of(conn, message.c.id, wanted), message.c.channel == Channel.EMAIL
        )
        known = {row.id: row for row in conn.execute(query)}
    found = []
    for event_id, mail in mails:
        row = known.get(mail.message_id or 0)
        one = judged(mail, row.address if row else None)
        if row is None or one.mail.message_id is None:
            found.append(Found(event_id, one))
        else:
            found.append(Found(event_id, one, row.run_id, row.client_id))
    return found


def record(tx: Connection, found: Sequence[Found], rule: SoftRule, at: datetime) -> Written:
    """Put reports on record that are not there yet, and do what follows. The entries go into the
    log at the end of the transaction. Whoever records at the same time queues here."""
    written = Written()
    if not found:
        return written
    first = allocate(tx, "bounce", len(found))
    fresh = _unknown(tx, found)
    if not fresh:
        return written
    numbered = dict(enumerate(fresh, start=first))
    rows = [_row(number, one, at) for number, one in numbered.items()]
    append(tx, bounce, _COLUMNS, rows)
    for one in fresh:
        written.kinds[one.judged.kind.value] += 1
        written.unsigned += not one.judged.mail.signed
        if one.judged.kind in (Kind.CONTENT, Kind.POLICY) and one.run_id and one.judged.mail.signed:
            written.refused[one.run_id, one.judged.kind.value] += 1
    subject = f"returned mails {first} to {rows[-1][0]}"
    covered = cover(bounce, _COLUMNS, rows)
    written.entries.append(Entry(at, "bounces.recorded", ACTOR, subject, written.kinds, covered))
    shut = [*_hard(numbered), *_resting(tx, numbered, rule, at)]
    written.entries += blocks.block(tx, shut, ACTOR, at)
    written.entries += _objections(tx, numbered, at)
    return written


def _unknown(tx: Connection, found: Sequence[Found]) -> list[Found]:
    """Those that are not on record, each once."""
    by_identity: dict[bytes, Found] = {}
    for one in found:
        by_identity.setdefault(one.judged.identity, one)
    asked = list(by_identity)
    for at in range(0, len(asked), 500):
        query = select(bounce.c.identity).where(bounce.c.identity.in_(asked[at : at + 500]))
        for identity in tx.execute(query).scalars():
            by_identity.pop(bytes(identity), None)
    return list(by_identity.values())


def _row(number: int, found: Found, at: datetime) -> tuple[Any, ...]:
    one = found.judged
    return (
        number, found.event_id, one.identity, one.mail.message_id, found.run_id,
        plain(one.address, 254), one.kind.value, one.counts, one.mail.signed,
        plain(one.status, 16), plain(masked_text(one.diagnostic), 400), one.mail.said_at, at,
    )  # fmt: skip


# --- what follows ----------------------------------------------------------------------------


def _hard(numbered: Mapping[int, Found]) -> list[Block]:
    return [
        Block("email", one.judged.address, "hard_bounce", _said(one.judged), f"bounce {number}")
        for number, one in numbered.items()
        if one.judged.suppresses and one.judged.kind is Kind.HARD
    ]


def _said(one: Judged) -> str:
    """What the server said, with mailboxes masked."""
    return plain(masked_text(f"{one.status} {one.diagnostic}".strip()) or one.kind.value, 400)


def _resting(
    tx: Connection, numbered: Mapping[int, Found], rule: SoftRule, at: datetime
) -> list[Block]:
    """The addresses that have now failed on too many days."""
    newest = {one.judged.address: number for number, one in numbered.items() if one.judged.counts}
    if not newest:
        return []
    addresses = sorted(newest)
    cleared = blocks.lifted_at(tx, addresses)
    failed: dict[str, list[datetime]] = defaultdict(list)
    row = bounce.c
    query = select(row.address, row.said_at, row.kind).where(
        one_of(tx, row.address, addresses),
        row.said_at > at - timedelta(days=rule.days),
        row.signed,
        row.counts | (row.kind == Kind.SUCCESS.value),
    )
    for address, said_at, kind in tx.execute(query):
        if kind == Kind.SUCCESS:
            cleared[address] = max(said_at, cleared.get(address, said_at))
        else:
            failed[address].append(said_at)
    shut = []
    for address in addresses:
        until = rests_until(failed[address], cleared.get(address), at, rule)
        if until is not None:
            number = newest[address]
            why = _said(numbered[number].judged)
            shut.append(
                Block("email", address, "soft_bounces", why, f"bounce {number}", until_at=until)
            )
    return shut


def _objections(tx: Connection, numbered: Mapping[int, Found], at: datetime) -> list[Entry]:
    """A complaint is an objection to everything, of the client we wrote to and of everybody else
    who has the address."""
    told = {
        number: one
        for number, one in numbered.items()
        if one.judged.suppresses and one.judged.kind is Kind.COMPLAINT
    }
    if not told:
        return []
    holders = _holders(tx, {one.judged.address for one in told.values()})
    events: dict[int, consent.NewEvent] = {}
    for number, one in told.items():
        own = [] if one.client_id is None else [one.client_id]
        for client_id in {*own, *holders.get(one.judged.address, ())}:
            events[client_id] = consent.NewEvent(
                client_id, None, None, Action.OBJECT.value, Source.PROVIDER_SYNC.value,
                one.judged.mail.said_at, source_ref=f"bounce {number}",
            )  # fmt: skip
    covered = consent.add(tx, [events[one] for one in sorted(events)], recorded_at=at, actor=ACTOR)
    subject = f"client {min(events)}" if len(events) == 1 else f"{len(events)} clients"
    detail = {"action": "object", "source": "complaint", "n": len(events)}
    return [Entry(at, "consent.object", ACTOR, subject, detail, covered)]


def _holders(conn: Connection, addresses: set[str]) -> dict[str, list[int]]:
    query = select(client.c.email, client.c.id).where(one_of(conn, client.c.email, addresses))
    found: dict[str, list[int]] = defaultdict(list)
    for address, client_id in conn.execute(query):
        found[address].append(client_id)
    return found


# --- looking ---------------------------------------------------------------------------------


class Line(NamedTuple):
    """How often mail to an address came back in one way."""

    address: str  # in full; masked where it is shown
    kind: str
    signed: bool
    reports: int
    last_at: datetime
    status: str
    diagnostic: str  # of the last one


def lines(
    conn: Connection, since: datetime, *, kind: str | None = None, limit: int = 200
) -> list[Line]:
    """What came back since a moment, by address and class, the newest first."""
    row = bounce.c
    groups = (
        select(func.max(row.id).label("last"), func.count().label("n"))
        .where(row.at >= since, *([row.kind == kind] if kind else []))
        .group_by(row.address, row.kind, row.signed)
        .order_by(func.max(row.id).desc())
        .limit(limit)
        .subquery()
    )
    query = (
        select(
            row.address, row.kind, row.signed, groups.c.n, row.said_at, row.status, row.diagnostic
        )
        .join(groups, groups.c.last == row.id)
        .order_by(row.id.desc())
    )
    return [Line(*one) for one in conn.execute(query)]


def refused(conn: Connection, since: datetime) -> list[tuple[str, str, int, str]]:
    """(campaign, content or policy, mails, what was said last) of mails whose text or sender was
    refused."""
    row = bounce.c
    groups = (
        select(run.c.campaign, row.kind, func.count().label("n"), func.max(row.id).label("last"))
        .join(run, run.c.id == row.run_id)
        .where(row.at >= since, row.signed, row.kind.in_([Kind.CONTENT.value, Kind.POLICY.value]))
        .group_by(run.c.campaign, row.kind)
        .subquery()
    )
    query = (
        select(groups.c.campaign, groups.c.kind, groups.c.n, row.diagnostic)
        .join(groups, groups.c.last == row.id)
        .order_by(groups.c.campaign, groups.c.kind)
    )
    return [tuple(one) for one in conn.execute(query)]


def unsigned(conn: Connection, since: datetime) -> dict[str, int]:
    """How many reports of each class would have silenced an address, had they been signed."""
    row = bounce.c
    query = (
        select(row.kind, func.count())
        .where(
            row.at >= since, row.signed.is_(False),
            row.kind.in_([Kind.HARD.value, Kind.COMPLAINT.value]),
        )
        .group_by(row.kind)
    )  # fmt: skip
    return {str(kind): n for kind, n in conn.execute(query)}


def campaigns_of(conn: Connection, runs: Iterable[int]) -> dict[int, str]:
    """The campaigns of runs."""
    query = select(run.c.id, run.c.campaign).where(one_of(conn, run.c.id, set(runs)))
    return {row[0]: row[1] for row in conn.execute(query)}

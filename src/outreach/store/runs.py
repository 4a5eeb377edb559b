"""Runs: opened once for a campaign and occurrence, with everything they were made from frozen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, func, insert, or_, select, update

from outreach.core.model import Frozen
from outreach.core.words import Missed
from outreach.store import audit, takeover, windows
from outreach.store.audit import Entry
from outreach.store.covered import cover
from outreach.store.database import append
from outreach.store.tables import (
    GOING,
    STOPPED,
    approval,
    batch,
    decision,
    frozen,
    retry,
    run,
    run_count,
)
from outreach.store.tables import (
    OPEN as OPEN,
)
from outreach.store.task import STUCK_AFTER


@dataclass(frozen=True, slots=True)
class Opening:
    """What a run is opened with."""

    campaign: str
    occurrence: str
    purpose: str
    parts: Mapping[str, Frozen]  # by kind
    values: bytes
    opened_at: datetime
    opened_by: str
    expires_at: datetime | None
    approval_id: int | None
    missed: Missed | None = None  # why it is put on record instead of being worked


def find(conn: Connection, campaign: str, occurrence: str) -> RowMapping | None:
    """The run of this occurrence, if it was ever opened."""
    where = and_(run.c.campaign == campaign, run.c.occurrence == occurrence)
    return conn.execute(select(run).where(where)).mappings().first()


def revised(conn: Connection, campaign: str, key: str) -> RowMapping | None:
    """The newest run of an occurrence or of a revision of it, such as `KEY.2`."""
    named = or_(run.c.occurrence == key, run.c.occurrence.startswith(f"{key}.", autoescape=True))
    query = select(run).where(run.c.campaign == campaign, named).order_by(run.c.id.desc())
    return conn.execute(query.limit(1)).mappings().first()


def since(conn: Connection, campaign: str, moment: datetime) -> Sequence[RowMapping]:
    """The runs of a campaign that told something and were of use until later than a moment, oldest
    first."""
    columns = (run.c.id, run.c.occurrence, run.c.state, run.c["values"])
    where = and_(run.c.campaign == campaign, run.c.state != "missed", run.c.expires_at > moment)
    return conn.execute(select(*columns).where(where).order_by(run.c.id)).mappings().all()


def campaigns_since(conn: Connection, moment: datetime) -> list[str]:
    """The campaigns that have such runs."""
    where = and_(run.c.state != "missed", run.c.expires_at > moment)
    query = select(run.c.campaign).where(where).distinct().order_by(run.c.campaign)
    return list(conn.execute(query).scalars())


def load(conn: Connection, run_id: int) -> RowMapping | None:
    """One run by its number."""
    return conn.execute(select(run).where(run.c.id == run_id)).mappings().first()


def open_run(tx: Connection, opening: Opening) -> tuple[int, bool]:
    """Open the run of an occurrence; (its number, whether it is new). A second opening of the same
    occurrence finds the first: the pair is unique in the database. A missed one is over at once."""
    audit.append(tx, [])  # two openers queue here, so that the second finds the first's run
    existing = find(tx, opening.campaign, opening.occurrence)
    if existing is not None:
        return int(existing["id"]), False
    frozen_rows = _freeze(tx, opening.parts.values(), opening.opened_at)
    row = {
        "campaign": opening.campaign,
        "occurrence": opening.occurrence,
        "purpose": opening.purpose,
        "state": "missed" if opening.missed else "planning",
        **{f"{kind}_digest": part.digest for kind, part in opening.parts.items()},
        "approval_id": opening.approval_id,
        "values": opening.values,
        "opened_at": opening.opened_at,
        "opened_by": opening.opened_by,
        "expires_at": opening.expires_at,
        "reason": opening.missed,
        "cursor": 0,
        "audience": 0,
        "finished_at": opening.opened_at if opening.missed else None,
    }
    run_id = int(tx.execute(insert(run).values(row).returning(run.c.id)).scalar_one())
    row["id"] = run_id
    detail = {"campaign": opening.campaign, "occurrence": opening.occurrence}
    kind = "run.opened"
    if opening.missed:
        kind, detail = "run.missed", {**detail, "reason": str(opening.missed)}
    covered = cover(run, tuple(row), [tuple(row.values())])
    entry = Entry(opening.opened_at, kind, opening.opened_by, f"run {run_id}", detail, covered)
    audit.append(tx, [*frozen_rows, entry])
    return run_id, True


def _freeze(tx: Connection, parts: Iterable[Frozen], at: datetime) -> list[Entry]:
    """Keep what is not kept yet; content is addressed by its digest, so it is written once."""
    columns = tuple(frozen.c.keys())
    entries = []
    for part in parts:
        known = tx.execute(select(frozen.c.digest).where(frozen.c.digest == part.digest)).first()
        if known is None:
            row = (part.digest, part.kind, part.name, part.content, at)
            append(tx, frozen, columns, [row])
            covered = cover(frozen, columns, [row])
            entries.append(Entry(at, f"{part.kind}.frozen", "outreach", part.name, {}, covered))
    return entries


def thaw(conn: Connection, digest: str) -> Frozen:
    """What was frozen under a digest. Raises KeyError where there is none."""
    row = conn.execute(select(frozen).where(frozen.c.digest == digest)).mappings().first()
    if row is None:
        raise KeyError(f"nothing is frozen under {digest}")
    return Frozen(row["kind"], row["name"], row["digest"], row["content"])


def parts(conn: Connection, found: RowMapping) -> dict[str, Frozen]:
    """Everything a run was made from, by kind."""
    kinds = ("campaign", "segment", "template", "policy")
    return {kind: thaw(conn, found[f"{kind}_digest"]) for kind in kinds}


def advance(tx: Connection, run_id: int, after: int, cursor: int, candidates: int) -> bool:
    """Move the plan's cursor from `after` past a page; False when the run is no longer being
    planned, or somebody else has planned on from there."""
    statement = (
        update(run)
        .where(run.c.id == run_id, run.c.state == "planning", run.c.cursor == after)
        .values(cursor=cursor, audience=run.c.audience + candidates)
    )
    return tx.execute(statement).rowcount == 1


def move(
    tx: Connection, run_id: int, to: str, at: datetime, actor: str, *, since: Sequence[str]
) -> bool:
    """Change a run's state when it is in one of `since`; False when it is in none of them."""
    values: dict[str, Any] = {"state": to}
    if to == "sending":
        values["planned_at"] = func.coalesce(run.c.planned_at, at)
    if to in ("finished", *STOPPED):
        values["finished_at"] = at
    statement = update(run).where(run.c.id == run_id, run.c.state.in_(since)).values(values)
    if tx.execute(statement).rowcount != 1:
        return False
    audit.append(tx, [Entry(at, f"run.{to}", actor, f"run {run_id}", {})])
    return True


def supersede(tx: Connection, run_id: int, by: int | None, at: datetime, actor: str) -> bool:
    """Stop a run because another tells what is true now: what it has not sent becomes suppressed as
    superseded, within one window. False when it had ended before. Without `by`, that other run is
    still to come, and `succeed` names it."""
    statement = (
        update(run)
        .where(run.c.id == run_id, run.c.state.in_(OPEN))
        .values(state="superseded", superseded_by=by, finished_at=at)
    )
    if tx.execute(statement).rowcount != 1:
        return False
    audit.append(tx, [Entry(at, "run.superseded", actor, f"run {run_id}", {"by": by})])
    takeover.cancel_rest(tx, run_id, at, actor, superseded=True, by=by)
    return True


def succeed(tx: Connection, run_id: int, by: int) -> None:
    """Name the run that tells what is true instead of one that was superseded before."""
    waits = and_(run.c.state == "superseded", run.c.superseded_by.is_(None))
    tx.execute(update(run).where(run.c.id == run_id, waits).values(superseded_by=by))


def going(conn: Connection, run_id: int) -> bool:
    """Whether a run may be worked: neither paused nor cancelled nor finished."""
    query = select(run.c.id).where(run.c.id == run_id, run.c.state.in_(GOING))
    return conn.execute(query).first() is not None


def with_work(conn: Connection, now: datetime) -> list[tuple[int, str]]:
    """Runs somebody may work on now, oldest first, with the digest of their campaign: not planned
    to the end, something is due, or nothing is left and they only have to be closed."""
    mine = batch.c.run_id == run.c.id
    again = select(retry.c.message_id).where(
        retry.c.run_id == run.c.id, retry.c.window_id.is_(None)
    )
    due = or_(
        select(batch.c.id)
        .where(
            mine,
            batch.c.state == "ready",
            batch.c.not_before <= now,
            batch.c.takeovers < STUCK_AFTER,
            ~windows.waits(batch, now),
        )
        .exists(),
        again.where(retry.c.not_before <= now, ~windows.waits(retry, now)).exists(),
    )
    unfinished = select(run_count.c.n).where(
        run_count.c.run_id == run.c.id,
        run_count.c.kind == "state",
        run_count.c.key.in_(("ready", "held", "sending", "in_doubt")),
        run_count.c.n > 0,
    )
    left = or_(
        select(batch.c.id).where(mine, batch.c.state.in_(("ready", "leased"))).exists(),
        select(retry.c.message_id).where(retry.c.run_id == run.c.id).exists(),
        unfinished.exists(),
    )
    sending = and_(run.c.state == "sending", or_(due, ~left))
    query = select(run.c.id, run.c.campaign_digest).where(or_(run.c.state == "planning", sending))
    return [(row.id, row.campaign_digest) for row in conn.execute(query.order_by(run.c.id))]


def counts(conn: Connection, run_id: int) -> dict[str, dict[str, int]]:
    """A run's counters: {kind: {key: n}}, zeros left out."""
    statement = select(run_count).where(run_count.c.run_id == run_id, run_count.c.n != 0)
    found: dict[str, dict[str, int]] = {}
    for row in conn.execute(statement.order_by(run_count.c.kind, run_count.c.key)):
        found.setdefault(row.kind, {})[row.key] = int(row.n)
    return found


def that_decided(
    conn: Connection, campaign: str, client_id: int, run_id: int | None
) -> RowMapping | None:
    """The asked run of a campaign; else the newest that decided on the client, else the newest."""
    query = select(run).where(run.c.campaign == campaign)
    if run_id is not None:
        return conn.execute(query.where(run.c.id == run_id)).mappings().first()
    deciding = select(decision.c.run_id).where(
        decision.c.run_id == run.c.id, decision.c.client_id == client_id
    )
    newest = query.where(run.c.state != "missed").order_by(run.c.id.desc()).limit(1)
    with_client = conn.execute(newest.where(deciding.exists())).mappings().first()
    return with_client or conn.execute(newest).mappings().first()


def ever_ran(conn: Connection, campaign: str) -> bool:
    """Whether a campaign has a run."""
    query = select(run.c.id).where(run.c.campaign == campaign).limit(1)
    return conn.execute(query).first() is not None


def decided(conn: Connection, run_id: int, client_id: int) -> Any:
    """The stored decision of a run on a client; None when it was no candidate."""
    where = and_(decision.c.run_id == run_id, decision.c.client_id == client_id)
    return conn.execute(select(decision).where(where)).first()


def listing(conn: Connection, limit: int = 50) -> Sequence[RowMapping]:
    """The latest runs, newest first."""
    columns = (
        run.c.id, run.c.campaign, run.c.occurrence, run.c.state, run.c.audience, run.c.opened_at,
        run.c.finished_at, run.c.opened_by, run.c.reason, run.c.superseded_by,
    )  # fmt: skip
    return conn.execute(select(*columns).order_by(run.c.id.desc()).limit(limit)).mappings().all()


# --- approvals -------------------------------------------------------------------------------


def approve(
    tx: Connection, campaign: str, digest: str, actor: str, at: datetime, *, action: str, note: str
) -> int:
    """Record an approval, or its revocation, of exactly these digests."""
    row: dict[str, Any] = {
        "campaign": campaign, "digest": digest, "action": action, "actor": actor, "at": at,
        "note": note,
    }  # fmt: skip
    row["id"] = tx.execute(insert(approval).values(row).returning(approval.c.id)).scalar_one()
    covered = cover(approval, tuple(row), [tuple(row.values())])
    detail = {"digest": digest, "note": note}
    audit.append(tx, [Entry(at, f"campaign.{action}d", actor, campaign, detail, covered)])
    return int(row["id"])


def standing_approval(conn: Connection, campaign: str, digest: str) -> RowMapping | None:
    """The approval in force for exactly these digests, unless it was revoked since."""
    statement = (
        select(approval)
        .where(approval.c.campaign == campaign, approval.c.digest == digest)
        .order_by(approval.c.id.desc())
        .limit(1)
    )
    latest = conn.execute(statement).mappings().first()
    return latest if latest is not None and latest["action"] == "approve" else None


def approval_numbered(conn: Connection, number: int | None) -> RowMapping | None:
    """One approval by its number."""
    return conn.execute(select(approval).where(approval.c.id == number)).mappings().first()


def approvals(conn: Connection, limit: int = 100) -> Sequence[RowMapping]:
    """The approvals and revocations on record, newest first."""
    return (
        conn.execute(select(approval).order_by(approval.c.id.desc()).limit(limit)).mappings().all()
    )

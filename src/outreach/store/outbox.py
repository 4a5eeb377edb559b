"""The outbox: a planned page as decisions, messages and batches, in one transaction.

A message row never changes. `store.windows` sends them, `store.takeover` looks after what is left.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, insert

from outreach.core.page_plan import Decided, Draft
from outreach.core.rate import pace_of
from outreach.core.words import State
from outreach.store import audit
from outreach.store.audit import Entry
from outreach.store.covered import cover
from outreach.store.database import add_counts, allocate, append
from outreach.store.tables import (
    batch,
    decision,
    frequency_use,
    message,
)
from outreach.store.task import Task

ACTOR = "outreach"  # who audit entries name when no person acted
DECISION_COLUMNS = tuple(decision.c.keys())
MESSAGE_COLUMNS = tuple(message.c.keys())


# --- planning --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Release:
    """How a page's messages are released: to whom, when, and until when the plan may be trusted."""

    run_id: int
    purpose: str
    counted: bool  # messages of this purpose count towards a cap
    urgent: bool
    opened_at: datetime  # of the run: what is not held may go from then on
    good_until: datetime
    consent_mark: int  # how far the ledgers were written when the page was decided
    block_mark: int
    book_mark: int
    # Phone prefixes with a limit of their own, by sender: each gets batches of its own.
    countries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def add_page(
    tx: Connection,
    release: Release,
    decided: Sequence[Decided],
    drafts: Sequence[Draft],
    at: datetime,
) -> list[Task]:
    """Append a page: decisions, messages, batches, counters and audit entries, in the caller's
    transaction. Returns what there is to do now: a task for each batch."""
    run_id = release.run_id
    rows = [(run_id, d.client_id, d.verdict, d.reason, d.until, d.facts) for d in decided]
    append(tx, decision, DECISION_COLUMNS, rows)
    counts: Counter[tuple[str, str]] = Counter()
    for d in decided:
        counts["decision", d.verdict] += 1
        if d.reason:
            counts["reason", d.reason] += 1
    messages, tasks = _add_messages(tx, release, drafts, at, counts)
    add_counts(tx, run_id, counts)
    subject = f"run {run_id}"
    tally = {f"{kind}.{key}": n for (kind, key), n in counts.items()}
    covered = cover(decision, DECISION_COLUMNS, rows)
    entries = [Entry(at, "page.decided", ACTOR, subject, tally, covered)]
    if messages:
        covered = cover(message, MESSAGE_COLUMNS, messages)
        entries.append(Entry(at, "page.planned", ACTOR, subject, {}, covered))
    audit.append(tx, entries)
    return tasks


def _add_messages(
    tx: Connection,
    release: Release,
    drafts: Sequence[Draft],
    at: datetime,
    counts: Counter[tuple[str, str]],
) -> tuple[list[tuple[Any, ...]], list[Task]]:
    """Number the messages so that each batch is one unbroken range of ids."""
    if not drafts:
        return [], []
    groups: dict[tuple[str, str, datetime, str | None], list[Draft]] = {}
    countries = release.countries
    for draft in drafts:
        sender, pace = draft.sender, None
        if sender in countries:
            pace = pace_of(sender, countries[sender], draft.address)
        groups.setdefault(
            (sender, draft.channel, draft.until or release.opened_at, pace), []
        ).append(draft)
    next_id, next_batch = allocate(tx, "message", len(drafts)), allocate(tx, "batch", len(groups))
    rows: list[tuple[Any, ...]] = []
    batches, dumps = [], orjson.dumps
    for (sender, channel, not_before, pace), members in groups.items():
        first = next_id
        members.sort(key=lambda draft: draft.client_id)
        for d in members:
            rows.append(
                (next_id, release.run_id, d.client_id, channel, next_batch, d.address, d.locale,
                 dumps(d.values), d.sms_parts, d.content_digest)
            )  # fmt: skip
            next_id += 1
        held = not_before > at
        batches.append(
            {
                **_batch(
                    release, next_batch, sender, channel, (first, next_id - 1), not_before, held
                ),
                "pace": pace,
            }
        )
        counts["state", State.HELD if held else State.READY] += len(members)
        counts["channel", channel] += len(members)
        counts["parts", "sms"] += sum(d.sms_parts for d in members)
        next_batch += 1
    append(tx, message, MESSAGE_COLUMNS, rows)
    tx.execute(insert(batch), batches)
    if release.counted:
        uses = [(row[0], row[2], release.purpose, at) for row in rows]
        append(tx, frequency_use, tuple(frequency_use.c.keys()), uses)
    return rows, [
        Task("dispatch", one["id"], release.urgent, one["not_before"] if one["held"] else None)
        for one in batches
    ]


def _batch(
    release: Release,
    batch_id: int,
    sender: str,
    channel: str,
    ids: tuple[int, int],
    not_before: datetime,
    held: bool,
) -> dict[str, Any]:
    return {
        "id": batch_id,
        "run_id": release.run_id,
        "sender": sender,
        "channel": channel,
        "first_id": ids[0],
        "last_id": ids[1],
        "next_id": ids[0],
        "not_before": not_before,
        # A held message is looked at again when its hour comes, however soon that is.
        "good_until": not_before if held else release.good_until,
        "held": held,
        "urgent": release.urgent,
        "state": "ready",
        "takeovers": 0,
        "consent_mark": release.consent_mark,
        "block_mark": release.block_mark,
        "book_mark": release.book_mark,
    }

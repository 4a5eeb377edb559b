"""What goes into a window: asked of the policy once more, and rendered from the frozen template."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Row

from outreach.core.model import Defer, Message, Outcome, Suppress
from outreach.core.page_plan import PAGE_COLUMNS, choice_on
from outreach.core.render import content_digest
from outreach.core.words import Channel, Reason, State
from outreach.dispatch.sending import Sending, Text
from outreach.store import facts, windows


class Ready(NamedTuple):
    """A window about to be sent: rendered messages, and those that will not go after all."""

    messages: list[Message]
    decided: dict[int, Outcome]
    waits: dict[int, datetime]


def ready_for(sending: Sending, text: Text, batch: Row[Any] | None, ids: Sequence[int]) -> Ready:
    """The messages of these ids that may go now. Without a batch they are tried again, so the
    policy is asked whatever the plan says."""
    now = sending.clock()
    with sending.database.reading() as conn:
        rows = windows.messages(conn, ids)
        stopped, waits = _second_look(conn, text, batch, rows, now)
    going = [row for row in rows if row.id not in stopped]
    messages, changed = _render(text, going)
    return Ready(messages, stopped | changed, waits)


def _second_look(
    conn: Connection, text: Text, batch: Row[Any] | None, rows: Sequence[Row[Any]], now: datetime
) -> tuple[dict[int, Outcome], dict[int, datetime]]:
    """Ask the policy again when the plan is old or a ledger has moved since; who may not go now."""
    if batch is not None and now < batch.good_until and _as_planned(facts.marks(conn), batch):
        return {}, {}
    sheet = text.sheet
    if sheet.campaign.halts_max_age_hours is not None:
        as_of = facts.halts_as_of(conn, sheet.campaign.halt_markets)
        fresh = replace(sheet.campaign, halts_as_of=as_of)
        sheet = replace(sheet, campaign=fresh)
    ids = sorted({row.client_id for row in rows})
    columns = (*PAGE_COLUMNS, *sheet.preferences)
    clients = {row[0]: row for row in facts.clients(conn, ids, columns)}
    gathered = facts.gather(
        conn,
        ids,
        channels=sheet.channels,
        purpose=sheet.campaign.purpose,
        cap=sheet.campaign.cap,
        now=now,
        grants=any(gate.name == "consent" for gate in sheet.gates),
        sharing=(),
        besides_run=rows[0].run_id,
    )
    stopped: dict[int, Outcome] = {}
    waits: dict[int, datetime] = {}
    for row in rows:
        known = clients[row.client_id]
        candidate = sheet.candidate(known)
        choice = choice_on(sheet, known, candidate, Channel(row.channel), gathered, set(), now)
        verdict = choice.decision.verdict
        if not isinstance(verdict, Suppress) and choice.address != row.address:
            why = "the client's address changed after the plan"
            stopped[row.id] = Outcome(State.SUPPRESSED, Reason.ADDRESS_INVALID, why)
        elif isinstance(verdict, Suppress):
            state = State.EXPIRED if verdict.reason == Reason.STALE else State.SUPPRESSED
            stopped[row.id] = Outcome(state, verdict.reason, "second look")
        elif isinstance(verdict, Defer):
            stopped[row.id] = Outcome(State.READY, verdict.reason, "second look")
            waits[row.id] = verdict.until
    return stopped, waits


def _as_planned(marks: facts.Marks, batch: Row[Any]) -> bool:
    """Whether no consent, block or client file came in since the batch was decided on."""
    if batch.book_mark % 2:  # a file was being taken in: it may have changed any client since
        return False
    planned = (batch.consent_mark, batch.block_mark, batch.book_mark)
    return (marks.consent, marks.block, marks.book) == planned


def _render(text: Text, rows: Sequence[Row[Any]]) -> tuple[list[Message], dict[int, Outcome]]:
    """Render again from the frozen template; what is not exactly what was planned does not go."""
    messages: list[Message] = []
    changed: dict[int, Outcome] = {}
    ends = text.sheet.campaign.expires_at
    groups: dict[tuple[str, str], list[Row[Any]]] = {}
    for row in rows:
        groups.setdefault((row.channel, row.locale), []).append(row)
    loads, url = orjson.loads, text.links.url if text.links else None
    for (channel, locale), members in groups.items():
        values = [tuple(loads(row.values)) for row in members]
        rendered = text.sheet.template.render(
            Channel(channel), locale, text.sheet.constants[locale], values
        )
        linked = url if channel == Channel.EMAIL else None
        for row, parts in zip(members, rendered, strict=True):
            if type(parts) is not tuple or content_digest(parts) != row.content_digest:
                changed[row.id] = Outcome(
                    State.FAILED, "content_changed", "the text is no longer what was planned"
                )
                continue
            link = linked(row.client_id) if linked else None
            messages.append(
                Message(row.id, row.run_id, row.address, locale, parts, text.opened_at, link, ends)
            )
    return messages, changed

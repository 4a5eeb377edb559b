"""Servers that refuse our text or our standing: said aloud, since no client is to blame."""

from typing import Final

from outreach.receive import Applied
from outreach.service.definitions import Say
from outreach.store import bounces
from outreach.store.database import Database

_EVENTS: Final = {"content": "content_refused", "policy": "sender_refused"}


def say_refused(database: Database, done: Applied, say: Say) -> None:
    """A line a run and reason, for what was applied just now."""
    if not done.refused:
        return
    with database.reading() as conn:
        campaigns = bounces.campaigns_of(conn, {run for run, _ in done.refused})
    for (run, kind), mails in sorted(done.refused.items()):
        say(_EVENTS[kind], campaign=campaigns.get(run, ""), run=run, mails=mails)

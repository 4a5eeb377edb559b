"""The facts of a page hold what each client's own ledger says, on both databases."""

from datetime import UTC, datetime

from outreach.core.consent import ConsentEvent
from outreach.core.words import Channel, Purpose
from outreach.store import facts
from outreach.store.database import Database, append
from outreach.store.tables import consent_event

from .client_book import add, row

SAID = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
NOW = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
COLUMNS = ("id", "client_id", "channel", "purpose", "action", "source", "captured_at",
           "recorded_at", "actor")  # fmt: skip


def test_consent_events_come_to_the_client_who_said_them(database: Database) -> None:
    with database.begin() as tx:
        add(tx, [row(id_) for id_ in (1, 2, 3)])
        said = [
            (1, 2, "email", "marketing", "grant", "app", SAID, SAID, "test"),
            (2, 3, "sms", None, "withdraw", "sms_mo", SAID, SAID, "test"),
            (3, 2, None, None, "object", "staff", NOW, NOW, "test"),
        ]
        append(tx, consent_event, COLUMNS, said)
    with database.reading() as conn:
        gathered = facts.gather(
            conn, [1, 2, 3], channels=[Channel.SMS], purpose=Purpose.MARKETING, cap=None, now=NOW
        )

    assert gathered.consents == {
        2: [
            ConsentEvent("email", "marketing", "grant", "app", SAID, SAID),
            ConsentEvent(None, None, "object", "staff", NOW, NOW),
        ],
        3: [ConsentEvent("sms", None, "withdraw", "sms_mo", SAID, SAID)],
    }

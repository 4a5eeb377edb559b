"""The facts of a page hold what each client's own ledger says, on both databases."""

from datetime import UTC, datetime

import pytest

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


YES = ConsentEvent("email", "marketing", "grant", "app", SAID, SAID)
STOP = ConsentEvent("sms", None, "withdraw", "sms_mo", SAID, SAID)
NEVER = ConsentEvent(None, None, "object", "staff", NOW, NOW)


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        pytest.param(True, {1: [YES], 2: [YES, NEVER], 3: [STOP]}, id="where consent is needed"),
        pytest.param(False, {2: [YES, NEVER], 3: [STOP]}, id="where only a no counts"),
    ],
)
def test_consent_events_come_to_the_client_who_said_them(
    database: Database, grants: bool, expected: dict[int, list[ConsentEvent]]
) -> None:
    with database.begin() as tx:
        add(tx, [row(id_) for id_ in (1, 2, 3, 4)])
        said = [(2, YES), (3, STOP), (2, NEVER), (1, YES)]
        append(
            tx,
            consent_event,
            COLUMNS,
            [(id_, client, *event[:6], "test") for id_, (client, event) in enumerate(said, 1)],
        )
    with database.reading() as conn:
        gathered = facts.gather(
            conn,
            [1, 2, 3, 4],
            channels=[Channel.SMS],
            purpose=Purpose.MARKETING,
            cap=None,
            now=NOW,
            grants=grants,
        )

    assert gathered.consents == expected

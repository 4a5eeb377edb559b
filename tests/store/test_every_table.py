"""Every table is one of facts, which the audit log covers row by row, or is known to move."""

from outreach.store.covered import COVERINGS
from outreach.store.tables import metadata

# A table of facts that nobody covered would be no evidence, and nothing else would tell.
MOVES = {
    "address_block": "follows from block_step",
    "audit_entry": "the log itself",
    "audit_head": "the log itself",
    "batch": "how far the work is",
    "book": "what came of an import, which its entry says",
    "book_market": "of which market a book speaks",
    "calendar_coverage": "may be corrected; each change is an entry",
    "calendar_day": "may be corrected; each change is an entry",
    "calendar_settlement": "may be corrected; each change is an entry",
    "client": "the book as it is now",
    "database_move": "how far a move of the database is",
    "event_due": "what is still to be applied",
    "feed_source": "when a feed was asked last",
    "frequency_use": "goes when its message did not go",
    "id_block": "counts ids",
    "margin_standing": "follows from margin_event",
    "provider_reference": "follows from outcome",
    "retry": "how far the work is",
    "run_count": "follows from the facts of a run",
    "schedule_mark": "how far a schedule has been looked at",
    "sender_breaker": "the trouble of a sender",
    "sender_rate": "the permits of a sender",
    "window": "how far the work is",
    "worker": "who works now",
}


def test_every_table_is_covered_by_the_log_or_known_to_move() -> None:
    assert metadata.tables.keys() == COVERINGS.keys() | MOVES.keys()
    assert not COVERINGS.keys() & MOVES.keys()

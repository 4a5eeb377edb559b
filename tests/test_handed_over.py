"""What a channel is handed with each message."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from outreach import dispatch
from outreach.channels import ChannelUnavailable
from outreach.core.model import Message, Outcome, accepted
from outreach.core.run_values import RunValues
from outreach.store import runs
from outreach.store.database import Database
from tests.small_run import KEY, LEASE, client, opened


class Listening:
    """A channel that keeps what it is handed."""

    window = 10
    echo = True

    def __init__(self) -> None:
        self.handed: list[Message] = []

    def send(self, messages: Sequence[Message]) -> Iterator[tuple[int, Outcome]]:
        self.handed += messages
        return ((message.id, accepted()) for message in messages)


def test_a_message_says_when_its_notice_is_of_no_use_any_more(
    database: Database, tmp_path: Path
) -> None:
    small = opened(database, tmp_path / "project", [client(n) for n in range(1, 4)])
    small.plan()
    channel = Listening()
    sending = dispatch.Sending(
        small.database, lambda _: channel, ChannelUnavailable, KEY, "a", small.clock, 2, LEASE
    )

    dispatch.drain(sending, small.run_id, dispatch.Tally())

    with database.reading() as conn:
        run = runs.load(conn, small.run_id)
    assert run is not None
    assert len(channel.handed) == 3
    assert {message.expires_at for message in channel.handed} == {
        RunValues.load(run["values"]).expires_at
    }

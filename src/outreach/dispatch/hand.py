"""Hand a window over: nothing is sent on an old intent, and what is known is written soon."""

from typing import Final

from outreach.core.masking import masked_text
from outreach.core.model import Outcome
from outreach.core.words import State
from outreach.dispatch import trouble
from outreach.dispatch.ready import Ready
from outreach.dispatch.sending import Adapter, Sending, Tally
from outreach.store import takeover, windows
from outreach.store.database import DatabaseProblem

# Outcomes are written so long after the first of them, or when there are so many: a crash leaves
# what is not written in doubt. A window that is over sooner is written whole.
FLUSH_SECONDS: Final = 0.5
FLUSH_MOST: Final = 500
AGAIN: Final = 5.0  # seconds until it is tried again to write, when the database is away
# A process that stood still for so long since its intent hands nothing over on it.
OLDEST: Final = 30.0


class Window:
    """A window whose intent is committed, on its way to the channel."""

    def __init__(
        self, sending: Sending, lease: windows.Lease, window_id: int, tally: Tally, began: float
    ) -> None:
        self.sending, self.lease, self.window_id, self.tally = sending, lease, window_id, tally
        self._oldest = began + min(OLDEST, sending.lease.total_seconds() / 2)
        self._until = sending.clock() + sending.lease
        self.of_content = 0  # messages that were not taken for what their text says
        self._fresh: dict[int, Outcome] = {}
        self._unsure = False  # whether something was written when the database went away

    def send(self, adapter: Adapter, ready: Ready) -> windows.Settlement | None:
        """Hand the messages over. What is not written yet of their outcomes; None when nothing was
        handed over, and the intent was taken back."""
        sending, tally, sender = self.sending, self.tally, self.lease.batch.sender
        if sending.elapsed() >= self._oldest or sending.clock() >= self._until:
            self._take_back()  # we stood still, or the clock jumped: others may have swept after us
            return None
        self._fresh = dict(ready.decided)
        said: dict[int, Outcome] = {}
        why = ""
        try:
            self._listen(adapter, ready, said)
        except sending.unavailable as error:
            why = str(error)
            if not said:
                self._take_back()
                trouble.gave_up(sending, tally, sender, why)
                return None
            trouble.gave_up(sending, tally, sender, why)
        except Exception as error:
            why = f"{sender}: {type(error).__name__}: {masked_text(str(error))}"
            tally.down[sender] = why
        # Whatever an adapter left without an outcome may have gone out.
        doubt = Outcome(State.IN_DOUBT, "no_outcome", why)
        for message in ready.messages:
            if message.id not in said:
                said[message.id] = self._fresh[message.id] = doubt
        self.of_content = trouble.note(sending, tally, self.lease, list(said.values()))
        tally.sent += len(ready.messages)
        sending.tick(tally.sent)
        return self._settlement(adapter, ready)

    def _listen(self, adapter: Adapter, ready: Ready, said: dict[int, Outcome]) -> None:
        fresh, elapsed = self._fresh, self.sending.elapsed
        due = elapsed() + FLUSH_SECONDS
        left = len(ready.messages)
        for message_id, outcome in adapter.send(ready.messages):
            said[message_id] = fresh[message_id] = outcome
            left -= 1
            many = len(fresh) >= FLUSH_MOST and not self._unsure
            if left and (many or elapsed() >= due):
                try:
                    self._write(adapter, ready)
                except DatabaseProblem:  # no fault of the sender: the window goes on
                    self._unsure = True
                due = elapsed() + (AGAIN if self._unsure else FLUSH_SECONDS)

    def _write(self, adapter: Adapter, ready: Ready) -> None:
        """Append what is known so far, and hold on to the lease."""
        settlement = self._settlement(adapter, ready)
        now = self.sending.clock()
        with self.sending.database.begin() as tx:
            if not windows.write(tx, settlement, self.lease, now, now + self.sending.lease):
                takeover.settle_late(tx, settlement, now)
        self._fresh.clear()

    def _settlement(self, adapter: Adapter, ready: Ready) -> windows.Settlement:
        batch = self.lease.batch
        if self._unsure:
            with self.sending.database.reading() as conn:
                for message_id in windows.written(conn, self.window_id):
                    self._fresh.pop(message_id, None)
            self._unsure = False
        return windows.Settlement(
            self.window_id, batch.run_id, batch.sender, self.lease.token,
            list(self._fresh.items()), ready.waits, by_reference=not adapter.echo,
            soft=self.sending.soft,
        )  # fmt: skip

    def _take_back(self) -> None:
        with self.sending.database.begin() as tx:
            windows.withdraw_intent(tx, self.lease, self.window_id)

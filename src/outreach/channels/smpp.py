"""SMS over SMPP 3.4, straight to a message centre: several messages unanswered at once.

The parts of a long text go one after the other, each once the one before is taken, so that a
refusal at the first leaves nothing behind. Only the last asks for a receipt: it stands for all.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Final, Literal

from outreach.channels import ChannelUnavailable
from outreach.channels.http_window import Told, Window, lost, told
from outreach.channels.http_wire import Lost
from outreach.channels.smpp_session import Answered, Centre, Heard, Results, Session
from outreach.core import smpp, smpp_text
from outreach.core.model import (
    About,
    Message,
    Outcome,
    accepted,
    in_doubt,
    refused,
    throttled,
    unavailable,
)
from outreach.core.smpp import Place, Short
from outreach.core.smpp_codes import Code, Meaning, code_of
from outreach.core.smpp_said import Ids, Numbers, kept_id
from outreach.core.words import Channel

# A further part that comes too fast for the centre is not a message that can wait: half is out.
_AGAIN: Final = 1.0
_MOMENT: Final = 0.1
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Habits:
    """What a centre's paper says of how it wants its messages."""

    long: Literal["udh", "payload"] = "udh"
    alphabet: Literal["gsm", "ucs2"] = "gsm"
    numbers: Numbers = "e164"
    ids: Ids = "same"
    source: tuple[int, int] | None = None  # type of number and plan, where not by its look


@dataclass(slots=True)
class _Going:
    """A message on its way: the bodies of its parts, and how many are taken."""

    message: Message
    bodies: tuple[bytes, ...]
    taken: int = 0
    tries: int = 0
    again_at: float = 0.0


@dataclass
class _Flight:
    """What one window has out, and what waits to go again."""

    results: Results = field(default_factory=SimpleQueue)
    out: dict[int, _Going] = field(default_factory=dict)
    held: list[_Going] = field(default_factory=list)
    heard_at: float = 0.0  # the last answer, or the first request after none was out


class SmppChannel:
    """Sends a window over one session, opened with the first. `heard` is given what the centre
    delivers; without it the session only sends."""

    channel = Channel.SMS
    echo = False  # a receipt names the message by the centre's id
    lookup = False
    idempotent = False

    def __init__(
        self,
        centre: Centre,
        *,
        address: str,
        habits: Habits = Habits(),
        unanswered: int = 10,
        heard: Heard | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._centre, self._habits, self._unanswered = centre, habits, unanswered
        self._source = _source(address, habits)
        self._heard, self._now = heard, now
        self._session: Session | None = None

    @property
    def window(self) -> int:
        """Enough to keep the session busy for a while."""
        return min(256, max(64, 8 * self._unanswered))

    def send(self, messages: Sequence[Message]) -> Iterator[tuple[int, Outcome]]:
        """One attempt a message. `ChannelUnavailable` when the centre took and refused none of
        them and cannot be reached, or does not want us."""
        window, todo = Window(), deque[_Going]()
        unasked: list[tuple[int, Outcome]] = []
        for message in messages:
            written = self._written(message)
            if isinstance(written, Outcome):
                unasked.append((message.id, written))
            else:
                todo.append(_Going(message, written))
        yield from told(self._answers(todo, window), window, "SMPP", unasked)

    def hear(self, heard: Heard) -> None:
        """Take what the centre delivers, from the next session on."""
        self._heard = heard

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    # --- what goes ----------------------------------------------------------------------------

    def _written(self, message: Message) -> tuple[bytes, ...] | Outcome:
        """The bodies of the message's parts, or why it never goes."""
        if len(message.parts) != 1:
            return refused("unwritable", "an SMS has one part: its text")
        text = message.parts[0]
        try:
            text.encode()
        except UnicodeEncodeError:
            return refused("unwritable", "the text holds half a character (a lone surrogate)")
        target = _target(message.to, self._habits.numbers)
        if target is None:
            return refused("not_served", "the centre takes numbers of the mainland only")
        try:
            return tuple(self._bodies(message, text, target))
        except ValueError as error:
            return refused("too_long", f"{error}; no centre takes that")

    def _bodies(self, message: Message, text: str, target: Place) -> Iterator[bytes]:
        validity = ""
        if message.expires_at is not None:
            left = (message.expires_at - self._now()).total_seconds()
            validity = smpp.relative(int(left))
        habits = self._habits
        coding, esm_class, texts = smpp_text.parts(text, message.id, habits.alphabet)
        if len(texts) > 1 and habits.long == "payload":
            coding, content = smpp_text.whole(text, habits.alphabet)
            tlvs = {smpp.MESSAGE_PAYLOAD: content}
            yield smpp.short(Short(self._source, target, b"", coding, 0, 1, validity, tlvs))
            return
        for number, part in enumerate(texts, 1):
            receipt = 1 if number == len(texts) else 0
            yield smpp.short(
                Short(self._source, target, part, coding, esm_class, receipt, validity)
            )

    # --- what comes of it ---------------------------------------------------------------------

    def _answers(self, todo: deque[_Going], window: Window) -> Generator[Told, Any, None]:
        session = self._opened(window) if todo else None
        flight = _Flight()
        while todo or flight.out or flight.held:
            while todo and (why := window.not_begun()):
                yield todo.popleft().message.id, why, False
            if session is None:
                continue
            self._start(session, todo, flight)
            if flight.out or flight.held:
                for going, came in self._came(session, flight):
                    outcome = self._outcome(going, came, window, flight)
                    if outcome is not None:
                        yield going.message.id, outcome, True
            if session.over:
                window.stop("connect", session.over)

    def _opened(self, window: Window) -> Session | None:
        if self._session is not None and self._session.over:
            self.close()
        if self._session is None:
            try:
                self._session = Session(self._centre, self._heard)
            except ChannelUnavailable as error:
                window.cannot("connect", str(error))
        return self._session

    def _start(self, session: Session, todo: deque[_Going], flight: _Flight) -> None:
        now = monotonic()
        for going in [one for one in flight.held if one.again_at <= now or session.over]:
            flight.held.remove(going)
            self._submit(session, going, flight)
        while todo and len(flight.out) < self._unanswered:
            self._submit(session, todo.popleft(), flight)

    def _submit(self, session: Session, going: _Going, flight: _Flight) -> None:
        flight.heard_at = flight.heard_at if flight.out else monotonic()
        flight.out[going.message.id] = going
        session.submit(going.message.id, going.bodies[going.taken], flight.results)

    def _came(self, session: Session, flight: _Flight) -> Iterator[tuple[_Going, Answered | Lost]]:
        """The next answer, and whatever else is there; silence ends the session."""
        left = flight.heard_at + self._centre.timeout - monotonic() if flight.out else _AGAIN
        # After a standstill of this process the answer may only just be read.
        wait = max(left, _MOMENT)
        try:
            key, came = flight.results.get(timeout=min(wait, _AGAIN) if flight.held else wait)
        except Empty:
            if flight.out and monotonic() >= flight.heard_at + self._centre.timeout:
                session.close("timeout", f"no answer within {self._centre.timeout:g} seconds")
            return
        flight.heard_at = monotonic()
        yield flight.out.pop(key), came
        while not flight.results.empty():
            key, came = flight.results.get()
            yield flight.out.pop(key), came

    def _outcome(
        self, going: _Going, came: Answered | Lost, window: Window, flight: _Flight
    ) -> Outcome | None:
        """What came of a message; None while parts of it are still to go."""
        if isinstance(came, Lost):
            return _partly(going, came.words) if going.taken else lost(came, window)
        row = code_of(came.status)
        if row.meaning is not Meaning.TAKEN:
            return self._refused(going, row, window, flight)
        going.taken, going.tries = going.taken + 1, 0
        if going.taken < len(going.bodies):
            flight.held.insert(0, going)  # at once, before any new message
            return None
        digest = sha256(going.message.parts[0].encode()).digest()
        return accepted(kept_id(came.message_id, self._habits.ids, "response"), digest)

    def _refused(self, going: _Going, row: Code, window: Window, flight: _Flight) -> Outcome | None:
        words = f"the message centre says {row.name}"
        if going.taken:
            going.tries += 1
            if row.meaning in (Meaning.SLOW, Meaning.LATER) and going.tries < _TRIES:
                going.again_at = monotonic() + _AGAIN
                flight.held.append(going)
                return None
            return _partly(going, words)
        match row.meaning:
            case Meaning.SLOW:
                window.stop(row.name, words)
                return throttled(row.name, words)
            case Meaning.OURS:
                return window.cannot(row.name, words, About.ACCOUNT)
            case Meaning.RECIPIENT | Meaning.TEXT:
                return refused(row.name, words)
            case _:
                return unavailable(row.name, words)


def centre_of(sender: Any, secret: str | None) -> Centre:
    """The message centre of a configured sender."""
    return Centre(
        sender.host, sender.port, sender.system_id, secret or "", sender.system_type, sender.tls,
        sender.ca_file, sender.timeout, sender.enquire_seconds,
    )  # fmt: skip


def habits_of(sender: Any) -> Habits:
    source = None if sender.source_ton is None else (sender.source_ton, sender.source_npi)
    return Habits(sender.long, sender.alphabet, sender.numbers, sender.ids, source)


def _partly(going: _Going, words: str) -> Outcome:
    said = f"{going.taken} of {len(going.bodies)} parts were taken: {words}"
    return in_doubt("partly", said, About.CONNECTION)


def _source(address: str, habits: Habits) -> Place:
    """Our number as its look says: in E.164, a name, or a short number (SMPP v3.4, 5.2.5)."""
    digits = address.removeprefix("+")
    if habits.source is not None:
        return Place(digits, *habits.source)
    if not digits.isdigit():
        return Place(address, 5, 0)
    return Place(digits, 1, 1) if address.startswith("+") else Place(digits, 0, 1)


def _target(number: str, numbers: Numbers) -> Place | None:
    if numbers == "national":
        return Place(number[3:], 2, 1) if number.startswith("+86") else None
    return Place(number.removeprefix("+"), 1, 1)

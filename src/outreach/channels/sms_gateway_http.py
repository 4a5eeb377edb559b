"""SMS through a gateway that speaks JSON over HTTPS, as its profile describes it.

Messages that may share a request go in one. Where the gateway answers with one code for all of
them and takes none, and the code speaks of one message, the request is halved and asked again, so
that one bad number keeps nobody else from being told; a request that may have been taken never is.
"""

import secrets
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from outreach.channels import Asked, ChannelUnavailable
from outreach.channels.http_line import origin_of
from outreach.channels.http_window import Told, Window, lost, told
from outreach.channels.http_wire import Came, HttpWire, Lost
from outreach.core.gateway.answer import Pulled, Unanswered, Verdict, receipts, replies, verdicts
from outreach.core.gateway.approved import (
    Approved,
    Filled,
    Unapproved,
    approved,
    fill,
    split_signature,
)
from outreach.core.gateway.heard import all_heard
from outreach.core.gateway.marks import WIDTH
from outreach.core.gateway.profile import SHIPPED, Call, Profile, parse_profile
from outreach.core.gateway.request import Asker, Letter, Request, written_number
from outreach.core.gateway.signing import BEIJING, Key
from outreach.core.http1 import asked, head
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
from outreach.core.receipt import Receipt, Reply
from outreach.core.retry_after import retry_after
from outreach.core.words import Channel

_PAGE: Final = 100  # entries a pull asks for
_MOST_PAGES: Final = 50  # of one pull: what is left comes with the next
_MOST_AT_ONCE: Final = 400  # of a window: what a crash may leave in doubt
_OF_ONE: Final = (
    "refused",
    "content",
    "opted_out",
    "later",
)  # said of a request, but meant of one message


class SmsGatewayHttp:
    """Sends a window over a few kept connections, one request at a time on each.

    `templates` are the approved ones, id to text; `signatures` those the gateway has registered.
    """

    channel = Channel.SMS
    idempotent = False

    def __init__(
        self,
        profile: Profile,
        *,
        account: str,
        secret: str | None,
        base_url: str | None = None,
        app: str = "",
        sender_id: str = "",
        extend: str = "",
        signatures: Sequence[str] = (),
        templates: Mapping[str, str] | None = None,
        connections: int = 8,
        timeout: float = 10.0,
        ca_file: str | None = None,
    ) -> None:
        base = base_url or profile.endpoint
        address = urlsplit(base)
        self._profile = profile
        self._asker = Asker(
            profile, Key(account, secret or ""), address.netloc, address.path.rstrip("/"), app,
            sender_id, extend,
        )  # fmt: skip
        self._signatures = frozenset(signatures)
        self._templates = _approved(templates or {})
        try:
            origin = origin_of(base, ca_file)
        except OSError as error:
            why = error.strerror or "no certificate"
            raise ChannelUnavailable(f"{profile.title}: {ca_file}: {why}") from error
        self._wire = HttpWire(origin, connections=connections, timeout=timeout)

    @property
    def echo(self) -> bool:
        """Whether receipts carry our mark; else they name a request, and a number in it."""
        return self._profile.echoes

    @property
    def lookup(self) -> bool:
        """Whether the gateway can be asked about one number, and says our mark."""
        call = self._profile.receipts
        return call is not None and call.per == "number" and self._profile.echoes

    @property
    def window(self) -> int:
        """Enough for several full requests at once."""
        return min(_MOST_AT_ONCE, max(64, 2 * self._profile.send.batch))

    def send(self, messages: Sequence[Message]) -> Iterator[tuple[int, Outcome]]:
        """Each message in one request that may have been taken, at most. `ChannelUnavailable` when
        the gateway took and refused none and cannot be reached, or refuses our account or key.
        """
        window = Window()
        letters: list[Letter] = []
        unasked: list[tuple[int, Outcome]] = []
        for message in messages:
            written = self._written(message)
            if isinstance(written, Outcome):
                unasked.append((message.id, written))
            else:
                letters.append(written)
        todo = deque(batches(letters, self._profile))
        yield from told(self._answers(todo, window), window, self._profile.title, unasked)

    def receipts(self, number: str = "", on: date | None = None, reference: str = "") -> Pulled:
        """What the gateway knows of deliveries: of one number (E.164) and day where it is asked
        so, else whatever is new. Raises `ChannelUnavailable`."""
        call = self._profile.receipts
        if call is None:
            raise ChannelUnavailable(f"{self._profile.title} has no receipts to pull")
        values: dict[str, Any] = {"limit": 50 if call.per == "number" else _PAGE, "page": 1}
        values |= {"number": written_number(number, self._profile), "reference": reference}
        if on is not None:
            values["day"] = datetime.combine(on, time(), BEIJING).strftime("%Y%m%d")
        status, content = self._pull(call, values)
        return _pulled(self._profile, lambda: receipts(self._profile, status, content))

    def replies(self) -> Pulled:
        """The replies that are new. Raises `ChannelUnavailable`."""
        call = self._profile.replies
        if call is None:
            raise ChannelUnavailable(f"{self._profile.title} has no replies to pull")
        status, content = self._pull(call, {"limit": _PAGE})
        return _pulled(self._profile, lambda: replies(self._profile, status, content))

    def find(self, messages: Sequence[Asked]) -> Iterator[tuple[int, Receipt | None]]:
        """What the gateway knows of messages in doubt, asked number by number."""
        from outreach.channels.gateway_lookup import find

        yield from find(self.receipts, messages)

    def pull(self, at: datetime) -> Iterator[Receipt | Reply]:
        """What is new, page by page, of a gateway that tells it so: each thing once."""
        profile = self._profile
        if profile.receipts is not None and profile.receipts.per == "account":
            for pulled in _pages(self.receipts):
                yield from all_heard(profile, pulled.entries, self._asker.extend, at)
        if profile.replies is not None:
            for pulled in _pages(self.replies):
                for one in pulled.entries:
                    yield Reply(one.extend, one.number, one.text, one.at or at)

    def close(self) -> None:
        self._wire.close()

    def _written(self, message: Message) -> Letter | Outcome:
        """The message as the gateway is to send it, or why it never will."""
        profile = self._profile
        if len(message.parts) != 1:
            return refused("unwritable", "an SMS has one part: its text")
        text = message.parts[0]
        try:
            text.encode()
        except UnicodeEncodeError:
            return refused("unwritable", "the text holds half a character (a lone surrogate)")
        if profile.serves and not message.to.startswith(profile.serves):
            return refused("not_served", f"{profile.title} serves {', '.join(profile.serves)} only")
        if len(text) > profile.text_most:
            words = f"{len(text)} characters; {profile.title} takes {profile.text_most}"
            return refused("too_long", words)
        signature, body = split_signature(text)
        if (self._signatures or profile.signature == "apart") and signature not in self._signatures:
            return refused("signature", f"【{signature}】 is not registered with {profile.title}")
        number = written_number(message.to, profile)
        if profile.mode == "text":
            return Letter(message, number, signature, Filled("", {}))
        try:
            body = body if profile.signature == "apart" else text
            filled = fill(body, self._templates, links=profile.links_in_variables)
        except Unapproved as error:
            return refused(error.code, str(error))
        return Letter(message, number, signature, filled)

    def _answers(self, todo: deque[list[Letter]], window: Window) -> Generator[Told, Any, None]:
        yield from _not_begun(todo, window)

        def write(letters: list[Letter]) -> bytes | None:
            return None if window.not_begun() else self._request(letters)

        for letters, came in self._wire.exchange(todo, write):
            yield from self._read(letters, came, window, todo)
            yield from _not_begun(todo, window)

    def _request(self, letters: list[Letter]) -> bytes:
        return _as_bytes(self._asker.send(letters, datetime.now(UTC), secrets.token_hex(16)))

    def _read(
        self, letters: list[Letter], came: Came, window: Window, todo: deque[list[Letter]]
    ) -> Iterator[Told]:
        if isinstance(came, Lost):
            outcome = lost(came, window)
            for letter in letters:
                yield letter.message.id, outcome, True
            return
        numbers = [letter.number for letter in letters]
        said = verdicts(self._profile, came.status, came.content, numbers)
        if isinstance(said, Verdict) and said.meaning in _OF_ONE and letters[1:]:
            half = len(letters) // 2
            todo.extendleft((letters[half:], letters[:half]))
            return
        each = dict.fromkeys(numbers, said) if isinstance(said, Verdict) else said
        wait = retry_after(came.headers)
        for letter in letters:
            yield letter.message.id, _outcome(each[letter.number], letter, window, wait), True

    def _pull(self, call: Call, values: dict[str, Any]) -> tuple[int, bytes]:
        request = self._asker.request(call, datetime.now(UTC), secrets.token_hex(16), **values)
        came = self._wire.ask(_as_bytes(request))
        if isinstance(came, Lost):
            raise ChannelUnavailable(f"{self._profile.title}: {came.words}")
        return came.status, came.content


def _not_begun(todo: deque[list[Letter]], window: Window) -> Iterator[Told]:
    """The messages that are not asked for any more, once there is a reason."""
    while todo and (why := window.not_begun()):
        for letter in todo.popleft():
            yield letter.message.id, why, False


def _as_bytes(request: Request) -> bytes:
    return asked(head(request.method, request.target, request.headers), request.content)


def _pages(pull: Callable[[], Pulled]) -> Iterator[Pulled]:
    """Pulls until a page is not full."""
    for _ in range(_MOST_PAGES):
        pulled = pull()
        yield pulled
        if len(pulled.entries) + pulled.unread < _PAGE:
            return


def batches(letters: Iterable[Letter], profile: Profile) -> list[list[Letter]]:
    """The letters of each request: those alike in what the profile says, a number once in each."""
    open_: dict[tuple[object, ...], list[Letter]] = {}
    full: list[list[Letter]] = []
    for letter in letters:
        key = (letter.message.run_id, *(_alike(letter, what) for what in profile.send.alike))
        batch = open_.setdefault(key, [])
        if len(batch) == profile.send.batch or any(_apart(one, letter) for one in batch):
            full.append(batch)
            batch = open_[key] = []
        batch.append(letter)
    return [*full, *open_.values()]


def _apart(one: Letter, other: Letter) -> bool:
    """Whether two letters cannot share a request, whatever else they share."""
    return one.number == other.number or abs(one.message.id - other.message.id) > WIDTH


def profile_of(name: str) -> Profile:
    """A profile that ships with the program, or the file that ends with .toml. Raises
    `ChannelUnavailable` where there is none, or it is none."""
    shipped = files("outreach.data") / "gateways" / f"{name}.toml"
    try:
        source = shipped if name in SHIPPED else Path(name)
        return parse_profile(source.read_text(encoding="utf-8"))
    except OSError as error:
        why = error.strerror or "no such file"
        raise ChannelUnavailable(f"the gateway profile {name} cannot be read: {why}") from error
    except ValueError as error:
        line = str(error).replace("\n", " ")[:200]
        raise ChannelUnavailable(f"the gateway profile {name} is broken: {line}") from error


def _approved(templates: Mapping[str, str]) -> tuple[Approved, ...]:
    try:
        return tuple(approved(id_, text) for id_, text in templates.items())
    except ValueError as error:
        raise ChannelUnavailable(f"a template of the gateway {error}") from error


def _alike(letter: Letter, what: str) -> object:
    if what == "country":
        return letter.message.to.startswith("+86")
    if what == "variables":
        return tuple(letter.filled.variables.items())
    return {
        "signature": letter.signature,
        "template": letter.filled.template,
        "text": letter.message.parts[0],
    }[what]


def _outcome(said: Verdict, letter: Letter, window: Window, wait: float) -> Outcome:
    if said.meaning == "accepted":
        return accepted(said.reference, sha256(letter.message.parts[0].encode()).digest())
    if said.meaning == "refused":
        return refused(said.code, said.words)
    if said.meaning == "content":
        return refused(said.code, said.words, About.CONTENT)
    if said.meaning == "opted_out":
        return refused(said.code, said.words, About.OPTED_OUT)
    if said.meaning == "doubt":
        return in_doubt(said.code, said.words, About.CONNECTION)
    if said.meaning == "stopped":
        words = f"it refuses our account or request: {said.code} {said.words}"
        return window.cannot(said.code, words, About.ACCOUNT)
    if said.meaning == "throttled":
        window.stop(said.code, said.words)
        return throttled(said.code, said.words, wait)
    return unavailable(said.code, said.words)


def _pulled(profile: Profile, read: Any) -> Pulled:
    try:
        found: Pulled = read()
    except Unanswered as error:
        raise ChannelUnavailable(f"{profile.title}: {error}") from error
    return found

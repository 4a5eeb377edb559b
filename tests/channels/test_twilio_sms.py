"""SMS through Twilio against a stand-in that answers, refuses, stalls and hangs up."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from outreach.channels import Adapter, ChannelUnavailable, open_channel
from outreach.channels.twilio_sms import TwilioSms
from outreach.core.campaign import Bilingual
from outreach.core.model import About, Outcome, accepted, in_doubt, refused, throttled, unavailable
from outreach.core.twilio_codes import CODES, Meaning
from outreach.core.words import Channel, State
from outreach.project.config import TwilioSender
from tests.channels.cases import CASES, letters, results, sms, states

ACCOUNT = "AC" + "0" * 32
REFUSED = [
    code
    for code, row in CODES.items()
    if row.meaning in (Meaning.PERMANENT, Meaning.BLOCKED, Meaning.TEXT, Meaning.EXPIRED)
]
OURS = [code for code, row in CODES.items() if row.meaning is Meaning.OURS]
AMBIGUOUS = [code for code, row in CODES.items() if row.meaning is Meaning.DOUBT]
# What the stand-in does with a request: status and body, or nothing to hang up.
Answer = Callable[[dict[str, str]], tuple[int, Any] | None]


def taken(form: dict[str, str]) -> tuple[int, Any]:
    return 201, {"sid": "SM" + form["To"][-4:].zfill(32), "status": "queued"}


def silent(code: str, detail: str) -> Outcome:
    return in_doubt(code, detail, About.CONNECTION)


def failing(code: int, status: int = 400, message: str = "no") -> Answer:
    body = {"code": code, "message": message, "more_info": "", "status": status}
    return lambda _form: (status, body)


class StandIn(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer: Answer, wait: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer, self.wait = answer, wait
        self.forms: list[dict[str, str]] = []
        self.paths: set[str] = set()
        self.logins: set[str] = set()
        self.released = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StandIn

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(content).items()}
        self.server.forms.append(form)
        self.server.paths.add(self.path)
        self.server.logins.add(self.headers["Authorization"])
        answer = self.server.answer(form)
        if answer is None:
            self.close_connection = True
            return
        status, body = answer
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.server.wait:
            self.send_header("Retry-After", self.server.wait)
        self.end_headers()
        with suppress(OSError):  # who asked may have hung up
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def stand_in(answer: Answer = taken, wait: str = "") -> Iterator[StandIn]:
    server = StandIn(answer, wait)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def channel(
    base_url: str, timeout: float = 5.0, address: str = "+15551234567"
) -> Iterator[TwilioSms]:
    opened = TwilioSms(
        account=ACCOUNT,
        token="token",
        address=address,
        receipts_url="https://broker.example/receipts/twilio/",
        timeout=timeout,
        base_url=base_url,
    )
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def url(server: StandIn) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


@pytest.mark.parametrize("shared", CASES, ids=lambda shared: shared.__name__)
def test_shared_case(shared: Callable[[Adapter], None]) -> None:
    with stand_in() as server, channel(url(server)) as opened:
        shared(opened)


def test_a_message_is_one_request_with_a_callback_that_names_it() -> None:
    with stand_in() as server, channel(url(server)) as opened:
        outcome = results(opened, [sms(41, "【示例证券】休市通知")])[41]

        assert server.forms == [
            {
                "To": "+12025550041",
                "From": "+15551234567",
                "Body": "【示例证券】休市通知",
                "StatusCallback": "https://broker.example/receipts/twilio/41",
            }
        ]
        assert server.paths == {f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"}
    digest = sha256("【示例证券】休市通知".encode()).digest()
    assert outcome == accepted("SM" + "0" * 28 + "0041", digest)


def test_a_messaging_service_takes_the_place_of_the_number() -> None:
    service = "MG" + "0" * 32
    with stand_in() as server, channel(url(server), address=service) as opened:
        results(opened, [sms()])

        assert server.forms[0]["MessagingServiceSid"] == service
        assert "From" not in server.forms[0]


@pytest.mark.parametrize("code", sorted(REFUSED))
def test_a_number_or_text_twilio_never_takes_is_refused(code: int) -> None:
    with stand_in(failing(code)) as server, channel(url(server)) as opened:
        assert results(opened, [sms()]) == {1: refused(str(code), "no")}


@pytest.mark.parametrize(
    ("code", "status"), [(20429, 429), (21611, 429), (14107, 429), (30022, 400), (429, 429)]
)
def test_a_limit_lets_the_sender_wait_as_long_as_twilio_says(code: int, status: int) -> None:
    with stand_in(failing(code, status), wait="7") as server, channel(url(server)) as opened:
        assert results(opened, [sms()]) == {1: throttled(str(code), "no", 7.0)}
        assert len(server.forms) == 1


def test_the_allowance_of_a_day_lets_the_sender_wait_for_the_next() -> None:
    with stand_in(failing(63038, 429)) as server, channel(url(server)) as opened:
        opened._now = lambda: datetime(2026, 9, 29, 6, 59, tzinfo=UTC)
        assert results(opened, [sms()]) == {1: throttled("63038", "no", 60.0)}


def test_an_unknown_code_lets_the_message_wait_and_blames_nobody() -> None:
    with stand_in(failing(99999, 400)) as server, channel(url(server)) as opened:
        assert results(opened, [sms()]) == {1: unavailable("99999", "no")}
        assert len(server.forms) == 1


def test_a_filtered_text_is_an_affair_of_the_campaign() -> None:
    with stand_in(failing(30007)) as server, channel(url(server)) as opened:
        assert results(opened, [sms()]) == {1: refused("30007", "no", About.CONTENT)}


def test_a_client_who_has_told_twilio_to_stop_has_withdrawn() -> None:
    with stand_in(failing(21610)) as server, channel(url(server)) as opened:
        assert results(opened, [sms()]) == {1: refused("21610", "no", About.OPTED_OUT)}


def test_a_limit_in_the_middle_of_a_window_begins_nothing_more() -> None:
    numbers = iter(range(10_000))
    lock = threading.Lock()

    def answer(form: dict[str, str]) -> tuple[int, Any] | None:
        with lock:
            return taken(form) if next(numbers) < 10 else failing(20429, 429)(form)

    with stand_in(answer) as server, channel(url(server)) as opened:
        found = results(opened, letters(Channel.SMS, 100)).values()

        assert Counter(one.state for one in found) == {State.ACCEPTED: 10, State.READY: 90}
        assert len(server.forms) <= 10 + 16


@pytest.mark.parametrize(
    ("code", "status"), [*((code, 400) for code in sorted(AMBIGUOUS)), (20500, 500), (12345, 503)]
)
def test_an_answer_twilio_is_unsure_of_leaves_the_message_in_doubt(code: int, status: int) -> None:
    with stand_in(failing(code, status)) as server, channel(url(server)) as opened:
        assert results(opened, [sms()]) == {1: silent(str(code), "no")}
        assert len(server.forms) == 1


@pytest.mark.parametrize("code", sorted(OURS))
def test_a_refusal_of_our_account_or_sender_stops_the_channel(code: int) -> None:
    with stand_in(failing(code, message="denied")) as server, channel(url(server)) as opened:
        sentence = f"^Twilio: the account or sender is refused: {code} denied$"
        with pytest.raises(ChannelUnavailable, match=sentence):
            list(opened.send(letters(Channel.SMS, 60)))

        assert len(server.forms) <= 16


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_token_stops_the_channel_even_without_a_code(status: int) -> None:
    answer: Answer = lambda _form: (status, b"<html>who are you</html>")  # noqa: E731
    with (
        stand_in(answer) as server,
        channel(url(server)) as opened,
        pytest.raises(ChannelUnavailable, match="refused"),
    ):
        list(opened.send([sms()]))


def test_a_sender_refused_in_the_middle_leaves_the_rest_unsent() -> None:
    numbers = iter(range(10_000))
    lock = threading.Lock()

    def answer(form: dict[str, str]) -> tuple[int, Any] | None:
        with lock:
            return taken(form) if next(numbers) < 10 else failing(21606)(form)

    with stand_in(answer) as server, channel(url(server)) as opened:
        found = Counter(states(opened, letters(Channel.SMS, 60)).values())

        assert found == {State.ACCEPTED: 10, State.READY: 50}
        assert len(server.forms) <= 26


def test_each_message_has_its_own_answer() -> None:
    def answer(form: dict[str, str]) -> tuple[int, Any] | None:
        kind = int(form["To"][-4:]) % 4
        return (taken, failing(21610), failing(30003), lambda _: None)[kind](form)

    with stand_in(answer) as server, channel(url(server)) as opened:
        found = states(opened, letters(Channel.SMS, 40))

    expected = (State.ACCEPTED, State.FAILED, State.READY, State.IN_DOUBT)
    assert found == {id_: expected[id_ % 4] for id_ in range(1, 41)}


def test_an_answer_that_never_comes_leaves_the_message_in_doubt() -> None:
    with stand_in() as server, channel(url(server), timeout=0.6) as opened:
        server.answer = lambda form: taken(form) if server.released.wait(5) else None

        assert results(opened, [sms()]) == {1: silent("timeout", "no answer within 0.6 seconds")}
        assert len(server.forms) == 1


def test_a_connection_cut_instead_of_the_answer_leaves_the_message_in_doubt() -> None:
    with stand_in(lambda _form: None) as server, channel(url(server)) as opened:
        outcome = results(opened, [sms()])[1]

        assert (outcome.state, outcome.code) == (State.IN_DOUBT, "connection_lost")
        assert len(server.forms) == 1


@pytest.mark.parametrize(
    ("body", "code"), [(b"<html>ok</html>", "no_json"), ({}, "no_sid"), ({"sid": None}, "no_sid")]
)
def test_an_acceptance_that_names_no_message_leaves_it_in_doubt(body: Any, code: str) -> None:
    with stand_in(lambda _form: (201, body)) as server, channel(url(server)) as opened:
        assert results(opened, [sms()])[1].code == code
        assert states(opened, [sms()]) == {1: State.IN_DOUBT}


def test_nobody_listens() -> None:
    with stand_in() as server:
        address = url(server)
    with (
        channel(address) as opened,
        pytest.raises(ChannelUnavailable, match=r"^Twilio: the host cannot be reached$"),
    ):
        list(opened.send(letters(Channel.SMS, 20)))


def test_what_twilio_says_of_a_number_is_masked() -> None:
    said = "The 'To' number +8613812341234 is not a valid phone number."
    with stand_in(failing(21211, message=said)) as server, channel(url(server)) as opened:
        detail = results(opened, [sms()])[1].detail

    assert detail == "The 'To' number 138****1234 is not a valid phone number."


def test_a_window_that_comes_late_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outreach.channels.http_window.PATIENCE", -1.0)
    with stand_in() as server, channel(url(server)) as opened:
        found = results(opened, letters(Channel.SMS, 3))

        assert {(outcome.state, outcome.code) for outcome in found.values()} == {
            (State.READY, "late")
        }
        assert server.forms == []


def test_a_window_that_nobody_finishes_begins_nothing_more() -> None:
    with stand_in() as server, channel(url(server)) as opened:
        iterator = opened.send(letters(Channel.SMS, 60))
        next(iterator)
        iterator.close()  # type: ignore[attr-defined]

        assert states(opened, letters(Channel.SMS, 2, first=61)) == {
            61: State.ACCEPTED,
            62: State.ACCEPTED,
        }
        assert len(server.forms) <= 16 + 2
        assert {"0061", "0062"} <= {form["To"][-4:] for form in server.forms}


def test_the_sender_of_config_toml_opens_the_channel(tmp_path: Path) -> None:
    with stand_in() as server:
        sender = TwilioSender(
            kind="twilio_sms", address="+15551234567", account=ACCOUNT,
            receipts_url="https://broker.example/receipts/twilio", base_url=url(server),
        )  # fmt: skip
        firm = Bilingual(zh="示例证券", en="Example Securities")
        opened = open_channel(sender, secret="token", outbox=tmp_path, firm_name=firm)
        assert states(opened, [sms(1)]) == {1: State.ACCEPTED}
        opened.close()

        assert server.forms[0]["StatusCallback"] == "https://broker.example/receipts/twilio/1"
        assert len(server.logins) == 1

"""The request for one SMS: what Twilio's own library would have asked, and who it is from."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from outreach.core.model import Message
from outreach.core.twilio_request import Login, Pool, first_lines, quoted, request, validity

AT = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
ACCOUNT = "AC" + "0" * 32
TEXTS = (
    "【示例证券】国庆节10月1日至8日休市。详询95000，拒收请回复R",
    "a+b & c=d %41 ~ _.-*/?#[]@!$'(),;: \"\\ \n\t",
    "emoji 👨‍👩‍👧 🇨🇳 ‏עברית 𠮷野家",
    "",
)


class _Kept(TwilioHttpClient):  # type: ignore[misc]
    """Twilio's client up to where it would send: keeps the request it has made ready."""

    def request(self, *args: Any, **kwargs: Any) -> Any:
        self.session.send = self._keep
        return super().request(*args, **kwargs)

    def _keep(self, prepared: Any, **_kwargs: Any) -> Any:
        self.prepared = prepared
        raise _KeptInsteadOfSent


class _KeptInsteadOfSent(Exception):
    pass


def library(message: Message, **more: Any) -> Any:
    wire = _Kept(timeout=1)
    client = Client(ACCOUNT, "tok:en", http_client=wire)
    callback = f"https://broker.example/receipts/twilio/{message.id}"
    with pytest.raises(_KeptInsteadOfSent):
        client.messages.create(
            to=message.to, body=message.parts[0], status_callback=callback, **more
        )
    return wire.prepared


def ours(message: Message, sender: str) -> tuple[list[str], str]:
    first = first_lines(Login(ACCOUNT, "tok:en", "api.twilio.com"))
    asked = request(first, message, sender, "https://broker.example/receipts/twilio", AT)
    head, _, content = asked.partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), content.decode()


def sms(text: str, expires_at: datetime | None = None) -> Message:
    return Message(41, 7, "+12025550041", "zh-CN", (text,), AT, None, expires_at)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    ("sender", "more"),
    [
        ("+15551234567", {"from_": "+15551234567"}),
        ("ExampleSec", {"from_": "ExampleSec"}),
        ("MG" + "0" * 32, {"messaging_service_sid": "MG" + "0" * 32}),
    ],
)
def test_a_request_is_that_of_twilios_own_library(
    text: str, sender: str, more: dict[str, str]
) -> None:
    expected = library(sms(text), validity_period=3600, **more)

    head, content = ours(sms(text, AT + timedelta(hours=1)), sender)

    assert content == expected.body
    assert head[0] == f"POST {expected.path_url} HTTP/1.1"
    headers = dict(line.split(": ", 1) for line in head[1:])
    for name in ("Authorization", "Content-Type", "Content-Length"):
        assert headers[name] == expected.headers[name]
    assert headers["Host"] == "api.twilio.com"


def test_without_an_end_of_the_notice_twilio_keeps_to_its_own() -> None:
    assert "ValidityPeriod" not in parse_qs(ours(sms("休市"), "+15551234567")[1])


@pytest.mark.parametrize(
    ("left", "seconds"),
    [
        pytest.param(timedelta(days=3), None, id="longer than Twilio keeps anything"),
        pytest.param(timedelta(hours=10), None, id="as long"),
        pytest.param(timedelta(hours=10, seconds=-1), 35_999, id="a second less"),
        pytest.param(timedelta(minutes=5, milliseconds=900), 300, id="whole seconds, and no more"),
        pytest.param(timedelta(seconds=6), 6, id="the least that is advised"),
        pytest.param(timedelta(seconds=2), 6, id="less: it is almost gone"),
        pytest.param(timedelta(hours=-2), 6, id="over: who decided to send it knows"),
    ],
)
def test_a_message_waits_at_twilio_until_its_notice_is_of_no_use(
    left: timedelta, seconds: int | None
) -> None:
    assert validity(AT + left, AT) == seconds


def test_a_token_that_would_break_its_line_is_no_token() -> None:
    with pytest.raises(ValueError, match="line break"):
        first_lines(Login(ACCOUNT, "token", "api.twilio.com\r\nX-Evil: 1"))


@given(st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_a_value_is_quoted_as_the_standard_library_does(text: str) -> None:
    try:
        expected = quote_plus(text)
    except UnicodeEncodeError:
        with pytest.raises(UnicodeEncodeError):
            quoted(text)
    else:
        assert quoted(text) == expected


# --- who it is from ---------------------------------------------------------------------------

NUMBERS = tuple(f"+1555123456{n}" for n in range(8))
CLIENTS = tuple(f"+1202{n:07d}" for n in range(4000))


def test_a_client_always_hears_from_the_same_number_and_all_numbers_are_used() -> None:
    pool, again = Pool(NUMBERS), Pool(reversed(NUMBERS))
    senders = [pool.sender(client) for client in CLIENTS]

    assert senders == [again.sender(client) for client in CLIENTS]
    shares = {number: senders.count(number) for number in NUMBERS}
    assert all(400 <= share <= 600 for share in shares.values())


def test_a_number_taken_away_moves_its_own_clients_and_no_other() -> None:
    pool, smaller = Pool(NUMBERS), Pool(NUMBERS[1:])

    moved = [one for one in CLIENTS if pool.sender(one) != smaller.sender(one)]

    assert moved == [one for one in CLIENTS if pool.sender(one) == NUMBERS[0]]


@pytest.mark.parametrize(
    ("client", "sender"),
    [
        ("+85291234567", "+85230001000"),
        ("+447400123456", "+447400000001"),
        ("+12025550041", "+15551234567"),
    ],
)
def test_a_number_of_the_clients_country_comes_first(client: str, sender: str) -> None:
    pool = Pool(("+15551234567", "+85230001000", "+447400000001"))

    assert pool.sender(client) == sender


def test_where_no_number_is_of_the_country_any_will_do() -> None:
    pool = Pool(("+15551234567", "ExampleSec"))

    assert {pool.sender(f"+81{n:010d}") for n in range(50)} == {"+15551234567", "ExampleSec"}

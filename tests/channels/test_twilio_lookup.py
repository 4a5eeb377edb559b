"""Messages in doubt, looked up in a list shaped as Twilio's: pages, moments, what it leaves out."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from outreach.channels import Asked, ChannelUnavailable
from outreach.channels.twilio_sms import TwilioSms
from outreach.core.receipt import Receipt
from outreach.core.render import content_digest
from outreach.core.words import State

ACCOUNT = "AC" + "0" * 32
AT = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
TEXT = "【示例证券】国庆节休市安排。"
OURS = "+15551234567"
TO = "+12025550041"
URI = f"/2010-04-01/Accounts/{ACCOUNT}/Messages"


def entry(sid: str = "SM1", **more: Any) -> dict[str, Any]:
    """A message as the list has it (twilio.com/docs/messaging/api/message-resource)."""
    created = more.pop("at", AT + timedelta(seconds=2))
    known: dict[str, Any] = {
        "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": TEXT,
        "date_created": format_datetime(created),
        "date_sent": None, "date_updated": format_datetime(created + timedelta(seconds=3)),
        "direction": "outbound-api", "error_code": None, "error_message": None, "from": OURS,
        "messaging_service_sid": None, "num_media": "0", "num_segments": "1", "price": None,
        "price_unit": None, "sid": sid, "status": "queued", "subresource_uris": {}, "to": TO,
        "uri": f"{URI}/{sid}.json",
    }  # fmt: skip
    return known | more


class Twilio(ThreadingHTTPServer):
    """Lists what was sent to a number, two a page."""

    daemon_threads = True

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.entries, self.asked = entries, list[str]()
        self.answer: tuple[int, bytes] | None = None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Twilio

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        asked = parse_qs(urlsplit(self.path).query)
        found = [one for one in self.server.entries if one["to"] == asked["To"][0]]
        page = int(asked.get("Page", ["0"])[0])
        further = None
        if len(found) > 2 * page + 2:
            to = asked["To"][0].replace("+", "%2B")
            further = f"{URI}.json?To={to}&PageSize=50&Page={page + 1}&PageToken=PASM{page}"
        body = {
            "first_page_uri": f"{URI}.json?Page=0", "end": 1, "previous_page_uri": None,
            "messages": found[2 * page : 2 * page + 2], "uri": self.path, "page_size": 50,
            "start": 0, "next_page_uri": further, "page": page,
        }  # fmt: skip
        status, data = self.server.answer or (200, json.dumps(body).encode())
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def listing(*entries: dict[str, Any], pool: tuple[str, ...] = ()) -> Iterator[Any]:
    server = Twilio(list(entries))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    channel = TwilioSms(
        account=ACCOUNT, token="token", address=OURS, pool=pool, timeout=5.0,
        receipts_url="https://broker.example/twilio", now=lambda: AT,
        base_url=f"http://127.0.0.1:{server.server_address[1]}",
    )  # fmt: skip
    try:
        yield server, channel
    finally:
        channel.close()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def asked(id_: int = 41, to: str = TO, text: str = TEXT, since: datetime = AT) -> Asked:
    return Asked(id_, 7, to, since, since + timedelta(seconds=90), content_digest((text,)))


def found(*entries: dict[str, Any], wanted: Any = (), **more: Any) -> dict[int, Receipt | None]:
    with listing(*entries, **more) as (_, channel):
        return dict(channel.find(wanted or [asked()]))


def test_the_entry_that_can_only_be_the_message_says_what_became_of_it() -> None:
    assert found(entry()) == {
        41: Receipt(
            State.ACCEPTED, AT + timedelta(seconds=5), message_id=41, reference="SM1",
            address=TO, detail="queued",
        )
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [
        ("accepted", None, State.ACCEPTED),
        ("scheduled", None, State.ACCEPTED),
        ("sending", None, State.ACCEPTED),
        ("sent", None, State.ACCEPTED),
        ("delivered", None, State.DELIVERED),
        ("read", None, State.DELIVERED),
        ("undelivered", 30007, State.UNDELIVERED),
        ("failed", 30005, State.UNDELIVERED),
        ("canceled", None, State.UNDELIVERED),
    ],
)
def test_its_status_is_read_as_that_of_a_callback(
    status: str, code: int | None, state: State
) -> None:
    receipt = found(entry(status=status, error_code=code))[41]

    assert receipt is not None
    assert (receipt.state, receipt.code) == (state, str(code or ""))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(entry(to="+12025550042"), id="to somebody else"),
        pytest.param(entry(body="【示例证券】别的通知。"), id="another text"),
        pytest.param(entry(at=AT - timedelta(minutes=2)), id="made before it was handed over"),
        pytest.param(entry(at=AT + timedelta(minutes=4)), id="made after its sender was gone"),
        pytest.param(entry(direction="inbound"), id="a reply"),
        pytest.param(entry(**{"from": "+15559999999"}), id="from another sender"),
        pytest.param(entry(messaging_service_sid="MG" + "0" * 32), id="by another service"),
        pytest.param(entry(status="received"), id="a status of replies"),
        pytest.param(entry(status="brand_new"), id="a status nobody knows"),
        pytest.param(entry(date_created="soon"), id="made at no moment"),
    ],
)
def test_what_is_not_certainly_the_message_proves_nothing(other: dict[str, Any]) -> None:
    assert found(other) == {41: None}
    assert found() == {41: None}


def test_of_two_entries_either_may_be_the_message_so_it_stays_in_doubt() -> None:
    assert found(entry("SM1"), entry("SM2")) == {41: None}


def test_an_entry_that_is_known_as_another_message_is_left_out() -> None:
    """Two clients with one number and the same text: one was accepted as SM1."""
    mine = asked()._replace(held=frozenset({"SM1"}))

    assert found(entry("SM1"), wanted=[mine]) == {41: None}
    told = found(entry("SM1"), entry("SM2"), wanted=[mine])[41]
    assert told is not None
    assert told.reference == "SM2"


def test_one_entry_cannot_be_two_messages() -> None:
    assert found(entry(), wanted=[asked(41), asked(42)]) == {41: None, 42: None}


def test_messages_to_one_number_are_told_apart_by_their_text_and_asked_for_once() -> None:
    other = "【示例证券】别的通知。"
    with listing(entry("SM1"), entry("SM2", body=other)) as (server, channel):
        told = dict(channel.find([asked(41), asked(42, text=other)]))

        assert {id_: one.reference for id_, one in told.items() if one} == {41: "SM1", 42: "SM2"}
        assert server.asked == [f"{URI}.json?To=%2B12025550041&PageSize=50"]


def test_a_message_from_any_number_of_the_pool_is_ours() -> None:
    receipt = found(entry(**{"from": "+15550000002"}), pool=("+15550000001", "+15550000002"))[41]

    assert receipt is not None


def test_further_pages_are_read_until_they_are_too_old() -> None:
    later = [entry(f"SM{n}", body=f"later {n}") for n in range(5)]
    older = [entry(f"SN{n}", at=AT - timedelta(days=n + 1)) for n in range(9)]
    with listing(*later, entry("SM9"), *older) as (server, channel):
        receipt = dict(channel.find([asked()]))[41]

        assert receipt.reference == "SM9"
        assert len(server.asked) == 4
        assert server.asked[1].endswith("&Page=1&PageToken=PASM0")


def test_a_list_without_an_end_is_given_up() -> None:
    many = [entry(f"SM{n}", body=str(n)) for n in range(99)]

    with pytest.raises(ChannelUnavailable, match="too many"):
        found(*many)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, b'{"code": 20003, "message": "Authenticate", "status": 401}'), "20003"),
        ((500, b"<html>"), "no JSON"),
        ((200, b"{}"), "no list"),
        ((200, b"[]"), "does not show"),
        ((200, b'{"messages": [], "next_page_uri": "http://elsewhere/"}'), "no path"),
    ],
)
def test_a_list_that_cannot_be_had_is_no_empty_list(answer: tuple[int, bytes], words: str) -> None:
    with listing(entry()) as (server, channel):
        server.answer = answer
        with pytest.raises(ChannelUnavailable, match=words):
            list(channel.find([asked()]))


def test_nobody_listens() -> None:
    with listing() as (_, channel):
        pass

    with pytest.raises(ChannelUnavailable, match="cannot be reached"):
        list(channel.find([asked()]))


def test_twilios_own_library_asks_for_the_same_list() -> None:
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    with listing(entry()) as (server, channel):
        client = Client(ACCOUNT, "token", http_client=TwilioHttpClient(timeout=5))
        client.api.base_url = channel_url(server)
        (theirs,) = client.messages.list(to=TO, page_size=50, limit=10)
        dict(channel.find([asked()]))

        assert theirs.sid == "SM1"
        assert server.asked[0] == server.asked[1]


def channel_url(server: Twilio) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"

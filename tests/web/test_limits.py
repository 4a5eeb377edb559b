"""Rubbish, floods and slow clients: an answer that fits, never a traceback, and nothing stored."""

import gzip
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from outreach.store.database import Database
from outreach.web.limits import Callers, Rates, Within
from outreach.web.serving import Slow
from tests.web.door import DEADLINE, PUBLIC, TOKEN, Door, open_door

STATUS = "/twilio/abroad/status/17"
SENT = {"MessageSid": "SM1", "MessageStatus": "sent", "To": "+12125550100"}
BOMB = gzip.compress(b"\0" * 1_000_000)  # never unpacked, whatever its header says


@pytest.fixture
def door(tmp_path: Path, sqlite: Database) -> Iterator[Door]:
    with open_door(tmp_path, sqlite, "requests_per_second = 1000\nbody_limit = 2048") as opened:
        yield opened


def spoken(door: Door, *parts: bytes) -> bytes:
    """Bytes as they are, and what comes back until the door closes."""
    with socket.create_connection(("127.0.0.1", door.port), timeout=DEADLINE) as wire:
        for part in parts:
            try:
                wire.sendall(part)
            except OSError:  # it has hung up already
                break
        said = b""
        with suppress(ConnectionResetError):
            while more := wire.recv(65_536):
                said += more
        return said


def status_of(said: bytes) -> int:
    return int(said.split(b" ", 2)[1]) if said else 0


def test_a_body_over_the_limit_is_refused_before_it_is_read(door: Door) -> None:
    head = b"POST " + STATUS.encode() + b" HTTP/1.1\r\nHost: x\r\n"

    announced = spoken(door, head + b"Content-Length: 999999999\r\n\r\n", b"a" * 10_000)
    chunked = spoken(
        door,
        head + b"Transfer-Encoding: chunked\r\n\r\n",
        *[b"800\r\n" + b"a" * 2048 + b"\r\n"] * 3,
    )

    assert [status_of(announced), status_of(chunked)] == [413, 413]
    assert door.events() == []


def test_a_body_at_the_limit_is_taken(door: Door) -> None:
    rest = 2_048 - len(urlencode({**SENT, "Body": ""}))

    assert door.twilio(STATUS, {**SENT, "Body": "a" * rest}).status == 204
    assert door.twilio(STATUS, {**SENT, "Body": "a" * (rest + 1)}).status == 413


def test_rubbish_gets_an_answer_and_no_traceback(
    door: Door, capfd: pytest.CaptureFixture[str]
) -> None:
    post = b"POST " + STATUS.encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    cases = {
        b"GET / HTTP/1.1\r\n" + b"X: " + b"a" * 40_000: 400,
        b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 9_000 + b"\r\n": 400,
        b"\x00\x01\x02\xff\r\n\r\n": 400,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03": 400,  # TLS where HTTP is spoken
        b"HELO mail\r\n\r\n": 400,
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n": 400,
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n": 400,
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n": 400,
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc": 400,
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc": 400,
        post + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n": 400,
        post + b"Transfer-Encoding: chunked\r\n\r\n" + b"400\r\n%b\r\n" % (b"a" * 1_024) * 3: 413,
        post + b"X-Twilio-Signature: abc\r\nContent-Length: 999999999\r\n\r\n": 413,
        post + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB: 403,
        post + b"Content-Length: 4\r\n\r\n\xff\xfe%%": 403,
        post + b"Content-Length: 9\r\n\r\na=%ff%fe&": 403,
        post + b"X-Twilio-Signature: \xff\xfe\r\nContent-Length: 3\r\n\r\na=b": 403,
        post + b"Content-Length: 0\r\n\r\n": 403,
        post.replace(b"17", b"%31%37") + b"Content-Length: 0\r\n\r\n": 403,
        b"GET " + STATUS.encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n": 405,
        post.replace(b"/17", b"/x") + b"Content-Length: 0\r\n\r\n": 404,
        post.replace(b"/17", b"/" + b"1" * 19) + b"Content-Length: 0\r\n\r\n": 404,
        post.replace(b"abroad", b"..%2f..") + b"Content-Length: 0\r\n\r\n": 404,
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: close, upgrade\r\n"
        b"\r\n": 200,
    }
    for sent, expected in cases.items():
        assert status_of(spoken(door, sent)) == expected, sent[:80]
    assert door.events() == []
    assert capfd.readouterr() == ("", "")


def test_a_client_that_leaves_in_the_middle_harms_nobody(door: Door) -> None:
    head = b"POST " + STATUS.encode() + b" HTTP/1.1\r\nHost: x\r\n"
    for part in (b"PO", head, head + b"Content-Length: 50\r\n\r\nabc", b""):
        with socket.create_connection(("127.0.0.1", door.port), timeout=DEADLINE) as wire:
            wire.sendall(part)

    assert door.ask("GET", "/healthz").status == 200
    assert door.events() == []


def test_a_slow_client_is_let_go(tmp_path: Path, sqlite: Database) -> None:
    head = b"POST " + STATUS.encode() + b" HTTP/1.1\r\nHost: x\r\n"
    slow = (b"", b"GET /hea", head + b"Content-Length: 50\r\n\r\nabc", b"GET /healthz HTTP/1.1\r\n")
    with open_door(tmp_path, sqlite, "timeout = 1") as door:
        wires = [socket.create_connection(("127.0.0.1", door.port), DEADLINE) for _ in slow]
        for wire, part in zip(wires, slow, strict=True):
            wire.sendall(part)
        for wire in wires:  # waits for the door to hang up
            with suppress(ConnectionResetError):
                assert wire.recv(100) == b""
            wire.close()
        assert door.opened.site.tally.counts["slow"] == len(slow)


def test_a_connection_between_two_requests_may_wait(door: Door) -> None:
    class Cycle:
        response_complete, more_body = True, False

    class Idle:
        cycle, timeout_keep_alive_task = Cycle(), object()

    class Working:
        cycle, timeout_keep_alive_task = Cycle(), None

    Working.cycle.response_complete = False
    patience = Slow(10)
    for now in (0.0, 20.0, 40.0):
        assert patience.of([Idle, Working], now) == []


def test_too_many_requests_without_a_secret_are_refused_and_signed_ones_never(
    tmp_path: Path, sqlite: Database
) -> None:
    with open_door(tmp_path, sqlite, "requests_per_second = 0.001") as door:
        got = [door.ask("POST", STATUS, "a=b").status for _ in range(3)]
        answer = door.ask("GET", "/unsubscribe/x")

        assert got == [403, 429, 429]
        assert (answer.status, answer.headers["retry-after"]) == (429, "10")
        assert door.twilio(STATUS, SENT).status == 204
        assert door.ask("GET", "/healthz").status == 200


def test_clients_behind_a_trusted_proxy_have_budgets_of_their_own(
    tmp_path: Path, sqlite: Database
) -> None:
    with open_door(tmp_path, sqlite, "requests_per_second = 0.001") as door:
        first = [door.ask("GET", "/x", X_Forwarded_For="203.0.113.1").status for _ in range(2)]
        other = door.ask("GET", "/x", X_Forwarded_For="203.0.113.2").status
        forged = door.ask("GET", "/x", X_Forwarded_For="203.0.113.3, 203.0.113.1").status

    assert (first, other, forged) == ([404, 429], 404, 429)


@pytest.mark.parametrize(
    ("trusted", "peer", "hops", "client"),
    [
        ((), "192.0.2.1", ["203.0.113.1"], "192.0.2.1"),
        (("10.0.0.0/8",), "192.0.2.1", ["203.0.113.1"], "192.0.2.1"),
        (("10.0.0.0/8",), "10.1.1.1", ["203.0.113.1"], "203.0.113.1"),
        (("10.0.0.0/8",), "10.1.1.1", ["6.6.6.6, 203.0.113.1"], "203.0.113.1"),
        (("10.0.0.0/8",), "10.1.1.1", ["203.0.113.1", "10.2.2.2"], "203.0.113.1"),
        (("10.0.0.0/8",), "10.1.1.1", ["rubbish"], "10.1.1.1"),
        (("10.0.0.0/8",), "10.1.1.1", ["203.0.113.1, unknown"], "10.1.1.1"),
        (("10.0.0.0/8",), "10.1.1.1", [], "10.1.1.1"),
        (("::1",), "::1", ["2001:db8::7"], "2001:db8::7"),
        (("127.0.0.1",), "::ffff:127.0.0.1", ["203.0.113.1"], "203.0.113.1"),
    ],
)
def test_the_client_is_the_last_hop_that_is_no_proxy_of_ours(
    trusted: tuple[str, ...], peer: str, hops: list[str], client: str
) -> None:
    headers = [(b"x-forwarded-for", hop.encode()) for hop in hops]

    assert Callers(trusted).address({"client": (peer, 1), "headers": headers}) == client


def test_a_budget_is_refilled_with_time_and_shared_by_a_household() -> None:
    now = [0.0]
    rates = Rates(2.0, 2.0, lambda: now[0])

    assert [rates.allows("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert rates.allows("192.0.2.2")
    now[0] = 0.5
    assert [rates.allows("192.0.2.1") for _ in range(2)] == [True, False]
    assert [rates.allows(f"2001:db8::{n}") for n in range(3)] == [True, True, False]
    assert rates.allows("2001:db8:0:1::1")


def test_a_list_of_networks_holds_what_lies_in_them() -> None:
    listed = Within(["203.0.113.0/24", "2001:db8::/32", "192.0.2.7"])
    inside = ("203.0.113.9", "2001:db8::1", "192.0.2.7", "::ffff:203.0.113.9")

    assert [one in listed for one in (*inside, "192.0.2.8", "", "x")] == [True] * 4 + [False] * 3


def test_a_signature_is_asked_for_before_anything_else_is_known(door: Door) -> None:
    """A sender that does not exist and one that does look the same to who cannot sign."""
    signature = RequestValidator(TOKEN + "x").compute_signature(PUBLIC + STATUS, SENT)
    for sender in ("abroad", "mainland", "nobody"):
        path = STATUS.replace("abroad", sender)
        answer = door.ask("POST", path, urlencode(SENT), X_Twilio_Signature=signature)
        assert (answer.status, answer.text) == (403, "not allowed\n")

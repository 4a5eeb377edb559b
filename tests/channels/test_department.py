"""Ways to a department: lines and files on disk, a signed webhook, and what goes wrong."""

import base64
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from outreach.channels.department import Folder, Lines, Webhook
from outreach.core.standard_webhooks import signed

AT = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
BODY = '{"data":{"comment":"太慢"}}'.encode()


def test_a_case_is_a_line(tmp_path: Path) -> None:
    way = Lines(tmp_path / "new" / "complaints.jsonl")

    assert way.hand_over("a", BODY, AT) is None
    assert way.hand_over("b", BODY, AT) is None

    lines = way.path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [json.loads(BODY)] * 2


def test_half_a_line_of_a_crash_spoils_no_other(tmp_path: Path) -> None:
    way = Lines(tmp_path / "complaints.jsonl")
    way.path.write_bytes(b'{"data":{"comm')

    assert way.hand_over("a", BODY, AT) is None
    assert json.loads(way.path.read_text(encoding="utf-8").splitlines()[1]) == json.loads(BODY)


def test_a_case_is_a_file_and_the_same_case_again_is_the_same_file(tmp_path: Path) -> None:
    way = Folder(tmp_path / "cases")

    for _ in range(2):
        assert way.hand_over("outreach-follow-up-7", BODY, AT) is None

    assert [one.name for one in way.path.iterdir()] == ["outreach-follow-up-7.json"]
    assert (way.path / "outreach-follow-up-7.json").read_bytes() == BODY


@pytest.mark.parametrize("way", [Lines, Folder])
def test_a_place_that_cannot_be_written_to_is_a_sentence(
    way: Callable[[Path], Lines | Folder], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")

    why = way(tmp_path / "file" / "cases").hand_over("a", BODY, AT)

    assert why is not None
    assert "cases" in why


@dataclass
class Door:
    """A department's system: what it answers, one after the other, and what it was told."""

    answers: list[int] = field(default_factory=list)
    told: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""
    hold: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def door() -> Iterator[Door]:
    made = Door()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.told.append(({k.lower(): v for k, v in self.headers.items()}, body))
            made.paths.append(self.path)
            status = made.answers.pop(0)
            if status == 0:  # says nothing until the test is over
                made.hold.wait(30)
                return
            self.send_response(status)
            if status == 302:
                self.send_header("location", made.url)
            self.end_headers()
            self.wfile.write("稍后再试 try\nlater".encode() if status >= 300 else b"ok")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    made.url = f"http://127.0.0.1:{server.server_port}/hooks/survey"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.hold.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_is_told_once_with_its_proof(door: Door) -> None:
    door.answers = [204]

    assert Webhook(door.url, "s3cret").hand_over("outreach-follow-up-7", BODY, AT) is None

    ((headers, body),) = door.told
    assert body == BODY
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == "outreach-follow-up-7"
    assert headers["webhook-timestamp"] == str(int(AT.timestamp()))
    content = b".".join((b"outreach-follow-up-7", headers["webhook-timestamp"].encode(), BODY))
    proof = base64.b64encode(hmac.new(b"s3cret", content, sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{proof}"


def test_a_webhook_is_told_at_the_whole_of_its_address(door: Door) -> None:
    door.answers = [204]

    assert Webhook(f"{door.url}?queue=survey&v=2", "s3cret").hand_over("a", BODY, AT) is None
    assert door.paths == ["/hooks/survey?queue=survey&v=2"]


def test_the_signature_is_that_of_the_published_example() -> None:
    """Standard Webhooks 1.0, the example of its libraries."""
    made = signed(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        datetime.fromtimestamp(1614265330, UTC),
    )

    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("status", [302, 400, 401, 404, 410, 429, 500, 503])
def test_any_answer_but_a_yes_is_a_refusal_with_its_words(door: Door, status: int) -> None:
    door.answers = [status]

    why = Webhook(door.url, "s3cret").hand_over("a", BODY, AT)

    assert why == f"HTTP {status} 稍后再试 try later"
    assert len(door.told) == 1  # a redirect is not followed


def test_a_webhook_that_says_nothing_is_given_up_in_time(door: Door) -> None:
    door.answers = [0]

    assert Webhook(door.url, "s3cret", timeout=0.2).hand_over("a", BODY, AT) == (
        "no answer within 0.2 s"
    )


def test_a_webhook_that_is_not_there_is_a_sentence(door: Door) -> None:
    gone = Webhook("http://127.0.0.1:9/hooks", "s3cret", timeout=2)

    assert "refused" in str(gone.hand_over("a", BODY, AT))


def test_a_secret_is_not_shown() -> None:
    assert "s3cret" not in repr(Webhook("https://crm.example.com/", "s3cret"))

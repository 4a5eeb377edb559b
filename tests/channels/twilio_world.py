"""A stand-in for Twilio that keeps what it took and lists it, whatever it answers: the witness of
runs that go badly."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

# What to do with a request: as usual, or take it and then hang up, answer 500 or garbage; or not
# take it and hang up, or answer a status and a code.
Script = Callable[[dict[str, str]], str | tuple[int, int] | None]


class World(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, script: Script, now: Callable[[], datetime]) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.script, self.now = script, now
        self.taken: list[dict[str, Any]] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def take(self, form: dict[str, str]) -> dict[str, Any]:
        stamp = format_datetime(self.now().astimezone(UTC))
        with self.lock:
            message = {
                "sid": f"SM{len(self.taken):032d}", "to": form["To"], "body": form["Body"],
                "from": form.get("From"), "messaging_service_sid": form.get("MessagingServiceSid"),
                "date_created": stamp, "date_updated": stamp, "date_sent": None,
                "direction": "outbound-api", "error_code": None, "status": "queued",
                "callback": form["StatusCallback"],
            }  # fmt: skip
            self.taken.append(message)
        return message


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: World

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: one[0] for name, one in parse_qs(content).items()}
        told = self.server.script(form)
        if told == "cut":
            self.close_connection = True
        elif isinstance(told, tuple):
            self.say(told[0], {"code": told[1], "message": "no", "status": told[0]})
        else:
            message = self.server.take(form)
            if told == "taken_cut":
                self.close_connection = True
            elif told == "taken_500":
                self.say(500, {"code": 20500, "message": "Internal Server Error", "status": 500})
            elif told == "taken_garbage":
                self.say(201, "<html>")
            else:
                self.say(201, message)

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        to, page = asked["To"][0], int(asked.get("Page", ["0"])[0])
        found = [one for one in reversed(self.server.taken) if one["to"] == to]
        more = f"{self.path.partition('?')[0]}?To={quote(to)}&Page={page + 1}"
        shown = found[page : page + 1]  # one a page: so there is always a further one to follow
        self.say(200, {"messages": shown, "next_page_uri": more if found[page + 1 :] else None})

    def say(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def twilio_world(script: Script, now: Callable[[], datetime]) -> Iterator[World]:
    server = World(script, now)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""A stand-in for a firm's push service: it checks signatures by code of its own, answers as it is
told, and lists what it took."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple

KEY: Final = b"a key of thirty-two bytes, or so"
SECRET: Final = "whsec_" + base64.b64encode(KEY).decode()


class Taken(NamedTuple):
    """A notification as the service took it."""

    webhook_id: str
    data: dict[str, Any]


# What to do with a notification: None for 200, a status with bytes and headers, or one of
# cut (not taken), taken_cut, taken_500.
Told = tuple[int, bytes, dict[str, str]] | str | None
Script = Callable[[dict[str, Any]], Told]


class PushService(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, script: Script, *, deduplicates: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.script, self.deduplicates = script, deduplicates
        self.taken: list[Taken] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/push"

    def take(self, one: Taken) -> None:
        with self.lock:
            known = any(one.webhook_id == other.webhook_id for other in self.taken)
            if not (self.deduplicates and known):
                self.taken.append(one)


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: PushService

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        id_, stamp = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        mac = hmac.new(KEY, f"{id_}.{stamp}.".encode() + raw, hashlib.sha256).digest()
        if self.headers["webhook-signature"] != f"v1,{base64.b64encode(mac).decode()}":
            self._answer(401, b"bad signature", {})
            return
        document = json.loads(raw)
        assert (self.path, document["type"]) == ("/push", "outreach.message")
        told = self.server.script(document["data"])
        if told is None or told in ("taken_cut", "taken_500"):
            self.server.take(Taken(id_, document["data"]))
        if told is None:
            self._answer(200, json.dumps({"id": f"p-{document['data']['message']}"}).encode(), {})
        elif told == "taken_500":
            self._answer(500, b"oops", {})
        elif isinstance(told, tuple):
            self._answer(*told)
        else:
            self.close_connection = True

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def push_service(
    script: Script = lambda _: None, *, deduplicates: bool = False
) -> Iterator[PushService]:
    server = PushService(script, deduplicates=deduplicates)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

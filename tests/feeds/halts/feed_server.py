"""A server of feeds on this machine, which answers what a test tells it to, one request after
the other."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar


@dataclass
class Reply:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    announced: int | None = None  # a Content-Length other than that of the body
    hangs: bool = False  # answers nothing until the server is closed


@dataclass
class Feed:
    """`replies` are used up in order, the last for good; `asked` is what came in."""

    url: str
    replies: list[Reply]
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    by_path: Callable[[str], Reply] | None = None  # instead of the replies

    def reply(self, path: str, headers: dict[str, str]) -> Reply:
        self.asked.append((path, headers))
        if self.by_path is not None:
            return self.by_path(path)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextmanager
def serving(*replies: Reply, tls: ssl.SSLContext | None = None) -> Iterator[Feed]:
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        feed: ClassVar[Feed]

        def do_GET(self) -> None:
            reply = self.feed.reply(self.path, dict(self.headers))
            if reply.hangs:
                closing.wait()
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            size = len(reply.body) if reply.announced is None else reply.announced
            if size >= 0:
                self.send_header("Content-Length", str(size))
            self.end_headers()
            try:
                self.wfile.write(reply.body)
            except OSError:
                return  # the other side had enough

        def log_message(self, format: str, *args: Any) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    scheme = "http" if tls is None else "https"
    Handler.feed = Feed(f"{scheme}://127.0.0.1:{server.server_port}", list(replies))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield Handler.feed
    finally:
        closing.set()
        server.shutdown()
        server.server_close()
        thread.join()

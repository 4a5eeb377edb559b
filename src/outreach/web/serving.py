"""uvicorn in a thread of its own: started on a socket, stopped from outside.

uvicorn bounds neither the size of headers (httptools) nor the time a request takes to come. So a
protocol of ours counts the bytes, and a sweep looks at the connections once a second and closes
those that have been sending the same request for too long.
"""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from outreach.core.fault import place_of
from outreach.web.site import Site
from outreach.web.tally import EVERY
from outreach.web.wire import Receive, Scope, Send

_KEEP_ALIVE: Final = 75  # seconds; longer than a proxy's (nginx: 60), so that it never races us
_GRACE: Final = 5  # seconds for answers under way when it stops
_HEADERS: Final = 16_384  # bytes, of more headers than usual, or of one that does not end
_USUAL: Final = 32
_SWEEP: Final = 1.0


def listen(address: str, port: int, processes: int = 1) -> list[socket.socket]:
    """A socket for each process; the kernel deals out connections among those of one port. Port 0
    is any free one. Raises OSError where it cannot be had."""
    made = [_listening(address, port, share=processes > 1)]
    try:
        for _ in range(processes - 1):
            made.append(_listening(address, made[0].getsockname()[1], share=True))
    except OSError:
        for one in made:
            one.close()
        raise
    return made


def _listening(address: str, port: int, *, share: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((address, port))
        made.listen(2_048)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made


class Bounded(HttpToolsProtocol):
    """HTTP/1.1 whose headers end within a bound; 400 otherwise."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        self._in_head = False
        many = len(self.headers) > _USUAL
        if many and sum(len(name) + len(value) for name, value in self.headers) > _HEADERS:
            raise ValueError("headers too large")  # the parser makes it an error of the request
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:  # of one header that never ends the parser tells nothing
            self._unread += len(data)
            if self._unread > _HEADERS and not self.transport.is_closing():
                self.send_400_response("Invalid HTTP request received.")
        else:
            self._unread = 0

    _in_head, _unread = False, 0


class Serving:
    """The door while it is open."""

    def __init__(self, site: Site, sockets: Sequence[socket.socket]) -> None:
        from outreach.web.app import App

        for name in ("uvicorn.error", "uvicorn.access"):  # what happens is said by the site
            logging.getLogger(name).addHandler(logging.NullHandler())
            logging.getLogger(name).propagate = False
        self._site, self._sockets = site, list(sockets)
        self._server = uvicorn.Server(_config(App(site), site))
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Returns when requests are answered."""
        self._thread.start()
        self._ready.wait()
        if self._failed is not None:
            raise self._failed

    def close(self) -> None:
        """Answer what is under way, store it, then end."""
        self._server.should_exit = True
        self._thread.join()

    def wait(self, stop: threading.Event) -> str:
        """Until `stop` is set; or why the server ended by itself."""
        while not stop.wait(0.5):
            if not self._thread.is_alive():
                error = self._failed
                return f"{type(error).__name__} {place_of(error)}" if error else "unasked"
        return ""

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failed = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._site.intake.start(asyncio.get_running_loop())
        sweep = asyncio.create_task(self._sweep())
        try:
            await self._server.serve(sockets=self._sockets)
        finally:
            sweep.cancel()
            await asyncio.to_thread(self._site.intake.close)

    async def _sweep(self) -> None:
        while not self._server.started:
            await asyncio.sleep(0.01)
        self._ready.set()
        slow, told, failed = Slow(self._site.web.timeout), 0.0, ""
        while True:
            await asyncio.sleep(_SWEEP)
            now = asyncio.get_running_loop().time()
            try:
                self._let_go_of(slow.of(list(self._server.server_state.connections), now))
            except Exception as error:  # without this no slow connection would ever be closed
                if failed != (failed := type(error).__name__):
                    self._site.say("web_sweep_failed", error=failed, at=place_of(error))
            if now - told >= EVERY:
                told = now
                self._site.tally.tell(self._site.say)

    def _let_go_of(self, connections: Sequence[Any]) -> None:
        for connection in connections:
            self._site.tally.add("slow")
            connection.transport.abort()


class Slow:
    """Tells connections that take too long over one request."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._seen: dict[Any, tuple[object, float]] = {}

    def of(self, connections: Sequence[Any], now: float) -> list[Any]:
        """Those that have been sending one and the same request since longer than the patience."""
        seen: dict[Any, tuple[object, float]] = {}
        late = []
        for one in connections:
            request = _sending(one)
            if request is None:
                continue
            known, since = self._seen.get(one, (None, now))
            seen[one] = (request, since if known == request else now)
            if now - seen[one][1] > self._patience:
                late.append(one)
        self._seen = seen
        return late


def _sending(connection: Any) -> object | None:
    """What tells the request a connection is in the middle of sending; None when it waits between
    two requests, or for our answer."""
    cycle = connection.cycle
    if cycle is not None and not cycle.response_complete:
        return (id(cycle), "body") if cycle.more_body else None
    idle = connection.timeout_keep_alive_task is not None
    return None if idle else (id(cycle), "headers")


def _config(app: Callable[[Scope, Receive, Send], Any], site: Site) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Bounded,
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # addresses are read by web.limits, origins from config.toml
        server_header=False,
        limit_concurrency=site.web.connections,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_GRACE,
    )

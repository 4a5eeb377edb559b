"""Message centres for tests: one of a library nobody here wrote, and one that does what it is
told, byte by byte."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

# --- an independent one -----------------------------------------------------------------------


class Centre:
    """An SMSC of the package smpp34, in a thread of its own."""

    def __init__(self) -> None:
        import smpp34

        self.smpp34 = smpp34
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        self.taken: list[Any] = []  # submit_sm that were accepted
        self.status: Callable[[int], int] = lambda _number: 0  # of the so-manieth submit_sm
        self.acknowledged: list[int] = []  # statuses of our answers to deliver_sm
        self.bound = threading.Event()
        self._esme: Any = None
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Centre":
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def deliver(self, text: bytes, **more: Any) -> None:
        """Hand a message or a receipt to whoever is bound, and wait for the answer."""

        async def hand_over() -> None:
            answer = await self._esme.deliver_sm("8613800000001", text, **more)
            self.acknowledged.append(answer.command_status)

        self.bound.wait(10)
        asyncio.run_coroutine_threadsafe(hand_over(), self._loop).result(10)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = self.smpp34.Server("127.0.0.1", self.port, system_id="centre")
        await server.start()
        self._ready.set()
        stop = asyncio.ensure_future(self._stop.wait())
        number = 0
        while True:
            event = asyncio.ensure_future(server.next())
            await asyncio.wait({event, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not event.done():
                event.cancel()
                break
            what = event.result()
            if isinstance(what, self.smpp34.Esme):
                self._esme = what
                self.bound.set()
            elif isinstance(what, self.smpp34.SubmitSmEvent):
                number += 1
                if status := self.status(number):
                    what.reject(status)
                else:
                    self.taken.append(what)
                    what.accept(f"id{len(self.taken)}")
        await server.stop()


# --- one that does what it is told ------------------------------------------------------------


class Bound:
    """One session as the scripted centre has it."""

    def __init__(self, centre: "Scripted", sock: socket.socket) -> None:
        self.centre, self.sock = centre, sock

    def hear(self) -> tuple[int, int, int, bytes]:
        """The next PDU: command, status, sequence, body. Raises OSError where there is none."""
        head = self._exactly(16)
        length, command, status, sequence = struct.unpack(">IIII", head)
        body = self._exactly(length - 16)
        with self.centre.lock:
            self.centre.heard.append((command, body))
        return command, status, sequence, body

    def say(self, command: int, status: int, sequence: int, body: bytes = b"") -> None:
        self.sock.sendall(struct.pack(">IIII", 16 + len(body), command, status, sequence) + body)

    def let_in(self, status: int = 0) -> int:
        """Take the bind; its command."""
        command, _, sequence, _ = self.hear()
        self.say(command | 0x80000000, status, sequence, b"centre\0" if not status else b"")
        return command

    def take(self, command: int, sequence: int) -> None:
        """What a good centre answers."""
        body = b"m%d\0" % sequence if command == 4 else b""
        self.say(command | 0x80000000, 0, sequence, body)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.sock.recv(count - len(data))
            if not more:
                raise ConnectionResetError
            data += more
        return data


class Scripted:
    """A listener whose sessions each run the script."""

    def __init__(self, script: Callable[[Bound], None], tls: Any) -> None:
        self.script, self.tls = script, tls
        self.heard: list[tuple[int, bytes]] = []
        self.lock = threading.Lock()
        self.released = threading.Event()
        self.sessions = 0
        self.threads: list[threading.Thread] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def submitted(self) -> int:
        with self.lock:
            return sum(command == 4 for command, _ in self.heard)

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.sessions += 1
                thread = threading.Thread(target=self.talk, args=(sock,))
                self.threads.append(thread)
                thread.start()

    def talk(self, sock: socket.socket) -> None:
        with suppress(OSError):
            if self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True)
            with sock:
                self.script(Bound(self, sock))


def obliging(session: Bound) -> None:
    """A centre that takes everything."""
    session.let_in()
    while True:
        command, _, sequence, _ = session.hear()
        if not command & 0x80000000:
            session.take(command, sequence)


@contextmanager
def scripted(script: Callable[[Bound], None] = obliging, tls: Any = None) -> Iterator[Scripted]:
    centre = Scripted(script, tls)
    thread = threading.Thread(target=centre.serve)
    thread.start()
    try:
        yield centre
    finally:
        centre.released.set()
        with suppress(OSError):
            centre.listener.shutdown(socket.SHUT_RDWR)
        centre.listener.close()
        thread.join()
        for each in centre.threads:
            each.join()

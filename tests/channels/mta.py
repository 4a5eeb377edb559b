"""A small, strict SMTP server to send to: without a socket for properties, in a thread for real."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

CUT: Final = "cut"  # hang up instead of answering
RESET: Final = "reset"  # the same by a TCP reset, as of a machine that crashed
HANG: Final = "hang"  # never answer again


class Taken(NamedTuple):
    to: str
    content: bytes


class Cut(Exception):
    """The server hangs up after what it has said so far."""

    def __init__(self, said: bytes, *, reset: bool = False) -> None:
        self.said, self.reset = said, reset


# Answers a command (MAIL, RCPT, DATA, BODY, END ...) with its argument and number on this
# connection; nothing = the usual answer, an empty text = none at all.
Answer = Callable[[str, str, int], str | None]


def usual(_verb: str, _argument: str, _number: int) -> str | None:
    return None


class Mta:
    """Bytes in, replies out. `faults` lists what the client did against the rules."""

    def __init__(
        self, *offers: str, answer: Answer = usual, lenient: bool = False, taken: list[Taken]
    ) -> None:
        self.offers = offers
        self.answer = answer
        self.lenient = lenient  # whether DATA gets 354 although no recipient was taken
        self.taken = taken
        self.faults: list[str] = []
        self.commands: list[str] = []
        self._buffer = b""
        self._sender: str | None = None
        self._to: list[str] = []
        self._in_data = self._hung = False
        self._numbers: dict[str, int] = {}

    def feed(self, data: bytes) -> bytes:
        self._buffer += data
        said = b""
        while not self._hung:
            part = self._next_part()
            if part is None:
                return said
            if self._buffer and "PIPELINING" not in self.offers:
                self.faults.append("did not wait for the answer")
            reply = self._end(part) if part.endswith(b"\r\n.\r\n") else self._command(part)
            if reply in (CUT, RESET):
                raise Cut(said, reset=reply == RESET)
            if reply == HANG:
                self._hung = True
            elif reply:
                said += reply.encode() + b"\r\n"
        return said

    def _next_part(self) -> bytes | None:
        """The next whole command, or the body with its dot."""
        if self._in_data and self._buffer and self._ask("BODY", "") == CUT:
            raise Cut(b"")
        data = b"\r\n" + self._buffer if self._in_data else self._buffer
        mark = b"\r\n.\r\n" if self._in_data else b"\r\n"
        end = data.find(mark)
        if end < 0:
            return None
        self._buffer = data[end + len(mark) :]
        return data[: end + len(mark)]

    def _ask(self, verb: str, argument: str) -> str | None:
        if verb != "BODY":
            self.commands.append(f"{verb} {argument}".strip())
            self._numbers[verb] = self._numbers.get(verb, 0) + 1
        return self.answer(verb, argument, self._numbers.get(verb, 0))

    def _command(self, part: bytes) -> str:
        line = part[:-2].decode()
        verb, _, argument = line.partition(" ")
        verb = verb.upper()
        said = self._ask(verb, argument)
        known = {"MAIL": self._mail, "RCPT": self._rcpt, "DATA": self._data, "RSET": self._rset}
        if verb == "EHLO":
            return said or "\r\n".join(
                ["250-mx.test", *(f"250-{x}" for x in self.offers), "250 OK"]
            )
        if verb == "QUIT":
            return CUT
        if verb not in known:
            self.faults.append(f"unknown command {verb[:10]}")
            return "500 what"
        return known[verb](argument, said)

    def _mail(self, argument: str, said: str | None) -> str:
        if self._sender is not None:
            self.faults.append("nested MAIL")
            return "503 5.5.1 nested MAIL"
        if said is None or said.startswith("2"):
            self._sender = argument
        return "250 2.1.0 Ok" if said is None else said

    def _rcpt(self, argument: str, said: str | None) -> str:
        if self._sender is None:
            return "503 5.5.1 need MAIL"
        if said is None or said.startswith("2"):
            address, _, parameters = argument.removeprefix("TO:<").partition(">")
            if parameters and "DSN" not in self.offers:
                self.faults.append("parameters nobody offered")
            self._to.append(address)
        return "250 2.1.5 Ok" if said is None else said

    def _data(self, _argument: str, said: str | None) -> str:
        if said is None and not self._to and (self._sender is None or not self.lenient):
            return "554 5.5.1 no valid recipients"
        reply = "354 go ahead" if said is None else said
        self._in_data = reply.startswith("354")
        return reply

    def _rset(self, _argument: str, said: str | None) -> str:
        self._sender, self._to = None, []
        return "250 2.0.0 Ok" if said is None else said

    def _end(self, part: bytes) -> str:
        content = part[2:-5] + b"\r\n" if len(part) > 5 else b""
        to, eight = self._to, "BODY=8BITMIME" in (self._sender or "")
        self._in_data, self._sender, self._to = False, None, []
        if content and not to:
            self.faults.append("sent a message nobody takes")
        if not content.isascii() and not eight:
            self.faults.append("8bit without asking")
        said = self._ask("END", to[0] if to else "")
        if not to:
            return "554 5.5.1 no valid recipients"
        if said is None or said.startswith("2"):
            # RFC 5321 4.5.2: of a line that begins with a dot, the dot goes.
            plain = (b"\r\n" + content).replace(b"\r\n.", b"\r\n")[2:]
            self.taken.append(Taken(to[0], plain))
            return said or f"250 2.0.0 Ok: queued as Q{len(self.taken)}"
        return said


class Running:
    """An `Mta` a connection, on a loopback port."""

    def __init__(self, make: Callable[[int], Mta], *, drip: bool = False) -> None:
        self.mtas: list[Mta] = []
        self._make, self._drip = make, drip
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._socks: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def faults(self) -> list[str]:
        return [fault for mta in self.mtas for fault in mta.faults]

    @property
    def commands(self) -> list[str]:
        return [command for mta in self.mtas for command in mta.commands]

    def hang_up(self, farewell: bytes = b"") -> None:
        """Closes every connection, as a server does with idle ones."""
        for sock in self._socks:
            with suppress(OSError):
                sock.sendall(farewell)
                sock.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                mta = self._make(len(self.mtas))
                self.mtas.append(mta)
                self._socks.append(sock)
                thread = threading.Thread(target=self._serve, args=(sock, mta))
                self._threads.append(thread)
                thread.start()

    def _serve(self, sock: socket.socket, mta: Mta) -> None:
        with sock, suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            greeting = mta.answer("CONNECT", "", 0)
            if greeting in (CUT, RESET):
                self._end(sock, reset=greeting == RESET)
                return
            if greeting != HANG:
                self._say(sock, (greeting or "220 mx.test ESMTP").encode() + b"\r\n")
            while data := sock.recv(65536):
                try:
                    self._say(sock, mta.feed(data))
                except Cut as cut:
                    self._say(sock, cut.said)
                    self._end(sock, reset=cut.reset)
                    return

    def _end(self, sock: socket.socket, *, reset: bool) -> None:
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _say(self, sock: socket.socket, said: bytes) -> None:
        if not self._drip:
            sock.sendall(said)
            return
        for at in range(len(said)):
            sock.sendall(said[at : at + 1])


@contextmanager
def running(make: Callable[[int], Mta], *, drip: bool = False) -> Iterator[Running]:
    server = Running(make, drip=drip)
    try:
        yield server
    finally:
        server.stop()

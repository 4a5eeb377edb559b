"""HTTP/1.1 as bytes: what is asked, and what was answered, read as it comes (RFC 9112).

Nothing here connects to anything. An answer that cannot be read for certain is `Garbled`: the
request may have been obeyed, and whoever asked must not believe what he cannot read.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

MOST_HEAD: Final = 64 * 1024
MOST_BODY: Final = 8 * 1024 * 1024
_MOST_CHUNK_LINE: Final = 1024
_MOST_ANNOUNCED: Final = 16  # 100 Continue, 103 Early Hints and their kin

_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)(?: [^\r\n]*)?")
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
_UNSAFE: Final = re.compile(r"[\r\n\0]")


class Garbled(Exception):
    """What came is no answer of HTTP/1.1, or more of one than anybody would send."""


class Answer(NamedTuple):
    """One answer. Names of headers are in small letters; `again` says whether the connection may
    carry another request."""

    status: int
    headers: dict[str, str]
    content: bytes
    again: bool


def head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    """The first lines of a request, up to where `Content-Length` goes. Raises ValueError where a
    value would break its line."""
    for value in (method, target, *headers, *headers.values()):
        if _UNSAFE.search(value):
            raise ValueError("a line break in a header of the request")
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {headers[name]}" for name in headers)]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n"


def asked(first: bytes, content: bytes) -> bytes:
    """A request from its `head` and its content."""
    return b"%bContent-Length: %d\r\n\r\n%b" % (first, len(content), content)


class AnswerReader:
    """Reads one answer from the bytes of a connection, in whatever pieces they come. `tunnel`: to
    CONNECT, of which nothing but the head is wanted."""

    __slots__ = (
        "_announced", "_buffer", "_chunked", "_head", "_length", "_pieces", "_size", "_tunnel",
        "begun",
    )  # fmt: skip

    def __init__(self, tunnel: bool = False) -> None:
        self._tunnel = tunnel
        self._buffer = b""
        self._head: tuple[int, dict[str, str], bool] | None = None
        self._announced = 0  # heads of 1xx before it
        self._length: int | None = None  # None: until the connection ends
        self._chunked = False
        self._pieces: list[bytes] = []
        self._size = 0
        self.begun = False

    def feed(self, data: bytes) -> Answer | None:
        """The answer once it is whole. Raises `Garbled`."""
        self.begun = True
        self._buffer = self._buffer + data if self._buffer else data
        while self._head is None:
            if not self._read_head():
                return None
        if self._chunked:
            return self._read_chunks()
        if len(self._buffer) > MOST_BODY:
            raise Garbled("its content is too long")
        if self._length is None or len(self._buffer) < self._length:
            return None
        return self._whole(self._buffer[: self._length], len(self._buffer) == self._length)

    def end(self) -> Answer:
        """The answer where the connection ended. Raises `Garbled` when it is not whole."""
        if self._head is None or self._chunked or self._length is not None:
            raise Garbled("the connection ended in the middle of the answer")
        return self._whole(self._buffer, False)

    def _whole(self, content: bytes, clean: bool) -> Answer:
        assert self._head is not None  # noqa: S101 - both callers have read it
        status, headers, again = self._head
        return Answer(status, headers, content, again and clean)

    def _read_head(self) -> bool:
        """Whether a head was read; one of 1xx only announces the next."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or end > MOST_HEAD:
            if len(self._buffer) > MOST_HEAD or not b"HTTP/1.".startswith(self._buffer[:7]):
                raise Garbled("it is no answer of HTTP/1.1")
            return False
        first, *lines = self._buffer[:end].split(b"\r\n")
        self._buffer = self._buffer[end + 4 :]
        found = _STATUS.fullmatch(first)
        if found is None:
            raise Garbled("its first line is none of HTTP/1.1")
        status, headers = int(found[2]), _headers(lines)
        if status == 101:
            raise Garbled("it changes the protocol unasked")
        if status < 200:
            self._announced += 1
            if self._announced > _MOST_ANNOUNCED:
                raise Garbled("it announces an answer without an end")
            return True
        self._frame(status, headers, found[1] == b"1")
        return True

    def _frame(self, status: int, headers: dict[str, str], modern: bool) -> None:
        """How long the content is: RFC 9112, 6.3."""
        wishes = {one.strip().lower() for one in headers.get("connection", "").split(",")}
        again = "close" not in wishes if modern else "keep-alive" in wishes
        coding, length = headers.get("transfer-encoding"), headers.get("content-length")
        if status in (204, 304) or self._tunnel:
            self._length = 0
        elif coding is not None:
            if coding.strip().lower() != "chunked":
                raise Garbled("its transfer coding is unknown")
            self._chunked = True
            again = again and length is None  # both is a sign of smuggling
        elif length is not None:
            said = {one.strip() for one in length.split(",")}
            if len(said) != 1 or not (one := said.pop()).isascii() or not one.isdigit():
                raise Garbled("its length is none")
            if len(one) > 9 or int(one) > MOST_BODY:
                raise Garbled("its content is too long")
            self._length = int(one)
        else:
            again = False
        self._head = (status, headers, again)

    def _read_chunks(self) -> Answer | None:
        """The answer once its last chunk is there; what is read is cut off the buffer once, for a
        server may send very small ones."""
        at, buffer = 0, self._buffer
        while (found := _CHUNK.match(buffer, at)) is not None:
            size, start = int(found[1], 16), found.end()
            if self._size + size > MOST_BODY:
                raise Garbled("its content is too long")
            if size == 0:
                return self._read_trailer(at, start)
            if len(buffer) < start + size + 2:
                break
            if buffer[start + size : start + size + 2] != b"\r\n":
                raise Garbled("a chunk has another length than it says")
            self._pieces.append(buffer[start : start + size])
            self._size += size
            at = start + size + 2
        self._buffer = buffer[at:]
        if found is None and (b"\r\n" in self._buffer or len(self._buffer) > _MOST_CHUNK_LINE):
            raise Garbled("a chunk has no length")
        return None

    def _read_trailer(self, last: int, start: int) -> Answer | None:
        """The lines after the last chunk say nothing that is wanted; an empty one ends them."""
        if self._buffer.startswith(b"\r\n", start):
            end = start + 2
        elif (found := self._buffer.find(b"\r\n\r\n", start)) >= 0:
            end = found + 4
        elif len(self._buffer) > MOST_HEAD:
            raise Garbled("it has no end")
        else:
            self._buffer = self._buffer[last:]
            return None
        return self._whole(b"".join(self._pieces), end == len(self._buffer))


def _headers(lines: list[bytes]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not _NAME.fullmatch(name):
            raise Garbled("a line of its head is no header")
        key, text = name.decode("ascii").lower(), value.strip(b" \t").decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found

"""The few lines of ASGI that every route speaks: a body read up to a limit, an answer sent."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

CLOSE: Final = (b"connection", b"close")
PLAIN: Final = (b"content-type", b"text/plain; charset=utf-8")
# Nothing of ours is kept by anybody on the way, or guessed to be something else.
ALWAYS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class TooLarge(Exception):
    """The body is over the limit; it was not read to its end."""


class Gone(Exception):
    """The client went away before its request was whole."""


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The body of a request. Raises `TooLarge` as soon as it is known to be, and `Gone`."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            if not value.isdigit() or len(value) > 12 or int(value) > limit:
                raise TooLarge
            break
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False):
        if len(body) > limit:
            raise TooLarge
        message = await receive()
        body += message.get("body", b"")
    if message["type"] != "http.request":
        raise Gone
    if len(body) > limit:
        raise TooLarge
    return body


async def reply(send: Send, status: int, body: bytes = b"", headers: Headers = (PLAIN,)) -> None:
    """Send a whole answer."""
    every: list[tuple[bytes, bytes]] = []
    if status != 204:
        every = [*headers, (b"content-length", str(len(body)).encode()), *ALWAYS]
    await send({"type": "http.response.start", "status": status, "headers": every})
    await send({"type": "http.response.body", "body": body})


def header(scope: Scope, name: bytes) -> str:
    """The value of a header, empty without it; of several the first."""
    for key, value in scope["headers"]:
        if key == name:
            found: str = value.decode("latin-1")
            return found
    return ""

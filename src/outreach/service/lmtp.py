"""The LMTP door (RFC 2033): the firm's mail server hands returned mail over as it comes.

A mail is answered with 250 only when it is stored; until then it is the mail server's, which tries
again. It listens on this machine alone unless the config says otherwise, since anybody who reaches
it can leave mails; what they say is believed only with a token of ours.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP

from outreach.core.bounce import LARGEST

_LARGEST: Final = 4 << 20  # bytes taken; more than LARGEST is neither kept nor looked at
_PATIENCE: Final = 60.0  # seconds a client may be silent
_LATER: Final = "451 4.3.0 not stored; try again later"
# Then every answer is one line: RFC 2033 4.2 asks for one a recipient, after DATA.
_ONE: Final = "452 4.5.3 one recipient a mail"


Trouble = Callable[[Exception], None]


class _Taker:
    """What aiosmtpd asks. `store` raises where a mail cannot be stored; `trouble` hears of it."""

    def __init__(self, store: Callable[[bytes], Any], trouble: Trouble) -> None:
        self._store, self._trouble = store, trouble

    async def handle_RCPT(  # noqa: N802  the library's name and order
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if envelope.rcpt_tos:
            return _ONE
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        mail = _delivered_to(envelope.rcpt_tos[0], bytes(envelope.content[:LARGEST]))
        try:
            await asyncio.to_thread(self._store, mail)
        except Exception as error:  # the server keeps it, whatever went wrong here
            self._trouble(error)
            return _LATER
        return "250 2.0.0 stored"

    async def handle_exception(self, error: Exception) -> str:
        self._trouble(error)
        return _LATER


def _delivered_to(address: str, content: bytes) -> bytes:
    """A mail as it was delivered to an address, which names the message it is about."""
    return b"Delivered-To: %b\r\n%b" % (address.encode("utf-8", "replace"), content)


class _Lmtp(LMTP):
    line_length_limit = 1 << 20  # a report quotes what it likes


class LmtpDoor:
    """A door that is open between `start` and `close`, in a thread of its own."""

    def __init__(
        self, host: str, port: int, store: Callable[[bytes], Any], trouble: Trouble
    ) -> None:
        """`trouble` hears why a mail was not taken, in that thread or another."""
        log = logging.getLogger("mail")  # it would tell of recipients
        log.addHandler(logging.NullHandler())
        log.propagate = False
        self._controller = _Controller(
            _Taker(store, trouble), hostname=host, port=port, data_size_limit=_LARGEST,
            timeout=_PATIENCE, ident="outreach", enable_SMTPUTF8=True,
        )  # fmt: skip

    def start(self) -> None:
        """Raises OSError where the port cannot be had."""
        try:
            self._controller.start()
        except BaseException:
            self.close()
            raise

    @property
    def is_open(self) -> bool:
        """Whether its thread lives: without it the port takes connections and never answers."""
        thread = self._controller._thread
        return thread is not None and thread.is_alive()

    @property
    def port(self) -> int:
        server: Any = self._controller.server
        return int(server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Takes no more; what was answered is stored."""
        controller, loop = self._controller, self._controller.loop
        if self.is_open:
            controller.stop(no_assert=True)
        if loop.is_closed():
            return
        server: Any = controller.server
        if server is not None:  # its thread ended otherwise: what it would have done at the end
            loop.call_soon(controller.cancel_tasks)
            loop.run_forever()
            server.close()
            loop.run_until_complete(server.wait_closed())
        loop.close()


class _Controller(Controller):
    def factory(self) -> Any:
        return _Lmtp(self.handler, **self.SMTP_kwargs)

"""E-mail over SMTP: a window of messages over a few reused connections, one thread, one epoll.

The wire is ours because it decides the speed: with PIPELINING a message costs one write and one
read. The conversation is in `smtp_wire`, how a connection is set up in `smtp_session`, whose
turn it is in `smtp_window`, how a server of several fares in `smtp_relay`, and the loop over all
connections in `smtp_switchboard`.
"""

import socket
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from time import monotonic
from typing import Final, NamedTuple

from outreach.channels import ChannelUnavailable
from outreach.channels.smtp_clerk import Clerk
from outreach.channels.smtp_pace import Limit, Paces
from outreach.channels.smtp_session import Server
from outreach.channels.smtp_shared import SharedLimits
from outreach.channels.smtp_switchboard import Switchboard
from outreach.channels.smtp_window import Window
from outreach.core.dkim import Signer
from outreach.core.mime import Letterhead, ascii_domain
from outreach.core.model import Message, Outcome, unavailable
from outreach.core.words import Channel

# Outcomes are handed on so many at a time, or so many seconds after the first of them.
_AT_ONCE: Final = 16
_SOON: Final = 0.05
_PER_CONNECTION: Final = 5  # a window opens one connection for so many messages, up to the limit


class SmtpChannel:
    """Sends over up to `connections` connections, kept open between windows.

    Accepted means a 2xx after the message; the provider's reference is what the server said with
    it. 5xx is refused, 4xx unavailable. A connection that ends, or falls silent, after a byte of
    the message went out leaves it in doubt; a message of which nothing went out takes another
    connection. Refusals that are about us (login, sender address) stop the channel, or with
    several relays the one that said so: the others take its share.
    """

    channel = Channel.EMAIL
    window = 500
    echo = True  # reports name us by ENVID, the return address or the Message-ID
    lookup = False
    idempotent = False

    def __init__(
        self,
        relays: Server | Sequence[Server],
        letterhead: Letterhead,
        *,
        connections: int = 8,
        domains: Mapping[str, Limit] | None = None,
        signers: Sequence[Signer] = (),
        shared: Path | None = None,
    ) -> None:
        """`domains` limits recipient domains, `*` those not named; `shared` is the file in which
        all processes of this machine keep them together. Raises `Unwritable` when the sender's
        address cannot be used."""
        self._servers = (relays,) if isinstance(relays, Server) else tuple(relays)
        self._connections = connections
        self._clerk = Clerk(letterhead, signers)
        self._domains, self._shared = dict(domains or {}), shared
        own_name = socket.gethostname()
        self._helo = own_name if "." in own_name else ascii_domain(letterhead.address)
        self._opened: _Opened | None = None

    def send(self, messages: Sequence[Message]) -> Iterator[tuple[int, Outcome]]:
        """One window. `ChannelUnavailable` when the servers took and refused none of it."""
        if not messages:
            return
        opened = self._opened = self._opened or self._open()
        board, paces = opened.board, opened.paces
        window = Window(messages, self._clerk, paces, monotonic())
        board.ready(window, min(self._connections, -(-len(messages) // _PER_CONNECTION)))
        try:
            told_at = window.now
            while board.works(window):
                board.turn(window, _SOON if window.known else inf)
                # Before the first answer the window may still turn out to be unavailable.
                if not window.answered or not window.known:
                    told_at = window.now
                elif window.known >= _AT_ONCE or window.now >= told_at + _SOON:
                    yield from window.drain()
                    told_at = window.now
        except Exception:  # whatever it was: what is known stays known, and the rest was not begun
            board.break_off()
            window.give_up(unavailable("late", "an error of ours came before it was begun"))
            yield from window.drain()
            raise
        finally:
            board.hang_up_busy()
            paces.end_window()
        if window.waiting:
            if not window.answered:
                raise ChannelUnavailable(board.sentence)
            window.give_up(board.trouble)
        yield from window.drain()

    def close(self) -> None:
        """Says QUIT on every connection and waits for none."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.board.close()
            if opened.shared is not None:
                opened.shared.close()

    def _open(self) -> "_Opened":
        # Nothing has left yet: no message is in doubt for want of a file.
        board = None
        try:
            board = Switchboard(self._servers, self._helo)
            shared = SharedLimits(self._shared) if self._shared is not None else None
        except OSError as error:
            if board is not None:
                board.close()
            reason = (error.strerror or type(error).__name__).lower()
            where = f"{error.filename}: " if error.filename else ""
            raise ChannelUnavailable(f"no connection can be made: {where}{reason}") from error
        return _Opened(board, Paces(self._domains, shared), shared)


class _Opened(NamedTuple):
    """What lasts from the first window until the channel is closed."""

    board: Switchboard
    paces: Paces
    shared: SharedLimits | None

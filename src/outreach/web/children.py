"""The door in processes of its own, beside the scheduler: its rounds and the door never wait for
each other. A process that dies is started again; its connections wait in the socket meanwhile.

They are in a session of their own: Ctrl-C reaches the scheduler alone, which ends them last.
When it is killed they end by themselves: their end of stdin closes.
"""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import Any, Final

_LOOK: Final = 0.2  # seconds
_REST: Final = (0.2, 1.0, 5.0, 30.0)  # before a process is started again that keeps dying
_SETTLED: Final = 60.0  # seconds after which its deaths are forgotten
_END: Final = 15.0  # seconds it gets to finish


class Children:
    """Processes that serve one port. `command` starts one; what it is to do is added.

    One process does everything. Of several one is the keeper, which stores and applies what the
    others take in; it and each of them have a pair of sockets.
    """

    def __init__(
        self,
        command: Sequence[str],
        sockets: Sequence[socket.socket],
        say: Callable[..., Any],
        environment: Mapping[str, str],
        *,
        keeper: bool,
        inherits: Sequence[int] = (),
    ) -> None:
        """`inherits`: numbers of open files that the command names."""
        self._command, self._say, self._inherits = tuple(command), say, tuple(inherits)
        self._lock = threading.Lock()
        self._sockets, self._environment = list(sockets), dict(environment)
        pairs = [
            socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in sockets if keeper
        ]
        self._children = [
            _Child(["--fd", one, *(["--keeper", pair[0]] if pair else [])])
            for one, pair in zip_longest(self._sockets, pairs)
        ]
        if keeper:
            self._children.append(
                _Child([word for _, theirs in pairs for word in ("--keeps", theirs)])
            )
        self._sockets += [one for pair in pairs for one in pair]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="web-children", daemon=True)

    def start(self) -> None:
        for child in self._children:
            self._begin(child)
        self._thread.start()

    def close(self) -> None:
        """Ask each to end, and wait: what it has taken in is on record then."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._end()
        for one in self._sockets:
            one.close()

    def renew(self, command: Sequence[str], inherits: Sequence[int]) -> None:
        """End each as `close` does, and start it anew by another command. Whoever asks meanwhile
        waits in the socket."""
        with self._lock:
            self._command, self._inherits = tuple(command), tuple(inherits)
            self._end()
            for child in reversed(self._children):
                child.deaths, child.again_at = 0, None
                self._begin(child)

    def _end(self) -> None:
        *doors, last = self._children  # the keeper, where there is one: the others need it
        for some in (doors, [last]):
            for child in some:
                child.ask()
            end = time.monotonic() + _END
            for child in some:
                child.end(end)

    def _begin(self, child: "_Child") -> None:
        child.began = time.monotonic()
        child.process = subprocess.Popen(
            [*self._command, *child.words], env=self._environment,
            pass_fds=[*child.inherits, *self._inherits],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def _watch(self) -> None:
        while not self._stopping.wait(_LOOK):
            with self._lock:
                for child in self._children:
                    self._look(child)

    def _look(self, child: "_Child") -> None:
        if child.process is None or child.process.poll() is None:
            return
        now = time.monotonic()
        if child.again_at is None:
            rest = child.rests(now)
            self._say("web_died", code=child.process.returncode, again_in=rest)
        elif now >= child.again_at:
            child.again_at = None
            child.let_go()
            try:
                self._begin(child)
            except Exception as error:  # no memory, no process left: there may be later
                rest = child.rests(now)
                why = str(error) if isinstance(error, OSError) else type(error).__name__
                self._say("web_not_started", why=why, again_in=rest)


class _Child:
    """A process; the sockets among its words are given to it by their numbers."""

    def __init__(self, words: Sequence[str | socket.socket]) -> None:
        self.inherits = [word.fileno() for word in words if isinstance(word, socket.socket)]
        self.words = [
            str(word.fileno()) if isinstance(word, socket.socket) else word for word in words
        ]
        self.process: subprocess.Popen[bytes] | None = None
        self.began = 0.0
        self.deaths = 0
        self.again_at: float | None = None

    def rests(self, now: float) -> float:
        """It died: the seconds until it is started again."""
        if now - self.began > _SETTLED:
            self.deaths = 0
        rest = _REST[min(self.deaths, len(_REST) - 1)]
        self.deaths, self.again_at = self.deaths + 1, now + rest
        return rest

    def ask(self) -> None:
        """Ask it to end."""
        if self.process is not None:
            self.process.terminate()

    def let_go(self) -> None:
        """Our end of its stdin, at whose end it ends."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()

    def end(self, at: float) -> None:
        """Wait for it to end; kill it when it has not by then."""
        if self.process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.1, at - time.monotonic()))
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.let_go()

"""The door in processes of its own, beside the scheduler: its rounds and the door never wait for
each other. A process that dies is started again; its connections wait in the socket meanwhile.

They are in a session of their own: Ctrl-C reaches the scheduler alone, which ends them last.
When it is killed they end by themselves: their end of stdin closes.
"""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

_LOOK: Final = 0.2  # seconds
_REST: Final = (0.2, 1.0, 5.0, 30.0)  # before a process is started again that keeps dying
_SETTLED: Final = 60.0  # seconds after which its deaths are forgotten
_END: Final = 15.0  # seconds it gets to finish


class Children:
    """Processes that serve one socket. `command` starts one; the number of its socket is added."""

    def __init__(
        self,
        command: Sequence[str],
        sockets: Sequence[socket.socket],
        say: Callable[..., Any],
        environment: Mapping[str, str],
    ) -> None:
        self._command, self._sockets, self._say = tuple(command), list(sockets), say
        self._environment = dict(environment)
        self._children = [_Child(one) for one in self._sockets]
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
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            process.terminate()
        end = time.monotonic() + _END
        for process in running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, end - time.monotonic()))
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdin is not None:
                process.stdin.close()
        for one in self._sockets:
            one.close()

    def _begin(self, child: "_Child") -> None:
        fd = child.socket.fileno()
        os.set_inheritable(fd, True)
        child.began = time.monotonic()
        child.process = subprocess.Popen(
            [*self._command, str(fd)], env=self._environment, pass_fds=[fd],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def _watch(self) -> None:
        while not self._stopping.wait(_LOOK):
            for child in self._children:
                self._look(child)

    def _look(self, child: "_Child") -> None:
        if child.process is None or child.process.poll() is None:
            return
        now = time.monotonic()
        if child.again_at is None:
            if now - child.began > _SETTLED:
                child.deaths = 0
            rest = _REST[min(child.deaths, len(_REST) - 1)]
            child.deaths, child.again_at = child.deaths + 1, now + rest
            self._say("web_died", code=child.process.returncode, again_in=rest)
        elif now >= child.again_at:
            child.again_at = None
            if child.process.stdin is not None:
                child.process.stdin.close()
            self._begin(child)


class _Child:
    def __init__(self, listening: socket.socket) -> None:
        self.socket = listening
        self.process: subprocess.Popen[bytes] | None = None
        self.began = 0.0
        self.deaths = 0
        self.again_at: float | None = None

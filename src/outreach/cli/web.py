"""`outreach web`: the HTTP door alone, and the addresses to set at providers."""

import errno
import os
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from outreach.cli.door import BAD_DATA, PROBLEMS, Door, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from socket import socket
    from threading import Event

    from outreach.project.config import Config
    from outreach.project.web_config import Web
    from outreach.web.children import Children
    from outreach.web.opening import Opened

_PATIENCE: Final = 10.0  # seconds
_BETWEEN: Final = 0.25

app = typer.Typer(help="The HTTP door: receipts, replies, unsubscribe links, surveys.")


@app.callback(invoke_without_command=True)
def web(
    context: typer.Context,
    fd: Annotated[
        int, typer.Option("--fd", hidden=True, help="Listen on this inherited socket.")
    ] = -1,
    keeper: Annotated[
        int, typer.Option("--keeper", hidden=True, help="Events are stored through this socket.")
    ] = -1,
    keeps: Annotated[
        list[int] | None, typer.Option("--keeps", hidden=True, help="Store what comes from these.")
    ] = None,
    config_fd: Annotated[
        int, typer.Option("--config-fd", hidden=True, help="config.toml as it was last sound.")
    ] = -1,
) -> None:
    """Answer providers and clients until SIGTERM or Ctrl-C. `outreach serve` starts it by itself
    where config.toml has a [web] table."""
    if context.invoked_subcommand is not None:
        return
    from outreach.cli.serve import Lines
    from outreach.engine import stop

    door: Door = context.obj if config_fd < 0 else _handed(context.obj, config_fd)
    say, settings = Lines(door), settings_of(door)
    asked = stop.on_signals()
    if keeps:
        _keep(door, say, asked, keeps)
    elif fd < 0 and settings.processes > 1:
        with beside(door, say):
            asked.wait()
    else:
        _answer(door, say, asked, fd, keeper)


def _handed(door: Door, fd: int) -> Door:
    """A door with the config that our parent has found sound, whatever its file says by now."""
    from outreach.project.config import Config
    from outreach.project.load import load_config

    loaded = load_config(Path(f"/proc/self/fd/{fd}"))
    if not isinstance(loaded, Config):
        raise Failure(BAD_DATA, [str(problem) for problem in loaded])
    return Door(door.config_path, door.json, _config=loaded)


def _answer(door: Door, say: Any, asked: "Event", fd: int, keeper: int) -> None:
    """One process of the door until it is asked to stop."""
    sockets = [_inherited(fd)] if fd >= 0 else listening(settings_of(door))
    opened = open_web(door, sockets, say, _inherited(keeper) if keeper >= 0 else None)
    opened.start()
    if fd >= 0:
        _with_parent(asked)
    else:
        say("web_listening", **where(settings_of(door), sockets))
    why = opened.serving.wait(asked)
    opened.close()
    door.database.close()
    if why:
        raise Failure(PROBLEMS, f"[web] the door ended by itself: {why}")


def _keep(door: Door, say: Any, asked: "Event", keeps: list[int]) -> None:
    """Store and apply what the other processes take in, until they and their parent are gone."""
    import threading

    from outreach import clock
    from outreach.web.opening import Keeper

    door.now()
    sockets = [_inherited(fd) for fd in keeps]
    for one in sockets:
        one.setblocking(True)
    broken = threading.Event()

    def failed() -> None:
        broken.set()
        asked.set()

    made = Keeper(
        door.config, door.database, root=door.root, clock=clock.now, say=say, sockets=sockets,
        failed=failed,
    )  # fmt: skip
    made.start()
    _with_parent(asked, lambda: made.wait_for_others(_PATIENCE))
    asked.wait()
    made.close()
    door.database.close()
    if broken.is_set():
        raise Failure(PROBLEMS, "[web] the process that stores events cannot hear the others")


@app.command()
def addresses(context: typer.Context) -> None:
    """The addresses to set at providers and gateways. Those of gateways hold a secret."""
    from outreach.cli.engine import unsubscribe_key
    from outreach.cli.output import emit_rows
    from outreach.project.config import GatewaySender, TwilioSender
    from outreach.web.gateway import KINDS, push_url
    from outreach.web.public import public

    door: Door = context.obj
    url, rows = public(door.config, settings_of(door)).url, []
    for name, sender in door.config.senders.items():
        if isinstance(sender, TwilioSender):
            rows.append({"sender": name, "what": "status", "url": f"{url}/twilio/{name}/status"})
            rows.append({"sender": name, "what": "inbound", "url": f"{url}/twilio/{name}/inbound"})
        elif isinstance(sender, GatewaySender):
            key = unsubscribe_key(door)
            rows += [
                {"sender": name, "what": kind, "url": push_url(url, key, name, kind)}
                for kind in KINDS
            ]
    emit_rows(door, "Addresses", rows)


def settings_of(door: Door) -> "Web":
    """The [web] table. Raises Failure where there is none."""
    if door.config.web is None:
        lines = [
            f"{door.config_path.name}: there is no [web] table",
            'write [web] and public_url = "https://HOST"; docs/web.md says more',
        ]
        raise Failure(BAD_DATA, lines)
    return door.config.web


@contextmanager
def beside(door: Door, say: Any) -> "Iterator[None]":
    """The door in processes of its own while something else goes on."""
    processes = Processes(door, say)
    processes.turn_to(door.config, door.config_path.read_bytes())
    try:
        yield
    finally:
        processes.close()


class Processes:
    """The door in processes of its own, by the config as it stands; none without a [web] table."""

    name = "web"

    def __init__(self, door: Door, say: Any) -> None:
        self._door, self._say = door, say
        self._children: Children | None = None
        self._by: tuple[Any, ...] | None = None  # what of the config they were opened by
        self._handed = -1  # the file that hands it to them

    def turn_to(self, config: "Config", source: bytes) -> None:
        """Open the door, close it, or start its processes anew, as a config says that was read
        from `source`. Raises Failure where its port cannot be had; another one stays open then."""
        web, by = config.web, (config.web, config.senders, config.firm)
        if by == self._by:
            return
        before = self._by[0] if self._by and self._children else None
        if web is None:
            self.close()
            if before is not None:
                self._say("web_closed")
        elif before is not None and self._children is not None and _place(before) == _place(web):
            self._renew(self._children, source)
            self._say("web_reopened", public_url=web.public_url)
        else:
            if before is not None and _place(before)[:2] == _place(web)[:2]:
                self.close()  # as many sockets as processes share one port
            sockets = listening(web)
            self.close()
            self._open(web, sockets, source)
            self._say("web_listening", **where(web, sockets))
        self._by = by

    def close(self) -> None:
        """End them; what they have taken in is on record then."""
        if self._children is not None:
            self._children.close()
            os.close(self._handed)
        self._children, self._by = None, None

    def _open(self, web: "Web", sockets: "list[socket]", source: bytes) -> None:
        from outreach import clock
        from outreach.web.children import Children

        self._handed = _file_of(source)
        several, environment = web.processes > 1, {**os.environ, **clock.environment()}
        self._children = Children(
            self._command(), sockets, self._say, environment, keeper=several,
            inherits=[self._handed],
        )  # fmt: skip
        self._children.start()

    def _renew(self, children: "Children", source: bytes) -> None:
        before, self._handed = self._handed, _file_of(source)
        try:
            children.renew(self._command(), [self._handed])
        finally:
            os.close(before)

    def _command(self) -> "tuple[str, ...]":
        from outreach.engine.local import python_command

        path = str(self._door.config_path.resolve())
        words = ["--config", path, *["--json"][: self._door.json], "web"]
        return python_command(*words, "--config-fd", str(self._handed))


def _file_of(content: bytes) -> int:
    """The number of a file without a name that holds this."""
    fd = os.memfd_create("config.toml")
    os.write(fd, content)
    return fd


def _place(web: "Web") -> tuple[str, int, int]:
    return web.address, web.port, web.processes


def listening(settings: "Web") -> "list[socket]":
    """The sockets of the config, one a process that answers. Those of a scheduler that was killed
    are free again after a moment. Raises Failure where they cannot be had."""
    from outreach.web.serving import listen

    end = time.monotonic() + _PATIENCE
    while True:
        try:
            return listen(settings.address, settings.port, max(1, settings.processes - 1))
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < end:
                time.sleep(_BETWEEN)
                continue
            place = f"{settings.address} port {settings.port}"
            why = error.strerror or str(error)
            raise Failure(PROBLEMS, f"[web] cannot listen on {place}: {why}") from error


def where(settings: "Web", sockets: "list[socket]") -> dict[str, Any]:
    """What `web_listening` tells."""
    host, port = sockets[0].getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return {"address": f"http://{shown}:{port}", "public_url": settings.public_url}


def open_web(
    door: Door, sockets: "list[socket]", say: Any, keeper: "socket | None" = None
) -> "Opened":
    """One process of the door, by the config as it stands. Raises Failure where a profile of a
    gateway cannot be read."""
    from outreach import clock
    from outreach.channels import ChannelUnavailable
    from outreach.cli.engine import unsubscribe_key
    from outreach.project.secrets import secret
    from outreach.web.opening import Opened

    door.now()  # refuses a pretended clock where real clients could be written to
    settings = settings_of(door)
    try:
        return Opened(
            door.config, settings, door.database, key=unsubscribe_key(door),
            secrets={name: secret(name) for name in door.config.senders}, root=door.root,
            clock=clock.now, say=say, sockets=sockets, keeper=keeper,
        )  # fmt: skip
    except ChannelUnavailable as error:
        raise Failure(BAD_DATA, str(error)) from error


def _inherited(fd: int) -> "socket":
    import socket

    made = socket.socket(fileno=fd)
    made.setblocking(False)
    return made


def _with_parent(asked: "Event", first: "Callable[[], None]" = lambda: None) -> None:
    """End when whoever started this process is gone: our stdin ends then. `first` may wait."""
    import threading

    def watch() -> None:
        try:
            with suppress(OSError):  # it is closed: nobody would tell us of his end
                while os.read(0, 1_024):
                    pass
            first()
        finally:
            asked.set()

    threading.Thread(target=watch, name="parent", daemon=True).start()

"""`outreach worker` and `outreach workers`: processes that do the work of a project, and who of
them is there."""

import os
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from outreach.cli.door import BAD_DATA, PROBLEMS, USAGE, Door, Failure
from outreach.cli.output import emit_json, emit_rows, next_step, say

if TYPE_CHECKING:
    from outreach.engine import Engine
    from outreach.engine.procrastinate import Queue
    from outreach.engine.rows import Rows
    from outreach.engine.workshop import Opened
    from outreach.project.config import Config

AT_ONCE: Final = 6  # of a queue in one process; more processes carry further than more threads
LOOK_SECONDS: Final = 5.0  # between two looks at config.toml


def worker(
    context: typer.Context,
    queues: Annotated[
        str, typer.Option(help="Which queues to work from: urgent, bulk, maint; commas between.")
    ] = "urgent,bulk,maint",
    concurrency: Annotated[
        int, typer.Option(min=1, max=AT_ONCE, help="Tasks of each queue at once.")
    ] = 1,
    name: Annotated[str, typer.Option(help="How it is called in lines and lists.")] = "",
    run: Annotated[
        int | None, typer.Option(help="Only send for this run, until nothing of it is due.")
    ] = None,
) -> None:
    """Plan and send beside others, until SIGTERM or Ctrl-C. Any number, on any machines."""
    door: Door = context.obj
    if run is not None:
        _send_for(door, run)
        return
    from outreach.engine import QUEUES

    chosen = tuple(dict.fromkeys(one.strip() for one in queues.split(",") if one.strip()))
    if unknown := [one for one in chosen if one not in QUEUES] or (not chosen and [queues]):
        raise Failure(USAGE, f"--queues: {unknown[0]!r} is no queue; there are {', '.join(QUEUES)}")
    _work_from(door, chosen, concurrency, name)


def _work_from(door: Door, queues: tuple[str, ...], concurrency: int, name: str) -> None:
    from outreach import clock
    from outreach.cli.serve import Lines
    from outreach.engine import local, stop
    from outreach.engine.workshop import Workshop

    database, asked, lines = door.database, stop.on_signals(), Lines(door)
    door.now()  # refuses a pretended clock where real clients could be written to
    engine, config = queue(door), _Config(door, lines)
    database.submit = engine.submit_all

    def opened() -> "Opened":
        return _opened(door, config(), asked.is_set)

    owner = local.owner()
    name = name or f"{os.uname().nodename}-{os.getpid()}"
    shop = Workshop(
        database, owner, name, queues, config, opened, asked.is_set, lines,
        jumped=clock.jumped, clock=None if clock.pretended() else door.now,
    )  # fmt: skip
    engine.workshop = shop
    lines("worker", worker=name, queues=",".join(queues), at_once=concurrency)
    engine.run_worker(queues, concurrency)
    database.close()
    lines("stopped", worker=name)


def _opened(door: Door, config: "Config", stopping: Any) -> "Opened":
    """Engine and channels by the config as it stands; the database stays the one it is."""
    from outreach.cli.engine import Adapters, engine
    from outreach.engine.workshop import Opened

    now = Door(door.config_path, door.json, _config=config, _database=door.database)
    adapters = Adapters(now)
    return Opened(engine(now, adapters, stopping=stopping), adapters.close)


def queue(door: Door) -> "Queue | Rows":
    """The engine of the project's database: a queue where that can keep one, else its rows."""
    if door.database.sqlite:
        from outreach.engine.rows import Rows

        return Rows(door.database)
    try:
        from outreach.engine.procrastinate import Queue
    except ImportError as error:
        extra = "workers on PostgreSQL need the extra: pip install 'outreach[postgres]'"
        raise Failure(BAD_DATA, f"{extra} ({error})") from None
    return Queue(door.database, door.now, door.config.engine.listen)


class _Config:
    """config.toml as it was last sound, looked at every few seconds."""

    def __init__(self, door: Door, say: Any) -> None:
        self._path, self._say, self._now = door.config_path, say, door.config
        self._stamp, self._looked = (0, 0), 0.0
        self._stamp = self._look()

    def _look(self) -> tuple[int, int]:
        try:
            stat = self._path.stat()
        except OSError:  # an editor is putting a new one in its place
            return self._stamp
        return stat.st_mtime_ns, stat.st_size

    def __call__(self) -> "Config":
        import time

        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            if (stamp := self._look()) != self._stamp:
                self._stamp = stamp
                self._read()
        return self._now

    def _read(self) -> None:
        from outreach.project.config import Config
        from outreach.project.load import load_config

        loaded = load_config(self._path)
        if isinstance(loaded, Config):
            self._now = loaded
            self._say("config_changed")
        else:
            self._say("config_broken", problem=str(loaded[0]))


def _send_for(door: Door, run: int) -> None:
    """What the further processes of a large run do."""
    from outreach import dispatch
    from outreach.cli.engine import Adapters, engine
    from outreach.engine import local, stop

    adapters, tally, asked = Adapters(door), dispatch.Tally(), stop.on_signals()
    try:
        local.serve_run(engine(door, adapters, stopping=asked.is_set), run, tally)
    finally:
        adapters.close()
    if tally.stopped:
        raise Failure(PROBLEMS, tally.stopped)
    if door.json:
        emit_json({"run": run, "sent": tally.sent})
    say(door, f"{tally.sent:,} messages handed over.")


def workers(context: typer.Context) -> None:
    """Who works for the project, and how much waits."""
    door: Door = context.obj
    engine: Engine = queue(door)
    stats, stalled = engine.stats(), engine.stalled()
    rows = [{**one._asdict(), "queues": ",".join(one.queues)} for one in stats.workers]
    if door.json:
        emit_json({"workers": rows, "jobs": stats.jobs, "due": stats.due, "stalled": stalled})
    else:
        emit_rows(door, "Workers", rows, ("name", "queues", "started_at", "seen_at"))
        for kind, n in sorted(stats.due.items()):
            say(door, f"{n:,} tasks of kind {kind} are due.")
        if not rows:
            next_step(door, "outreach worker")
    if stalled:
        raise Failure(PROBLEMS, stalled)

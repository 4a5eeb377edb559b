"""What there is to do, told by the rows alone: the queue of the embedded engine, and what every
sweep holds the queue of the workers against.

A task is a kind and a number. Losing a task loses nothing: it is found here again.
"""

from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import (
    BigInteger,
    Connection,
    Row,
    String,
    and_,
    cast,
    column,
    delete,
    func,
    literal,
    literal_column,
    or_,
    select,
    table,
)

from outreach.store import database, windows
from outreach.store.tables import GOING as GOING
from outreach.store.tables import batch, frozen, retry, run, run_count
from outreach.store.task import STUCK_AFTER as STUCK_AFTER
from outreach.store.task import Task as Task

SCHEMA: Final = "outreach_jobs"  # of PostgreSQL: where Procrastinate keeps its tables
LONGEST: Final = 300.0  # seconds; a task ends with the window at hand after a minute
AT_ONCE: Final = 2_000  # tasks told of at a time; the next look finds the others
_UNFINISHED: Final = ("ready", "held", "sending", "in_doubt")

_jobs: Final = table(
    "procrastinate_jobs",
    *(column(name) for name in ("status", "queueing_lock", "queue_name", "worker_id")),
    column("id", BigInteger),
    schema=SCHEMA,
)
_beats: Final = table(
    "procrastinate_workers", column("id"), column("last_heartbeat"), schema=SCHEMA
)
_events: Final = table(
    "procrastinate_events", column("job_id"), column("type"), column("at"), schema=SCHEMA
)
# Finished jobs are deleted, so there are no others. Written out, so that the index of the waiting
# ones serves.
_WAITS: Final = _jobs.c.status == literal_column("'todo'")
_BEGUN: Final = _jobs.c.status == literal_column("'doing'")


def due(conn: Connection, now: datetime, *, without_job: bool = False) -> list[Task]:
    """What may be worked on now, urgent things first. `without_job`: as far as no job of the
    workers' queue is about it (PostgreSQL)."""
    found = _plans(conn) + _batches(conn, now, without_job) + _retries(conn, now) + _ended(conn)
    if without_job:
        live = _live(conn)
        found = [task for task in found if task.name not in live]
    return sorted(found, key=lambda task: not task.urgent)


def _plans(conn: Connection) -> list[Task]:
    query = (
        select(run.c.id, frozen.c.content).join(frozen, frozen.c.digest == run.c.campaign_digest)
        .where(run.c.state == "planning").order_by(run.c.id)
    )  # fmt: skip
    return [Task("plan", row.id, _urgent(row.content)) for row in conn.execute(query)]


def _urgent(campaign: bytes) -> bool:
    return bool(orjson.loads(campaign).get("urgent"))


def _batches(conn: Connection, now: datetime, without_job: bool) -> list[Task]:
    where = [
        batch.c.state == "ready",
        batch.c.not_before <= now,
        batch.c.takeovers < STUCK_AFTER,
        run.c.state.in_(GOING),
        ~windows.waits(batch, now),
    ]
    if without_job:
        about = literal("dispatch:").concat(cast(batch.c.id, String))
        # Nobody has it in hand, so a job that is being done was given to somebody who is gone.
        job = select(_jobs.c.id).where(_jobs.c.queueing_lock == about, _WAITS)
        where.append(~job.exists())
    query = (
        select(batch.c.id, batch.c.urgent).join(run, run.c.id == batch.c.run_id).where(*where)
        .order_by(batch.c.urgent.desc(), batch.c.not_before, batch.c.id).limit(AT_ONCE)
    )  # fmt: skip
    return [Task("dispatch", row.id, row.urgent) for row in conn.execute(query)]


def _retries(conn: Connection, now: datetime) -> list[Task]:
    urgent = select(batch.c.id).where(batch.c.run_id == retry.c.run_id, batch.c.urgent).exists()
    query = (
        select(retry.c.run_id, urgent.label("urgent")).join(run, run.c.id == retry.c.run_id)
        .where(
            retry.c.window_id.is_(None), retry.c.not_before <= now, run.c.state.in_(GOING),
            ~windows.waits(retry, now),
        )
        .distinct().order_by(retry.c.run_id)
    )  # fmt: skip
    return [Task("retries", row.run_id, row.urgent) for row in conn.execute(query)]


def _ended(conn: Connection) -> list[Task]:
    """Runs that only have to be closed: nothing of them is left, and everything is final."""
    batches = select(batch.c.id).where(
        batch.c.run_id == run.c.id, batch.c.state.in_(("ready", "leased"))
    )
    retries = select(retry.c.message_id).where(retry.c.run_id == run.c.id)
    unfinished = select(run_count.c.n).where(
        run_count.c.run_id == run.c.id,
        run_count.c.kind == "state",
        run_count.c.key.in_(_UNFINISHED),
        run_count.c.n > 0,
    )
    left = or_(batches.exists(), retries.exists(), unfinished.exists())
    query = select(run.c.id).where(run.c.state == "sending", ~left).order_by(run.c.id)
    return [Task("close", run_id) for run_id in conn.execute(query).scalars()]


def batch_of(conn: Connection, batch_id: int) -> Row[Any] | None:
    """A batch as it stands, with the state of its run."""
    query = (
        select(batch, run.c.state.label("run_state")).join(run, run.c.id == batch.c.run_id)
        .where(batch.c.id == batch_id)
    )  # fmt: skip
    return conn.execute(query).first()


def all_worked(conn: Connection, run_id: int) -> bool:
    """Whether no batch of a run is waiting or in somebody's hands."""
    open_one = select(batch.c.id).where(
        batch.c.run_id == run_id, batch.c.state.in_(("ready", "leased"))
    )
    return conn.execute(open_one.limit(1)).first() is None


def stuck(conn: Connection) -> list[int]:
    """Batches that are given to nobody any more, because so many died of them."""
    query = select(batch.c.id).where(batch.c.state == "ready", batch.c.takeovers >= STUCK_AFTER)
    return list(conn.execute(query.order_by(batch.c.id)).scalars())


# --- the jobs of the workers' queue (PostgreSQL) ---------------------------------------------


def _live(conn: Connection) -> set[str]:
    where = and_(or_(_WAITS, _BEGUN), _jobs.c.queueing_lock.not_like("dispatch:%"))
    return set(conn.execute(select(_jobs.c.queueing_lock).where(where)).scalars())


def see_jobs(tx: Connection) -> None:
    """Let the queue's tables and functions be found by their bare names until this transaction
    ends: nothing that stays with the connection, so a pooler may give it to somebody else."""
    path = func.current_setting("search_path")
    tx.execute(select(func.set_config("search_path", path.concat(f", {SCHEMA}"), True)))


def drop_stalled(tx: Connection, seconds: float) -> list[str]:
    """Take away the jobs of workers that fell silent, and those begun longer ago than any may take:
    whatever of them is still to do is found by its rows. The names of the tasks."""
    see_jobs(tx)  # for their triggers
    now = func.clock_timestamp()
    alive = select(_beats.c.id).where(_beats.c.last_heartbeat >= now - _interval(seconds))
    begun = select(_events.c.job_id).where(
        _events.c.job_id == _jobs.c.id,
        _events.c.type == literal_column("'started'"),
        _events.c.at >= now - _interval(LONGEST),
    )
    silent = or_(_jobs.c.worker_id.is_(None), _jobs.c.worker_id.not_in(alive))
    gone = delete(_jobs).where(_BEGUN, or_(silent, ~begun.exists()))
    names = tx.execute(gone.returning(_jobs.c.queueing_lock)).scalars()
    return sorted(str(name) for name in names)


def _interval(seconds: float) -> Any:
    return func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def drop_waiting(tx: Connection, name: str) -> bool:
    """Take a task away that nobody has begun."""
    see_jobs(tx)
    dropped = tx.execute(delete(_jobs).where(_jobs.c.queueing_lock == name, _WAITS))
    return dropped.rowcount > 0


def queued(conn: Connection) -> dict[str, dict[str, int]]:
    """How many jobs wait and run: {queue: {todo | doing: n}}."""
    columns = (_jobs.c.queue_name, cast(_jobs.c.status, String).label("status"))
    query = select(*columns, func.count()).group_by(*columns).order_by(*columns)
    found: dict[str, dict[str, int]] = {}
    for queue, status, n in conn.execute(query):
        found.setdefault(queue, {})[status] = n
    return found


def pooled(conn: Connection) -> bool:
    """Whether a pooler stands between us and the server."""
    return database.pooled(conn.connection.driver_connection)

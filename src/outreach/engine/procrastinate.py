"""The engine for many machines: Procrastinate keeps a queue in PostgreSQL and wakes workers.

Jobs carry numbers, nothing else; they are written in the transaction that makes the work, and what
they lose is found again by the rows. Nothing here stays with a connection between transactions, so
a pooler may stand in between: then workers poll instead of listening.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import procrastinate
from procrastinate import exceptions
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from procrastinate.sync_psycopg_connector import SyncPsycopgConnector
from psycopg import AsyncCursor
from psycopg.errors import ForeignKeyViolation
from sqlalchemy import Connection

from outreach.engine import HEARTBEAT, SILENCE, SWEEP, UPKEEP, Stats, queue_of, rows
from outreach.engine.workshop import Workshop
from outreach.store import work
from outreach.store.database import Database
from outreach.store.work import Task

KINDS: Final = ("plan", "dispatch", "retries", "close")
POLL: Final = 1.0  # seconds between two looks into the queue
POLL_LISTENING: Final = 5.0  # the same, of a worker that is woken: only what waited is found so
AGAIN: Final = 2.0  # seconds until a worker begins again after trouble with the database


class _InSchema(AsyncCursor[Any]):
    """Finds Procrastinate's tables by their bare names, for one transaction at a time: a setting
    that stayed with the connection would be lost or inherited behind a pooler."""

    async def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
        if not self.connection.autocommit:
            await super().execute(f"SET LOCAL search_path = {work.SCHEMA}")
        return await super().execute(query, params, **more)


@dataclass
class Queue:
    """PostgreSQL's queue. A worker needs a workshop; whoever only submits does not."""

    database: Database
    clock: Callable[[], datetime]
    listen: bool = True
    workshop: Workshop | None = None

    def __post_init__(self) -> None:
        for name in ("procrastinate", "psycopg", "psycopg.pool", "asyncio"):
            logging.getLogger(name).addHandler(logging.NullHandler())  # what matters is said by us
            logging.getLogger(name).propagate = False
        self._jobs = JobManager(SyncPsycopgConnector())  # of no pool: connections are handed in

    # --- submitting ------------------------------------------------------------------------

    def submit(
        self,
        tx: Connection,
        kind: str,
        ref: int,
        *,
        not_before: datetime | None = None,
        priority: int = 0,
    ) -> None:
        """Have a task done once the caller's transaction is committed."""
        self.submit_all(tx, [Task(kind, ref, priority > 0, not_before)])

    def submit_all(self, tx: Connection, tasks: Sequence[Task]) -> None:
        """The same for many at once; those that wait already are left as they are."""
        if not tasks:
            return
        work.see_jobs(tx)
        # In one order everywhere, so that two who submit the same never wait for each other.
        jobs = [self._job(task) for task in sorted(tasks, key=lambda task: task.name)]
        if not self._deferred(tx, jobs) and len(jobs) > 1:
            for job in jobs:
                self._deferred(tx, [job])

    def _deferred(self, tx: Connection, jobs: list[Job]) -> bool:
        raw: Any = tx.connection.driver_connection
        try:
            with tx.begin_nested():
                self._jobs.batch_defer_jobs(jobs, connection=raw)
        except exceptions.AlreadyEnqueued:
            return False
        return True

    def _job(self, task: Task) -> Job:
        return Job(
            id=None,
            lock=None,  # never: nobody else could work what a dead one has locked
            queueing_lock=task.name,
            task_name=f"outreach.{task.kind}",
            queue=queue_of(task.kind, urgent=task.urgent),
            task_kwargs={"ref": task.ref, "urgent": task.urgent, "slow": task.slow},
            scheduled_at=self._on_their_clock(task.not_before),
            priority=-1 if task.slow else 0,
        )

    def _on_their_clock(self, moment: datetime | None) -> datetime | None:
        """A moment to come, as the database's clock will show it: ours may be pretended."""
        wait = moment - self.clock() if moment else timedelta()
        return datetime.now(UTC) + wait if wait > timedelta() else None

    def abort(self, tx: Connection, kind: str, ref: int) -> bool:
        """Take a task back that nobody has begun."""
        return work.drop_waiting(tx, Task(kind, ref).name)

    # --- looking ---------------------------------------------------------------------------

    def stalled(self) -> list[str]:
        """Workers that fell silent, and batches that nobody is given any more."""
        return rows.stalled(self.database)

    def stats(self) -> Stats:
        with self.database.reading() as conn:
            jobs = work.queued(conn)
        return rows.stats(self.database, jobs)

    def hand_over(self) -> int:
        """Submit everything that may be worked on now and that no job is about; how much that was.
        It heals whatever the queue lost."""
        with self.database.begin() as tx:
            work.drop_stalled(tx, SILENCE)
        with self.database.reading() as conn:
            lacking = work.due(conn, self.clock(), without_job=True)
        if lacking:
            with self.database.begin() as tx:
                self.submit_all(tx, lacking)
        return len(lacking)

    # --- working ---------------------------------------------------------------------------

    def run_worker(self, queues: Sequence[str], concurrency: int) -> None:
        """Work from these queues until asked to stop."""
        asyncio.run(self._run(queues, concurrency))

    async def _run(self, queues: Sequence[str], concurrency: int) -> None:
        shop, loop = self._shop, asyncio.get_running_loop()
        loop.set_exception_handler(self._lost)
        loop.set_default_executor(ThreadPoolExecutor(len(queues) * concurrency + 2))
        listen = self.listen and not await asyncio.to_thread(self._pooled)
        shop.say("working", queues=",".join(queues), hears="at once" if listen else "by polling")
        await asyncio.to_thread(shop.beat)
        app = self._app()
        async with app.open_async():
            tasks = [asyncio.create_task(self._beat())]
            tasks += [
                asyncio.create_task(self._serve(app, queue, concurrency, listen))
                for queue in queues
            ]
            while not shop.stopping():
                await asyncio.sleep(0.1)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(shop.close)

    def _pooled(self) -> bool:
        with self.database.reading() as conn:
            return work.pooled(conn)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            await asyncio.to_thread(self._shop.beat)

    async def _serve(
        self, app: procrastinate.App, queue: str, concurrency: int, listen: bool
    ) -> None:
        """One queue. After trouble with the database it begins again, as a new worker."""
        while not self._shop.stopping():  # trouble may take the place of being cancelled
            try:
                await app.run_worker_async(
                    queues=[queue],
                    name=f"{self._shop.name}:{queue}",
                    concurrency=1 if queue == UPKEEP else concurrency,
                    install_signal_handlers=False,
                    listen_notify=listen,
                    fetch_job_polling_interval=POLL_LISTENING if listen else POLL,
                    update_heartbeat_interval=HEARTBEAT,
                    stalled_worker_timeout=SILENCE,
                    delete_jobs="always",
                )
            except exceptions.ConnectorException as error:
                self._say_trouble(error.__cause__ or error)
            except Exception as error:  # a queue that nobody works any more would go unnoticed
                self._shop.failed(queue, error)
            await asyncio.sleep(AGAIN)

    def _say_trouble(self, error: BaseException) -> None:
        if isinstance(error, ForeignKeyViolation):  # others struck it off while it stood still
            self._shop.say("taken_for_gone")
        else:
            self._shop.trouble(str(error).strip().partition("\n")[0])

    def _lost(self, _loop: object, context: dict[str, Any]) -> None:
        """A job could not be marked as done: it is found by its rows, or was taken from us."""
        error = context.get("exception")
        self._shop.say("job_lost", error=type(error).__name__ if error else context["message"])

    @property
    def _shop(self) -> Workshop:
        if self.workshop is None:
            raise ValueError("a worker needs a workshop")
        return self.workshop

    def _app(self) -> procrastinate.App:
        connector = procrastinate.PsycopgConnector(
            conninfo=self.database.url.set(drivername="postgresql").render_as_string(
                hide_password=False
            ),
            min_size=1,
            max_size=4,
            kwargs={"prepare_threshold": None, "cursor_factory": _InSchema},
        )
        app = procrastinate.App(connector=connector)
        for kind in KINDS:
            app.task(name=f"outreach.{kind}")(self._task(kind))

        async def sweep(timestamp: int) -> None:
            await asyncio.to_thread(self._sweep)

        task = app.task(name="outreach.sweep", queue=UPKEEP, queueing_lock="sweep")(sweep)
        app.periodic(cron=f"* * * * * */{SWEEP:.0f}")(task)  # the sixth field is the second
        return app

    def _task(self, kind: str) -> Any:
        async def run(ref: int, urgent: bool, slow: bool) -> None:
            await asyncio.to_thread(self._shop.perform, Task(kind, ref, urgent, None, slow))

        return run

    def _sweep(self) -> None:
        shop = self._shop
        shop.sweep()
        if not shop.steady():
            return  # what is submitted would be laid aside again
        with shop.guarded("sweep"):
            if lacking := self.hand_over():
                shop.say("submitted_again", tasks=lacking)

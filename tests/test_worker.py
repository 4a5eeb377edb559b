"""What workers rely on: tasks that share the fate of their transaction, and rows that tell all of
it again."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from outreach import dispatch
from outreach.core.model import Message, Outcome
from outreach.core.rate import Limit, Limits
from outreach.engine import SILENCE, queue_of, rows, steps
from outreach.engine.procrastinate import Queue
from outreach.engine.rows import Rows
from outreach.engine.workshop import Opened, Workshop
from outreach.store import runs, work, workers
from outreach.store.database import Database
from outreach.store.tables import batch, retry, worker
from outreach.store.work import Task
from tests.small_run import SmallRun, client, opened

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
FIVE = [client(n) for n in range(1, 6)]


@pytest.fixture
def small(database: Database, tmp_path: Path) -> SmallRun:
    return opened(database, tmp_path / "project", FIVE)


@pytest.fixture
def queue(small: SmallRun) -> Queue:
    return Queue(small.database, small.clock)


def jobs(database: Database) -> list[tuple[Any, ...]]:
    """(task, queue, state) of every job, in order."""
    query = text(
        "SELECT task_name, queue_name, queueing_lock, status::text, lock"
        " FROM outreach_jobs.procrastinate_jobs ORDER BY id"
    )
    with database.reading() as conn:
        return [tuple(row) for row in conn.execute(query)]


def sql(database: Database, statement: str) -> None:
    with database.begin() as tx:
        work.see_jobs(tx)
        tx.execute(text(statement))


# --- submitting --------------------------------------------------------------------------------


@on_postgresql
def test_a_task_shares_the_fate_of_its_transaction(queue: Queue) -> None:
    with pytest.raises(ZeroDivisionError), queue.database.begin() as tx:
        queue.submit(tx, "dispatch", 7)
        raise ZeroDivisionError
    assert jobs(queue.database) == []

    with queue.database.begin() as tx:
        queue.submit(tx, "dispatch", 7, priority=1)

    (job,) = jobs(queue.database)
    assert job == ("outreach.dispatch", "urgent", "dispatch:7", "todo", None)


@on_postgresql
def test_what_waits_already_is_not_submitted_again_and_hurts_nothing_beside_it(
    queue: Queue,
) -> None:
    with queue.database.begin() as tx:
        queue.submit(tx, "dispatch", 7)
    with queue.database.begin() as tx:
        queue.submit_all(tx, [Task("dispatch", n) for n in (8, 7, 6)])

    assert sorted(job[2] for job in jobs(queue.database)) == [f"dispatch:{n}" for n in (6, 7, 8)]


@on_postgresql
def test_a_task_for_later_waits_as_long_as_our_clock_says(queue: Queue, small: SmallRun) -> None:
    hour = timedelta(hours=1)
    with queue.database.begin() as tx:
        queue.submit(tx, "dispatch", 7, not_before=small.now + hour)
        queue.submit(tx, "dispatch", 8, not_before=small.now - hour)
    query = text("SELECT scheduled_at FROM outreach_jobs.procrastinate_jobs ORDER BY id")
    with queue.database.reading() as conn:
        later, at_once = conn.execute(query).scalars()

    assert timedelta(minutes=59) < later - datetime.now(UTC) < hour
    assert at_once is None


@on_postgresql
def test_a_task_that_nobody_has_begun_can_be_taken_back(queue: Queue) -> None:
    with queue.database.begin() as tx:
        queue.submit(tx, "dispatch", 7)
        queue.submit(tx, "dispatch", 8)
    sql(
        queue.database, "UPDATE procrastinate_jobs SET status='doing' WHERE queueing_lock LIKE '%8'"
    )

    with queue.database.begin() as tx:
        taken = [queue.abort(tx, "dispatch", n) for n in (7, 8, 9)]

    assert taken == [True, False, False]
    assert [job[2] for job in jobs(queue.database)] == ["dispatch:8"]


@pytest.mark.parametrize(
    ("kind", "urgent", "name"),
    [("dispatch", True, "urgent"), ("plan", False, "bulk"), ("close", True, "maint")],
)
def test_a_task_has_its_queue(kind: str, urgent: bool, name: str) -> None:
    assert queue_of(kind, urgent=urgent) == name


@on_postgresql
def test_planning_submits_each_batch_in_the_transaction_of_its_page(
    small: SmallRun, queue: Queue
) -> None:
    small.page = 3
    small.database.submit = queue.submit_all
    small.plan_page()

    with small.database.reading() as conn:
        batches = [task.name for task in work.due(conn, small.now) if task.kind == "dispatch"]
    assert batches
    assert [job[2] for job in jobs(small.database)] == batches


# --- what the rows tell ------------------------------------------------------------------------


def due(small: SmallRun) -> list[str]:
    with small.database.reading() as conn:
        return [task.kind for task in work.due(conn, small.now)]


def test_the_rows_tell_what_there_is_to_do(small: SmallRun) -> None:
    assert due(small) == ["plan"]
    small.plan()
    assert due(small) == ["dispatch"]
    small.move("paused", "sending")
    assert due(small) == []
    small.move("sending", "paused")
    small.drain()
    assert due(small) == ["close"]


def test_retries_are_due_when_their_time_has_come(small: SmallRun) -> None:
    small.plan()
    small.drain()
    row = {"message_id": 1, "run_id": small.run_id, "sender": "sms-file", "attempts": 1}
    with small.database.begin() as tx:
        columns = {name: value for name, value in row.items() if name in retry.c}
        tx.execute(retry.insert().values(**columns, not_before=small.now + timedelta(minutes=1)))
    assert due(small) == []

    small.pass_time(minutes=1)

    assert due(small) == ["retries"]


@pytest.mark.parametrize("urgent", [False, True])
def test_messages_of_an_urgent_run_are_tried_again_before_any_bulk(
    small: SmallRun, urgent: bool
) -> None:
    small.plan()
    small.drain()
    row = {"message_id": 1, "run_id": small.run_id, "sender": "sms-file", "attempts": 1}
    with small.database.begin() as tx:
        tx.execute(retry.insert().values(**row, not_before=small.now))
        tx.execute(update(batch).values(urgent=urgent))

    with small.database.reading() as conn:
        (task,) = work.due(conn, small.now)

    assert (task.kind, task.urgent) == ("retries", urgent)
    assert queue_of(task.kind, urgent=task.urgent) == ("urgent" if urgent else "bulk")


def test_a_batch_that_ended_five_workers_is_given_to_nobody_and_told(small: SmallRun) -> None:
    small.plan()
    for taken, tasks in ((work.STUCK_AFTER - 1, ["dispatch"]), (work.STUCK_AFTER, [])):
        with small.database.begin() as tx:
            tx.execute(update(batch).values(takeovers=taken))
        assert due(small) == tasks

    (said,) = Rows(small.database).stalled()
    assert "1 batches ended 5 workers" in said


def test_a_worker_that_fell_silent_is_told_and_its_work_taken_over(small: SmallRun) -> None:
    small.plan()
    assert small.crash(1, owner="elsewhere:1:1")
    with small.database.begin() as tx:
        workers.seen(tx, "elsewhere:1:1", "w1", ["bulk"])
    engine = local(small)
    assert steps.take_over(engine, None) == 0, "it is alive as far as anybody knows"

    long_ago = datetime.now(UTC) - timedelta(seconds=SILENCE + 1)
    with small.database.begin() as tx:
        tx.execute(update(worker).values(seen_at=long_ago))

    assert "worker w1 fell silent" in Rows(small.database).stalled()[0]
    assert steps.take_over(engine, None) > 0


# --- what a sweep heals ------------------------------------------------------------------------


@on_postgresql
def test_a_lost_queue_is_filled_again(small: SmallRun, queue: Queue) -> None:
    small.plan()

    assert [queue.hand_over(), queue.hand_over()] == [1, 0]
    sql(small.database, "TRUNCATE procrastinate_jobs CASCADE")
    assert queue.hand_over() == 1


@on_postgresql
@pytest.mark.parametrize(
    ("heartbeat", "begun", "kept"),
    [
        pytest.param(1, 1, True, id="of a worker that lives"),
        pytest.param(SILENCE + 1, 1, False, id="of a worker that fell silent"),
        pytest.param(None, 1, False, id="of a worker that is no more"),
        pytest.param(1, work.LONGEST + 1, False, id="longer than any may take"),
    ],
)
def test_a_job_that_was_begun_is_dropped_when_nobody_can_be_at_it(
    queue: Queue, heartbeat: float | None, begun: float, kept: bool
) -> None:
    with queue.database.begin() as tx:
        queue.submit(tx, "plan", 7)
    if heartbeat is not None:
        sql(
            queue.database,
            "INSERT INTO procrastinate_workers (last_heartbeat)"
            f" VALUES (now() - interval '{heartbeat} seconds')",
        )
    worker_id = "(SELECT max(id) FROM procrastinate_workers)"
    sql(queue.database, f"UPDATE procrastinate_jobs SET status='doing', worker_id={worker_id}")
    sql(queue.database, f"UPDATE procrastinate_events SET at = now() - interval '{begun} seconds'")

    with queue.database.begin() as tx:
        dropped = work.drop_stalled(tx, SILENCE)

    assert (dropped, len(jobs(queue.database))) == (([], 1) if kept else (["plan:7"], 0))


@on_postgresql
def test_the_queue_says_how_it_stands(small: SmallRun, queue: Queue) -> None:
    small.plan()
    queue.hand_over()
    with small.database.begin() as tx:
        workers.seen(tx, "here:1:1", "w1", ["urgent", "bulk"])

    stats = queue.stats()

    assert [one.name for one in stats.workers] == ["w1"]
    assert stats.jobs == {"bulk": {"todo": 1}}
    assert stats.due == {"dispatch": 1}


@on_postgresql
def test_no_pooler_is_found_where_there_is_none(small: SmallRun) -> None:
    with small.database.reading() as conn:
        assert work.pooled(conn) is False


# --- a worker in this process ------------------------------------------------------------------


def local(small: SmallRun, stopping: Callable[[], bool] = lambda: False) -> steps.Local:
    sending = replace(small.sending("here:2:2"), stopping=stopping)
    return steps.Local(sending, page=100, senders=0, in_process_up_to=10_000, command=())


class Shop:
    """A workshop over memory channels, and what it said."""

    def __init__(self, small: SmallRun) -> None:
        self.asked = threading.Event()
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.config: object = "one"
        self.opened = 0
        self.small = small
        self.jumped: Callable[[], timedelta | None] = lambda: None
        self.workshop = Workshop(
            small.database, "here:2:2", "w2", ("urgent", "bulk", "maint"), lambda: self.config,
            self.open, self.asked.is_set, lambda event, **facts: self.said.append((event, facts)),
        )  # fmt: skip

    def open(self) -> Opened:
        self.opened += 1
        engine = replace(local(self.small, self.asked.is_set), jumped=lambda: self.jumped())
        return Opened(engine, lambda: None)

    def events(self) -> Sequence[str]:
        return [event for event, _ in self.said]


@pytest.fixture
def shop(small: SmallRun) -> Iterator[Shop]:
    shop = Shop(small)
    yield shop
    shop.workshop.close()


def test_a_worker_without_a_queue_finds_the_rows_and_ends_the_run(
    shop: Shop, small: SmallRun
) -> None:
    done = threading.Event()
    said = shop.workshop.say

    def stop_in_the_end(message: Message) -> Outcome | None:
        done.set()
        return None

    for gateway in small.gateways.values():
        gateway.answer = stop_in_the_end
    engine = Rows(small.database, shop.workshop)
    thread = threading.Thread(target=engine.run_worker, args=(("urgent", "bulk", "maint"), 1))
    thread.start()
    assert done.wait(30)
    while small.state != "finished":
        assert thread.is_alive(), said
    shop.asked.set()
    thread.join(30)

    assert set(small.handed().values()) == {1}
    assert not engine.stats().workers, "it said goodbye"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_worker_without_a_queue_outlives_what_goes_wrong_in_each_of_its_threads(
    shop: Shop, small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening fails for every thread once, and the first task of all goes wrong."""
    monkeypatch.setattr(rows, "AGAIN", 0.01)
    threads_failed: set[str] = set()

    def opened() -> Opened:
        name = threading.current_thread().name
        if name in ("urgent", "bulk", "maint") and name not in threads_failed:
            threads_failed.add(name)
            raise FileExistsError
        return shop.open()

    shop.workshop.open_engine = opened
    small.plan()
    perform = steps.perform

    def once_wrong(engine: steps.Local, task: Task, tally: dispatch.Tally) -> list[Task]:
        monkeypatch.setattr(steps, "perform", perform)
        raise ZeroDivisionError

    monkeypatch.setattr(steps, "perform", once_wrong)
    engine = Rows(small.database, shop.workshop)
    thread = threading.Thread(target=engine.run_worker, args=(("urgent", "bulk", "maint"), 1))
    thread.start()
    while small.state != "finished":
        assert thread.is_alive(), shop.said
    shop.asked.set()
    thread.join(30)

    wrong = sorted(facts["error"] for event, facts in shop.said if event == "task_failed")
    assert wrong == 3 * ["FileExistsError"] + ["ZeroDivisionError"]
    assert set(small.handed().values()) == {1}


def test_a_worker_begins_nothing_while_its_clock_is_in_doubt(shop: Shop, small: SmallRun) -> None:
    small.plan()
    small.crash(after=1, owner="somebody else")
    doubt: list[timedelta | None] = [timedelta(days=1)]
    shop.workshop.jumped = lambda: doubt[0]
    small.pass_time(days=1)  # as far as the leases of others are concerned

    for _ in range(2):
        assert shop.workshop.perform(Task("dispatch", 1)) is False
        shop.workshop.sweep()
    assert small.outcomes() == {}

    doubt[0] = None
    shop.workshop.sweep()
    assert small.counts()["in_doubt"] == 3
    assert [event for event in shop.events() if "clock" in event] == [
        "clock_jumped", "clock_steady",
    ]  # fmt: skip


def test_a_clock_that_jumps_in_the_middle_of_a_task_ends_it_after_its_window(
    shop: Shop, small: SmallRun
) -> None:
    small.plan()
    doubt: list[timedelta | None] = [None]

    def jump(_message: Message) -> Outcome | None:
        doubt[0] = timedelta(hours=-1)
        return None

    shop.jumped = lambda: doubt[0]
    for gateway in small.gateways.values():
        gateway.answer = jump
    shop.workshop.perform(Task("dispatch", 1))

    assert small.counts() == {"accepted": small.window, "ready": len(FIVE) - small.window}


@pytest.mark.parametrize("seconds", [-3600, -10, 0, 10, 3600])
@on_postgresql
def test_a_worker_whose_clock_is_not_the_database_s_works_nothing(
    shop: Shop, small: SmallRun, seconds: int
) -> None:
    small.plan()
    away = timedelta(seconds=seconds)
    shop.workshop.clock = lambda: datetime.now(UTC) + away
    shop.workshop.beat()

    assert shop.workshop.perform(Task("dispatch", 1)) is (seconds == 0)
    assert bool(small.outcomes()) is (seconds == 0)

    shop.workshop.clock = lambda: datetime.now(UTC)
    shop.workshop.beat()
    shop.workshop.perform(Task("dispatch", 1))
    assert small.outcomes()
    assert shop.events() == ([] if seconds == 0 else ["clock_drift", "clock_agrees"])


def test_what_is_left_of_a_task_is_submitted_when_its_time_is_up(
    shop: Shop, small: SmallRun
) -> None:
    def time_is_up(_message: Message) -> Outcome | None:
        shop.asked.set()
        return None

    small.plan()
    submitted: list[Task] = []
    small.database.submit = lambda tx, tasks: submitted.extend(tasks)
    with small.database.reading() as conn:
        (task,) = work.due(conn, small.now)
    small.gateways["sms-file"].answer = time_is_up

    shop.workshop.perform(task)

    assert submitted == [task]
    assert sum(small.handed().values()) == small.window


def test_a_batch_whose_sender_gave_up_rests_before_it_is_tried_again(
    shop: Shop, small: SmallRun
) -> None:
    from outreach.channels import ChannelUnavailable

    def down(_message: Message) -> Outcome | None:
        raise ChannelUnavailable("sms-file: nobody answers")

    small.plan()
    submitted: list[Task] = []
    small.database.submit = lambda tx, tasks: submitted.extend(tasks)
    with small.database.reading() as conn:
        (task,) = work.due(conn, small.now)
    small.gateways["sms-file"].answer = down

    shop.workshop.perform(task)
    shop.workshop.perform(task)

    later = [one.not_before for one in submitted]
    assert len(later) == 2
    assert all(moment and moment > small.now for moment in later), "not at once"
    assert shop.events() == ["sender_stopped"], "told once"


def test_a_batch_of_a_limited_sender_stands_behind_all_others(
    shop: Shop, small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.plan()
    submitted: list[Task] = []
    small.database.submit = lambda tx, tasks: submitted.extend(tasks)
    with small.database.reading() as conn:
        (task,) = work.due(conn, small.now)
    thousand = Limits("sms-file", Limit(per_second=1000.0))
    usual = local

    def limited(small: SmallRun, stopping: Callable[[], bool]) -> steps.Local:
        engine = usual(small, stopping)
        return replace(engine, sending=replace(engine.sending, limits=lambda sender: thousand))

    monkeypatch.setattr("tests.test_worker.local", limited)
    shop.workshop.perform(task)
    assert (submitted, sum(small.handed().values())) == ([task._replace(slow=True)], 0)

    shop.workshop.perform(submitted[0])

    assert sum(small.handed().values()) == 5


@on_postgresql
def test_what_is_slow_is_fetched_last(queue: Queue) -> None:
    with queue.database.begin() as tx:
        queue.submit_all(tx, [Task("dispatch", 1, slow=True), Task("dispatch", 2)])
    query = text(
        "SELECT queueing_lock FROM outreach_jobs.procrastinate_jobs ORDER BY priority DESC, id"
    )
    with queue.database.reading() as conn:
        assert list(conn.execute(query).scalars()) == ["dispatch:2", "dispatch:1"]


def test_trouble_is_said_once_and_its_end_too(
    shop: Shop, small: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    from outreach.store.database import DatabaseProblem

    def trouble(*_: Any) -> None:
        raise DatabaseProblem("the database server went away")

    with monkeypatch.context() as patched:
        patched.setattr(steps, "perform", trouble)
        shop.workshop.perform(Task("plan", small.run_id))
        shop.workshop.perform(Task("plan", small.run_id))
    shop.workshop.perform(Task("plan", small.run_id))

    assert shop.events() == ["database_trouble", "database_back"]


def test_a_fault_of_ours_ends_the_task_and_not_the_worker(shop: Shop) -> None:
    shop.workshop.perform(Task("nonsense", 1))

    ((event, facts),) = shop.said
    assert (event, facts["error"]) == ("task_failed", "ValueError")
    assert "steps.py:" in facts["where"]


def test_a_changed_config_is_worked_by_from_the_next_task_on(shop: Shop, small: SmallRun) -> None:
    shop.workshop.perform(Task("close", small.run_id))
    shop.workshop.perform(Task("close", small.run_id))
    assert shop.opened == 1

    shop.config = "two"
    shop.workshop.perform(Task("close", small.run_id))

    assert shop.opened == 2


def test_two_hands_on_one_task_do_it_once(shop: Shop, small: SmallRun) -> None:
    small.plan()
    with small.database.reading() as conn:
        (task,) = work.due(conn, small.now)

    shop.workshop.perform(task)
    shop.workshop.perform(task)

    assert set(small.handed().values()) == {1}
    with small.database.reading() as conn:
        found = runs.load(conn, small.run_id)
    assert found is not None
    assert found["state"] == "finished"

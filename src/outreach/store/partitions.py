"""Months of the tables that grow with every message, on PostgreSQL: made ahead, listed, detached.

Each of these tables is divided by ranges of the id its key begins with, so that its primary key
holds over all of them. At the first look in a month the counter of the ids moves on to where that
month's partition begins: rows and months agree, though no row says its month. Names and bounds in
the catalog are the whole register:

    message_first    all up to the month the table was divided in
    message_202612   what was made in December 2026
    message_rest     what no other has a place for; `doctor` warns when it holds anything
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select, text

from outreach.store.database import Database, DatabaseProblem
from outreach.store.tables import id_block, run, window

AHEAD: Final = 3  # months that are made before they come
YEARS_KEPT: Final = 20  # records are kept for twenty years (Securities Law of the PRC, article 153)
_LOCK: Final = 4_021_202_612  # one process makes partitions at a time
_WAIT: Final = "5s"  # for a lock; whoever sends does not wait longer behind us


class Divided(NamedTuple):
    """A divided table: by which column, what counts its ids, how many a month has room for."""

    table: str
    key: str
    counter: str  # a name in id_block, or a table whose own sequence counts
    step: int  # at least


DIVIDED: Final = (
    Divided("decision", "run_id", "run.id", 1_000),
    Divided("message", "id", "message", 10_000_000),
    Divided("outcome", "window_id", "window.id", 1_000_000),
    Divided("receipt", "id", "receipt", 10_000_000),
)


class Partition(NamedTuple):
    """One partition as the catalog knows it. Its ids go from `low` (None: all below) up to, but not
    including, `high` (None: the one for what has no other place)."""

    table: str
    name: str
    low: int | None
    high: int | None
    rows: int  # by the planner's estimate; -1: not known yet
    size: int  # bytes with indexes

    @property
    def month(self) -> str:
        """2026-12, `first` or `rest`."""
        last = self.name.rpartition("_")[2]
        return f"{last[:4]}-{last[4:]}" if last.isdecimal() else last


_CATALOG = text("""
    SELECT p.relname AS parent, c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bound,
           c.reltuples::bigint AS rows, pg_total_relation_size(c.oid) AS size
    FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid
    JOIN pg_class p ON p.oid = i.inhparent
    WHERE p.relkind = 'p' AND p.relname = :parent AND pg_table_is_visible(p.oid)
""")


def listed(conn: Connection, table: str) -> list[Partition]:
    """The partitions of a table, oldest first, the one for the rest last."""
    if conn.dialect.name == "sqlite":
        return []
    found = []
    for parent, name, bound, rows, size in conn.execute(_CATALOG, {"parent": table}):
        low, high = _ends(bound)
        found.append(Partition(parent, name, low, high, rows, size))
    return sorted(found, key=lambda one: (one.high is None, one.low or 0))


def _ends(bound: str) -> tuple[int | None, int | None]:
    """FOR VALUES FROM ('10') TO ('20'), FROM (MINVALUE) TO ('10'), DEFAULT."""
    if bound == "DEFAULT":
        return None, None
    low, high = (part.strip("'()") for part in bound.partition(" FROM ")[2].split(" TO "))
    return (None if low == "MINVALUE" else int(low)), int(high)


# --- counters --------------------------------------------------------------------------------


def _next_id(conn: Connection, one: Divided) -> int:
    """The next id that will be handed out."""
    if "." not in one.counter:
        query = text("SELECT next FROM id_block WHERE name = :name")
        return int(conn.execute(query, {"name": one.counter}).scalar() or 1)
    query = text(f"SELECT last_value + is_called::int FROM {_sequence(conn, one)}")  # noqa: S608
    return int(conn.execute(query).scalar_one())


def _sequence(conn: Connection, one: Divided) -> str:
    table, _, column = one.counter.partition(".")
    query = text("SELECT pg_get_serial_sequence(:table, :column)")
    return str(conn.execute(query, {"table": f'"{table}"', "column": column}).scalar_one())


def _move_on(tx: Connection, one: Divided, to: int) -> None:
    """Hand out no id below `to` any more. Whoever has one already may still use it."""
    if "." in one.counter:
        tx.execute(text("SELECT setval(:name, :to, false)"), {"name": _sequence(tx, one), "to": to})
        return
    tx.execute(
        text(
            "INSERT INTO id_block (name, next) VALUES (:name, :to)"
            " ON CONFLICT (name) DO UPDATE SET next = greatest(id_block.next, excluded.next)"
        ),
        {"name": one.counter, "to": to},
    )


# --- made ahead ------------------------------------------------------------------------------


class Kept(NamedTuple):
    """What a look after the partitions did."""

    made: tuple[str, ...]
    begun: tuple[str, ...]  # months whose ids are handed out from now on


def keep(database: Database, now: datetime) -> Kept:
    """Make the partitions of the coming months, and begin this month's. Safe to repeat, and for
    several processes at once; does nothing on SQLite.

    Raises DatabaseProblem when somebody holds a lock for long: the next look does it.
    """
    made: list[str] = []
    begun: list[str] = []
    if database.sqlite:
        return Kept((), ())
    for one in DIVIDED:
        with database.reading() as conn:
            if not _due(conn, one, now):
                continue
        with database.begin() as tx:
            tx.execute(text(f"SET LOCAL lock_timeout = '{_WAIT}'"))
            tx.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            made += _make(tx, one, now)
            begun += _begin(tx, one, now)
    return Kept(tuple(made), tuple(begun))


def _due(conn: Connection, one: Divided, now: datetime) -> bool:
    known = listed(conn, one.table)
    if not known:
        return False
    names = {part.name for part in known}
    if any(f"{one.table}_{month:%Y%m}" not in names for month in _coming(now)):
        return True
    this = next((part for part in known if part.name == f"{one.table}_{now:%Y%m}"), None)
    return this is not None and _next_id(conn, one) < (this.low or 0)


def _coming(now: datetime) -> list[date]:
    """The months after this one that are to be there."""
    months = (now.year * 12 + now.month - 1 + ahead for ahead in range(1, AHEAD + 1))
    return [date(month // 12, month % 12 + 1, 1) for month in months]


def _make(tx: Connection, one: Divided, now: datetime) -> Iterator[str]:
    """The months that are missing, one after another from where the last ends."""
    known = [part for part in listed(tx, one.table) if part.high is not None]
    names = {part.name for part in known}
    low, next_id = known[-1].high or 0, _next_id(tx, one)
    used = next_id - max(part.low or 0 for part in known if (part.low or 0) <= next_id)
    # Twenty times what this month has used so far, so that a month outgrows its place only if
    # the firm grows twentyfold in three months; then its rows stand in the next one's.
    width = rounded_up(20 * used, one.step)
    low = max(low, _first_free(tx, one, low))
    for month in _coming(now):
        name = f"{one.table}_{month:%Y%m}"
        if name in names:
            continue
        _make_one(tx, one, name, f"FROM ({low}) TO ({low + width})")
        low += width
        yield name


def _first_free(tx: Connection, one: Divided, low: int) -> int:
    """From where on there is nothing in the rest: a new partition may not take what is there."""
    query = f"SELECT max({one.key}) FROM {one.table}_rest"  # noqa: S608
    highest = tx.execute(text(query)).scalar()
    return low if highest is None else max(low, rounded_up(highest + 1, one.step))


def _make_one(tx: Connection, one: Divided, name: str, ends: str) -> None:
    """Made beside the table and attached to it, so that whoever writes to the others goes on."""
    tx.execute(text(f"CREATE TABLE {name} (LIKE {one.table}_rest INCLUDING ALL)"))
    tx.execute(text(f"ALTER TABLE {one.table} ATTACH PARTITION {name} FOR VALUES {ends}"))


def _begin(tx: Connection, one: Divided, now: datetime) -> Iterator[str]:
    name = f"{one.table}_{now:%Y%m}"
    this = next((part for part in listed(tx, one.table) if part.name == name), None)
    if this is not None and this.low is not None and _next_id(tx, one) < this.low:
        _move_on(tx, one, this.low)
        yield name


def rounded_up(n: int, step: int) -> int:
    """The next multiple of a step, at least one step."""
    return max(-(-n // step), 1) * step


def highest(conn: Connection) -> dict[str, int]:
    """By divided table: the highest of its key that was ever handed out, on either database."""
    sources = {"run.id": run.c.id, "window.id": window.c.id}
    found = {}
    for one in DIVIDED:
        if one.counter in sources:
            query = select(func.max(sources[one.counter]))
        else:
            query = select(id_block.c.next).where(id_block.c.name == one.counter)
        found[one.table] = int(conn.execute(query).scalar() or 0)
    return found


def make_room(tx: Connection, ids: Mapping[str, int]) -> None:
    """Divide empty tables anew, the first partition of each reaching beyond the ids that are to
    come in: {table: the highest of its key}. Raises DatabaseProblem for a table with rows."""
    for one in DIVIDED:
        query = f"SELECT EXISTS (SELECT 1 FROM {one.table})"  # noqa: S608
        if tx.execute(text(query)).scalar_one():
            raise DatabaseProblem(f"{one.table} holds rows; it is not divided anew")
        for part in listed(tx, one.table):
            if part.high is not None:
                tx.execute(text(f"ALTER TABLE {one.table} DETACH PARTITION {part.name}"))
                tx.execute(text(f"DROP TABLE {part.name}"))
        high = rounded_up(ids.get(one.table, 0) + one.step, one.step)
        _make_one(tx, one, f"{one.table}_first", f"FROM (MINVALUE) TO ({high})")


# --- looked at, and detached -----------------------------------------------------------------


def warnings(conn: Connection, now: datetime) -> list[str]:
    """What is wrong with the partitions, each in a sentence."""
    found = []
    for one in DIVIDED:
        known = listed(conn, one.table)
        if not known:
            continue
        names = {part.name for part in known}
        missing = [
            f"{month:%Y-%m}" for month in _coming(now) if f"{one.table}_{month:%Y%m}" not in names
        ]
        if missing:
            found.append(f"{one.table} has no partition for {', '.join(missing)}")
        rest = text(f"SELECT EXISTS (SELECT 1 FROM {one.table}_rest)")  # noqa: S608
        if conn.execute(rest).scalar_one():
            found.append(f"{one.table}_rest holds rows: partitions were made too late")
    return found


def detach(tx: Connection, name: str, now: datetime) -> Partition:
    """Take a month's partition out of its table; it stays in the database as a table of its own,
    for whoever archives it. Raises DatabaseProblem before its records may go."""
    part = next((p for one in DIVIDED for p in listed(tx, one.table) if p.name == name), None)
    if part is None:
        raise DatabaseProblem(f"there is no partition {name}; `outreach db partitions` lists them")
    if not part.month[:4].isdecimal():
        raise DatabaseProblem(f"{name} is no month; only months are detached")
    year, month = map(int, part.month.split("-"))
    free_from = datetime(year + YEARS_KEPT + month // 12, month % 12 + 1, 1, tzinfo=now.tzinfo)
    if now < free_from:
        raise DatabaseProblem(
            f"{name} holds records that are kept for {YEARS_KEPT} years, until {free_from:%Y-%m-%d}"
        )
    tx.execute(text(f"ALTER TABLE {part.table} DETACH PARTITION {part.name}"))
    return part

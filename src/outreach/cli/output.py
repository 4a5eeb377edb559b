"""How a command speaks: tables for people, one JSON document for scripts, progress on stderr."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from rich.console import Console

    from outreach.cli.door import Door
    from outreach.cli.layout import Grid

# Columns whose numbers are names: 12345, not 12,345.
IDS: Final = frozenset({"run", "id", "message", "approval", "entry", "book", "client"})


def console() -> "Console":
    """Standard output. Wide when it is no terminal, so that pipes are not folded; COLUMNS rules."""
    from rich.console import Console

    out = Console(highlight=False, soft_wrap=False)
    if out.is_terminal or "COLUMNS" in os.environ:
        return out
    return Console(highlight=False, width=max(out.width, 140))


def emit_json(document: Any) -> None:
    """The one JSON document of a `--json` command."""
    import orjson

    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
    sys.stdout.write(orjson.dumps(document, default=_plain, option=options).decode())


def emit_stream(rows: Iterable[Any]) -> None:
    """A JSON list written as its rows come, one a line: memory does not grow with it."""
    import orjson

    before = "["
    for row in rows:
        sys.stdout.write(f"{before}\n  {orjson.dumps(row, default=_plain).decode()}")
        before = ","
    sys.stdout.write("[]\n" if before == "[" else "\n]\n")


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return str(value)


class Marked(NamedTuple):
    """A cell that stands out on a terminal."""

    text: str
    style: str


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, zone: str = "UTC"
) -> "Grid":
    """A table whose numeric columns are right-aligned. Empty cells show as nothing; moments show
    on the clock of `zone`, to the minute. Where a terminal is too narrow no word is cut and no
    column lost: empty columns go first, then long texts fold, then each row is a record."""
    from outreach.cli.layout import Column, Grid

    clock = ZoneInfo(zone)
    kept = [list(row) for row in rows]
    made = []
    for index, column in enumerate(columns):
        values = [row[index] for row in kept]
        cells = [_cell(value, clock, names=column in IDS) for value in values]
        told = [cell for cell, value in zip(cells, values, strict=True) if value is not None]
        numeric = bool(told) and all(map(_is_number, told)) and column != "client"
        made.append(Column(column.replace("_", " "), cells, right=numeric, whole=numeric))
    return Grid(title, made)


def _cell(value: Any, clock: ZoneInfo, *, names: bool) -> str:
    from rich.markup import escape

    if value is None:
        return ""
    if isinstance(value, Marked):
        return f"[{value.style}]{escape(value.text)}[/]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and not names:
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, datetime):
        return moment(value, clock)
    return escape(str(value))


def moment(at: datetime, clock: ZoneInfo) -> str:
    """A moment for people, to the minute: `2026-09-28 15:30`."""
    return f"{at.astimezone(clock):%Y-%m-%d %H:%M}"


def number_of(n: int, noun: str, many: str = "") -> str:
    """So many of something: `1 message`, `3,052 messages`."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {many or noun + 's'}"


def lasting(seconds: float) -> str:
    """A length of time as people say it: `40 s`, `12 min`, `6 h 30 min`, `3 days 4 h`."""
    if seconds < 90:
        return f"{seconds:,.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days:,} days {hours} h" if hours else f"{days:,} days"


def some_of(names: Sequence[str], most: int = 3) -> str | None:
    """The first few of many names: `000012, 000017 and 40 more`; None for none."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more or None


def _is_number(cell: str) -> bool:
    return cell.replace(",", "").replace(".", "", 1).replace("%", "").lstrip("-").isdigit()


def emit_rows(
    door: "Door",
    title: str,
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str] = (),
    extra: Sequence[str] = (),
) -> None:
    """A list: a table for people (digests shortened, moments on the firm's clock), the same rows
    in full as JSON. Columns in `extra` show where the terminal is wide enough."""
    if door.json:
        emit_json(list(rows))
        return
    if not rows:
        console().print(f"{title}: none")
        return
    out, more = console(), list(extra)
    unbounded = out.options.update(width=1000)
    while True:
        names = [*(columns or rows[0]), *more]
        shown = [[_short(name, row.get(name)) for name in names] for row in rows]
        made = table(title, names, shown, zone=door.config.firm.zone)
        if not more or out.measure(made, options=unbounded).maximum <= out.width:
            break
        more.pop()
    out.print(made)


def _short(column: str, value: Any) -> Any:
    return f"{value[:12]}…" if column.endswith("digest") and isinstance(value, str) else value


def say(door: "Door", *lines: str) -> None:
    """Sentences for people, as they are: brackets are no markup. Silent with --json."""
    if not door.json:
        out = console()
        for line in lines:
            out.print(line, markup=False, emoji=False)


def next_step(door: "Door", *commands: str) -> None:
    """The next useful commands, printed last."""
    if not door.json and commands:
        out = console()
        out.print("Next:", style="dim")
        for command in commands:
            out.print(f"  {command}", style="cyan")


class Ticker(Protocol):
    """What a verb calls as it goes on: how much is done, and of how much when that is known. A new
    label begins a new stretch of work, with a rate of its own."""

    def __call__(self, done: int, total: int | None = None, label: str | None = None) -> None: ...


def watched(door: "Door") -> bool:
    """Whether somebody sees a progress bar: only on a terminal and never with --json."""
    return not door.json and sys.stderr.isatty()


@contextmanager
def progress(door: "Door", label: str, total: int | None = None) -> Iterator[Ticker]:
    """A bar with rate and time left on stderr, when it is `watched`."""
    if not watched(door):
        yield lambda done, total=None, label=None: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}"),
        TextColumn("{task.fields[rate]}"), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        number = bar.add_task(label, total=total, count="", rate="")
        task = bar.tasks[0]

        def tick(done: int, total: int | None = None, label: str | None = None) -> None:
            if label is not None and label != task.description:
                bar.reset(number, description=label, total=total, count="", rate="")
            whole, elapsed = total or task.total, task.elapsed or 0.0
            bar.update(
                number,
                completed=done,
                total=whole,
                count=f"{done:,}/{whole:,.0f}" if whole else f"{done:,}",
                rate=f"{done / elapsed:,.0f}/s" if elapsed > 0.2 else "",
            )

        yield tick

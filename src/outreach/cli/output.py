"""How a command speaks: tables for people, one JSON document for scripts, progress on stderr."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from outreach.cli.door import Door


def console() -> "Console":
    """Standard output. Wide when it is no terminal, so that pipes are not folded."""
    from rich.console import Console

    out = Console(highlight=False, soft_wrap=False)
    return out if out.is_terminal else Console(highlight=False, width=max(out.width, 140))


def emit_json(document: Any) -> None:
    """The one JSON document of a `--json` command."""
    import orjson

    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
    sys.stdout.write(orjson.dumps(document, default=_plain, option=options).decode())


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return str(value)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> "Table":
    """A table whose numeric columns are right-aligned. Empty cells show as nothing."""
    from rich import box
    from rich.table import Table

    shown = [[_cell(value) for value in row] for row in rows]
    raw = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for index, column in enumerate(columns):
        cells = [row[index] for row in shown if row[index]]
        numeric = bool(cells) and all(_is_number(cell) for cell in cells)
        raw.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in shown:
        raw.add_row(*row)
    return raw


def _cell(value: Any) -> str:
    from rich.markup import escape

    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return escape(str(value))


def _is_number(cell: str) -> bool:
    return cell.replace(",", "").replace(".", "", 1).replace("%", "").lstrip("-").isdigit()


def emit_rows(
    door: "Door", title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()
) -> None:
    """A list: a table for people, the same rows as JSON."""
    if door.json:
        emit_json(list(rows))
        return
    if not rows:
        console().print(f"{title}: none")
        return
    names = list(columns) or list(rows[0])
    console().print(table(title, names, [[row.get(name) for name in names] for row in rows]))


def say(door: "Door", *lines: str) -> None:
    """Sentences for people; silent with --json."""
    if not door.json:
        out = console()
        for line in lines:
            out.print(line)


def next_step(door: "Door", *commands: str) -> None:
    """The next useful commands, printed last."""
    if not door.json and commands:
        out = console()
        out.print("Next:", style="dim")
        for command in commands:
            out.print(f"  {command}", style="cyan")


class Ticker(Protocol):
    """What a verb calls as it goes on: how much is done, and of how much when that is known."""

    def __call__(self, done: int, total: int | None = None) -> None: ...


@contextmanager
def progress(door: "Door", label: str, total: int | None = None) -> Iterator[Ticker]:
    """A bar with rate and time left on stderr, only on a terminal and never with --json."""
    from rich.console import Console

    err = Console(stderr=True)
    if door.json or not err.is_terminal:
        yield lambda done, total=None: None
        return
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}" if total else "{task.completed:,.0f}"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(label, total=total, rate="")

        def tick(done: int, total: int | None = None) -> None:
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = f"{done / elapsed:,.0f}/s" if elapsed > 0.2 else ""
            bar.update(task, completed=done, rate=rate, total=total or bar.tasks[0].total)

        yield tick

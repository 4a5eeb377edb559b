"""`outreach bounce`: what returned mail says, tried by hand with the code the program uses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from outreach.cli.door import BAD_DATA, Door, Failure
from outreach.cli.output import console, emit_json, table

app = typer.Typer(no_args_is_help=True, help="Returned mail: what it says of each recipient.")

COLUMNS = ("file", "recipient", "class", "status", "diagnostic", "suppress")


@app.callback()
def only() -> None:
    """Returned mail: what it says of each recipient."""


@app.command()
def classify(
    context: typer.Context,
    files: Annotated[
        list[str],
        typer.Argument(help="Mails, mbox files or Maildir folders; - reads one from stdin."),
    ],
) -> None:
    """Say of each recipient of each returned mail what became of it, and whether nothing more may
    go there. Writes nothing: no address is suppressed by this command."""
    door: Door = context.obj
    missing = [one for one in files if one != "-" and not Path(one).exists()]
    if missing:
        raise Failure(BAD_DATA, [f"{one}: there is no such file or folder" for one in missing])
    rows = [row for file in files for name, data in _mails(file) for row in _rows(name, data)]
    if door.json:
        emit_json(rows)
        return
    console().print(
        table("Returned mail", COLUMNS, [[row[name] for name in COLUMNS] for row in rows])
    )


def _rows(name: str, data: bytes) -> list[dict[str, Any]]:
    from outreach.core import bounce
    from outreach.core.masking import masked_email, masked_text

    report = bounce.classify(data)
    return [
        {
            "file": name,
            "recipient": masked_email(row.recipient) or None,
            "class": row.kind.value,
            "status": row.status or None,
            "diagnostic": masked_text(row.diagnostic) or None,
            "suppress": row.suppresses,
            "counts": row.counts,
            "action": row.action or None,
            "remote": row.remote or None,
        }
        for row in report.rows
    ]


def _mails(file: str) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of every mail of a file or folder; of each as much as is looked at."""
    from outreach.core.bounce import LARGEST

    path = Path(file)
    if file == "-":
        yield file, typer.get_binary_stream("stdin").read(LARGEST)
    elif path.is_dir():
        yield from _maildir(path, LARGEST)
    else:
        with path.open("rb") as opened:
            data = opened.read(LARGEST)
        if data.startswith(b"From "):
            yield from _mbox(path, LARGEST)
        else:
            yield file, data


def _maildir(folder: Path, most: int) -> Iterator[tuple[str, bytes]]:
    if not (folder / "new").is_dir() and not (folder / "cur").is_dir():
        raise Failure(BAD_DATA, f"{folder}: is no Maildir; it has neither new/ nor cur/")
    for place in ("new", "cur"):
        for path in sorted((folder / place).glob("*")):
            if path.is_file():
                with path.open("rb") as opened:
                    yield str(path), opened.read(most)


def _mbox(path: Path, most: int) -> Iterator[tuple[str, bytes]]:
    import mailbox

    box = mailbox.mbox(path, create=False)
    try:
        for number, key in enumerate(box.keys(), start=1):
            yield f"{path}#{number}", box.get_file(key).read(most)
    finally:
        box.close()

"""`outreach audit`: prove that nobody altered the log, seal it, prove one record of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from outreach.cli.audit_entries import entries
from outreach.cli.audit_event import event
from outreach.cli.door import AUDIT_FAILED, BAD_DATA, USAGE, Door, Failure
from outreach.cli.output import emit_json, next_step, progress, say

if TYPE_CHECKING:
    from outreach.prove import Inclusion, Proof
    from outreach.verify import Verification

app = typer.Typer(no_args_is_help=True, help="The audit log: verify, read, seal and prove it.")
app.command()(entries)
app.command()(event)

_SECRET = "OUTREACH_SECRET_AUDIT"  # noqa: S105


@app.command()
def verify(
    context: typer.Context,
    key: Annotated[
        list[str] | None,
        typer.Option(help="A verifier key (NAME+HASH+KEY) checkpoints may be signed with."),
    ] = None,
    note: Annotated[
        list[Path] | None,
        typer.Option(help="A checkpoint kept elsewhere, to hold the log against."),
    ] = None,
) -> None:
    """Recompute everything, from the rows up. Exit code 4 names the first broken record."""
    from outreach import verify as verb

    door: Door = context.obj
    keys = _public_keys(key or [])
    notes = [(str(path), _read(path)) for path in note or []]
    with progress(door, "audit entries") as tick:
        found = verb.verify(door.database, tick, keys, notes)
    if door.json:
        emit_json(_verification(found))
    if found.first_bad:
        bad = found.first_bad
        raise Failure(AUDIT_FAILED, f"{bad.what}: {bad.why} ({bad.where})")
    _say_verified(door, found, bool(keys))


def _verification(found: "Verification") -> dict[str, Any]:
    bad = found.first_bad
    return {
        "ok": found.ok,
        "entries": found.entries,
        "rows": found.rows,
        "checkpoints": found.checkpoints,
        "signatures": found.signatures,
        "tree_size": found.tree_size,
        "root": found.root.hex(),
        "first_bad": {"what": bad.what, "where": bad.where, "why": bad.why} if bad else None,
    }


def _say_verified(door: Door, found: "Verification", keyed: bool) -> None:
    say(
        door,
        f"The log stands. Entries: {found.entries:,}; rows they answer for: {found.rows:,};"
        f" checkpoints: {found.checkpoints:,}, with checked signature {found.signatures:,}.",
        f"Root {found.root.hex()}",
    )
    if found.checkpoints and not keyed:
        say(door, f"Signatures were not checked: set {_SECRET}, or give --key.")
    if not found.checkpoints:
        next_step(door, "outreach audit checkpoint")


@app.command()
def checkpoint(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option(help="Write the note to this file, to keep it elsewhere.")
    ] = None,
    actor: Annotated[str, typer.Option("--as", help="Who seals it.")] = "",
) -> None:
    """Seal the log as it stands, signed with OUTREACH_SECRET_AUDIT. Keep a copy elsewhere."""
    from outreach.core import note
    from outreach.store import audit

    door: Door = context.obj
    seed = _seed()
    try:
        origin = note.origin_of(door.config.firm.website)
    except ValueError as error:
        raise Failure(BAD_DATA, f"{door.config_path}: firm.website: {error}") from None
    with door.database.begin() as tx:
        made = audit.write_checkpoint(tx, origin, door.now(), actor or door.actor, seed)
    public = note.verifier_key(origin, note.public_key(seed)) if seed else None
    if out is not None:
        out.write_text(made.note, encoding="utf-8")
    if door.json:
        sealed = {"id": made.id, "size": made.size, "root": made.root.hex(), "at": made.at}
        emit_json({**sealed, "note": made.note, "key": public})
        return
    typer.echo(made.note, nl=False)
    if public:
        say(door, "", f"Verifier key: {public}")
    else:
        say(door, "", f"Not signed: {_SECRET} is not set (`openssl rand -base64 32` makes one).")


@app.command()
def prove(
    context: typer.Context,
    entry: Annotated[int, typer.Argument(help="The entry's number, from 0.", min=0)],
    row: Annotated[
        str, typer.Option(help="The key of a row that the entry covers, such as 3,8812.")
    ] = "",
) -> None:
    """Prove that one entry is in the sealed log, without showing the others."""
    from outreach import prove as verb

    door: Door = context.obj
    try:
        proof = verb.prove(door.database, entry, tuple(row.split(",")) if row else ())
    except LookupError as error:
        raise Failure(USAGE, str(error)) from None
    except ValueError as error:
        raise Failure(AUDIT_FAILED, f"{error}; run `outreach audit verify`") from None
    if door.json:
        emit_json(_proof(proof))
        return
    typer.echo("\n".join(_proof_lines(proof, entry)))


def _proof(proof: "Proof") -> dict[str, Any]:
    sealed = proof.checkpoint
    return {
        "entry": _inclusion(proof.entry),
        "checkpoint": sealed.note if sealed else None,
        "row": _inclusion(proof.row) if proof.row else None,
    }


def _inclusion(one: "Inclusion") -> dict[str, Any]:
    return {
        "record": one.record.decode(),
        "leaf": one.leaf.hex(),
        "index": one.index,
        "size": one.size,
        "proof": [node.hex() for node in one.path],
        "root": one.root.hex(),
    }


def _proof_lines(proof: "Proof", seq: int) -> list[str]:
    lines = _inclusion_lines(f"Entry {seq}", proof.entry)
    if proof.checkpoint:
        lines += ["", f"Checkpoint {proof.checkpoint.id}:", proof.checkpoint.note.rstrip("\n")]
    else:
        lines += ["", "No checkpoint holds this entry yet: outreach audit checkpoint"]
    if proof.row:
        lines += ["", *_inclusion_lines("The row", proof.row)]
    return lines


def _inclusion_lines(what: str, one: "Inclusion") -> list[str]:
    shown = one.record if len(one.record) <= 1000 else one.record[:1000] + b"..."
    return [
        f"{what} is leaf {one.index} of {one.size:,}",
        f"  record {shown.decode(errors='replace')}",
        f"  leaf   {one.leaf.hex()}",
        *(f"  with   {node.hex()}" for node in one.path),
        f"  root   {one.root.hex()}",
    ]


def _seed() -> bytes | None:
    """The signing key, None where none is set."""
    from outreach.core import note
    from outreach.project.secrets import secret

    written = secret("audit")
    if written is None:
        return None
    try:
        return note.read_seed(written)
    except ValueError as error:
        raise Failure(BAD_DATA, f"{_SECRET} is no key: {error}") from None


def _public_keys(lines: list[str]) -> list[bytes]:
    """The keys given, and the one of our own seed."""
    from outreach.core import note

    seed = _seed()
    keys = [note.public_key(seed)] if seed else []
    for line in lines:
        read = note.read_verifier_key(line)
        if read is None:
            raise Failure(USAGE, f"--key {line!r} is no verifier key; it looks like NAME+HASH+KEY")
        keys.append(read[1])
    return keys


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(BAD_DATA, f"{path}: cannot be read: {error}") from None

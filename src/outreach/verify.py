"""Prove the log: every entry, every row it answers for, every checkpoint, in one read snapshot.

Nothing is trusted that is stored: hashes are computed anew from the rows. The first record that
does not stand up is named, in the order of the log; then rows nobody logged, and last what may
change (counters, states of runs, blocks) and is not what follows from the log.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from outreach.core import merkle, note
from outreach.core.merkle import Frontier
from outreach.store.audit import Head, Stored
from outreach.store.covered import recorded_among
from outreach.store.database import Database
from outreach.store.log_snapshot import LogSnapshot, log_snapshot
from outreach.store.standing import left_in


@dataclass(frozen=True, slots=True)
class Bad:
    """The first broken record: what it is, where the log speaks of it, and why it is broken."""

    what: str
    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was checked, up to the first broken record."""

    ok: bool
    entries: int
    rows: int
    checkpoints: int
    signatures: int  # checkpoints whose signature was checked
    tree_size: int  # as the head says
    root: bytes  # as the head says
    first_bad: Bad | None


@dataclass(slots=True)
class _Checked:
    """What has been found right so far."""

    frontier: Frontier = field(default_factory=Frontier)
    rows: Counter[str] = field(default_factory=Counter)
    runs: dict[str, str] = field(default_factory=dict)  # the state the log left each in
    latest_at: datetime | None = None
    checkpoints: int = 0
    signatures: int = 0

    def take(self, entry: Stored) -> None:
        """Go on by an entry."""
        self.frontier = self.frontier.append([entry.leaf])
        if entry.covers_table is not None:
            self.rows[entry.covers_table] += entry.covers_count or 0
        if state := left_in(entry):
            self.runs[entry.subject] = state
        self.latest_at = max(self.latest_at or entry.at, entry.at)


@dataclass(frozen=True, slots=True)
class _Seal:
    """One checkpoint to hold the tree against: our own, or a copy kept elsewhere."""

    called: str
    text: str
    size: int
    root: bytes
    signature_due: bool


def verify(
    database: Database,
    progress: Callable[[int, int], None] | None = None,
    public_keys: Sequence[bytes] = (),
    notes: Sequence[tuple[str, str]] = (),
) -> Verification:
    """Check the whole log.

    With `public_keys` (Ed25519), every signed checkpoint must bear the signature of one of them.
    `notes` are checkpoints kept elsewhere, as (what to call it, note): the log must be their
    continuation, and with `public_keys` they must be signed. `progress` is told how many entries
    are done, and of how many.
    """
    checked = _Checked()
    with log_snapshot(database) as log:
        head = log.head()
        faults = _faults(log, head, checked, _Keys(tuple(public_keys)), notes, progress)
        first_bad = next(faults, None)
        faults.close()
    return Verification(
        ok=first_bad is None,
        entries=checked.frontier.size,
        rows=checked.rows.total(),
        checkpoints=checked.checkpoints,
        signatures=checked.signatures,
        tree_size=head.size,
        root=head.root,
        first_bad=first_bad,
    )


def _faults(
    log: LogSnapshot,
    head: Head,
    checked: _Checked,
    keys: "_Keys",
    notes: Sequence[tuple[str, str]],
    progress: Callable[[int, int], None] | None,
) -> Generator[Bad]:
    """Everything that is wrong, the first first. Lazy: whoever takes one does no more work."""
    seals: dict[int, list[_Seal]] = defaultdict(list)
    for seal in [*_own_seals(log), *_foreign_seals(notes)]:
        seals[seal.size].append(seal)
    for entry in log.entries():
        yield from _seal_faults(seals.pop(checked.frontier.size, ()), checked, keys)
        yield from _entry_faults(log, entry, checked.frontier.size, head)
        checked.take(entry)
        if progress is not None:
            progress(checked.frontier.size, head.size)
    yield from _head_faults(head, checked.frontier)
    yield from _seal_faults(seals.pop(checked.frontier.size, ()), checked, keys)
    for seal in (one for size in sorted(seals) for one in seals[size]):
        why = f"it seals {seal.size} entries, the log holds {checked.frontier.size}"
        yield Bad(seal.called, "the log's end", why)
    yield from _uncovered_faults(log, checked)
    for fault in log.standing_faults(checked.runs, checked.latest_at):
        yield Bad(*fault)


def _entry_faults(log: LogSnapshot, entry: Stored, expected: int, head: Head) -> Iterator[Bad]:
    where = f"entry {entry.seq} ({entry.kind}, {entry.subject})"
    if entry.seq > expected:
        yield Bad(f"entry {expected}", f"before {where}", "it is missing")
    if entry.seq < expected or entry.seq >= head.size:
        why = f"it is not part of the tree, whose head counts {head.size} entries"
        yield Bad(f"entry {entry.seq}", where, why)
    if entry.computed_leaf() != entry.leaf:
        why = "its content differs from what was recorded"
        yield Bad(f"entry {entry.seq}", where, why)
    if entry.covers_table is not None:
        yield from _row_faults(log, entry, where)
        if fault := log.window_fault(entry):
            yield Bad(*fault)


def _row_faults(log: LogSnapshot, entry: Stored, where: str) -> Iterator[Bad]:
    hashes = log.covered_hashes(entry)
    if hashes is None:
        yield Bad(f"table {entry.covers_table}", where, "this program does not know the table")
        return
    if len(hashes) == entry.covers_count and merkle.root(hashes) == entry.covers_root:
        return
    # Rows of another entry may lie between: two writers whose ids took turns.
    own = recorded_among(hashes, entry.row_hints or b"")
    if len(own) == entry.covers_count and merkle.root(own) == entry.covers_root:
        return
    what, why = log.what_is_wrong(entry)
    yield Bad(what, where, why)


def _head_faults(head: Head, frontier: Frontier) -> Iterator[Bad]:
    if head.size > frontier.size:
        why = f"it is missing; the head counts {head.size} entries"
        yield Bad(f"entry {frontier.size}", "the log's end", why)
    if head.root != frontier.root() or head.frontier != frontier.to_bytes():
        why = f"it is not the root over the {frontier.size} entries"
        yield Bad("audit head", "the log's end", why)


def _uncovered_faults(log: LogSnapshot, checked: _Checked) -> Iterator[Bad]:
    """Rows that no entry covers, found by their number and then named."""
    for name, stored in log.row_counts():
        logged = checked.rows[name]
        if stored == logged:
            continue
        if found := log.uncovered_row(name):
            yield Bad(found, f"table {name}", "it was added, and no entry of the log covers it")
        why = f"it holds {stored} rows, the log covers {logged}"
        yield Bad(f"table {name}", "the whole log", why)


# --- checkpoints -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Keys:
    public: tuple[bytes, ...]

    def signed(self, text: str) -> bool:
        """Whether one of the keys signed the note, under the origin that the note names."""
        origin = text.partition("\n")[0]
        try:
            return any(note.verify(text, origin, key) is not None for key in self.public)
        except ValueError:  # an origin that cannot be a key's name
            return False


def _own_seals(log: LogSnapshot) -> Iterator[_Seal]:
    """The stored checkpoints. Each is covered by an entry, so one without signature is meant so."""
    for one in log.checkpoints():
        signed = "\n\n" in one.note
        yield _Seal(f"checkpoint {one.id} size {one.size}", one.note, one.size, one.root, signed)


def _foreign_seals(notes: Sequence[tuple[str, str]]) -> Iterator[_Seal]:
    for called, text in notes:
        said = _said(text)
        # What is no checkpoint at all is held against the empty tree, and fails there.
        size, root = (said.size, said.root) if said else (0, b"")
        yield _Seal(called, text, size, root, signature_due=True)


def _said(text: str) -> note.TreeHead | None:
    body, blank, _ = text.rpartition("\n\n")
    return note.read_checkpoint(f"{body}\n" if blank else text)


def _seal_faults(seals: Sequence[_Seal], checked: _Checked, keys: _Keys) -> Iterator[Bad]:
    """Hold the checkpoints of this size against the root of the tree as computed so far."""
    for seal in seals:
        where = f"the first {seal.size} entries"
        said = _said(seal.text)
        if said is None or (said.size, said.root) != (seal.size, seal.root):
            yield Bad(seal.called, where, "its text is not a checkpoint of this size and root")
        if seal.root != checked.frontier.root():
            why = "an entry among them was rewritten: they no longer have the sealed root"
            yield Bad(seal.called, where, why)
        if keys.public and seal.signature_due:
            if not keys.signed(seal.text):
                yield Bad(seal.called, where, "none of the given keys signed it")
            checked.signatures += 1
        checked.checkpoints += 1

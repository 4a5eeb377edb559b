"""Prove one record without showing the others: an entry of the log, or a row that it covers."""

from dataclasses import dataclass

from outreach.core import merkle
from outreach.store.audit import Checkpoint, Stored
from outreach.store.covered import recorded_among, row_bytes, row_hashes
from outreach.store.database import Database
from outreach.store.log_snapshot import LogSnapshot, log_snapshot


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That a record stands at `index` of the tree of `size` with `root` (RFC 6962, 2.1.1).

    `record` is what is hashed: UTF-8 JSON. `path` leads from its leaf to the root, nearest first.
    """

    record: bytes
    leaf: bytes
    index: int
    size: int
    path: tuple[bytes, ...]
    root: bytes

    def holds(self) -> bool:
        """Whether the proof proves it, from the record's bytes up."""
        leaf = merkle.leaf_hash(self.record)
        return leaf == self.leaf and merkle.verify_inclusion(
            leaf, self.index, self.size, self.path, self.root
        )


@dataclass(frozen=True, slots=True)
class Proof:
    """An entry in the tree; the checkpoint with that tree's root; a row in the entry's page."""

    entry: Inclusion
    checkpoint: Checkpoint | None
    row: Inclusion | None


def prove(database: Database, seq: int, row_key: tuple[str, ...] = ()) -> Proof:
    """The proof for entry `seq`, and for the row with this key among those that it covers.

    The tree is that of the newest checkpoint with the entry in it, since others may hold a copy of
    that; else it is the tree as it stands. Raises LookupError for what is not in the log, and
    ValueError for what no longer is as the log has it.
    """
    with log_snapshot(database) as log:
        entry = log.entry(seq)
        if entry is None:
            raise LookupError(f"the log has no entry {seq}; it holds {log.head().size}")
        checkpoint = log.newest_checkpoint_beyond(seq)
        sealed = checkpoint or log.head()
        leaves = log.leaves(sealed.size)
        row = _row_in(log, entry, row_key) if row_key else None
    proved = _inclusion(row_bytes(tuple(entry[:-1])), leaves, seq)
    if not proved.holds():
        raise ValueError(f"entry {seq}: its content differs from what was recorded")
    if proved.root != sealed.root:
        raise ValueError(f"the log no longer has the root it had at {sealed.size} entries")
    return Proof(proved, checkpoint, row)


def _row_in(log: LogSnapshot, entry: Stored, row_key: tuple[str, ...]) -> Inclusion:
    row = log.covered_row(entry, row_key)
    if row is None:
        raise LookupError(f"entry {entry.seq} covers no row with the key {','.join(row_key)}")
    hashes = recorded_among(log.covered_hashes(entry) or [], entry.row_hints or b"")
    [leaf] = row_hashes([row])
    if leaf not in hashes:
        raise ValueError(f"the row {','.join(row_key)} is not what entry {entry.seq} recorded")
    proved = _inclusion(row_bytes(row), hashes, hashes.index(leaf))
    if proved.root != entry.covers_root:
        raise ValueError(f"a row beside {','.join(row_key)} is not what entry {entry.seq} recorded")
    return proved


def _inclusion(record: bytes, leaves: list[bytes], index: int) -> Inclusion:
    path = tuple(merkle.inclusion_proof(leaves, index))
    return Inclusion(record, leaves[index], index, len(leaves), path, merkle.root(leaves))

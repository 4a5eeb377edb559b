"""Merkle trees as RFC 6962, section 2.1 has them: roots, proofs, and a tree head that can grow.

Everything here is a pure function over hashes; nothing knows what a leaf stands for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """The hash of one record: SHA-256 of 0x00 and its bytes."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256 of 0x01 and its two children."""
    return sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes in order; of none, SHA-256 of the empty string."""
    if not leaf_hashes:
        return EMPTY_ROOT
    level = leaf_hashes
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root, nearest first (RFC 6962, 2.1.1).

    Raises IndexError when there is no such leaf.
    """
    if not 0 <= index < len(leaf_hashes):
        raise IndexError(f"no leaf {index} in a tree of {len(leaf_hashes)}")
    proof = []
    level = leaf_hashes
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            proof.append(level[sibling])
        level = _parents(level)
        index >>= 1
    return proof


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether `proof` shows the leaf hash `leaf` at `index` of the tree of `size` with `root`."""
    if not 0 <= index < size:
        return False
    node, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0 or len(sibling) != HASH_SIZE:
            return False
        if node & 1 or node == last:
            computed = node_hash(sibling, computed)
            while node and not node & 1:  # a node without a right sibling rises unhashed
                node >>= 1
                last >>= 1
        else:
            computed = node_hash(computed, sibling)
        node >>= 1
        last >>= 1
    return last == 0 and computed == root


def consistency_proof(leaf_hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """The hashes that show the first `old_size` leaves unchanged in this tree (RFC 6962, 2.1.2).

    Empty when nothing was added, and for an old tree of no leaves, of which every tree is a
    continuation. Raises IndexError when the old tree was larger.
    """
    size = len(leaf_hashes)
    if not 0 <= old_size <= size:
        raise IndexError(f"a tree of {size} is no continuation of one of {old_size}")
    if old_size in (0, size):
        return []
    proof = []
    node, level = old_size - 1, leaf_hashes
    while node & 1:  # climb to the largest subtree that ends where the old tree ended
        level = _parents(level)
        node >>= 1
    if node:  # it is the whole old tree otherwise, whose root the verifier holds
        proof.append(level[node])
    while len(level) > 1:
        sibling = node ^ 1
        if sibling < len(level):
            proof.append(level[sibling])
        level = _parents(level)
        node >>= 1
    return proof


def verify_consistency(
    old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> bool:
    """Whether `proof` shows that the old tree is the beginning of the new one."""
    if not 0 <= old_size <= new_size:
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node >>= 1
        last >>= 1
    path = list(proof) if node else [old_root, *proof]
    if not path or any(len(one) != HASH_SIZE for one in path):
        return False
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while node and not node & 1:
                node >>= 1
                last >>= 1
        else:
            new = node_hash(new, sibling)
        node >>= 1
        last >>= 1
    return last == 0 and old == old_root and new == new_root


@dataclass(frozen=True, slots=True)
class Frontier:
    """All of a tree that its next root needs: its size and its complete subtrees, largest first.

    A log of a thousand million entries has a frontier of at most 30 hashes, so the tree head moves
    on without a look at older leaves.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.peaks) != self.size.bit_count():
            raise ValueError(f"a tree of {self.size} has no frontier of {len(self.peaks)} hashes")

    def append(self, leaf_hashes: Iterable[bytes]) -> "Frontier":
        """The frontier after these leaves."""
        size, peaks = self.size, list(self.peaks)
        for node in leaf_hashes:
            complete = size
            while complete & 1:
                node = node_hash(peaks.pop(), node)
                complete >>= 1
            peaks.append(node)
            size += 1
        return Frontier(size, tuple(peaks))

    def root(self) -> bytes:
        """The tree's root, the same as `root` over all its leaves."""
        if not self.peaks:
            return EMPTY_ROOT
        computed = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            computed = node_hash(peak, computed)
        return computed

    def to_bytes(self) -> bytes:
        """The size in 8 bytes, big-endian, then the hashes."""
        return self.size.to_bytes(8, "big") + b"".join(self.peaks)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote. Raises ValueError for anything else."""
        size, rest = int.from_bytes(data[:8], "big"), data[8:]
        if len(data) < 8 or len(rest) % HASH_SIZE:
            raise ValueError("not the bytes of a frontier")
        hashes = (rest[at : at + HASH_SIZE] for at in range(0, len(rest), HASH_SIZE))
        return cls(size, tuple(hashes))


def _parents(level: Sequence[bytes]) -> list[bytes]:
    """The next level up; a last node without a sibling rises as it is."""
    nodes = iter(level)
    parents = [
        sha256(b"\x01" + left + right).digest() for left, right in zip(nodes, nodes, strict=False)
    ]
    if len(level) & 1:
        parents.append(level[-1])
    return parents

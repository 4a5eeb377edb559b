"""Merkle trees: the published vectors, every proof of a hundred trees, and every bit of them."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core import merkle
from outreach.core.merkle import Frontier

# The tree of certificate-transparency's reference tests, from one to eight leaves.
DATA = [
    bytes.fromhex(data)
    for data in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (0, 1): [],
}
CONSISTENCY = {
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (8, 8): [],
}
PUBLISHED = [merkle.leaf_hash(data) for data in DATA]
LEAVES = [merkle.leaf_hash(index.to_bytes(2, "big")) for index in range(100)]
SIZES = range(1, len(LEAVES) + 1)


@pytest.mark.parametrize("size", range(1, 9))
def test_the_published_roots(size: int) -> None:
    assert merkle.root(PUBLISHED[:size]).hex() == ROOTS[size - 1]
    assert Frontier().append(PUBLISHED[:size]).root().hex() == ROOTS[size - 1]


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    assert merkle.root([]).hex() == Frontier().root().hex() == empty


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_the_published_inclusion_proofs(index: int, size: int) -> None:
    proof = merkle.inclusion_proof(PUBLISHED[:size], index)

    assert [one.hex() for one in proof] == INCLUSION[index, size]


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_the_published_consistency_proofs(old: int, new: int) -> None:
    proof = merkle.consistency_proof(PUBLISHED[:new], old)

    assert [one.hex() for one in proof] == CONSISTENCY[old, new]


def recursive_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word: split at the largest power of two below the size."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return merkle.node_hash(recursive_root(leaves[:split]), recursive_root(leaves[split:]))


@pytest.mark.parametrize("size", SIZES)
def test_the_root_is_that_of_the_recursive_definition(size: int) -> None:
    assert merkle.root(LEAVES[:size]) == recursive_root(LEAVES[:size])


def flipped(hashes: Sequence[bytes]) -> Iterator[list[bytes]]:
    """The same hashes with one bit turned, a different bit of each hash in turn."""
    for at, one in enumerate(hashes):
        bit = at * 37 % 256
        turned = (int.from_bytes(one, "big") ^ (1 << bit)).to_bytes(32, "big")
        yield [*hashes[:at], turned, *hashes[at + 1 :]]


@pytest.mark.parametrize("size", SIZES)
def test_every_leaf_is_proved_and_no_altered_hash_is(size: int) -> None:
    root = merkle.root(LEAVES[:size])
    for index in range(size):
        proof = merkle.inclusion_proof(LEAVES[:size], index)
        assert merkle.verify_inclusion(LEAVES[index], index, size, proof, root)
        for leaf, *path in flipped([LEAVES[index], *proof]):
            assert not merkle.verify_inclusion(leaf, index, size, path, root)
        for [other] in flipped([root]):
            assert not merkle.verify_inclusion(LEAVES[index], index, size, proof, other)
        assert not merkle.verify_inclusion(LEAVES[index], index, size, [*proof, root], root)
        assert size == 1 or not merkle.verify_inclusion(
            LEAVES[index], (index + 1) % size, size, proof, root
        )


@pytest.mark.parametrize("new", SIZES)
def test_every_older_tree_is_consistent_and_no_altered_hash_is(new: int) -> None:
    roots = [merkle.root(LEAVES[:size]) for size in range(new + 1)]
    for old in range(1, new + 1):
        proof = merkle.consistency_proof(LEAVES[:new], old)
        assert merkle.verify_consistency(old, new, proof, roots[old], roots[new])
        for old_root, new_root, *path in flipped([roots[old], roots[new], *proof]):
            assert not merkle.verify_consistency(old, new, path, old_root, new_root)
        longer = [*proof, roots[new]]
        assert not merkle.verify_consistency(old, new, longer, roots[old], roots[new])
        if proof:
            assert not merkle.verify_consistency(old, new, proof[:-1], roots[old], roots[new])


def test_every_tree_continues_the_empty_one() -> None:
    assert merkle.consistency_proof(LEAVES, 0) == []
    assert merkle.verify_consistency(0, 100, [], merkle.EMPTY_ROOT, merkle.root(LEAVES))
    assert not merkle.verify_consistency(0, 100, [], LEAVES[0], merkle.root(LEAVES))
    assert not merkle.verify_consistency(0, 100, [LEAVES[0]], merkle.EMPTY_ROOT, LEAVES[0])


def test_a_rewritten_past_is_not_consistent() -> None:
    rewritten = [*LEAVES[:3], LEAVES[99], *LEAVES[4:50]]
    proof = merkle.consistency_proof(rewritten, 20)

    assert not merkle.verify_consistency(
        20, 50, proof, merkle.root(LEAVES[:20]), merkle.root(rewritten)
    )


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_a_leaf_that_is_not_there_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(IndexError, match="no leaf"):
        merkle.inclusion_proof(LEAVES[:size], index)
    assert not merkle.verify_inclusion(LEAVES[0], index, size, [], LEAVES[0])


@pytest.mark.parametrize("old", [-1, 4])
def test_a_tree_that_shrank_has_no_consistency_proof(old: int) -> None:
    with pytest.raises(IndexError, match="no continuation"):
        merkle.consistency_proof(LEAVES[:3], old)
    assert not merkle.verify_consistency(old, 3, [], LEAVES[0], LEAVES[0])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=8))
def test_a_frontier_grown_in_steps_has_the_root_of_the_whole(steps: list[int]) -> None:
    leaves = [merkle.leaf_hash(at.to_bytes(2, "big")) for at in range(sum(steps))]
    frontier, at = Frontier(), 0
    for step in steps:
        frontier = Frontier.from_bytes(frontier.to_bytes()).append(leaves[at : at + step])
        at += step

    assert frontier.root() == merkle.root(leaves)
    assert frontier.size == len(leaves)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x00" * 7, id="too short for a size"),
        pytest.param((3).to_bytes(8, "big") + bytes(32), id="a hash too few"),
        pytest.param((1).to_bytes(8, "big") + bytes(64), id="a hash too many"),
        pytest.param((1).to_bytes(8, "big") + bytes(31), id="a hash cut short"),
    ],
)
def test_other_bytes_are_no_frontier(data: bytes) -> None:
    with pytest.raises(ValueError, match="frontier"):
        Frontier.from_bytes(data)

"""Checkpoints and signed notes, against published examples and against every kind of tampering."""

import pytest

from outreach.core import note
from outreach.core.merkle import EMPTY_ROOT, leaf_hash

SEED = bytes(range(32))
NAME = "securities.example/outreach"
PUBLIC = note.public_key(SEED)
TEXT = note.checkpoint_text(NAME, 3, leaf_hash(b"a"))

# The example of Go's golang.org/x/mod/sumdb/note, whose notes C2SP describes.
GO_VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6"
    "KE6RyyBwJnAM=\n"
)
# RFC 8032, section 7.1, test 1.
RFC_8032_SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
RFC_8032_PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


def test_the_published_note_is_accepted_under_its_published_key() -> None:
    key = note.read_verifier_key(GO_VERIFIER)

    assert key is not None
    assert note.verify(GO_NOTE, *key) == GO_NOTE.partition("\n\n")[0] + "\n"
    assert note.verifier_key(*key) == GO_VERIFIER


def test_the_public_key_is_that_of_rfc_8032() -> None:
    assert note.public_key(bytes.fromhex(RFC_8032_SEED)).hex() == RFC_8032_PUBLIC


def test_a_checkpoint_has_three_lines_and_reads_back() -> None:
    assert TEXT == "securities.example/outreach\n3\nAippeebat6pa5MPl5F9+l3ESp+Y1k4INvsHsc4ok+Tw=\n"
    assert note.read_checkpoint(TEXT) == (NAME, 3, leaf_hash(b"a"))
    assert note.read_checkpoint(note.checkpoint_text(NAME, 0, EMPTY_ROOT)) is not None


def test_extension_lines_are_passed_over() -> None:
    assert note.read_checkpoint(TEXT + "at 2026-11-22T08:00:00Z\n") == (NAME, 3, leaf_hash(b"a"))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(TEXT[:-1], id="no newline at the end"),
        pytest.param(TEXT.replace("\n3\n", "\n03\n"), id="a leading zero"),
        pytest.param(TEXT.replace("\n3\n", "\n-3\n"), id="a negative size"),
        pytest.param(TEXT.replace("\n3\n", "\n３\n"), id="a full-width digit"),
        pytest.param("\n" + TEXT.partition("\n")[2], id="no origin"),
        pytest.param(TEXT[:-3] + "\n", id="a root cut short"),
        pytest.param(f"{NAME}\n3\nAAAA\n", id="a root of three bytes"),
    ],
)
def test_other_texts_are_no_checkpoints(text: str) -> None:
    assert note.read_checkpoint(text) is None


def test_a_signed_note_gives_its_text_back() -> None:
    assert note.verify(note.sign(TEXT, NAME, SEED), NAME, PUBLIC) == TEXT


def test_a_text_with_empty_lines_is_separated_at_the_last_of_them() -> None:
    text = "one\n\ntwo\n"

    assert note.verify(note.sign(text, NAME, SEED), NAME, PUBLIC) == text


def test_every_changed_character_is_noticed() -> None:
    signed = note.sign(TEXT, NAME, SEED)

    for at, character in enumerate(signed):
        other = "b" if character != "b" else "c"
        assert note.verify(signed[:at] + other + signed[at + 1 :], NAME, PUBLIC) is None
        assert note.verify(signed[:at] + signed[at + 1 :], NAME, PUBLIC) is None


def test_another_key_of_the_same_name_did_not_sign() -> None:
    other = note.public_key(bytes(32))

    assert note.verify(note.sign(TEXT, NAME, SEED), NAME, other) is None


def test_the_same_key_under_another_name_did_not_sign() -> None:
    assert note.verify(note.sign(TEXT, NAME, SEED), "elsewhere.example", PUBLIC) is None


def test_a_cosignature_beside_ours_is_passed_over() -> None:
    theirs = note.sign(TEXT, "witness.example", bytes(32)).rpartition("\n\n")[2]
    text, _, ours = note.sign(TEXT, NAME, SEED).rpartition("\n\n")

    assert note.verify(f"{text}\n\n{theirs}{ours}", NAME, PUBLIC) == TEXT
    assert note.verify(f"{text}\n\n{theirs}", NAME, PUBLIC) is None


@pytest.mark.parametrize("name", ["", "two words", "a+b", "line\nbreak"])
def test_a_name_that_cannot_stand_in_a_note_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="key's name"):
        note.sign(TEXT, name, SEED)


@pytest.mark.parametrize("text", ["no newline", "a tab\t\n", "a return\r\n", ""])
def test_a_text_that_cannot_stand_in_a_note_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="note's text"):
        note.sign(text, NAME, SEED)


@pytest.mark.parametrize("origin", ["", "two\nlines"])
def test_an_origin_of_no_or_two_lines_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        note.checkpoint_text(origin, 0, EMPTY_ROOT)


@pytest.mark.parametrize("at", range(0, len(GO_VERIFIER), 7))
def test_a_mistyped_verifier_key_is_refused(at: int) -> None:
    other = "Z" if GO_VERIFIER[at] != "Z" else "Y"

    assert note.read_verifier_key(GO_VERIFIER[:at] + other + GO_VERIFIER[at + 1 :]) is None


def test_a_seed_is_read_from_base64() -> None:
    assert note.read_seed("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n") == SEED


@pytest.mark.parametrize("text", ["", "AAAA", "not base64", "A" * 44, "00" * 32])
def test_other_texts_are_no_seed(text: str) -> None:
    with pytest.raises(ValueError, match="32 random bytes"):
        note.read_seed(text)


@pytest.mark.parametrize(
    "website", ["https://www.example.cn", "https://www.example.cn/zh/", "www.example.cn"]
)
def test_the_log_is_named_after_the_website(website: str) -> None:
    assert note.origin_of(website) == "www.example.cn/outreach"


@pytest.mark.parametrize("website", ["", "https://", "/", "our website", "a+b.cn"])
def test_a_website_that_gives_no_name_is_refused(website: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        note.origin_of(website)

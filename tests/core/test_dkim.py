"""DKIM: the published example to the letter, and our mails before verifiers that are not ours."""

import base64
import json
import subprocess
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.dkim import KeyProblem, Signer, canonical_body, canonical_field, key_of, signed
from outreach.core.mime import Letterhead, Skeleton
from outreach.core.model import Message
from tests.core.dkim_reader import PublicKey, verdicts

AT = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)

# RFC 8463 appendix A: the keys, and the mail signed with both.
SEED = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
PUBLIC = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
RSA_PUBLIC = (
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx"
    "/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTI"
    "KT+l/K4w3QIDAQAB"
)
EXAMPLE = (
    b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
    b" d=football.example.com; i=@football.example.com;\r\n"
    b" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
    b" subject : date : message-id : from : subject : date;\r\n"
    b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    b" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
    b" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
    b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
    b" d=football.example.com; i=@football.example.com;\r\n"
    b" q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
    b" date : message-id : from : subject : date;\r\n"
    b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    b" b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
    b" DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
    b" dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
)
LETTER = (
    b"From: Joe SixPack <joe@football.example.com>\r\n"
    b"To: Suzie Q <suzie@shopping.example.net>\r\n"
    b"Subject: Is dinner ready?\r\n"
    b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    b"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
    b"\r\n"
    b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
)


def pem(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


RSA = rsa.generate_private_key(65537, 2048)
ED = ed25519.Ed25519PrivateKey.generate()
KEYS: dict[tuple[str, str], PublicKey] = {
    ("broker.example", "r1"): RSA.public_key(),
    ("broker.example", "e1"): ED.public_key(),
}
WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505 - to be refused
SIGNERS = (Signer("broker.example", "r1", pem(RSA)), Signer("broker.example", "e1", pem(ED)))


def letter(
    id_: int = 1, text: str = "尊敬的客户：\n国庆节休市。\n", link: str | None = ""
) -> bytes:
    url = f"https://broker.example/u/{id_}" if link == "" else link
    parts = ("关于国庆节休市安排的通知", text, f"<p>{text}</p>\n")
    message = Message(id_, 7, f"user{id_}@ok.test", "zh-CN", parts, AT, url)
    letterhead = Letterhead("notice@broker.example", "示例证券")
    return Skeleton(letterhead, "zh-CN", "7bit").fill(message)


def test_the_reader_passes_the_published_example_and_no_changed_one() -> None:
    loaded = serialization.load_der_public_key(base64.b64decode(RSA_PUBLIC))
    assert isinstance(loaded, rsa.RSAPublicKey)
    keys: dict[tuple[str, str], PublicKey] = {
        ("football.example.com", "brisbane"): ed25519.Ed25519PublicKey.from_public_bytes(
            base64.b64decode(PUBLIC)
        ),
        ("football.example.com", "test"): loaded,
    }

    assert verdicts(EXAMPLE + LETTER, keys) == ["pass", "pass"]
    assert verdicts(EXAMPLE + LETTER.replace(b"hungry", b"thirsty"), keys) == ["body", "body"]
    twice = EXAMPLE + b"From: somebody@else.example\r\n" + LETTER
    assert verdicts(twice, keys) == ["signature", "signature"]


def test_the_published_signature_is_made_again_to_the_letter() -> None:
    algorithm, sign = key_of(pem(ed25519.Ed25519PrivateKey.from_private_bytes(SEED)))
    head, _, body = LETTER.partition(b"\r\n\r\n")
    own = EXAMPLE.partition(b"Fa3bT3FY5OsU7ZbnKELq")[0]
    unsigned = own[: own.index(b" b=") + 3]
    lines = {line.partition(b":")[0].lower(): line for line in head.split(b"\r\n")}
    names = (b"from", b"to", b"subject", b"date", b"message-id")
    data = b"".join(canonical_field(lines[name]) + b"\r\n" for name in names)

    assert algorithm == "ed25519-sha256"
    assert base64.b64encode(sign(data + canonical_field(unsigned))) == (
        b"/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
    )
    digest = sha256(canonical_body(body)).digest()
    assert base64.b64encode(digest) == b"2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="


def test_our_mail_carries_both_signatures_over_the_links_to_unsubscribe() -> None:
    mail = signed(SIGNERS, letter(), AT)

    assert verdicts(mail, KEYS) == ["pass", "pass"]
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in mail
    assert mail.endswith(letter())
    assert mail == signed(SIGNERS, letter(), AT)
    assert max(map(len, mail.split(b"\r\n"))) <= 78


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"From: ", b"From: x@evil.example\r\nFrom: "),
        (b"MIME-Version", b"List-Unsubscribe: <https://evil.example/>\r\nMIME-Version"),
        (b"broker.example/u/1", b"evil.example/u/1"),
        (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""),
        (b"To: user1", b"To: user2"),
        (b"07:30:00", b"08:30:00"),
        (b"a=ed25519", b"a=ed25519 "),
    ],
)
def test_what_is_added_taken_out_or_changed_breaks_the_signature(old: bytes, new: bytes) -> None:
    mail = signed(SIGNERS, letter(), AT)
    assert old in mail

    changed = verdicts(mail.replace(old, new, 1), KEYS)

    assert "signature" in changed or changed == ["pass", "algorithm"]


def test_a_mail_without_a_link_cannot_be_given_one_later() -> None:
    mail = signed(SIGNERS, letter(link=None), AT)
    assert verdicts(mail, KEYS) == ["pass", "pass"]

    given_one = mail.replace(b"MIME-Version", b"List-Unsubscribe: <mailto:x@y.z>\r\nMIME-Version")

    assert verdicts(given_one, KEYS) == ["signature", "signature"]


BODIES = st.lists(
    st.sampled_from([b"word", b" ", b"  ", b"\t", b"\r\n", b"\r\n\r\n", b".", b"\xe5\xb8\x82"]),
    max_size=14,
).map(b"".join)


@given(body=BODIES, subject=st.sampled_from([b" a  b\t c ", b"\r\n folded\r\n\t twice", b"", b"x"]))
@settings(max_examples=150, deadline=None)
def test_any_body_and_any_folding_is_signed_as_a_verifier_reads_it(
    body: bytes, subject: bytes
) -> None:
    mail = b"From :  a@broker.example\r\nSubject:%b\r\nX: y\r\n\r\n%b" % (subject, body)

    assert verdicts(signed(SIGNERS[1:], mail, AT), KEYS) == ["pass"]


@pytest.mark.parametrize(
    ("domain", "selector", "key", "why"),
    [
        ("broker.example", "r1", b"no key", "not a private key in PEM form"),
        ("broker.example", "r1", pem(WEAK), "needs 2048 bits"),
        ("broker.example", "r1", pem(ec.generate_private_key(ec.SECP256R1())), "RSA or Ed25519"),
        ("broker.example; x=1", "r1", pem(ED), "the domain"),
        ("broker.example", "", pem(ED), "the selector"),
        ("示例.example", "r1", pem(ED), "the domain"),
    ],
)
def test_a_key_that_cannot_sign_is_named(domain: str, selector: str, key: bytes, why: str) -> None:
    with pytest.raises(KeyProblem, match=why):
        Signer(domain, selector, key)


CHECK = """
import dkim, json, sys
keys = json.loads(sys.argv[1])
mail = sys.stdin.buffer.read()
found = dkim.DKIM(mail)
dns = lambda name, timeout=5: keys[name.decode().rstrip(".")].encode()
print(json.dumps([found.verify(idx=at, dnsfunc=dns) for at in range(2)]))
"""


def test_dkimpy_passes_our_mail_and_no_changed_one() -> None:
    python = Path("/usr/bin/python3")
    able = [str(python), "-c", "import dkim, nacl"]
    if not python.exists() or subprocess.run(able, capture_output=True).returncode:
        pytest.skip("the system's Python has no dkimpy (Debian: python3-dkim python3-nacl)")
    spki = RSA.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    raw = ED.public_key().public_bytes_raw()
    dns = {
        "r1._domainkey.broker.example": f"v=DKIM1; k=rsa; p={base64.b64encode(spki).decode()}",
        "e1._domainkey.broker.example": f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}",
    }
    mail = signed(SIGNERS, letter(), AT)

    def asked(content: bytes) -> object:
        command = [str(python), "-c", CHECK, json.dumps(dns)]
        done = subprocess.run(command, input=content, capture_output=True, check=True)
        return json.loads(done.stdout)

    assert asked(mail) == [True, True]
    assert asked(mail.replace(b"user1@", b"user2@")) == [False, False]

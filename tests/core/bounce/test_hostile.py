"""Mails made to harm: whatever the bytes are, there is an answer, and soon."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.bounce import LARGEST, Kind, classify
from tests.core.bounce.samples import (
    complaint,
    coremail,
    exchange,
    exim,
    fields,
    postfix,
    qmail,
    qq,
)

SAMPLES = [
    postfix(fields()), exim("Unrouteable address", fields(status="5.0.0")),
    exchange("550 5.1.1", "5.1.1"), coremail("收件人不存在"), qq("该用户不存在"),
    qmail("no"), complaint(),
]  # fmt: skip


def nested(depth: int) -> bytes:
    """Multiparts within multiparts, each announcing the next."""
    opened = "".join(
        f'Content-Type: multipart/mixed; boundary="b{level}"\n\n--b{level}\n'
        for level in range(depth)
    )
    return f"From: MAILER-DAEMON@x\nSubject: failure\n{opened}\ntext\n".encode()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(nested(50), id="fifty deep"),
        pytest.param(nested(20_000), id="twenty thousand deep"),
        pytest.param(b"From: a@b\n" + b"X: y\n" * 200_000, id="two hundred thousand headers"),
        pytest.param(b"Subject: " + b"=?utf-8?q?=41?= " * 60_000, id="a long encoded subject"),
        pytest.param(b"From: " + b"(" * 500_000, id="comments within comments"),
        pytest.param(postfix(*[fields()] * 8000), id="eight thousand recipients"),
        pytest.param(b"A" * (LARGEST * 3), id="larger than is read"),
        pytest.param(b"\x00\xff\xfe" * 100_000, id="no text at all"),
        pytest.param(qmail("<" * 200_000), id="signs of an address"),
        pytest.param(qmail("a@b " * 100_000), id="addresses without end"),
        pytest.param(qmail("exceed " * 30_000), id="words that begin a pattern"),
        pytest.param(qmail("5.4.1 550 " * 30_000), id="codes that begin a pattern"),
        pytest.param(qmail(" " * 300_000), id="nothing but space"),
        pytest.param(qq("<style>" * 40_000), id="tags that never end"),
        pytest.param(
            b"From: x\nContent-Type: text/plain; charset*0*=x''%zz; charset*1=\"\n\nhi",
            id="a malformed parameter",
        ),
        pytest.param(
            b"From: MAILER-DAEMON@x\nSubject: =?x-none?b?!!!?= =?utf-8?b?/w?=\n"
            b"Content-Transfer-Encoding: base64\n\n\xff\xff====",
            id="malformed encodings",
        ),
    ],
)
def test_a_mail_made_to_harm_suppresses_nobody(data: bytes) -> None:
    assert {row.kind for row in classify(data).rows} <= {
        Kind.NOT_A_BOUNCE, Kind.SOFT, Kind.DELAYED, Kind.HARD,
    }  # fmt: skip


def test_what_stands_behind_the_first_megabyte_is_not_read() -> None:
    head, mark, rest = postfix(fields()).partition(b"\r\n\r\n")
    filled = head + mark + b"x" * LARGEST + b"\r\n" + rest

    assert {row.kind for row in classify(filled).rows} == {Kind.NOT_A_BOUNCE}


def test_a_report_has_no_more_recipients_than_fit() -> None:
    groups = [fields(recipient=f"c{n}@example.com") for n in range(600)]

    assert len(classify(postfix(*groups)).rows) == 500


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes_have_an_answer(data: bytes) -> None:
    assert classify(data).rows


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SAMPLES), st.integers(0, 2**32), st.integers(1, 40))
def test_a_damaged_report_has_an_answer(sample: bytes, seed: int, times: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    data = bytearray(sample)
    for _ in range(times):
        data[chance.randrange(len(data))] = chance.randrange(256)

    assert classify(bytes(data)).rows
    assert classify(bytes(data[: chance.randrange(len(data))])).rows

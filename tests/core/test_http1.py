"""Answers of HTTP/1.1, whole and in pieces, honest and not. RFC 9112 names the sections."""

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.http1 import MOST_BODY, MOST_HEAD, Answer, AnswerReader, Garbled, asked, head

JSON: Final = b'{"sid": "SM1"}'


def length(content: bytes = JSON, status: bytes = b"201 CREATED", more: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n%b" % (status, len(content), more, content)


def chunked(*pieces: bytes, more: bytes = b"", trailer: bytes = b"") -> bytes:
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    first = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n"
    return first + more + b"\r\n" + body + b"0\r\n" + trailer + b"\r\n"


def read(data: bytes, size: int = 0) -> Answer | None:
    reader, answer = AnswerReader(), None
    for start in range(0, len(data), size or len(data)):
        assert answer is None
        answer = reader.feed(data[start : start + (size or len(data))])
    return answer


@pytest.mark.parametrize(
    ("data", "status", "content", "again"),
    [
        pytest.param(length(), 201, JSON, True, id="a length"),
        pytest.param(length(b""), 201, b"", True, id="nothing at all"),
        pytest.param(chunked(JSON[:5], JSON[5:]), 200, JSON, True, id="chunks"),
        pytest.param(chunked(JSON, trailer=b"x: y\r\n"), 200, JSON, True, id="a trailer"),
        pytest.param(chunked(), 200, b"", True, id="no chunk but the last"),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + length(),
            201, JSON, True, id="15.2: answers of 1xx come before",
        ),
        pytest.param(length(more=b"Connection: close\r\n"), 201, JSON, False, id="9.6: close"),
        pytest.param(length(more=b"connection: x, Close\r\n"), 201, JSON, False, id="of several"),
        pytest.param(length().replace(b"1.1", b"1.0"), 201, JSON, False, id="9.3: of 1.0"),
        pytest.param(
            length(more=b"Connection: keep-alive\r\n").replace(b"1.1", b"1.0", 1), 201, JSON, True,
            id="9.3: of 1.0, kept",
        ),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True, id="6.3: 204 has none"),
        pytest.param(length(status=b"201"), 201, JSON, True, id="4: without a reason"),
        pytest.param(length(more=b"Content-Length: 14\r\n"), 201, JSON, True, id="twice the same"),
        pytest.param(
            chunked(JSON, more=b"Content-Length: 3\r\n"), 200, JSON, False,
            id="6.3: chunks win over a length, and nothing more is believed",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [0, 1, 7])
def test_an_answer_is_read(
    data: bytes, status: int, content: bytes, again: bool, size: int
) -> None:
    answer = read(data, size)

    assert answer is not None
    assert (answer.status, answer.content, answer.again) == (status, content, again)


@pytest.mark.parametrize("more", [b"HTTP/1.1 200", b"!"])
def test_a_connection_that_says_more_than_it_was_asked_is_not_asked_again(more: bytes) -> None:
    for data in (length(), chunked(JSON)):
        answer = read(data + more)
        assert answer is not None
        assert (answer.content, answer.again) == (JSON, False)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9\r\n", id="another protocol"),
        pytest.param(b"<html>", id="no head at all"),
        pytest.param(b"HTTP/2 200\r\n\r\n", id="another version"),
        pytest.param(b"HTTP/1.1 20 OK\r\n\r\n", id="no status"),
        pytest.param(b"HTTP/1.1 101 Switching\r\n\r\n", id="another protocol, unasked"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 17, id="announcements without an end"),
        pytest.param(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", id="no header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nname : x\r\n\r\n", id="5.1: a blank before the colon"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", id="less than nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1e3\r\n\r\n", id="no number"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n", id="no digit of ASCII"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n", id="two lengths"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", id="too long"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", id="another coding"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", id="a chunk of nothing"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd", id="a long chunk"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nx: " + b"y" * MOST_HEAD, id="a head without an end"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % (MOST_BODY + 1),
            id="a chunk without an end",
        ),
    ],
)
def test_what_is_no_answer_is_not_believed(data: bytes) -> None:
    with pytest.raises(Garbled):
        read(data)


def test_content_without_a_length_goes_on_until_the_connection_ends() -> None:
    reader = AnswerReader()
    assert reader.feed(b"HTTP/1.1 200 OK\r\n\r\n" + JSON[:3]) is None
    assert reader.feed(JSON[3:]) is None

    assert reader.end() == Answer(200, {}, JSON, False)


@pytest.mark.parametrize(
    "data", [b"HTT", b"HTTP/1.1 200 OK\r\n", length()[:-1], chunked(JSON)[:-1]]
)
def test_an_answer_cut_off_is_not_believed(data: bytes) -> None:
    reader = AnswerReader()
    assert reader.feed(data) is None

    with pytest.raises(Garbled):
        reader.end()


def test_the_answer_to_connect_has_no_content() -> None:
    assert AnswerReader(tunnel=True).feed(b"HTTP/1.1 200 OK\r\n\r\n") == Answer(200, {}, b"", True)


def test_headers_said_twice_are_one_list_and_names_are_small() -> None:
    answer = read(length(more=b"X-A: 1\r\nRetry-After:  7 \r\nx-a: 2\r\n"))

    assert answer is not None
    assert answer.headers == {"content-length": "14", "x-a": "1, 2", "retry-after": "7"}


def test_a_request_is_what_it_says_and_no_value_breaks_its_line() -> None:
    first = head("POST", "/x", {"Host": "h", "A": "b"})

    assert (
        asked(first, b"c=d")
        == b"POST /x HTTP/1.1\r\nHost: h\r\nA: b\r\nContent-Length: 3\r\n\r\nc=d"
    )
    with pytest.raises(ValueError, match="line break"):
        head("POST", "/x", {"Authorization": "Basic a\r\nX-Evil: 1"})


contents = st.binary(max_size=300)


@given(
    content=contents,
    cuts=st.lists(st.integers(1, 40), max_size=30),
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    by_length=st.booleans(),
    status=st.sampled_from([b"200 OK", b"429 ", b"503 Service Unavailable"]),
)
@settings(max_examples=60, deadline=None)
def test_however_an_answer_is_cut_into_pieces_it_is_the_same(
    content: bytes, cuts: list[int], sizes: list[int], by_length: bool, status: bytes
) -> None:
    pieces: list[bytes] = []
    rest = content
    while rest and not by_length:
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(rest[:size])
        rest = rest[size:]
    data = length(content, status) if by_length else chunked(*pieces).replace(b"200 OK", status, 1)
    reader, answers = AnswerReader(), []
    for cut in [*cuts, len(data)]:
        piece, data = data[:cut], data[cut:]
        if piece and (answer := reader.feed(piece)):
            answers.append(answer)

    assert [(one.status, one.content, one.again) for one in answers] == [
        (int(status[:3]), content, True)
    ]


@given(data=st.binary(max_size=400), good=st.binary(max_size=40), at=st.integers(0, 60))
@settings(max_examples=150, deadline=None)
def test_garbage_is_an_answer_or_garbled_and_never_anything_else(
    data: bytes, good: bytes, at: int
) -> None:
    for source in (data, length(good)[:at] + data, chunked(good)[:at] + data):
        reader = AnswerReader()
        try:
            answer = reader.feed(source) or reader.end()
        except Garbled:
            continue
        assert 200 <= answer.status < 600

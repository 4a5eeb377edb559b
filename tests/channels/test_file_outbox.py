"""The outbox a person can read: names, lines, torn ends, full disks and several writers."""

import errno
import fcntl
import json
import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

import pytest

from outreach.channels import Asked, ChannelUnavailable
from outreach.channels.file_outbox import FileOutbox
from outreach.core.mime import Letterhead
from outreach.core.model import Message
from outreach.core.words import Channel, State
from tests.channels.cases import letters, mail, results, sms, states

LETTERHEAD = Letterhead("notice@broker.example", "示例证券")


def emails(root: Path) -> FileOutbox:
    return FileOutbox(Channel.EMAIL, root, LETTERHEAD)


def texts(root: Path) -> FileOutbox:
    return FileOutbox(Channel.SMS, root, Letterhead("95000"))


def found(outbox: FileOutbox, messages: list[Message]) -> dict[int, bool]:
    """Which of the messages are in the outbox, as it says itself."""
    at = messages[0].at
    asked = [Asked(one.id, one.run_id, one.to, at, at, b"") for one in messages]
    said = dict(outbox.find(asked))
    assert all(one is None or one.message_id == number for number, one in said.items())
    return {number: one is not None for number, one in said.items()}


def lines(root: Path, run: int = 7) -> list[dict[str, object]]:
    content = (root / str(run) / "sms.jsonl").read_text()
    assert content.endswith("\n")
    return [json.loads(line) for line in content.splitlines()]


def test_an_email_is_one_file_in_a_folder_of_a_thousand(tmp_path: Path) -> None:
    outcomes = results(emails(tmp_path), [mail(1), mail(999), mail(1000), mail(1_234_567)])

    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")) == [
        "7/email/000/1.eml",
        "7/email/000/999.eml",
        "7/email/001/1000.eml",
        "7/email/1234/1234567.eml",
    ]
    content = (tmp_path / "7/email/001/1000.eml").read_bytes()
    assert outcomes[1000].digest == sha256(content).digest()
    assert outcomes[1000].provider_ref == "1000.eml"
    assert "国庆节休市".encode() in content


def test_an_email_sent_again_replaces_itself(tmp_path: Path) -> None:
    first = results(emails(tmp_path), [mail(1)])

    assert results(emails(tmp_path), [mail(1)]) == first
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_an_sms_is_one_line(tmp_path: Path) -> None:
    outcome = results(texts(tmp_path), [sms(5, "【示例证券】休市\n通知")])[5]

    assert lines(tmp_path) == [
        {
            "message": 5,
            "to": "+12025550005",
            "sender": "95000",
            "body": "【示例证券】休市\n通知",
            "encoding": "UCS-2",
            "parts": 1,
            "at": "2026-09-28T07:30:00Z",
        }
    ]
    assert outcome.digest == sha256("【示例证券】休市\n通知".encode()).digest()


def test_the_messages_of_two_runs_go_to_two_files(tmp_path: Path) -> None:
    states(texts(tmp_path), [sms(1), sms(2, run_id=8), sms(3)])

    assert [line["message"] for line in lines(tmp_path)] == [1, 3]
    assert [line["message"] for line in lines(tmp_path, run=8)] == [2]


@pytest.mark.parametrize(
    ("left", "kept"),
    [
        ('{"message":1}\n{"message":2,"to', [1]),
        ('{"message":1', []),
        ('{"message":1}\n' + "x" * 200_000, [1]),
        ("x" * 200_000, []),
        ('{"message":1}\n{"message":2}\n', [1, 2]),
        ('{"message":1}\n{"message":2}', [1]),
        ("", []),
    ],
)
def test_a_line_torn_by_a_crash_is_cut_off(tmp_path: Path, left: str, kept: list[int]) -> None:
    path = tmp_path / "7" / "sms.jsonl"
    path.parent.mkdir()
    path.write_text(left)
    outbox = texts(tmp_path)

    assert found(outbox, [sms(1), sms(2)]) == {1: 1 in kept, 2: 2 in kept}
    states(outbox, [sms(3)])

    assert [line["message"] for line in lines(tmp_path)] == [*kept, 3]


def test_asking_the_outbox_tells_what_is_really_there(tmp_path: Path) -> None:
    for outbox, write in ((emails(tmp_path), mail), (texts(tmp_path), sms)):
        messages = [write(1), write(2), write(3, run_id=8)]
        assert found(outbox, messages) == {1: False, 2: False, 3: False}
        states(outbox, messages[::2])
        assert found(outbox, messages) == {1: True, 2: False, 3: True}


def test_an_email_without_its_end_is_not_there(tmp_path: Path) -> None:
    outbox = emails(tmp_path)
    states(outbox, [mail(1), mail(2)])
    path = tmp_path / "7/email/000/1.eml"
    path.write_bytes(path.read_bytes()[:100])
    (tmp_path / "7/email/000/2.eml").write_bytes(b"")

    assert found(outbox, [mail(1), mail(2)]) == {1: False, 2: False}


def test_an_unwritable_header_refuses_that_message_only(tmp_path: Path) -> None:
    outcomes = results(emails(tmp_path), [mail(1), mail(2, subject="a\nBcc: b@c.de"), mail(3)])

    assert [outcomes[id_].state for id_ in (1, 2, 3)] == [
        State.ACCEPTED,
        State.FAILED,
        State.ACCEPTED,
    ]
    assert outcomes[2].code == "unwritable"
    assert "Subject" in outcomes[2].detail


def failing(number: int, after: int) -> Callable[[int, memoryview], int]:
    """An `os.write` that writes half of its bytes at call `after` and then fails."""
    real, calls = os.write, 0

    def write(descriptor: int, content: memoryview) -> int:
        nonlocal calls
        calls += 1
        if calls < after:
            return real(descriptor, content)
        if calls == after and len(content) > 1:
            return real(descriptor, content[: len(content) // 2])
        raise OSError(number, os.strerror(number))

    return write


def test_a_full_disk_before_the_first_email_stops_the_channel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.write", failing(errno.ENOSPC, after=1))

    with pytest.raises(ChannelUnavailable, match="cannot be written: No space left on device"):
        list(emails(tmp_path).send(letters(Channel.EMAIL, 3)))

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_disk_that_fills_up_leaves_the_rest_unsent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.write", failing(errno.ENOSPC, after=3))
    outbox = emails(tmp_path)

    found = states(outbox, letters(Channel.EMAIL, 4))

    assert found == {1: State.ACCEPTED, 2: State.ACCEPTED, 3: State.READY, 4: State.READY}
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "1.eml",
        "2.eml",
    ]


def test_a_window_of_sms_that_does_not_fit_is_not_there_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = texts(tmp_path)
    states(outbox, letters(Channel.SMS, 2))
    with monkeypatch.context() as patch, pytest.raises(ChannelUnavailable, match="No space left"):
        patch.setattr("os.write", failing(errno.ENOSPC, after=1))
        list(outbox.send(letters(Channel.SMS, 5, first=3)))

    assert [line["message"] for line in lines(tmp_path)] == [1, 2]


def test_a_window_that_cannot_be_flushed_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("os.fdatasync", fails)
    outbox = texts(tmp_path)
    messages = [sms(1), sms(2, run_id=8)]

    with pytest.raises(ChannelUnavailable, match="Input/output error"):
        list(outbox.send(messages))

    assert found(outbox, messages) == {1: False, 2: False}


def test_a_second_run_that_fails_leaves_the_first_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.write", failing(errno.EDQUOT, after=2))

    found = states(texts(tmp_path), [sms(1), sms(2, run_id=8), sms(3, run_id=9)])

    assert found == {1: State.ACCEPTED, 2: State.READY, 3: State.READY}


@pytest.mark.parametrize("channel", list(Channel))
def test_an_outbox_that_is_no_folder_is_named_in_the_sentence(
    tmp_path: Path, channel: Channel
) -> None:
    place = tmp_path / "outbox"
    place.write_text("")

    with pytest.raises(ChannelUnavailable, match=re.escape(str(place))):
        list(FileOutbox(channel, place, LETTERHEAD).send(letters(channel, 1)))


def test_an_outbox_cleared_by_hand_is_built_again(tmp_path: Path) -> None:
    outbox = emails(tmp_path)
    states(outbox, [mail(1)])
    for path in sorted(tmp_path.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()

    assert states(outbox, [mail(2)]) == {2: State.ACCEPTED}
    assert found(outbox, [mail(2)]) == {2: True}


def _write_windows(root: Path, first: int) -> int:
    outbox = texts(root)
    return sum(len(list(outbox.send(letters(Channel.SMS, 40, first + 40 * i)))) for i in range(10))


def test_two_processes_never_mix_their_lines(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        written = [pool.submit(_write_windows, tmp_path, first) for first in (1, 1001)]
        assert [task.result() for task in written] == [400, 400]

    ids = [line["message"] for line in lines(tmp_path)]
    assert sorted(ids, key=str) == sorted([*range(1, 401), *range(1001, 1401)], key=str)
    starts = [ids[at : at + 40] for at in range(0, 800, 40)]
    assert all(isinstance(window[0], int) and window[-1] == window[0] + 39 for window in starts)


def test_a_line_another_process_is_writing_is_not_torn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "7" / "sms.jsonl"
    path.parent.mkdir()
    asked, real = threading.Event(), fcntl.flock

    def flock(descriptor: int, operation: int) -> None:
        asked.set()
        real(descriptor, operation)

    with path.open("a") as other, ThreadPoolExecutor(1) as pool:
        real(other, fcntl.LOCK_EX)
        print('{"message":1', end="", file=other, flush=True)
        monkeypatch.setattr("fcntl.flock", flock)
        sent = pool.submit(states, texts(tmp_path), [sms(2)])
        assert asked.wait(10)
        print("}", file=other, flush=True)
        real(other, fcntl.LOCK_UN)
        assert sent.result() == {2: State.ACCEPTED}

    assert [line["message"] for line in lines(tmp_path)] == [1, 2]


def test_others_may_not_read_what_clients_are_told(tmp_path: Path) -> None:
    states(emails(tmp_path), [mail(1)])
    states(texts(tmp_path), [sms(1)])

    assert {path.stat().st_mode & 0o007 for path in tmp_path.rglob("*")} == {0}

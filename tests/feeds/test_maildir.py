"""Returned mail from a Maildir: read in the order it came, moved only when it is done with."""

import errno
import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

from outreach.core.bounce import LARGEST
from outreach.feeds.maildir import Maildir
from outreach.feeds.returned_mail import PAGE, MailboxTrouble


@pytest.fixture
def box(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "b" / name).mkdir(parents=True)
    return tmp_path / "b"


def put(box: Path, name: str, content: bytes = b"x") -> None:
    (box / name).write_bytes(content)


def read(box: Path) -> list[tuple[str, bytes]]:
    return [(mail.key, mail.content) for page in Maildir(box, "Done").pages() for mail in page]


def test_new_and_seen_mails_are_read_by_the_time_of_their_arrival(box: Path) -> None:
    put(box, "new/1763000003.M1.mx", b"third")
    put(box, "cur/1763000001.M1.mx:2,S", b"first")
    put(box, "new/1763000002.M1.mx", b"second")
    put(box, "tmp/1763000000.M1.mx", b"not yet delivered")

    assert [content for _, content in read(box)] == [b"first", b"second", b"third"]
    assert [content for _, content in read(box)] == [b"first", b"second", b"third"]


def test_what_is_no_mail_is_left_alone(box: Path) -> None:
    put(box, "new/.hidden")
    put(box, "cur/1.mx:2,ST", b"thrown away by a person")
    (box / "new" / "folder").mkdir()
    os.mkfifo(box / "new" / "pipe")
    (box / "outside").write_bytes(b"secret")
    (box / "new" / "zz-link").symlink_to(box / "outside")
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind(str(box / "new" / "socket"))

    assert read(box) == []


def test_a_mail_that_is_gone_meanwhile_is_no_trouble(box: Path) -> None:
    for number in range(PAGE + 1):
        put(box, f"new/{number:04}")
    maildir = Maildir(box, "Done")
    pages = maildir.pages()
    first = next(pages)
    (box / "new" / f"{PAGE:04}").rename(box / "cur" / f"{PAGE:04}:2,S")

    assert len(first) == PAGE
    assert list(next(pages)) == []
    assert len(read(box)) == PAGE + 1


def test_a_mail_that_cannot_be_read_keeps_no_other_waiting(
    box: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(PAGE + 2):
        put(box, f"new/{number:04}")
    usual = os.open

    def guarded(path: Path, flags: int) -> int:
        if path.name == "0000":
            raise PermissionError(errno.EACCES, "Permission denied")
        return usual(path, flags)

    monkeypatch.setattr(os, "open", guarded)
    found: list[str] = []
    with pytest.raises(MailboxTrouble, match="0000: Permission denied"):
        for page in Maildir(box, "Done").pages():
            found += [mail.key for mail in page]

    assert found == [f"new/{number:04}" for number in range(1, PAGE + 2)]


def test_no_more_of_a_mail_is_read_than_is_looked_at(box: Path) -> None:
    put(box, "new/1", b"a" * (LARGEST + 10))

    ((_, content),) = read(box)
    assert len(content) == LARGEST


def test_what_is_done_lies_in_a_folder_mail_programs_show(box: Path) -> None:
    put(box, "new/1.mx", b"one")
    put(box, "cur/2.mx:2,F", b"two")
    maildir = Maildir(box, "Done")
    (page,) = maildir.pages()
    maildir.done(page)
    maildir.done(page)  # somebody else has moved them: no trouble

    assert read(box) == []
    assert sorted(one.name for one in (box / ".Done" / "cur").iterdir()) == ["1.mx:2,S", "2.mx:2,S"]
    assert (box / ".Done" / "maildirfolder").exists()
    assert (box / ".Done").stat().st_uid == box.stat().st_uid


def test_a_folder_that_is_no_maildir_is_said(tmp_path: Path) -> None:
    with pytest.raises(MailboxTrouble, match="new/ and cur/"):
        read(tmp_path / "nowhere")

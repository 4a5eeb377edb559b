"""Returned mail by IMAP: read without a trace, moved when done with, whatever a server can."""

import pytest

from outreach.feeds.imap import ImapMailbox, Place
from outreach.feeds.returned_mail import MailboxTrouble
from tests.feeds.imap_server import Box, imap_server

MAILS = [b"Subject: one\r\n\r\n1\r\n", b"Subject: two\r\n\r\n)\r\n", b""]


ODD = 'p"w\\d'


def mailbox(port: int, password: str = ODD, **changes: str) -> ImapMailbox:
    place = Place("127.0.0.1", port, "none", None, "b & co", "INBOX", "Done", 5.0)
    return ImapMailbox(place._replace(**changes), password)  # type: ignore[arg-type]


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("abilities", ["MOVE", "UIDPLUS", ""], ids=["move", "uidplus", "neither"])
def test_each_mail_is_read_once_whatever_the_server_can(abilities: str, behind: bool) -> None:
    box = Box(list(MAILS), abilities)
    box.uid_behind = behind
    with imap_server(box) as port:
        one = mailbox(port)
        (page,) = one.pages()
        assert [mail.content for mail in page] == MAILS
        assert box.moved == []
        one.done(page)
        assert list(one.pages()) == []
        one.close()

    assert box.moved == [('"Done"', uid) for uid in (11, 12, 13)]
    assert bool(box.mails) == (abilities == "")  # a plain EXPUNGE might remove what others deleted
    assert not [asked for asked in box.asked if asked == "EXPUNGE"]
    assert all("PEEK" in asked for asked in box.asked if "FETCH" in asked)
    assert box.logins == [r'LOGIN "b & co" "p\"w\\d"']


def test_a_mail_somebody_removed_meanwhile_is_left_out() -> None:
    box = Box(list(MAILS), "MOVE")
    with imap_server(box) as port:
        one = mailbox(port)
        pages = one.pages()
        box.open_mails = lambda: [11, 12, 13, 99]  # type: ignore[method-assign]
        (page,) = pages
        one.close()

    assert len(page) == 3


@pytest.mark.parametrize("cut", ["LOGIN", "SELECT", "UID FETCH", "UID MOVE"])
def test_a_server_that_hangs_up_leaves_every_mail_where_it_is(cut: str) -> None:
    box = Box(list(MAILS), "MOVE")
    box.cut_at = cut
    with imap_server(box) as port:
        one = mailbox(port)
        with pytest.raises(MailboxTrouble, match=rf"127\.0\.0\.1:{port}: "):
            for page in one.pages():
                one.done(page)
        one.close()

    assert box.open_mails() == [11, 12, 13]


def test_mails_of_a_lost_connection_are_not_moved_on_another() -> None:
    """Their numbers mean other mails there, if the folder was made anew meanwhile."""
    box = Box(list(MAILS), "MOVE")
    with imap_server(box) as port:
        one = mailbox(port)
        (page,) = one.pages()
        one.close()
        with pytest.raises(MailboxTrouble, match="before mails were moved"):
            one.done(page)

    assert len(box.mails) == 3


def test_a_refusal_is_told_in_the_servers_words_and_without_the_password() -> None:
    box = Box(list(MAILS))
    box.refuse = "LOGIN"
    with imap_server(box) as port, pytest.raises(MailboxTrouble) as told:
        list(mailbox(port, "hunter2").pages())

    assert "not today" in str(told.value)
    assert "hunter2" not in str(told.value)


def test_a_password_that_login_cannot_carry_is_said_without_a_letter_of_it() -> None:
    with imap_server(Box(list(MAILS))) as port, pytest.raises(MailboxTrouble) as told:
        list(mailbox(port, "hunter密2").pages())

    assert "AUTH=PLAIN" in str(told.value)
    assert "密" not in str(told.value)
    assert r"\u5bc6" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "asked"),
    [("Done", '"Done"'), ("已处理 & done", '"&XfJZBHQG- &- done"'), ('a"b', r'"a\"b"')],
)
def test_a_folder_of_any_name_can_be_meant(name: str, asked: str) -> None:
    box = Box(list(MAILS), "MOVE")
    with imap_server(box) as port:
        one = mailbox(port, done=name)
        (page,) = one.pages()
        one.done(page)
        one.close()

    assert {folder for folder, _ in box.moved} == {asked}
    assert box.folders == {asked}


def test_nobody_there_is_a_sentence() -> None:
    with imap_server(Box([])) as port:
        pass
    with pytest.raises(MailboxTrouble, match="refused"):
        list(mailbox(port).pages())

"""What is wrong in [bounces] of config.toml although it fits its model."""

import re
from collections.abc import Iterator
from typing import Final

from outreach.core.problem import Problem
from outreach.project.bounce_config import ImapMailbox, MaildirMailbox
from outreach.project.config import Config, SmtpSender
from outreach.project.toml_file import TomlFile

# The name before the @ gets 25 characters more, and RFC 5321 4.5.3.1.1 allows it 64.
_ADDRESS: Final = re.compile(r"[A-Za-z0-9._-]{1,39}@(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+")
_FOLDER: Final = re.compile(r"[^/.\x00-\x1f][^/\x00-\x1f]*")
_NAME: Final = 59  # what is read is stored as from `mail:NAME`, in a column of 64
_HERE: Final = frozenset(("localhost", "127.0.0.1", "::1"))


def check_bounces(config: Config, file: TomlFile) -> Iterator[Problem]:
    """An address that cannot carry a token, a password in clear, a mailbox that feeds itself."""
    bounces = config.bounces
    if bounces.address and not _ADDRESS.fullmatch(bounces.address):
        wrong = f'"{bounces.address}" cannot be a return address'
        write = "write a mailbox such as b@bounces.example.com, without a + in its name"
        yield file.problem(("bounces", "address"), wrong, write)
    if bounces.mailboxes and not bounces.address:
        wrong = "is missing, so no report that is read could be believed"
        write = "write the mailbox that takes returned mail, such as b@bounces.example.com"
        yield file.problem(("bounces",), f"address {wrong}", write)
    mails = any(isinstance(sender, SmtpSender) for sender in config.senders.values())
    if mails and bounces.address and not bounces.mailboxes:
        wrong = "nobody reads the mail that comes back to it"
        write = "describe the mailbox under [bounces.mailboxes.NAME]"
        yield file.warning(("bounces", "address"), wrong, write)
    if bounces.soft_limit > bounces.soft_days:
        wrong = f"there are not so many days within {bounces.soft_days}"
        yield file.problem(("bounces", "soft_limit"), wrong, "write fewer, or more soft_days")
    for name, mailbox in bounces.mailboxes.items():
        path = ("bounces", "mailboxes", name)
        if isinstance(mailbox, ImapMailbox):
            if mailbox.security == "none" and mailbox.host not in _HERE:
                wrong = "the password would cross the network in clear"
                yield file.problem((*path, "security"), wrong, 'write "tls" or "starttls"')
            if mailbox.folder.casefold() == mailbox.done.casefold():
                wrong = "is the folder that is read, so every mail would be read for ever"
                yield file.problem((*path, "done"), wrong, "name another folder")
        elif isinstance(mailbox, MaildirMailbox) and not _FOLDER.fullmatch(mailbox.done):
            wrong = f'"{mailbox.done}" is not the name of a folder in a Maildir'
            yield file.problem((*path, "done"), wrong, "write a name such as Done")
        if len(name) > _NAME:
            yield file.problem(path, f"has a name of {len(name)} characters", f"use up to {_NAME}")

"""The mailboxes of returned mail by the config as it stands, opened for whoever reads them."""

from typing import TYPE_CHECKING

from outreach.feeds.returned_mail import MailboxTrouble

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from outreach.cli.door import Door
    from outreach.feeds.returned_mail import Mailbox
    from outreach.project.bounce_config import ImapMailbox, MaildirMailbox
    from outreach.project.config import Config
    from outreach.receive import Applied


def secret_of(name: str) -> str:
    """What a mailbox's secret is called: that of `returns` is OUTREACH_SECRET_MAILBOX_RETURNS."""
    return f"mailbox-{name}"


def applying(door: "Door") -> "Callable[[Config], Applied]":
    """What applies the next returned mails that came in, by the config it is given."""
    from zoneinfo import ZoneInfo

    from outreach import receive
    from outreach.cli.engine import returns
    from outreach.receive.smpp import smpp_readers

    def apply(config: "Config") -> "Applied":
        verp, zone = returns(door, config), config.firm.zone
        return receive.apply(
            door.database, {"mail": receive.mail_reader(verp), **smpp_readers(config)}, door.now,
            zone=ZoneInfo(zone), soft=config.bounces.soft_rule(zone),
        )  # fmt: skip

    return apply


def opening(root: "Path") -> "Callable[[str, ImapMailbox | MaildirMailbox], Mailbox]":
    """What opens a mailbox that is read. It raises `MailboxTrouble` where the password is missing;
    no connection is made before it is read."""

    def opened(name: str, configured: "ImapMailbox | MaildirMailbox") -> "Mailbox":
        if configured.kind == "maildir":
            from outreach.feeds.maildir import Maildir

            return Maildir(root / configured.path, configured.done)
        from outreach.feeds.imap import ImapMailbox, Place
        from outreach.project.secrets import SecretProblem, secret, variable_of

        try:
            password = secret(secret_of(name))
        except SecretProblem as error:
            raise MailboxTrouble(str(error)) from error
        if not password:
            variable = variable_of(secret_of(name))
            raise MailboxTrouble(f"its password is missing; set {variable} or {variable}_FILE")
        ca_file = str(root / configured.ca_file) if configured.ca_file else None
        place = Place(
            configured.host, configured.port, configured.security, ca_file, configured.username,
            configured.folder, configured.done, configured.timeout,
        )  # fmt: skip
        return ImapMailbox(place, password)

    return opened

"""[bounces] of config.toml: where mail that comes back goes, how it is read, what it leads to."""

from typing import Annotated, Literal

from pydantic import Field

from outreach.core.bounce.resting import SoftRule
from outreach.core.written import Name, Written


class MaildirMailbox(Written):
    """A Maildir of this machine, or of a mounted disk."""

    kind: Literal["maildir"]
    path: str = Field(min_length=1, description="The folder that holds new/ and cur/.")
    done: str = Field("Done", min_length=1, description="Its folder for mails that are stored.")
    every_seconds: int = Field(60, ge=1, le=86400)


class ImapMailbox(Written):
    """A mailbox of a mail server. Password: OUTREACH_SECRET_MAILBOX_<NAME> or *_FILE."""

    kind: Literal["imap"]
    host: str = Field(min_length=1)
    port: int = Field(993, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "tls"
    ca_file: str | None = Field(None, description="PEM file to trust instead of the system's.")
    username: str = Field(min_length=1)
    folder: str = Field("INBOX", min_length=1)
    done: str = Field("Done", min_length=1, description="Its folder for mails that are stored.")
    every_seconds: int = Field(60, ge=1, le=86400)
    timeout: float = Field(30.0, gt=0, le=300, description="Seconds for one answer of the server.")


class LmtpDoor(Written):
    """A door the firm's mail server delivers returned mail to, while `outreach serve` runs."""

    kind: Literal["lmtp"]
    host: str = Field("127.0.0.1", min_length=1, description="Address it listens on.")
    port: int = Field(10024, ge=1, le=65535)


Mailbox = Annotated[MaildirMailbox | ImapMailbox | LmtpDoor, Field(discriminator="kind")]


class Bounces(Written):
    """Mail that comes back."""

    address: str = Field(
        "",
        description="Mailbox that takes returned mail: b@bounces.example.com. Each mail leaves with"
        " an address of its own there, b+TOKEN@. Empty: the sender's own address.",
    )
    soft_limit: int = Field(
        5, ge=2, le=100, description="Days with a soft bounce, and the address is blocked a while."
    )
    soft_days: int = Field(30, ge=2, le=366, description="Within so many days.")
    soft_block_days: int = Field(30, ge=1, le=366, description="For so many days.")
    mailboxes: dict[Name, Mailbox] = Field(default_factory=dict)

    def soft_rule(self, zone: str) -> SoftRule:
        """When an address rests; days are those of a zone."""
        return SoftRule(self.soft_limit, self.soft_days, self.soft_block_days, zone)

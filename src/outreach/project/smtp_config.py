"""[senders.*] of kind smtp: the firm's mail servers, how fast domains are served, signatures."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, PrivateAttr

from outreach.core.words import Channel
from outreach.core.written import Name, Written
from outreach.project.rate_config import Paced

HOST: Final = r"^([^\s/@:]+|[0-9A-Fa-f:.]+)$"  # a name or an IP address; the port has its own key
HOST_OR_NONE: Final = r"^([^\s/@:]*|[0-9A-Fa-f:.]+)$"


class SmtpRelay(Written):
    """One of several mail servers of a sender."""

    name: Name | None = Field(
        None, description="Where it has a password of its own: OUTREACH_SECRET_<SENDER>_<NAME>."
    )
    host: str = Field(pattern=HOST)
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: str | None = Field(None, description="PEM file to trust instead of the system's.")
    username: str | None = None
    weight: int = Field(1, ge=1, le=1000, description="Its share of the connections.")

    _password: str | None = PrivateAttr(None)

    @property
    def password(self) -> str | None:
        """Its own, once `SmtpSender.at` has read it."""
        return self._password


class DomainLimit(Written):
    """How much a recipient domain takes from all processes of a machine; 0 = no limit."""

    connections: int = Field(0, ge=0, le=128, description="Mails in its hands at once.")
    per_second: float = Field(0.0, ge=0, le=10000, description="Mails begun in a second.")


class Dkim(Written):
    """One signature: the key whose public half stands at <selector>._domainkey.<domain>."""

    domain: str = Field(min_length=1, description="Of the From address, or one it belongs to.")
    selector: str = Field(min_length=1)
    key_file: str = Field(min_length=1, description="PEM private key, RSA-2048 or Ed25519.")


class SmtpSender(Paced):
    kind: Literal["smtp"]
    channel: Literal[Channel.EMAIL] = Channel.EMAIL
    address: str
    host: str = Field("", pattern=HOST_OR_NONE, description="The mail server; several: relays.")
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: str | None = Field(None, description="PEM file to trust instead of the system's.")
    username: str | None = Field(None, description="Password: OUTREACH_SECRET_<SENDER> or *_FILE.")
    relays: tuple[SmtpRelay, ...] = Field(
        (), description="Several mail servers instead of host; one that is down is left out."
    )
    connections: int = Field(8, ge=1, le=128, description="Of all relays together.")
    timeout: float = Field(30.0, gt=0, description="Seconds for one answer of the server.")
    domains: dict[str, DomainLimit] = Field(
        default_factory=dict, description='Recipient domain = its limits; "*" = each other domain.'
    )
    dkim: Dkim | tuple[Dkim, ...] = Field((), description="Signatures; none: the relay signs.")

    @property
    def servers(self) -> tuple[SmtpRelay, ...]:
        """The relays, or the one host as one."""
        return self.relays or (
            SmtpRelay.model_construct(
                host=self.host,
                port=self.port,
                security=self.security,
                ca_file=self.ca_file,
                username=self.username,
            ),
        )

    @property
    def signatures(self) -> tuple[Dkim, ...]:
        return (self.dkim,) if isinstance(self.dkim, Dkim) else self.dkim

    _shared: Path | None = PrivateAttr(None)

    @property
    def shared(self) -> Path | None:
        """The file in which the processes of this machine keep the limits of domains together."""
        return self._shared

    def at(
        self, root: Path, secret: Callable[[str], str | None], shared: Path | None = None
    ) -> Self:
        """This sender with the paths of its files read from the project's folder, and the passwords
        that relays have of their own read by `secret`, to which their names are given. `shared` is
        the file of the limits that all processes of this machine keep."""
        relays = []
        for relay in self.relays:
            copy = relay.model_copy(update={"ca_file": _below(root, relay.ca_file)})
            copy._password = secret(relay.name) if relay.name else None
            relays.append(copy)
        signatures = tuple(
            one.model_copy(update={"key_file": str(root / one.key_file)}) for one in self.signatures
        )
        changed = {"relays": tuple(relays), "dkim": signatures}
        ready = self.model_copy(update={**changed, "ca_file": _below(root, self.ca_file)})
        ready._shared = shared
        return ready


def _below(root: Path, path: str | None) -> str | None:
    return str(root / path) if path else None

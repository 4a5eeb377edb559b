"""What `outreach doctor` says of senders: have they their secrets, and do their servers answer?"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from outreach.project.config import Sender

CONNECT_SECONDS: Final = 3.0


class Seen(NamedTuple):
    """One finding, in the order in which `doctor` takes it."""

    level: Literal["ok", "warning", "error"]
    says: str
    write: str = ""


def server_findings(senders: "Mapping[str, Sender]", connect: bool) -> Iterator[Seen]:
    """Each sender by its kind; with `connect` also whether its servers answer."""
    from outreach.project.secrets import secret, variable_of

    for name, sender in senders.items():
        missing = [needed for needed in secrets_of(name, sender) if not secret(needed)]
        servers = _servers(sender) if connect else []
        if sender.kind == "memory":
            yield Seen("warning", f"{name} sends nothing to anybody", "give it another kind")
        elif not missing and not servers:
            yield Seen("ok", f"{name} ({sender.kind})")
        for needed in missing:
            write = f"set {variable_of(needed)} or its _FILE"
            yield Seen("error", f"{needed} has no secret", write)
        for host, port in servers:
            yield _knock(name, host, port)


def secrets_of(name: str, sender: "Sender") -> list[str]:
    """The names of the secrets without which a sender cannot work."""
    if sender.kind != "smtp":
        kinds = ("twilio_sms", "sms_gateway_http", "smpp", "webhook")
        return [name] if sender.kind in kinds else []
    logins = [relay for relay in sender.servers if relay.username]
    return list(dict.fromkeys(f"{name}-{one.name}" if one.name else name for one in logins))


def _servers(sender: "Sender") -> list[tuple[str, int]]:
    """Where a sender can be knocked at."""
    if sender.kind == "smtp":
        return [(relay.host, relay.port) for relay in sender.servers]
    return [(sender.host, sender.port)] if sender.kind == "smpp" else []


def _knock(name: str, host: str, port: int) -> Seen:
    import socket

    try:
        with socket.create_connection((host, port), timeout=CONNECT_SECONDS):
            return Seen("ok", f"{name}: {host}:{port} answers")
    except OSError as error:
        why = error.strerror or str(error) or type(error).__name__
        says = f"{name}: {host}:{port} cannot be reached: {why}"
        write = f"look at host and port of [senders.{name}], the network and the server"
        return Seen("error", says, write)

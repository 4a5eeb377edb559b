"""What the commands that plan and send share: the engine, its adapters and keys, opened once."""

import gc
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from socket import gethostname
from tempfile import NamedTemporaryFile
from zoneinfo import ZoneInfo

from outreach import clock, dispatch
from outreach.channels import Adapter, ChannelUnavailable, open_channel
from outreach.cli.door import BAD_DATA, Door, Failure
from outreach.cli.message_centres import let_hear
from outreach.core.campaign import Campaign
from outreach.core.rate import Limits
from outreach.core.verp import Verp
from outreach.engine import local
from outreach.project.config import (
    Config,
    GatewaySender,
    Sender,
    SmppSender,
    SmtpSender,
    TwilioSender,
)
from outreach.project.definition import Definition, define
from outreach.project.rate_config import limits
from outreach.project.secrets import secret, variable_of

UNSUBSCRIBE = "unsubscribe"
BOUNCES = "bounces"


def definition(door: Door, campaign: str) -> Definition:
    """A campaign's definition as its files stand. Raises Failure(3) for an unknown campaign
    and for a template that cannot be compiled."""
    known = door.project.campaigns
    if campaign not in known:
        names = ", ".join(sorted(known)) or "none yet"
        own = door.problems_of(f"/{campaign}.toml")
        unknown = f"{campaign}: there is no such campaign; there are: {names}"
        raise Failure(BAD_DATA, own or unknown)
    if known[campaign].template not in door.project.templates:
        own = door.problems_of(f"/{known[campaign].template}/")
        raise Failure(
            BAD_DATA, own or f"{campaign}: there is no template {known[campaign].template}"
        )
    if known[campaign].segment not in door.project.segments.models:
        own = door.problems_of("/segments.toml")
        raise Failure(BAD_DATA, own or f"{campaign}: there is no segment {known[campaign].segment}")
    from outreach.core.render import TemplateError

    try:
        return define(door.project, campaign)
    except TemplateError as error:
        folder = f"{door.config.paths.templates}/{known[campaign].template}"
        lines = [f"{folder}/{error}", "`outreach check` shows every problem at once"]
        raise Failure(BAD_DATA, lines) from error


def unsubscribe_key(door: Door) -> bytes:
    """The key of unsubscribe links: a secret of the environment, else one kept in var/keys.

    It is made once and must stay: links in mails already sent depend on it.
    """
    return _key(door, UNSUBSCRIBE)


def returns(door: Door, config: Config | None = None) -> Verp | None:
    """The return addresses of mails, signed with a key that is kept like that of unsubscribe links;
    None when the firm has no mailbox for returned mail. `config` where it is not the door's."""
    mailbox = (config or door.config).bounces.address
    return Verp(mailbox, _key(door, BOUNCES)) if mailbox else None


def _key(door: Door, name: str) -> bytes:
    given = secret(name)
    if given:
        return given.encode()
    path = door.var / "keys" / f"{name}.key"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return _made(path)


def _made(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.stem}.") as file:  # nobody else's
        file.write(secrets.token_bytes(32))
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):  # only one of those who want it at once makes it
            os.link(file.name, path)
    return path.read_bytes()


def collect_seldom() -> None:
    """Plan and send with a garbage collector that seldom looks: a page makes a hundred thousand
    tuples and no cycle, and looking through them after every 700 costs a fifth of the time."""
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


def _refuse_without_secrets(name: str, sender: Sender) -> None:
    """Nobody is asked with an empty password: what the provider would say to that is no help."""
    from outreach.cli.sender_health import secrets_of

    for needed in secrets_of(name, sender):
        if not secret(needed):
            raise ChannelUnavailable(
                f"{needed} has no secret; set {variable_of(needed)} or its _FILE"
            )


class Adapters:
    """The channels of this process, each opened when the first message needs it."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._open: dict[str, Adapter] = {}
        self._returns = returns(door)

    def __call__(self, sender: str) -> Adapter:
        if sender not in self._open:
            config = self._door.config
            if sender not in config.senders:
                raise ChannelUnavailable(f"{sender}: config.toml has no such sender any more")
            configured = config.senders[sender]
            _refuse_without_secrets(sender, configured)
            if isinstance(configured, GatewaySender | SmppSender | TwilioSender):
                configured = configured.at(self._door.root)
            elif isinstance(configured, SmtpSender):
                configured = configured.at(
                    self._door.root,
                    lambda relay: secret(f"{sender}-{relay}"),
                    # Of this machine alone, also where the folder is seen by several.
                    self._door.var / "run" / f"{sender}.{gethostname()}.domains",
                )
            self._open[sender] = open_channel(
                configured,
                secret=secret(sender),
                outbox=self._door.var / "outbox",
                firm_name=config.firm.name,
                returns=self._returns,
            )
            if isinstance(configured, SmppSender):
                let_hear(self._open[sender], self._door, sender, configured)
        return self._open[sender]

    def kind(self, sender: str) -> str | None:
        """The kind of a sender as config.toml says now; None for one that is gone."""
        found = self._door.config.senders.get(sender)
        return found.kind if found else None

    def limits(self, sender: str) -> Limits:
        """What limits a sender as config.toml says now."""
        config = self._door.config
        return limits(sender, config.senders.get(sender), config.accounts)

    def close(self) -> None:
        for adapter in self._open.values():
            adapter.close()


def engine(
    door: Door,
    adapters: Adapters,
    planned: Callable[[int], None] = lambda done: None,
    sent: Callable[[int], None] = lambda done: None,
    stopping: Callable[[], bool] = lambda: False,
) -> local.Local:
    """The embedded engine on the project's database and channels."""
    collect_seldom()
    settings = door.config.engine
    sending = dispatch.Sending(
        database=door.database,
        adapter=adapters,
        kind=adapters.kind,
        unavailable=ChannelUnavailable,
        key=unsubscribe_key(door),
        owner=local.owner(),
        clock=door.now,
        window=settings.window,
        lease=timedelta(seconds=settings.lease_seconds),
        stopping=stopping,
        limits=adapters.limits,
        zone=ZoneInfo(door.config.firm.zone),
        # A pretended clock is this process's own; the database knows the real one.
        shared_clock=not door.database.sqlite and not clock.environment(),
        elapsed=clock.elapsed,
        content_errors=settings.content_errors,
        soft=door.config.bounces.soft_rule(door.config.firm.zone),
    )
    config = str(door.config_path.resolve())
    return local.Local(
        sending,
        page=settings.page,
        senders=settings.senders,
        in_process_up_to=settings.in_process_up_to,
        command=local.python_command("--config", config, "worker", "--run"),
        planned=planned,
        sent=sent,
        jumped=clock.jumped,
    )


def title(campaign: Campaign, language: str) -> str:
    return campaign.name.in_(language)

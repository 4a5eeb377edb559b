"""What is wrong in config.toml although it fits its model: references, hours, zones, addresses."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from importlib.metadata import entry_points
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from outreach.core.client_columns import CLIENT_ALIASES, CONSENT_ALIASES
from outreach.core.market import MARKETS
from outreach.core.problem import Problem
from outreach.core.words import Channel
from outreach.project.check_bounces import check_bounces
from outreach.project.check_feeds import check_feeds
from outreach.project.check_gateways import check_gateways
from outreach.project.check_sms import check_sms
from outreach.project.check_smtp import check_smtp
from outreach.project.check_web import check_web
from outreach.project.config import Config, Hours, TwilioSender, WebhookDepartment
from outreach.project.sender_config import PluginSender, WebhookSender
from outreach.project.shape import nearest
from outreach.project.toml_file import TomlFile
from outreach.project.toml_lines import KeyPath

_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+")
_SIGNATURE_LENGTH = range(2, 13)  # domain.md CN14
# Either side of the clock changes: zones that share an hour in winter may not in summer.
_DAYS = (date(2026, 1, 15), date(2026, 7, 15))


def check_config(config: Config, file: TomlFile) -> Iterator[Problem]:
    """Every fault of a config that is well formed."""
    yield from _firm(config, file)
    yield from _database(config, file)
    yield from _senders(config, file)
    yield from check_gateways(config, file)
    yield from check_sms(config, file)
    yield from check_smtp(config, file)
    yield from _routes(config, file)
    yield from _zones(config, file)
    yield from _hours(config, file)
    yield from _columns(config, file)
    yield from _topics(config, file)
    yield from _departments(config, file)
    yield from check_feeds(config.feeds.halts, file)
    yield from check_bounces(config, file)
    yield from check_web(config, file)


def _firm(config: Config, file: TomlFile) -> Iterator[Problem]:
    for language in ("zh", "en"):
        signature = config.firm.signature.in_(language)
        if len(signature) not in _SIGNATURE_LENGTH or not signature.isalnum():
            wrong = f'"{signature}" is not a signature the networks accept'
            write = "write 2 to 12 letters or digits, without spaces, symbols or brackets"
            yield file.problem(("firm", "signature", language), wrong, write)
    if wrong := _not_https(config.firm.unsubscribe_url):
        yield file.problem(
            ("firm", "unsubscribe_url"), wrong, "write https://HOST/PATH/, with a slash at its end"
        )
    elif not config.firm.unsubscribe_url.endswith("/"):
        write = f"write {config.firm.unsubscribe_url}/"
        yield file.problem(("firm", "unsubscribe_url"), "does not end with a slash", write)
    yield from _survey_door(config, file)
    yield from known_market(config.firm.market, file, ("firm", "market"))
    for key in ("hotline", "website"):
        if not getattr(config.firm, key).strip():
            yield file.problem(("firm", key), "is empty", "write what clients are to use")


def _survey_door(config: Config, file: TomlFile) -> Iterator[Problem]:
    url = config.firm.survey_url
    if url and ((wrong := _not_https(url)) or not url.endswith("/")):
        write = "write https://HOST/PATH/, with a slash at its end"
        yield file.problem(("firm", "survey_url"), wrong or "does not end with a slash", write)


def _topics(config: Config, file: TomlFile) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, topic in enumerate(config.topics):
        for language in ("zh", "en"):
            word = topic.in_(language)
            if re.search(r"[,，、;；|/\s]", word) and language == "zh":
                wrong = f'"{word}" would be read as several topics'
                yield file.problem(("topics", index, language), wrong, "write one word")
            first = seen.setdefault(word.casefold(), index)
            if first != index:
                wrong = f'"{word}" is there twice'
                yield file.problem(("topics", index, language), wrong, "remove one of them")


def _departments(config: Config, file: TomlFile) -> Iterator[Problem]:
    for name, department in config.departments.items():
        if isinstance(department, WebhookDepartment) and (wrong := _not_a_hook(department.url)):
            write = "write the https address that takes the cases"
            yield file.problem(("departments", name, "url"), wrong, write)


def _not_a_hook(url: str) -> str:
    """Why an address is no webhook; one on this machine may do without https."""
    host = urlsplit(url).hostname if "://" in url else None
    if host in ("localhost", "127.0.0.1", "::1"):
        return _not_https(url.replace("http://", "https://", 1))
    return _not_https(url)


def known_market(market: str, file: TomlFile, path: KeyPath) -> Iterator[Problem]:
    """A market no calendar is kept for."""
    if market not in MARKETS:
        near = nearest(market, MARKETS)
        write = f"write {near}" if near else f"write one of {', '.join(MARKETS)}"
        yield file.problem(path, f'the market "{market}" is not known', write)


def _not_https(url: str) -> str:
    """Why an address is not a public https one; empty where it is."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "is not an address"
    if parts.scheme != "https":
        return "is not an https address"
    if parts.username or parts.password:
        return "holds a name or password, which would be kept with every run"
    return "" if parts.hostname and not parts.query and not parts.fragment else "is not an address"


def _brought(channel: str) -> bool:
    """Whether an installed package has an entry point for a channel."""
    return bool(entry_points(group="outreach.channels", name=channel))


def _database(config: Config, file: TomlFile) -> Iterator[Problem]:
    scheme = config.database.partition("://")[0]
    if scheme not in ("sqlite", "postgresql+psycopg"):
        write = "write sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"
        yield file.problem(("database",), f'"{scheme}" is not a database kind known here', write)
    elif re.search(r"://[^/@]*:[^/@]+@|[?&]password=", config.database):
        write = "leave it out and put it in ~/.pgpass or the variable PGPASSWORD"
        yield file.problem(("database",), "holds a password", write)


def _senders(config: Config, file: TomlFile) -> Iterator[Problem]:
    for name, sender in config.senders.items():
        path = ("senders", name)
        if sender.channel is Channel.EMAIL and not _ADDRESS.fullmatch(sender.address):
            wrong = "is not an e-mail address"
            yield file.problem((*path, "address"), wrong, "write the From address of the firm")
        if sender.channel is Channel.SMS and not sender.address.strip():
            write = "write the number or id clients see as the sender"
            yield file.problem((*path, "address"), "is empty", write)
        if isinstance(sender, TwilioSender) and (wrong := _not_https(sender.receipts_url)):
            write = "write the https address of this program's webhook"
            yield file.problem((*path, "receipts_url"), wrong, write)
        if isinstance(sender, WebhookSender) and (wrong := _not_a_hook(sender.url)):
            write = "write the https address of the firm's push service"
            yield file.problem((*path, "url"), wrong, write)
        if isinstance(sender, PluginSender) and not _brought(sender.name):
            wrong = f'no installed package brings a channel "{sender.name}"'
            yield file.problem((*path, "name"), wrong, "install it beside outreach")


def _routes(config: Config, file: TomlFile) -> Iterator[Problem]:
    served: dict[tuple[Channel, str], int] = {}
    for index, route in enumerate(config.routes):
        path: KeyPath = ("routes", index)
        sender = config.senders.get(route.sender)
        if sender is None:
            near = nearest(route.sender, config.senders)
            known = f"write one of {', '.join(config.senders)}"
            wrong = f'there is no sender "{route.sender}"'
            yield file.problem((*path, "sender"), wrong, f"write {near}" if near else known)
        elif sender.channel is not route.channel:
            wrong = f'the sender "{route.sender}" is of channel {sender.channel.value}'
            write = f"name a sender of channel {route.channel.value}"
            yield file.problem((*path, "sender"), wrong, write)
        if route.channel is Channel.EMAIL and route.prefix:
            write = "leave it out: e-mail addresses have none"
            yield file.problem((*path, "prefix"), "is a phone prefix", write)
        if isinstance(sender, TwilioSender) and route.prefix == "+86":
            wrong = "Twilio does not carry notices about securities to mainland China"
            yield file.warning((*path, "sender"), wrong, "name a sender of a mainland gateway")
        for (channel, prefix), earlier in served.items():
            if channel is route.channel and route.prefix.startswith(prefix):
                wrong = f"is never reached: routes[{earlier}] serves these addresses first"
                yield file.problem(path, wrong, "put the longer prefix first, or remove one")
                break
        served[route.channel, route.prefix] = index


def _zones(config: Config, file: TomlFile) -> Iterator[Problem]:
    written: list[tuple[KeyPath, str]] = [(("firm", "zone"), config.firm.zone)]
    zones = config.limits.unknown_zones
    written += [(("limits", "unknown_zones", at), zone) for at, zone in enumerate(zones)]
    if config.clients.default_zone is not None:
        written.append((("clients", "default_zone"), config.clients.default_zone))
    for path, zone in written:
        yield from known_zone(zone, file, path)
    if not zones:
        write = 'write at least one zone, such as ["Asia/Shanghai"]'
        yield file.problem(("limits", "unknown_zones"), "is empty", write)


def known_zone(zone: str, file: TomlFile, path: KeyPath) -> Iterator[Problem]:
    """A clock that no zone of the world shows."""
    if _zone(zone) is None:
        near = nearest_zone(zone)
        write = f"write {near}" if near else "write a zone such as Asia/Shanghai"
        yield file.problem(path, f'"{zone}" is not a time zone', write)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def nearest_zone(name: str) -> str | None:
    """The IANA zone a mistyped one most likely means."""
    return nearest(name.replace(" ", "_"), available_timezones())


def _hours(config: Config, file: TomlFile) -> Iterator[Problem]:
    zones = [zone for name in config.limits.unknown_zones if (zone := _zone(name))]
    for purpose, hours in config.limits.contact_hours.items():
        path = ("limits", "contact_hours", purpose.value)
        if hours.opens >= hours.closes:
            wrong = f"closes at {hours.closes:%H:%M}, not after it opens at {hours.opens:%H:%M}"
            yield file.problem((*path, "closes"), wrong, "write a later time of the same day")
        elif not all(_open_together(hours, zones, day) for day in _DAYS):
            wrong = "are never open in all of limits.unknown_zones at once"
            write = "widen these hours or name fewer zones"
            yield file.problem(path, wrong, write)


def _open_together(hours: Hours, zones: list[ZoneInfo], day: date) -> bool:
    """Whether some moment of a day lies within the hours on the clock of every zone."""
    noon = datetime.combine(day, time(12), UTC)
    moments = (noon + timedelta(minutes=15 * at) for at in range(96))
    return any(
        all(hours.opens <= moment.astimezone(zone).time() < hours.closes for zone in zones)
        for moment in moments
    )


def _columns(config: Config, file: TomlFile) -> Iterator[Problem]:
    known = [*CLIENT_ALIASES, *CONSENT_ALIASES]
    for name in config.clients.columns:
        if name not in known:
            near = nearest(name, known)
            write = f"write {near}" if near else f"write one of {', '.join(known)}"
            yield file.problem(("clients", "columns", name), "is not a client field", write)

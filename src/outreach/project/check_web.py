"""What is wrong with the `[web]` table, and with addresses that have to lead to it."""

from collections.abc import Iterator
from ipaddress import ip_network
from urllib.parse import urlsplit

from outreach.core.problem import Problem
from outreach.project.config import Config, GatewaySender, TwilioSender
from outreach.project.toml_file import TomlFile
from outreach.project.toml_lines import KeyPath
from outreach.project.web_config import Web

# The first part of the paths that are ours whatever config.toml says.
OURS = ("twilio", "gateway", "push", "healthz", "metrics")
_HERE = ("localhost", "127.0.0.1", "::1")


def check_web(config: Config, file: TomlFile) -> Iterator[Problem]:
    """Every fault of the door, and of what has to agree with it."""
    yield from _networks(config, file)
    web = config.web
    if web is None:
        return
    if wrong := _not_public(web.public_url):
        write = "write https://HOST, or https://HOST/PATH, without a slash at its end"
        yield file.problem(("web", "public_url"), wrong, write)
        return
    yield from _receipts(config, web, file)
    yield from _pages(config, file)


def _not_public(url: str) -> str:
    """Why an address is none a provider can ask; one on this machine may do without https."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        return "is not an https address"
    if parts.username or parts.password:
        return "holds a name or password"
    if not parts.hostname or parts.query or parts.fragment:
        return "is not an address"
    return "ends with a slash" if parts.path.endswith("/") else ""


def receipts_url(web: Web, sender: str) -> str:
    """What `receipts_url` of a Twilio sender has to be for its callbacks to arrive here."""
    return f"{web.public_url}/twilio/{sender}/status"


def _receipts(config: Config, web: Web, file: TomlFile) -> Iterator[Problem]:
    for name, sender in config.senders.items():
        wanted = receipts_url(web, name)
        if isinstance(sender, TwilioSender) and sender.receipts_url.rstrip("/") != wanted:
            wrong = "does not lead to [web]: its receipts would be lost"
            path = ("senders", name, "receipts_url")
            yield file.problem(path, wrong, f'write "{wanted}"')


def _pages(config: Config, file: TomlFile) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for key in ("unsubscribe_url", "survey_url"):
        url = getattr(config.firm, key)
        if not url:
            continue
        path = urlsplit(url).path
        first = path.strip("/").split("/")[0]
        if first in OURS:
            wrong = f"lies below /{first}, where providers report"
            yield file.problem(("firm", key), wrong, f"write another path than /{first}/")
        for other, theirs in seen.items():
            if path.startswith(theirs) or theirs.startswith(path):
                wrong = f"has a path that lies below that of {other}, or above it"
                yield file.problem(("firm", key), wrong, "give each a path of its own")
        seen[key] = path


def _networks(config: Config, file: TomlFile) -> Iterator[Problem]:
    written: list[tuple[KeyPath, str]] = [
        (("web", "trusted_proxies", at), one)
        for at, one in enumerate(config.web.trusted_proxies if config.web else ())
    ]
    for name, sender in config.senders.items():
        if isinstance(sender, GatewaySender):
            written += [
                (("senders", name, "push_from", at), one) for at, one in enumerate(sender.push_from)
            ]
    for path, one in written:
        try:
            ip_network(one, strict=False)
        except ValueError:
            wrong = f'"{one}" is neither an address nor a network'
            yield file.problem(path, wrong, "write such as 203.0.113.7 or 203.0.113.0/24")

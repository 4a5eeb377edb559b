"""Whether a gateway that renders approved templates itself can make the texts of the campaigns."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

from outreach.core.gateway.approved import Approved, Unapproved, approved, fill, split_signature
from outreach.core.gateway.profile import SHIPPED, Profile, parse_profile
from outreach.core.words import Channel
from outreach.project.config import Config, GatewaySender


class Gateway(NamedTuple):
    """A sender whose gateway takes approved templates only, and those it has."""

    name: str
    profile: Profile
    templates: tuple[Approved, ...]


def template_gateways(config: Config, root: Path) -> list[Gateway]:
    """The gateways of this kind that serve any number. One whose profile or templates cannot be
    read is left out: `check_gateways` says what is wrong with it."""
    serving = {route.sender for route in config.routes if route.channel is Channel.SMS}
    found = []
    for name, sender in config.senders.items():
        if not isinstance(sender, GatewaySender) or name not in serving:
            continue
        try:
            profile = _profile(sender, root)
            templates = tuple(approved(id_, text) for id_, text in sender.templates.items())
        except (OSError, ValueError):
            continue
        if profile.mode == "template" and templates:
            found.append(Gateway(name, profile, templates))
    return found


def unmade(text: str, gateways: list[Gateway]) -> Iterator[tuple[str, str]]:
    """What is wrong with a whole SMS for gateways that cannot make it, and what to write."""
    signature, rest = split_signature(text)
    for one in gateways:
        if one.profile.signature == "apart" and not signature:
            continue  # a text of another language is for other senders
        body = rest if one.profile.signature == "apart" else text
        try:
            fill(body, one.templates, links=one.profile.links_in_variables)
        except Unapproved as error:
            table = f"[senders.{one.name}.templates]"
            yield f"{one.name} would not send it: {error}", _WRITE[error.code].format(table=table)


_WRITE: Final = {
    "no_template": "have it approved, and add it to {table} of config.toml word for word",
    "link_in_variable": "type the link into the text, and have it approved so ({table})",
}


def _profile(sender: GatewaySender, root: Path) -> Profile:
    if sender.profile in SHIPPED:
        source = files("outreach.data") / "gateways" / f"{sender.profile}.toml"
        return parse_profile(source.read_text(encoding="utf-8"))
    return parse_profile(Path(sender.at(root).profile).read_text(encoding="utf-8"))

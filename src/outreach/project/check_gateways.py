"""What is wrong with the SMS gateways of config.toml: profiles, templates, signatures, routes."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from outreach.core.gateway.approved import approved
from outreach.core.gateway.profile import SHIPPED, Profile, parse_profile
from outreach.core.problem import Problem
from outreach.project.config import Config, GatewaySender
from outreach.project.read_model import read_model
from outreach.project.shape import nearest
from outreach.project.toml_file import TomlFile, read_toml
from outreach.project.toml_lines import KeyPath

_HERE = ("localhost", "127.0.0.1", "::1")


def check_gateways(config: Config, file: TomlFile) -> Iterator[Problem]:
    """Every fault of the senders of kind sms_gateway_http, and of profiles of the project's own."""
    for name, sender in config.senders.items():
        if not isinstance(sender, GatewaySender):
            continue
        path: KeyPath = ("senders", name)
        profile = _profile(sender, file, path)
        if isinstance(profile, list):
            yield from profile
            continue
        yield from _address(sender, profile, file, path)
        yield from _signatures(config, sender, profile, file, path)
        yield from _templates(sender, profile, file, path)
        yield from _routes(config, name, profile, file)
        if not profile.takes_securities:
            wrong = f"{profile.title} refuses texts about shares and investment"
            write = "use it for other texts only, and a carrier's own port for the rest"
            yield file.warning((*path, "profile"), wrong, write)


def _profile(sender: GatewaySender, file: TomlFile, path: KeyPath) -> Profile | list[Problem]:
    if sender.profile in SHIPPED:
        source = files("outreach.data") / "gateways" / f"{sender.profile}.toml"
        return parse_profile(source.read_text(encoding="utf-8"))
    if not sender.profile.endswith(".toml"):
        near = nearest(sender.profile, SHIPPED)
        write = f"write {near or 'one of ' + ', '.join(SHIPPED)}, or a file that ends with .toml"
        wrong = f'there is no gateway profile "{sender.profile}"'
        return [file.problem((*path, "profile"), wrong, write)]
    own = Path(sender.at(file.path.parent).profile)
    if not own.is_file():
        write = f"copy a profile that ships to {sender.profile}, or correct the path"
        wrong = f"there is no file {sender.profile}"
        return [file.problem((*path, "profile"), wrong, write)]
    read = read_toml(own)
    return [read] if isinstance(read, Problem) else read_model(Profile, read)


def _address(
    sender: GatewaySender, profile: Profile, file: TomlFile, path: KeyPath
) -> Iterator[Problem]:
    if not (sender.base_url or profile.endpoint):
        write = 'write base_url = "https://..." with the address the carrier gave you'
        yield file.problem((*path, "base_url"), f"is missing: {profile.title} names none", write)
    elif sender.base_url:
        parts = urlsplit(sender.base_url)
        if parts.username or parts.query or parts.fragment or not parts.hostname:
            write = "write https://HOST or https://HOST/PATH"
            yield file.problem((*path, "base_url"), "is not an address of a gateway", write)
        elif parts.scheme != "https" and parts.hostname not in _HERE:
            wrong = "numbers and texts would cross the network in clear"
            yield file.warning((*path, "base_url"), wrong, "write https where the carrier has it")
    if profile.names("app") and not sender.app:
        wrong = f"is missing: {profile.title} asks for it"
        yield file.problem((*path, "app"), wrong, "write the application id of its console")


def _signatures(
    config: Config, sender: GatewaySender, profile: Profile, file: TomlFile, path: KeyPath
) -> Iterator[Problem]:
    where = (*path, "signatures")
    ours = config.firm.signature
    if profile.signature == "apart" and not sender.signatures:
        write = f'write signatures = ["{ours.zh}"] as registered with {profile.title}'
        yield file.problem(where, "is missing: nothing would be sent", write)
    for index, signature in enumerate(sender.signatures):
        if not (2 <= len(signature) <= profile.signature_most and signature.isalnum()):
            wrong = f'"{signature}" is not a signature {profile.title} takes'
            write = f"write 2 to {profile.signature_most} letters or digits, without brackets"
            yield file.problem((*where, index), wrong, write)
    for language in ("zh", "en"):
        signature = ours.in_(language)
        if sender.signatures and signature not in sender.signatures:
            wrong = f'"{signature}" (firm.signature.{language}) is not among them'
            write = "register it and add it; texts that begin with it are not sent before that"
            yield file.warning(where, wrong, write)


def _templates(
    sender: GatewaySender, profile: Profile, file: TomlFile, path: KeyPath
) -> Iterator[Problem]:
    where = (*path, "templates")
    if profile.mode == "template" and not sender.templates:
        wrong = f"is missing: {profile.title} sends approved templates only"
        yield file.problem(where, wrong, 'write a line ID = "approved text" for each of them')
    if profile.mode == "text" and sender.templates:
        wrong = f"is not used: {profile.title} takes the whole text"
        yield file.warning(where, wrong, "remove it")
    for id_, text in sender.templates.items():
        try:
            approved(id_, text)
        except ValueError as error:
            yield file.problem((*where, id_), str(error), "write it as the gateway approved it")


def _routes(config: Config, name: str, profile: Profile, file: TomlFile) -> Iterator[Problem]:
    for index, route in enumerate(config.routes):
        if route.sender == name and profile.serves and not route.prefix.startswith(profile.serves):
            wrong = f"{profile.title} does not serve all of these numbers"
            write = f'write prefix = "{profile.serves[0]}", and another sender for the rest'
            yield file.problem(("routes", index, "prefix"), wrong, write)

"""What is wrong with the SMS senders of config.toml: Twilio's, and message centres over SMPP."""

import re
from collections.abc import Iterator
from typing import Final

from outreach.core.problem import Problem
from outreach.project.config import Config, SmppSender, TwilioSender
from outreach.project.toml_file import TomlFile
from outreach.project.toml_lines import KeyPath

_SENDER: Final = re.compile(r"\+[1-9]\d{6,14}|\d{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
_HERE: Final = ("localhost", "127.0.0.1", "::1")


def check_sms(config: Config, file: TomlFile) -> Iterator[Problem]:
    """Every fault of the senders of kind twilio_sms and smpp."""
    for name, sender in config.senders.items():
        path: KeyPath = ("senders", name)
        if isinstance(sender, TwilioSender):
            yield from _pool(sender, file, path)
        elif isinstance(sender, SmppSender):
            yield from _centre(sender, file, path)
            yield from _routes(config, name, sender, file)


def _pool(sender: TwilioSender, file: TomlFile, path: KeyPath) -> Iterator[Problem]:
    for index, number in enumerate(sender.pool):
        if not _SENDER.fullmatch(number):
            write = "write a number such as +15005550006, or a name of at most 11 letters"
            yield file.problem((*path, "pool", index), f'"{number}" is no sender number', write)
        elif number in sender.pool[:index]:
            yield file.problem((*path, "pool", index), "stands there twice", "remove one")


def _centre(sender: SmppSender, file: TomlFile, path: KeyPath) -> Iterator[Problem]:
    if not sender.tls and sender.host not in _HERE:
        wrong = "numbers, texts and the password cross the network in clear"
        yield file.warning((*path, "tls"), wrong, "write tls = true, or lead it through a VPN")
    if len(sender.address.removeprefix("+")) > 20 or not sender.address.isascii():
        write = "write at most 20 digits, or a name of at most 11 letters"
        yield file.problem((*path, "address"), "is no address of SMPP", write)


def _routes(config: Config, name: str, sender: SmppSender, file: TomlFile) -> Iterator[Problem]:
    for index, route in enumerate(config.routes):
        national = sender.numbers == "national"
        if route.sender == name and national and not route.prefix.startswith("+86"):
            wrong = f"{name} takes numbers of the mainland only"
            write = 'write prefix = "+86", or numbers = "e164" at the sender'
            yield file.problem(("routes", index, "prefix"), wrong, write)

"""What is wrong with the mail servers of config.toml: logins in the clear, limits, signing keys."""

from collections.abc import Iterator
from pathlib import Path

from outreach.core.dkim import KeyProblem, Signer
from outreach.core.problem import Problem
from outreach.project.config import Config
from outreach.project.smtp_config import Dkim, SmtpRelay, SmtpSender
from outreach.project.toml_file import TomlFile
from outreach.project.toml_lines import KeyPath


def check_smtp(config: Config, file: TomlFile) -> Iterator[Problem]:
    """Every fault of the senders of kind smtp."""
    for name, sender in config.senders.items():
        if not isinstance(sender, SmtpSender):
            continue
        path: KeyPath = ("senders", name)
        if not sender.host and not sender.relays:
            write = "write the name of the mail server, or relays for several"
            yield file.problem((*path, "host"), "is missing", write)
        for index, relay in enumerate(sender.servers):
            at: KeyPath = (*path, "relays", index) if sender.relays else path
            yield from _in_the_clear(relay, file, at)
        for key in ("host", "port", "security", "ca_file", "username"):
            if sender.relays and key in sender.model_fields_set:
                write = "write it in each of the relays"
                yield file.problem((*path, key), "does nothing beside relays", write)
        yield from _domains(sender, file, path)
        for index, signature in enumerate(sender.signatures):
            alone = isinstance(sender.dkim, Dkim)
            at = (*path, "dkim") if alone else (*path, "dkim", index)
            yield from _signature(sender, signature, file, at)


def _in_the_clear(relay: SmtpRelay, file: TomlFile, path: KeyPath) -> Iterator[Problem]:
    if relay.security == "none" and relay.username:
        wrong = "the password would cross the network in clear"
        yield file.problem((*path, "security"), wrong, 'write "starttls" or "tls"')


def _domains(sender: SmtpSender, file: TomlFile, path: KeyPath) -> Iterator[Problem]:
    for domain in sender.domains:
        if domain != "*" and ("@" in domain or "*" in domain or "." not in domain.strip(".")):
            wrong = f'"{domain}" is not a domain'
            write = 'write the part of an address behind its @, or "*" for all others'
            yield file.problem((*path, "domains", domain), wrong, write)


def _signature(sender: SmtpSender, dkim: Dkim, file: TomlFile, path: KeyPath) -> Iterator[Problem]:
    own = sender.address.rpartition("@")[2].lower()
    domain = dkim.domain.lower()
    if own != domain and not own.endswith(f".{domain}"):
        wrong = f"the mails come from {own}, for which {domain} does not speak"
        yield file.problem((*path, "domain"), wrong, f"write {own}")
    key = Path(file.path).parent / dkim.key_file
    try:
        Signer(dkim.domain, dkim.selector, key.read_bytes())
    except OSError as error:
        wrong = f"{dkim.key_file} cannot be read: {error.strerror or error}"
        write = "put the private key there, readable for this program"
        yield file.problem((*path, "key_file"), wrong, write)
    except KeyProblem as problem:
        said = str(problem)
        what = "selector" if "selector" in said else "domain" if "domain" in said else "key_file"
        yield file.problem((*path, what), said, "see docs/mail.md, Signatures")

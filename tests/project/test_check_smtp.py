"""Faults of mail servers in config.toml, each at its line with what to write instead."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from outreach.channels import ChannelUnavailable, open_channel
from outreach.core.campaign import Bilingual
from outreach.project.check import check
from outreach.project.config import Config
from outreach.project.load import load_config
from outreach.project.smtp_config import SmtpSender
from tests.project.small_project import change, make_project

ONE = """\
[senders.post]
kind = "smtp"
address = "service@mail.example.com"
host = "smtp.example.com"
dkim = { domain = "example.com", selector = "s1", key_file = "keys/s1.pem" }

[senders.post.domains]
"qq.com" = { connections = 2, per_second = 20 }
"*" = { connections = 4 }

[[routes]]
channel = "sms\""""
SEVERAL = """\
[senders.post]
kind = "smtp"
address = "service@mail.example.com"
connections = 12
relays = [
  { host = "a.example.com", username = "joe", weight = 3 },
  { name = "second", host = "b.example.com", port = 465, security = "tls", username = "ann" },
]
dkim = [{ domain = "mail.example.com", selector = "s1", key_file = "keys/s1.pem" }]

[[routes]]
channel = "sms\""""
ROUTE = '[[routes]]\nchannel = "sms"'


def project(tmp_path: Path, text: str) -> Path:
    folder = make_project(tmp_path).parent
    change(folder, "config.toml", ROUTE, text)
    (folder / "keys").mkdir()
    (folder / "keys" / "s1.pem").write_bytes(
        ed25519.Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder


def lines_of(folder: Path) -> list[str]:
    _, problems = check(folder / "config.toml")
    return [str(problem).removeprefix(f"{folder}/") for problem in problems]


def sender_of(folder: Path) -> SmtpSender:
    config = load_config(folder / "config.toml")
    assert isinstance(config, Config)
    sender = config.senders["post"]
    assert isinstance(sender, SmtpSender)
    return sender


@pytest.mark.parametrize("text", [ONE, SEVERAL])
def test_mail_servers_as_they_should_be_have_no_fault(tmp_path: Path, text: str) -> None:
    assert lines_of(project(tmp_path, text)) == []


@pytest.mark.parametrize(
    ("text", "old", "new", "said"),
    [
        (
            ONE, 'host = "smtp.example.com"\n', "",
            "senders.post.host: is missing, write the name of the mail server, or relays for"
            " several",
        ),
        (
            SEVERAL, "connections = 12\n", 'host = "c.example.com"\n',
            "senders.post.host: does nothing beside relays, write it in each of the relays",
        ),
        (
            SEVERAL, "connections = 12\n", "port = 25\n",
            "senders.post.port: does nothing beside relays, write it in each of the relays",
        ),
        (
            SEVERAL, 'security = "tls"', 'security = "none"',
            "senders.post.relays[1].security: the password would cross the network in clear, write"
            ' "starttls" or "tls"',
        ),
        (
            SEVERAL, "weight = 3", "weight = 0",
            "senders.post.relays[0].weight: 0 is out of range, write a whole number from 1 to 1000",
        ),
        (
            ONE, '"qq.com" =', '"joe@qq.com" =',
            'senders.post.domains."joe@qq.com": "joe@qq.com" is not a domain, write the part of an'
            ' address behind its @, or "*" for all others',
        ),
        (
            ONE, 'domain = "example.com"', 'domain = "example.cn"',
            "senders.post.dkim.domain: the mails come from mail.example.com, for which example.cn"
            " does not speak, write mail.example.com",
        ),
        (
            ONE, "keys/s1.pem", "keys/s2.pem",
            "senders.post.dkim.key_file: keys/s2.pem cannot be read: No such file or directory, put"
            " the private key there, readable for this program",
        ),
        (
            SEVERAL, '"keys/s1.pem"', '"config.toml"',
            "senders.post.dkim[0].key_file: this is not a private key in PEM form without a"
            " password, see docs/mail.md, Signatures",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_said_at_its_line(
    tmp_path: Path, text: str, old: str, new: str, said: str
) -> None:
    assert old in text
    found = lines_of(project(tmp_path, text.replace(old, new)))

    assert [line.split(": ", 1)[1] for line in found] == [said]


def test_a_relay_has_a_password_of_its_own_where_it_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = sender_of(project(tmp_path, SEVERAL))

    ready = sender.at(tmp_path, {"second": "her secret"}.get)

    assert [relay.password for relay in ready.servers] == [None, "her secret"]
    assert "her secret" not in f"{ready!r} {ready.model_dump()}"
    assert ready.signatures[0].key_file == str(tmp_path / "keys/s1.pem")


def test_a_key_that_went_missing_stops_the_sender_and_blames_no_client(tmp_path: Path) -> None:
    sender = sender_of(project(tmp_path, ONE))
    firm = Bilingual(zh="示例证券", en="Example Securities")

    with pytest.raises(ChannelUnavailable, match=r"key_file .*/keys/s1\.pem cannot be read: No"):
        open_channel(
            sender.at(tmp_path / "elsewhere", lambda name: None),
            secret=None, outbox=tmp_path, firm_name=firm,
        )  # fmt: skip

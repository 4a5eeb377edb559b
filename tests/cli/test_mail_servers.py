"""Mail servers as config.toml names them: files from the project's folder, secrets from outside."""

from pathlib import Path
from socket import create_server
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from outreach.cli.door import Door
from outreach.cli.engine import Adapters
from outreach.core.words import Channel, State
from tests.certificate import made_certificate, server_side
from tests.channels.cases import letters, states
from tests.channels.test_smtp_server import Inbox, login, serving
from tests.core.dkim_reader import verdicts
from tests.project.small_project import change, make_project

SENDER = """\
[senders.post]
kind = "smtp"
address = "notice@broker.example"
connections = 2
relays = [
  {{ host = "127.0.0.1", port = {dead}, security = "none" }},
  {{ name = "second", host = "127.0.0.1", port = {port}, ca_file = "tls.pem", username = "通知" }},
]
dkim = {{ domain = "broker.example", selector = "s1", key_file = "keys/s1.pem" }}

[senders.post.domains]
"*" = {{ connections = 1 }}

[[routes]]
channel = "sms\""""


def test_mail_goes_signed_through_the_relay_that_is_there_with_its_own_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_project(tmp_path)
    key = ed25519.Ed25519PrivateKey.generate()
    (config.parent / "keys").mkdir()
    (config.parent / "keys" / "s1.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    certificate = made_certificate(config.parent / "tls.pem")
    with create_server(("127.0.0.1", 0)) as listener:
        dead = listener.getsockname()[1]
    monkeypatch.setenv("OUTREACH_SECRET_POST_SECOND", "密码 secret")
    monkeypatch.chdir(tmp_path.root)
    inbox = Inbox()
    options: dict[str, Any] = {
        "authenticator": login,
        "auth_required": True,
        "require_starttls": True,
    }
    with serving(inbox, tls_context=server_side(certificate), **options) as port:
        text = SENDER.format(dead=dead, port=port)
        change(config.parent, "config.toml", '[[routes]]\nchannel = "sms"', text)
        adapters = Adapters(Door(config, json=False))
        found = states(adapters("post"), letters(Channel.EMAIL, 12))
        adapters.close()

    assert set(found.values()) == {State.ACCEPTED}
    public = {("broker.example", "s1"): key.public_key()}
    for envelope in inbox.envelopes:
        assert verdicts(bytes(envelope.original_content or b""), public) == ["pass"]

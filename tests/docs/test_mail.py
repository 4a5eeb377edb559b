"""The page on sending mail: its senders load, and its commands give keys that sign."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from outreach.core.dkim import Signer
from outreach.project.smtp_config import SmtpSender

PAGE = Path(__file__).parents[2] / "docs" / "mail.md"
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
COMMENTED = re.compile(r"^# ?", re.MULTILINE)


def test_the_senders_of_the_page_load() -> None:
    first, relays, domains, signatures = BLOCKS
    one = SmtpSender.model_validate(
        tomllib.loads(first + domains)["senders"]["mail-relay"] | tomllib.loads(signatures)
    )
    several = SmtpSender.model_validate(tomllib.loads(relays)["senders"]["mail-relay"])

    assert one.domains["qq.com"].per_second == 20
    assert [signature.selector for signature in one.signatures] == ["o2026", "o2026e"]
    assert [relay.weight for relay in several.servers] == [3, 1]


def test_the_sender_in_the_comments_of_config_toml_loads() -> None:
    text = (PAGE.parents[1] / "config.toml").read_text(encoding="utf-8")
    block = text[text.index("# [senders.mail-relay]") : text.index("# Twilio, outside")]
    sender = tomllib.loads(COMMENTED.sub("", block))["senders"]["mail-relay"]
    host = {"host", "port", "security", "username"}

    assert SmtpSender.model_validate(sender).relays[1].name == "second"
    assert set(sender) >= {"connections", "timeout", "dkim", "domains", *host}


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_commands_make_keys_that_sign(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    done = subprocess.run(
        ["sh", "-e", "-c", COMMANDS[0]], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    for name in ("o2026", "o2026e"):
        Signer("example.com", name, (tmp_path / "keys" / f"{name}.pem").read_bytes())
    records = done.stdout.replace("=", "").split()
    assert len(records[0]) > 300
    assert done.stdout.strip()[-44:].endswith("=")

"""The folder a benchmark works in: a campaign a channel, a mail of 2 to 3 kB, a config that sends
to mail servers of this machine."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
CAMPAIGN: Final = """\
purpose = "service"
segment = "active-clients"
template = "bench"
channels = ["email"]
owner = "bench"
occurrence = { kind = "day" }
urgent = true
urgent_why = "a benchmark must not wait for morning"

[name]
zh = "基准测试"
en = "Benchmark"
"""
TEMPLATE: Final = """\
name = { zh = "基准测试", en = "Benchmark" }
securities_content = true
"""
# A personalised mail of 2 to 3 kB, five values of the client in it.
TEXT: Final = {
    "zh-CN": "尊敬的{{ client_name }}：\n\n" + "您在{{ branch }}的账户（尾号{{ account_tail }}）"
    "开立于{{ opened_on }}。请留意市场波动，理性投资。\n" * 3 + "\n{{ firm_name }} {{ hotline }}\n"
    "{{ risk_line }}\n{{ unsubscribe_url }}\n",
    "en": "Dear {{ client_name }},\n\n"
    + "Your account ending {{ account_tail }} at {{ branch }} was"
    " opened on {{ opened_on }}. Markets move; please decide with care.\n"
    * 3
    + "\n{{ firm_name }} {{ hotline }}\n{{ risk_line }}\n{{ unsubscribe_url }}\n",
}
_RELAYS: Final = "relays = ["
_FILE, _SMTP = 'sender = "mail-file"', 'sender = "mail-smtp"'


def make_project(
    folder: Path, ports: int | Sequence[int], database: str = "", *campaigns: str
) -> None:
    """The shipped project with the named campaigns alone, each an e-mail to every active client.
    It goes to the file channel until `route_to_smtp`; `ports` are those of the mail servers."""
    for name in ("campaigns", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    for path in (folder / "campaigns").glob("*.toml"):
        if path.name != "segments.toml":
            path.unlink()
    _template(folder / "templates" / "bench")
    _plain_layout(folder / "templates" / "_layout")
    for campaign in campaigns:
        (folder / "campaigns" / f"{campaign}.toml").write_text(CAMPAIGN, encoding="utf-8")
    (folder / "config.toml").write_text(_config(ports, database), encoding="utf-8")


def route_to_smtp(folder: Path) -> None:
    """From now on e-mail goes to the mail server. A changed route is a changed policy, not a
    changed text: approvals stand."""
    path = folder / "config.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(_FILE, _SMTP), encoding="utf-8")


def _template(folder: Path) -> None:
    folder.mkdir()
    (folder / "template.toml").write_text(TEMPLATE, encoding="utf-8")
    for locale, text in TEXT.items():
        html = "".join(f"<p>{line}</p>\n" for line in text.splitlines() if line)
        parts = {"subject": "{{ firm_name }} {{ today }}", "text": text, "html": html}
        for part, content in parts.items():
            (folder / f"email.{locale}.{part}.j2").write_text(content, encoding="utf-8")


def _plain_layout(folder: Path) -> None:
    """A layout that adds nothing, so that the mail stays at 2 to 3 kB."""
    for locale in TEXT:
        (folder / f"email.{locale}.html.j2").write_text(
            f'<!doctype html>\n<html lang="{locale}"><head><title>x</title></head><body>\n'
            "{# body #}\n</body></html>\n",
            encoding="utf-8",
        )
        (folder / f"email.{locale}.text.j2").write_text("{# body #}\n", encoding="utf-8")


def route_to_ports(folder: Path, ports: Sequence[int]) -> None:
    """From now on the mail servers answer on other ports."""
    path = folder / "config.toml"
    head, mark, tail = path.read_text(encoding="utf-8").rpartition(_RELAYS)
    rest = tail.partition("]\n")[2]
    path.write_text(f"{head}{_relays(ports)}{rest}" if mark else head, encoding="utf-8")


def _relays(ports: Sequence[int]) -> str:
    each = (f'{{ host = "127.0.0.1", port = {port}, security = "none" }}' for port in ports)
    return f"{_RELAYS}{', '.join(each)}]\n"


def _config(ports: int | Sequence[int], database: str) -> str:
    """The shipped config with the mail servers beside the file sender; the route decides."""
    text = (ROOT / "config.toml").read_text(encoding="utf-8")
    if database:
        text = text.replace('database = "sqlite:///var/outreach.db"', f'database = "{database}"')
    return text + (
        f'\n[senders.mail-smtp]\nkind = "smtp"\naddress = "service@example.com"\n'
        f"connections = 16\n{_relays([ports] if isinstance(ports, int) else ports)}"
    )

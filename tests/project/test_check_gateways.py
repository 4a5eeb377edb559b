"""Faults of SMS gateways, each at its line with what to write instead."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from outreach.core.gateway.profile import SHIPPED
from outreach.project.check import check
from outreach.project.config import Config, GatewaySender
from outreach.project.load import load_config
from tests.project.small_project import change, make_project

GATEWAY = """\
[senders.cn]
kind = "sms_gateway_http"
address = "95000"
profile = "tencent"
account = "AKID1"
app = "1400006666"
signatures = ["示例证券", "ExampleSec"]
[senders.cn.templates]
1110 = "尊敬的客户：{1}，详询{2}。"

[[routes]]
channel = "sms"
prefix = "+86"
sender = "cn"

[[routes]]
channel = "sms\""""
APPROVED = "尊敬的客户：{1}，详询{2}。"  # the text of its one template
ROUTE = '[[routes]]\nchannel = "sms"'


def lines_of(folder: Path, text: str) -> list[str]:
    change(folder, "config.toml", ROUTE, text)
    _, problems = check(folder / "config.toml")
    return [str(problem).removeprefix(f"{folder}/") for problem in problems]


def shipped(name: str) -> str:
    return (files("outreach.data") / "gateways" / f"{name}.toml").read_text(encoding="utf-8")


def test_a_gateway_as_it_should_be_has_no_fault(tmp_path: Path) -> None:
    assert lines_of(make_project(tmp_path).parent, GATEWAY) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            '"tencent"', '"tencnt"',
            'config.toml:25: senders.cn.profile: there is no gateway profile "tencnt", write'
            " tencent, or a file that ends with .toml",
        ),
        (
            '"tencent"', '"gateways/ours.toml"',
            "config.toml:25: senders.cn.profile: there is no file gateways/ours.toml,"
            " copy a profile that ships to gateways/ours.toml, or correct the path",
        ),
        (
            '1110 = "尊敬的客户：{1}，详询{2}。"', "",
            "config.toml:29: senders.cn.templates: is missing: Tencent Cloud SMS sends approved"
            ' templates only, write a line ID = "approved text" for each of them',
        ),
        (
            "{1}，详询{2}", "{1}{2}",
            "config.toml:30: senders.cn.templates.1110: has two variables with nothing between"
            " them, write it as the gateway approved it",
        ),
        (
            '"ExampleSec"]', '"ExampleSec", "示例证券股份有限公司客户服务中心"]',
            'config.toml:28: senders.cn.signatures[2]: "示例证券股份有限公司客户服务中心" is not a'
            " signature Tencent Cloud SMS takes, write 2 to 12 letters or digits, without brackets",
        ),
        (
            ', "ExampleSec"]', "]",
            'config.toml:28: senders.cn.signatures: "ExampleSec" (firm.signature.en) is not among'
            " them, register it and add it; texts that begin with it are not sent before that",
        ),
        (
            'signatures = ["示例证券", "ExampleSec"]', "",
            "config.toml:22: senders.cn.signatures: is missing: nothing would be sent,"
            ' write signatures = ["示例证券"] as registered with Tencent Cloud SMS',
        ),
        (
            'app = "1400006666"', "",
            "config.toml:22: senders.cn.app: is missing: Tencent Cloud SMS asks for it,"
            " write the application id of its console",
        ),
        (
            'app = "1400006666"', 'app = "1"\nbase_url = "http://sms.example.com"',
            "config.toml:28: senders.cn.base_url: numbers and texts would cross the network in"
            " clear, write https where the carrier has it",
        ),
        (
            'app = "1400006666"', 'app = "1"\nbase_url = "sms.example.com"',
            "config.toml:28: senders.cn.base_url: is not an address of a gateway,"
            " write https://HOST or https://HOST/PATH",
        ),
        (
            'account = "AKID1"', 'account = "AKID1"\nsecret = "x"',
            "config.toml:27: senders.cn.secret: secrets do not belong in this file, remove it and"
            " set OUTREACH_SECRET_CN, or OUTREACH_SECRET_CN_FILE to a file that holds it",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_said_once_at_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert lines_of(make_project(tmp_path).parent, GATEWAY.replace(old, new)) == [said]


def test_a_carrier_port_needs_its_address_and_serves_the_mainland(tmp_path: Path) -> None:
    text = GATEWAY.replace('"tencent"', '"direct"').replace('prefix = "+86"\n', "")
    found = lines_of(make_project(tmp_path).parent, text)

    assert [line.partition(": ")[2].partition(":")[0] for line in found] == [
        "senders.cn.base_url",
        "senders.cn.templates",
        "routes[0].prefix",
        "routes[1]",
    ]


def test_a_gateway_that_refuses_securities_is_warned_of(tmp_path: Path) -> None:
    text = GATEWAY.replace('"tencent"', '"aliyun"').replace("{1}", "${a}").replace("{2}", "${b}")
    found = lines_of(make_project(tmp_path).parent, text)

    assert found == [
        "config.toml:25: senders.cn.profile: Alibaba Cloud SMS refuses texts about shares and"
        " investment, use it for other texts only, and a carrier's own port for the rest"
    ]


def test_a_profile_of_the_project_is_checked_at_its_own_lines(tmp_path: Path) -> None:
    folder = make_project(tmp_path).parent
    (folder / "gateways").mkdir()
    own = shipped("direct").replace('mode = "text"', 'mode = "txt"')
    (folder / "gateways" / "ours.toml").write_text(own, encoding="utf-8")
    text = GATEWAY.replace('"tencent"', '"gateways/ours.toml"')
    line = own[: own.index("mode =")].count("\n") + 1

    (found,) = lines_of(folder, text)

    assert found.startswith(f'gateways/ours.toml:{line}: mode: "txt" is not known')


def test_a_profile_of_the_project_is_read_from_its_folder(tmp_path: Path) -> None:
    folder = make_project(tmp_path).parent
    change(folder, "config.toml", ROUTE, GATEWAY.replace('"tencent"', '"gateways/ours.toml"'))
    config = load_config(folder / "config.toml")
    assert isinstance(config, Config)
    sender = config.senders["cn"]
    assert isinstance(sender, GatewaySender)

    assert sender.at(folder).profile == str(folder / "gateways/ours.toml")
    shipped_one = sender.model_copy(update={"profile": "aliyun"})
    assert shipped_one.at(folder) == shipped_one


def test_no_profile_holds_anything_of_an_account() -> None:
    for name in SHIPPED:
        assert not re.search(r"^\s*(account|secret|app)\s*=", shipped(name), re.MULTILINE)

"""Texts of campaigns held against the templates that a gateway has approved."""

from pathlib import Path

import pytest

from outreach.project.check import check
from tests.project.small_project import change, make_project
from tests.project.test_check_gateways import APPROVED, GATEWAY, ROUTE


def lines_of(folder: Path, approved: str, route: bool = True) -> list[str]:
    text = GATEWAY.replace(APPROVED, approved)
    if not route:
        text = text.replace('sender = "cn"', 'sender = "sms-file"')
    change(folder, "config.toml", ROUTE, text)
    _, problems = check(folder / "config.toml")
    return [str(problem).removeprefix(f"{folder}/") for problem in problems]


def test_a_text_that_a_template_makes_has_no_fault(tmp_path: Path) -> None:
    assert lines_of(make_project(tmp_path).parent, "尊敬的客户：{1}，详询{2}。") == []


@pytest.mark.parametrize("approved", ["尊敬的客户：{1}，请致电{2}。", "您好：{1}，详询{2}。"])
def test_a_text_that_no_template_makes_is_named_before_it_is_refused(
    approved: str, tmp_path: Path
) -> None:
    (line,) = lines_of(make_project(tmp_path).parent, approved)

    assert line == (
        "templates/notice/sms.zh-CN.text.j2:1: cn would not send it: no approved template of this"
        " sender makes this text (on sample values of notice), have it approved, and add it to"
        " [senders.cn.templates] of config.toml word for word"
    )


def test_a_gateway_that_serves_nobody_approves_nothing(tmp_path: Path) -> None:
    assert lines_of(make_project(tmp_path).parent, "别的{1}。", route=False) == []

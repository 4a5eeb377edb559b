"""The phrase list finds what may not be said, however it is spaced, and lets denials through."""

import pytest

from outreach.core.lint import Hit
from outreach.core.words import Purpose
from outreach.project.phrases import shipped_lint


def hits(text: str, purpose: Purpose = Purpose.SERVICE) -> list[Hit]:
    return list(shipped_lint().hits(text, purpose))


@pytest.mark.parametrize(
    ("text", "group", "found"),
    [
        pytest.param("本产品保本", "promise", "保本", id="plain"),
        pytest.param("本产品保 本", "promise", "保 本", id="a space between"),
        pytest.param("本产品保·本", "promise", "保·本", id="a dot between"),
        pytest.param("本产品保\u200b本", "promise", "保\u200b本", id="a zero-width space between"),
        pytest.param("本产品保*-_本", "promise", "保*-_本", id="marks between"),
        pytest.param("稳赚\n不赔", "promise", "稳赚\n不赔", id="a line break between"),
        pytest.param("稳赚不赔", "promise", "稳赚不赔", id="the longest phrase, once"),
        pytest.param("保证收益，不保证本金", "promise", "保证收益", id="promise beside a denial"),
        pytest.param("不仅保本，还能增值", "promise", "保本", id="not only"),
        pytest.param("不用担心，保本", "promise", "保本", id="denial of something else"),
        pytest.param("Piano guaranteed return", "promise", "guaranteed return", id="no in Piano"),
        pytest.param("hurrying: hurry", "urgency", "hurry", id="a word after one it is part of"),
        pytest.param("a RISK-FREE plan", "promise", "RISK-FREE", id="capitals and a hyphen"),
        pytest.param("ｒｉｓｋ free", "promise", "ｒｉｓｋ free", id="full-width letters"),
        pytest.param("we guarantee returns", "promise", "guarantee returns", id="English"),
        pytest.param("建议买入该股", "advice", "建议买入", id="advice"),
        pytest.param("请回复验证码", "credentials", "请回复验证码", id="asks for a code"),
        pytest.param("本公司服务最佳", "superlative", "最佳", id="superlative"),
        pytest.param("最后机会", "urgency", "最后机会", id="urgency"),
    ],
)
def test_a_forbidden_phrase_is_found_as_it_is_written(text: str, group: str, found: str) -> None:
    assert [(hit.group.name, hit.found) for hit in hits(text)] == [(group, found)]


@pytest.mark.parametrize(
    "text",
    [
        "本产品不保证收益",
        "我司不承诺保本，不承诺收益",
        "非保本浮动收益型",
        "本公司提供担保，本公司承担责任",
        "客户已投保。本金另计",
        "Please do not hurrying",
        "Investing is not risk-free.",
        "not without risk",
        "There is no. Risk is yours.",
        "请勿告知验证码",
        "我司工作人员不会要求您告知密码",
        "谨防荐股骗局",
        "10月第一个交易日",
        "本公司员工不会向您承诺收益，不会代您交易",
        "警惕“稳赚不赔”一类的说法",
        "不承诺保本、保收益或稳赚不赔",
        "本公司不会要求您提供验证码，切勿向任何人发送密码",
        "本产品不是保本产品",
        "We never promise guaranteed returns",
        "",
    ],
)
def test_compliant_wording_passes(text: str) -> None:
    assert hits(text) == []


def test_advice_is_a_fault_only_where_no_adviser_speaks() -> None:
    assert [hit.group.name for hit in hits("目标价", Purpose.SERVICE)] == ["advice"]
    assert hits("目标价", Purpose.MARKETING) == []


def test_every_phrase_is_found_and_every_allowed_wording_passes() -> None:
    lint = shipped_lint()

    for group in lint.groups:
        purpose = group.purposes[0]
        for phrase in group.phrases:
            assert [h.group.name for h in lint.hits(phrase, purpose)].count(group.name), phrase
        for phrase in (*group.allowed, *(d + " " + group.phrases[0] for d in group.denials)):
            assert not [h for h in lint.hits(phrase, purpose) if h.group is group], phrase


def test_a_hit_knows_where_it_stands() -> None:
    (hit,) = hits("您好！\n本产品保 本")

    assert (hit.at, hit.phrase, hit.group.severity) == (7, "保本", "error")

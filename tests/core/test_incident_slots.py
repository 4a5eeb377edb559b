"""What may not stand in a slot of an incident's text, with where it stands."""

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.campaign import Slot, SlotName
from outreach.core.incident import Facts, Said
from outreach.core.incident_slots import SlotFault, slot_faults
from outreach.core.incident_words import STATUSES, WORKAROUNDS
from outreach.project.phrases import shipped_lint

AT = datetime(2026, 9, 28, 1, 41, tzinfo=UTC)
SLOTS: dict[SlotName, Slot] = {
    "status": Slot(type="text", longest=60, required=True),
    "workaround": Slot(type="text", longest=60),
    "next_update_by": Slot(type="time", required=True),
}


def faults(zh: str = "登录较慢", en: str = "Slow") -> list[SlotFault]:
    facts = Facts(("login",), AT, Said(zh, en), next_update_by=AT)
    return list(slot_faults(SLOTS, facts, open_still=True, also=[shipped_lint()]))


@pytest.mark.parametrize(
    ("text", "found", "why"),
    [
        pytest.param("因线路中断无法登录", "因", "cause", id="because of"),
        pytest.param("由于网络波动，登录较慢", "由于", "cause", id="owing to"),
        pytest.param("故障原因是机柜断电", "原因", "cause", id="the reason is"),
        pytest.param("系机柜断电所致", "系", "cause", id="it is ... that did it"),
        pytest.param("系统繁忙导致登录较慢", "导致", "cause", id="leads to"),
        pytest.param("受网络波动影响，登录较慢", "受网络波动影响", "cause", id="affected by"),
        pytest.param("由於線路中斷無法登入", "由於", "cause", id="in traditional characters"),
        pytest.param("疑似机柜断电", "疑似", "guesses", id="a guess"),
        pytest.param("登录异常，可能是线路中断", "可能是", "guesses", id="maybe it is"),
        pytest.param("登 录 慢，原 因 待查", "原 因", "cause", id="spaced out"),
        pytest.param("运营商线路中断", "运营商", "fault", id="somebody else's fault"),
        pytest.param("遭黑客攻击", "黑客", "fault", id="an attack"),
        pytest.param("将在10分钟内修复，造成的损失予以赔偿", "造成", "cause", id="caused loss"),
        pytest.param("损失将予以补偿", "补偿", "promises", id="compensation"),
        pytest.param("保证今日恢复", "保证", "promises", id="a promise"),
        pytest.param("即将恢复", "即将", "promises", id="soon"),
        pytest.param("建议暂缓买入", "建议", "advises", id="advice"),
        pytest.param("请输入验证码", "验证码", "credentials", id="a code"),
        pytest.param("详见 status.example.com", "status.example.com", "link", id="a host name"),
        pytest.param("见https://a.cn/b", "https://a.cn/b", "link", id="an address"),
        pytest.param("请点击查看", "点击", "sends people", id="click"),
        pytest.param("请拨打010-12345678", "010-12345678", "number", id="a number to call"),
        pytest.param("登录{{ hotline }}较慢", "{{", "template", id="a tag"),
        pytest.param("<b>登录较慢</b>", "<", "template", id="markup"),
        pytest.param("【示例证券】登录较慢", "【", "gateways", id="a signature"),
        pytest.param("登录较慢😀", "😀", "symbol", id="an emoji"),
        pytest.param("登录\n较慢", "\n", "invisible", id="a line break"),
        pytest.param("登录\u200b较慢", "\u200b", "invisible", id="a zero-width space"),
    ],
)
def test_words_that_may_not_stand_in_a_slot(text: str, found: str, why: str) -> None:
    first = min(faults(zh=text), key=lambda fault: fault.at)

    assert first.slot == "status"
    assert first.language == "zh"
    assert first.at == text.index(found) + 1
    assert first.found == found
    assert why in first.wrong
    assert first.write


@pytest.mark.parametrize(
    "text",
    [
        "Slow because of a line failure",
        "Slow due to heavy traffic",
        "An outage caused by the carrier",
        "Slow, affected by heavy traffic",
        "Probably a line failure",
        "Root cause under investigation",
        "We guarantee it will work today",
        "Losses will be compensated",
        "It will be back shortly",
        "You should sell by telephone",
        "See www.example.com",
        "Call +86 10 1234 5678",
        "Reply with your password",
        "{% if x %}",
    ],
)
def test_english_words_that_may_not_stand_in_a_slot(text: str) -> None:
    assert {fault.language for fault in faults(en=text)} == {"en"}


@pytest.mark.parametrize(
    "text",
    [
        "登录较慢，委托下单正常",
        "买入委托无法提交，卖出与撤单正常",
        "系统已恢复，请以成交回报为准",
        "请联系客服热线",
        "9:41起登录失败，10:02起部分恢复",
        "约3成客户登录失败",
        "部分客户登录受影响，受到影响的委托可撤单",
        "部分客户可能无法登录",
    ],
)
def test_what_is_so_may_be_said(text: str) -> None:
    assert faults(zh=text) == []


@pytest.mark.parametrize("name", [*STATUSES, *WORKAROUNDS])
def test_the_wording_that_is_ready_passes(name: str) -> None:
    ready = {**STATUSES, **WORKAROUNDS}[name]

    assert faults(*ready) == []
    assert ready.en.isascii()


def test_a_text_is_bounded_in_each_language() -> None:
    assert faults(zh="慢" * 60, en="s" * 60) == []
    (fault,) = faults(en="s" * 61)

    assert str(fault) == "status, en: is 61 characters long; at most 60 fit"


def test_a_language_may_not_be_left_out() -> None:
    (fault,) = faults(en="")

    assert (fault.language, fault.wrong) == ("en", "is empty in this language")


def test_a_slot_the_approved_text_does_not_have_takes_nothing() -> None:
    facts = Facts(("login",), AT, Said("慢", "Slow"), WORKAROUNDS["phone"], resolved_at=AT)
    known: dict[SlotName, Slot] = {"status": SLOTS["status"]}
    found = {fault.slot: fault.wrong for fault in slot_faults(known, facts, open_still=True)}

    no_slot = "has no slot in the approved text"
    assert found == {"workaround": no_slot, "resolved_at": no_slot}


def test_an_open_incident_says_how_things_stand() -> None:
    silent = Facts(("login",), AT, next_update_by=AT)

    (fault,) = slot_faults(SLOTS, silent, open_still=True)
    assert str(fault) == "status: is empty; write --status"
    assert list(slot_faults(SLOTS, silent, open_still=False)) == []


@settings(max_examples=60)
@given(st.text(min_size=1, max_size=30))
def test_no_mark_that_could_shape_a_text_gets_through(text: str) -> None:
    if any(c in "{}<>\\【】" or unicodedata.category(c)[0] == "C" for c in text):
        assert faults(zh=text)

"""What a reply means: the words of the trade as they are typed, and what only looks alike."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.inbound import Inbound, Intent, classify, is_abroad
from outreach.core.inbound_words import HELP, OPT_IN, OPT_OUT

STOPS = Inbound(Intent.OPT_OUT, review=False)
DOUBTED = Inbound(Intent.OPT_OUT, review=True)
BACK = Inbound(Intent.OPT_IN, review=False)
HELPS = Inbound(Intent.HELP, review=False)
OBJECTS = Inbound(Intent.COMPLAINT, review=True)
ELSE = Inbound(Intent.OTHER, review=False)
READ = Inbound(Intent.OTHER, review=True)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        # As clients type them.
        ("ＴＤ", STOPS), ("td.", STOPS), (" 退订！", STOPS), ("Stop.", STOPS), ("STOP", STOPS),
        ("退 订", STOPS), ("退\u200b订", STOPS), ("“退订”", STOPS), ("退訂。", STOPS),
        ("R", STOPS), ("ｒ！", STOPS), ("T", STOPS), ("0000", STOPS), ("Unsubscribe!!", STOPS),
        ("opt-out", STOPS),
        ("Stop 🙏", STOPS), ("不要再发", STOPS), ("arrêt", STOPS), ("\n TD \r\n", STOPS),
        # Meant so most likely.
        ("请问怎么退订", DOUBTED), ("TD退订", DOUBTED), ("回复TD", DOUBTED),
        ("回T", DOUBTED), ("please STOP texting me", DOUBTED),
        ("别再发了好吗", DOUBTED), ("這是騷擾", DOUBTED),
        ("请停止发送短信", DOUBTED),
        # Back again, and help.
        ("START", BACK), ("ｓｔａｒｔ", BACK), ("恢复", BACK), ("unstop.", BACK),
        ("HELP", HELPS), ("帮助？", HELPS), ("Info", HELPS), ("BZ", HELPS),
        # Complaints, however long.
        ("我要投诉", OBJECTS), ("再发就打12321举报", OBJECTS), ("退订，不然投诉！", OBJECTS),
        ("I will complain to the SFC about this", OBJECTS),
        ("昨天系统故障让我错过了卖出时间，到现在也没有人给一个说法，我要向证监会投诉", OBJECTS),
        # What only looks alike.
        ("R&D部门", ELSE), ("Rd", ELSE), ("A5", ELSE), ("5", ELSE), ("谢谢", ELSE), ("", ELSE),
        ("？", ELSE), ("stopped by yesterday", ELSE), ("yes", ELSE), ("infotech", ELSE),
        # Too long to act upon, but somebody reads it.
        ("上周在柜台办理业务时客户经理非常耐心，问到短信怎么退订他也一步一步教我，谢谢", READ),
    ],
)  # fmt: skip
def test_a_reply_means(text: str, meant: Inbound) -> None:
    assert classify(text) == meant


@pytest.mark.parametrize("sender", ["", "95000", "1069012345678", "+8613800000000", "95533"])
@pytest.mark.parametrize("letter", ["R", "t", "N", "Ｄ", "0000"])
def test_single_letters_stop_what_a_mainland_sender_sends(sender: str, letter: str) -> None:
    assert classify(letter, sender) == STOPS


@pytest.mark.parametrize("sender", ["+15551234567", "+85251234567", "#EXAMPLE", "MG0123"])
def test_abroad_a_single_letter_is_read_by_a_person_and_words_stop_as_ever(sender: str) -> None:
    assert classify("R", sender) == READ
    assert classify("n.", sender) == READ
    assert classify("Stop.", sender) == STOPS
    assert classify("退订", sender) == STOPS


def test_a_number_of_the_mainland_is_not_abroad() -> None:
    assert [one for one in ("95000", "+86106", "+1555", "+852", "") if is_abroad(one)] == [
        "+1555", "+852",
    ]  # fmt: skip


@pytest.mark.parametrize(("words", "meant"), [(OPT_OUT, STOPS), (OPT_IN, BACK), (HELP, HELPS)])
def test_every_word_counts_in_any_case_width_and_punctuation(
    words: frozenset[str], meant: Inbound
) -> None:
    wide = {ord("!") + n: 0xFF01 + n for n in range(94)}
    for one in words:
        typed = (one.upper(), one.translate(wide), f"  {one}。", f"「{one}」！！", f"{one} ~ 😡")
        assert [text for text in typed if classify(text) != meant] == []


@settings(max_examples=100)
@given(st.text(max_size=60))
def test_any_text_has_a_meaning_and_padding_does_not_change_it(text: str) -> None:
    assert classify(f"\u3000{text} \n") == classify(text)

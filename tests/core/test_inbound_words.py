"""What a reply amounts to when it is no answer: words of the trade, and what only looks alike."""

import pytest

from outreach.core.inbound_words import Word, complains, word


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("TD", Word.OPT_OUT), ("ＴＤ", Word.OPT_OUT), ("td.", Word.OPT_OUT), ("R", Word.OPT_OUT),
        (" 退订！", Word.OPT_OUT), ("Stop.", Word.OPT_OUT), ("退訂", Word.OPT_OUT),
        ("T", Word.OPT_OUT), ("STOP ALL", Word.OPT_OUT), ("0000", Word.OPT_OUT),
        ("Arrêt", Word.OPT_OUT), ("不要再发", Word.OPT_OUT),
        ("请问怎么退订", Word.OPT_OUT_REVIEW), ("Please stop", Word.OPT_OUT_REVIEW),
        ("别再发了！！", Word.OPT_OUT_REVIEW), ("我要投诉", Word.OPT_OUT_REVIEW),
        ("START", Word.OPT_IN), ("恢复", Word.OPT_IN), ("帮助", Word.HELP), ("HELP", Word.HELP),
        ("R&D部门", None), ("5", None), ("A5", None), ("stopped by yesterday", None),
        ("非常满意", None), ("", None),
        ("上周在柜台办理业务时客户经理非常耐心，问到短信怎么退订他也一步一步教我，谢谢", None),
    ],
)  # fmt: skip
def test_a_reply_says(text: str, meant: Word | None) -> None:
    assert word(text) is meant


@pytest.mark.parametrize(
    ("text", "does"),
    [("我要投诉", True), ("已向12386反映", True), ("I will complain", True), ("满意", False)],
)
def test_words_of_complaint_are_heard(text: str, does: bool) -> None:
    assert complains(text) is does

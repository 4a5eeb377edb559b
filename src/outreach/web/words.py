"""What the pages say, in both languages."""

from typing import Final

from outreach.core.words import Sentence

SENTENCES: Final = {
    "language": Sentence("中文", "English"),  # the other one
    # One-click unsubscribe.
    "stop_title": Sentence("Stop these messages", "停止接收"),
    "stop_ask": Sentence(
        "Do you want {firm} to stop sending you this kind of message?",
        "您要停止接收{firm}发送的以下信息吗？",
    ),
    "stop_what": Sentence("What stops: {purpose}, by e-mail.", "停止的内容：{purpose}（邮件）。"),
    "stop_sms": Sentence(
        "SMS are stopped apart: reply STOP to one of them.",
        "短信需单独退订：直接回复短信“退订”即可。",
    ),
    "stop_rest": Sentence(
        "Notices the firm must give you by law still come.",
        "依照监管要求必须告知您的事项仍会通知您。",
    ),
    "stop_button": Sentence("Stop them", "确认停止"),
    "stop_done_title": Sentence("It is stopped", "已停止"),
    "stop_done": Sentence(
        "You will no longer get this by e-mail from {firm}: {purpose}.",
        "{firm}不会再通过邮件向您发送：{purpose}。",
    ),
    "stop_back": Sentence(
        "To get it again, or if this was a mistake, call {hotline} ({hours}).",
        "如需恢复，或并非您本人操作，请致电{hotline}（{hours}）。",
    ),
    # Surveys.
    "survey_title": Sentence("Your opinion", "您的评价"),
    "survey_scale": Sentence(
        "{low} is the lowest score, {high} the highest.", "{low}为最低，{high}为最高。"
    ),
    "survey_comment": Sentence("Anything you want to add (optional)", "其他意见（选填）"),
    "survey_button": Sentence("Send", "提交"),
    "survey_done_title": Sentence("Thank you", "感谢您的评价"),
    "survey_done": Sentence("Your answer has been recorded.", "您的回答已收到。"),
    "survey_late": Sentence(
        "The survey closed on {until}. Your answer is kept, and not counted.",
        "本次调查已于{until}截止，您的回答已留存，但不计入结果。",
    ),
    "survey_until": Sentence("Open until {until}.", "截止日期：{until}。"),
    "survey_again": Sentence(
        "You may answer again until {until}; the last answer counts.",
        "{until}前可再次填写，以最后一次为准。",
    ),
    # What is not there, or not taken.
    "unknown_title": Sentence("This link does not work", "链接无效"),
    "unknown": Sentence(
        "It may have been cut off when it was copied. Please call {hotline} ({hours}).",
        "链接可能不完整。如需帮助，请致电{hotline}（{hours}）。",
    ),
    "later_title": Sentence("Please try again in a minute", "请稍后再试"),
    "later": Sentence(
        "This did not work just now. Please try again, or call {hotline} ({hours}).",
        "暂时无法处理。请稍后再试，或致电{hotline}（{hours}）。",
    ),
    "wrong_title": Sentence("Please look at your answer again", "请检查您的回答"),
}

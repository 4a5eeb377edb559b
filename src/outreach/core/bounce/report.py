"""The words for what comes back, and what follows from each."""

from typing import Final, NamedTuple

from outreach.core.words import Spoken


class Kind(Spoken):
    """What a returned mail says about one recipient."""

    HARD = "hard", "the address takes no mail and will not", "地址无效，永久退信"
    SOFT = "soft", "it could not be delivered this time", "暂时无法投递"
    POLICY = "policy", "the sender was refused, not the recipient", "对方因策略拒绝发信方"
    CONTENT = "content", "the text, its size or an attachment was refused", "邮件内容被拒"
    DELAYED = "delayed", "it is still being tried", "投递延迟，仍在重试"
    SUCCESS = "success", "it was delivered or passed on", "投递成功"
    AUTO_REPLY = "auto_reply", "a machine answered, such as a vacation notice", "自动回复"
    COMPLAINT = "complaint", "the recipient reported the mail as unwanted", "收件人投诉"
    NOT_A_BOUNCE = "not_a_bounce", "a mail from somebody, or of no known kind", "不是退信"


_SUPPRESSES: Final = frozenset({Kind.HARD, Kind.COMPLAINT})


class Returned(NamedTuple):
    """What a report says about one recipient. Text of the other side is as it came, unmasked."""

    recipient: str  # as we wrote to it where the report says so; empty where it says nothing
    kind: Kind
    status: str = ""  # enhanced status code (RFC 3463), such as 5.1.1
    diagnostic: str = ""
    action: str = ""  # RFC 3464: failed, delayed, delivered, relayed, expanded
    remote: str = ""  # the mail server that said so
    final: str = ""  # where it was passed on to and failed, when that is another address

    @property
    def suppresses(self) -> bool:
        """Whether nothing more may go to the address: a hard bounce, or a complaint (an objection
        to everything)."""
        return self.kind in _SUPPRESSES

    @property
    def counts(self) -> bool:
        """Whether it counts against the address: soft bounces do, except where the reason is the
        sender's standing (x.7.x), which is not the client's fault."""
        return self.kind is Kind.SOFT and self.status[1:3] != ".7"


class Report(NamedTuple):
    """One mail that came back: what it says of each recipient, and whose message it was."""

    rows: tuple[Returned, ...]
    reached: tuple[str, ...] = ()  # the addresses it was delivered to: a signed one names a message
    message_id: str = ""  # of our mail, where the report carries its headers
    envelope_id: str = ""  # ENVID as we gave it (RFC 3461)

"""What mail servers say in words, and what it means. The first row that fits decides.

Words rank before codes, since many servers answer 550 or 5.0.0 to everything. Rows that spare an
address come first: it is worse to silence a client's address than to try a dead one again. Sources:

    google      support.google.com/a/answer/3726730, Gmail SMTP errors and codes
    microsoft   learn.microsoft.com, non-delivery reports in Exchange Online
    qq          service.mail.qq.com/cgi-bin/help?id=20022; qqmailbox.com/transceivers/169
    netease     help.mail.163.com, the table of return codes of 163, 126 and yeah.net
    sina        the reply codes of Sina's mail servers, blog.sina.com.cn/s/blog_8dc13ec50101fxxr
    coremail    the subjects of its support pages, icoremail.vip/support
    postfix, exim, qmail    what these programs write themselves
    5321        RFC 5321, 4.2.3
"""

import re
from typing import Final

from outreach.core.bounce.report import Kind

_ROWS: Final[tuple[tuple[Kind, str], ...]] = (
    # The mailbox is full, or gets too much at a time: later it may do.
    (
        Kind.SOFT,
        r"over (?:disk )?quota|quota (?:exceed|violation)|exceed\w* (?:\w+ ){0,3}quota",
    ),  # google, coremail
    (Kind.SOFT, r"mailbox (?:is )?full|mailbox size limit|storage allocation"),  # 5321, microsoft
    (Kind.SOFT, r"out of storage|insufficient (?:disk|system) (?:space|storage)"),  # 5321
    (Kind.SOFT, r"空间不足|容量(?:已)?满|邮箱(?:已)?满"),  # qq, coremail
    (Kind.SOFT, r"receiving mail (?:too quickly|at a rate)"),  # google: 5.2.1 is said there too
    (Kind.SOFT, r"recipient thread limit|retry timeout exceeded"),  # microsoft, exim
    (Kind.SOFT, r"message expired|queue\.expired|too long in the queue|in the queue too long"),
    (Kind.SOFT, r"greylist|graylist|try again later|temporarily (?:deferred|unavailable|rejected)"),
    (Kind.SOFT, r"can ?not connect to|connection (?:timed out|refused)|lost connection"),  # postfix
    (Kind.SOFT, r"无法连接|rcpt handle timeout|timed out while"),  # coremail, qq
    # The recipient does not exist; before the rest, since an unknown user stays unknown whatever
    # else is said. Only phrases that speak of the recipient.
    (Kind.HARD, r"user unknown|unknown user|no such (?:user|mailbox|recipient|address)"),  # postfix
    (Kind.HARD, r"recipient ?not ?found|exrecipnotfound|unknown recipient"),  # microsoft
    (
        Kind.HARD,
        r"user (?:was |is )?not found|mailbox not found|invalid (?:user|recipient|mailbox)",
    ),
    (Kind.HARD, r"(?:user|account|mailbox|recipient|address) (?:does not|doesn't|not) exist"),
    (Kind.HARD, r"that you tried to reach (?:does not exist|is disabled|is inactive)"),  # google
    (
        Kind.HARD,
        r"(?:user|account|mailbox) (?:is |has been )?(?:disabled|suspended|inactive|locked)",
    ),
    (Kind.HARD, r"this user doesn't have a \S+ account|recipient does not have an account"),
    (Kind.HARD, r"unrouteable address|unknown or illegal alias|not a valid mailbox"),  # exim
    (Kind.HARD, r"no mailbox here by that name|user not known|not user of this server"),  # qmail
    (Kind.HARD, r"(?:该|此)?(?:用户|邮箱|收件人|帐号|账号)(?:地址)?不存在|未开通qq邮箱"),  # qq
    (Kind.HARD, r"501 bad address syntax|bad recipient address syntax"),  # qq, postfix
    # Directory-based edge blocking answers so for recipients that are not in the directory.
    (Kind.HARD, r"\b5\.4\.1\b.*recipient address rejected: access denied"),  # microsoft
    # The text was refused.
    (Kind.CONTENT, r"mail content denied|content reject|spam is embedded"),  # qq, coremail
    (Kind.CONTENT, r"dt:spm|illegal attachment|垃圾邮件"),  # netease, coremail
    (Kind.CONTENT, r"anti-spam engine|virus|attachment is too long|too many same size"),  # sina
    (Kind.CONTENT, r"(?:message|content|it)\b.{0,40} (?:potential security issue|unsolicited)"),
    (Kind.CONTENT, r"message (?:is )?too (?:large|long|big)|mailsize limit|message size"),
    (Kind.CONTENT, r"exceeds (?:the )?(?:maximum|size|fixed)|detected as spam|spam message"),
    # The sender was refused: his address, his host, his pace.
    (Kind.POLICY, r"\b(?:hl|mi|rp|dt|wm):[a-z]{3}\b"),  # netease
    (Kind.POLICY, r"frequency limited|connection denied|suspected spam"),  # qq
    (Kind.POLICY, r"mailbox unavailable or access denied|rejected by recipients"),  # qq
    (Kind.POLICY, r"(?:spf|dkim|dmarc)\b.{0,30}(?:fail|check|reject)"),  # qq, google
    (Kind.POLICY, r"black ?list|block ?list|black ?ip|black mail|\brbl\b|spamhaus"),  # sina
    (Kind.POLICY, r"unsolicited|unauthenticated|not authenticated|authentication (?:is )?required"),
    (Kind.POLICY, r"denies the sender|sender (?:is )?(?:rejected|denied|unvalidated)"),  # sina
    (Kind.POLICY, r"relay(?:ing)? (?:access )?(?:denied|check|not)|unable to relay|openrelay"),
    (Kind.POLICY, r"(?:client host|ip) (?:is )?(?:rejected|hangup)|banned sending ip|rate limit"),
    (
        Kind.POLICY,
        r"too (?:many|much) (?:recipient|connection|message)|access denied|user rejected",
    ),
    # Said by 550 alone; after the row of QQ that begins alike and means too much mail.
    (Kind.HARD, r"\b550\b.{0,60}mailbox unavailable"),  # 5321, sina, outlook.com
)
TEXTS: Final = tuple((kind, re.compile(words)) for kind, words in _ROWS)
# Names of hosts, mailboxes and help pages may hold any word: relay.example.com, spam@, /error.
_NAMES: Final = re.compile(r"https?://\S+|www\.\S+|\bhost \S+ (?=said)|<?[^\s<>]+@[^\s<>]+>?")
# Postfix by DNS and by the system's resolver; qmail; Exchange Online.
_UNKNOWN_HOST: Final = re.compile(
    r"host or domain name not found|unable to look up host|couldn't find any host named"
    r"|domain (?:\S+ )?does not exist"
)
_SPACE: Final = re.compile(r"\s+")


def said(text: str, recipient: str = "") -> Kind | None:
    """What the words of a server mean; None where they are not known.

    A name that does not exist is hard where it is the recipient's domain. Another one may be our
    own relay, misspelt, and would silence every client.
    """
    plain = _SPACE.sub(" ", _NAMES.sub(" ", text.casefold()))
    if _UNKNOWN_HOST.search(plain):
        domain = recipient.casefold().rpartition("@")[2]
        named = domain and re.search(rf"(?<![\w.-]){re.escape(domain)}(?![\w-]|\.\w)", plain)
        return Kind.HARD if named else Kind.SOFT
    return next((kind for kind, words in TEXTS if words.search(plain)), None)

"""A small project without a fault, for tests that put one in."""

from pathlib import Path

CONFIG = """\
[firm]
name = { zh = "示例证券", en = "Example Securities" }
legal_name = { zh = "示例证券股份有限公司", en = "Example Securities Co., Ltd." }
signature = { zh = "示例证券", en = "ExampleSec" }
hotline = "95000"
hotline_hours = { zh = "8:30-17:30", en = "8:30-17:30" }
website = "www.example.com"
address = { zh = "示例路1号", en = "1 Example Road" }
risk_line = { zh = "投资需谨慎。", en = "Invest with care." }
unsubscribe_url = "https://www.example.com/u/"

[senders.sms-file]
kind = "file"
channel = "sms"
address = "95000"

[senders.mail-file]
kind = "file"
channel = "email"
address = "service@example.com"

[[routes]]
channel = "sms"
sender = "sms-file"

[[routes]]
channel = "email"
sender = "mail-file"

[limits.contact_hours]
service = { opens = 08:00:00, closes = 21:00:00 }
"""

SEGMENTS = """\
[active-clients]
name = { zh = "正常客户", en = "Active clients" }
where = { field = "status", is = "normal" }

[listed]
name = { zh = "名单", en = "Listed" }
where = { list_file = "vip.txt" }
"""

NOTICE = """\
name = { zh = "通知", en = "Notice" }
purpose = "service"
segment = "active-clients"
template = "notice"
channels = ["sms", "email"]
owner = "operations"

[occurrence]
kind = "day"

[values]
topic = { zh = "系统升级", en = "an upgrade" }
"""

DIGEST = """\
name = { zh = "研究摘要", en = "Digest" }
purpose = "marketing"
segment = "listed"
template = "digest"
channels = ["email"]
owner = "research"
product_risk = "none"

[occurrence]
kind = "day"
"""

TEMPLATE = """\
name = { zh = "模板", en = "Template" }
max_sms_parts = 1
"""

LAYOUT_TEXT = "{{ firm_name }}\n{# body #}\n{{ risk_line }} {{ unsubscribe_url }}\n"
LAYOUT_HTML = (
    "<html><head></head><body><p>{{ firm_name }}</p>\n{# body #}\n"
    "<p>{{ risk_line }} {{ unsubscribe_url }}</p></body></html>\n"
)

FILES = {
    "config.toml": CONFIG,
    "vip.txt": "10001\n10002\n",
    "campaigns/segments.toml": SEGMENTS,
    "campaigns/notice.toml": NOTICE,
    "campaigns/digest.toml": DIGEST,
    "templates/notice/template.toml": TEMPLATE,
    "templates/notice/sms.zh-CN.text.j2": "尊敬的客户：{{ topic }}，详询{{ hotline }}。\n",
    "templates/notice/sms.en.text.j2": "We announce {{ topic }}. Help: {{ hotline }}\n",
    "templates/notice/email.zh-CN.subject.j2": "{{ topic }}通知\n",
    "templates/notice/email.zh-CN.text.j2": "尊敬的客户：\n\n{{ topic }}。\n",
    "templates/notice/email.zh-CN.html.j2": "<p>尊敬的客户：</p>\n<p>{{ topic }}。</p>\n",
    "templates/notice/email.en.subject.j2": "Notice of {{ topic }}\n",
    "templates/notice/email.en.text.j2": "Dear client,\n\n{{ topic }}.\n",
    "templates/notice/email.en.html.j2": "<p>Dear client,</p>\n<p>{{ topic }}.</p>\n",
    "templates/digest/template.toml": TEMPLATE,
    "templates/digest/email.zh-CN.subject.j2": "广告：研究摘要\n",
    "templates/digest/email.zh-CN.text.j2": "本期摘要。\n",
    "templates/digest/email.zh-CN.html.j2": "<p>本期摘要。</p>\n",
    "templates/_layout/email.zh-CN.text.j2": LAYOUT_TEXT,
    "templates/_layout/email.zh-CN.html.j2": LAYOUT_HTML,
    "templates/_layout/email.en.text.j2": LAYOUT_TEXT,
    "templates/_layout/email.en.html.j2": LAYOUT_HTML,
}


def make_project(folder: Path) -> Path:
    """Write the project and return its config.toml."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "config.toml"


def change(folder: Path, name: str, old: str, new: str) -> None:
    """Replace a text that stands exactly once in a file."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
    path.write_text(text.replace(old, new), encoding="utf-8")

"""Every kind of fault is reported once, at its file, line and key, with what to write instead."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outreach.project.check import check
from tests.project.small_project import FILES, change, make_project


@dataclass(frozen=True)
class Edit:
    """One fault put into a file: a text replaced, a file written, or (new=None) removed."""

    file: str
    old: str
    new: str | None


def replace(file: str, old: str, new: str) -> Edit:
    return Edit(file, old, new)


def write(file: str, text: str) -> Edit:
    return Edit(file, "", text)


def remove(file: str) -> Edit:
    return Edit(file, "", None)


def apply(folder: Path, edit: Edit) -> None:
    if edit.new is None:
        (folder / edit.file).unlink()
    elif edit.old:
        change(folder, edit.file, edit.old, edit.new)
    else:
        (folder / edit.file).write_text(edit.new, encoding="utf-8")


def lines_of(folder: Path) -> list[str]:
    _, problems = check(folder / "config.toml")
    return [str(problem).removeprefix(f"{folder}/") for problem in problems]


NOTICE = "campaigns/notice.toml"
DIGEST = "campaigns/digest.toml"
MOVE = 'kind = "market_move"\n[[occurrence.conditions]]\n{}\n'
FALLS = 'index = "CSI300"\nfalls_percent = 3'
ALSO = '[[occurrence.conditions]]\nmargin_below = "warn"'
KINDS = "closure, halt, day, incident, market_move"
SEGMENTS = "campaigns/segments.toml"
SMS = "templates/notice/sms.zh-CN.text.j2"
TEMPLATE = "templates/notice/template.toml"

Faults = dict[str, tuple[Any, ...]]  # name: the edit, then each line it must give


def limited(line: str) -> Edit:
    """A line 16 of config.toml, in [senders.sms-file]."""
    return replace("config.toml", 'address = "95000"\n', f'address = "95000"\n{line}\n')


RATE_FAULTS: Faults = {
    "send window written as text without a nought": (
        limited('between = ["9:00", "21:00:00"]'),
        'config.toml:16: senders.sms-file.between[0]: "9:00" does not fit,'
        " write a time such as 09:00:00",
    ),
    "send window of one time": (
        limited("between = [09:00:00]"),
        "config.toml:16: senders.sms-file.between: has too few values,"
        " write [09:00:00, 09:00:00]",
    ),
    "send window that ends before it begins": (
        limited("between = [21:00:00, 09:00:00]"),
        "config.toml:16: senders.sms-file.between: ends before it begins,"
        " write the earlier time first, as in [09:00:00, 21:00:00]",
    ),
    "ramp-up to nothing": (
        limited("ramp_up = { days = 14, share = 0.01 }"),
        "config.toml:16: senders.sms-file.ramp_up: has nothing to work up to,"
        " write per_day beside it",
    ),
    "ramp-up that begins above its end": (
        limited("per_day = 9\nramp_up = { days = 14, share = 10 }"),
        "config.toml:17: senders.sms-file.ramp_up.share: 10 is out of range,"
        " write a number above 0 and below 1",
    ),
    "mail server with its port": (
        replace("config.toml", 'kind = "file"\nchannel = "email"',
                'kind = "smtp"\nhost = "smtp://relay.example.com:25"'),
        'config.toml:19: senders.mail-file.host: "smtp://relay.example.com:25" does not fit,'
        " write a host such as smtp.example.com; its port stands in port",
    ),
    "limit of countries for mail": (
        replace("config.toml", 'kind = "file"\nchannel = "email"',
                'kind = "smtp"\nhost = "relay"\ncountries = { "+852" = { per_second = 5 } }'),
        "config.toml:20: senders.mail-file.countries: is not a known key, remove it; the keys here"
        " are per_second, per_day, between, ramp_up, account, channel, port, security, ca_file,"
        " username, relays, connections, timeout, domains, dkim",
    ),
}  # fmt: skip

CONFIG_FAULTS: Faults = {
    **RATE_FAULTS,
    "route to no sender": (
        replace("config.toml", 'sender = "sms-file"', 'sender = "sms-fiel"'),
        'config.toml:24: routes[0].sender: there is no sender "sms-fiel", write sms-file',
    ),
    "route to a sender of another channel": (
        replace("config.toml", 'sender = "sms-file"', 'sender = "mail-file"'),
        'config.toml:24: routes[0].sender: the sender "mail-file" is of channel email,'
        " name a sender of channel sms",
    ),
    "route that is never reached": (
        replace(
            "config.toml",
            '[[routes]]\nchannel = "email"',
            '[[routes]]\nchannel = "sms"\nprefix = "+86"\nsender = "sms-file"\n\n'
            '[[routes]]\nchannel = "email"',
        ),
        "config.toml:26: routes[1]: is never reached: routes[0] serves these addresses first,"
        " put the longer prefix first, or remove one",
    ),
    "hours that close before they open": (
        replace("config.toml", "closes = 21:00:00", "closes = 07:00:00"),
        "config.toml:31: limits.contact_hours.service.closes: closes at 07:00, not after it opens"
        " at 08:00, write a later time of the same day",
    ),
    "hours written as a number": (
        replace("config.toml", "opens = 08:00:00", "opens = 8"),
        "config.toml:31: limits.contact_hours.service.opens: is a whole number,"
        " write a time such as 09:00:00",
    ),
    "hours that never meet": (
        replace(
            "config.toml",
            "[limits.contact_hours]\nservice = { opens = 08:00:00, closes = 21:00:00 }",
            '[limits]\nunknown_zones = ["Asia/Shanghai", "America/New_York"]\n'
            "contact_hours.service = { opens = 09:00:00, closes = 20:00:00 }",
        ),
        "config.toml:32: limits.contact_hours.service: are never open in all of"
        " limits.unknown_zones at once, widen these hours or name fewer zones",
    ),
    "unknown zone": (
        replace("config.toml", "[senders.sms-file]", 'zone = "Asia/Shangai"\n[senders.sms-file]'),
        'config.toml:12: firm.zone: "Asia/Shangai" is not a time zone, write Asia/Shanghai',
    ),
    "unknown market": (
        replace("config.toml", "[senders.sms-file]", 'market = "CNA"\n[senders.sms-file]'),
        'config.toml:12: firm.market: the market "CNA" is not known, write CN_A',
    ),
    "unsubscribe over http": (
        replace("config.toml", "https://www", "http://www"),
        "config.toml:10: firm.unsubscribe_url: is not an https address,"
        " write https://HOST/PATH/, with a slash at its end",
    ),
    "unsubscribe without a slash": (
        replace("config.toml", "example.com/u/", "example.com/u"),
        "config.toml:10: firm.unsubscribe_url: does not end with a slash,"
        " write https://www.example.com/u/",
    ),
    "signature with a bracket": (
        replace("config.toml", 'zh = "示例证券", en = "ExampleSec"', 'zh = "【示例】", en = "E1"'),
        'config.toml:4: firm.signature.zh: "【示例】" is not a signature the networks accept,'
        " write 2 to 12 letters or digits, without spaces, symbols or brackets",
    ),
    "signature of one letter": (
        replace("config.toml", "ExampleSec", "E"),
        'config.toml:4: firm.signature.en: "E" is not a signature the networks accept,'
        " write 2 to 12 letters or digits, without spaces, symbols or brackets",
    ),
    "secret in the file": (
        replace("config.toml", 'address = "95000"', 'address = "95000"\npassword = "hunter2"'),
        "config.toml:16: senders.sms-file.password: secrets do not belong in this file,"
        " remove it and set OUTREACH_SECRET_SMS_FILE,"
        " or OUTREACH_SECRET_SMS_FILE_FILE to a file that holds it",
    ),
    "database password": (
        replace(
            "config.toml",
            "[firm]",
            'database = "postgresql+psycopg://joe:hunter2@db.example.com/outreach"\n[firm]',
        ),
        "config.toml:1: database: holds a password,"
        " leave it out and put it in ~/.pgpass or the variable PGPASSWORD",
    ),
    "from address that is none": (
        replace("config.toml", "service@example.com", "service"),
        "config.toml:20: senders.mail-file.address: is not an e-mail address,"
        " write the From address of the firm",
    ),
    "unknown key": (
        replace("config.toml", "hotline = ", "hotlin = "),
        "config.toml:5: firm.hotlin: is not a known key, write hotline",
    ),
    "empty hotline": (
        replace("config.toml", 'hotline = "95000"', 'hotline = " "'),
        "config.toml:5: firm.hotline: is empty, write what clients are to use",
    ),
    "database of another kind": (
        replace("config.toml", "[firm]", 'database = "mysql://db"\n[firm]'),
        'config.toml:1: database: "mysql" is not a database kind known here,'
        " write sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME",
    ),
    "SMS sender without an address": (
        replace("config.toml", 'address = "95000"', 'address = ""'),
        "config.toml:15: senders.sms-file.address: is empty,"
        " write the number or id clients see as the sender",
    ),
    "Twilio to mainland China, with receipts over http": (
        replace(
            "config.toml",
            '[[routes]]\nchannel = "sms"',
            '[senders.abroad]\nkind = "twilio_sms"\naddress = "+15005550006"\naccount = "AC0"\n'
            'receipts_url = "http://example.com/status"\n'
            '[[routes]]\nchannel = "sms"\nprefix = "+86"\nsender = "abroad"\n'
            '[[routes]]\nchannel = "sms"',
        ),
        "config.toml:26: senders.abroad.receipts_url: is not an https address,"
        " write the https address of this program's webhook",
        "config.toml:30: routes[0].sender: Twilio does not carry notices about securities to"
        " mainland China, name a sender of a mainland gateway",
    ),
    "password in an address": (
        replace("config.toml", "https://www.example.com/u/", "https://u:s3cret@www.example.com/u/"),
        "config.toml:10: firm.unsubscribe_url: holds a name or password, which would be kept with"
        " every run, write https://HOST/PATH/, with a slash at its end",
    ),
    "password in clear": (
        replace(
            "config.toml",
            'kind = "file"\nchannel = "email"\n',
            'kind = "smtp"\nhost = "mail.example.com"\nsecurity = "none"\nusername = "joe"\n',
        ),
        "config.toml:20: senders.mail-file.security: the password would cross the network in"
        ' clear, write "starttls" or "tls"',
    ),
    "phone prefix of e-mail": (
        replace("config.toml", 'sender = "mail-file"', 'sender = "mail-file"\nprefix = "+1"'),
        "config.toml:29: routes[1].prefix: is a phone prefix,"
        " leave it out: e-mail addresses have none",
    ),
    "no zone for clients of unknown zone": (
        replace(
            "config.toml", "[limits.contact_hours]",
            "[limits]\nunknown_zones = []\n[limits.contact_hours]",
        ),
        "config.toml:31: limits.unknown_zones: is empty,"
        ' write at least one zone, such as ["Asia/Shanghai"]',
    ),
    "unknown column": (
        replace(
            "config.toml", "[limits.contact_hours]",
            '[clients.columns]\nclient_num = ["CIF"]\n[limits.contact_hours]',
        ),
        "config.toml:31: clients.columns.client_num: is not a client field, write client_no",
    ),
}  # fmt: skip

CAMPAIGN_FAULTS: Faults = {
    "absent segment": (
        replace(NOTICE, 'segment = "active-clients"', 'segment = "active-client"'),
        f'{NOTICE}:3: segment: there is no segment "active-client", write active-clients',
    ),
    "absent template": (
        replace(NOTICE, 'template = "notice"', 'template = "welcome"'),
        f'{NOTICE}:4: template: there is no template "welcome", make the folder templates/welcome',
    ),
    "channel without a route": (
        replace("config.toml", '[[routes]]\nchannel = "email"\nsender = "mail-file"\n', ""),
        f"{DIGEST}:5: channels[0]: no route serves email, add [[routes]] for it in config.toml",
        f"{NOTICE}:5: channels[1]: no route serves email, add [[routes]] for it in config.toml",
    ),
    "channel twice": (
        replace(NOTICE, '["sms", "email"]', '["sms", "email", "sms"]'),
        f"{NOTICE}:5: channels[2]: sms is there twice, write it once",
    ),
    "unknown channel": (
        replace(NOTICE, '["sms", "email"]', '["sms", "fax"]'),
        f'{NOTICE}:5: channels[1]: "fax" is not known, write one of sms, email, push',
    ),
    "unknown purpose": (
        replace(NOTICE, '"service"', '"advert"'),
        f'{NOTICE}:2: purpose: "advert" is not known,'
        " write one of regulatory, service, education, survey, marketing",
    ),
    "missing key": (
        replace(NOTICE, 'template = "notice"\n', ""),
        f'{NOTICE}:1: template: is missing, write template = "..."',
    ),
    "blank owner": (
        replace(NOTICE, '"operations"', '" "'),
        f"{NOTICE}:6: owner: is empty, write who is responsible for the text",
    ),
    "empty owner": (
        replace(NOTICE, '"operations"', '""'),
        f'{NOTICE}:6: owner: is empty, write a text in "quotes"',
    ),
    "urgent without a reason": (
        replace(NOTICE, "[occurrence]", "urgent = true\n[occurrence]"),
        f"{NOTICE}:1: urgent_why: is missing although the campaign is urgent,"
        ' write urgent_why = "..." with the reason for writing outside contact hours',
    ),
    "urgent marketing": (
        replace(DIGEST, "[occurrence]", 'urgent = true\nurgent_why = "x"\n[occurrence]'),
        f"{DIGEST}:9: urgent: marketing is never urgent,"
        " remove it, or choose the purpose that applies",
    ),
    "marketing without a product risk": (
        replace(DIGEST, 'product_risk = "none"\n', ""),
        f"{DIGEST}:1: product_risk: is missing, and marketing is matched against each client's"
        ' risk level, write product_risk = "R1" to "R5", or "none" where no product is spoken of',
    ),
    "product risk of no known level": (
        replace(DIGEST, '"none"', '"R6"'),
        f'{DIGEST}:7: product_risk: "R6" does not fit,'
        " write R1, R2, R3, R4, R5, or none where no product is spoken of",
    ),
    "reason for an urgency that is not": (
        replace(NOTICE, "[occurrence]", 'urgent_why = "x"\n[occurrence]'),
        f"{NOTICE}:8: urgent_why: means nothing while urgent is false,"
        " remove it or write urgent = true",
    ),
    "product risk of a service notice": (
        replace(NOTICE, "[occurrence]", 'product_risk = "R3"\n[occurrence]'),
        f"{NOTICE}:8: product_risk: a service notice speaks of no product on offer,"
        " remove it, or choose purpose marketing",
    ),
    "halts of no exchange": (
        replace(NOTICE, 'kind = "day"', 'kind = "halt"\nmarkets = []'),
        f"{NOTICE}:10: occurrence.markets: is empty,"
        ' write the exchanges, such as ["XSHG", "XSHE", "BJSE"]',
    ),
    "value that cannot be named in a text": (
        replace(NOTICE, "[values]", "[values]\nmy-topic = 1"),
        f"{NOTICE}:12: values.my-topic: cannot be used as a name in a text,"
        " write letters, digits and _, beginning with a letter",
    ),
    "value with a promise in English": (
        replace(NOTICE, "an upgrade", "a risk-free upgrade"),
        f"{NOTICE}:12: values.topic.en: “risk-free” promises a return or denies the risk,"
        " remove it; say what can be lost",
    ),
    "occurrence whose kind is a table": (
        replace(NOTICE, 'kind = "day"', "kind = { day = 1 }"),
        f"{NOTICE}:9: occurrence.kind: a table is not known, write one of {KINDS}",
    ),
    "line break in a choice": (
        replace(NOTICE, '"service"', '"ser\\nvice"'),
        f'{NOTICE}:2: purpose: "ser\\nvice" is not known,'
        " write one of regulatory, service, education, survey, marketing",
    ),
    "promise with a zero-width space": (
        replace(NOTICE, "系统升级", "保\u200b本"),
        f"{NOTICE}:12: values.topic.zh: “保\\u200b本” promises a return or denies the risk,"
        " remove it; say what can be lost",
    ),
    "unknown occurrence": (
        replace(NOTICE, 'kind = "day"', 'kind = "daily"'),
        f'{NOTICE}:9: occurrence.kind: "daily" is not known, write one of {KINDS}',
    ),
    "move of an index that names no measure": (
        replace(NOTICE, 'kind = "day"', MOVE.format('index = "CSI300"')),
        f"{NOTICE}:10: occurrence.conditions[0]: has no measures,"
        " write one of falls_percent, rises_percent, volatility_percent",
    ),
    "move in two windows": (
        replace(NOTICE, 'kind = "day"', MOVE.format(f"{FALLS}\nover_sessions=5\nover_minutes=5")),
        f"{NOTICE}:10: occurrence.conditions[0]: has two windows,"
        " write over_sessions or over_minutes",
    ),
    "move that is never armed again": (
        replace(NOTICE, 'kind = "day"', MOVE.format(f"{FALLS}\nrearm_percent = 3")),
        f"{NOTICE}:10: occurrence.conditions[0]: would never be armed again,"
        " write a smaller rearm_percent",
    ),
    "index that no feed writes so": (
        replace(NOTICE, 'kind = "day"', MOVE.format('index = "沪深300"\nfalls_percent = 3')),
        f'{NOTICE}:11: occurrence.conditions[0].index: "沪深300" does not fit,'
        " write a code such as CSI300",
    ),
    "margin line beside an index": (
        replace(NOTICE, 'kind = "day"', MOVE.format(f"{FALLS}\n{ALSO}")),
        f"{NOTICE}:10: occurrence.conditions: has a margin line beside other conditions,"
        " write a campaign for each of them",
    ),
    "unknown market of a move": (
        replace(NOTICE, 'kind = "day"', 'calendar = "CN_B"\n' + MOVE.format(FALLS)),
        f'{NOTICE}:9: occurrence.calendar: the market "CN_B" is not known, write CN_A',
    ),
    "unknown market of an occurrence": (
        replace(NOTICE, 'kind = "day"', 'kind = "closure"\nmarket = "CN_B"'),
        f'{NOTICE}:10: occurrence.market: the market "CN_B" is not known, write CN_A',
    ),
    "value that hides a built-in one": (
        replace(NOTICE, "[values]", '[values]\nhotline = "1"'),
        f"{NOTICE}:12: values.hotline: is the name of a value that every text already has,"
        " choose another name, here and in the texts",
    ),
    "value with a promise": (
        replace(NOTICE, "系统升级", "保 本产品"),
        f"{NOTICE}:12: values.topic.zh: “保 本” promises a return or denies the risk,"
        " remove it; say what can be lost",
    ),
    "value with a wrong weekday": (
        replace(NOTICE, "系统升级", "2026年1月5日(星期二)升级"),
        f"{NOTICE}:12: values.topic.zh: “2026年1月5日(星期二)” is another day of the week,"
        " write 星期一 (Monday), or give the date as a value: 2026-01-05",
    ),
    "campaign file with a space": (
        write("campaigns/my notice.toml", ""),
        "campaigns/my notice.toml:1: the file name is the campaign's id and does not fit,"
        " rename it: small letters, digits and dashes, beginning with a letter",
    ),
    "broken TOML": (
        replace(NOTICE, 'owner = "operations"', "owner = operations"),
        f"{NOTICE}:6: broken TOML: invalid value (column 9),"
        ' write text in "quotes", numbers and true or false without',
    ),
    "marketing and service share a template": (
        replace(DIGEST, 'template = "digest"', 'template = "notice"'),
        f'{DIGEST}:4: template: "notice" is also used by notice, which is not marketing,'
        " give marketing a template of its own",
        *(
            f"templates/notice/email.{place}: `topic` is not defined in digest,"
            " write topics"
            for place in (
                "en.html.j2:2", "en.subject.j2:1", "en.text.j2:3",
                "zh-CN.html.j2:2", "zh-CN.subject.j2:1", "zh-CN.text.j2:3",
            )
        ),
    ),
    "halts asked for without an occurrence that has them": (
        replace(SEGMENTS, 'field = "status", is = "normal"', "holds_halted = true"),
        f'{NOTICE}:3: segment: the segment "active-clients" asks for halts, which this occurrence'
        ' has none of, write occurrence.kind = "halt"',
    ),
}  # fmt: skip

SEGMENT_FAULTS: Faults = {
    "unknown field": (
        replace(SEGMENTS, '"status"', '"statsu"'),
        f'{SEGMENTS}:3: active-clients.where: the client book has no field "statsu", write status',
    ),
    "list file that is not there": (
        remove("vip.txt"),
        f'{SEGMENTS}:7: listed.where.list_file: the list "vip.txt" cannot be used:'
        " the file does not exist, create it or correct the path",
    ),
    "empty list file": (
        write("vip.txt", "# nobody\n"),
        "vip.txt:1: the list is empty, write one client number a line",
    ),
    "segments that cannot be read": (
        remove(SEGMENTS),
        f"{SEGMENTS}:1: the file does not exist, create it or correct the path",
    ),
}

TEMPLATE_FAULTS: Faults = {
    "part missing in a locale": (
        remove("templates/notice/email.en.html.j2"),
        "templates/notice/email.en.html.j2:1: is missing beside email.en.subject.j2,"
        " write this text",
    ),
    "locale missing on one channel": (
        remove("templates/notice/sms.en.text.j2"),
        "templates/notice/sms.en.text.j2:1: is missing: notice also writes in en, by sms too,"
        " write this text",
    ),
    "fallback missing": (
        remove(SMS),
        f"{TEMPLATE}:1: fallback: there is no sms text in zh-CN, which notice needs,"
        " write sms.zh-CN.text.j2",
    ),
    "template.toml missing": (
        remove(TEMPLATE),
        f"{TEMPLATE}:1: the file does not exist, create it or correct the path",
    ),
    "layout missing": (
        remove("templates/_layout/email.zh-CN.text.j2"),
        "templates/_layout/email.zh-CN.text.j2:1: is missing, write it",
    ),
    "misnamed part": (
        write("templates/notice/email.en.txt.j2", "x"),
        "templates/notice/email.en.txt.j2:1: the file name stands for no text,"
        " rename it email.en.text.j2",
    ),
    "empty part": (
        write(SMS, " \n"),
        f"{SMS}:1: the text is empty, write it",
    ),
    "part in GB18030": (
        None,
        f"{SMS}:1: the file is not UTF-8 (byte 0xD7), save it as UTF-8",
    ),
    "undefined variable": (
        write(SMS, "尊敬的客户：\n{{ topc }}，详询{{ hotline }}\n"),
        f"{SMS}:2: `topc` is not defined in notice, write topic",
    ),
    "variable of another kind of occurrence": (
        write(SMS, "{{ topic }}{{ close_from }}\n"),
        f"{SMS}:1: `close_from` is not defined in notice,"
        ' remove it; only campaigns with occurrence.kind = "closure" have it',
    ),
    "variable from nowhere": (
        write(SMS, "{{ topic }}{{ zzz }}\n"),
        f"{SMS}:1: `zzz` is not defined in notice,"
        " add zzz to [values] of the campaign, or remove it",
    ),
    "promise in a text": (
        write(SMS, "{{ topic }}\n本产品保·本\n"),
        f"{SMS}:2: “保·本” promises a return or denies the risk, remove it; say what can be lost",
    ),
    "SMS too long": (
        write(SMS, "{{ topic }}" + "好" * 61 + "\n"),
        f"{SMS}:1: needs 2 SMS parts (71 units, UCS-2) in notice,"
        " shorten it or raise max_sms_parts, now 1, in template.toml",
    ),
    "link in an SMS": (
        write(SMS, "{{ topic }}https://example.com\n"),
        f"{SMS}:1: holds a link, which many networks block in an SMS,"
        " name the website or the hotline",
    ),
    "template that no campaign uses is checked too": (
        write("templates/digest/email.en.subject.j2", "x\n"),
        "templates/digest/email.en.html.j2:1: is missing beside email.en.subject.j2,"
        " write this text",
        "templates/digest/email.en.text.j2:1: is missing beside email.en.subject.j2,"
        " write this text",
    ),
    "loop over a text": (
        write(SMS, "{{ topic }}\n{% for x in hotline %}{{ x }}{% endfor %}\n"),
        f"{SMS}:2: a loop needs a list of values (on sample values of notice), mend the text",
    ),
    "subject that comes out empty": (
        write("templates/notice/email.en.subject.j2", "{% if not topic %}x{% endif %}\n"),
        "templates/notice/email.en.subject.j2:1: the subject comes out empty, write one",
    ),
    "marketing subject": (
        write("templates/digest/email.zh-CN.subject.j2", "研究摘要\n"),
        "templates/digest/email.zh-CN.subject.j2:1: digest is marketing, and its subject must say"
        " so, begin with 广告",
    ),
    "marketing without a way out": (
        replace("templates/_layout/email.zh-CN.text.j2", " {{ unsubscribe_url }}", ""),
        "templates/digest/email.zh-CN.text.j2:1: digest is marketing and offers no way out,"
        " write {{ unsubscribe_url }}",
    ),
    "marketing without a risk line": (
        replace("templates/_layout/email.zh-CN.html.j2", "{{ risk_line }} ", ""),
        "templates/digest/email.zh-CN.html.j2:1: digest is marketing and has no risk line,"
        " write {{ risk_line }}",
    ),
}

ALL = CONFIG_FAULTS | CAMPAIGN_FAULTS | SEGMENT_FAULTS | TEMPLATE_FAULTS


def test_the_small_project_is_clean(tmp_path: Path) -> None:
    make_project(tmp_path)

    assert lines_of(tmp_path) == []


@pytest.mark.parametrize("fault", ALL)
def test_a_fault_is_reported_where_it_stands_and_nothing_else_is(
    tmp_path: Path, fault: str
) -> None:
    make_project(tmp_path)
    edit, *expected = ALL[fault]
    if edit:
        apply(tmp_path, edit)
    else:
        (tmp_path / SMS).write_bytes("尊敬的客户".encode("gb18030"))

    found = [line.replace(f"{tmp_path}/", "") for line in lines_of(tmp_path)]

    assert found == expected


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        pytest.param("{{ topic }}\n{% if hotline %}x\n", ":2: Unexpected end", id="not closed"),
        pytest.param("{{ topic }}\n{% set x = 1 %}\n", ":2: `set` is not allowed", id="refused"),
        pytest.param("{{ topic }}\n\n{{ topic.x }}\n", ":3: ", id="field of a text"),
    ],
)
def test_a_tag_that_may_not_stand_there_is_reported_with_its_line(
    tmp_path: Path, text: str, begins: str
) -> None:
    make_project(tmp_path)
    (tmp_path / SMS).write_text(text, encoding="utf-8")

    (found,) = lines_of(tmp_path)

    assert found.startswith(SMS + begins)


def test_a_template_folder_without_a_text_is_reported(tmp_path: Path) -> None:
    make_project(tmp_path)
    (tmp_path / "templates/empty").mkdir()
    apply(tmp_path, write("templates/empty/template.toml", 'name = { zh = "空", en = "Empty" }\n'))

    assert lines_of(tmp_path) == [
        "templates/empty/template.toml:1: the folder holds no text,"
        " write one, such as sms.zh-CN.text.j2"
    ]


def test_the_line_of_a_layout_is_reported_in_the_layout(tmp_path: Path) -> None:
    make_project(tmp_path)
    layout = "templates/_layout/email.zh-CN.text.j2"
    change(tmp_path, layout, "{{ risk_line }}", "{{ risc_line }}")

    assert lines_of(tmp_path) == [
        f"{layout}:3: `risc_line` is not defined in digest, write risk_line",
        f"{layout}:3: `risc_line` is not defined in notice, write risk_line",
    ]


def test_a_closure_notice_takes_its_dates_from_the_calendar(tmp_path: Path) -> None:
    make_project(tmp_path)
    change(tmp_path, NOTICE, 'kind = "day"', 'kind = "closure"')
    (tmp_path / SMS).write_text("{{ topic }}\n10月1日(星期五)休市\n", encoding="utf-8")

    assert lines_of(tmp_path) == [
        f"{SMS}:2: “10月1日” is typed by hand in a closure notice,"
        " write a value such as {{ close_from }}",
        f"{SMS}:2: “星期五” is typed by hand in a closure notice,"
        " write a value such as {{ close_from }}",
    ]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("{{ topc }}，保本\n", "`topc` is not defined in notice, write topic"),
        ("{% if topic %}，保本\n", "1: "),
    ],
)
def test_a_text_that_does_not_render_is_still_read_for_its_wording(
    tmp_path: Path, text: str, first: str
) -> None:
    make_project(tmp_path)
    (tmp_path / SMS).write_text(text, encoding="utf-8")
    found = "\n".join(lines_of(tmp_path))

    assert first in found
    assert f"{SMS}:1: “保本” promises a return" in found


def test_faults_in_many_files_are_reported_together_in_order(tmp_path: Path) -> None:
    make_project(tmp_path)
    for fault in ("undefined variable", "blank owner", "route to no sender", "unknown field"):
        edit = ALL[fault][0]
        assert edit
        apply(tmp_path, edit)

    assert lines_of(tmp_path) == [
        ALL["blank owner"][1],
        ALL["unknown field"][1],
        ALL["route to no sender"][1],
        ALL["undefined variable"][1],
    ]


def test_a_broken_config_is_reported_alone(tmp_path: Path) -> None:
    config = make_project(tmp_path)
    change(tmp_path, "config.toml", 'hotline = "95000"', "hotline = 95000")

    project, problems = check(config)

    assert project is None
    assert [str(problem) for problem in problems] == [
        f'{config}:5: firm.hotline: is a whole number, write a text in "quotes"'
    ]


PIECES = [
    '"', "'", "[", "]", "{", "}", "{{", "}}", "{%", "%}", "=", ",", "\n", "\0", "3", "true", "\\",
    "[[x]]\n", "{# body #}", "<b>", "{% for x in y %}", "1e400", '"\\u0000"', "{ a = 1 }", "[[1]]",
]  # fmt: skip


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(sorted(FILES)), st.floats(0, 1), st.sampled_from(PIECES))
def test_whatever_is_typed_into_a_file_gives_lines_and_never_a_traceback(
    tmp_path: Path, file: str, place: float, piece: str
) -> None:
    make_project(tmp_path)
    text = FILES[file]
    at = int(place * len(text))
    (tmp_path / file).write_text(text[:at] + piece + text[at:], encoding="utf-8")

    _, problems = check(tmp_path / "config.toml")

    for problem in problems:
        assert len(str(problem).splitlines()) == 1
        path = Path(problem.file)
        lines = path.read_text(encoding="utf-8").count("\n") + 1 if path.is_file() else 1
        assert 1 <= problem.line <= lines

"""Rows of call-back files: who is to be called by a rule, and what came of the calls."""

from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from typing import Any, Final

from outreach.core import cells
from outreach.core.call_back import QUESTIONS, Means, Result, Rule, answers_wrong
from outreach.core.cells import Bad, Fault
from outreach.core.consent_rows import moment
from outreach.core.holding_rows import UNKNOWN_CLIENT

_CLIENT: Final = [
    "客户号", "客户编号", "客户代码", "客户账号", "client_id", "client_number", "customer_no",
]  # fmt: skip
_RULE: Final = ["回访规则", "回访类型", "回访原因", "规则", "reason", "kind"]
CASE_ALIASES: Final = {
    "client_no": _CLIENT,
    "rule": _RULE,
    "since_on": ["起始日", "起始日期", "开通日期", "异常日期", "发生日期", "日期", "since", "date"],
    "detail": ["说明", "权限", "开通权限", "异常情形", "异常类型", "permission", "what"],
}
CASE_REQUIRED: Final = ("client_no", "rule", "since_on")
RESULT_ALIASES: Final = {
    "client_no": _CLIENT,
    "rule": _RULE,
    "done_at": ["回访时间", "完成时间", "回访日期", "时间", "at", "called_at", "time"],
    "done_by": ["回访人", "回访人员", "坐席", "by", "caller", "agent"],
    "means": ["回访方式", "方式", "渠道", "channel", "method"],
    "result": ["回访结果", "结果", "outcome"],
    "identity": ["身份核实", "本人身份", "核实身份"],
    "own_will": ["本人意愿", "真实意愿"],
    "no_staff_trading": ["无员工代客操作", "无代客操作", "未代客操作"],
    "risk_disclosed": ["已揭示风险", "风险揭示"],
    "no_full_mandate": ["无全权委托", "未全权委托"],
    "changes_confirmed": ["变更已确认", "账户变更确认"],
    "reference": ["录音编号", "凭证编号", "凭证", "recording", "evidence"],
    "note": ["备注", "remark", "comment"],
}
RESULT_REQUIRED: Final = ("client_no", "rule", "done_at", "done_by", "result")


def _words(table: Mapping[str, str]) -> dict[str, str]:
    return {word: value for value, words in table.items() for word in (value, *words.split())}


rule: Final = cells.one_of(
    _words({
        Rule.NEW_ACCOUNT: "newaccount 新开户 新开账户",
        Rule.NEW_PERMISSION: "newpermission 新开权限 新权限 新开通权限 新开通交易权限",
        Rule.ABNORMAL: "异常 异常账户 账户异常 账户使用异常 异常交易",
        Rule.YEARLY: "年度 年度回访 年度抽样 annual",
    }),
    "write new_account, new_permission, abnormal or yearly",
)  # fmt: skip
_result: Final = cells.one_of(
    _words({
        Result.REACHED: "成功 已接通 回访成功 完成 已回访 success",
        Result.NOT_REACHED: "notreached 未接通 无人接听 未联系上 空号 失败 noanswer",
        Result.REFUSED: "拒绝 拒访 拒绝回访 declined",
    }),
    "write reached, not_reached or refused",
)  # fmt: skip
_means: Final = cells.one_of(
    _words({
        Means.PHONE: "电话 call telephone",
        Means.VIDEO: "视频",
        Means.VISIT: "面谈 现场 上门 inperson",
        Means.ONLINE: "网上 线上 在线 app web 智能外呼",
    }),
    "write phone, video, visit or online",
)  # fmt: skip

Case = tuple[int, str, date, str]


def case(row: Mapping[str, str], ids: Mapping[str, int], today: date) -> Case | Fault:
    """One row of a file of permissions opened and accounts flagged: client, rule, day and what."""
    client = ids.get(row["client_no"])
    if client is None:
        return Fault("client_no", UNKNOWN_CLIENT)
    read: dict[str, Any] = {
        "rule": rule(row["rule"]),
        "since_on": cells.day(row["since_on"]),
        "detail": cells.text(row.get("detail", "")),
    }
    for name, value in read.items():
        if isinstance(value, Bad):
            return Fault(name, value)
    known, since, detail = read.values()
    if known not in (Rule.NEW_PERMISSION, Rule.ABNORMAL):
        told = "the client book tells new accounts, and `call-backs draw` the yearly ones"
        return Fault("rule", Bad(told, "write new_permission or abnormal"))
    if since is None or since > today:
        wrong = "the day is missing" if since is None else "the day is yet to come"
        return Fault("since_on", Bad(wrong, "write the day of the opening or of the flag"))
    return client, known, since, detail or ""


def result(
    row: Mapping[str, str],
    ids: Mapping[str, int],
    grounds: Mapping[tuple[int, str], date],
    zone: tzinfo,
    now: datetime,
) -> tuple[Any, ...] | Fault:
    """One row of a file of results, as the store takes it. `grounds` says since when each client
    was to be called by each rule; moments without an offset are on the clock of `zone`."""
    client = ids.get(row["client_no"])
    if client is None:
        return Fault("client_no", UNKNOWN_CLIENT)
    read: dict[str, Any] = {
        "rule": rule(row["rule"]),
        "done_at": moment(row["done_at"], zone),
        "done_by": cells.text(row["done_by"]),
        "means": _means(row.get("means", "")),
        "result": _result(row["result"]),
        **{name: cells.flag(row.get(name, "")) for name in QUESTIONS},
        "reference": cells.text(row.get("reference", "")),
        "note": cells.text(row.get("note", "")),
    }
    for name, value in read.items():
        if isinstance(value, Bad):
            return Fault(name, value)
    for name in RESULT_REQUIRED[1:]:
        if read[name] is None:
            return Fault(name, Bad("the cell is empty", "every result needs it"))
    if read["done_at"] > now:
        return Fault("done_at", Bad("the moment is yet to come", "write when the call was made"))
    done_on = read["done_at"].astimezone(zone).date()
    if (bad := unasked(client, read["rule"], done_on, grounds)) is not None:
        return Fault("rule", bad)
    answers = {name: read[name] for name in QUESTIONS}
    if (wrong := answers_wrong(Result(read["result"]), answers)) is not None:
        what, _, fix = wrong.en.partition(": ")
        return Fault("result", Bad(what, fix))
    return (
        client, read["rule"], read["done_at"], done_on, read["done_by"],
        read["means"] or Means.PHONE.value, read["result"], *answers.values(),
        read["reference"], read["note"],
    )  # fmt: skip


def unasked(
    client: int, rule: str, done_on: date, grounds: Mapping[tuple[int, str], date]
) -> Bad | None:
    """What is wrong with a call that no rule asked for; anybody may be called for the year."""
    since = grounds.get((client, rule))
    if rule == Rule.YEARLY or (since is not None and since <= done_on):
        return None
    return Bad(f"no {rule} call-back was due on {done_on}", "correct the rule or the day")

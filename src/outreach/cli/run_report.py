"""`outreach report`: one run on a page, to print or hand on; as XLSX with every line behind it."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import typer

from outreach.cli.door import BAD_DATA, Door, Failure
from outreach.cli.export import refuse, whole_file
from outreach.cli.output import emit_json, moment, next_step, progress, say
from outreach.core.words import REASONS, STATES, Sentence

if TYPE_CHECKING:
    from datetime import datetime

    from outreach.project.definition import Definition

FORMATS: Final = (".html", ".xlsx")
LABELS: Final[Mapping[str, Sentence]] = {
    "title": Sentence("Run report", "发送报告"),
    "run": Sentence("Run", "批次"),
    "purpose": Sentence("Purpose", "类别"),
    "occurrence": Sentence("Occurrence", "期次"),
    "state": Sentence("State", "状态"),
    "opened": Sentence("Opened", "开始"),
    "planned": Sentence("Planned", "计划完成"),
    "finished": Sentence("Finished", "结束"),
    "expires": Sentence("Expires", "有效期至"),
    "segment": Sentence("Audience", "目标客群"),
    "event": Sentence("Event", "客户事件"),
    "audience": Sentence("Candidates", "候选客户"),
    "allow": Sentence("Allowed", "允许发送"),
    "defer": Sentence("Deferred", "暂缓"),
    "suppress": Sentence("Suppressed", "拦截"),
    "decisions": Sentence("Decisions", "决策"),
    "reasons": Sentence("Reasons", "原因"),
    "no_reasons": Sentence("No candidate was held or stopped.", "没有暂缓或拦截的客户。"),
    "clients": Sentence("Clients", "客户数"),
    "messages": Sentence("Messages", "信息"),
    "count": Sentence("Messages", "条数"),
    "share": Sentence("Share", "占比"),
    "meaning": Sentence("Meaning", "含义"),
    "remedy": Sentence("What to do", "处理"),
    "channels": Sentence("Channels", "渠道"),
    "sms_parts": Sentence("SMS parts", "短信计费条数"),
    "approval": Sentence("Approval", "审批"),
    "approved": Sentence("Approved by", "审批人"),
    "approved_at": Sentence("Approved", "审批时间"),
    "note": Sentence("Note", "备注"),
    "approval_digest": Sentence("Approved digest", "审批摘要值"),
    "not_needed": Sentence("none was needed or given", "无需审批或未审批"),
    "made_of": Sentence("Made from (SHA-256)", "所用文件（SHA-256）"),
    "campaign": Sentence("Campaign", "活动"),
    "template": Sentence("Template", "模板"),
    "segment_digest": Sentence("Segment", "客群"),
    "policy": Sentence("Policy", "策略"),
    "log": Sentence("Audit log", "审计日志"),
    "entries": Sentence("Entries", "条目数"),
    "root": Sentence("Root", "根哈希"),
    "sealed": Sentence("Last checkpoint", "最近检查点"),
    "never": Sentence("none yet", "尚无"),
    "verify": Sentence(
        "`outreach audit verify` recomputes it from the rows up.",
        "`outreach audit verify` 可自底向上重新计算并核对。",
    ),
    "made": Sentence("Made", "生成时间"),
    "lines": Sentence("Lines", "明细"),
    "masked": Sentence("Addresses are masked.", "联系方式已脱敏。"),
}


class Counted(NamedTuple):
    """One row of a table of counts."""

    code: str
    n: int
    share: float  # of the table's whole, 0 to 1
    meaning: str
    remedy: str


class Report(NamedTuple):
    """A run's report, every text in the language it is read in."""

    language: str
    words: Mapping[str, str]
    firm: str
    title: str
    facts: Sequence[tuple[str, str]]
    cards: Sequence[tuple[str, int]]
    reasons: Sequence[Counted]
    states: Sequence[Counted]
    channels: Sequence[tuple[str, int]]
    approval: Sequence[tuple[str, str]]
    digests: Sequence[tuple[str, str]]
    log: Sequence[tuple[str, str]]
    made: str


def report(
    context: typer.Context,
    run: Annotated[int, typer.Argument(metavar="RUN", help="The run's number.")],
    out: Annotated[Path, typer.Option(help="FILE.html, or FILE.xlsx with every line as well.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """One run on a page: decisions with their reasons, messages, approval, digests, log root."""
    door: Door = context.obj
    kind = out.suffix.lower()
    refuse(out, FORMATS, force=force)
    made, lines = _gathered(door, run), 0
    with whole_file(out, force=force) as draft:
        if kind == ".html":
            draft.write_text(_page(made), encoding="utf-8")
        else:
            lines = _workbook(door, run, made, draft)
    if door.json:
        emit_json({"run": run, "file": str(out), "lines": lines})
    say(door, f"The report of run {run} is in {out}.")
    next_step(door, f"outreach log --run {run}", "outreach audit verify")


def _gathered(door: Door, run_id: int) -> Report:
    """Everything the report says, on one snapshot of the database."""
    from outreach.project.definition import redefine
    from outreach.store import audit, runs

    language, clock = door.config.language, ZoneInfo(door.config.firm.zone)
    words = {name: sentence.in_(language) for name, sentence in LABELS.items()}
    with door.database.reading() as conn:
        found = runs.load(conn, run_id)
        if found is None:
            raise Failure(BAD_DATA, f"there is no run {run_id}; see `outreach runs`")
        definition = redefine(runs.parts(conn, found))
        counts, head = runs.counts(conn, run_id), audit.head(conn)
        approval = runs.approval_numbered(conn, found["approval_id"])
        sealed = audit.latest_checkpoint(conn)
    decisions, audience = counts.get("decision", {}), found["audience"]
    named = (("campaign", "campaign"), ("segment", "segment_digest"), ("template", "template"),
             ("policy", "policy"))  # fmt: skip
    checkpoint = f"{_shown(sealed.at, clock)} ({sealed.size:,})" if sealed else words["never"]
    return Report(
        language=language,
        words=words,
        firm=door.config.firm.name.in_(language),
        title=definition.campaign.name.in_(language),
        facts=_facts(found, definition, words, language, clock),
        cards=[
            (words["audience"], audience),
            *((words[name], decisions.get(name, 0)) for name in ("allow", "defer", "suppress")),
        ],
        reasons=_reasons(counts.get("reason", {}), language),
        states=_states(counts.get("state", {}), language),
        channels=[
            *counts.get("channel", {}).items(),
            (words["sms_parts"], counts.get("parts", {}).get("sms", 0)),
        ],
        approval=_approved(approval, words, clock),
        digests=[(words[label], found[f"{kind}_digest"]) for kind, label in named],
        log=[
            (words["entries"], f"{head.size:,}"),
            (words["root"], head.root.hex()),
            (words["sealed"], checkpoint),
        ],
        made=f"{_shown(door.now(), clock)} ({clock.key})",
    )


def _shown(at: "datetime | None", clock: ZoneInfo) -> str:
    return moment(at, clock) if at else "—"


def _facts(
    found: Mapping[Any, Any],
    definition: "Definition",
    words: Mapping[str, str],
    language: str,
    clock: ZoneInfo,
) -> list[tuple[str, str]]:
    """Which run it is, and when each of its steps was."""
    from outreach.cli.run import event_of
    from outreach.core.segment import describe

    event = event_of(definition.campaign, found)
    return [
        (words["run"], str(found["id"])),
        (words["campaign"], found["campaign"]),
        (words["purpose"], definition.campaign.purpose.sentence.in_(language)),
        (words["occurrence"], found["occurrence"]),
        (words["state"], found["state"]),
        (words["opened"], f"{_shown(found['opened_at'], clock)}, {found['opened_by']}"),
        (words["planned"], _shown(found["planned_at"], clock)),
        (words["finished"], _shown(found["finished_at"], clock)),
        (words["expires"], _shown(found["expires_at"], clock)),
        (words["segment"], describe(definition.segment, language)),
        *([(words["event"], event.sentence.in_(language))] if event else []),
    ]


def _approved(
    approval: Mapping[Any, Any] | None, words: Mapping[str, str], clock: ZoneInfo
) -> list[tuple[str, str]]:
    if approval is None:
        return [(words["approval"], words["not_needed"])]
    said = [
        (words["approved"], approval["actor"]),
        (words["approved_at"], _shown(approval["at"], clock)),
        (words["approval_digest"], approval["digest"]),
    ]
    return [*said, (words["note"], approval["note"])] if approval["note"] else said


def _reasons(counts: Mapping[str, int], language: str) -> list[Counted]:
    total = sum(counts.values())
    return [
        Counted(
            code, n, n / total,
            REASONS[code].sentence.in_(language), REASONS[code].remedy.in_(language),
        )
        for code, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]  # fmt: skip


def _states(counts: Mapping[str, int], language: str) -> list[Counted]:
    total = sum(counts.values())
    return [
        Counted(code, counts[code], counts[code] / total, state.sentence.in_(language), "")
        for code, state in STATES.items()
        if counts.get(code)
    ]


def _page(made: Report) -> str:
    from jinja2 import Environment

    source = files("outreach.data").joinpath("report.html.j2").read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return template.from_string(source).render(made._asdict())


def _workbook(door: Door, run_id: int, made: Report, path: Path) -> int:
    """The page as a first sheet, and every line of the run's log behind it."""
    from outreach.cli.log import COLUMNS, counted, masked
    from outreach.cli.workbook import Book
    from outreach.store import sendlog

    words = made.words
    groups: list[tuple[str, list[Sequence[Any]]]] = [
        (words["run"], [*made.facts]),
        (words["decisions"], [*made.cards]),
        (words["reasons"], [(one.code, one.n, one.meaning) for one in made.reasons]),
        (words["messages"], [(one.code, one.n, one.meaning) for one in made.states]),
        (words["channels"], [*made.channels]),
        (words["approval"], [*made.approval]),
        (words["made_of"], [*made.digests]),
        (words["log"], [*made.log, ("", words["verify"])]),
        (words["made"], [(words["made"], made.made), ("", words["masked"])]),
    ]
    with (
        Book(path) as book,
        progress(door, "writing lines") as tick,
        door.database.reading() as conn,
    ):
        book.facts(words["title"], f"{made.firm} · {made.title} · {words['title']}", groups)
        lines = sendlog.lines(conn, sendlog.Wanted(run_id=run_id), door.now())
        return book.table(words["lines"], COLUMNS, counted(masked(lines), tick))

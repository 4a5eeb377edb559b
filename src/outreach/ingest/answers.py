"""Take in what clients wrote back by SMS: answers to surveys, and what they say about consent."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from outreach.core import answer_rows, survey
from outreach.core.answer_rows import Inbound
from outreach.core.cell_problem import CellProblem
from outreach.core.headers import Matched, alias_index
from outreach.core.inbound_words import Word
from outreach.core.masking import masked_phone
from outreach.core.survey import Reading
from outreach.core.table_rows import cells_of, parted, rows_of
from outreach.feeds.known_columns import open_known
from outreach.ingest.book import Book, Desk, Imported, Taken, Tx, opened
from outreach.store import audit, consent, follow_ups, surveys
from outreach.store.audit import Covered
from outreach.store.books import Counts
from outreach.store.consent import NewEvent
from outreach.store.surveys import NewAnswer, SurveyRun

OPT_OUTS, FOLLOW_UPS = "opt_out", "follow_up"  # beside the kinds of answers


@dataclass(frozen=True, slots=True)
class Answers:
    """What a file of inbound texts came to."""

    imported: Imported
    kinds: Counter[str] = field(default_factory=Counter)  # answer, late, review, opt_out, follow_up


_LOOK: Final = "somebody should read it and see to the client"
_NOBODY: Final = "correct the number, or add the client"
_ACTIONS: Final = {
    Word.OPT_OUT: "withdraw", Word.OPT_OUT_REVIEW: "withdraw", Word.OPT_IN: "grant",
}  # fmt: skip


class _Line(NamedTuple):
    """A text with what it amounts to: an answer, events of consent, or nothing."""

    number: int
    text: Inbound
    reading: Reading
    events: list[NewEvent]


def import_answers(
    desk: Desk, path: Path, *, country: str = "CN", as_of: datetime | None = None
) -> Answers:
    """Record answers, and opt-outs as consent events; open the cases that follow. A row that was
    taken before is unchanged. `country` reads numbers without a prefix. Raises FileProblem."""
    index = alias_index(answer_rows.ALIASES)
    table, matched = open_known(path, index, answer_rows.REQUIRED)
    kinds: Counter[str] = Counter()
    zone = ZoneInfo(desk.zone)
    with opened(desk, "answers", table, matched.unknown, as_of) as book:
        for chunk in table.chunks(desk.chunk_rows):
            cells = cells_of(matched, chunk.columns)
            raw = chunk.columns[matched.columns["text"].index]
            read = [
                answer_rows.inbound(row, text, country, zone, book.at)
                for row, text in zip(rows_of(cells), raw, strict=True)
            ]
            good, problems = parted(matched, chunk.lines, cells, read)
            book.take(chunk, problems, partial(_taken, book, matched, good, kinds))
        return Answers(book.finished(), kinds)


def _taken(
    book: Book,
    matched: Matched,
    good: Sequence[tuple[int, Inbound]],
    kinds: Counter[str],
    tx: Tx,
) -> Taken:
    """Read the texts against the surveys their senders got, and write what they come to."""
    audit.append(tx, [])  # two imports of one file queue here, so that the second knows the first's
    runs = {one.run_id: one for one in surveys.survey_runs(tx)}
    lines = _read(tx, list(runs.values()), good, ZoneInfo(book.desk.zone))
    problems = [found for line in lines if (found := _problem(line, matched))]
    lost = {problem.line for problem in problems if problem.rejected}
    known = surveys.known(tx, (line.text.identity for line in lines))
    told: dict[int, tuple[_Line, list[NewEvent]]] = {}  # by line: what is news in it
    added = 0
    for line in (one for one in lines if one.number not in lost):
        new_answer = line.reading.answer is not None and line.text.identity not in known
        events = [one for one in line.events if not _on_record(tx, one)]
        known.add(line.text.identity)
        added += bool(new_answer or events)
        told[line.number] = (line if new_answer else line._replace(reading=_NOTHING), events)
    _stop(tx, book, [event for _, events in told.values() for event in events], kinds)
    answered = [line for line, _ in told.values() if line.reading.answer is not None]
    covered = _record(tx, book, answered, runs, kinds)
    return Taken(Counts(added=added, unchanged=len(told) - added), covered, problems)


_NOTHING: Final = Reading(None, None)


def _read(
    tx: Tx, runs: Sequence[SurveyRun], good: Sequence[tuple[int, Inbound]], zone: ZoneInfo
) -> list[_Line]:
    phones = {text.phone for _, text in good}
    asked, holders = surveys.asked_at(tx, runs, phones), surveys.holders(tx, phones)
    lines = []
    for number, text in good:
        reading = survey.read(text.text, asked.get(text.phone, ()), text.received_at, zone)
        action = _ACTIONS.get(reading.word) if reading.word else None
        events = [_event(text, action, owner) for owner in holders.get(text.phone, ()) if action]
        lines.append(_Line(number, text, reading, events))
    return lines


def _event(text: Inbound, action: str, owner: int) -> NewEvent:
    """A reply is about the channel it came by, whatever it answers."""
    reference = f"reply {text.identity[:16]}"
    return NewEvent(owner, "sms", None, action, "sms_mo", text.received_at, source_ref=reference)


def _problem(line: _Line, matched: Matched) -> CellProblem | None:
    """What a person has to see to: a text that is neither answer nor opt-out, or may be one."""
    header = matched.columns["phone"].header
    phone, word = masked_phone(line.text.phone), line.reading.word
    if line.reading.answer is None and not line.events:
        wrong = "no survey went to this number that this could answer"
        if word is Word.HELP:
            wrong = "the client asks for help"
        return CellProblem(line.number, header, phone, wrong, _LOOK if word else _NOBODY)
    if word is Word.OPT_OUT_REVIEW:
        wrong = "was taken for an opt-out, which it may not be"
        return CellProblem(line.number, header, phone, wrong, _LOOK, rejected=False)
    return None


def _on_record(tx: Tx, event: NewEvent) -> bool:
    events = consent.events_of(tx, [event.client_id]).get(event.client_id, [])
    return any(
        (one.action, one.source, one.captured_at) == (event.action, event.source, event.captured_at)
        for one in events
    )


def _stop(tx: Tx, book: Book, events: Sequence[NewEvent], kinds: Counter[str]) -> None:
    """Put what was said about consent into the ledger, with its entry in the log."""
    who = book.desk.actor
    covered = consent.add(tx, events, recorded_at=book.at, actor=who, book_id=book.id)
    if covered is not None:
        kinds[OPT_OUTS] += sum(event.action == "withdraw" for event in events)
        detail = {"events": len(events)}
        audit.append(
            tx, [audit.Entry(book.at, "consent.replies", who, f"book {book.id}", detail, covered)]
        )


def _record(
    tx: Tx,
    book: Book,
    lines: Sequence[_Line],
    runs: Mapping[int, SurveyRun],
    kinds: Counter[str],
) -> Covered | None:
    """Record the answers, and open the cases their surveys ask for."""
    news = [
        NewAnswer(answer, line.text.text, line.text.received_at, "sms", line.text.identity)
        for line in lines
        if (answer := line.reading.answer) is not None
    ]
    who = book.desk.actor
    numbers, covered = surveys.record(tx, news, recorded_at=book.at, actor=who, book_id=book.id)
    cases = [
        (number, department, rule)
        for number, one in zip(numbers, news, strict=True)
        for department, rule in survey.forwarded(runs[one.answer.to.run_id].survey, one.answer)
    ]
    follow_ups.open_cases(tx, cases, book.at, who)
    kinds.update(one.answer.kind.value for one in news)
    kinds[FOLLOW_UPS] += len(cases)
    return covered

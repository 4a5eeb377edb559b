"""Feeds in pages: all of them as one answer, or none.

A report that changes while its pages are read would lose a row between two of them or show it
twice, so every page must state the same totals, and the rows must add up to them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from outreach.feeds.file_problem import FileProblem
from outreach.feeds.halts import json_records, szse
from outreach.feeds.halts.fetching import FetchProblem
from outreach.feeds.halts.saved import Saved

MOST: Final = 400  # pages; a day of the busiest exchange has a tenth of that


class Page(NamedTuple):
    rows: list[Any]
    number: int
    pages: int
    total: int


def whole(form: str, get: Callable[[int], bytes]) -> bytes:
    """Every page of a feed as one answer in the same form. Raises FetchProblem."""
    first = _page(form, get(1), 1)
    if first.pages > MOST:
        raise FetchProblem(f"the report has {first.pages} pages, more than {MOST}")
    rows = list(first.rows)
    for number in range(2, first.pages + 1):
        page = _page(form, get(number), number)
        if (page.pages, page.total) != (first.pages, first.total):
            raise _changed(f"page 1 of {first.pages} told of {first.total} rows,"
                           f" page {number} of {page.pages} of {page.total}")  # fmt: skip
        if page.number != number:
            raise _changed(f"page {number} was asked for and page {page.number} came")
        rows += page.rows
    different = {orjson.dumps(row, option=orjson.OPT_SORT_KEYS) for row in rows}
    if len(rows) != first.total or len(different) != first.total:
        raise _changed(
            f"{first.pages} pages hold {len(rows)} rows, {len(different)} of them different, of"
            f" {first.total}"
        )
    return orjson.dumps(_answer(form, rows, first))


def _changed(what: str) -> FetchProblem:
    return FetchProblem(f"{what}: the report changed while it was read", passing=True)


def _page(form: str, content: bytes, number: int) -> Page:
    where = f"page {number}"
    try:
        document = json_records.read(Saved(Path(where), content), "\0").document
        found = _READ[form](document)
    except (FileProblem, ValueError) as problem:
        wrong = "is no whole JSON" if isinstance(problem, FileProblem) else str(problem)
        raise FetchProblem(f"{where} {wrong}", passing=True) from None
    return found


def _szse(document: Any) -> Page:
    report = szse.report_of(document)
    about = report.get("metadata") if report else None
    if report is None or not isinstance(about, dict):
        raise ValueError("holds no rows with zqdm and fpkssj")
    rows = report["data"]
    total, pages = _count(about, "recordcount"), _count(about, "pagecount")
    return Page(rows, _count(about, "pageno") if total else 1, max(pages, 1), total)


def _sse(document: Any) -> Page:
    about = document.get("pageHelp") if isinstance(document, dict) else None
    if not isinstance(about, dict):
        raise ValueError("holds no pageHelp")
    rows = document.get("result")
    rows = rows if isinstance(rows, list) and rows else about.get("data")
    if not isinstance(rows, list):
        rows = []
    total, pages = _count(about, "total"), _count(about, "pageCount")
    return Page(rows, _count(about, "pageNo") if total else 1, max(pages, 1), total)


def _count(about: dict[str, Any], name: str) -> int:
    value = about.get(name)
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"does not state its {name}")
    return value


def _answer(form: str, rows: list[Any], first: Page) -> Any:
    if form == szse.SOURCE:
        about = {"pageno": 1, "pagecount": 1, "recordcount": first.total}
        return [{"metadata": about, "data": rows}]
    return {"pageHelp": {"pageNo": 1, "pageCount": 1, "total": first.total}, "result": rows}


_READ: Final[dict[str, Callable[[Any], Page]]] = {"szse": _szse, "sse": _sse}
FORMS: Final = frozenset(_READ)  # that have pages

"""Whatever bytes a source sends: rows that can be read, lines on the others, no traceback."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outreach.feeds.file_problem import FileProblem
from outreach.feeds.halts import PARSERS, Parsed, Saved, paged, recognised
from outreach.feeds.halts.fetching import FetchProblem
from tests.feeds.halts.halt_files import FOLDER, parsed

FILES = sorted(path.name for path in FOLDER.iterdir())
ODD = [b"", b"\x00", b"\xff\xfe", b'"', b"{", b"]", b"<", b">", b"\n", b",", b"null", b"1E+10",
       b"99999999999999999999", "２０".encode(), b"\xe5\xbc", b"2026-02-30", b"24:61"]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """A saved file with some pieces cut out, put in, or said twice."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        to = min(len(content), at + draw(st.sampled_from([0, 1, 3, 20, 400])))
        put = draw(st.sampled_from([*ODD, content[at:to] * 2]))
        content = content[:at] + put + content[to:]
    return content


def read_or_refused(saved: Saved, form: str) -> Parsed | str:
    try:
        return parsed(saved, form)
    except FileProblem as problem:
        return str(problem)


@pytest.mark.parametrize("file", FILES)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_file_gives_rows_and_lines_or_one_sentence(
    tmp_path: Path, file: str, data: st.DataObject
) -> None:
    path = tmp_path / file
    path.write_bytes(data.draw(damaged((FOLDER / file).read_bytes())))
    saved = Saved(path, path.read_bytes())
    form = data.draw(st.sampled_from([recognised(saved.content), *PARSERS]))
    done = read_or_refused(saved, form)
    if isinstance(done, str):
        assert str(path) in done
        assert "\n" not in done
        return
    for said in done.statements:
        assert said.resume_at is None or said.halt_at is None or said.halt_at < said.resume_at
        assert said.name_zh.isprintable()
    for wrong in done.problems:
        assert wrong.wrong
        assert wrong.fix


STRANGE: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    [],
    [[]],
    {},
    {"a": {}},
    [None],
    "2026-09-24 开市",
]


@st.composite
def bent(draw: st.DrawFn, node: Any) -> Any:
    """A document with something else in the place of one of its parts."""
    if draw(st.integers(0, 3)) == 0 or not isinstance(node, dict | list) or not node:
        return draw(st.sampled_from(STRANGE))
    if isinstance(node, list):
        at = draw(st.integers(0, len(node) - 1))
        return [*node[:at], draw(bent(node[at])), *node[at + 1 :]]
    name = draw(st.sampled_from(sorted(node)))
    return {**node, name: draw(bent(node[name]))}


@pytest.mark.parametrize(("file", "form"), [("szse.json", "szse"), ("sse.jsonp", "sse")])
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_document_of_another_shape_gives_rows_and_lines_or_one_sentence(
    tmp_path: Path, file: str, form: str, data: st.DataObject
) -> None:
    text = (FOLDER / file).read_text(encoding="utf-8")
    document = json.loads(text[text.index("[" if form == "szse" else "{") :].rstrip().rstrip(");"))
    content = json.dumps(data.draw(bent(document)), ensure_ascii=False).encode()
    done = read_or_refused(Saved(tmp_path / file, content), form)
    paged_or_refused(form, content)

    assert isinstance(done, str) or all(said.market for said in done.statements)


def paged_or_refused(form: str, content: bytes) -> bytes | None:
    try:
        return paged.whole(form, lambda _number: content)
    except FetchProblem:
        return None

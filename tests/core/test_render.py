"""Rendering a batch gives what rendering each client alone would give, and names who cannot be."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment

from outreach.core.render import (
    RenderError,
    TemplateError,
    TemplateSet,
    compile_part,
    compile_template,
    content_digest,
    thaw,
)
from outreach.core.words import Channel

TOML = 'name = { zh = "示例", en = "Example" }\n'
SMS = {
    "template.toml": TOML,
    "sms.zh-CN.text.j2": "{{ client_name }}：{{ holiday }}休市。\n",
    "sms.en.text.j2": "{{ client_name }}: closed for {{ holiday }}.\n",
}
LAYOUT = """<html lang="en"><head></head><body>
<p>{{ firm_name }}</p>
{# body #}
<p>{{ hotline }}</p>
</body></html>
"""
LAYOUT_FILE = "_layout/email.en.html.j2"
MAIL = {
    "template.toml": TOML + 'fallback = "en"\n',
    "email.en.subject.j2": "For {{ client_name }}\n",
    "email.en.text.j2": "Dear {{ client_name }}\n",
    "email.en.html.j2": "<p>Dear\n{{ client_name }}</p>\n",
    "_layout/email.en.text.j2": "{{ firm_name }}\n{# body #}\n",
    LAYOUT_FILE: LAYOUT,
}
RUN = {"holiday": "国庆节", "firm_name": "A & B", "hotline": "95000"}

printable = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20)


@given(st.lists(st.tuples(printable, printable), max_size=20), printable)
@settings(max_examples=50, deadline=None)
def test_html_is_escaped_as_jinja_would(rows: list[tuple[str, str]], constant: str) -> None:
    source = (
        '<p title="{{ a }}">{{ a }}{% if b %}{{ b|upper }}{{ a ~ b }}{% endif %}'
        "{% for item in items %}<b>{{ item }}</b>{{ c }}{% endfor %}{{ items|join(', ') }}</p>"
    )
    items = ["<x>", constant]
    oracle = Environment(autoescape=True).from_string(source)
    part = compile_part(source, ("a", "b"), html=True)

    texts = part.render_rows({"c": constant, "items": items}, rows)

    assert texts == [oracle.render(a=a, b=b, c=constant, items=items) for a, b in rows]


def test_a_text_message_is_not_escaped_and_is_trimmed() -> None:
    part = compile_part("\n {{ a }} & co \n\n", ("a",), html=False)

    assert part.render_rows({}, [("<A>",)]) == ["<A> & co"]


def test_what_is_the_same_for_all_is_rendered_for_all() -> None:
    part = compile_part("{{ hotline }}", ("a",), html=False)

    assert part.render_rows({"hotline": "95000"}, [("x",), ("y",)]) == ["95000", "95000"]


def test_no_rows_give_no_texts() -> None:
    assert compile_part("{{ a }}", ("a",), html=False).render_rows({}, []) == []


@pytest.mark.parametrize(
    ("row", "line", "wrong"),
    [
        pytest.param(("a\x1eb", ""), 0, "`a` holds a control character", id="the separator"),
        pytest.param(("a\x00", ""), 0, "`a` holds a control character", id="NUL"),
        pytest.param(("", "\u202eb"), 0, "`b` holds a control character", id="reading direction"),
        pytest.param(("\ud800", ""), 0, "`a` holds a control character", id="half a character"),
        pytest.param((["a", "\x07"], ""), 0, "`a` holds a control", id="inside a list"),
        pytest.param(([{"name": "\x07"}], ""), 0, "`a` holds a control", id="inside a record"),
        pytest.param(([None], ""), 0, "not known", id="an unknown item"),
        pytest.param(("a" * 20_001, ""), 0, "`a` is longer", id="a very long value"),
        pytest.param((["a" * 5_001] * 20, ""), 0, "`a` is longer", id="a very long list"),
        pytest.param(("a",), 0, "needs 2 values, has 1", id="too few values"),
        pytest.param((None, "b"), 2, "`a` is not known", id="an unknown value that is printed"),
    ],
)
def test_a_bad_row_is_named_and_the_others_are_rendered(
    row: tuple[object, ...], line: int, wrong: str
) -> None:
    part = compile_part("one\n{{ a }}{% if b %}{{ b }}{% endif %}", ("a", "b"), html=False)

    before, result, after = part.render_rows({}, [("x", ""), row, ("y", None)])

    assert (before, after) == ("one\nx", "one\ny")
    assert isinstance(result, RenderError)
    assert wrong in result.what
    assert result.line == line


@pytest.mark.parametrize("text", ["a\nb", "a\tb", "　全角　", "𠮷", "·", "é"])
def test_ordinary_characters_pass(text: str) -> None:
    part = compile_part("[{{ a }}]", ("a",), html=False)

    assert part.render_rows({}, [(text,)]) == [f"[{text}]"]


def test_a_name_nobody_gave_is_an_error_at_its_line() -> None:
    part = compile_part("one\n\n{{ hotline }}{{ a }}", ("a",), html=True)

    (result,) = part.render_rows({}, [("x",)])

    assert result == RenderError("template", 3, "'hotline' is undefined")


def test_an_error_never_repeats_a_value() -> None:
    part = compile_part("{% for x in a %}{{ x }}{% endfor %}", ("a",), html=False)

    (result,) = part.render_rows({}, [("13812345678",)])

    assert "138" not in str(result)


def test_a_subject_is_one_line() -> None:
    part = compile_part("For {{ a }}", ("a",), html=False, one_line=True)

    good, bad = part.render_rows({}, [("A",), ("A\nBcc: b@example.com",)])

    assert good == "For A"
    assert isinstance(bad, RenderError)


def test_a_constant_that_is_not_known_may_be_asked_for() -> None:
    part = compile_part("{% if day %}{{ day }}{% else %}none{% endif %}", (), html=False)

    assert part.render_rows({"day": None}, [()]) == ["none"]


def test_records_are_read_by_field_from_what_json_gives_back() -> None:
    source = "{% for s in securities %}{{ s.name }}{% if not loop.last %}, {% endif %}{% endfor %}"
    part = compile_part(source, ("securities",), html=True)

    assert part.render_rows({}, [([{"name": "A&B"}, {"name": "C"}],)]) == ["A&amp;B, C"]


def test_sms_bears_the_signature_and_the_way_out() -> None:
    constants = RUN | {"sms_prefix": "【示例证券】", "sms_suffix": "拒收请回复R"}

    sent = compile_template(SMS).render(Channel.SMS, "zh-CN", constants, [("张三",)])

    assert sent == [("【示例证券】张三：国庆节休市。拒收请回复R",)]


def test_equal_rows_are_rendered_once_and_keep_their_places() -> None:
    rows = [("A",), ("B",), ("A",), (None,), ("B",), ("\x07",)]

    sent = compile_template(SMS).render(Channel.SMS, "en", RUN, rows)

    texts = [parts[0] for parts in sent if not isinstance(parts, RenderError)]
    assert texts == [f"{name}: closed for 国庆节." for name in "ABAB"]
    assert [isinstance(parts, RenderError) for parts in sent] == [False] * 3 + [True, False, True]


def test_rows_with_lists_are_told_apart() -> None:
    files = SMS | {"sms.zh-CN.text.j2": "{% for s in securities %}{{ s.name }}{% endfor %}"}
    one, other = [{"name": "甲"}], [{"name": "乙"}]

    sent = compile_template(files).render(Channel.SMS, "zh-CN", {}, [(one,), (other,), (one,)])

    assert sent == [("甲",), ("乙",), ("甲",)]


def test_an_email_has_subject_text_and_html_in_their_layouts() -> None:
    (sent,) = compile_template(MAIL).render(Channel.EMAIL, "en", RUN, [("A<B",)])

    assert isinstance(sent, tuple)
    subject, text, html = sent
    assert subject == "For A<B"
    assert text == "A & B\nDear A<B"
    assert "<p>A &amp; B</p>" in html
    assert "A&lt;B</p>" in html


@pytest.mark.parametrize(
    ("changed", "file", "line"),
    [
        pytest.param(
            {"email.en.html.j2": "<p>\n{{ x|safe }}</p>"}, "email.en.html.j2", 2, id="part"
        ),
        pytest.param(
            {LAYOUT_FILE: LAYOUT.replace("{{ hotline }}", "{{ 1 + 1 }}")},
            LAYOUT_FILE, 4, id="layout, after the body",
        ),
        pytest.param(
            {LAYOUT_FILE: LAYOUT.replace("{{ firm_name }}", "{{ 1 + 1 }}")},
            LAYOUT_FILE, 2, id="layout, before the body",
        ),
        pytest.param(
            {"email.en.subject.j2": "{{ 1 + 1 }}"}, "email.en.subject.j2", 1, id="subject"
        ),
        pytest.param({LAYOUT_FILE: "<p></p>"}, LAYOUT_FILE, 1, id="no marker"),
    ],
)  # fmt: skip
def test_a_fault_is_told_in_the_file_it_was_written_in(
    changed: dict[str, str], file: str, line: int
) -> None:
    with pytest.raises(TemplateError) as refused:
        compile_template(MAIL | changed)

    assert [(p.file, p.line) for p in refused.value.problems] == [(file, line)]


@pytest.mark.parametrize(
    ("missing", "file", "line"),
    [("client_name", "email.en.html.j2", 2), ("hotline", LAYOUT_FILE, 4)],
)
def test_a_fault_of_one_client_is_told_in_the_file_it_was_written_in(
    missing: str, file: str, line: int
) -> None:
    part = compile_template(MAIL).compiled[Channel.EMAIL, "en"].parts[2]
    constants = {name: value for name, value in RUN.items() if name != missing}

    (result,) = part.render_rows(constants, [(None if missing == "client_name" else "A",)])

    assert isinstance(result, RenderError)
    assert (result.file, result.line) == (file, line)


@pytest.mark.parametrize("missing", [name for name in MAIL if name.endswith(".j2")])
def test_a_missing_file_is_named(missing: str) -> None:
    files = {name: text for name, text in MAIL.items() if name != missing}

    with pytest.raises(TemplateError) as refused:
        compile_template(files)

    assert missing in [problem.file for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("wanted", "locale"),
    [
        ("zh-CN", "zh-CN"), ("en", "en"), ("en-GB", "en"), ("zh-HK", "zh-CN"), ("zh", "zh-CN"),
        ("fr", "zh-CN"), ("", "zh-CN"), (None, "zh-CN"),
    ],
)  # fmt: skip
def test_a_client_is_written_to_in_the_nearest_locale(wanted: str | None, locale: str) -> None:
    assert compile_template(SMS).locale_for(wanted) == locale


def test_a_thawed_template_gives_the_same_bytes() -> None:
    template = compile_template(MAIL)
    again = thaw(template.frozen())

    def sent(of: TemplateSet) -> object:
        return of.render(Channel.EMAIL, "en", RUN, [("A",)])

    assert again.digest == template.digest
    assert again.frozen() == template.frozen()
    assert sent(again) == sent(template)


def test_what_was_frozen_is_rendered_even_if_the_styles_would_come_out_otherwise() -> None:
    frozen = compile_template(MAIL).frozen().replace(b"<p>Dear", b"<p class=a>Dear", 2)

    (sent,) = thaw(frozen).render(Channel.EMAIL, "en", RUN, [("A",)])

    assert isinstance(sent, tuple)
    assert "<p class=a>Dear" in sent[2]


@pytest.mark.parametrize("file", list(MAIL))
def test_any_file_changes_the_digest(file: str) -> None:
    changed = MAIL | {file: MAIL[file].replace("e", "e", 1) + "\n"}

    assert compile_template(changed).digest != compile_template(MAIL).digest


def test_the_content_digest_is_of_the_parts_joined() -> None:
    assert content_digest(("a", "乙")) == hashlib.sha256(b"a\x1e\xe4\xb9\x99").digest()


def test_a_row_holds_only_what_the_client_brings() -> None:
    template = compile_template(MAIL)

    assert template.names(Channel.EMAIL, "en") == ("client_name",)
    assert template.constants(Channel.EMAIL, "en") == {"firm_name", "hotline"}

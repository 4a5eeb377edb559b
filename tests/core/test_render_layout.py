"""The frame of an e-mail: styles move into the elements, and no Jinja tag is lost or moved."""

import re

import pytest

from outreach.core.render import Source, TemplateError, compile_part, compose, inline_styles

HEAD = "<html lang='en'><head><style>td { color: red } .a { margin: 0 }</style></head><body>"
FOOT = "</body></html>"


def inlined(body: str, head: str = HEAD) -> str:
    return inline_styles(Source(f"{head}\n{body}\n{FOOT}", "email.en.html.j2"))


def test_rules_are_written_into_the_elements_and_the_sheet_is_gone() -> None:
    html = inlined('<p class="a">x</p>')

    assert '<p class="a" style="margin: 0;">x</p>' in html
    assert "<style>" not in html


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('<a href="{{ url }}">x</a>', id="a value in an attribute"),
        pytest.param('<a href="https://x/?a={{ a }}">x</a>', id="a value in part of an attribute"),
        pytest.param('<a title="{% if a > 1 %}x{% endif %}">x</a>', id="a question in one"),
        pytest.param("<p>{{ a }} {{ b|join('>') }}</p>", id="values in a text"),
        pytest.param("{% if a < b %}<p>x</p>{% else %}<p>y</p>{% endif %}", id="a question"),
        pytest.param(
            "<table><tbody>{% for a in b %}<tr><td>{{ a }}</td></tr>{% endfor %}</tbody></table>",
            id="rows of a table in a loop",
        ),
        pytest.param(
            "<ul>{% for a in b %}<li>{{ a }}{% if c %};{% endif %}</li>{% endfor %}</ul>",
            id="a list in a loop",
        ),
        pytest.param("<!--[if mso]><table><tr><td>{{ a }}<![endif]-->", id="words for Outlook"),
    ],
)
def test_tags_come_back_as_they_were_and_where_they_were(body: str) -> None:
    tags = re.compile(r"\{%.*?%\}|\{\{.*?\}\}")
    skeleton = re.compile(r' style="[^"]*"')

    html = inlined(body)

    assert tags.findall(html) == tags.findall(body)
    assert body in skeleton.sub("", html)


def test_comments_of_the_clerk_are_not_sent() -> None:
    assert "secret" not in inlined("<p>x{# secret #}</p>")


def test_media_queries_stay_in_the_head() -> None:
    queries = "@media (prefers-color-scheme: dark) { td { color: white !important } }"
    head = HEAD.replace("</head>", f'<style data-css-inline="ignore">\n{queries}\n</style></head>')

    html = inlined("<table><tbody><tr><td>x</td></tr></tbody></table>", head)

    assert f"<style>\n{queries}\n</style>" in html.partition("</head>")[0]
    assert '<td style="color: red;">x</td>' in html


@pytest.mark.parametrize(
    ("body", "wrong", "line"),
    [
        pytest.param("<p\n{% if a %}title='x'{% endif %}>x</p>", "between the attributes", 3,
                     id="a tag between attributes"),
        pytest.param("<p title={{ a }}>x</p>", "between the attributes", 2,
                     id="a value without quotes, which would not be escaped enough"),
        pytest.param("<table><tr><td>x</td></tr></table>", "<tbody>", 1, id="an implied tbody"),
        pytest.param("<table><tbody>{{ a }}<tr><td>x</td></tr></tbody></table>", "no text", 1,
                     id="a value between rows"),
        pytest.param('<p class="{{ a }}">x</p>', "in class", 1, id="a value in class"),
        pytest.param("<style>td { color: {{ a }} }</style>", "<style>", 2, id="a value in a style"),
        pytest.param("<script>{{ a }}</script>", "<script>", 2, id="a value in a script"),
        pytest.param("qz1zq", "kept for", 1, id="a name we use ourselves"),
    ],
)  # fmt: skip
def test_what_an_html_parser_would_mend_or_move_is_refused(
    body: str, wrong: str, line: int
) -> None:
    with pytest.raises(TemplateError) as refused:
        inlined(body)

    (problem,) = refused.value.problems
    assert wrong in problem.wrong
    assert problem.line == line


def test_the_part_stands_in_the_place_of_the_marker() -> None:
    layout = Source("<a>\n{# body #}\n</a>\n", "layout")

    composed = compose(layout, Source("one\ntwo\n", "part"))

    assert composed.text == "<a>\none\ntwo\n</a>\n"
    assert [composed.locate(line) for line in (1, 2, 3, 4)] == [
        ("layout", 1), ("part", 1), ("part", 2), ("layout", 3),
    ]  # fmt: skip


def test_the_preheader_of_a_part_goes_to_the_place_the_layout_has_for_it() -> None:
    layout = Source("\n<div>{# preheader #}</div>\n{# body #}\n", "layout")
    part = Source("{# preheader: {{ a }} & more. #}\n<p>x</p>\n", "part")

    composed = compose(layout, part)

    assert "<div>{{ a }} & more.</div>" in composed.text
    assert composed.locate(2) == ("part", 1)
    compiled = compile_part(composed, ("a",), html=True)
    assert compiled.render_rows({}, [("A<",)]) == ["\n<div>A&lt; & more.</div>\n<p>x</p>"]


def test_a_layout_without_a_place_for_the_preheader_leaves_it_out() -> None:
    composed = compose(Source("{# body #}", "layout"), Source("{# preheader: x #}\ny", "part"))

    assert compile_part(composed, (), html=False).render_rows({}, [()]) == ["y"]

"""Folding a run's constants into a template changes its speed and not one byte of its texts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.render import CompiledPart, RenderError, compile_part

SOURCES = (
    "{{ firm }} to {{ name }}: {{ hotline }}",
    "{% if holiday %}{{ holiday }} for {{ name }}{% else %}none{% endif %}",
    "{% if name %}Dear {{ name }}{% elif holiday %}{{ holiday }}{% else %}{{ firm }}{% endif %}!",
    "{% for day in days %}{{ day }},{% endfor %}{{ name }}",
    "{% for day in days %}{{ day }} {{ name }},{% endfor %}",
    "{% for one in securities %}{{ one.name }} {{ firm }};{% endfor %}",
    "{{ firm }}{{ hotline }}",
    "{% if name %}{{ name }}{% endif %} <b>{{ firm|upper }}</b>",
)
NAMES = ("name", "securities")
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf")), max_size=6)


def part(source: str, *, html: bool) -> CompiledPart:
    return compile_part(source, NAMES, html=html)


@settings(max_examples=60, deadline=None)
@given(
    source=st.sampled_from(SOURCES),
    html=st.booleans(),
    firm=WORDS,
    holiday=WORDS | st.none(),
    days=st.lists(WORDS, max_size=3),
    names=st.lists(WORDS | st.none(), min_size=1, max_size=4),
)
def test_a_folded_part_renders_the_same(
    source: str,
    html: bool,
    firm: str,
    holiday: str | None,
    days: list[str],
    names: list[str | None],
) -> None:
    constants = {"firm": firm, "hotline": "<95000>", "holiday": holiday, "days": days}
    securities = [{"name": "<A>"}, {"name": firm}]
    rows = [(name, securities) for name in names]
    plain = part(source, html=html)

    assert plain.folded(constants).render_rows(constants, rows) == plain.render_rows(
        constants, rows
    )


def test_what_is_constant_is_escaped_as_it_would_be() -> None:
    constants = {"firm": "A & B <sons>"}
    folded = part("{{ firm }} {{ name }}", html=True).folded(constants)

    assert folded.render_rows(constants, [("C & D", [])]) == ["A &amp; B &lt;sons&gt; C &amp; D"]


def test_a_missing_constant_is_still_named_when_a_row_is_rendered() -> None:
    folded = part("Hello {{ name }}\n{{ firm }}", html=False).folded({})
    (error,) = folded.render_rows({}, [("Wang", [])])

    assert isinstance(error, RenderError)
    assert (error.line, "firm" in error.what) == (2, True)


@pytest.mark.parametrize("html", [False, True])
def test_a_part_without_client_values_folds_to_one_text(html: bool) -> None:
    constants = {"firm": "Example", "hotline": "95000"}
    folded = part("{{ firm }}{{ hotline }}", html=html).folded(constants)

    assert folded.render_rows(constants, [("Wang", []), ("Li", [])]) == ["Example95000"] * 2


def test_a_row_that_comes_out_too_long_is_refused_alone() -> None:
    folded = compile_part("{{ firm }}: {{ name }}", NAMES, html=False, limit=20).folded(
        {"firm": "A"}
    )
    good, long = folded.render_rows({"firm": "A"}, [("Wang", []), ("x" * 18, [])])

    assert good == "A: Wang"
    assert isinstance(long, RenderError)
    assert "20 characters" in long.what


def test_a_value_that_is_no_text_is_printed_as_one() -> None:
    folded = part("{{ name }}: {{ securities }}", html=True).folded({})

    assert folded.render_rows({}, [(7, ["<A>"])]) == ["7: [&#39;&lt;A&gt;&#39;]"]
    assert folded.render_rows({}, [(7, ["<A>"])]) == part(
        "{{ name }}: {{ securities }}", html=True
    ).render_rows({}, [(7, ["<A>"])])


def test_a_value_that_is_not_known_is_named_for_its_row_alone() -> None:
    folded = part("Dear\n{{ name }}!", html=True).folded({})
    good, unknown = folded.render_rows({}, [("Wang & Co", []), (None, [])])

    assert good == "Dear\nWang &amp; Co!"
    assert isinstance(unknown, RenderError)
    assert (unknown.line, "name" in unknown.what) == (2, True)

"""What a template may not say: each attack on time or memory is refused when it is compiled."""

import pytest

from outreach.core.render import RenderError, TemplateError, compile_part, undeclared

DEEP = "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}"
LOOPS = "{% for a in rows_a %}{% endfor %}" * 21
NEST = "{% for a in x %}{% for b in x %}{% for c in x %}{% endfor %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize(
    ("attack", "wrong"),
    [
        pytest.param("{{ 'a' * 10**9 }}", "arithmetic", id="a text repeated"),
        pytest.param("{{ 9 ** 9 ** 9 }}", "arithmetic", id="a power of a power"),
        pytest.param("{{ 1 + 1 }}", "arithmetic", id="any sum"),
        pytest.param("{{ '%1000000000d' % 1 }}", "arithmetic", id="a width in a format"),
        pytest.param("{{ '%1000000000d'|format(1) }}", "`format`", id="the format filter"),
        pytest.param("{{ 'a'|center(10**9) }}", "`center`", id="the center filter"),
        pytest.param("{{ 'a'|indent(10**9) }}", "`indent`", id="the indent filter"),
        pytest.param("{{ x|replace('a', x) }}", "`replace`", id="the replace filter"),
        pytest.param("{{ x|join('a' * 10) }}", "plain texts", id="a separator that is computed"),
        pytest.param("{{ x|join(y) }}", "plain texts", id="a separator that is a value"),
        pytest.param("{{ x|join(d=y) }}", "plain texts", id="a separator by name"),
        pytest.param("{{ x|join('" + "a" * 21 + "') }}", "at most 20", id="a long separator"),
        pytest.param("{{ x|join(',')|join(',') }}", "directly", id="a join of a join"),
        pytest.param("{% for i in range(10**9) %}{% endfor %}", "given", id="a huge range"),
        pytest.param("{% for i in 'abc' %}{% endfor %}", "given", id="a loop over a text"),
        pytest.param("{% for i in [1, 2] %}{% endfor %}", "given", id="a loop over its own list"),
        pytest.param(NEST, "in each other", id="three loops in each other"),
        pytest.param(LOOPS, "more than 20 loops", id="very many loops"),
        pytest.param("{% for a in x %}" + "a" * 5_001 + "{% endfor %}", "5,000", id="a long loop"),
        pytest.param(
            "{% for a in x recursive %}{{ a }}{% endfor %}", "recursive", id="a recursive loop"
        ),
        pytest.param("{% macro a() %}{{ a() }}{% endmacro %}", "`macro`", id="a macro"),
        pytest.param("{% set a = 'a' %}", "`set`", id="an assignment, which could double itself"),
        pytest.param("{% with a = x %}{% endwith %}", "`with`", id="with"),
        pytest.param("{% filter upper %}a{% endfilter %}", "`filter` block", id="a filter block"),
        pytest.param("{% include 'a' %}", "`include`", id="include"),
        pytest.param("{% import 'a' as a %}", "`import`", id="import"),
        pytest.param("{% extends 'a' %}", "`extends`", id="extends"),
        pytest.param("{% block a %}{% endblock %}", "`block`", id="block"),
        pytest.param("{{ ''.__class__ }}", "loop variable", id="an attribute of a text"),
        pytest.param("{{ x.__class__ }}", "loop variable", id="an attribute of a value"),
        pytest.param("{{ x['__class__'] }}", "plain number", id="a key of a value"),
        pytest.param("{{ x.upper() }}", "calling", id="a method"),
        pytest.param("{{ cycler('a') }}", "calling", id="a function of Jinja"),
        pytest.param("{{ _rows }}", "start with _", id="a name of ours"),
        pytest.param("{{ self }}", "`self`", id="the template itself"),
        pytest.param("{{ x[1:2] }}", "plain number", id="a slice"),
        pytest.param("{{ loop.index }}", "loop variable", id="the loop over all clients"),
        pytest.param("{{ x is callable }}", "`callable`", id="a test that looks inside"),
        pytest.param("{{ x|safe }}", "`safe`", id="a way round escaping"),
        pytest.param(
            "{{ x }}{% autoescape false %}{% endautoescape %}", "`autoescape`", id="no escaping"
        ),
        pytest.param("{% endfor %}", "endfor", id="an end without a beginning"),
        pytest.param("{{ x", "expected token", id="a tag left open"),
    ],
)
def test_it_is_refused_at_its_line(attack: str, wrong: str) -> None:
    with pytest.raises(TemplateError) as refused:
        compile_part(f"one\ntwo\n{attack}\nfour\n", ("x",), html=False)

    problem = refused.value.problems[0]
    assert wrong in problem.wrong
    # An open tag is noticed where the file ends.
    assert problem.line == (4 if attack == "{{ x" else 3)


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(DEEP, id="brackets 5,000 deep"),
        pytest.param("{{ " + "not " * 3_000 + "x }}", id="not, 3,000 times"),
        pytest.param("{{ " + "not " * 60 + "x }}", id="not, 60 times"),
        pytest.param("{{ " + "9" * 5_000 + " }}", id="a number of 5,000 digits"),
        pytest.param("a" * 100_001, id="a text of more than 100,000 characters"),
        pytest.param("a\x1eb", id="the separator"),
        pytest.param("a\ud800b", id="half a character"),
    ],
)
def test_it_is_refused(attack: str) -> None:
    with pytest.raises(TemplateError):
        compile_part(attack, ("x",), html=False)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(TemplateError) as refused:
        compile_part("{{ 1 + 1 }}\n{{ x|safe }}\n{% include 'a' %}", ("x",), html=False)

    assert [problem.line for problem in refused.value.problems] == [1, 2, 3]


def test_a_row_that_grows_too_long_is_stopped_and_the_others_are_rendered() -> None:
    source = "{% for a in x %}{% for b in x %}{{ a }}{% endfor %}{% endfor %}"
    part = compile_part(source, ("x",), html=False, limit=2_000)

    small, large, after = part.render_rows({}, [(["a"],), (["a" * 99] * 500,), (["b"],)])

    assert (small, after) == ("a", "b")
    assert isinstance(large, RenderError)
    assert "more than 2,000 characters" in large.what


@pytest.mark.parametrize(
    "value", [pytest.param("letters", id="a text"), pytest.param(["a"] * 501, id="501 items")]
)
def test_a_loop_walks_over_short_lists_only(value: object) -> None:
    part = compile_part("\n{% for a in x %}{{ a }}{% endfor %}", ("x",), html=False)

    (result,) = part.render_rows({}, [(value,)])

    assert isinstance(result, RenderError)
    assert result.line == 2


def test_the_names_a_text_needs_leave_out_those_it_binds() -> None:
    source = "{{ a }}{% for b in c %}{{ b.name }}{{ d }}{{ loop.index }}{% endfor %}"

    assert undeclared(source) == {"a", "c", "d"}

"""What an approved template makes, and what it does not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.gateway.approved import Filled, Unapproved, approved, fill, split_signature


@pytest.mark.parametrize(
    ("text", "body", "variables"),
    [
        ("休市。", "休市。", {}),
        ("休市。", "休市", None),
        ("尊敬的${name}：休市。", "尊敬的张三：休市。", {"name": "张三"}),
        ("尊敬的${name}：休市。", "尊敬的：休市。", None),
        ("尊敬的${name}：休市。", "尊敬的张三：休市。退订", None),
        ("{1}至{2}休市", "1日至8日休市", {"1": "1日", "2": "8日"}),
        ("{1}至{2}", "1日至8日至9日", {"1": "1日", "2": "8日至9日"}),
        ("{1}休市", "1日休市休市", {"1": "1日休市"}),
        ("{1}，{1}", "好，好", {"1": "好"}),
        ("{1}，{1}", "好，不好", None),
        ("甲{1}乙{2}丙", "甲1乙丙", None),
    ],
)
def test_a_body_fits_its_template_or_does_not(
    text: str, body: str, variables: dict[str, str] | None
) -> None:
    assert approved("T", text).variables(body) == variables


WORD = st.text("ab好，{}$", min_size=1, max_size=4)


@settings(max_examples=200)
@given(st.lists(st.text("ab好，", min_size=1, max_size=3), min_size=2, max_size=5), st.data())
def test_whatever_a_template_made_it_makes_again(fixed: list[str], data: st.DataObject) -> None:
    names = [f"v{at}" for at in range(len(fixed) - 1)]
    values = {name: data.draw(WORD) for name in names}
    text = fixed[0] + "".join(
        "${" + name + "}" + after for name, after in zip(names, fixed[1:], strict=True)
    )
    body = fixed[0] + "".join(
        values[name] + after for name, after in zip(names, fixed[1:], strict=True)
    )
    template = approved("T", text)

    found = template.variables(body)

    assert found is not None
    assert template.render(found) == body


@settings(max_examples=200)
@given(st.text("ab{1}{2}，", max_size=12), st.text("ab，", max_size=12))
def test_what_fits_renders_to_exactly_the_body(text: str, body: str) -> None:
    try:
        template = approved("T", text)
    except ValueError:
        return
    found = template.variables(body)

    assert found is None or template.render(found) == body


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("【示例证券】休市", "holds 【 or 】"),
        ("尊敬的{1}{2}", "two variables with nothing between"),
        ("${text}", "nothing but variables"),
        (" {1} ", "nothing but variables"),
    ],
)
def test_a_template_no_gateway_approves_is_named(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        approved("T", text)


def test_the_first_template_that_fits_is_taken() -> None:
    templates = [approved("A", "休{1}"), approved("B", "{1}市")]

    assert fill("休市", templates, links=True) == Filled("A", {"1": "市"})
    assert fill("闭市", templates, links=True) == Filled("B", {"1": "闭"})
    with pytest.raises(Unapproved, match="no approved template"):
        fill("开盘", templates, links=True)


@pytest.mark.parametrize("link", ["https://a.cn", "www.a", "见example.com/x", "A.CN"])
def test_a_link_in_a_variable_is_refused_where_the_gateway_refuses_it(link: str) -> None:
    templates = [approved("A", "详见{1}。")]

    assert fill(f"详见{link}。", templates, links=True).template == "A"
    with pytest.raises(Unapproved, match="hold a link"):
        fill(f"详见{link}。", templates, links=False)


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("【示例证券】休市", ("示例证券", "休市")),
        ("休市【示例证券】", ("", "休市【示例证券】")),
        ("【示例证券", ("", "【示例证券")),
        ("【】休市", ("", "休市")),
    ],
)
def test_the_signature_stands_first(text: str, split: tuple[str, str]) -> None:
    assert split_signature(text) == split

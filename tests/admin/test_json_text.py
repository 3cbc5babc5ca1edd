"""JSON as text: exact both ways, and faults have a place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixpeek_site import jsonio
from namespaces.admin.json_text import TextError, locate, parse, parse_object, pretty

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.decimals(allow_nan=False, allow_infinity=False, places=20, min_value=-(10**20), max_value=10**20)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab."\\ü'), inner, max_size=4))
objects = st.dictionaries(st.text('ab."\\ü'), values, max_size=5)


@settings(max_examples=60)
@given(objects)
def test_pretty_text_means_the_same_value(value: object) -> None:
    assert jsonio.dumps(parse_object(pretty(value))) == jsonio.dumps(value)


@settings(max_examples=60)
@given(objects)
def test_every_member_is_located(value: dict[str, object]) -> None:
    text = pretty(value)
    for key in value:
        place = locate(text, [key])
        assert place is not None
        line, column = place
        assert text.split("\n")[line - 1][column - 1 :].startswith(jsonio.dumps(key))


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('{"a": 1,}', 1, 8),
        ('{\n  "a": 1.2.3\n}', 2, 11),
        ("", 1, 1),
        ('{"a": NaN}', 1, 7),
        ('{\n "a": [1, {"b": "\\u0000"}]\n}', 2, 12),
        ('{"a": 1' + "0" * 1000 + "}", 1, 2),
        ("[]", 1, 1),
        ("1", 1, 1),
    ],
)
def test_what_is_wrong_has_a_line_and_a_column(text: str, line: int, column: int) -> None:
    with pytest.raises(TextError) as caught:
        parse_object(text)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_a_list_may_be_asked_for() -> None:
    assert parse("[1]", list) == [1]
    with pytest.raises(TextError):
        parse("{}", list)


def test_elements_are_located() -> None:
    assert locate('{"a": [1, [2, 3]],\n "b": {"a": 4}}', ["a", 1, 1]) == (1, 15)
    assert locate('{"a": [1, [2, 3]],\n "b": {"a": 4}}', ["b", "a"]) == (2, 8)
    assert locate('{"a": 1}', ["c"]) is None

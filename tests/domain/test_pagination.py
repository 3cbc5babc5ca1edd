"""What a request says of its page, the cursors between pages, and what the answer says."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpeek_site.api.pagination import Page, decode_cursor, encode_cursor, pagination, read_page
from mixpeek_site.errors import BadRequestError, ValidationError


@pytest.mark.parametrize(
    ("query", "body", "page"),
    [
        ({}, {}, Page(10, 0, None, None, False)),
        ({"limit": "5", "offset": "7"}, {}, Page(5, 7, None, None, False)),
        ({"page_size": "5", "page": "3"}, {}, Page(5, 10, 3, None, False)),
        ({"limit": "5"}, {"limit": 6}, Page(6, 0, None, None, False)),
        ({"limit": "5"}, {"page_size": 6}, Page(6, 0, None, None, False)),
        ({}, {"limit": 5, "page_size": 6}, Page(5, 0, None, None, False)),
        ({}, {"offset": 3, "page": 2}, Page(10, 3, None, None, False)),
        ({"offset": "3"}, {"page": 2}, Page(10, 10, 2, None, False)),
        ({"limit": "5"}, {"limit": None}, Page(5, 0, None, None, False)),
        ({"include_total": "true"}, {}, Page(10, 0, None, None, True)),
        ({"include_total": "true"}, {"include_total": False}, Page(10, 0, None, None, False)),
        ({"after": "c"}, {"offset": 3}, Page(10, 0, None, "c", False)),
        ({"next_cursor": "c", "page": "2"}, {"cursor": "d"}, Page(10, 0, None, "d", False)),
        ({"cursor": "", "page": "2"}, {}, Page(10, 10, 2, None, False)),
        ({}, {"limit": 1000, "offset": 10000}, Page(1000, 10000, None, None, False)),
        ({"cursor": "c", "page": "999999"}, {}, Page(10, 0, None, "c", False)),
    ],
)
def test_pages_as_asked_for(query: dict[str, str], body: dict[str, Any], page: Page) -> None:
    assert read_page(query, body) == page


@pytest.mark.parametrize(
    ("query", "body", "location"),
    [
        ({"limit": "0"}, {}, ("query", "limit")),
        ({"limit": "1001"}, {}, ("query", "limit")),
        ({"limit": "1.0"}, {}, ("query", "limit")),
        ({"limit": "9" * 5000}, {}, ("query", "limit")),
        ({"page_size": "\N{ARABIC-INDIC DIGIT ONE}"}, {}, ("query", "page_size")),
        ({}, {"limit": "5"}, ("body", "limit")),
        ({}, {"limit": True}, ("body", "limit")),
        ({}, {"limit": Decimal("5.0")}, ("body", "limit")),
        ({}, {"offset": -1}, ("body", "offset")),
        ({"offset": "10001"}, {}, ("query", "offset")),
        ({"page": "0"}, {}, ("query", "page")),
        ({"page": "102", "limit": "100"}, {}, ("query", "page")),
        ({}, {"cursor": 5}, ("body", "cursor")),
        ({}, {"include_total": "true"}, ("body", "include_total")),
        ({"include_total": "perhaps"}, {}, ("query", "include_total")),
    ],
)
def test_faults_say_where(query: dict[str, str], body: dict[str, Any], location: tuple[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        read_page(query, body)
    assert [fault.location for fault in caught.value.faults] == [location]


BINDING = ["ns", {"b": 1, "a": [Decimal("1.50"), None]}, "created_at"]


@given(st.lists(st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text()))
def test_a_cursor_leads_back_to_its_position(position: list[Any]) -> None:
    position = [value for value in position if not isinstance(value, str) or (value.isprintable() and value.isascii())]
    cursor = encode_cursor(BINDING, position)
    assert decode_cursor(cursor, ["ns", {"a": [Decimal("1.50"), None], "b": 1}, "created_at"]) == position
    assert cursor.replace("-", "").replace("_", "").replace(".", "").isalnum()


@pytest.mark.parametrize("other", [["ns2", *BINDING[1:]], [*BINDING[:2], "name"], BINDING[:2], None, "ns"])
def test_a_cursor_of_another_list_is_refused(other: Any) -> None:
    with pytest.raises(BadRequestError):
        decode_cursor(encode_cursor(BINDING, ["x"]), other)


@given(st.text())
def test_a_text_that_was_never_given_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError):
        decode_cursor(text, BINDING)


def test_a_changed_cursor_is_refused() -> None:
    cursor = encode_cursor(BINDING, ["x", 7])
    for place in range(len(cursor) - 1):  # the last character carries spare bits
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        with pytest.raises(BadRequestError):
            decode_cursor(changed, BINDING)


@pytest.mark.parametrize(
    ("page", "total", "cursor", "more", "expected"),
    [
        (Page(10, 20, 3, None, True), 45, "c", True, (3, 5, "?page=4&page_size=10", "?page=2&page_size=10", "c")),
        (Page(10, 0, None, None, False), None, "c", True, (1, None, "?page=2&page_size=10", None, "c")),
        (Page(10, 40, 5, None, True), 45, "c", False, (5, 5, None, "?page=4&page_size=10", None)),
        (Page(10, 3, None, None, True), 45, "c", True, (None, 5, None, None, "c")),
        (Page(10, 0, None, "b", True), 45, "c", True, (None, 5, None, None, "c")),
        (Page(10, 10000, 1001, None, False), None, "c", True, (1001, None, None, "?page=1000&page_size=10", "c")),
        (Page(10, 0, None, None, True), 0, None, False, (1, 0, None, None, None)),
    ],
)
def test_the_pagination_of_the_answer(page: Page, total: int | None, cursor: str | None, more: bool, expected: Any) -> None:
    answer = pagination(page, total, cursor, more)
    assert (answer["total"], answer["page_size"]) == (total, page.limit)
    names = ("page", "total_pages", "next_page", "previous_page", "next_cursor")
    assert tuple(answer[name] for name in names) == expected

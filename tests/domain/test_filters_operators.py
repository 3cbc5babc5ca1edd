"""Each operator against each kind of stored value, as the table of operators says it, and what the table can't say."""

# ruff: noqa: RUF001

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from documents.filters.operators import OPERATORS, Operator, as_markdown
from tests import cast
from tests.filters.evaluator import MISSING
from tests.filters.store import found, put, record

pytestmark = pytest.mark.django_db

operators = pytest.mark.parametrize("operator", OPERATORS.values(), ids=list(OPERATORS))


def selected(stored: list[Any], *filters: Any) -> list[list[Any]]:
    """Of some values of the field `x`, those whose documents each filter selects."""
    api = cast.api()
    collection = cast.collection(api)
    put(
        api.scope,
        [
            record(document_id=f"doc_{number}", collection_id=collection, payload={} if value is MISSING else {"x": value})
            for number, value in enumerate(stored)
        ],
    )
    return [[value for number, value in enumerate(stored) if f"doc_{number}" in ids] for ids in found(api.scope, list(filters))]


def x(operator: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"field": "x", "operator": operator, "value": value, **more}


@operators
def test_the_table_is_true(operator: Operator) -> None:
    stored = [*operator.holds, *operator.fails]
    [matched] = selected(stored, x(operator.name, operator.example))
    assert matched == list(operator.holds)


@operators
def test_missing_and_null(operator: Operator) -> None:
    [matched, negated] = selected(
        [MISSING, None], x(operator.name, operator.example), {"NOT": x(operator.name, operator.example)}
    )
    expected = [MISSING] * operator.missing + [None] * operator.null
    assert matched == expected
    assert negated == [value for value in (MISSING, None) if value not in expected]


@operators
def test_case_counts_where_asked(operator: Operator) -> None:
    folded, exact = selected(
        [*operator.holds, *operator.fails],
        x(operator.name, operator.example),
        x(operator.name, operator.example, case_sensitive=True),
    )
    assert (folded != exact) == operator.case.startswith("ignored")


def test_false_is_the_opposite_question() -> None:
    stored = [MISSING, None, 0, [], [None], [1, None], [[None]]]
    exists, not_null = selected(stored, x("exists", False), x("is_null", False))
    assert exists == [MISSING]
    assert not_null == [0, [], [None], [1, None], [[None]]]


def test_eq_and_ne_null() -> None:
    stored = [MISSING, None, 0, [], [None], [[None]]]
    null, not_null = selected(stored, x("eq", None), x("ne", None))
    assert null == [MISSING, None, [None]]
    assert not_null == [0, [], [[None]]]


def test_objects_and_arrays_are_compared_whole() -> None:
    stored: list[Any] = [
        {"a": 1},
        {"a": 1, "b": 2},
        {"A": 1},
        {"a": "X"},
        [1, "B"],
        [[1, "B"]],
        [1, "b"],
        [{"a": 1}],
        [[{"a": 1}]],
    ]
    of_object, of_array, listed, not_listed, inside = selected(
        stored,
        x("eq", {"a": 1}),
        x("eq", [1, "B"]),
        x("in", [{"a": "X"}, [1, "b"]]),
        x("nin", [{"a": 1}, 1]),
        x("contains", {"a": 1}),
    )
    assert of_object == [{"a": 1}, [{"a": 1}]]
    assert of_array == [[1, "B"], [[1, "B"]]]
    assert listed == [{"a": "X"}, [1, "b"]]
    assert not_listed == [{"a": 1, "b": 2}, {"A": 1}, {"a": "X"}, [[1, "B"]], [[{"a": 1}]]]
    assert inside == [[{"a": 1}], [[{"a": 1}]]]


def test_numbers_are_exact() -> None:
    stored = [
        2**64 + 1,
        2**64,
        Decimal("0.1000000000000000055"),
        Decimal("0.1"),
        Decimal("1e40"),
        10**40 + 1,
        1,
        Decimal("1.0"),
        "1",
    ]
    equal, greater, small, one, listed = selected(
        stored,
        x("eq", 2**64 + 1),
        x("gt", 10**40),
        x("lt", Decimal("0.1000000000000000055")),
        x("eq", 1),
        x("in", [10**40, 2**64]),
    )
    assert equal == [2**64 + 1]
    assert greater == [10**40 + 1]
    assert small == [Decimal("0.1")]
    assert one == [1, Decimal("1.0")]
    assert listed == [2**64, Decimal("1e40")]


def test_strings_compare_by_code_point() -> None:
    stored = ["Z", "a", "é", "z", "\ue000", "\U0001f600", ""]
    above, below, least = selected(stored, x("gt", "z"), x("lte", "a"), x("gte", ""))
    assert above == ["é", "\ue000", "\U0001f600"]
    assert below == ["Z", "a", ""]
    assert least == stored


def test_two_times_compare_as_times_and_others_as_strings() -> None:
    stored = ["2024-01-01T10:00:00Z", "2024-01-01T11:30:00+02:00", "2024-01-01 09:00", "2024-01-01", "2024-02-30", "2023", "x"]
    later, until, equal = selected(
        stored, x("gt", "2024-01-01T09:15:00Z"), x("lte", "2024-01-01T12:00:00+03:00"), x("eq", "2024-01-01T09:30:00Z")
    )
    assert later == ["2024-01-01T10:00:00Z", "2024-01-01T11:30:00+02:00", "2024-02-30", "x"]
    assert until == ["2024-01-01 09:00", "2024-01-01", "2023"]
    assert equal == []  # equality is of strings


def test_a_path_reaches_into_arrays() -> None:
    stored = [{"y": [{"z": 1}, {"z": 2}]}, {"y": {"z": 2}}, {"y": [[{"z": 2}]]}, [{"y": {"z": 2}}], {"y": [{"z": [2]}]}]
    every, first, negated = selected(
        stored,
        {"field": "x.y.z", "value": 2},
        {"field": "x.y.0.z", "value": 1},
        {"field": "x.y.z", "operator": "ne", "value": 2},
    )
    assert every == [stored[0], stored[1], stored[3], stored[4]]
    assert first == [stored[0]]
    assert negated == []


def test_folding_is_the_databases() -> None:
    stored = ["É", "é", "e\u0301", "İ", "i", "ΑΣ", "ας", "ασ", "ẞ", "ß", "SS"]
    accented, sigma, sharp = selected(stored, x("eq", "É"), x("eq", "ΑΣ"), x("in", ["ẞ"]))
    assert accented == ["É", "é"]
    assert sigma == ["ΑΣ", "ασ"]
    assert sharp == ["ẞ", "ß"]


def test_the_page_of_the_docs_has_the_table() -> None:
    page = Path(settings.BASE_DIR, "docs", "filters.md").read_text()
    assert as_markdown() in page, "put documents.filters.operators.as_markdown() into docs/filters.md"

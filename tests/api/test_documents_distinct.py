"""POST …/documents/distinct (contract section 7)."""

from typing import Any

import pytest

from namespaces.models import Permission
from tests import cast
from tests.api.places import Documents
from tests.api.statements import statements
from tests.cast import Response


def distinct(documents: Documents, field: str, **more: Any) -> Response:
    return documents.api.post(f"{documents.path}/distinct", {"field": field, **more})


def values(documents: Documents, field: str, **more: Any) -> list[tuple[Any, int]]:
    response = distinct(documents, field, **more)
    assert response.status_code == 200, response
    return [(each["value"], each["count"]) for each in response.json()["values"]]


def test_values_come_most_frequent_first_then_by_value(documents: Documents) -> None:
    for value in ("b", "a", "b", "c", "B"):
        documents.new({"metadata": {"brand": value}})
    assert values(documents, "metadata.brand") == [("b", 2), ("B", 1), ("a", 1), ("c", 1)]


def test_an_answer_says_what_was_asked(documents: Documents) -> None:
    documents.new({"a": 1})
    expected = {"field": "a", "values": [{"value": 1, "count": 1}], "total_distinct": 1, "query_info": {}}
    assert distinct(documents, "a").json() == expected


def test_null_and_missing_are_no_values(documents: Documents) -> None:
    for body in ({"a": None}, {}, {"b": 1}, {"a": False}):
        documents.new(body)
    assert values(documents, "a") == [(False, 1)]


def test_values_keep_their_types_and_digits(documents: Documents) -> None:
    for value in (2**64 + 1, "18446744073709551617", True, 1, [], [1, 2], {"x": 1}):
        documents.new({"a": value})
    found = [cast.compact(value) for value, _ in values(documents, "a")]
    expected = [[], "18446744073709551617", 1, 2**64 + 1, True, [1, 2], {"x": 1}]
    assert found == [cast.compact(value) for value in expected]


def test_equal_json_values_are_one(documents: Documents) -> None:
    for value in ("1", "1.0", "1.00", "1e0"):
        assert documents.api.call("POST", documents.path, f'{{"a": {value}}}').status_code == 200
    assert values(documents, "a") == [(1, 4)]


def test_an_array_is_one_value(documents: Documents) -> None:
    documents.new({"tags": ["x", "y"], "l": [{"n": 1}, {"n": 2}]})
    assert values(documents, "tags") == [(["x", "y"], 1)]
    assert values(documents, "tags.0") == [("x", 1)]
    assert values(documents, "l.n") == [([1, 2], 1)]


def test_system_and_lineage_fields_are_asked_like_any_other(documents: Documents) -> None:
    for number in range(3):
        documents.new({"source_object_id": f"obj_{number % 2}", "internal_metadata": {"ingestion_status": "DONE"}})
    assert values(documents, "root_object_id") == [("obj_0", 2), ("obj_1", 1)]
    assert values(documents, "collection_id") == [(documents.collection, 3)]
    assert values(documents, "_internal.metadata.ingestion_status") == [("DONE", 3)]
    ((value, _),) = values(documents, "created_at", limit=1)
    assert value.endswith("Z")


def test_filters_choose_the_documents(documents: Documents) -> None:
    for number in range(4):
        documents.new({"a": number, "b": number % 2})
    assert values(documents, "a", filters={"b": 1}) == [(1, 1), (3, 1)]


def test_a_limit_is_told(documents: Documents) -> None:
    for number in range(5):
        documents.new({"a": number})
    answer = distinct(documents, "a", limit=2).json()
    assert [each["value"] for each in answer["values"]] == [0, 1]
    assert answer["total_distinct"] == 2
    assert answer["query_info"] == {"truncated": True, "reason": "limit", "distinct_values": 5}


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, "field"),
        ({"field": None}, "field"),
        ({"field": 7}, "field"),
        ({"field": ""}, "field"),
        ({"field": "a..b"}, "field"),
        ({"field": "vectors"}, "field"),
        ({"field": "a", "limit": 0}, "limit"),
        ({"field": "a", "limit": 10**9}, "limit"),
        ({"field": "a", "limit": True}, "limit"),
        ({"field": "a", "limit": "ten"}, "limit"),
        ({"field": "a", "filters": 7}, "filters"),
        ({"field": "a", "sort": "a"}, "sort"),
        ({"field": "x" * 2000}, "field"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(documents: Documents, body: Any, fault: str) -> None:
    response = documents.api.post(f"{documents.path}/distinct", body)
    assert (response.status_code, response.faults) == (422, [f"body.{fault}"])


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a\\b", "a%sb", "a%%b", "$a", "a;--", "{a}", "a b", "😀", "1e", "-1", "01"])
def test_a_field_may_be_called_anything(documents: Documents, name: str) -> None:
    documents.new({name: "found"})
    documents.new({"m": {name: "below"}})
    assert values(documents, name) == [("found", 1)]
    assert values(documents, f"m.{name}") == [("below", 1)]


def test_it_needs_only_the_permission_to_read(documents: Documents) -> None:
    reader = documents.api.key(Permission.READ)
    assert reader.post(f"{documents.path}/distinct", {"field": "a"}).status_code == 200


def test_what_is_foreign_is_not_found(documents: Documents) -> None:
    documents.new({"a": 1})
    assert distinct(Documents(cast.api(), documents.collection), "a").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_it_is_one_statement(documents: Documents) -> None:
    distinct(documents, "a", filters={"a": 1})  # how large the collection is is known for some seconds
    with statements() as sent:
        distinct(documents, "root_object_id", filters={"a": 1})
    assert sent.counts == (1, 0, 0)

"""`PATCH …/documents/bulk`: one patch for all documents that match, or for the whole collection (contract section 7)."""

from typing import Any

import pytest

from namespaces.models import Permission
from tests import cast
from tests.api.places import Documents
from tests.api.statements import statements
from tests.cast import Response


def bulk(documents: Documents, body: Any, query: str = "") -> Response:
    return documents.api.patch(f"{documents.path}/bulk{query}", body)


def test_without_filters_the_whole_collection_is_patched(documents: Documents) -> None:
    made = [documents.new({"n": n, "metadata": {"kept": n}}) for n in range(3)]
    elsewhere = Documents(documents.api, cast.collection(documents.api))
    untouched = elsewhere.new()
    answer = bulk(documents, {"update_data": {"metadata.reviewed": True, "n": None}})
    assert answer.json() == {"updated_count": 3, "message": "Updated 3 documents.", "task_id": None, "status": "COMPLETED"}
    assert [documents.fields(name) for name in made] == [{"metadata": {"kept": n, "reviewed": True}} for n in range(3)]
    assert elsewhere.fields(untouched) == {}


def test_with_filters_those_that_match(documents: Documents) -> None:
    low, high = documents.new({"n": 1}), documents.new({"n": 2})
    answer = bulk(documents, {"filters": {"field": "n", "operator": "gt", "value": 1}, "update_data": {"hit": 1}})
    assert answer.json()["updated_count"] == 1
    assert (documents.fields(low), documents.fields(high)) == ({"n": 1}, {"n": 2, "hit": 1})


@pytest.mark.parametrize("filters", [None, {}, [], "x", 0, {"AND": []}, {"must": None}, {"must": {}}, {"case_sensitive": True}])
def test_filters_that_say_nothing_are_not_the_whole_collection(documents: Documents, filters: Any) -> None:
    made = documents.new()
    response = bulk(documents, {"filters": filters, "update_data": {"a": 1}})
    assert response.status_code == 422
    assert response.faults[0].startswith("body.filters")
    assert documents.fields(made) == {}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "body.update_data"),
        ({"update_data": None}, "body.update_data"),
        ({"update_data": {}}, "body.update_data"),
        ({"update_data": {"document_id": "x"}}, "body.update_data.document_id"),
        ({"update_data": {"root_object_id": "x"}}, "body.update_data"),
        ({"update_data": {"vectors": {"v": [1]}}}, "body.update_data"),
        ({"update_data": {"a": 1}, "filter": {"a": 1}}, "body.filter"),
    ],
)
def test_a_body_that_says_no_update_is_refused(documents: Documents, body: Any, place: str) -> None:
    made = documents.new()
    before = documents.get(made)
    response = bulk(documents, body)
    assert (response.status_code, response.faults) == (422, [place])
    assert documents.get(made) == before


def test_it_can_be_tried_and_bounded(documents: Documents) -> None:
    made = [documents.new() for _ in range(3)]
    tried = bulk(documents, {"update_data": {"a": 1}}, "?dry_run=true").json()
    assert tried["updated_count"] == 3
    assert tried["message"] == "Dry run: 3 documents would be updated; nothing was written."
    for query in ("?max_affected=2", "?dry_run=1&max_affected=2"):
        assert bulk(documents, {"update_data": {"a": 1}}, query).status_code == 409
    assert [documents.fields(name) for name in made] == [{}] * 3
    assert bulk(documents, {"update_data": {"a": 1}}, "?max_affected=3").json()["updated_count"] == 3


def test_it_needs_the_permission_to_write(documents: Documents) -> None:
    for permission, status in ((Permission.READ, 403), (Permission.WRITE, 200)):
        limited = Documents(documents.api.key(permission), documents.collection)
        assert bulk(limited, {"update_data": {"a": 1}}).status_code == status


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_an_unknown_collection_is_not_found(documents: Documents, query: str) -> None:
    foreign_api = cast.api()
    for collection in ("col_unknown", cast.collection(foreign_api)):
        assert bulk(Documents(documents.api, collection), {"update_data": {"a": 1}}, query).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_it_is_one_statement_in_a_transaction(documents: Documents) -> None:
    for _ in range(5):
        documents.new()
    with statements() as sent:
        assert bulk(documents, {"update_data": {"a": 1}}).json()["updated_count"] == 5
    # How long it may take is the other one.
    assert sent.counts == (2, 0, 2)

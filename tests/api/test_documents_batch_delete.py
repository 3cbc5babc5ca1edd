"""`DELETE …/documents/batch`: named documents, or all that filters match (contract section 7)."""

from typing import Any

import pytest

from documents.counting import collection_count_sql
from documents.models import Feature, LineageStep
from mixpeek_site import sql
from namespaces.models import Permission
from tests import cast
from tests.api.places import Documents
from tests.api.statements import statements
from tests.cast import Response

committed = pytest.mark.django_db(transaction=True)

IS_NEW = {"field": "status", "operator": "eq", "value": "new"}


def delete(documents: Documents, body: Any, query: str = "") -> Response:
    return documents.api.delete(f"{documents.path}/batch{query}", body)


def there(documents: Documents) -> int:
    """How many documents the collection has, and that its count says so."""
    listed = len(documents.list({"limit": 1000}).json()["results"])
    row = sql.one(
        f"SELECT {collection_count_sql('c')} FROM (SELECT namespace_id, id AS collection_id FROM namespaces_collection"
        " WHERE public_id = %s) c",
        (documents.collection,),
    )
    assert row == (listed,)
    return listed


def test_named_documents_go_and_each_is_reported(documents: Documents) -> None:
    first, second, kept = (
        documents.new(),
        documents.new({"features": [{"feature_extractor_id": "e"}], "source_object_id": "o"}),
        documents.new(),
    )
    elsewhere = Documents(documents.api, cast.collection(documents.api))
    foreign_api = cast.api()
    foreign = Documents(foreign_api, cast.collection(foreign_api))
    others = [elsewhere.new(), foreign.new()]
    answer = delete(documents, {"document_ids": [second, others[0], others[1], "doc_missing", "a b", first, second]}).json()
    assert answer["deleted_count"] == 2
    assert answer["failed_count"] == 4
    assert [(result["document_id"], result["success"]) for result in answer["results"]] == [
        (second, True),
        (others[0], False),
        (others[1], False),
        ("doc_missing", False),
        ("a b", False),
        (first, True),
    ]
    assert answer["results"][1]["error"] == f"Document {others[0]} was not found in collection {documents.collection}."
    assert (answer["message"], answer["task_id"], answer["status"]) == ("Deleted 2 of 6.", None, None)
    assert documents.get(kept)
    assert (there(documents), there(elsewhere), there(foreign)) == (1, 1, 1)
    assert not Feature.objects.exists()
    assert not LineageStep.objects.exists()


def test_children_stay_as_they_are(documents: Documents) -> None:
    parent = documents.new({"source_object_id": "obj_1", "root_bucket_id": "b"})
    child = documents.new({"source_document_id": parent})
    before = documents.get(child)
    assert delete(documents, {"document_ids": [parent]}).json()["deleted_count"] == 1
    assert documents.get(child) == before


def test_all_that_match_go(documents: Documents) -> None:
    for status in ("new", "NEW", "old", None):
        documents.new({"status": status})
    elsewhere = Documents(documents.api, cast.collection(documents.api))
    elsewhere.new({"status": "new"})
    assert delete(documents, {"filters": IS_NEW, "reason": "x" * 500}).json() == {
        "deleted_count": 2,
        "failed_count": 0,
        "results": [],
        "message": "Deleted 2 documents.",
        "task_id": None,
        "status": "COMPLETED",
    }
    assert (there(documents), there(elsewhere)) == (2, 1)
    assert delete(documents, {"filters": IS_NEW}).json()["deleted_count"] == 0


def test_lineage_is_asked_about_as_in_lists(documents: Documents) -> None:
    parent = documents.new({"source_object_id": "obj_1"})
    documents.new({"source_document_id": parent})
    documents.new()
    assert delete(documents, {"filters": {"source_document_id": parent}}).json()["deleted_count"] == 1
    assert there(documents) == 2


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "body"),
        (None, "body"),
        ({"document_ids": None}, "body"),
        ({"document_ids": []}, "body.document_ids"),
        ({"document_ids": ["x"] * 1001}, "body.document_ids"),
        ({"document_ids": "x"}, "body.document_ids"),
        ({"document_ids": ["x", 1]}, "body.document_ids.1"),
        ({"document_ids": ["x"], "filters": IS_NEW}, "body.filters"),
        ({"filters": None}, "body.filters"),
        ({"filters": {}}, "body.filters"),
        ({"filters": {"OR": []}}, "body.filters.OR"),
        ({"filters": {"must": None}}, "body.filters.must"),
        ({"filters": {"field": "a", "operator": "is", "value": 1}}, "body.filters.operator"),
        ({"document_ids": ["x"], "reason": 1}, "body.reason"),
        ({"document_ids": ["x"], "reason": "x" * 501}, "body.reason"),
        ({"ids": ["x"]}, "body.ids"),
    ],
)
def test_what_does_not_say_which_documents_deletes_none(documents: Documents, body: Any, place: str) -> None:
    documents.new({"document_id": "x", "status": "new"})
    response = delete(documents, body)
    assert (response.status_code, response.faults) == (422, [place])
    assert there(documents) == 1


@pytest.mark.parametrize("body", [{"document_ids": ["x", "y", "doc_missing"]}, {"filters": IS_NEW}])
def test_a_dry_run_deletes_none(documents: Documents, body: Any) -> None:
    for name in ("x", "y"):
        documents.new({"document_id": name, "status": "new"})
    answer = delete(documents, body, "?dry_run=true").json()
    assert answer["deleted_count"] == 2
    assert answer["message"].startswith("Dry run: 2 ")
    assert there(documents) == 2
    done = delete(documents, body).json()
    assert {**done, "message": ""} == {**answer, "message": ""}
    assert there(documents) == 0


@pytest.mark.parametrize("body", [{"document_ids": ["x", "y", "doc_missing"]}, {"filters": IS_NEW}])
@pytest.mark.parametrize("query", ["?max_affected=1", "?max_affected=0", "?max_affected=1&dry_run=true"])
def test_no_more_are_deleted_than_allowed(documents: Documents, body: Any, query: str) -> None:
    for name in ("x", "y"):
        documents.new({"document_id": name, "status": "new"})
    response = delete(documents, body, query)
    assert (response.status_code, response.error) == (409, "ConflictError")
    assert there(documents) == 2
    assert delete(documents, body, "?max_affected=2").json()["deleted_count"] == 2


def test_it_needs_the_permission_to_delete(documents: Documents) -> None:
    for body in ({"document_ids": [documents.new()]}, {"filters": IS_NEW}):
        writer = Documents(documents.api.key(Permission.WRITE), documents.collection)
        assert delete(writer, body).status_code == 403
        deleter = Documents(documents.api.key(Permission.DELETE), documents.collection)
        assert delete(deleter, body).status_code == 200


@pytest.mark.parametrize("body", [{"document_ids": ["x"]}, {"filters": IS_NEW}])
@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_an_unknown_collection_is_not_found(documents: Documents, body: Any, query: str) -> None:
    foreign_api = cast.api()
    for collection in ("col_unknown", cast.collection(foreign_api)):
        assert delete(Documents(documents.api, collection), body, query).status_code == 404


@committed
def test_the_statements_do_not_grow_with_the_documents(documents: Documents) -> None:
    names = [documents.new({"status": "new" if n < 10 else "old"}) for n in range(30)]
    documents.list()
    for named in (names[10:12], names[12:]):
        with statements() as sent:
            assert delete(documents, {"document_ids": [*named, "doc_missing"]}).json()["deleted_count"] == len(named)
        assert sent.counts == (1, 0, 0)
    delete(documents, {"filters": IS_NEW}, "?dry_run=true")  # how large the collection is, is remembered
    with statements() as sent:
        assert delete(documents, {"filters": IS_NEW}).json()["deleted_count"] == 10
    assert sent.counts == (2, 0, 2)

"""What each route costs in statements; BEGIN, COMMIT and locks are counted apart (data, locks, transaction)."""

from typing import Any

import pytest
from django.db import connection, transaction

from documents.features import extension
from mixpeek_site import sql
from namespaces import credentials
from namespaces.models import Permission
from tests import cast
from tests.api.places import JSON_PATCH, Documents
from tests.api.statements import statements

pytestmark = pytest.mark.django_db(transaction=True)

ONE = (1, 0, 0)


@pytest.fixture(autouse=True)
def _key_is_known(documents: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "CACHE_SECONDS", 600)
    documents.list()


@pytest.fixture
def parent(documents: Documents) -> str:
    return documents.new({"source_object_id": "obj_1", "root_bucket_id": "bkt_1"})


def cost(call: Any, *arguments: Any, **headers: Any) -> tuple[int, int, int]:
    with statements() as sent:
        response = call(*arguments, **headers)
    assert response.status_code == 200, response
    return sent.counts


def test_the_trace_sees_every_statement(documents: Documents) -> None:
    with statements() as sent, transaction.atomic():
        for _ in range(2):
            sql.run("SELECT %s::text", ("x",))
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    assert sent.data == ["SELECT $1::text", "SELECT $1::text", "SELECT 1"]
    assert sent.transaction == ["BEGIN", "COMMIT"]


@pytest.mark.parametrize("query", ["", "?schema_version=v1", "?return_url=true", "?return_vectors=true"])
def test_a_get_is_one_statement(documents: Documents, parent: str, query: str) -> None:
    for url in (documents.url(parent, query), f"/v1/documents/{parent}{query}"):
        assert cost(documents.api.get, url) == ONE


def test_a_download_and_signed_urls_are_one_statement(documents: Documents) -> None:
    blobs = [{"field": "a", "url": f"local://{documents.api.scope.organization_public_id}/{documents.api.namespace}/00/1/a"}]
    made = documents.new({"document_blobs": blobs})
    assert cost(documents.api.get, documents.url(made, "/download"), Accept="application/json") == ONE
    assert cost(documents.list, {"return_url": True}) == ONE


def test_an_object_costs_more_statements_only_where_it_has_bytes(documents: Documents) -> None:
    path = f"/v1/buckets/{cast.bucket(documents.api)}/objects"
    blob = {"property": "x", "type": "image"}
    assert cost(documents.api.post, path, {"blobs": [{**blob, "data": "https://host/a"}]}) == (3, 0, 2)
    assert cost(documents.api.post, path, {"blobs": [{**blob, "data": {"base64": "aGk="}}] * 3}) == (6, 0, 2)


def test_a_list_and_a_lineage_are_one_statement(documents: Documents, parent: str) -> None:
    assert cost(documents.list, {"include_total": True}) == ONE
    assert cost(documents.api.get, documents.url(parent, "/lineage")) == ONE


def test_a_tree_in_numbers_and_an_impact_are_one_statement(documents: Documents, parent: str) -> None:
    for _ in range(3):
        documents.new({"source_document_id": documents.new({"source_document_id": parent})})
    for path in (
        *("objects/obj_1/decomposition-tree", "objects/obj_1/decomposition-tree?include_document_ids=true"),
        *("objects/obj_1/impact", f"documents/{parent}/impact"),
    ):
        assert cost(documents.api.get, f"/v1/{path}") == ONE, path


@pytest.mark.parametrize("body", [{"a": 1}, {"internal_metadata": {"a": 1}, "document_blobs": []}, {"content_hash": "x"}])
def test_a_put_and_a_patch_are_one_statement(documents: Documents, parent: str, body: Any) -> None:
    for url in (documents.url(parent), f"/v1/documents/{parent}"):
        assert cost(documents.api.put, url, body) == ONE
        assert cost(documents.api.patch, url, body) == ONE
        assert cost(documents.api.patch, url, {**body, "collection_id": documents.collection}) in (ONE, (2, 0, 0))


def test_a_status_of_a_document_with_lineage_costs_no_statement_more(documents: Documents, parent: str) -> None:
    status = {"internal_metadata": {"ingestion_status": "DONE"}}
    assert cost(documents.patch, parent, status) == ONE
    assert cost(documents.put, parent, {**status, "a": 1}) == ONE


def test_with_lineage_named_they_are_two(documents: Documents, parent: str) -> None:
    child = documents.new({"source_document_id": parent})
    read = documents.get(child)
    assert cost(documents.put, child, read) == (2, 0, 2)
    assert cost(documents.patch, child, {"source_document_id": parent}) == (2, 0, 2)


def test_a_json_patch_reads_before_it_writes(documents: Documents, parent: str) -> None:
    assert cost(documents.patch, parent, [], content_type=JSON_PATCH) == (2, 0, 2)


def test_a_create_is_one_statement(documents: Documents) -> None:
    assert cost(documents.post, {"a": 1}) == ONE
    assert cost(documents.post, {"source_object_id": "obj_1", "document_blobs": []}) == ONE


def test_a_create_with_a_chosen_id_is_one_beyond_its_lock(documents: Documents) -> None:
    assert cost(documents.post, {"document_id": "doc_1"}) == (1, 1, 2)


def test_a_create_below_a_parent_is_two_beyond_its_locks(documents: Documents, parent: str) -> None:
    assert cost(documents.post, {"source_document_id": parent}) == (2, 1, 2)
    assert cost(documents.post, {"source_document_id": "doc_nowhere"}) == (2, 1, 2)


@pytest.mark.pgvector
def test_vectors_are_two_statements_more_the_check_of_their_dimensions_and_the_write(documents: Documents, parent: str) -> None:
    assert extension.available()  # asked once by each process
    assert cost(documents.post, {"vectors": {"a": [1], "b": [2]}}) == (3, 0, 2)
    assert cost(documents.patch, parent, {"vectors": {"a": [1], "b": [2]}}) == (3, 0, 2)


def test_a_move_is_six_statements_whatever_hangs_below(documents: Documents, parent: str) -> None:
    other = documents.new({"source_object_id": "obj_2"})
    child = documents.new({"source_document_id": parent})
    for _ in range(3):
        documents.new({"source_document_id": child})
    # What is stored, before and under the locks; the time it may take; the document; its step; the subtree. Two transactions.
    assert cost(documents.patch, child, {"source_document_id": other}) == (6, 1, 4)


@pytest.mark.parametrize(("mode", "expected"), [("detach", ONE), ("restrict", (3, 1, 2)), ("cascade", (2, 1, 2))])
def test_a_delete_costs_the_same_whatever_hangs_below(documents: Documents, mode: str, expected: Any) -> None:
    made = documents.new()
    if mode != "restrict":
        for _ in range(3):
            documents.new({"source_document_id": made})
    assert cost(documents.delete, made, f"?on_children={mode}") == expected


def test_a_304_and_a_412_are_one_statement(documents: Documents, parent: str) -> None:
    tag = documents.api.get(documents.url(parent)).headers["ETag"]
    with statements() as sent:
        assert documents.api.get(documents.url(parent), If_None_Match=tag).status_code == 304
        assert documents.patch(parent, {}, If_Match='"1"').status_code == 412
    assert sent.counts == (2, 0, 0)


def test_a_key_is_looked_up_once_for_many_requests(documents: Documents) -> None:
    key = documents.api.key(Permission.READ)
    with statements() as sent:
        for _ in range(3):
            key.get(documents.path)
    assert sent.counts == (4, 0, 0)


@pytest.mark.pgvector
def test_a_search_is_one_statement_and_what_it_has_to_look_up_another(documents: Documents) -> None:
    """What is remembered of collections and their sizes is known."""
    for name, vector in (("a", [1, 0]), ("b", [0, 1])):
        documents.create({"document_id": name, "text": name, "vectors": {"way": vector}})
    near: dict[str, Any] = {"vector": [1, 0], "vector_name": "way"}
    bodies: list[tuple[dict[str, Any], int]] = [
        (near, 1),
        ({**near, "filters": {"text": "a"}, "score_threshold": 0, "include_total": True, "return_vectors": True}, 1),
        ({**near, "text": "a or b"}, 1),
        ({"text": "a or b"}, 1),
        ({**near, "group_by": "text"}, 1),
        ({"vector": [1, 0]}, 2),
        ({"like": "a", "vector_name": "way"}, 2),
    ]
    for body, expected in bodies:
        path = f"{documents.path}/search"
        assert documents.api.post(path, body).status_code == 200
        assert cost(documents.api.post, path, body) == (expected, 0, 0), body
    across: dict[str, Any] = {
        "query": {"vector": [1, 0]},
        "feature_uri": "x://way",
        "collection_identifiers": [documents.collection],
    }
    assert documents.api.post("/v1/features/search", across).status_code == 200
    assert cost(documents.api.post, "/v1/features/search", across) == (2, 0, 0)

"""A PostgreSQL without pgvector: everything works but writing vectors, which says what to do."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.api.places import Documents
from tests.cast import Api, Response

pytestmark = pytest.mark.no_pgvector

VECTORS = [[0.5, 1], [[1, 2]], {"indices": [1], "values": [0.5]}]


def refused(response: Response) -> None:
    assert (response.status_code, response.error) == (503, "ServiceUnavailableError")
    error = response.json()["error"]
    assert error["details"]["extension"] == "vector"
    assert "pgvector" in error["message"]
    assert "manage.py migrate" in error["message"]
    assert response.headers["Retry-After"]


@pytest.mark.parametrize("vector", VECTORS)
def test_a_create_with_a_vector_is_503_and_stores_nothing(documents: Documents, vector: Any) -> None:
    refused(documents.post({"document_id": "a", "vectors": {"v": vector}}))
    assert documents.api.get("/v1/documents/a").status_code == 404


def test_so_are_replacements_patches_and_batches_and_nothing_changes(documents: Documents) -> None:
    made = documents.create({"document_id": "a", "title": "old"})
    new = {"title": "new", "vectors": {"v": [1]}}
    refused(documents.put("a", new))
    refused(documents.patch("a", new))
    refused(documents.api.post(f"{documents.path}/batch", {"updates": [{"document_id": "a", "update_data": new}]}))
    upsert = f"/v1/namespaces/{documents.api.namespace}/documents/upsert"
    refused(documents.api.post(upsert, {"documents": [{"document_id": "a", "vectors": {"v": [1]}}]}))
    assert documents.get("a") == made


def test_features_without_vectors_and_upserts_without_any_are_stored(documents: Documents) -> None:
    documents.create({"document_id": "a", "features": [{"feature_extractor_id": "e", "payload": {"a": 1}}]})
    upsert = f"/v1/namespaces/{documents.api.namespace}/documents/upsert"
    answer = documents.api.post(upsert, {"documents": [{"document_id": "a", "vectors": {}, "payload": {"n": 1}}]}).json()
    assert answer["results"] == [{"document_id": "a", "status": "updated", "error": None}]


def test_reads_that_ask_for_vectors_work(documents: Documents) -> None:
    documents.create({"document_id": "a"})
    assert documents.get("a", "?return_vectors=true")["vectors"] == {}
    assert documents.get("a", "?return_vector_names=true")["_vectors"] == []
    assert documents.list({"return_vectors": True}).json()["results"][0]["vectors"] == {}


def test_health_says_so(api: Api) -> None:
    answer = api.get("/v1/health").json()
    assert (answer["status"], answer["data"]["vector_store"], answer["data"]["metadata"]) == ("DEGRADED", False, True)
    assert "pgvector" in answer["errors"]["vector_store"]


def test_an_import_with_vectors_ends_with_the_reason(api: Api, collection: str, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(
        "".join(json.dumps(one) + "\n" for one in ({"document_id": "a"}, {"document_id": "b", "vectors": {"v": [1]}}))
    )
    place = ("--namespace", str(api.namespace), "--collection", collection)
    with pytest.raises(CommandError, match="pgvector"):
        call_command("import_documents", str(file), *place, stderr=StringIO(), stdout=StringIO())
    assert api.get("/v1/documents/a").status_code == 404


def test_searches_by_vector_are_503_and_those_by_words_work(documents: Documents) -> None:
    documents.create({"document_id": "a", "text": "red"})
    for body in ({"vector": [1, 0], "vector_name": "v"}, {"like": "a", "vector_name": "v"}, {"vector": [1], "text": "red"}):
        refused(documents.api.post(f"{documents.path}/search", body))
    refused(documents.api.post("/v1/features/search", {"query": {"vector": [1, 0]}}))
    assert documents.api.post(f"{documents.path}/search", {"vector": ["x"]}).status_code == 422
    found = documents.api.post(f"{documents.path}/search", {"text": "red"}).json()["results"]
    assert [each["document_id"] for each in found] == ["a"]

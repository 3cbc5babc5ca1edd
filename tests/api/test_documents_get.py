"""GET /v1/collections/{collection}/documents/{id} and its twin /v1/documents/{id}."""

import pytest

from tests import cast
from tests.api.places import Documents
from tests.cast import Api


def test_a_document_is_read_through_its_collection_or_without_it(api: Api, documents: Documents) -> None:
    made = documents.create({"title": "x"})
    assert documents.get(made["document_id"]) == made
    assert api.get(f"/v1/documents/{made['document_id']}").json() == made


def test_the_collection_may_be_named(api: Api) -> None:
    made = Documents(api, cast.collection(api, "frames")).create()
    assert api.get(f"/v1/collections/frames/documents/{made['document_id']}").json() == made


def test_a_document_of_another_collection_is_not_found(api: Api, documents: Documents) -> None:
    made = documents.new()
    response = Documents(api, cast.collection(api)).api.get(f"/v1/collections/{cast.collection(api)}/documents/{made}")
    assert response.status_code == 404
    assert response.json()["error"]["details"] == {"resource": "document", "id": made}


@pytest.mark.parametrize("unknown", ["doc_nowhere", "upsert", "%00", "é", "a%20b", "x" * 5000, "%F0%9F%98%80", "%FF"])
def test_an_unknown_document_is_not_found(api: Api, documents: Documents, unknown: str) -> None:
    for url in (documents.url(unknown), f"/v1/documents/{unknown}", documents.url(unknown, "/lineage")):
        response = api.get(url)
        assert (response.status_code, response.error) == (404, "NotFoundError")


def test_an_unknown_parameter_is_refused_and_the_known_ones_are_named(documents: Documents) -> None:
    response = documents.api.get(documents.url(documents.new(), "?retrun_url=true"))
    assert (response.status_code, response.faults) == (422, ["query.retrun_url"])
    assert "return_url" in response.json()["error"]["message"]


@pytest.mark.parametrize("query", ["schema_version=v3", "return_url=maybe", "return_vectors=2"])
def test_a_parameter_of_a_wrong_value_is_refused(documents: Documents, query: str) -> None:
    response = documents.api.get(documents.url(documents.new(), f"?{query}"))
    assert (response.status_code, response.faults) == (422, [f"query.{query.partition('=')[0]}"])


def test_documents_of_a_deleted_collection_are_gone_at_once(api: Api, documents: Documents) -> None:
    from namespaces.models import Collection

    made = documents.new()
    Collection.objects.filter(public_id=documents.collection).update(deleted_at="2026-01-01T00:00:00Z")
    for response in (api.get(documents.url(made)), api.get(f"/v1/documents/{made}"), api.put(f"/v1/documents/{made}", {})):
        assert response.status_code == 404

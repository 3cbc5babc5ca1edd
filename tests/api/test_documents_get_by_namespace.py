"""GET /v1/namespaces/{namespace}/documents/{document_id}"""

import pytest

from tests import cast
from tests.api.places import Documents
from tests.cast import Api


def test_it_is_the_document_of_any_collection(api: Api, documents: Documents) -> None:
    documents.create({"document_id": "a", "title": "A"})
    path = f"/v1/namespaces/{api.namespace}/documents/a"
    response = api.get(path)
    assert response.json() == documents.get("a")
    assert api.get(path, If_None_Match=response.headers["ETag"]).status_code == 304
    assert api.get(path + "?schema_version=v2").json() == documents.get("a", "?schema_version=v2")


@pytest.mark.pgvector
def test_vectors_are_shown_when_asked(api: Api, documents: Documents) -> None:
    documents.create({"document_id": "a", "vectors": {"v": [0.5]}})
    path = f"/v1/namespaces/{api.namespace}/documents/a"
    assert "vectors" not in api.get(path).json()
    assert api.get(path + "?return_vectors=true").json()["vectors"] == {"v": [0.5]}


def test_unknown_documents_namespaces_and_parameters(api: Api, documents: Documents) -> None:
    documents.create({"document_id": "a"})
    assert api.get(f"/v1/namespaces/{api.namespace}/documents/b").error == "NotFoundError"
    assert api.get(f"/v1/namespaces/{cast.api().namespace}/documents/a").error == "NotFoundError"
    assert api.get(f"/v1/namespaces/{api.namespace}/documents/a?x=1").status_code == 422
    assert api.post(f"/v1/namespaces/{api.namespace}/documents/a", {}).status_code == 405

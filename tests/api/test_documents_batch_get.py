"""`POST /v1/documents/batch-get`: documents by their ids, from anywhere in the namespace (contract section 7)."""

import random
import string
from typing import Any

import pytest

from namespaces.models import Permission
from tests import cast
from tests.api.places import Documents
from tests.api.statements import statements
from tests.cast import Api, Response

PATH = "/v1/documents/batch-get"
HTTP = {"field": "f", "url": "https://example.org/x"}


def get(api: Api, *document_ids: str, query: str = "", **more: Any) -> Response:
    return api.post(PATH + query, {"document_ids": list(document_ids), **more})


def found(response: Response) -> list[str]:
    assert response.status_code == 200, response
    return [document["document_id"] for document in response.json()["documents"]]


def test_they_come_in_the_order_of_the_ids_each_once(documents: Documents) -> None:
    elsewhere = Documents(documents.api, cast.collection(documents.api))
    names = [documents.new({"n": 1}), elsewhere.new({"source_object_id": "o"}), documents.new()]
    asked = [names[2], "doc_missing", names[0], names[1], names[2], "doc_missing", "a b", ""]
    response = get(documents.api, *asked, return_presigned_urls=False)
    assert found(response) == [names[2], names[0], names[1]]
    assert response.json()["not_found"] == ["doc_missing", "a b", ""]
    assert response.json()["documents"] == [documents.get(names[2]), documents.get(names[0]), elsewhere.get(names[1])]


def test_what_is_foreign_or_deleted_is_not_found(documents: Documents) -> None:
    foreign_api = cast.api()
    foreign = Documents(foreign_api, cast.collection(foreign_api)).new()
    gone = Documents(documents.api, cast.collection(documents.api))
    hidden = gone.new()
    assert documents.api.delete(f"/v1/collections/{gone.collection}").status_code == 200
    response = get(documents.api, foreign, hidden)
    assert response.json() == {"documents": [], "not_found": [foreign, hidden]}
    assert get(Api(documents.api.token, foreign_api.namespace), foreign).status_code == 404


def test_urls_are_signed_unless_told_not_to(documents: Documents) -> None:
    made = documents.new({"document_blobs": [HTTP]})

    def signed(query: str = "", **more: Any) -> bool:
        [document] = get(documents.api, made, query=query, **more).json()["documents"]
        return "presigned_url" in document["document_blobs"][0]

    assert signed()
    assert signed(return_presigned_urls=None)
    assert signed("?schema_version=v2")
    assert not signed(return_presigned_urls=False)
    assert not signed("?return_presigned_urls=false")
    assert not signed(return_url=False)
    assert signed("?return_urls=false", return_urls=True)
    assert signed(return_url=False, return_urls=True)


@pytest.mark.pgvector
def test_they_are_shown_as_asked(documents: Documents) -> None:
    made = documents.new({"vectors": {"a": [1], "b": [2]}, "document_schema_version": "v1"})

    def shown(query: str = "", **more: Any) -> Any:
        return get(documents.api, made, query=query, **more).json()["documents"][0]

    assert "vectors" not in shown()
    assert shown(return_vectors=True)["vectors"] == {"a": [1], "b": [2]}
    assert shown("?return_vectors=true")["vectors"] == {"a": [1], "b": [2]}
    assert shown(return_vector_names=["b"])["vectors"] == {"b": [2]}
    assert shown(return_vector_names=True)["_vectors"] == ["a", "b"]
    assert "_internal" not in shown()
    assert "_internal" in shown(schema_version="native")
    assert "_internal" in shown("?schema_version=native")


@pytest.mark.parametrize(
    ("body", "query", "place"),
    [
        ({}, "", "body.document_ids"),
        (None, "", "body.document_ids"),
        ({"document_ids": []}, "", "body.document_ids"),
        ({"document_ids": ["x"] * 1001}, "", "body.document_ids"),
        ({"document_ids": "x"}, "", "body.document_ids"),
        ({"document_ids": [None]}, "", "body.document_ids.0"),
        ({"document_ids": ["x"], "ids": []}, "", "body.ids"),
        ({"document_ids": ["x"], "return_vectors": "yes"}, "", "body.return_vectors"),
        ({"document_ids": ["x"], "schema_version": True}, "", "body.schema_version"),
        ({"document_ids": ["x"], "schema_version": "v3"}, "", "body.schema_version"),
        ({"document_ids": ["x"]}, "?schema_version=v3", "query.schema_version"),
        ({"document_ids": ["x"]}, "?return_urls=maybe", "query.return_urls"),
        ({"document_ids": ["x"]}, "?limit=1", "query.limit"),
    ],
)
def test_what_is_malformed_is_refused(api: Api, body: Any, query: str, place: str) -> None:
    response = api.post(PATH + query, body)
    assert (response.status_code, response.faults) == (422, [place])


def test_it_needs_no_more_than_the_permission_to_read(documents: Documents) -> None:
    assert found(get(documents.api.key(Permission.READ), made := documents.new())) == [made]


def noise(size: int) -> str:
    return "".join(random.Random(size).choices(string.ascii_letters + string.digits, k=size))


def test_large_ones_come_like_others(documents: Documents) -> None:
    names = [documents.new({"text": noise(2_500_000)}) for _ in range(4)]
    names += [documents.new()]
    assert found(get(documents.api, *names)) == names


def test_there_is_a_limit_to_what_comes_at_once(documents: Documents, settings: Any) -> None:
    settings.MAX_ANSWER_BYTES = 100_000
    names = [documents.new({"text": "x" * 40_000}) for _ in range(3)]
    assert found(get(documents.api, *names[:2])) == names[:2]
    response = get(documents.api, *names)
    assert (response.status_code, response.faults) == (422, ["body.document_ids"])
    assert "100000 bytes" in response.json()["error"]["message"]


@pytest.mark.django_db(transaction=True)
def test_it_is_one_statement(documents: Documents) -> None:
    names = [documents.new({"n": n}) for n in range(30)]
    documents.list()
    for asked in (names[:1], names, ["doc_missing"]):
        for vectors in (False, True):
            with statements() as sent:
                assert get(documents.api, *asked, return_vectors=vectors).status_code == 200
            assert sent.counts == (1, 0, 0)

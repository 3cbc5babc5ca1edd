"""POST /v1/namespaces/{namespace}/documents/upsert"""

from typing import Any

import pytest

from tests import cast
from tests.api.places import Documents
from tests.api.statements import statements
from tests.cast import Api, Response

pytestmark = pytest.mark.pgvector


@pytest.fixture
def path(api: Api, collection: str) -> str:
    return f"/v1/namespaces/{api.namespace}/documents/upsert"


def point(name: str, *numbers: float, **more: Any) -> dict[str, Any]:
    return {"document_id": name, "vectors": {"v": list(numbers) or [1, 2]}, **more}


def upsert(api: Api, path: str, *documents: Any, **more: Any) -> Any:
    response = api.post(path, {"documents": list(documents), **more})
    assert response.status_code == 200, response
    return response.json()


def statuses(answer: Any) -> list[str]:
    return [each["status"] for each in answer["results"]]


def test_new_documents_are_created_with_their_vectors(api: Api, path: str, documents: Documents) -> None:
    vectors = {"dense": [0.5, -1], "sparse": {"indices": [3, 9], "values": [1, 2]}, "multi": [[1, 2], [3, 4]]}
    body = {"document_id": "a", "vectors": vectors, "payload": {"title": "A", "n": 2**64 + 1}, "metadata": {"x": None}}
    answer = upsert(api, path, body | {"content_hash": "h", "source_object_id": "obj"}, collection_id=documents.collection)
    assert (answer["inserted"], answer["document_ids"], statuses(answer)) == (1, ["a"], ["created"])
    assert [answer[name] for name in ("dropped_payload_fields", "unsearchable_document_ids", "warnings")] == [None] * 3
    found = documents.get("a", "?return_vectors=true")
    assert found["vectors"] == vectors
    assert documents.fields("a") == {"title": "A", "n": 2**64 + 1, "metadata": {"x": None}}
    assert found["_internal"]["content_hash"] == "h"
    assert found["_internal"]["lineage"]["root_object_id"] == "obj"


def test_a_document_that_is_there_is_replaced_with_all_its_vectors(api: Api, path: str, documents: Documents) -> None:
    blobs = [{"field": "video", "url": "https://x/y"}]
    old = {"features": [{"feature_extractor_id": "e", "payload": {"a": 1}, "vectors": {"gone": [1], "v": [9, 9]}}]}
    documents.create({"document_id": "a", "title": "old", "left": 1, "document_blobs": blobs, **old})
    before = documents.get("a")["_internal"]
    answer = upsert(api, path, point("a", 0.5, payload={"title": "new"}), point("b"))
    assert (answer["inserted"], statuses(answer)) == (2, ["updated", "created"])
    found = documents.get("a", "?return_vectors=true")
    assert (found["vectors"], documents.fields("a")) == ({"v": [0.5]}, {"title": "new"})
    assert found["document_blobs"] == blobs
    assert found["_internal"]["updated_at"] > before["updated_at"]
    assert found["_internal"]["created_at"] == before["created_at"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (point("w") | {"vectors": {"v": [1, "x"]}}, "vectors.v"),
        (point("w") | {"vectors": {"v": [1e39]}}, "beyond float32"),
        (point("a b"), "document_id"),
        ({"document_id": "w"}, "vectors"),
        ({"vectors": {"v": [1]}}, "document_id"),
        (point("w", payload=[1]), "payload"),
        (point("w", metadata={"a": 1}, payload={"metadata": {"a": 2}}), "payload.metadata"),
        (point("w", source_type="elsewhere"), "source_type"),
        (point("elsewhere"), "exists already in collection"),
        (point("w", collection_id="col_other"), "another collection"),
        (point("w", source_document_id="w"), "source"),
        (7, "object"),
    ],
)
def test_what_is_wrong_fails_alone(api: Api, path: str, documents: Documents, wrong: Any, reason: str) -> None:
    Documents(api, cast.collection(api)).create({"document_id": "elsewhere"})
    documents.create({"document_id": "there"})
    answer = upsert(api, path, point("a"), wrong, point("there"), collection_id=documents.collection)
    assert statuses(answer) == ["created", "failed", "updated"]
    assert reason in answer["results"][1]["error"]
    assert (answer["inserted"], answer["document_ids"]) == (2, ["a", "there"])
    assert api.get("/v1/documents/w").status_code == 404


def test_of_two_with_the_same_id_the_later_one_counts(api: Api, path: str, documents: Documents) -> None:
    twice = (point("a", 1, payload={"n": 1, "m": 1}), point("b"), point("a", 2, payload={"n": 2}))
    for expected in (["created", "created", "updated"], ["updated"] * 3):
        answer = upsert(api, path, *twice)
        assert (statuses(answer), answer["document_ids"]) == (expected, ["a", "b"])
        assert documents.fields("a") == {"n": 2}
        assert documents.get("a", "?return_vectors=true")["vectors"] == {"v": [2]}


def test_new_documents_link_with_their_parents(api: Api, path: str, documents: Documents) -> None:
    documents.create({"document_id": "film", "source_object_id": "obj_film"})
    documents.create({"document_id": "frame", "source_document_id": "scene"})
    answer = upsert(api, path, point("shot", source_document_id="scene"), point("scene", source_document_id="film"))
    assert statuses(answer) == ["created", "created"]
    assert {documents.lineage(name)["root_object_id"] for name in ("shot", "scene", "frame")} == {"obj_film"}


def test_another_source_moves_a_document(api: Api, path: str, documents: Documents) -> None:
    for name in ("one", "two"):
        documents.create({"document_id": name, "source_object_id": f"obj_{name}"})
    documents.create({"document_id": "child", "source_document_id": "one", "vectors": {"old": [1]}})
    stays = point("child", source_document_id="one")
    assert statuses(upsert(api, path, stays)) == ["updated"]
    assert statuses(upsert(api, path, stays | {"source_document_id": "two"}, point("new"))) == ["updated", "created"]
    assert documents.lineage("child")["root_object_id"] == "obj_two"
    assert documents.get("child", "?return_vectors=true")["vectors"] == {"v": [1, 2]}


def test_names_of_the_stores_own_in_a_payload_are_dropped_and_told(api: Api, path: str, documents: Documents) -> None:
    answer = upsert(api, path, point("a", payload={"title": "A", "lineage": 1, "_id": 7, "vectors": {"v": 1}}))
    assert answer["dropped_payload_fields"] == {"a": ["_id", "lineage", "vectors"]}
    assert len(answer["warnings"]) == 1
    assert documents.fields("a") == {"title": "A"}


def test_an_acl_is_not_enforced_and_the_answer_says_so(api: Api, path: str, documents: Documents) -> None:
    answer = upsert(api, path, point("a", acl={"read": ["u"], "public": False}))
    assert "acl" in answer["warnings"][0]
    assert "acl" not in documents.get("a")


def test_documents_that_no_search_can_find_are_named(api: Api, path: str) -> None:
    answer = upsert(api, path, point("a"), point("b") | {"vectors": {}}, point("c") | {"vectors": {"m": [[1]]}})
    assert answer["unsearchable_document_ids"] == ["b", "c"]


def test_without_a_collection_it_is_the_only_one(api: Api, path: str, documents: Documents) -> None:
    assert upsert(api, path, point("a"))["inserted"] == 1
    cast.collection(api)
    response = api.post(path, {"documents": [point("b")]})
    assert (response.status_code, response.faults) == (422, ["body.collection_id"])
    none = cast.api(cast.organization())
    assert none.post(f"/v1/namespaces/{none.namespace}/documents/upsert", {"documents": []}).faults == ["body.collection_id"]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, "body.documents"),
        ({"documents": {}}, "body.documents"),
        ({"documents": [point("a")] * 1001}, "body.documents"),
        ({"documents": [], "collection_id": 7}, "body.collection_id"),
        ({"documents": [], "filters": {}}, "body.filters"),
        ({"documents": [], "options": []}, "body.options"),
        ({"documents": [], "options": {"write_token": 1}}, "body.options.write_token"),
        ({"documents": [], "options": {"wait": True}}, "body.options.wait"),
    ],
)
def test_a_request_that_is_wrong_is_refused_as_a_whole(api: Api, path: str, body: Any, fault: str) -> None:
    response = api.post(path, body)
    assert (response.status_code, response.faults) == (422, [fault])


def test_an_unknown_collection_is_404(api: Api, path: str) -> None:
    assert api.post(path, {"documents": [point("a")], "collection_id": "nowhere"}).error == "NotFoundError"


def test_the_path_names_the_namespace_whatever_the_header_says(api: Api, path: str, collection: str) -> None:
    response: Response = Api(api.token, "elsewhere").post(path, {"documents": [point("a")]})
    assert response.status_code == 200
    assert api.get("/v1/documents/a").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_thousand_documents_take_a_few_statements(api: Api, path: str, documents: Documents) -> None:
    upsert(api, path, point("warm"))
    batch = [point(f"d{number}", number) for number in range(1000)]
    with statements() as created:
        assert upsert(api, path, *batch)["inserted"] == 1000
    with statements() as replaced:
        assert set(statuses(upsert(api, path, *batch))) == {"updated"}
    assert len(created.data) + len(created.locks) < 30
    assert len(replaced.data) + len(replaced.locks) < 12
    found = api.get(f"/v1/collections/{documents.collection}/documents/count").json()
    assert found["count"] == 1001

"""PUT: user fields are replaced, system parts that the body names are set, the others stay (contract section 6)."""

from typing import Any

import pytest

from tests import cast
from tests.api.places import Documents, user_fields
from tests.cast import Api

BLOB = {"field": "thumbnail", "url": "s3://bucket/key"}


def test_put_replaces_the_user_fields(documents: Documents) -> None:
    made = documents.new({"title": "x", "metadata": {"a": 1}})
    response = documents.put(made, {"subtitle": "y"})
    assert response.status_code == 200
    assert user_fields(response.json()) == {"subtitle": "y"}
    assert documents.get(made) == response.json()


def test_put_by_the_twin_is_the_same(api: Api, documents: Documents) -> None:
    made = documents.new({"title": "x"})
    assert user_fields(api.put(f"/v1/documents/{made}", {"a": 1}).json()) == {"a": 1}


def test_put_keeps_the_system_parts_that_the_body_omits(documents: Documents) -> None:
    made = documents.create(
        {
            **{"document_blobs": [BLOB], "source_blobs": [{"blob_id": "b"}], "content_hash": "h", "root_object_id": "obj_1"},
            **{"internal_metadata": {"a": 1}, "enrichments": {"x": 1}, "_internal": {"modality": "text", "size_bytes": 1}},
        }
    )
    documents.put(made["document_id"], {})
    after = documents.internal(made["document_id"])
    assert {**after, "updated_at": None} == {**made["_internal"], "updated_at": None}


@pytest.mark.parametrize(
    ("body", "name", "value"),
    [
        ({"internal_metadata": {"b": 2}}, "metadata", {"b": 2}),
        ({"_internal": {"metadata": {"b": 2}}}, "metadata", {"b": 2}),
        ({"document_blobs": [BLOB]}, "document_blobs", [BLOB]),
        ({"_internal": {"document_blobs": [BLOB]}}, "document_blobs", [BLOB]),
        ({"source_blobs": [{"b": 1}]}, "source_blobs", [{"b": 1}]),
        ({"content_hash": "new"}, "content_hash", "new"),
        ({"_internal": {"processing": {"n": 1}}}, "processing", {"n": 1}),
        ({"enrichments": {"taxonomies": []}}, "enrichments", {"taxonomies": []}),
        ({"_internal": {"modality": "image"}}, "modality", "image"),
    ],
)
def test_put_sets_the_system_parts_that_the_body_names(documents: Documents, body: Any, name: str, value: Any) -> None:
    made = documents.new({"internal_metadata": {"a": 1}, "_internal": {"modality": "text", "processing": {"old": 1}}})
    documents.put(made, body)
    assert documents.internal(made)[name] == value


def test_put_empties_a_part_that_is_put_empty(documents: Documents) -> None:
    made = documents.new(
        {"enrichments": {"a": 1}, "source_details": [{"type": "x"}], "document_blobs": [BLOB], "metadata": {"a": 1}}
    )
    documents.put(made, {"enrichments": {}, "source_details": [], "document_blobs": [], "metadata": {}})
    shown = documents.get(made, "?schema_version=v1")
    assert [shown[name] for name in ("enrichments", "source_details", "document_blobs", "metadata")] == [{}, [], [], {}]


def test_put_does_not_create(documents: Documents) -> None:
    response = documents.put("doc_nowhere", {"a": 1})
    assert (response.status_code, response.error) == (404, "NotFoundError")
    assert documents.list().json()["results"] == []


def test_every_put_grows_updated_at_and_nothing_else_of_the_servers(documents: Documents) -> None:
    made = documents.create({"a": 1})
    times = [made["_internal"]["updated_at"]]
    for _ in range(3):
        shown = documents.put(made["document_id"], {"a": 1}).json()["_internal"]
        times.append(shown["updated_at"])
        assert shown["created_at"] == made["_internal"]["created_at"]
    assert times == sorted(set(times))


def test_a_body_of_another_document_is_a_bad_request(documents: Documents) -> None:
    made = documents.new()
    for write in (documents.put, documents.patch):
        response = write(made, {"document_id": "doc_other"})
        assert (response.status_code, response.error) == (400, "BadRequestError")


def test_a_body_of_another_collection_is_a_bad_request(api: Api, documents: Documents) -> None:
    made, other = documents.new(), cast.collection(api)
    for url in (documents.url(made), f"/v1/documents/{made}"):
        for claimed in (other, "col_nowhere", "no such name"):
            assert api.put(url, {"collection_id": claimed}).status_code == 400
            assert api.patch(url, {"collection_id": claimed}).status_code == 400
        assert api.put(url, {"collection_id": documents.collection}).status_code == 200


def test_a_body_may_name_its_collection_by_name(api: Api) -> None:
    documents = Documents(api, cast.collection(api, "frames"))
    made = documents.new()
    for url in (documents.url(made), f"/v1/documents/{made}", f"/v1/collections/frames/documents/{made}"):
        assert api.put(url, {"collection_id": "frames"}).status_code == 200


@pytest.mark.parametrize("body", [[], "x", 1, [{"op": "add", "path": "/a", "value": 1}]])
def test_put_takes_an_object(documents: Documents, body: Any) -> None:
    response = documents.put(documents.new(), body if not isinstance(body, str) else '"x"')
    assert (response.status_code, response.error) == (422, "ValidationError")


def test_put_and_patch_apply_the_rules_of_create(documents: Documents) -> None:
    made = documents.new({"a": 1})
    bodies: list[Any] = [{"_x": 1}, {"document_blobs": [{}]}, {"source_type": "disk"}, {"_internal": {"nonsense": 1}}]
    for body in bodies:
        assert documents.put(made, body).status_code == 422
        assert documents.patch(made, body).status_code == 422
    assert documents.fields(made) == {"a": 1}

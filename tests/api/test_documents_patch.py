"""PATCH in its three media types (contract section 6, whose table is THE table of these tests)."""

from typing import Any

import pytest
from hypothesis import given

from documents import patching
from tests import generators
from tests.api.places import JSON_PATCH, MERGE_PATCH, Documents, user_fields
from tests.cast import Api

PLAIN = "application/json"

# stored, patch, after
BOTH_MEDIA_TYPES: list[tuple[Any, Any, Any]] = [
    ({"metadata": {"a": 1, "b": 2}}, {"metadata": {"b": 3}}, {"metadata": {"a": 1, "b": 3}}),
    ({"metadata": {"a": 1}}, {"metadata": {}}, {"metadata": {"a": 1}}),
    ({"metadata": {"a": 1}}, {"metadata": None}, {}),
    ({"metadata": {"a": {"x": 1}}}, {"metadata": {"a": [1]}}, {"metadata": {"a": [1]}}),
    ({"t": 1}, {"t": {"x": 1, "y": None}}, {"t": {"x": 1}}),
    ({"a": 1, "b": None}, {}, {"a": 1, "b": None}),
    ({"a": [1, 2, 3]}, {"a": [None, {"x": None}]}, {"a": [None, {"x": None}]}),
    ({"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"c": None}}}, {"a": {"b": {"d": 2}}}),
    ({"a": 1}, {"b": None}, {"a": 1}),
    ({"a": 1}, {"A": 2}, {"a": 1, "A": 2}),
    ({"a": {"x.y": 1}}, {"a": {"x.y": 2}}, {"a": {"x.y": 2}}),
    ({}, {"a": {"b": {"c": None}}}, {"a": {"b": {}}}),
]
BY_MEDIA_TYPE: list[tuple[str, Any, Any, Any]] = [
    (PLAIN, {"metadata": {"a": 1}}, {"metadata.b": 2}, {"metadata": {"a": 1, "b": 2}}),
    (MERGE_PATCH, {"metadata": {"a": 1}}, {"metadata.b": 2}, {"metadata": {"a": 1}, "metadata.b": 2}),
    (PLAIN, {"a": 1}, {"a.b.c": 2}, {"a": {"b": {"c": 2}}}),
    (PLAIN, {}, {"a.b": 1, "a.c": 2}, {"a": {"b": 1, "c": 2}}),
    (PLAIN, {"a": {"b": 1, "c": 2}}, {"a.b": None}, {"a": {"c": 2}}),
    (PLAIN, {"a": [1, 2]}, {"a.0": 9}, {"a": {"0": 9}}),
    (PLAIN, {"a.b": 1}, {"a.b": 2}, {"a.b": 1, "a": {"b": 2}}),
    (MERGE_PATCH, {"a.b": 1}, {"a.b": None}, {}),
]


@pytest.mark.parametrize("media_type", [PLAIN, MERGE_PATCH])
@pytest.mark.parametrize(("stored", "patch", "after"), BOTH_MEDIA_TYPES)
def test_patch_changes_what_it_names(documents: Documents, media_type: str, stored: Any, patch: Any, after: Any) -> None:
    made = documents.new(stored)
    response = documents.patch(made, patch, content_type=media_type)
    assert response.status_code == 200, response
    assert user_fields(response.json()) == documents.fields(made) == after


@pytest.mark.parametrize(("media_type", "stored", "patch", "after"), BY_MEDIA_TYPE)
def test_dotted_keys_are_paths_in_plain_json_alone(
    documents: Documents, media_type: str, stored: Any, patch: Any, after: Any
) -> None:
    made = documents.new(stored)
    assert user_fields(documents.patch(made, patch, content_type=media_type).json()) == after


@given(generators.user_fields, generators.user_fields)
def test_a_patch_through_the_api_is_the_pure_merge(documents: Documents, stored: Any, patch: Any) -> None:
    made = documents.new(stored)
    response = documents.patch(made, patch, content_type=MERGE_PATCH)
    assert user_fields(response.json()) == patching.merge_patch(stored, patch)


def test_a_key_beside_its_own_prefix_is_refused(documents: Documents) -> None:
    made = documents.new({"a": 1})
    response = documents.patch(made, {"a": {"x": 1}, "a.b": 2})
    assert (response.status_code, response.faults) == (422, ["body.a.b"])
    assert documents.fields(made) == {"a": 1}


def test_a_patch_by_the_twin_is_the_same(api: Api, documents: Documents) -> None:
    made = documents.new({"a": 1})
    assert user_fields(api.patch(f"/v1/documents/{made}", {"b": 2}).json()) == {"a": 1, "b": 2}


def test_internal_metadata_merges_by_the_same_rules(documents: Documents) -> None:
    made = documents.new({"internal_metadata": {"a": {"x": 1}, "b": 2}})
    documents.patch(made, {"internal_metadata": {"a": {"y": 2}, "b": None}})
    assert documents.internal(made)["metadata"] == {"a": {"x": 1, "y": 2}}
    documents.patch(made, {"internal_metadata.a.x": None, "_internal.metadata.c": 3})
    assert documents.internal(made)["metadata"]["a"] == {"y": 2}


def test_system_parts_that_the_patch_names_are_set(documents: Documents) -> None:
    made = documents.new({"content_hash": "old", "_internal": {"modality": "text"}, "document_blobs": []})
    blob = {"field": "f", "url": "s3://b/k"}
    documents.patch(made, {"content_hash": "new", "document_blobs": [blob], "_internal": {"mime_type": "text/plain"}})
    internal = documents.internal(made)
    assert [internal[name] for name in ("content_hash", "document_blobs", "mime_type", "modality")] == [
        *("new", [blob], "text/plain", "text")
    ]


def test_null_removes_a_system_member(documents: Documents) -> None:
    made = documents.new({"content_hash": "h", "_internal": {"modality": "text", "mime_type": "a/b"}})
    documents.patch(made, {"content_hash": None, "_internal": {"modality": None}})
    internal = documents.internal(made)
    assert "content_hash" not in internal
    assert "modality" not in internal
    assert internal["mime_type"] == "a/b"


@pytest.mark.parametrize("patch", [{}, {"a": 1}, {"b": None}, {"document_schema_version": "v1"}])
def test_a_patch_that_changes_nothing_sets_updated_at_and_the_version(documents: Documents, patch: Any) -> None:
    made = documents.create({"a": 1})
    response = documents.patch(made["document_id"], patch)
    after = response.json()
    assert after["_internal"].pop("updated_at") > made["_internal"].pop("updated_at")
    assert after == made
    assert response.headers["ETag"] != documents.api.get(documents.url(made["document_id"])).headers.get("X-None")


def test_patch_does_not_create(documents: Documents) -> None:
    for media_type, body in ((PLAIN, {"a": 1}), (MERGE_PATCH, {"a": 1}), (JSON_PATCH, [])):
        assert documents.patch("doc_nowhere", body, content_type=media_type).status_code == 404


@pytest.mark.parametrize("media_type", [PLAIN, MERGE_PATCH])
@pytest.mark.parametrize("body", ["[]", '"x"', "1", "null", "true"])
def test_a_patch_is_an_object(documents: Documents, media_type: str, body: str) -> None:
    assert documents.patch(documents.new(), body, content_type=media_type).status_code == 422


def test_a_document_may_not_grow_deeper_than_64_levels(documents: Documents) -> None:
    made = documents.new({})
    deep: Any = 1
    for _ in range(60):
        deep = {"x": deep}
    assert documents.patch(made, {"a.b.c": deep}).status_code == 200
    assert documents.patch(made, {"a.b.c.d": deep}).status_code == 200
    response = documents.patch(made, {"a.b.c.d.e": deep})
    assert (response.status_code, response.error) == (422, "ValidationError")


# JSON Patch ---------------------------------------------------------------------------------------------------------


def test_json_patch_changes_the_user_fields(documents: Documents) -> None:
    made = documents.new({"title": "Draft", "tags": ["a"], "old": 1})
    operations = [
        {"op": "test", "path": "/title", "value": "Draft"},
        {"op": "replace", "path": "/title", "value": "Final"},
        {"op": "add", "path": "/tags/-", "value": "b"},
        {"op": "move", "from": "/old", "path": "/new"},
    ]
    response = documents.patch(made, operations, content_type=JSON_PATCH)
    assert user_fields(response.json()) == {"title": "Final", "tags": ["a", "b"], "new": 1}


@pytest.mark.parametrize(
    ("last", "status", "error"),
    [
        ({"op": "test", "path": "/a", "value": 2}, 409, "ConflictError"),
        ({"op": "test", "path": "/nope", "value": 2}, 409, "ConflictError"),
        ({"op": "remove", "path": "/nope"}, 422, "ValidationError"),
        ({"op": "nonsense", "path": "/a"}, 422, "ValidationError"),
        ({"op": "add", "path": "/document_id", "value": "x"}, 422, "ValidationError"),
        ({"op": "add", "path": "/_internal", "value": {}}, 422, "ValidationError"),
        ({"op": "add", "path": "/_x", "value": {}}, 422, "ValidationError"),
        ({"op": "add", "path": "/root_object_id", "value": "obj_x"}, 422, "ValidationError"),
        ({"op": "add", "path": "/document_id", "value": None}, 422, "ValidationError"),
        ({"op": "add", "path": "/vector", "value": [1]}, 422, "ValidationError"),
        ({"op": "replace", "path": "", "value": {"collection_id": "x"}}, 422, "ValidationError"),
        ({"op": "replace", "path": "", "value": 7}, 422, "ValidationError"),
    ],
)
def test_a_json_patch_that_fails_changes_nothing(documents: Documents, last: Any, status: int, error: str) -> None:
    made = documents.create({"a": 1})
    response = documents.patch(made["document_id"], [{"op": "add", "path": "/b", "value": 1}, last], content_type=JSON_PATCH)
    assert (response.status_code, response.error) == (status, error)
    assert documents.get(made["document_id"]) == made


def test_json_patch_can_store_null_and_keeps_exact_numbers(documents: Documents) -> None:
    made = documents.new({"n": 2**64 + 1})
    documents.patch(made, [{"op": "add", "path": "/metadata", "value": None}], content_type=JSON_PATCH)
    assert documents.fields(made) == {"n": 2**64 + 1, "metadata": None}


def test_a_json_patch_may_not_deepen_a_document_beyond_64_levels(documents: Documents) -> None:
    deep: Any = {}
    for _ in range(62):
        deep = {"x": deep}
    made = documents.new({"a": deep})
    operations = [{"op": "copy", "from": "/a", "path": "/b"}, {"op": "move", "from": "/b", "path": "/a/y"}]
    assert documents.patch(made, operations, content_type=JSON_PATCH).status_code == 422
    assert documents.fields(made) == {"a": deep}


def test_a_json_patch_that_doubles_again_and_again_is_refused(documents: Documents) -> None:
    made = documents.new({"a": "x" * 1000})
    doubling = [operation for _ in range(40) for operation in _twice()]
    response = documents.patch(made, doubling, content_type=JSON_PATCH)
    assert response.status_code in (413, 422)
    assert documents.fields(made) == {"a": "x" * 1000}


def _twice() -> list[Any]:
    return [{"op": "copy", "from": "", "path": "/l"}, {"op": "copy", "from": "", "path": "/r"}]

"""From a body of any generation to one document."""

from typing import Any

import pytest

from documents.inputs import RESERVED, DocumentInput, LineageInput, read_create, read_patch, read_replace
from mixpeek_site.errors import BadRequestError, ValidationError

STEP = {"collection_id": "col_a", "feature_extractor_id": "e_v1"}


def lineage(body: dict[str, Any]) -> dict[str, Any]:
    """What was understood of a body's lineage, without what was not named."""
    given = read_create(body).lineage
    return {name: value for name in LineageInput.__slots__ if (value := getattr(given, name)) is not None}


def test_a_body_of_user_fields_is_its_payload() -> None:
    body = {"title": "x", "n": None, "metadata": {"a": 1}, "a.b": {"_internal": 1}}
    assert read_create(body) == DocumentInput(payload=body)


def test_reserved_names_are_never_user_fields() -> None:
    body: dict[str, Any] = dict.fromkeys(RESERVED)
    assert read_create({**body, "title": "x"}).payload == {"title": "x"}


def test_null_metadata_is_absent_and_in_a_patch_removes() -> None:
    assert read_create({"metadata": None}).payload == {}
    assert read_replace({"metadata": None}, "doc_1").payload == {}
    assert read_patch({"metadata": None, "x": None}, "doc_1").payload == {"metadata": None, "x": None}


@pytest.mark.parametrize(
    "body",
    [
        {"source_document_id": "doc_a", "source_collection_id": "col_a", "root_object_id": "obj"},
        {"lineage": {"source_document_id": "doc_a", "source_collection_id": "col_a", "root_object_id": "obj"}},
        {"_internal": {"lineage": {"source_document_id": "doc_a", "source_collection_id": "col_a", "root_object_id": "obj"}}},
        {
            "source_document_id": "doc_a",
            "lineage": {"source_collection_id": "col_a", "source_document_id": "doc_a"},
            "_internal": {"lineage": {"root_object_id": "obj"}},
        },
    ],
)
def test_lineage_is_found_in_each_of_its_places(body: dict[str, Any]) -> None:
    assert lineage(body) == {
        **{"source_type": "collection", "source_document_id": "doc_a", "source_collection_id": "col_a"},
        "root_object_id": "obj",
    }


@pytest.mark.parametrize(
    "body",
    [
        {"lineage_path": "p", "lineage_chain": [STEP]},
        {"lineage": {"path": "p", "lineage_chain": [STEP]}},
        {"_internal": {"lineage": {"path": "p", "chain": [STEP]}}},
        {"lineage_path": "p", "lineage": {"lineage_chain": [STEP]}},
    ],
)
def test_path_and_chain_have_a_name_in_each_generation(body: dict[str, Any]) -> None:
    assert lineage(body) == {"path": "p", "chain": [STEP]}


def test_a_source_object_is_the_root_of_a_bucket_sourced_document() -> None:
    whole = {"source_type": "bucket", "source_object_id": "obj", "root_object_id": "obj"}
    assert lineage({"source_object_id": "obj"}) == whole
    assert lineage({"source_type": "bucket", "root_object_id": "obj"}) == whole


def test_an_empty_chain_is_no_chain() -> None:
    assert lineage({"lineage_chain": [], "lineage": {"lineage_chain": [STEP]}}) == {"chain": [STEP]}
    assert lineage({"lineage_chain": []}) == {}


BUCKET = {"type": "bucket", "source_id": "bkt_1", "object_id": "obj_1"}
COLLECTION = {"type": "collection", "source_id": "col_1", "object_id": "doc_1"}


@pytest.mark.parametrize(
    ("details", "understood"),
    [
        ([], {}),
        ([{"type": "satellite", "source_id": "x"}], {}),
        (
            [BUCKET, {**BUCKET, "object_id": "obj_2"}],
            {"source_type": "bucket", "source_object_id": "obj_1", "root_object_id": "obj_1", "root_bucket_id": "bkt_1"},
        ),
        (
            [COLLECTION, {**COLLECTION, "object_id": "doc_2"}, BUCKET],
            {
                **{"source_type": "collection", "source_document_id": "doc_1", "source_collection_id": "col_1"},
                **{"root_object_id": "obj_1", "root_bucket_id": "bkt_1"},
            },
        ),
        ([{"type": "collection", "source_id": "col_1"}], {"source_type": "collection", "source_collection_id": "col_1"}),
        ([{"type": "bucket", "object_id": 7, "source_id": ""}], {}),
    ],
)
def test_source_details_give_root_and_parent(details: list[Any], understood: dict[str, Any]) -> None:
    assert lineage({"source_details": details}) == understood
    assert lineage({"_internal": {"source_details": details}}) == understood
    assert read_create({"source_details": details}).system["source_details"] == details


def test_lineage_that_is_named_wins_over_source_details() -> None:
    found = lineage({"source_details": [COLLECTION, BUCKET], "source_document_id": "doc_9"})
    assert (found["source_document_id"], found["source_collection_id"]) == ("doc_9", "col_1")


def test_system_parts_of_both_places() -> None:
    given = read_create({"content_hash": "h", "_internal": {"modality": "text", "size_bytes": 1, "metadata": {"a": 1}}})
    assert given.system == {"content_hash": "h", "modality": "text", "size_bytes": 1}
    assert given.internal_metadata == {"a": 1}


def test_the_root_wins_over_internal() -> None:
    given = read_create(
        {"internal_metadata": {"a": 1}, "content_hash": "x", "_internal": {"metadata": {"b": 2}, "content_hash": "y"}}
    )
    assert given.internal_metadata == {"a": 1}
    assert given.system == {"content_hash": "x"}


def test_blobs_lose_what_an_answer_added_to_them() -> None:
    shown = {"field": "f", "url": "u", "presigned_url": "p", "presigned_urls": [], "unavailable_reason": "r", "mine": 1}
    assert read_create({"document_blobs": [shown]}).document_blobs == [{"field": "f", "url": "u", "mine": 1}]


def test_native_is_no_version_to_store() -> None:
    assert read_create({"document_schema_version": "native"}).schema_version is None
    assert read_create({"document_schema_version": "v2"}).schema_version == "v2"


def test_a_body_of_another_document_is_refused_before_anything_else() -> None:
    for read in (read_replace, read_patch):
        with pytest.raises(BadRequestError):
            read({"document_id": "doc_2", "_x": 1}, "doc_1")
        with pytest.raises(ValidationError):
            read({"document_id": "doc_1", "_x": 1}, "doc_1")

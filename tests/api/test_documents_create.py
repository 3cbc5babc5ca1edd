"""POST /v1/collections/{collection}/documents (contract section 5)."""

import re
from typing import Any

import pytest

from documents.models import Document
from mixpeek_site import jsonio
from tests import cast
from tests.api.places import Documents, user_fields
from tests.cast import Api

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


def test_a_created_document_is_answered_with_200_and_its_location(documents: Documents) -> None:
    response = documents.post({"title": "x"})
    made = response.json()
    assert response.status_code == 200
    assert response.headers["Location"] == f"{documents.path}/{made['document_id']}"
    assert documents.api.get(response.headers["Location"]).json() == made


def test_an_empty_object_is_a_document(documents: Documents) -> None:
    assert user_fields(documents.create({})) == {}


def test_ids_are_made_in_time_order(documents: Documents) -> None:
    made = [documents.new() for _ in range(5)]
    assert made == sorted(made)
    assert all(re.fullmatch(r"doc_[0-9a-f]{24}", one) for one in made)


def test_a_client_may_choose_the_id(documents: Documents) -> None:
    assert documents.create({"document_id": "My.Doc:1-x_"})["document_id"] == "My.Doc:1-x_"


@pytest.mark.parametrize("chosen", ["", "..", "a/b", "x" * 129, "list", "batch-get", "é", 7, True, ["x"]])
def test_an_id_outside_the_rules_is_refused(documents: Documents, chosen: Any) -> None:
    response = documents.post({"document_id": chosen})
    assert (response.status_code, response.faults) == (422, ["body.document_id"])


def test_an_id_that_exists_is_a_conflict_and_nothing_changes(documents: Documents) -> None:
    made = documents.create({"document_id": "doc_1", "title": "first"})
    response = documents.post({"document_id": "doc_1", "title": "second"})
    assert (response.status_code, response.error) == (409, "AlreadyExistsError")
    assert documents.get("doc_1") == made


def test_ids_are_unique_per_namespace_not_per_collection(api: Api, documents: Documents) -> None:
    documents.create({"document_id": "doc_1"})
    assert Documents(api, cast.collection(api)).post({"document_id": "doc_1"}).status_code == 409
    elsewhere = cast.api()
    assert Documents(elsewhere, cast.collection(elsewhere)).post({"document_id": "doc_1"}).status_code == 200


def test_a_deleted_id_may_be_used_again(documents: Documents) -> None:
    documents.create({"document_id": "doc_1", "title": "first"})
    documents.delete("doc_1")
    assert user_fields(documents.create({"document_id": "doc_1", "title": "second"})) == {"title": "second"}


def test_times_are_iso_8601_utc_and_equal_at_creation(documents: Documents) -> None:
    internal = documents.create()["_internal"]
    assert TIME.fullmatch(internal["created_at"])
    assert internal["updated_at"] == internal["created_at"]


def test_a_zero_fraction_of_a_second_is_left_out(documents: Documents) -> None:
    document_id = documents.new()
    Document.objects.filter(document_id=document_id).update(created_at="2025-10-31T10:00:00Z")
    assert documents.internal(document_id)["created_at"] == "2025-10-31T10:00:00Z"


def test_the_collection_may_be_named_in_the_path(api: Api) -> None:
    collection = cast.collection(api, "frames of a film")
    made = api.post("/v1/collections/frames%20of%20a%20film/documents", {"a": 1})
    assert made.json()["collection_id"] == collection


def test_the_body_may_repeat_the_collection_by_id_or_name(api: Api) -> None:
    collection = cast.collection(api, "frames")
    for place in ("frames", collection):
        for repeated in ("frames", collection, None):
            assert api.post(f"/v1/collections/{place}/documents", {"collection_id": repeated}).status_code == 200


def test_a_body_of_another_collection_is_a_bad_request(api: Api, documents: Documents) -> None:
    for other in (cast.collection(api), "col_nowhere", "no such name"):
        response = documents.post({"collection_id": other})
        assert (response.status_code, response.error) == (400, "BadRequestError")


def test_an_unknown_collection_is_not_found(api: Api) -> None:
    for unknown in ("col_nowhere", "no such name", "%00", "é"):
        response = api.post(f"/v1/collections/{unknown}/documents", {})
        assert (response.status_code, response.json()["error"]["details"]["resource"]) == (404, "collection")


@pytest.mark.parametrize("body", [[], "x", 1, None, True, [{"a": 1}]])
def test_a_document_is_an_object(documents: Documents, body: Any) -> None:
    assert documents.api.call("POST", documents.path, jsonio.dumps(body)).status_code == 422


@pytest.mark.parametrize(
    "name",
    [
        *("metadata", "document_id", "collection_id", "document_blobs", "_internal", "root_object_id", "source_type"),
        *("lineage", "lineage_chain", "lineage_path", "source_blobs", "source_details", "enrichments", "internal_metadata"),
        *("document_schema_version", "content_hash", "features", "vectors", "vector", "presigned_url", "presigned_urls"),
        *("_vectors", "_score", "_expanded"),
    ],
)
def test_null_for_a_reserved_name_or_metadata_means_absent(documents: Documents, name: str) -> None:
    made = documents.create({name: None, "other": None})
    assert user_fields(made) == {"other": None}
    plain = documents.create({"other": None})
    assert made["_internal"].keys() == plain["_internal"].keys()


@pytest.mark.parametrize("name", ["_x", "_", "__proto__", "_id", "_acl"])
def test_an_unknown_name_with_an_underscore_is_refused(documents: Documents, name: str) -> None:
    response = documents.post({name: 1})
    assert (response.status_code, response.faults) == (422, [f"body.{name}"])
    assert documents.post({"a": {name: 1}}).status_code == 200


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"collection_id": 1}, "body.collection_id"),
        ({"document_blobs": {}}, "body.document_blobs"),
        ({"document_blobs": ["x"]}, "body.document_blobs.0"),
        ({"document_blobs": [{"field": "f"}]}, "body.document_blobs.0.url"),
        ({"document_blobs": [{"url": "s3://b/k"}]}, "body.document_blobs.0.field"),
        ({"source_blobs": "x"}, "body.source_blobs"),
        ({"source_blobs": [1]}, "body.source_blobs.0"),
        ({"internal_metadata": []}, "body.internal_metadata"),
        ({"enrichments": []}, "body.enrichments"),
        ({"source_details": {}}, "body.source_details"),
        ({"source_details": [[]]}, "body.source_details.0"),
        ({"content_hash": 1}, "body.content_hash"),
        ({"document_schema_version": "v3"}, "body.document_schema_version"),
        ({"document_schema_version": 1}, "body.document_schema_version"),
        ({"features": {}}, "body.features"),
        ({"vectors": []}, "body.vectors"),
        ({"lineage": []}, "body.lineage"),
        ({"lineage_chain": {}}, "body.lineage_chain"),
        ({"lineage_chain": ["x"]}, "body.lineage_chain.0"),
        ({"lineage_chain": [{"collection_id": "col_1"}]}, "body.lineage_chain.0.feature_extractor_id"),
        ({"lineage_chain": [{"feature_extractor_id": "e"}]}, "body.lineage_chain.0.collection_id"),
        (
            {"lineage": {"lineage_chain": [{"collection_id": 1, "feature_extractor_id": "e"}]}},
            "body.lineage.lineage_chain.0.collection_id",
        ),
        ({"_internal": {"lineage": {"chain": [{}]}}}, "body._internal.lineage.chain.0.collection_id"),
        ({"source_type": "disk"}, "body.source_type"),
        ({"source_type": ["bucket"]}, "body.source_type"),
        ({"lineage": {"source_type": "disk"}}, "body.lineage.source_type"),
        ({"root_object_id": 1}, "body.root_object_id"),
        ({"root_object_id": ""}, "body.root_object_id"),
        ({"lineage_path": 1}, "body.lineage_path"),
        ({"_internal": []}, "body._internal"),
        ({"_internal": {"size_bytes": "1"}}, "body._internal.size_bytes"),
        ({"_internal": {"size_bytes": True}}, "body._internal.size_bytes"),
        ({"_internal": {"modality": 1}}, "body._internal.modality"),
        ({"_internal": {"processing": []}}, "body._internal.processing"),
        ({"_internal": {"metadata": 1}}, "body._internal.metadata"),
        ({"_internal": {"nonsense": 1}}, "body._internal.nonsense"),
    ],
)
def test_a_reserved_name_of_the_wrong_type_is_refused_with_its_place(documents: Documents, body: Any, place: str) -> None:
    response = documents.post(body)
    assert response.status_code == 422
    assert place in response.faults
    assert documents.list().json()["results"] == []


def test_every_fault_of_a_body_is_named_at_once(documents: Documents) -> None:
    response = documents.post({"_x": 1, "document_blobs": [{}], "source_type": "disk"})
    assert {"body._x", "body.document_blobs.0.field", "body.document_blobs.0.url", "body.source_type"} == set(response.faults)


def test_null_members_inside_internal_mean_absent(documents: Documents) -> None:
    made = documents.create(
        {"_internal": {"modality": None, "lineage": None, "metadata": None, "_acl": None, "size_bytes": None}}
    )
    assert made["_internal"].keys() == documents.create()["_internal"].keys()


def test_a_source_type_of_source_details_is_kept_as_given(documents: Documents) -> None:
    details = [{"type": "satellite", "source_id": "x"}]
    assert documents.create({"source_details": details})["_internal"]["source_details"] == details


def test_what_is_the_servers_own_is_ignored(documents: Documents) -> None:
    made = documents.create(
        {
            "_internal": {
                "created_at": "2001-01-01T00:00:00Z",
                "internal_id": "org_x",
                "namespace_id": "ns_x",
                "document_id": "d",
            },
            **{"vector": [1], "presigned_url": "u", "presigned_urls": [], "_vectors": ["x"], "_score": 1, "_expanded": {}},
        }
    )
    assert made["_internal"]["created_at"] > "2020"
    assert made["_internal"]["document_id"] == made["document_id"]
    assert user_fields(made) == {}


def test_system_parts_are_taken_from_internal(documents: Documents) -> None:
    parts = {
        **{"modality": "text", "mime_type": "text/plain", "size_bytes": 2**40, "content_hash": "abc"},
        **{"processing": {"history": [{"a": 1}]}, "metadata": {"ingestion_status": "COMPLETED"}},
        **{"source_blobs": [{"blob_id": "b"}], "document_blobs": [{"field": "f", "url": "s3://b/k", "extra": 1}]},
    }
    internal = documents.create({"_internal": parts})["_internal"]
    assert {name: internal[name] for name in parts} == parts


def test_system_parts_are_taken_from_the_root(documents: Documents) -> None:
    made = documents.create({"content_hash": "abc", "internal_metadata": {"a": 1}, "enrichments": {"clusters": []}})
    internal = made["_internal"]
    assert (internal["content_hash"], internal["metadata"], internal["enrichments"]) == ("abc", {"a": 1}, {"clusters": []})


def test_the_document_keeps_the_schema_version_it_was_created_with(documents: Documents) -> None:
    made = documents.create({"document_schema_version": "v2", "document_id": "doc_1"})
    assert "_internal" not in made
    assert documents.get("doc_1") == made
    documents.put("doc_1", {"document_schema_version": "v1"})
    assert documents.get("doc_1").keys() == made.keys()

"""The three renderings of one stored document (contract section 4)."""

from decimal import Decimal
from typing import Any

import pytest

from tests import cast
from tests.api.places import Documents, user_fields
from tests.cast import Api

FLAT = {"root_object_id", "root_bucket_id", "source_type", "source_collection_id", "source_document_id", "lineage_path"}


@pytest.fixture
def scene(documents: Documents) -> str:
    """A document with everything: a parent that is not stored, blobs, a dense vector, every system part."""
    return documents.new(
        {
            **{
                "title": "x",
                "brand": {"name": "Acme"},
                "content_hash": "hash",
                "internal_metadata": {"ingestion_status": "DONE"},
            },
            **{
                "root_object_id": "obj_1",
                "root_bucket_id": "bkt_1",
                "source_document_id": "doc_p",
                "source_collection_id": "col_p",
            },
            **{"lineage_path": "bkt_1/col_p/col_x", "source_blobs": [{"blob_id": "b"}], "enrichments": {"clusters": []}},
            "lineage_chain": [{"collection_id": "col_x", "feature_extractor_id": "e", "extra": 1}],
            "document_blobs": [{"field": "thumb", "url": "https://host/path/key.jpg"}, {"field": "raw", "url": "gopher://b/k"}],
            "_internal": {"modality": "video", "mime_type": "video/mp4", "size_bytes": 7, "processing": {"history": []}},
            **cast.vectors(clip=[0.5, 0.25]),
        }
    )


def test_native_has_the_system_below_internal(documents: Documents, scene: str) -> None:
    shown = documents.get(scene, "?schema_version=native")
    assert shown.keys() == {"document_id", "collection_id", "title", "brand", "document_blobs", "_internal"}
    assert shown["_internal"].keys() == {
        *("internal_id", "namespace_id", "document_id", "collection_id", "created_at", "updated_at", "lineage", "metadata"),
        *("modality", "mime_type", "size_bytes", "content_hash", "processing", "source_blobs", "document_blobs", "enrichments"),
    }
    assert shown["_internal"]["lineage"].keys() == {
        *("root_object_id", "root_bucket_id", "source_type", "source_document_id", "source_collection_id", "path", "chain")
    }


def test_native_leaves_out_what_is_absent(documents: Documents) -> None:
    shown = documents.create()
    assert shown.keys() == {"document_id", "collection_id", "document_blobs", "_internal"}
    assert shown["document_blobs"] == []
    assert shown["_internal"].keys() == {
        *("internal_id", "namespace_id", "document_id", "collection_id", "created_at", "updated_at")
    }


def test_internal_id_is_the_organizations(documents: Documents) -> None:
    internal = documents.create()["_internal"]
    assert internal["internal_id"] == documents.api.scope.organization_public_id
    assert internal["namespace_id"] == documents.api.namespace


def test_v2_has_lineage_and_system_at_the_root(documents: Documents, scene: str) -> None:
    shown = documents.get(scene, "?schema_version=v2")
    assert shown.keys() == {
        *("document_id", "collection_id", "title", "brand", *FLAT, "lineage_chain"),
        *("internal_metadata", "source_blobs", "document_blobs", "presigned_urls"),
    }
    assert shown["lineage_chain"] == [{"collection_id": "col_x", "feature_extractor_id": "e", "extra": 1}]


def test_v1_has_lineage_nested_and_flat(documents: Documents, scene: str) -> None:
    shown = documents.get(scene, "?schema_version=v1")
    assert shown.keys() == {
        *("document_id", "collection_id", "title", "brand", *FLAT, "lineage", "metadata", "source_details", "enrichments"),
        *("internal_metadata", "source_blobs", "document_blobs", "presigned_urls", "document_schema_version"),
    }
    assert shown["lineage"].keys() == FLAT - {"lineage_path"} | {"lineage_chain"}
    assert all(shown["lineage"][name] == shown[name] for name in FLAT - {"lineage_path"})


def test_the_empty_parts_of_v1_and_v2(documents: Documents) -> None:
    made = documents.new()
    assert (
        documents.get(made, "?schema_version=v2").items()
        >= {
            "lineage_chain": [],
            "internal_metadata": {},
            "source_blobs": [],
            "document_blobs": [],
        }.items()
    )
    shown = documents.get(made, "?schema_version=v1")
    assert [shown[name] for name in ("metadata", "enrichments", "internal_metadata")] == [{}, {}, {}]
    assert [shown[name] for name in ("source_details", "source_blobs", "document_blobs")] == [[], [], []]


def test_v1_shows_metadata_wherever_it_stands(documents: Documents) -> None:
    for fields in ({"metadata": {"a": 1}}, {"a": '"metadata": {}'}, {"a": {"metadata": 1}}, {"a": "x", "metadata": {}}):
        made = documents.new(fields)
        shown = documents.get(made, "?schema_version=v1")
        assert shown["metadata"] == fields.get("metadata", {})
        assert {**user_fields(shown), "metadata": None} == {"metadata": None, **fields} | {"metadata": None}


@pytest.mark.parametrize("version", ["native", "v1", "v2"])
def test_every_route_that_returns_a_document_takes_the_version(api: Api, documents: Documents, version: str) -> None:
    query = f"?schema_version={version}"
    shown = [
        documents.create({"document_id": "doc_1"}, query),
        documents.get("doc_1", query),
        documents.put("doc_1", {}, query).json(),
        documents.patch("doc_1", {}, query).json(),
        *(api.call(method, f"/v1/documents/doc_1{query}", {}).json() for method in ("PUT", "PATCH")),
        api.get(f"/v1/documents/doc_1{query}").json(),
    ]
    assert len({frozenset(one) for one in shown}) == 1
    assert ("_internal" in shown[0]) is (version == "native")


def test_the_version_is_the_requests_then_the_documents_then_the_servers(documents: Documents, settings: Any) -> None:
    chosen, free = documents.new({"document_schema_version": "v2"}), documents.new()
    assert "_internal" in documents.get(free)
    assert "_internal" in documents.get(chosen, "?schema_version=native")
    settings.DEFAULT_SCHEMA_VERSION = "v1"
    assert "source_details" in documents.get(free)
    assert "source_details" not in documents.get(chosen)


# Blobs --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["return_url", "return_urls", "return_presigned_urls"])
def test_urls_are_signed_when_asked(documents: Documents, scene: str, flag: str) -> None:
    blobs = documents.get(scene, f"?{flag}=true")["document_blobs"]
    assert blobs[0]["presigned_url"] == "https://host/path/key.jpg"
    assert "presigned_url" not in blobs[1]
    assert blobs[1]["unavailable_reason"]
    assert "presigned_url" not in documents.get(scene)["document_blobs"][0]


def test_an_address_that_is_none_is_shown_as_it_is(documents: Documents) -> None:
    made = documents.new({"document_blobs": [{"field": "a", "url": "http://["}]})
    assert documents.get(made, "?return_url=true")["document_blobs"][0]["presigned_url"] == "http://["


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_v1_and_v2_gather_the_signed_urls(documents: Documents, scene: str, version: str) -> None:
    shown = documents.get(scene, f"?schema_version={version}&return_url=true")
    assert shown["presigned_url"] == "https://host/path/key.jpg"
    assert shown["presigned_urls"] == [
        {"key_name": "thumb", "object_key": "path/key.jpg", "presigned_url": "https://host/path/key.jpg"}
    ]


# Vectors ------------------------------------------------------------------------------------------------------------


@pytest.mark.pgvector
@pytest.mark.parametrize("version", ["native", "v1", "v2"])
def test_vectors_are_shown_only_when_asked(documents: Documents, scene: str, version: str) -> None:
    plain = documents.get(scene, f"?schema_version={version}")
    shown = documents.get(scene, f"?schema_version={version}&return_vectors=true")
    assert not plain.keys() & {"vectors", "vector", "_vectors"}
    assert shown["vectors"] == {"clip": [Decimal("0.5"), Decimal("0.25")]}
    assert shown.get("vector") == (None if version == "native" else shown["vectors"]["clip"])
    assert documents.get(scene, f"?schema_version={version}&return_vector_names=true")["_vectors"] == ["clip"]

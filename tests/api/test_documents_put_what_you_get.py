"""A body just read, in any rendering and with any flags, is accepted and changes nothing but `updated_at` (section 4)."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import cast, generators
from tests.api.places import Documents
from tests.cast import Api

VERSIONS = ("native", "v1", "v2")
FLAGS = ("", "&return_url=true", "&return_vectors=true", "&return_vector_names=true", "&return_presigned_urls=1&return_vectors=1")
VIEWS = tuple(f"?schema_version={version}{flags}" for version, flags in itertools.product(VERSIONS, FLAGS))
STEP = {
    "collection_id": "col_frames",
    "feature_extractor_id": "e_v1",
    "document_id": "doc_f",
    "timestamp": "2025-10-18T10:30:00Z",
}
BLOBS = [
    {"field": "thumb", "url": "https://host/key.jpg", "type": "image"},
    {"field": "raw", "url": "s3://nowhere/key", "x": {"y": 1}},
]
DOCUMENTS: dict[str, Any] = {
    "nothing": {},
    "user fields": {"title": "x", "n": 2**64 + 1, "null": None, "metadata": {"a": {}}},
    "empty metadata": {"metadata": {}},
    "metadata that is no object": {"metadata": [1]},
    "bucket source": {"root_bucket_id": "bkt_1", "source_object_id": "obj_1"},
    "stored parent": {"source_document_id": "doc_parent"},
    "parent not stored": {"source_document_id": "doc_nowhere", "source_collection_id": "col_nowhere", "root_object_id": "obj_9"},
    "parent not stored, chain sent": {
        "lineage": {"source_document_id": "doc_f", "lineage_chain": [STEP]},
        "lineage_path": "b/c/d",
    },
    "root alone": {"root_object_id": "obj_1"},
    "bucket alone": {"root_bucket_id": "bkt_1"},
    "path alone": {"lineage_path": "bkt_1/col_1"},
    "chain alone": {"lineage_chain": [{**STEP, "extra": [None]}]},
    "source details of a bucket": {"source_details": [{"type": "bucket", "source_id": "bkt_1", "object_id": "obj_1", "n": None}]},
    "source details of a collection": {
        "source_details": [
            {"type": "bucket", "source_id": "bkt_1", "object_id": "obj_1"},
            {"type": "collection", "source_id": "col_nowhere", "object_id": "doc_nowhere"},
        ]
    },
    "source details that say nothing": {"source_details": [{"type": "satellite"}, {}]},
    "source details beside another lineage": {
        "source_details": [{"type": "collection", "source_id": "col_a", "object_id": "doc_a"}],
        "lineage": {"source_type": "bucket", "source_object_id": "obj_2"},
    },
    "blobs": {"document_blobs": BLOBS, "source_blobs": [{"blob_id": "b"}, {}]},
    "system parts": {
        **{
            "content_hash": "h",
            "internal_metadata": {"ingestion_status": "DONE", "deep": {"n": None}},
            "enrichments": {"x": None},
        },
        "_internal": {"modality": "m", "mime_type": "a/b", "size_bytes": 0, "processing": {}},
    },
    "empty system parts": {"enrichments": {}, "source_details": [], "_internal": {"processing": {}}},
    "vectors": {"vectors": {"dense": [0.25, 1], "sparse": {"indices": [1, 5], "values": [0.5, 1]}, "multi": [[1, 2], [3, 4]]}},
    "one dense vector": {"features": [{"feature_extractor_id": "clip_v1", "payload": {"a": 1}, "vectors": [0.5, 0.1]}]},
    "version 1": {"document_schema_version": "v1", "title": "x"},
    "version 2": {"document_schema_version": "v2", "source_document_id": "doc_parent"},
}


def everything(documents: Documents, document_id: str) -> dict[str, Any]:
    """What every view shows of a document, without the time of its last change."""
    shown = {view: documents.get(document_id, view) for view in VIEWS}
    for view in shown.values():
        view.get("_internal", {}).pop("updated_at", None)
    return shown


def put_every_view(documents: Documents, document_id: str, views: Any = VIEWS) -> None:
    before = everything(documents, document_id)
    for view in views:
        updated = documents.internal(document_id)["updated_at"]
        body = documents.api.get(documents.url(document_id, view)).content.decode()
        response = documents.put(document_id, body)
        assert response.status_code == 200, (view, response)
        assert everything(documents, document_id) == before, view
        assert documents.internal(document_id)["updated_at"] > updated


def _case(name: str) -> Any:
    marks = [pytest.mark.pgvector] if "vector" in name else []
    return pytest.param(DOCUMENTS[name], id=name, marks=marks)


@pytest.mark.parametrize("body", [_case(name) for name in DOCUMENTS])
def test_put_what_you_get_changes_nothing(api: Api, documents: Documents, body: Any) -> None:
    frames = Documents(api, cast.collection(api))
    frames.create({"document_id": "doc_parent", "source_object_id": "obj_1", "root_bucket_id": "bkt_1"})
    put_every_view(documents, documents.new(body))


@pytest.mark.parametrize("body", [_case(name) for name in ("stored parent", "vectors", "user fields")])
def test_through_the_twin_too(api: Api, documents: Documents, body: Any) -> None:
    Documents(api, cast.collection(api)).create({"document_id": "doc_parent", "source_object_id": "obj_1"})
    made = documents.new(body)
    before = everything(documents, made)
    for view in VIEWS:
        assert api.put(f"/v1/documents/{made}", api.get(f"/v1/documents/{made}{view}").content.decode()).status_code == 200
    assert everything(documents, made) == before


def test_also_after_the_parent_arrived_moved_and_went(api: Api, documents: Documents) -> None:
    frames = Documents(api, cast.collection(api))
    child = documents.new({"source_document_id": "doc_parent", "root_object_id": "obj_1", "lineage_path": "somewhere/else"})
    for change in (
        lambda: frames.create({"document_id": "doc_parent", "source_object_id": "obj_1", "root_bucket_id": "bkt_1"}),
        lambda: frames.patch("doc_parent", {"source_object_id": "obj_2"}),
        lambda: frames.delete("doc_parent"),
    ):
        change()
        put_every_view(documents, child, VIEWS[::5])


def test_a_body_read_before_the_parent_moved_does_not_move_the_document_back(api: Api, documents: Documents) -> None:
    frames = Documents(api, cast.collection(api))
    frames.create({"document_id": "doc_parent", "source_object_id": "obj_1", "root_bucket_id": "bkt_1"})
    child = documents.new({"source_document_id": "doc_parent"})
    read = [documents.get(child, f"?schema_version={version}") for version in VERSIONS]
    frames.patch("doc_parent", {"source_object_id": "obj_2", "root_bucket_id": "bkt_2"})
    for body in read:
        assert documents.put(child, body).status_code == 200
        assert documents.lineage(child)["root_object_id"] == "obj_2"
        assert documents.lineage(child)["path"].startswith("bkt_2/")


def test_flat_and_nested_lineage_that_contradict_each_other_are_refused(documents: Documents) -> None:
    made = documents.new({"root_object_id": "obj_1", "source_document_id": "doc_a"})
    for body in (
        {"root_object_id": "obj_1", "lineage": {"root_object_id": "obj_2"}},
        {"source_document_id": "doc_a", "_internal": {"lineage": {"source_document_id": "doc_b"}}},
        {"lineage": {"source_type": "bucket"}, "_internal": {"lineage": {"source_type": "collection"}}},
        {"source_type": "bucket", "source_document_id": "doc_a"},
        {"source_object_id": "obj_1", "root_object_id": "obj_2"},
    ):
        assert documents.put(made, body).status_code == documents.patch(made, body).status_code == 422, body
        assert documents.post(body).status_code == 422


@given(st.data())
def test_any_document_can_be_put_as_it_was_got(documents: Documents, data: st.DataObject) -> None:
    body = data.draw(generators.user_fields)
    body |= data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                "internal_metadata": generators.objects,
                "enrichments": generators.objects,
                "source_blobs": st.lists(generators.objects, max_size=2),
                "source_details": st.lists(generators.objects, max_size=2),
                "root_object_id": st.sampled_from(["obj_1", "obj_2"]),
                "root_bucket_id": st.sampled_from(["bkt_1", "bkt_2"]),
                "source_document_id": st.sampled_from(["doc_a", "doc_b"]),
                "source_collection_id": st.just("col_a"),
                "lineage_path": generators.texts.filter(bool),
                "document_schema_version": st.sampled_from(["v1", "v2"]),
                "content_hash": generators.texts,
            },
        )
    )
    put_every_view(documents, documents.new(body), VIEWS[::5])

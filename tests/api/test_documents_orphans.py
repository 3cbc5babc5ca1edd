"""Documents whose parent goes, and comes again: what is recorded of them stays, and they link up (contract section 8)."""

from typing import Any

import pytest

from documents.trees import checking
from tests import cast
from tests.api.places import Documents
from tests.cast import Api


@pytest.fixture
def below(api: Api) -> Documents:
    """A second collection."""
    return Documents(api, cast.collection(api))


@pytest.fixture
def family(documents: Documents, below: Documents) -> Documents:
    """doc_top of obj_1; its child doc_mid and grandchild doc_leaf in another collection."""
    documents.create({"document_id": "doc_top", "source_object_id": "obj_1", "root_bucket_id": "bkt_1"})
    below.create({"document_id": "doc_mid", "source_document_id": "doc_top"})
    below.create({"document_id": "doc_leaf", "source_document_id": "doc_mid"})
    return below


def findings() -> list[tuple[str, str | None]]:
    return [(one.kind, one.document_id) for batch in checking.check() for one in batch.findings]


def lineages(family: Documents) -> list[Any]:
    return [family.lineage(name) for name in ("doc_mid", "doc_leaf")]


def chain_ids(lineage: Any) -> list[Any]:
    return [step.get("document_id") for step in lineage["chain"]]


def test_a_parent_that_is_created_again_takes_its_children_back(documents: Documents, family: Documents) -> None:
    before = lineages(family)
    documents.delete("doc_top")
    assert lineages(family) == before
    assert findings() == [("orphan", "doc_mid")]
    documents.create({"document_id": "doc_top", "source_object_id": "obj_1", "root_bucket_id": "bkt_1"})
    after = lineages(family)
    assert [{**one, "chain": None} for one in after] == [{**one, "chain": None} for one in before]
    assert chain_ids(after[1]) == ["doc_top", "doc_mid", None]
    assert findings() == []


def test_it_may_come_from_elsewhere_and_in_another_collection(documents: Documents, family: Documents) -> None:
    documents.delete("doc_top")
    other = Documents(documents.api, cast.collection(documents.api))
    other.create({"document_id": "doc_top", "source_object_id": "obj_2", "root_bucket_id": "bkt_2"})
    mid, leaf = lineages(family)
    assert (mid["root_object_id"], mid["source_collection_id"]) == ("obj_2", other.collection)
    assert leaf["path"] == f"bkt_2/{other.collection}/{family.collection}/{family.collection}"
    assert findings() == []


def test_the_middle_of_a_chain_may_go_and_come_under_another_parent(documents: Documents, family: Documents) -> None:
    documents.create({"document_id": "doc_other", "source_object_id": "obj_2", "root_bucket_id": "bkt_2"})
    before = family.lineage("doc_leaf")
    family.delete("doc_mid")
    documents.patch("doc_top", {"source_object_id": "obj_9", "source_type": "bucket"})
    assert family.lineage("doc_leaf") == before
    family.create({"document_id": "doc_mid", "source_document_id": "doc_other"})
    assert family.lineage("doc_leaf")["root_object_id"] == "obj_2"
    assert chain_ids(family.lineage("doc_leaf")) == ["doc_other", "doc_mid", None]
    assert findings() == []


def test_it_may_not_come_below_what_waits_for_it(documents: Documents, family: Documents) -> None:
    before = lineages(family)
    documents.delete("doc_top")
    assert documents.post({"document_id": "doc_top", "source_document_id": "doc_leaf"}).status_code == 422
    assert lineages(family) == before


def test_orphans_can_be_given_another_parent(documents: Documents, family: Documents) -> None:
    documents.delete("doc_top")
    made = documents.new({"source_object_id": "obj_2", "root_bucket_id": "bkt_2"})
    assert family.patch("doc_mid", {"source_document_id": made}).status_code == 200
    assert [one["root_object_id"] for one in lineages(family)] == ["obj_2", "obj_2"]
    assert findings() == []


def test_a_deleted_collection_leaves_orphans_with_their_record(documents: Documents, family: Documents) -> None:
    before = lineages(family)
    documents.api.delete(f"/v1/collections/{documents.collection}")
    assert lineages(family) == before
    assert findings() == [("orphan", "doc_mid")]
    made = family.new({"source_document_id": "doc_mid"})
    assert family.lineage(made)["root_object_id"] == "obj_1"
    assert family.new({"source_document_id": "doc_top", "root_object_id": "obj_5"})  # nobody is there to contradict


def test_an_id_of_a_deleted_collection_is_a_parent_again_when_it_is_used_anew(documents: Documents, family: Documents) -> None:
    documents.api.delete(f"/v1/collections/{documents.collection}")
    family.create({"document_id": "doc_top", "source_object_id": "obj_3", "root_bucket_id": "bkt_3"})
    assert [one["root_object_id"] for one in lineages(family)] == ["obj_3", "obj_3"]
    assert lineages(family)[0]["source_collection_id"] == family.collection
    assert findings() == []


def test_neither_a_move_nor_a_cascade_goes_through_a_deleted_collection(documents: Documents, below: Documents) -> None:
    documents.create({"document_id": "doc_top", "source_object_id": "obj_1", "root_bucket_id": "bkt_1"})
    below.create({"document_id": "doc_hidden", "source_document_id": "doc_top"})
    documents.create({"document_id": "doc_leaf", "source_document_id": "doc_hidden"})
    before = documents.lineage("doc_leaf")
    documents.api.delete(f"/v1/collections/{below.collection}")
    documents.patch("doc_top", {"source_object_id": "obj_2", "source_type": "bucket"})
    assert documents.lineage("doc_leaf") == before
    assert documents.patch("doc_top", {"source_document_id": "doc_leaf"}).status_code == 200  # which is not below it any more
    assert documents.delete("doc_top", "?on_children=cascade").status_code == 200
    assert documents.lineage("doc_leaf") == before
    assert findings() == [("orphan", "doc_leaf")]


def test_an_object_deleted_with_cascade_takes_its_whole_tree(api: Api, documents: Documents, below: Documents) -> None:
    bucket = cast.bucket(api)
    thing, other = cast.bucket_object(api, bucket), cast.bucket_object(api, bucket)
    top = documents.new({"source_object_id": thing})
    leaf = below.new({"source_document_id": below.new({"source_document_id": top})})
    kept = documents.new({"source_object_id": other})
    assert api.delete(f"/v1/buckets/{bucket}/objects/{thing}?cascade=true").status_code == 204
    assert [api.get(f"/v1/documents/{name}").status_code for name in (top, leaf, kept)] == [404, 404, 200]
    assert findings() == []


def test_an_object_deleted_alone_leaves_its_documents_as_they_are(api: Api, documents: Documents) -> None:
    bucket = cast.bucket(api)
    thing = cast.bucket_object(api, bucket)
    top = documents.new({"source_object_id": thing})
    before = documents.lineage(top)
    api.delete(f"/v1/buckets/{bucket}/objects/{thing}")
    assert documents.lineage(top) == before
    assert findings() == []  # a document without a parent document is no orphan

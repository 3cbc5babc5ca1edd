"""DELETE of one document, and what becomes of its children (contract section 6)."""

import pytest

from tests import cast
from tests.api.places import Documents
from tests.cast import Api


@pytest.fixture
def family(api: Api, documents: Documents) -> Documents:
    """doc_root, its children doc_a and doc_b, and doc_a's child doc_leaf, in three collections."""
    documents.create({"document_id": "doc_root", "source_object_id": "obj_1", "root_bucket_id": "bkt_1"})
    second, third = Documents(api, cast.collection(api)), Documents(api, cast.collection(api))
    second.create({"document_id": "doc_a", "source_document_id": "doc_root"})
    second.create({"document_id": "doc_b", "source_document_id": "doc_root"})
    third.create({"document_id": "doc_leaf", "source_document_id": "doc_a"})
    return documents


def stored(api: Api) -> set[str]:
    names = ("doc_root", "doc_a", "doc_b", "doc_leaf")
    return {name for name in names if api.get(f"/v1/documents/{name}").status_code == 200}


def test_a_deleted_document_is_gone(documents: Documents) -> None:
    made = documents.new()
    response = documents.delete(made)
    assert (response.status_code, response.json()) == (200, {"message": "Successfully deleted", "success": True})
    assert documents.api.get(documents.url(made)).status_code == 404


@pytest.mark.parametrize("mode", ["", "?on_children=detach", "?on_children=restrict", "?on_children=cascade"])
def test_deleting_what_is_missing_is_not_found(documents: Documents, mode: str) -> None:
    assert documents.delete("doc_nowhere", mode).status_code == 404


def test_children_stay_and_keep_what_is_recorded(api: Api, family: Documents) -> None:
    before = api.get("/v1/documents/doc_leaf").json()
    family.delete("doc_root")
    assert stored(api) == {"doc_a", "doc_b", "doc_leaf"}
    assert api.get("/v1/documents/doc_leaf").json() == before
    assert api.get("/v1/documents/doc_a").json()["_internal"]["lineage"]["root_object_id"] == "obj_1"


def test_restrict_refuses_while_there_are_children_and_counts_them(api: Api, family: Documents) -> None:
    response = family.delete("doc_root", "?on_children=restrict")
    assert (response.status_code, response.error) == (409, "ConflictError")
    details = response.json()["error"]["details"]
    assert details["children"] == 2
    assert list(details["by_collection"].values()) == [2]
    assert stored(api) == {"doc_root", "doc_a", "doc_b", "doc_leaf"}


def test_restrict_deletes_what_has_no_children(documents: Documents) -> None:
    assert documents.delete(documents.new(), "?on_children=restrict").status_code == 200


def test_cascade_takes_the_subtree(api: Api, family: Documents) -> None:
    collection = api.get("/v1/documents/doc_a").json()["collection_id"]
    assert Documents(api, collection).delete("doc_a", "?on_children=cascade").status_code == 200
    assert stored(api) == {"doc_root", "doc_b"}
    assert family.delete("doc_root", "?on_children=cascade").status_code == 200
    assert stored(api) == set()


def test_cascade_with_a_stale_precondition_takes_nothing(api: Api, family: Documents) -> None:
    assert family.delete("doc_root", "?on_children=cascade", If_Match='"1-native"').status_code == 412
    assert stored(api) == {"doc_root", "doc_a", "doc_b", "doc_leaf"}


def test_an_unknown_mode_is_refused(documents: Documents) -> None:
    made = documents.new()
    assert documents.delete(made, "?on_children=orphan").faults == ["query.on_children"]
    assert documents.delete(made, "?children=detach").faults == ["query.children"]
    assert documents.get(made)


def test_the_twin_does_not_delete(api: Api, documents: Documents) -> None:
    response = api.delete(f"/v1/documents/{documents.new()}")
    assert response.status_code == 405
    assert "DELETE" not in response.headers["Allow"]

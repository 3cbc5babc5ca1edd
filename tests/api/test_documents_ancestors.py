"""`…/ancestors`: what a document was made from, the root's document first (contract section 8)."""

import pytest

from namespaces import services
from tests import cast
from tests.api.lineages import Walk, plant, rewire
from tests.api.places import Documents
from tests.cast import Api


@pytest.fixture
def chain(api: Api, documents: Documents) -> Documents:
    """a, made from an object; b in another collection from it; c, d and e below; and a sibling of c."""
    others = Documents(api, cast.collection(api))
    documents.create({"document_id": "a", "source_object_id": "obj_1"})
    others.create({"document_id": "b", "source_document_id": "a"})
    plant(documents, {"c": "b", "sibling": "b", "d": "c", "e": "d"})
    return documents


def above(documents: Documents, document_id: str, query: str = "") -> Walk:
    return Walk(documents.api, documents.url(document_id, f"/ancestors{query}"))


def test_they_come_root_first_without_the_document_itself(chain: Documents) -> None:
    assert above(chain, "e").ids() == ["a", "b", "c", "d"]
    assert above(chain, "sibling").ids() == ["a", "b"]
    assert above(chain, "a").ids() == []


def test_they_are_what_expand_gives(chain: Documents) -> None:
    found = above(chain, "e").answer().json()
    assert found == chain.get("e", "?expand=ancestors")["_expanded"]["ancestors"]
    assert chain.api.get("/v1/documents/e?expand=ancestors").json()["_expanded"]["ancestors"] == found
    assert found[1]["collection_id"] != chain.collection


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_pages_are_linked_until_the_last(chain: Documents, limit: int) -> None:
    pages = list(above(chain, "e", f"?limit={limit}").pages())
    assert [name for page in pages for name in page] == ["a", "b", "c", "d"]
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert len(pages) == -(-4 // limit)


def test_renderings_and_vectors(chain: Documents) -> None:
    (first, *_) = above(chain, "e", "?schema_version=v1&return_vector_names=true").answer().json()
    assert first["lineage"]["root_object_id"] == "obj_1"
    assert first["_vectors"] == []


def test_without_a_stored_parent_there_are_none(documents: Documents) -> None:
    documents.create({"document_id": "alone"})
    documents.create({"document_id": "waiting", "source_document_id": "nowhere", "root_object_id": "obj_sent"})
    plant(documents, {"below": "waiting"})
    assert above(documents, "alone").ids() == above(documents, "waiting").ids() == []
    assert above(documents, "below").ids() == ["waiting"]


def test_a_deleted_document_and_a_deleted_collection_end_the_way(api: Api, chain: Documents) -> None:
    others = api.get("/v1/documents/b").json()["collection_id"]
    services.delete_collection(scope=api.scope, collection_identifier=others)
    assert above(chain, "e").ids() == ["c", "d"]
    chain.delete("c")
    assert above(chain, "e").ids() == ["d"]


def test_what_another_namespace_has_is_absent(chain: Documents) -> None:
    foreign = cast.api()
    theirs = Documents(foreign, cast.collection(foreign))
    theirs.create({"document_id": "x", "source_document_id": "d"})
    assert above(theirs, "x").ids() == []
    assert foreign.get(chain.url("e", "/ancestors")).status_code == 404
    assert foreign.get(theirs.url("e", "/ancestors")).status_code == 404


def test_a_circle_is_gone_through_once(documents: Documents) -> None:
    """The server refuses such a move; rows that were written past it must not hold up a read."""
    plant(documents, {"a": None, "b": "a", "c": "b", "d": "b", "self": "x"})
    rewire(documents, {"a": "c", "self": "self"})
    assert above(documents, "a").ids() == ["b", "c"]
    assert above(documents, "d").ids() == ["c", "a", "b"]
    assert above(documents, "self").ids() == []


def test_fifty_levels(documents: Documents) -> None:
    names = [f"level_{number}" for number in range(51)]
    plant(documents, dict(zip(names, [None, *names[:-1]], strict=True)))
    for limit in (1000, 7):
        assert above(documents, names[-1], f"?limit={limit}").ids() == names[:-1]


def test_what_stays_is_met_once_while_the_top_is_cut_off(chain: Documents) -> None:
    cursor = above(chain, "e", "?limit=2").cursor()
    chain.delete("a")
    assert above(chain, "e", f"?cursor={cursor}").ids() == ["c", "d"]
    chain.create({"document_id": "top"})
    chain.create({"document_id": "a", "source_document_id": "top"})
    assert above(chain, "e", f"?cursor={cursor}").ids() == ["c", "d"]
    assert above(chain, "e").ids() == ["top", "a", "b", "c", "d"]

"""First-level documents of a root object side by side: few among many others of their collection, or many."""

import pytest

from documents.trees import around
from mixpeek_site import sql
from tests.admin.staff import Place
from tests.domain.test_document_plans import rows_read

pytestmark = pytest.mark.django_db

BELOW = 3000


@pytest.fixture
def place() -> Place:
    """Ten documents of the object, and thousands that were made from the first, in the same collection."""
    place = Place()
    for number in range(10):
        place.first("obj_1", f"doc_{number}")
    sql.run(
        "INSERT INTO documents_document (id, document_id, payload, internal_metadata, system, source_blobs, document_blobs,"
        " version, created_at, updated_at, collection_id, namespace_id) SELECT gen_random_uuid(), 'below_' || n, '{}', '{}',"
        " '{}', '[]', '[]', 1, d.created_at, d.created_at, d.collection_id, d.namespace_id"
        " FROM documents_document d, generate_series(1, %s) n WHERE d.namespace_id = %s AND d.document_id = 'doc_5'",
        (BELOW, place.pk),
    )
    sql.run(
        "INSERT INTO documents_lineagestep (id, source_type, source_document_id, root_object_id, tier, collection_id,"
        " namespace_id, created_at) SELECT d.id, 'collection', 'doc_0', 'obj_1', 2, d.collection_id, d.namespace_id,"
        " d.created_at FROM documents_document d WHERE d.namespace_id = %s AND d.document_id LIKE 'below%%'",
        (place.pk,),
    )
    sql.run("ANALYZE documents_document, documents_lineagestep")
    return place


def beside(place: Place) -> tuple[list[str], list[str]]:
    found = around.path(place.pk, "doc_5", None, 1)
    assert found is not None
    siblings = around.siblings(place.pk, found.document)
    assert (siblings.more_before, siblings.more_after) == (True, False)
    return [each.document_id for each in siblings.before], [each.document_id for each in siblings.after]


def test_few_siblings_are_found_without_a_walk_through_what_is_below_them(place: Place) -> None:
    found = around.path(place.pk, "doc_5", None, 1)
    assert found is not None
    before = rows_read("documents_lineagestep")
    around.siblings(place.pk, found.document)
    assert rows_read("documents_lineagestep") - before < 100


@pytest.mark.parametrize("few", [1, 500])
def test_many_siblings_are_met_in_the_order_of_creation_as_few_are(
    place: Place, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(around, "_OF_ROOT", around._OF_ROOT.replace("<= 500", f"<= {few}"))
    assert beside(place) == (["doc_1", "doc_2", "doc_3", "doc_4"], ["doc_6", "doc_7", "doc_8", "doc_9"])

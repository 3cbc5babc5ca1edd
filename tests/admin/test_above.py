"""What pages say is above a document: nothing, a parent that is not stored, a circle, or more than is shown."""

import re
from collections.abc import Iterable

import pytest
from django.test import Client

from documents.trees import climbing, finding
from mixpeek_site import sql
from tests import cast
from tests.admin import staff
from tests.admin.staff import Place

pytestmark = pytest.mark.django_db

MISSING = "parent, not stored"
NOT_SHOWN = "is stored, and not shown here"


@pytest.fixture
def client() -> Client:
    return staff.superuser()


@pytest.fixture
def place() -> Place:
    """obj_1 has doc_0, which has doc_1, and so on."""
    place = Place()
    parent = place.first("obj_1", "doc_0")
    for number in range(1, 5):
        parent = place.child(parent, f"doc_{number}")
    return place


def close(place: Place, top: str, below: str) -> None:
    """Written past the services, which refuse it."""
    sql.run(
        "UPDATE documents_lineagestep l SET source_document_id = %s, source_type = 'collection' FROM documents_document d"
        " WHERE d.namespace_id = l.namespace_id AND d.id = l.id AND l.namespace_id = %s AND d.document_id = %s",
        (below, place.pk, top),
    )


@pytest.mark.parametrize("shown", [1, 3, 4])
def test_a_chain_that_is_cut_says_that_there_is_more(
    client: Client, place: Place, monkeypatch: pytest.MonkeyPatch, shown: int
) -> None:
    monkeypatch.setattr(climbing, "MAX_DEPTH", shown)
    page = staff.get(client, f"/document/{place.pk}/doc_4/")
    tree = staff.get(client, f"/tree/{place.pk}/obj_1/?at=doc_4")
    assert MISSING not in page
    assert ("and what is above" in page) == (shown < 4)
    assert (NOT_SHOWN in tree) == (shown < 4)
    assert tree.count('class="node') == shown + 1
    if shown < 4:
        assert f'/admin/document/{place.pk}/doc_{3 - shown}/"><small>and what is above' in page
        assert f"?at=doc_{3 - shown}#documents" in tree


def test_a_missing_parent_is_said_where_the_chain_is_not_cut(
    client: Client, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    close(place, "doc_0", "doc_gone")
    monkeypatch.setattr(climbing, "MAX_DEPTH", 4)
    assert MISSING in staff.get(client, f"/document/{place.pk}/doc_4/")
    assert NOT_SHOWN not in staff.get(client, f"/tree/{place.pk}/obj_1/?at=doc_4")


@pytest.mark.parametrize(("top", "below"), [("doc_0", "doc_4"), ("doc_2", "doc_3"), ("doc_1", "doc_1")])
def test_a_circle_is_no_missing_parent(client: Client, place: Place, top: str, below: str) -> None:
    close(place, top, below)
    for number in range(int(top[-1]), 5):
        page = staff.get(client, f"/document/{place.pk}/doc_{number}/")
        assert MISSING not in page
        assert "a circle</small>" in page
        tree = staff.get(client, f"/tree/{place.pk}/obj_1/?at=doc_{number}")
        assert "These documents come from one another" in tree


def test_an_object_without_a_status_is_pending_on_its_page_as_in_its_list(client: Client, place: Place) -> None:
    cast.bucket_object(place.api, place.bucket, "obj_1")
    for path in (f"/tree/{place.pk}/obj_1/", "/namespaces/bucketobject/"):
        assert 'data-status="PENDING">pending<' in staff.get(client, path)


def test_a_status_that_is_no_text_is_none_on_every_page(client: Client, place: Place) -> None:
    place.first("obj_2", "doc_x", internal_metadata={"ingestion_status": 5})
    for path in (f"/tree/{place.pk}/obj_2/", f"/document/{place.pk}/doc_x/", f"/documents/document/?namespace={place.pk}"):
        assert 'data-status="5"' not in staff.get(client, path)


def test_a_search_reads_the_titles_that_it_shows(client: Client, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = place.document("doc_5", source_document_id="doc_4", source_collection_id=place.collection)
    place.child(parent, "doc_deep", title="deep")
    read: list[str] = []

    def noted(namespace_id: int, document_ids: Iterable[str]) -> dict[str, str]:
        read.extend(document_ids)
        return {}

    monkeypatch.setattr(finding, "titles", noted)
    page = staff.words(staff.get(client, f"/tree/{place.pk}/obj_1/search/?q=deep"))
    assert re.search(r"doc_0 \S doc_1 \S … \S doc_4 \S doc_5 \S deep", page)
    assert read == ["doc_0", "doc_1", "doc_4", "doc_5"]

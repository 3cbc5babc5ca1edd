"""The page of what contradicts in a namespace's lineage: what it finds, part by part, and repairing it."""

import re

import pytest
from django.test import Client

from documents.admin import lineage
from documents.trees import checking
from mixpeek_site import sql
from namespaces.admin import audit
from namespaces.models import AuditEntry
from tests.admin import staff
from tests.admin.staff import Place
from tests.admin.test_above import close
from tests.admin.test_list_filters import bound

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return staff.superuser()


@pytest.fixture
def place() -> Place:
    """A video with five scenes, and a document whose parent is not stored."""
    place = Place()
    video = place.first("obj_1", "doc_video")
    for number in range(5):
        place.child(video, f"doc_scene_{number}")
    place.document("doc_lost", source_collection_id=place.collection, source_document_id="doc_gone")
    return place


def path(place: Place) -> str:
    return f"/lineage/{place.pk}/"


def contradict(place: Place, *names: str) -> None:
    sql.run(
        "UPDATE documents_lineagestep l SET path = 'wrong', tier = 9 FROM documents_document d WHERE d.namespace_id ="
        " l.namespace_id AND d.id = l.id AND l.namespace_id = %s AND d.document_id = ANY(%s)",
        (place.pk, list(names)),
    )


def contradictions(place: Place) -> set[str | None]:
    found = (one for batch in checking.check(place.pk) for one in batch.findings)
    return {one.document_id for one in found if one.kind != checking.ORPHAN}


def until(page: str) -> str:
    found = re.search(r'name="until" value="([^"]+)"', page)
    assert found
    return found[1]


def test_what_agrees_is_said_to_agree(client: Client, place: Place) -> None:
    page = staff.get(client, path(place))
    assert "Nothing contradicts: all 7 documents with lineage agree with their parents." in staff.words(page)
    assert "doc_lost" not in page
    assert "<form method" not in page.partition('id="content"')[2]


def test_what_contradicts_is_shown_with_what_it_should_be_and_repaired(client: Client, place: Place) -> None:
    contradict(place, "doc_scene_1", "doc_scene_3")
    page = staff.get(client, path(place))
    assert "<dt>tier</dt><dd><del>9</del>" in page
    assert "<ins>2</ins>" in page
    staff.post(client, path(place), {"until": until(page)})
    assert contradictions(place) == set()
    assert "2 documents were repaired" in staff.get(client, path(place))
    entries = AuditEntry.objects.filter(namespace_number=place.pk)
    assert {(each.kind, each.subject, each.changes["lineage"]) for each in entries} == {
        ("document", "doc_scene_1", "repaired"),
        ("document", "doc_scene_3", "repaired"),
    }


def test_a_page_repairs_what_it_showed_and_goes_on(client: Client, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "SHOWN", 2)
    names = [f"doc_scene_{number}" for number in range(5)]
    contradict(place, *names)
    first = staff.get(client, path(place))
    assert [name for name in names if f">{name}<" in first] == names[:2]
    onwards = re.search(r'<a href="([^"]+)" rel="next">Go on', first)
    assert onwards
    second = staff.get(client, path(place) + onwards[1])
    assert [name for name in names if f">{name}<" in second] == names[2:4]
    staff.post(client, path(place) + onwards[1], {"until": until(second)})
    assert contradictions(place) == {"doc_scene_0", "doc_scene_1", "doc_scene_4"}


def test_a_look_ends_when_its_time_is_up(client: Client, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "SECONDS", 0)
    monkeypatch.setattr(checking, "BATCH", 3)
    contradict(place, "doc_scene_4")
    page = staff.get(client, path(place))
    seen = 1
    while "doc_scene_4" not in page:
        assert "Nothing contradicts among the 3 documents with lineage looked at so far." in staff.words(page)
        onwards = re.search(r'<a href="([^"]+)" rel="next">Go on', page)
        assert onwards
        page, seen = staff.get(client, path(place) + onwards[1]), seen + 1
    assert seen == 2


def test_a_circle_is_told_and_left_to_staff(client: Client, place: Place) -> None:
    close(place, "doc_video", "doc_scene_1")
    page = staff.words(staff.get(client, path(place)))
    assert "doc_video circle It comes from itself: doc_video ← doc_scene_1 ← doc_video . Say where it comes from…" in page
    assert f"/admin/document/{place.pk}/doc_video/source/" in staff.get(client, path(place))
    tree = staff.get(client, f"/tree/{place.pk}/obj_1/")
    assert "they come from one another, in a circle" in tree
    assert "Nothing is here" not in tree
    assert f"/admin/lineage/{place.pk}/" in tree


def test_what_is_not_recorded_is_not_repaired(client: Client, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    contradict(place, "doc_scene_1")
    monkeypatch.setattr(audit, "record_many", fail)
    staff.post(client, path(place), {}, 500)
    assert contradictions(place) == {"doc_scene_1"}


def test_readers_see_and_repair_nothing(place: Place) -> None:
    contradict(place, "doc_scene_1")
    reader = staff.viewer()
    page = staff.get(reader, path(place))
    assert "doc_scene_1" in page
    assert "Repair" not in page
    staff.post(reader, path(place), {}, 403)
    assert contradictions(place) == {"doc_scene_1"}
    assert f"/admin/lineage/{place.pk}/" in staff.get(reader, "/")


def test_staff_without_a_permission_see_nothing(place: Place) -> None:
    client = staff.staff("view_namespace")
    staff.get(client, path(place), 403)
    assert "/admin/lineage/" not in staff.get(client, "/")


def test_a_stray_step_of_a_foreign_document_is_not_for_bound_staff(place: Place) -> None:
    foreign = Place()
    foreign.first("obj_1", "doc_theirs")
    sql.run("SET CONSTRAINTS ALL IMMEDIATE")
    sql.run("ALTER TABLE documents_lineagestep DROP CONSTRAINT lineage_document")
    sql.run("UPDATE documents_lineagestep SET namespace_id = %s WHERE namespace_id = %s", (place.pk, foreign.pk))
    contradict(place, "doc_scene_1")
    client = bound(place, permissions=("view_document", "change_document"))
    page = staff.get(client, path(place))
    assert "doc_theirs" not in page
    assert "Repair 1</button>" in page
    assert "is repaired by staff who reach every namespace" in page
    staff.post(client, path(place), {})
    assert contradictions(place) == {None}
    staff.post(client, path(foreign), {}, 404)
    staff.post(staff.superuser(), path(place), {})
    assert contradictions(place) == contradictions(foreign) == set()

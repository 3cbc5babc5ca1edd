"""Giving a document another source in the admin: what moves, what is refused, what is recorded."""

import pytest
from django.test import Client

from documents.queries import document
from namespaces.models import AuditEntry
from tests.admin import staff
from tests.admin.staff import Place

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return staff.superuser()


@pytest.fixture
def tree() -> Place:
    """Two trees: obj_1 with a video, a scene and a frame, obj_2 with a video."""
    place = Place()
    place.child(place.child(place.first("obj_1", "doc_video"), "doc_scene"), "doc_frame")
    place.first("obj_2", "doc_other")
    return place


def move(client: Client, place: Place, kind: str, source: str, status: int = 302, **data: str) -> str:
    version = document(place.scope, None, "doc_scene").version
    given = {"version": version, "kind": kind, "source": source, **data}
    return staff.post(client, f"/document/{place.pk}/doc_scene/source/", given, status)


def source_of(place: Place, document_id: str) -> tuple[str | None, str | None]:
    stored = document(place.scope, None, document_id)
    return stored.root_object_id, stored.source_document_id


def test_how_many_move_is_said_first(client: Client, tree: Place) -> None:
    page = staff.words(staff.get(client, f"/document/{tree.pk}/doc_scene/source/"))
    assert "It moves with everything below it: 1 document" in page


def test_the_subtree_moves_along(client: Client, tree: Place) -> None:
    move(client, tree, "document", "doc_other")
    assert source_of(tree, "doc_scene") == ("obj_2", "doc_other")
    assert source_of(tree, "doc_frame") == ("obj_2", "doc_scene")
    assert AuditEntry.objects.get().changes == {"source_before": "doc_video", "source": "doc_other", "moved_along": 1}


def test_a_move_counts_what_moves_along_while_it_moves_it(client: Client, tree: Place) -> None:
    with staff.statements() as asked:
        move(client, tree, "document", "doc_other")
    below = [each for each in asked if "WITH RECURSIVE" in each and "orphaned" in each]
    assert not below  # others of the namespace would wait for a second count


def test_it_becomes_the_top_of_an_object_s_tree(client: Client, tree: Place) -> None:
    move(client, tree, "object", "obj_3")
    assert source_of(tree, "doc_scene") == ("obj_3", None)
    assert source_of(tree, "doc_frame") == ("obj_3", "doc_scene")


def test_a_cycle_is_refused(client: Client, tree: Place) -> None:
    assert "Nothing moved" in move(client, tree, "document", "doc_frame", 409)
    assert source_of(tree, "doc_scene") == ("obj_1", "doc_video")
    assert not AuditEntry.objects.exists()


def test_a_parent_that_is_not_stored_takes_a_second_word(client: Client, tree: Place) -> None:
    Place().document("doc_theirs")  # of another namespace, so not stored here
    page = move(client, tree, "document", "doc_theirs", 409)
    assert "No document doc_theirs is stored" in page
    assert 'name="unstored"' in page
    assert source_of(tree, "doc_scene") == ("obj_1", "doc_video")
    move(client, tree, "document", "doc_theirs", unstored="yes")
    assert source_of(tree, "doc_scene")[1] == "doc_theirs"


@pytest.mark.parametrize(("kind", "source"), [("", "doc_other"), ("bucket", "x"), ("document", " "), ("object", "x" * 600)])
def test_what_names_no_source_moves_nothing(client: Client, tree: Place, kind: str, source: str) -> None:
    move(client, tree, kind, source, 409)
    assert source_of(tree, "doc_scene") == ("obj_1", "doc_video")


def test_a_page_that_is_out_of_date_moves_nothing(client: Client, tree: Place) -> None:
    assert "Somebody changed the document" in move(client, tree, "document", "doc_other", 409, version="1")

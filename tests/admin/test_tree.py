"""The page of a root object: its stages, its documents one level at a time, deep links, what it costs."""

import re

import pytest
from django.test import Client

from documents import services as document_services
from documents import tree_queries
from namespaces import services
from tests import cast
from tests.admin import staff
from tests.admin.staff import Place

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return staff.superuser()


@pytest.fixture
def place() -> Place:
    return Place()


def nodes(page: str) -> list[str]:
    """Ids of the nodes shown, top to bottom."""
    return re.findall(r'<li class="node[^"]*" data-id="([^"]+)"', page)


def nodes_path(place: Place, object_id: str, **query: str) -> str:
    return f"/tree/{place.pk}/{object_id}/nodes/?" + "&".join(f"{name}={value}" for name, value in query.items())


def more(page: str) -> str | None:
    """The address of the next fragment."""
    found = re.search(r'data-url="/admin([^"]+)">Next 50', page)
    return found and found[1]


def test_a_registered_object_shows_itself_and_its_bucket(client: Client, place: Place) -> None:
    cast.bucket_object(place.api, place.bucket, "obj_1", title="Harbour at Dawn", reel=7)
    page = staff.words(staff.get(client, f"/tree/{place.pk}/obj_1/"))
    assert "Harbour at Dawn" in page
    assert '"reel" : 7' in page
    assert "No document was made from this object yet" in page


def test_a_root_that_documents_only_name_has_a_tree(client: Client, place: Place) -> None:
    place.first("obj_elsewhere", "doc_1")
    page = staff.get(client, f"/tree/{place.pk}/obj_elsewhere/")
    assert "not registered as an object" in page
    assert nodes(page) == ["doc_1"]


def test_a_root_that_nobody_knows_is_not_found(client: Client, place: Place) -> None:
    staff.get(client, f"/tree/{place.pk}/obj_1/", 404)
    staff.get(client, "/tree/0/obj_1/", 404)


@pytest.mark.parametrize("root", ["a/b", "..", "s3://bucket/key?x=1#y", "ü ✓", "~x", "a b%20c"])
def test_a_root_may_be_any_text(client: Client, place: Place, root: str) -> None:
    from namespaces.admin.urls import tree_url

    place.first(root, "doc_1")
    assert nodes(staff.get(client, tree_url(place.pk, root).removeprefix("/admin"))) == ["doc_1"]


@pytest.mark.parametrize("path", ["~", "~!", "~_w", "~====", "a" * 200])
def test_what_is_no_reference_is_not_found(client: Client, place: Place, path: str) -> None:
    staff.get(client, f"/tree/{place.pk}/{path}/", 404)


def test_stages_count_documents_statuses_and_orphans(client: Client, place: Place) -> None:
    scenes = cast.collection(place.api, "scenes", feature_extractor={"feature_extractor_name": "scene_detector", "version": "v3"})
    video = place.first("obj_1", internal_metadata={"ingestion_status": "COMPLETED"})
    for status in ("COMPLETED", "COMPLETED", "FAILED"):
        place.child(video, collection=scenes, internal_metadata={"ingestion_status": status})
    place.document(collection=scenes, root_object_id="obj_1", source_type="collection", source_document_id="doc_later")
    root = tree_queries.root(place.pk, "obj_1")
    assert root is not None
    assert [(stage.documents, stage.tier, stage.orphans, stage.statuses) for stage in root.stages] == [
        (1, 1, 0, {"COMPLETED": 1}),
        (1, 1, 1, {"UNKNOWN": 1}),
        (3, 2, 0, {"FAILED": 1, "COMPLETED": 2}),
    ]
    page = staff.words(staff.get(client, f"/tree/{place.pk}/obj_1/"))
    assert "scene_detector_v3" in page
    assert "failed 1 completed 2" in page


def test_levels_open_one_at_a_time(client: Client, place: Place) -> None:
    video = place.first("obj_1", "doc_video")
    scene = place.child(video, "doc_scene")
    place.child(scene, "doc_frame")
    assert nodes(staff.get(client, f"/tree/{place.pk}/obj_1/")) == ["doc_video"]
    assert nodes(staff.get(client, nodes_path(place, "obj_1", of="doc_video"))) == ["doc_scene"]
    assert nodes(staff.get(client, nodes_path(place, "obj_1", of="doc_scene"))) == ["doc_frame"]


def test_a_node_tells_how_many_children_it_has(client: Client, place: Place) -> None:
    video = place.first("obj_1")
    for _ in range(3):
        place.child(video)
    assert '<span class="count" title="children">3</span>' in staff.get(client, f"/tree/{place.pk}/obj_1/")


def test_children_are_counted_no_further_than_a_bound(client: Client, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from documents.templatetags.store_numbers import bounded

    assert (bounded(1000), bounded(1001)) == ("1,000", "1,000+")


def test_siblings_come_in_parts_and_each_once(client: Client, place: Place) -> None:
    video = place.first("obj_1", "doc_video")
    made = [place.child(video).document_id for _ in range(120)]
    path: str | None = nodes_path(place, "obj_1", of="doc_video")
    shown: list[list[str]] = []
    while path:
        page = staff.get(client, path)
        shown.append(nodes(page))
        path = more(page)
    assert [len(part) for part in shown] == [50, 50, 20]
    assert [id for part in shown for id in part] == made


def test_a_link_opens_the_tree_at_a_document(client: Client, place: Place) -> None:
    video = place.first("obj_1", "doc_video")
    place.first("obj_1", "doc_other_video")
    scene = place.child(video, "doc_scene")
    place.child(video, "doc_other_scene")
    place.child(scene, "doc_frame")
    page = staff.get(client, f"/tree/{place.pk}/obj_1/?at=doc_scene")
    assert nodes(page) == ["doc_video", "doc_scene", "doc_frame"]
    assert staff.words(page).count("Show all 2 at this level") == 2


def test_a_document_of_another_tree_is_not_found_in_this_one(client: Client, place: Place) -> None:
    place.first("obj_1")
    place.first("obj_2", "doc_2")
    staff.get(client, f"/tree/{place.pk}/obj_1/?at=doc_2", 404)
    staff.get(client, f"/tree/{place.pk}/obj_1/?at=doc_x", 404)


def test_orphans_have_a_level_of_their_own(client: Client, place: Place) -> None:
    place.first("obj_1", "doc_video")
    place.document("doc_orphan", root_object_id="obj_1", source_type="collection", source_document_id="doc_later")
    place.document("doc_below", source_document_id="doc_orphan", source_collection_id=place.collection)
    page = staff.get(client, f"/tree/{place.pk}/obj_1/")
    assert "1 document names a parent that is not stored" in staff.words(page)
    assert nodes(page) == ["doc_video"]
    assert nodes(staff.get(client, f"/tree/{place.pk}/obj_1/?group=orphans")) == ["doc_orphan"]
    assert nodes(staff.get(client, f"/tree/{place.pk}/obj_1/?at=doc_below")) == ["doc_orphan", "doc_below"]


def test_a_deleted_collection_leaves_the_tree(client: Client, place: Place) -> None:
    scenes = cast.collection(place.api)
    video = place.first("obj_1", "doc_video")
    place.child(video, "doc_scene", collection=scenes)
    services.delete_collection(scope=place.scope, collection_identifier=scenes)
    page = staff.get(client, f"/tree/{place.pk}/obj_1/")
    assert 'title="children"' not in page
    assert nodes(staff.get(client, nodes_path(place, "obj_1", of="doc_video"))) == []
    root = tree_queries.root(place.pk, "obj_1")
    assert root is not None
    assert root.documents == 1


def test_a_deleted_namespace_has_no_trees(client: Client, place: Place) -> None:
    place.first("obj_1", "doc_1")
    services.delete_namespace(scope=place.scope)
    staff.get(client, f"/tree/{place.pk}/obj_1/", 404)
    assert nodes(staff.get(client, nodes_path(place, "obj_1"))) == []
    assert nodes(staff.get(client, nodes_path(place, "obj_1", of="doc_1"))) == []


def test_the_same_ids_in_another_namespace_are_another_tree(client: Client, place: Place) -> None:
    other = Place()
    for each, title in ((place, "ours"), (other, "theirs")):
        parent = each.first("obj_1", "doc_1", title=f"{title} 1")
        each.child(parent, "doc_2", title=f"{title} 2")
    assert "theirs" not in staff.get(client, f"/tree/{place.pk}/obj_1/?at=doc_2")
    assert "ours" not in staff.get(client, f"/tree/{other.pk}/obj_1/?at=doc_2")
    assert "theirs 2" in staff.get(client, nodes_path(other, "obj_1", of="doc_1"))


def test_what_a_payload_says_is_text(client: Client, place: Place) -> None:
    cast.bucket_object(place.api, place.bucket, "obj_1", title="<script>1</script>")
    place.first("obj_1", title="<script>2</script>", internal_metadata={"ingestion_status": '"><script>3</script>'})
    content = client.get(f"/admin/tree/{place.pk}/obj_1/").content
    assert b"<script>1" not in content
    assert b"<script>2" not in content
    assert b"<script>3" not in content


@pytest.mark.parametrize(
    ("path", "count"),
    [("", 2), ("?at=doc_2", 2), ("?group=orphans", 2), ("nodes/", 1), ("nodes/?of=doc_1", 1)],
)
def test_the_tree_costs_a_fixed_number_of_statements(client: Client, place: Place, path: str, count: int) -> None:
    cast.bucket_object(place.api, place.bucket, "obj_1")
    parent = place.first("obj_1", "doc_1")
    for number in range(2, 30):
        place.child(parent, f"doc_{number}")
    with staff.statements() as asked:
        staff.get(client, f"/tree/{place.pk}/obj_1/{path}")
    assert len(asked) == count


def test_every_statement_names_the_namespace(client: Client, place: Place) -> None:
    place.child(place.first("obj_1", "doc_1"), "doc_2")
    with staff.statements() as asked:
        for path in ("", "?at=doc_2", "?group=orphans", "nodes/", "nodes/?of=doc_1"):
            staff.get(client, f"/tree/{place.pk}/obj_1/{path}")
    assert all("namespace_id = %s" in statement for statement in asked)


def test_impact_counts_what_hangs_on_a_document(place: Place) -> None:
    scenes = cast.collection(place.api, "scenes")
    video = place.first("obj_1")
    for _ in range(2):
        place.child(place.child(video, collection=scenes))
    assert tree_queries.impact(place.pk, video.document_id) == tree_queries.Impact({"scenes": 2}, 4)
    document_services.delete_document(scope=place.scope, collection=None, document_id=video.document_id, on_children="cascade")
    assert tree_queries.root(place.pk, "obj_1") is None

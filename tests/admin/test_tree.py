"""The page of a root object: its stages, its documents one level at a time, deep links, what it costs."""

import re
from typing import Any

import pytest
from django.test import Client

from documents import services as document_services
from documents import tree_queries
from documents.templatetags import store_numbers
from documents.trees import edges, finding
from documents.trees import nodes as tree_nodes
from documents.trees.impact import of_document
from namespaces import services
from namespaces.models import BucketObject, Collection
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
    found = re.search(r'<li class="more later"><a href="[^"]+" data-url="/admin([^"]+)">', page)
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
    assert "⚠ failed 1 completed 2" in page


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
    video = place.first("obj_1")
    for _ in range(5):
        place.child(video)
    limit = f"LIMIT {tree_nodes.COUNTED_CHILDREN + 1})"
    parts = {name: statement.replace(limit, "LIMIT 4)") for name, statement in tree_nodes._PARTS.items()}
    monkeypatch.setattr(tree_nodes, "_PARTS", parts)
    monkeypatch.setattr(store_numbers, "COUNTED_CHILDREN", 3)
    assert tree_nodes.first_level(place.pk, "obj_1").nodes[0].children == 4
    assert '<span class="count" title="children">3+</span>' in staff.get(client, f"/tree/{place.pk}/obj_1/")


def test_a_stage_tells_a_dozen_statuses_and_how_many_others_there_are(client: Client, place: Place) -> None:
    for number in range(40):
        place.first("obj_1", internal_metadata={"ingestion_status": f"STATUS_{number:02}"})
    for number in range(2):
        place.first("obj_1", internal_metadata={"ingestion_status": ("FAILED", "STATUS_39")[number]})
    page = staff.get(client, f"/tree/{place.pk}/obj_1/")
    drawn = page.partition('<svg class="diagram"')[2].partition("</svg></div>")[0]
    assert drawn.count('class="part"') == 13
    assert "1 failed, 2 status_39, 1 status_00" in drawn
    stage = f"/admin/tree/{place.pk}/obj_1/?group={place.collection}.1"
    assert f'<a class="chip" data-status="29 other" href="{stage}#documents">29 other 29</a>' in page
    assert page.count("data-status") < 120


def test_siblings_come_in_parts_and_each_once(client: Client, place: Place) -> None:
    video = place.first("obj_1", "doc_video")
    made = [place.child(video).document_id for _ in range(260)]
    path: str | None = nodes_path(place, "obj_1", of="doc_video")
    shown: list[list[str]] = []
    while path:
        page = staff.get(client, path)
        shown.append(nodes(page))
        path = more(page)
    assert [len(part) for part in shown] == [50, 200, 10]
    assert [id for part in shown for id in part] == made


def test_a_link_opens_the_tree_at_a_document(client: Client, place: Place) -> None:
    video = place.first("obj_1", "doc_video")
    place.first("obj_1", "doc_other_video")
    scene = place.child(video, "doc_scene")
    place.child(video, "doc_other_scene")
    place.child(scene, "doc_frame")
    page = staff.get(client, f"/tree/{place.pk}/obj_1/?at=doc_scene")
    assert nodes(page) == ["doc_video", "doc_scene", "doc_frame", "doc_other_scene", "doc_other_video"]
    assert re.findall(r'class="node here" data-id="([^"]+)"', page) == ["doc_scene"]


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
    place.document("doc_lost", root_object_id="obj_2", source_type="collection", source_document_id="doc_later")
    assert nodes(staff.get(client, f"/tree/{place.pk}/obj_2/")) == ["doc_lost"]  # there is nothing else to show
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


def test_a_document_is_shown_where_it_sits_among_its_siblings(client: Client, place: Place) -> None:
    video = place.first("obj_1", "doc_video")
    made = [place.child(video).document_id for _ in range(300)]
    page = staff.get(client, f"/tree/{place.pk}/obj_1/?at={made[240]}")
    assert nodes(page) == ["doc_video", *made[230:251]]
    words = staff.words(page)
    assert "230 before · show 200" in words
    assert "Show 49 more of 49 after" in words
    assert 'data-place="241" data-total="300"' in page
    earlier = re.search(r'<li class="more earlier"><a href="[^"]+" data-url="/admin([^"]+)">', page)
    assert earlier is not None
    part = staff.get(client, earlier[1])
    assert nodes(part) == made[30:230]
    assert "30 before · show 30" in staff.words(part)


def test_a_way_of_fifty_steps_is_shown(client: Client, place: Place) -> None:
    document = place.first("obj_1", "doc_0")
    for depth in range(1, 50):
        document = place.child(document, f"doc_{depth}")
    assert nodes(staff.get(client, f"/tree/{place.pk}/obj_1/?at=doc_49")) == [f"doc_{depth}" for depth in range(50)]


FAILED: dict[str, Any] = {"internal_metadata": {"ingestion_status": "FAILED"}}


def test_a_failure_is_seen_from_the_root_down(client: Client, place: Place) -> None:
    video = place.first("obj_1", "doc_video")
    place.first("obj_1", "doc_fine")
    scene = place.child(video, "doc_scene")
    for _ in range(2):
        place.child(scene, **FAILED)
    top = staff.get(client, f"/tree/{place.pk}/obj_1/")
    assert re.findall(r'data-spoken="([^"]+)"', top) == [
        f"doc_video, {name(place)}, 1 child, 2 failed below",
        f"doc_fine, {name(place)}",
    ]
    assert "2 failed below" in staff.get(client, nodes_path(place, "obj_1", of="doc_video"))
    assert "failed below" not in staff.get(client, nodes_path(place, "obj_1", of="doc_scene"))


def name(place: Place) -> str:
    return str(Collection.objects.get(public_id=place.collection).name)


def test_next_failed_goes_round_the_failed_documents(client: Client, place: Place) -> None:
    place.first("obj_2", "doc_of_another_root", **FAILED)
    video = place.first("obj_1", "doc_video")
    first, second = (place.child(video, f"doc_failed_{number}", **FAILED).document_id for number in range(2))
    visited = []
    at = ""
    for _ in range(3):
        response = client.get(f"/admin/tree/{place.pk}/obj_1/?failed={at}")
        at = response.headers["Location"].partition("?at=")[2]
        visited.append(at)
    assert visited == [first, second, first]
    assert 'class="node here" data-id="doc_failed_1"' in staff.get(client, nodes_path(place, "obj_1", failed=first))
    staff.get(client, nodes_path(place, "obj_3", failed=""), 404)


def test_the_diagram_weighs_what_was_made_from_what(client: Client, place: Place) -> None:
    scenes, frames = (cast.collection(place.api, f"{each} of edges") for each in ("scenes", "frames"))
    video = place.first("obj_1")
    for _ in range(2):
        scene = place.child(video, collection=scenes)
        for _ in range(3):
            place.child(scene, collection=frames)
    place.child(video, collection=frames)
    page = staff.get(client, f"/tree/{place.pk}/obj_1/")
    assert "<title>2 of scenes of edges from " in page
    assert "<title>6 of frames of edges from scenes of edges</title>" in page
    assert "<title>1 of frames of edges from " in page
    assert "3 documents in" not in page
    assert "10 documents in 4 stages of 3 tiers" in page


def test_orphans_weigh_on_no_line(client: Client, place: Place) -> None:
    video = place.first("obj_1")
    scene = place.child(video)
    place.child(scene)
    document_services.delete_document(scope=place.scope, collection=None, document_id=scene.document_id, on_children="detach")
    tree = tree_queries.root(place.pk, "obj_1")
    assert tree is not None
    assert edges.edges(place.pk, "obj_1", orphans=tree.orphans > 0) == []


def test_a_stage_with_very_many_collections_is_told_in_the_table(client: Client, place: Place) -> None:
    for number in range(14):
        place.document(collection=cast.collection(place.api, f"many {number}"), root_object_id="obj_1")
    page = staff.get(client, f"/tree/{place.pk}/obj_1/")
    assert page.count('<g class="box') == 6
    assert "and 8 more, in the table" in staff.words(page)
    assert page.count('<th scope="row">') == 14


def test_a_stage_opens_its_documents(client: Client, place: Place) -> None:
    scenes = cast.collection(place.api, "scenes of a stage")
    video = place.first("obj_1", "doc_video")
    place.child(video, "doc_fine", collection=scenes)
    place.child(video, "doc_failed", collection=scenes, **FAILED)
    path = f"/tree/{place.pk}/obj_1/?group={scenes}.2"
    assert path.replace("&", "&amp;") in client.get(f"/admin/tree/{place.pk}/obj_1/").content.decode()
    page = staff.get(client, path)
    assert nodes(page) == ["doc_fine", "doc_failed"]
    assert "scenes of a stage, tier 2 2" in staff.words(page)
    assert nodes(staff.get(client, path + "&status=FAILED")) == ["doc_failed"]
    assert nodes(staff.get(client, f"/tree/{place.pk}/obj_1/?group=failed")) == ["doc_failed"]
    assert nodes(staff.get(client, f"/tree/{place.pk}/obj_1/?group={scenes}.3")) == []


@pytest.mark.parametrize(
    ("group", "status"),
    [("x", 404), ("x.", 404), ("x.²", 404), ("x.99999999999", 404), (".2", 404), ("x.1", 200), ("%00.1", 200)],
)
def test_a_group_is_a_stage_whether_it_holds_anything_or_not(client: Client, place: Place, group: str, status: int) -> None:
    place.first("obj_1", "doc_1")
    assert nodes(staff.get(client, f"/tree/{place.pk}/obj_1/nodes/?group={group}", status)) == []


@pytest.mark.parametrize(
    "query", ["at=%00", "of=%00", "after=%00", "before=x.y", "after=9e9.1", "failed=%00", "group=failed&after=-1.x"]
)
def test_what_no_link_says_is_harmless(client: Client, place: Place, query: str) -> None:
    place.first("obj_1", "doc_1", **FAILED)
    for path in ("", "nodes/", "search/"):
        assert client.get(f"/admin/tree/{place.pk}/obj_1/{path}?{query}").status_code in (200, 302, 404)


def test_a_search_finds_ids_and_titles_with_the_way_to_them(client: Client, place: Place) -> None:
    video = place.first("obj_1", "doc_video", title="Harbour at Dawn")
    scene = place.child(video, "doc_scene", title="The ferry")
    place.child(scene, "doc_frame", text="Ferry, from the left")
    place.first("obj_2", "doc_other", title="Another ferry")
    page = staff.words(staff.get(client, f"/tree/{place.pk}/obj_1/search/?q=FERRY"))
    assert "2 found for “FERRY”" in page
    assert "Harbour at Dawn › The ferry › Ferry, from the left" in page  # noqa: RUF001
    assert "Another ferry" not in page
    assert f"/admin/tree/{place.pk}/obj_1/?at=doc_frame" in staff.get(client, f"/tree/{place.pk}/obj_1/?q=doc_frame")
    assert "Nothing found" in staff.get(client, f"/tree/{place.pk}/obj_1/search/?q=doc_other")
    assert "Two characters at least" in staff.get(client, f"/tree/{place.pk}/obj_1/search/?q=f")
    assert "Nothing found" in staff.get(client, f"/tree/{place.pk}/obj_1/search/?q=%00%25")


def test_an_exact_id_is_the_first_thing_found(place: Place) -> None:
    for document_id in ("doc_1", "a_doc_1", "doc_10"):
        place.first("obj_1", document_id)
    assert [hit.document_id for hit in finding.search(place.pk, "obj_1", "doc_1").hits] == ["doc_1", "doc_10", "a_doc_1"]


def test_a_search_says_what_it_did_not_look_at(client: Client, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 4):
        place.first("obj_1", f"ferry_{number}")
    path = f"/tree/{place.pk}/obj_1/search/?q=ferry"
    assert "3 found" in staff.words(staff.get(client, path))
    statement = finding._SEARCH
    for bound in ("READ", "IDS_READ"):
        statement = statement.replace(f"LIMIT {getattr(finding, bound) + 1}\n", "LIMIT 2\n")
        monkeypatch.setattr(finding, bound, 1)
    monkeypatch.setattr(finding, "_SEARCH", statement)
    page = staff.words(staff.get(client, path))
    assert "2 found" in page
    assert "Titles were read of the first 1 documents of this tree only" in page
    assert "More than 1 ids begin so" in page


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("", 3),
        ("?at=doc_2", 3),
        ("?group=orphans", 3),
        ("?group=failed", 4),
        ("?q=doc_2", 5),
        ("nodes/", 2),
        ("nodes/?of=doc_1", 2),
        ("nodes/?at=doc_2", 2),
        ("search/?q=doc_2", 2),
    ],
)
def test_the_tree_costs_a_fixed_number_of_statements(client: Client, place: Place, path: str, count: int) -> None:
    """The page: object and stages, lines between them, the level, what failed below it where something did."""
    cast.bucket_object(place.api, place.bucket, "obj_1")
    parent = place.first("obj_1", "doc_1")
    for number in range(2, 30):
        place.child(parent, f"doc_{number}", **(FAILED if "failed" in path and number == 2 else {}))
    with staff.statements() as asked:
        staff.get(client, f"/tree/{place.pk}/obj_1/{path}")
    assert len(asked) == count


def test_every_statement_names_the_namespace(client: Client, place: Place) -> None:
    place.child(place.first("obj_1", "doc_1"), "doc_2", **FAILED)
    paths = ("", "?at=doc_2", "?group=orphans", "?group=failed", "?q=doc_2", "nodes/", "nodes/?of=doc_1", "nodes/?failed=doc_2")
    with staff.statements() as asked:
        for path in paths:
            staff.get(client, f"/tree/{place.pk}/obj_1/{path}")
    assert all("namespace_id = %s" in statement for statement in asked)


@pytest.mark.parametrize(
    "path",
    [
        "?at=doc_2",
        "?group=failed",
        "?q=theirs",
        "nodes/",
        "nodes/?of=doc_1",
        "nodes/?at=doc_2",
        "nodes/?failed=",
        "search/?q=theirs",
    ],
)
def test_no_part_of_a_tree_is_of_another_namespace(client: Client, place: Place, path: str) -> None:
    other = Place()
    for each, title in ((place, "ours"), (other, "theirs")):
        each.child(each.first("obj_1", "doc_1", title=f"{title} 1"), "doc_2", title=f"{title} 2", **FAILED)
    page = staff.get(client, f"/tree/{place.pk}/obj_1/{path}")
    assert "theirs 1" not in page
    assert "theirs 2" not in page


def test_deleting_an_object_shows_first_what_was_made_from_it(client: Client, place: Place) -> None:
    cast.bucket_object(place.api, place.bucket, "obj_1")
    cast.bucket_object(place.api, place.bucket, "obj_2")
    scenes = cast.collection(place.api, "scenes of an object")
    video = place.first("obj_1")
    for _ in range(2):
        place.child(video, collection=scenes)
    page = staff.get(client, delete_path("obj_1"))
    assert "3 documents were made from it" in staff.words(page)
    assert "2 in scenes of an object, tier 2" in staff.words(page)
    assert 'name="with_documents"' in page
    assert 'name="with_documents"' not in staff.get(client, delete_path("obj_2"))
    assert tree_queries.root(place.pk, "obj_1") is not None


def delete_path(object_id: str) -> str:
    return f"/namespaces/bucketobject/{BucketObject.objects.get(object_id=object_id).pk}/delete/"


def test_impact_counts_what_hangs_on_a_document(place: Place) -> None:
    scenes = cast.collection(place.api, "scenes")
    video = place.first("obj_1")
    for _ in range(2):
        place.child(place.child(video, collection=scenes))
    found = of_document(place.pk, None, video.document_id)
    assert (found.children, found.below) == ({"scenes": 2}, 4)
    document_services.delete_document(scope=place.scope, collection=None, document_id=video.document_id, on_children="cascade")
    assert tree_queries.root(place.pk, "obj_1") is None

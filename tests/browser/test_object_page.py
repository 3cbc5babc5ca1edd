"""The page of a root object in a real browser: stages drawn, levels, search, failures, ten thousand siblings, keys."""

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from documents.stored import StoredDocument
from mixpeek_site import sql
from tests import cast
from tests.admin.staff import Place
from tests.browser.accessibility import serious

pytestmark = [pytest.mark.full, pytest.mark.django_db(transaction=True, reset_sequences=True)]

SIBLINGS = 10_000
FAILED: dict[str, Any] = {"internal_metadata": {"ingestion_status": "FAILED"}}


@pytest.fixture
def place(transactional_db: None) -> Place:
    """Two reels; the first has three scenes, the second of which has a frame that failed."""
    place = Place()
    cast.bucket_object(place.api, place.bucket, "obj_1", title="Metropolis")
    scenes, frames = cast.collection(place.api, "scenes"), cast.collection(place.api, "frames")
    first = place.first("obj_1", "doc_reel_1", title="Reel 1")
    place.first("obj_1", "doc_reel_2", title="Reel 2")
    for number in (1, 2, 3):
        scene = place.child(first, f"doc_scene_{number}", collection=scenes, title=f"Scene {number}")
        for frame in range(3):
            failed = FAILED if (number, frame) == (2, 1) else {}
            place.child(scene, f"doc_frame_{number}_{frame}", collection=frames, title=f"Frame {frame}", **failed)
    return place


def node(page: Page, document_id: str) -> Locator:
    return page.locator(f'#tree [data-id="{document_id}"] > .row')


def test_three_levels_open_and_close(page: Page, place: Place) -> None:
    page.goto(f"/admin/tree/{place.pk}/obj_1/")
    page.get_by_label("Children of doc_reel_1").click()
    page.get_by_label("Children of doc_scene_2").click()
    expect(node(page, "doc_frame_2_1")).to_be_visible()
    expect(page).to_have_url(f"/admin/tree/{place.pk}/obj_1/?at=doc_scene_2")
    page.get_by_label("Children of doc_reel_1").click()
    expect(node(page, "doc_scene_2")).to_be_hidden()


def test_the_stages_are_drawn_and_open_their_documents(page: Page, place: Place) -> None:
    page.goto(f"/admin/tree/{place.pk}/obj_1/")
    drawn = page.get_by_role("group", name="Stages of obj_1")
    expect(drawn.get_by_role("link", name="frames 9 documents, tier 3: 1 failed, 8 unknown")).to_be_visible()
    drawn.get_by_role("link", name="failed 1 of frames").click()
    expect(page.get_by_role("heading", name="frames, tier 3, failed 1")).to_be_visible()
    page.get_by_role("link", name="Show in tree").click()
    expect(node(page, "doc_frame_2_1")).to_have_attribute("aria-current", "true")
    page.get_by_text("As a table").click()
    expect(page.get_by_role("cell", name="9 from scenes")).to_be_visible()


def test_what_is_searched_for_opens_in_the_tree_and_back_goes_back(page: Page, place: Place) -> None:
    page.goto(f"/admin/tree/{place.pk}/obj_1/")
    find = page.get_by_label("Find a document of this tree by id or title")
    find.fill("frame 1")
    find.press("Enter")
    expect(page.get_by_text("3 found for “frame 1”")).to_be_visible()
    page.locator("#found a", has_text="Scene 2").click()
    expect(node(page, "doc_frame_2_1")).to_be_focused()
    expect(page).to_have_url(f"/admin/tree/{place.pk}/obj_1/?at=doc_frame_2_1")
    page.go_back()
    expect(page.get_by_text("3 found for “frame 1”")).to_be_visible()
    page.go_forward()
    expect(node(page, "doc_frame_2_1")).to_be_visible()
    page.reload()
    expect(node(page, "doc_frame_2_1")).to_be_visible()


def test_back_shows_the_tree_again_of_an_object_that_has_orphans_alone(page: Page, place: Place) -> None:
    lost = {"root_object_id": "obj_2", "source_collection_id": place.collection, "source_document_id": "doc_gone"}
    parent = place.document("doc_lost", **lost, title="Lost")
    place.child(parent, "doc_below", title="Below")
    page.goto(f"/admin/tree/{place.pk}/obj_2/")
    find = page.get_by_label("Find a document of this tree by id or title")
    find.fill("below")
    find.press("Enter")
    page.locator("#found a", has_text="Below").click()
    expect(node(page, "doc_below")).to_be_focused()
    page.go_back()
    expect(page.get_by_text("1 found for “below”")).to_be_visible()
    expect(node(page, "doc_lost")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("1 found for “below”")).to_be_hidden()
    expect(node(page, "doc_lost")).to_be_visible()


def test_a_failure_is_seen_from_the_top_and_the_next_one_opens(page: Page, place: Place) -> None:
    place.first("obj_1", "doc_reel_3", title="Reel 3", **FAILED)
    page.goto(f"/admin/tree/{place.pk}/obj_1/")
    expect(page.get_by_role("treeitem", name=re.compile("Reel 1.*1 failed below.*3 children"))).to_be_visible()
    following = page.get_by_role("link", name="Next failed")
    for document_id in ("doc_frame_2_1", "doc_reel_3", "doc_frame_2_1"):
        following.click()
        expect(node(page, document_id)).to_be_focused()


def test_keys_of_a_tree(page: Page, place: Place) -> None:
    page.goto(f"/admin/tree/{place.pk}/obj_1/")
    expect(page.get_by_role("tree", name="Documents of obj_1")).to_be_visible()
    node(page, "doc_reel_1").focus()
    for key, focused in [
        ("End", "doc_reel_2"),
        ("Home", "doc_reel_1"),
        ("ArrowRight", "doc_reel_1"),
        ("ArrowRight", "doc_scene_1"),
        ("ArrowDown", "doc_scene_2"),
        ("s", "doc_scene_3"),
        ("r", "doc_reel_2"),
        ("ArrowUp", "doc_scene_3"),
        ("ArrowLeft", "doc_reel_1"),
    ]:
        if key == "r":
            page.wait_for_timeout(1100)  # what is typed within a second is one word
        page.keyboard.press(key)
        if key == "ArrowRight":
            expect(node(page, "doc_scene_1")).to_be_visible()
        expect(node(page, focused)).to_be_focused()
    expect(node(page, "doc_scene_2")).to_have_attribute("aria-posinset", "2")
    expect(node(page, "doc_scene_2")).to_have_attribute("aria-level", "2")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/admin/document/{place.pk}/doc_reel_1/")


def siblings(place: Place, parent: StoredDocument, count: int) -> None:
    """Many children of a document, as copies of one that the service made."""
    place.child(parent, "doc_s_00000", title="Copy 0")
    sql.run(
        """
        WITH one AS (SELECT * FROM documents_document WHERE namespace_id = %s AND document_id = 'doc_s_00000'),
        made AS (
            INSERT INTO documents_document (id, namespace_id, collection_id, document_id, payload, internal_metadata, system,
                                            source_blobs, document_blobs, version, created_at)
            SELECT ('ffffffff-0000-7000-8000-' || lpad(to_hex(k), 12, '0'))::uuid, one.namespace_id, one.collection_id,
                   'doc_s_' || lpad(k::text, 5, '0'), jsonb_build_object('title', 'Copy ' || k), one.internal_metadata,
                   one.system, one.source_blobs, one.document_blobs, one.version, one.created_at
            FROM one, generate_series(1, %s) k RETURNING id)
        INSERT INTO documents_lineagestep (id, namespace_id, collection_id, source_type, source_collection_id,
                                           source_document_id, root_object_id, root_bucket_id, path, tier, chain,
                                           created_at)
        SELECT made.id, l.namespace_id, l.collection_id, l.source_type, l.source_collection_id, l.source_document_id,
               l.root_object_id, l.root_bucket_id, l.path, l.tier, l.chain, l.created_at
        FROM made, documents_lineagestep l JOIN one ON one.id = l.id""",
        (place.pk, count - 1),
    )


def test_ten_thousand_siblings_stay_usable(page: Page, place: Place) -> None:
    siblings(place, place.first("obj_2", "doc_top", title="Top"), SIBLINGS)
    page.goto(f"/admin/tree/{place.pk}/obj_2/")
    began = time.monotonic()
    page.get_by_label("Children of doc_top").click()
    expect(node(page, "doc_s_00049")).to_be_attached(timeout=30_000)
    opened = time.monotonic() - began
    expect(page.get_by_text("Show 200 more of 9,950 after")).to_be_visible()
    expect(node(page, "doc_top").locator(".count")).to_have_text("10,000")
    for shown in range(250, 1250, 200):  # and so on
        page.locator("#tree li.later a").click()
        expect(node(page, f"doc_s_{shown - 1:05}")).to_be_attached(timeout=30_000)
    node(page, "doc_s_00000").focus()
    began = time.monotonic()
    for _ in range(50):
        page.keyboard.press("ArrowDown")
    expect(node(page, "doc_s_00050")).to_be_focused(timeout=30_000)
    moved = time.monotonic() - began
    page.keyboard.press("End")
    expect(page.locator("#tree li.later")).to_be_focused()
    page.goto(f"/admin/tree/{place.pk}/obj_2/?at=doc_s_04200")
    expect(page.get_by_text("4,190 before")).to_be_visible()
    page.get_by_text("4,190 before").click()
    expect(page.get_by_text("3,990 before")).to_be_visible(timeout=30_000)
    expect(node(page, "doc_s_04189")).to_be_focused()
    assert opened < 10, f"opening a node of ten thousand took {opened:.1f} s"
    assert moved < 10, f"fifty keys among a thousand items took {moved:.1f} s"


def test_fifty_levels_down_names_are_still_read(page: Page, place: Place) -> None:
    above = place.first("obj_deep", "doc_deep_0", title="Level 0")
    for level in range(1, 50):
        above = place.child(above, f"doc_deep_{level}", title=f"Level {level}")
    page.goto(f"/admin/tree/{place.pk}/obj_deep/?at=doc_deep_49")
    expect(node(page, "doc_deep_49")).to_be_visible()
    for level in (0, 25, 48, 49):
        name = node(page, f"doc_deep_{level}").locator(".name")
        box = name.bounding_box()
        assert box is not None
        assert box["width"] > 50, level
        assert box["x"] + box["width"] < page.evaluate("innerWidth"), level


def test_nothing_serious_stands_between_the_page_and_its_readers(page: Page, place: Place) -> None:
    """By axe-core, of the tree open at a document, a search and the table of stages."""
    page.goto(f"/admin/tree/{place.pk}/obj_1/?at=doc_frame_2_1&q=frame")
    page.get_by_text("As a table").click()
    expect(page.locator("#found li").first).to_be_visible()
    assert serious(page) == []


def test_an_object_without_documents_says_so(page: Page, place: Place) -> None:
    cast.bucket_object(place.api, place.bucket, "obj_3", title="Not processed yet")
    page.goto(f"/admin/tree/{place.pk}/obj_3/")
    expect(page.get_by_text("No document was made from this object yet")).to_be_visible()
    expect(page.get_by_role("link", name="Delete…")).to_be_visible()

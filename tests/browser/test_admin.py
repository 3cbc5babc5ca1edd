"""The admin in a real browser, on a real server and a real database: Debian's Chromium, driven by Playwright."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.admin import staff
from tests.admin.staff import Place

# The flush after each test gives the content types the numbers that they had: the server remembers those.
pytestmark = [pytest.mark.full, pytest.mark.django_db(transaction=True, reset_sequences=True)]

PASSWORD = "correct horse"


@pytest.fixture
def place(transactional_db: None) -> Place:
    """A video with two scenes; the first has sixty frames."""
    place = Place()
    video = place.first("obj_1", "doc_video", title="Harbour at Dawn")
    scene = place.child(video, "doc_scene_1", title="Scene 1", internal_metadata={"ingestion_status": "FAILED"})
    place.child(video, "doc_scene_2", title="Scene 2")
    for number in range(60):
        place.child(scene, f"doc_frame_{number:02}", frame=number)
    return place


def test_staff_sign_in_and_out(page: Page) -> None:
    User.objects.create_superuser("operator", password=PASSWORD)
    page.context.clear_cookies()
    page.goto("/admin/")
    page.get_by_label("Username").fill("operator")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("Logged out")).to_be_visible()


def test_levels_open_by_a_click(page: Page, place: Place) -> None:
    page.goto(f"/admin/tree/{place.pk}/obj_1/")
    page.get_by_label("Children of doc_video").click()
    page.get_by_label("Children of doc_scene_1").click()
    expect(page.locator("#tree li li li.node")).to_have_count(50)
    page.get_by_text("Show 10 more").click()
    expect(page.locator("#tree li li li.node")).to_have_count(60)
    page.get_by_label("Children of doc_video").click()
    expect(page.locator('[data-id="doc_scene_1"]')).to_be_hidden()


def test_levels_open_by_the_keyboard_and_the_address_follows(page: Page, place: Place) -> None:
    page.goto(f"/admin/tree/{place.pk}/obj_1/")
    page.locator('[data-id="doc_video"] > .row').focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator('[data-id="doc_video"] > .row')).to_have_attribute("aria-expanded", "true")
    expect(page.locator('[data-id="doc_scene_1"]')).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator('[data-id="doc_scene_1"] > .row')).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator('[data-id="doc_frame_00"]')).to_be_visible()
    page.reload()  # the address says where
    expect(page.locator('[data-id="doc_frame_00"]')).to_be_visible()
    expect(page.locator('[data-id="doc_scene_2"]')).to_be_visible()
    page.locator('[data-id="doc_scene_2"] > .row').focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator('[data-id="doc_video"] > .row')).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/admin/document/{place.pk}/doc_video/")


def test_a_payload_is_edited_wrongly_and_then_rightly(page: Page, place: Place) -> None:
    page.goto(f"/admin/document/{place.pk}/doc_video/")
    page.get_by_role("link", name="Edit", exact=True).click()
    editor = page.get_by_label("Payload")
    editor.fill('{\n  "title": "Harbour at Dawn",\n  "big": 18446744073709551617,,\n}')
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Line 3, column 31")).to_be_visible()
    expect(page.locator(".lines mark")).to_have_text("3")
    expect(editor).to_be_focused()
    editor.fill('{\n  "title": "Harbour at Dawn",\n  "big": 18446744073709551617\n}')
    editor.press("Control+Enter")
    expect(page.get_by_text("doc_video was saved")).to_be_visible()
    expect(page.locator(".json .number")).to_have_text("18446744073709551617")
    assert staff.stored(place, "doc_video")["big"] == 2**64 + 1


def test_a_subtree_is_deleted_after_its_impact_was_seen(page: Page, place: Place) -> None:
    page.goto(f"/admin/document/{place.pk}/doc_scene_1/")
    page.get_by_role("link", name="Delete…").click()
    expect(page.get_by_role("heading", name="60 documents were made from it")).to_be_visible()
    page.get_by_label("They go, too").check()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("doc_scene_1 and 60 below it were deleted")).to_be_visible()
    expect(page.get_by_role("heading", name="Harbour at Dawn")).to_be_visible()


def test_the_lists_fit_and_filter(page: Page, place: Place) -> None:
    page.goto("/admin/documents/document/")
    page.get_by_label("Namespace").select_option(label=place.namespace.name)
    page.wait_for_url(f"**namespace={place.pk}**")
    unfold = page.get_by_role("button", name="Filters")
    if unfold.is_visible():
        unfold.click()
    page.get_by_label("Document id, or its beginning").fill("doc_frame_0")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(10)


def test_an_id_is_found_from_every_page(page: Page, place: Place) -> None:
    page.goto("/admin/namespaces/apikey/")
    find = page.get_by_placeholder("Find an id")
    find.fill("doc_scene_2")
    find.press("Enter")
    page.wait_for_url(f"**/admin/document/{place.pk}/doc_scene_2/")


def test_the_tree_opens_without_javascript(chromium: Any, page: Page, server: str, place: Place) -> None:
    context = chromium.new_context(java_script_enabled=False, storage_state=page.context.storage_state())
    plain: Page = context.new_page()
    plain.goto(f"{server}/admin/tree/{place.pk}/obj_1/")
    plain.get_by_label("Children of doc_video").click()
    plain.get_by_label("Children of doc_scene_1").click()
    plain.get_by_text("Show 10 more").click()
    expect(plain.locator('[data-id="doc_frame_59"]')).to_be_visible()
    context.close()

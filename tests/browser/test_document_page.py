"""The pages of one document in a real browser: searching JSON, copying, images, editing, deleting, moving."""

import base64

import pytest
from playwright.sync_api import Dialog, Page, Route, expect

from documents import services
from documents.inputs import read_patch
from mixpeek_site import jsonio
from tests.admin import staff
from tests.admin.staff import Place
from tests.browser.accessibility import serious

# The flush after each test gives the content types the numbers that they had: the server remembers those.
pytestmark = [pytest.mark.full, pytest.mark.django_db(transaction=True, reset_sequences=True)]

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")

PAYLOAD = jsonio.loads("""{
  "title": "Harbour at Dawn", "big": 18446744073709551617, "price": 1.10, "tags": ["ship", "crane"],
  "caption": "Fog.\\nA ship.", "metadata": {"camera.model": "X100", "lens": {"mm": 35}}
}""")


@pytest.fixture
def place(transactional_db: None) -> Place:
    """A video with three scenes; the second has a frame, blobs and features."""
    place = Place()
    video = place.first("obj_1", "doc_video", **PAYLOAD)
    for number in (1, 2, 3):
        blobs = [
            {"field": "thumbnail", "url": "https://images.test/a.png", "content_type": "image/png"},
            {"field": "gone", "url": "https://images.test/gone.png", "content_type": "image/png"},
            {"field": "logo", "url": "https://images.test/a.svg", "content_type": "image/svg+xml"},
        ]
        place.child(
            video,
            f"doc_scene_{number}",
            title=f"Scene {number}",
            document_blobs=blobs if number == 2 else [],
            features=[{"feature_extractor_id": "clip_v1", "payload": {"a": 1}, "vectors": {"image": [1, 2]}}],
            internal_metadata={"ingestion_status": "FAILED"},
        )
    place.document("doc_frame", source_document_id="doc_scene_2", title="Frame")
    return place


def open_document(page: Page, place: Place, document_id: str, rest: str = "") -> None:
    page.route("https://images.test/**", answer)
    page.goto(f"/admin/document/{place.pk}/{document_id}/{rest}")


def answer(route: Route) -> None:
    """The server of the blobs: it has one image."""
    if route.request.url.endswith("/a.png"):
        route.fulfill(body=PIXEL, content_type="image/png")
    else:
        route.fulfill(body="<html>", content_type="text/html")


def clipboard(page: Page) -> str:
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def test_json_is_searched_from_hit_to_hit(page: Page, place: Place) -> None:
    open_document(page, place, "doc_video")
    page.get_by_role("button", name="Fold all", exact=True).click()
    search = page.get_by_label("Search keys and values")
    search.fill("SHIP")
    expect(page.locator(".jv-count")).to_have_text("1 of 2")
    expect(page.locator("mark.current")).to_have_count(1)
    expect(page.locator(".line.selected")).to_have_text('"ship",')  # its array was folded
    search.press("Enter")
    expect(page.locator(".jv-count")).to_have_text("2 of 2")
    expect(page.locator(".line.selected")).to_contain_text("A ship.")
    search.press("Enter")
    expect(page.locator(".jv-count")).to_have_text("1 of 2")
    search.press("Shift+Enter")
    expect(page.locator(".jv-count")).to_have_text("2 of 2")
    page.get_by_label("Only hits").check()
    expect(page.locator(".jv-body .line")).to_have_count(6)  # {, caption, tags with ship, and what closes them
    search.fill("nowhere")
    expect(page.locator(".jv-count")).to_have_text("no hits")
    search.press("Escape")
    expect(page.locator("mark")).to_have_count(0)


def test_whatever_is_typed_is_searched_as_it_stands(page: Page, place: Place) -> None:
    signs = "^$\\.*+?()[]{}|/-#&~"
    place.document("doc_signs", taken_on="2026-11-22", signs=signs)
    open_document(page, place, "doc_signs")
    search = page.get_by_label("Search keys and values")
    for wanted in ("2026-11", signs):
        search.fill(wanted)
        expect(page.locator(".jv-count")).to_have_text("1 of 1")
        expect(page.locator("mark.current")).to_have_text(jsonio.dumps(wanted)[1:-1])


def test_values_and_paths_are_copied_exactly(page: Page, place: Place) -> None:
    open_document(page, place, "doc_video")
    page.locator(".line", has_text='"big"').click()
    page.get_by_role("button", name="Copy value").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert clipboard(page) == "18446744073709551617"
    page.locator(".line", has_text='"caption"').click()
    page.get_by_role("button", name="Copy value").click()
    assert clipboard(page) == "Fog.\nA ship."
    page.locator(".line", has_text='"mm"').click()
    page.get_by_role("button", name="Copy path").click()
    assert clipboard(page) == "metadata.lens.mm"
    page.locator(".line", has_text='"camera.model"').click()
    expect(page.get_by_role("button", name="Copy path")).to_have_count(0)  # a dotted path leads elsewhere
    page.get_by_role("button", name="Copy pointer").click()
    assert clipboard(page) == "/metadata/camera.model"


def test_json_is_walked_by_keys(page: Page, place: Place) -> None:
    open_document(page, place, "doc_video")
    page.locator(".jv-body").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert clipboard(page) == "18446744073709551617"  # PostgreSQL's order: by the keys' length
    page.keyboard.press("/")
    expect(page.get_by_label("Search keys and values")).to_be_focused()


def test_a_value_leads_to_the_documents_that_have_it(page: Page, place: Place) -> None:
    open_document(page, place, "doc_scene_2")
    page.locator(".line", has_text='"title"').click()
    page.get_by_role("link", name="Documents with this value").click()
    page.wait_for_url("**filters=**")
    expect(page.get_by_role("link", name="Scene 2").first).to_be_visible()
    expect(page.get_by_role("link", name="Scene 3")).to_have_count(0)


def test_megabytes_are_shown_and_searched(page: Page, place: Place) -> None:
    rows = [{"id": number, "name": f"row {number}", "text": "lorem ipsum dolor sit amet " * 4} for number in range(34_000)]
    place.document("doc_big", rows=rows)
    open_document(page, place, "doc_big")
    expect(page.locator(".jv-body .line").first).to_be_visible()
    page.get_by_label("Search keys and values").fill("row 33999")
    expect(page.locator("mark.current")).to_be_in_viewport()
    page.get_by_role("button", name="Unfold all").click()
    page.locator(".jv-body").evaluate("body => body.scrollTop = body.scrollHeight / 2")
    expect(page.locator(".jv-body .line").first).not_to_have_attribute("data-line", "0")
    assert page.locator(".jv-body .line").count() < 1000


def test_images_are_shown_and_what_is_not_says_why(page: Page, place: Place) -> None:
    asked: list[tuple[str, str | None]] = []
    page.on("request", lambda request: asked.append((request.url, request.headers.get("referer"))))
    open_document(page, place, "doc_scene_2")
    page.get_by_role("heading", name="Blobs").scroll_into_view_if_needed()
    expect(page.get_by_alt_text("thumbnail")).to_have_js_property("naturalWidth", 1)
    expect(page.get_by_text("The image could not be loaded")).to_be_visible()
    expect(page.get_by_text("SVG can hold scripts")).to_be_visible()
    images = sorted(each for each in asked if each[0].startswith("https://images.test/"))
    assert images == [("https://images.test/a.png", None), ("https://images.test/gone.png", None)]


def test_a_request_is_copied_as_curl(page: Page, place: Place) -> None:
    open_document(page, place, "doc_scene_1")
    page.get_by_role("button", name="Copy DELETE as curl").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert clipboard(page) == page.locator("#curl-DELETE").text_content()
    assert clipboard(page).startswith("curl -sS \\\n  'http://127.0.0.1:")


def test_siblings_are_one_step_away(page: Page, place: Place) -> None:
    open_document(page, place, "doc_scene_2")
    page.get_by_role("link", name="Next sibling").click()
    expect(page.get_by_role("heading", name="Scene 3")).to_be_visible()
    page.get_by_role("navigation", name="What this document was made from").get_by_role("link", name="Harbour at Dawn").click()
    expect(page.get_by_role("heading", name="Harbour at Dawn")).to_be_visible()


def test_an_error_is_shown_in_its_place_and_a_right_text_is_saved_by_keys(page: Page, place: Place) -> None:
    open_document(page, place, "doc_video", "edit/")
    editor = page.get_by_label("Payload")
    editor.fill('{\n  "title": "Dusk",\n  "big": 18446744073709551617,,\n}')
    expect(page.get_by_text("Not saved yet.")).to_be_visible()
    editor.press("Control+s")
    expect(page.get_by_text("Line 3, column 31")).to_be_visible()
    expect(page.locator(".lines mark")).to_have_text("3")
    expect(editor).to_be_focused()
    editor.fill('{"title":"Dusk","big":18446744073709551617}')
    page.get_by_role("button", name="Format").click()
    expect(editor).to_have_value('{\n  "title": "Dusk",\n  "big": 18446744073709551617\n}')
    expect(page.get_by_text("Not saved yet.")).to_be_visible()
    editor.press("Control+s")
    expect(page.get_by_text("doc_video was saved")).to_be_visible()
    assert staff.stored(place, "doc_video") == {"title": "Dusk", "big": 2**64 + 1}


def test_unsaved_text_is_not_left_without_a_question(page: Page, place: Place) -> None:
    open_document(page, place, "doc_video", "edit/")
    page.get_by_label("Payload").press("Space")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_label("Payload")).to_be_visible()
    assert asked == ["beforeunload"]
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("heading", name="Children")).to_be_visible()


def test_somebody_else_s_change_is_shown_beside_mine(page: Page, place: Place) -> None:
    open_document(page, place, "doc_scene_1", "edit/")
    given = read_patch({"theirs": 1}, "doc_scene_1")
    services.patch_document(scope=place.scope, collection=None, document_id="doc_scene_1", given=given)
    page.get_by_label("Payload").fill('{"mine": 1}')
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".diff .gone").filter(has_text="theirs")).to_be_visible()
    page.get_by_role("button", name="Save my text over it").click()
    expect(page.get_by_text("doc_scene_1 was saved")).to_be_visible()


def test_a_subtree_is_moved(page: Page, place: Place) -> None:
    open_document(page, place, "doc_scene_2")
    page.get_by_role("link", name="Move…").click()
    expect(page.get_by_role("heading", name="It moves with everything below it: 1 document")).to_be_visible()
    page.get_by_label("Its id").fill("doc_frame")
    page.get_by_role("button", name="Move").click()
    expect(page.get_by_text("Nothing moved")).to_be_visible()
    page.get_by_label("A root object").check()
    page.get_by_label("Its id").fill("obj_2")
    page.get_by_role("button", name="Move").click()
    expect(page.get_by_text("now comes from obj_2")).to_be_visible()
    expect(page.get_by_role("navigation", name="What this document was made from")).to_contain_text("obj_2")


def test_a_delete_shows_its_impact_and_refuses_or_cascades(page: Page, place: Place) -> None:
    open_document(page, place, "doc_video")
    page.get_by_role("link", name="Delete…").click()
    expect(page.get_by_role("heading", name="3 documents were made from it")).to_be_visible()
    page.get_by_label("Then delete nothing").check()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("has 3 child documents. Nothing was deleted.")).to_be_visible()
    page.get_by_label("They go, too").check()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("doc_video and 4 below it were deleted")).to_be_visible()


@pytest.mark.parametrize("rest", ["", "?view=v1", "edit/", "delete/", "source/"])
def test_axe_finds_nothing_serious(page: Page, place: Place, rest: str) -> None:
    open_document(page, place, "doc_scene_2", rest)
    if not rest:
        page.get_by_label("Search keys and values").fill("scene")
        expect(page.locator("mark.current")).to_be_visible()
    assert serious(page) == []


def test_axe_finds_nothing_serious_where_something_is_wrong(page: Page, place: Place) -> None:
    open_document(page, place, "doc_scene_2", "edit/")
    page.get_by_label("Payload").fill("{")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Line 1, column 2")).to_be_visible()
    assert serious(page) == []

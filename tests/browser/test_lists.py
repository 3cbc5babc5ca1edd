"""The list of documents in a real browser: filtering, ticking rows, setting a status, deleting, exporting."""

import pytest
from playwright.sync_api import Page, expect

from mixpeek_site import jsonio
from tests.admin.staff import Place
from tests.browser.accessibility import serious

# The flush after each test gives the content types the numbers that they had: the server remembers those.
pytestmark = [pytest.mark.full, pytest.mark.django_db(transaction=True, reset_sequences=True)]


@pytest.fixture
def place(transactional_db: None) -> Place:
    """A video with twenty frames, three of which failed."""
    place = Place()
    video = place.first("obj_1", "doc_video", title="Harbour at Dawn")
    for number in range(20):
        status = "FAILED" if number < 3 else "COMPLETED"
        place.child(video, f"doc_frame_{number:02}", title=f"Frame {number}", internal_metadata={"ingestion_status": status})
    return place


def tick(page: Page, *document_ids: str) -> None:
    for each in document_ids:
        page.get_by_label(f"Choose {each}", exact=True).check()


def test_documents_are_filtered_and_a_filter_is_removed(page: Page, place: Place) -> None:
    page.goto("/admin/documents/document/")
    unfold = page.get_by_role("button", name="Filters")
    if unfold.is_visible():
        unfold.click()
    page.get_by_label("Status").fill("FAILED")
    page.get_by_label("Status").press("Enter")
    expect(page.get_by_text("3 documents match")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(3)
    assert serious(page) == []
    page.get_by_role("link", name="Status FAILED").click()
    expect(page.locator("tbody tr")).to_have_count(21)


def test_a_range_of_rows_gets_a_status(page: Page, place: Place) -> None:
    page.goto(f"/admin/documents/document/?namespace={place.pk}&status=FAILED")
    expect(page.get_by_role("button", name="Set status…")).to_be_disabled()
    tick(page, "doc_frame_02")
    page.get_by_label("Choose doc_frame_00").click(modifiers=["Shift"])
    expect(page.get_by_text("3 chosen, or")).to_be_visible()
    page.get_by_role("button", name="Set status…").click()
    expect(page.get_by_role("heading", name="Set the status of 3 documents")).to_be_visible()
    assert serious(page) == []
    page.keyboard.type("PENDING")
    page.keyboard.press("Enter")
    expect(page.get_by_text("3 documents were set to PENDING.")).to_be_visible()
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()


def test_chosen_documents_are_deleted_when_their_impact_was_seen(page: Page, place: Place) -> None:
    page.goto(f"/admin/documents/document/?namespace={place.pk}&q=doc_video")
    tick(page, "doc_video")
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("heading", name="20 other documents were made from them")).to_be_visible()
    assert serious(page) == []
    page.get_by_label("They go, too").check()
    page.get_by_role("button", name="Delete 1").click()
    expect(page.get_by_text("1 document was deleted, and 20 below them.")).to_be_visible()
    page.goto(f"/admin/documents/document/?namespace={place.pk}")
    expect(page.get_by_role("heading", name="No documents yet")).to_be_visible()


def test_all_that_match_are_exported(page: Page, place: Place) -> None:
    page.goto(f"/admin/documents/document/?namespace={place.pk}&status=FAILED")
    page.get_by_label("all 3").check()
    with page.expect_download() as started:
        page.get_by_role("button", name="Export JSONL").click()
    lines = started.value.path().read_bytes().splitlines()
    assert {jsonio.loads(line)["document_id"] for line in lines} == {"doc_frame_00", "doc_frame_01", "doc_frame_02"}

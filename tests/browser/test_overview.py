"""The overview, the audit, the lists' frame and the sign-in page in a real browser; by keyboard and to axe-core."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from documents import housekeeping
from mixpeek_site import sql
from mixpeek_site.transactions import atomic
from namespaces.admin import audit
from tests import cast
from tests.admin.staff import Place
from tests.browser.accessibility import serious

# The flush after each test gives the content types the numbers that they had: the server remembers those.
pytestmark = [pytest.mark.full, pytest.mark.django_db(transaction=True, reset_sequences=True)]


class _Asks:
    def __init__(self, user: User) -> None:
        self.user = user


@pytest.fixture
def place(page: Page) -> Place:
    """Something of everything that the overview can say."""
    place = Place()
    cast.bucket_object(place.api, place.bucket, "obj_1")
    place.child(place.first("obj_1", "doc_1", title="Harbour"), "doc_2", internal_metadata={"ingestion_status": "FAILED"})
    place.document("doc_lost", source_collection_id=place.collection, source_document_id="doc_gone")
    list(housekeeping.round_of_duties(lambda: False))
    with atomic():
        asks = _Asks(User.objects.get(username="root"))
        changes = {"payload": ["title", "metadata.a_rather_long_name_of_a_field.below"], "documents": 61}
        audit.record(asks, place.pk, "document", "doc_1", "changed", changes)  # type: ignore[arg-type]
        audit.record(asks, place.pk, "document", "doc_0", "deleted", {"on_children": "cascade"})  # type: ignore[arg-type]
    return place


def test_the_overview_leads_to_what_needs_attention(page: Page, place: Place) -> None:
    page.goto("/admin/")
    page.get_by_role("link", name="1 failed document").click()
    page.wait_for_url("**status=FAILED")
    expect(page.get_by_text("doc_2")).to_be_visible()
    page.goto("/admin/")
    page.get_by_role("link", name="document whose parent is not stored").click()
    page.get_by_role("link", name="doc_lost").click()
    page.wait_for_url(f"**/admin/document/{place.pk}/doc_lost/")


def test_what_contradicts_is_found_from_the_overview_and_repaired(page: Page, place: Place) -> None:
    place.child(place.first("obj_2", "doc_top"), "doc_wrong")
    sql.run("UPDATE documents_lineagestep SET path = 'archive/elsewhere', tier = 7 WHERE root_object_id = 'obj_2' AND tier = 2")
    page.goto("/admin/")
    page.get_by_role("link", name="Lineage", exact=True).click()
    expect(page.get_by_role("row", name="doc_wrong contradiction")).to_contain_text("tier7 → 2")
    assert serious(page) == []
    page.get_by_role("button", name="Repair 1").click()
    expect(page.get_by_text("1 document was repaired")).to_be_visible()
    expect(page.get_by_text("Nothing contradicts")).to_be_visible()


def test_the_side_bar_and_the_theme_work_by_keyboard(page: Page, place: Place) -> None:
    page.goto("/admin/")
    main = page.get_by_role("navigation", name="Main")
    main.get_by_role("link", name="Audit").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/namespaces/auditentry/")
    expect(main.get_by_role("link", name="Audit")).to_have_attribute("aria-current", "page")
    toggle = page.get_by_role("button", name="Toggle theme").first
    toggle.focus()
    before = page.evaluate("document.documentElement.dataset.theme")
    page.keyboard.press("Enter")
    assert page.evaluate("document.documentElement.dataset.theme") != before


def test_the_audit_filters(page: Page, place: Place) -> None:
    page.goto("/admin/namespaces/auditentry/")
    expect(page.locator(".entries > li")).to_have_count(2)
    page.get_by_label("Id", exact=True).fill("doc_1")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".entries > li")).to_have_count(1)


PAGES = (
    *("/", "/namespaces/auditentry/", "/namespaces/namespace/", "/namespaces/apikey/", "/namespaces/bucketobject/"),
    *("/namespaces/namespace/add/", "/orphans/{place}/", "/find/?q=doc", "/auth/user/", "/auth/user/add/", "/password_change/"),
    *("/auth/user/{user}/change/", "/namespaces/namespace/{place}/delete/"),
)


def test_axe_finds_nothing_serious(page: Page, place: Place) -> None:
    for path in PAGES:
        page.goto("/admin" + path.format(place=place.pk, user=User.objects.get().pk))
        assert serious(page) == [], path


def test_axe_finds_nothing_serious_where_one_signs_in(page: Page) -> None:
    page.context.clear_cookies()
    page.goto("/admin/")
    assert serious(page) == []
    page.get_by_label("Username").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    page.context.clear_cookies()
    assert serious(page) == []

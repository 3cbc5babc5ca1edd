"""What nobody should send to the admin: every parameter of every page answers it with a page, none with an error of ours."""

from typing import Final
from urllib.parse import quote_from_bytes

import pytest
from django.test import Client

from tests import cast
from tests.admin import staff
from tests.admin.staff import Place

pytestmark = pytest.mark.django_db

BAD: Final = (
    b"\x00",
    b"\xed\xa0\x80",  # a lone surrogate
    "²".encode(),  # a digit to str.isdigit, none to int
    b"-1",
    b"9" * 40,
    b"x" * 10_000,
    b"'\"><i>{}%s",
    b"9" * 20 + b".00000000-0000-0000-0000-000000000000",
    b"0001-01-01T00:00:00+23:59~00000000-0000-0000-0000-000000000000",
    b"9999-12-31T23:59:59-23:59~00000000-0000-0000-0000-000000000000",
)
PAGES: Final = {
    "documents/document/?": "namespace collection status root from until q text filters sort after before unknown",
    "documents/document/?namespace={ns}&": "collection status root from until q text filters sort after before",
    "documents/document/?namespace={ns}&text=x&": "after before collection",
    "namespaces/bucketobject/?": "namespace bucket q older newer p",
    "namespaces/bucketobject/?namespace={ns}&": "bucket q older newer",
    "namespaces/collection/?": "namespace q p o",
    "namespaces/namespace/?": "organization q p o",
    "namespaces/apikey/?": "organization q p o",
    "namespaces/auditentry/?": "namespace user kind id since until older newer",
    "lineage/{ns}/?": "after",
    "tree/{ns}/obj_1/?": "at of group status after before q",
    "tree/{ns}/obj_1/?group=failed&": "status after before",
    "tree/{ns}/obj_1/nodes/?": "at of group status after before",
    "tree/{ns}/obj_1/nodes/?of=doc_1&": "after before",
    "tree/{ns}/obj_1/search/?": "q",
    "document/{ns}/doc_1/?": "after",
    "find/?": "q",
    "orphans/{ns}/?": "after",
}


@pytest.fixture
def place() -> Place:
    place = Place()
    Place()  # or the only namespace would be chosen already
    cast.bucket_object(place.api, place.bucket, "obj_1")
    place.child(place.first("obj_1", "doc_1"), "doc_2")
    return place


@pytest.mark.full  # some 750 requests
@pytest.mark.parametrize("page", PAGES)
def test_no_parameter_breaks_a_page(place: Place, page: str) -> None:
    client = staff.superuser()
    for name in PAGES[page].split():
        for value in BAD:
            address = f"/admin/{page.format(ns=place.pk)}{name}={quote_from_bytes(value)}"
            response = client.get(address)
            assert response.status_code in (200, 302, 404), (response.status_code, address[:200])


@pytest.mark.parametrize("kept", ["edit", "delete", "source"])
def test_a_version_that_is_no_number_is_a_version_that_was_changed(place: Place, kept: str) -> None:
    client = staff.superuser()
    sent = {"payload": "{}", "internal_metadata": "{}", "on_children": "detach", "kind": "object", "source": "obj_2"}
    for version in ("²", "", "-1", "9" * 40, "\x00"):
        response = client.post(f"/admin/document/{place.pk}/doc_1/{kept}/", {**sent, "version": version})
        assert response.status_code in (200, 409), (response.status_code, version)
    assert staff.stored(place, "doc_1") == {}
    assert "doc_2" in staff.get(client, f"/tree/{place.pk}/obj_1/nodes/?of=doc_1")


@pytest.mark.parametrize("path", ["²", "9" * 40, "9" * 19, "%00", "x" * 3000, "~AA", "~%FF", "%ED%A0%80"])
def test_no_path_breaks_a_page(place: Place, path: str) -> None:
    client: Client = staff.superuser()
    document = [f"document/{place.pk}/{path}/{page}" for page in ("", "edit/", "delete/", "source/", "raw/native/")]
    tree = [f"tree/{place.pk}/{path}/{page}" for page in ("", "nodes/", "search/?q=doc")]
    numbers = [f"document/{path}/doc_1/", f"tree/{path}/obj_1/", f"orphans/{path}/", f"documents/document/of/{path}/export/"]
    models = ("documents/document", "namespaces/namespace", "namespaces/bucketobject", "auth/user")
    forms = [f"{model}/{path}/{page}/" for model in models for page in ("change", "delete", "history")]
    for address in (*document, *tree, *numbers, *forms):
        response = client.get(f"/admin/{address}")
        assert response.status_code in (200, 302, 404), (response.status_code, address[:200])

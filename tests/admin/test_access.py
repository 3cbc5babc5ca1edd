"""Who may what in the admin, and what a page says when something is wrong."""

from typing import Any
from unittest import mock

import pytest
from django.test import Client

from mixpeek_site import sql
from mixpeek_site.errors import ServiceUnavailableError
from namespaces.models import ApiKey, Bucket, BucketObject, Collection
from tests import cast
from tests.admin import staff
from tests.admin.staff import Place

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Place:
    place = Place()
    place.child(place.first("obj_1", "doc_1"), "doc_2")
    cast.bucket_object(place.api, place.bucket, "obj_1")
    return place


def reading(place: Place) -> list[str]:
    """Every page that shows and changes nothing."""
    keys = (
        f"organization/{place.namespace.organization_id}",
        f"apikey/{ApiKey.objects.get().pk}",
        f"namespace/{place.pk}",
        f"collection/{Collection.objects.get().pk}",
        f"bucket/{Bucket.objects.get().pk}",
        f"bucketobject/{BucketObject.objects.get().pk}",
    )
    return [
        "/",
        "/find/?q=nothing",
        *(f"/namespaces/{key.partition('/')[0]}/" for key in keys),
        *(f"/namespaces/{key}/change/" for key in keys),
        "/documents/document/",
        f"/document/{place.pk}/doc_1/",
        f"/document/{place.pk}/doc_1/raw/v1/",
        f"/lineage/{place.pk}/",
        f"/tree/{place.pk}/obj_1/",
        f"/tree/{place.pk}/obj_1/nodes/?of=doc_1",
    ]


def changing(place: Place) -> list[str]:
    """Every page that changes something when posted to."""
    models = {
        "organization": place.namespace.organization_id,
        "apikey": ApiKey.objects.get().pk,
        "namespace": place.pk,
        "collection": Collection.objects.get().pk,
        "bucket": Bucket.objects.get().pk,
        "bucketobject": BucketObject.objects.get().pk,
    }
    return [
        *(f"/namespaces/{model}/add/" for model in models),
        *(f"/namespaces/{model}/{key}/change/" for model, key in models.items() if model != "apikey"),
        *(f"/namespaces/{model}/{key}/delete/" for model, key in models.items()),
        f"/document/{place.pk}/doc_1/edit/",
        f"/document/{place.pk}/doc_1/delete/",
    ]


def test_view_only_staff_see_everything(place: Place) -> None:
    client = staff.viewer()
    for path in reading(place):
        staff.get(client, path)


def test_view_only_staff_change_nothing(place: Place) -> None:
    client = staff.viewer()
    for path in changing(place):
        staff.post(client, path, {"post": "yes", "name": "changed", "on_children": "detach"}, 403)
    staff.post(client, f"/namespaces/apikey/{ApiKey.objects.get().pk}/change/", {}, 403)
    staff.post(client, "/namespaces/apikey/", {"action": "revoke", "_selected_action": ApiKey.objects.get().pk}, 200)
    assert ApiKey.objects.get().revoked_at is None


def test_view_only_staff_are_offered_no_changes(place: Place) -> None:
    client = staff.viewer()
    page = staff.get(client, f"/document/{place.pk}/doc_1/") + staff.get(client, f"/tree/{place.pk}/obj_1/")
    assert "/edit/" not in page
    assert "/delete/" not in page
    assert "Revoke this" not in staff.get(client, f"/namespaces/apikey/{ApiKey.objects.get().pk}/change/")


def test_staff_without_permissions_see_nothing(place: Place) -> None:
    client = staff.staff()
    for path in reading(place)[1:]:
        staff.get(client, path, 403)
    assert place.namespace.name not in staff.get(client, "/")


def test_everybody_else_is_asked_to_sign_in(place: Place) -> None:
    for path in (*reading(place), *changing(place)):
        response = Client().get("/admin" + path)
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")


def test_a_permission_to_view_documents_is_enough_for_the_tree(place: Place) -> None:
    client = staff.staff("view_document")
    assert "Fields and blobs" not in staff.get(client, f"/tree/{place.pk}/obj_1/")
    staff.get(client, "/namespaces/namespace/", 403)


def test_an_object_is_deleted_with_its_documents_only_by_those_who_may(place: Place) -> None:
    client = staff.staff("view_bucketobject", "delete_bucketobject", "view_document")
    key = BucketObject.objects.get().pk
    staff.post(client, f"/namespaces/bucketobject/{key}/delete/", {"post": "yes", "with_documents": "1"})
    staff.get(client, f"/document/{place.pk}/doc_1/")


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_pages_that_show_answer_other_methods_without_a_change(place: Place, method: str) -> None:
    client = staff.superuser()
    for path in (f"/document/{place.pk}/doc_1/", f"/tree/{place.pk}/obj_1/"):
        assert getattr(client, method)("/admin" + path).status_code in (200, 405)
    staff.get(client, f"/document/{place.pk}/doc_1/")


def broken(error: Exception) -> Any:
    return mock.patch.object(sql, "run", side_effect=error)


@pytest.mark.parametrize("path", ["/document/{}/doc_1/", "/tree/{}/obj_1/", "/tree/{}/obj_1/nodes/", "/documents/document/", "/"])
def test_a_database_that_is_away_is_said_plainly(place: Place, path: str) -> None:
    client = staff.superuser()
    with broken(ServiceUnavailableError("The statement took too long and was given up.")):
        page = staff.get(client, path.format(place.pk), 503)
    assert "Not available right now" in page


@pytest.mark.parametrize("path", ["/document/{}/doc_1/", "/tree/{}/obj_1/", "/documents/document/", "/"])
def test_an_unforeseen_error_shows_no_inside(place: Place, path: str) -> None:
    client = staff.superuser()
    with broken(RuntimeError("SELECT secret FROM documents_document")):
        page = staff.get(client, path.format(place.pk), 500)
    assert "SELECT" not in page
    assert "Traceback" not in page


def test_a_form_of_another_site_is_refused(place: Place) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = staff.superuser().cookies
    assert client.post(f"/admin/document/{place.pk}/doc_1/delete/", {"on_children": "cascade"}).status_code == 403

"""Forms of organizations, namespaces, collections, buckets and objects: each save and delete is a service's verb."""

from typing import Any

import pytest
from django.test import Client

from documents.models import PayloadIndex, VectorIndex
from mixpeek_site import jsonio
from namespaces.models import AuditEntry, Bucket, BucketObject, Collection, Namespace, Organization
from tests import cast
from tests.admin import staff
from tests.admin.staff import EXACT, Place
from tests.payload_indexes import build

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return staff.superuser()


@pytest.fixture
def place() -> Place:
    return Place()


def change(client: Client, model: str, key: Any, status: int = 302, **data: Any) -> str:
    return staff.post(client, f"/namespaces/{model}/{key}/change/", data, status)


def test_an_organization_is_made(client: Client) -> None:
    staff.post(client, "/namespaces/organization/add/", {"name": "Studio North"})
    assert Organization.objects.get().name == "Studio North"
    assert AuditEntry.objects.get().changes == {"name": "Studio North"}


def test_an_organization_s_page_changes_nothing(client: Client, place: Place) -> None:
    key = place.namespace.organization_id
    assert 'name="_save"' not in staff.get(client, f"/namespaces/organization/{key}/change/")
    staff.post(client, f"/namespaces/organization/{key}/change/", {"name": "other"}, 403)
    staff.post(client, f"/namespaces/organization/{key}/delete/", {"post": "yes"}, 403)


def test_a_namespace_is_made_with_an_exact_config(client: Client) -> None:
    organization = cast.organization()
    data = {"organization": organization.pk, "name": "media", "public_id": "ns_media", "config": EXACT}
    staff.post(client, "/namespaces/namespace/add/", data)
    made = Namespace.objects.get()
    assert (made.name, made.public_id) == ("media", "ns_media")
    assert jsonio.dumps(made.config["price"]) == "1.10"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"name": "taken"}, "A namespace named 'taken' exists already."),
        ({"name": "ns_x"}, "a name may not look like an id"),
        ({"name": "media", "public_id": "media"}, "must begin with 'ns_'"),
        ({"name": "media", "public_id": "ns_taken"}, "A namespace with the id ns_taken exists already."),
        ({"name": "media", "config": "{"}, "Line 1, column 2"),
        ({"name": "media", "config": "[]"}, "must be a JSON object"),
        ({"name": ""}, "This field is required"),
        ({"name": "x" * 256}, "at most 255 characters"),
    ],
)
def test_what_the_service_refuses_is_shown_in_the_form(client: Client, data: dict[str, str], message: str) -> None:
    organization = cast.organization()
    staff.post(client, "/namespaces/namespace/add/", {"organization": organization.pk, "name": "taken", "public_id": "ns_taken"})
    page = staff.post(client, "/namespaces/namespace/add/", {"organization": organization.pk, **data}, 200)
    assert message in page
    assert Namespace.objects.count() == 1


def test_a_namespace_is_changed(client: Client, place: Place) -> None:
    change(client, "namespace", place.pk, name="renamed", description="ours", config='{"a": 1, "b": 2}')
    change(client, "namespace", place.pk, name="renamed", description="", config='{"b": 2.0}')
    stored = Namespace.objects.get(pk=place.pk)
    assert (stored.name, stored.description, jsonio.dumps(stored.config)) == ("renamed", None, '{"b":2.0}')


def indexes_of(client: Client, place: Place) -> list[list[str]]:
    """The cells of the table of payload indexes."""
    page = staff.get(client, f"/namespaces/namespace/{place.pk}/change/")
    rows = page.partition("<th>Error")[2].partition("</table>")[0].split("<tr>")[1:]
    return [row.replace("</tbody>", "").split("<td>")[1:] for row in rows]


def test_a_namespace_s_page_shows_its_payload_indexes(client: Client, place: Place) -> None:
    declared = [("title", "keyword"), ("<b>", "text"), ("at", "geo"), ("created_at", "datetime")]
    config = jsonio.dumps({"payload_indexes": [{"field_name": field, "type": type} for field, type in declared]})
    change(client, "namespace", place.pk, name="media", config=config)
    assert [row[2] for row in indexes_of(client, place)] == ["pending", "pending", "not indexed", "default"]
    build()
    PayloadIndex.objects.filter(kind="words").update(state="failed", error="no room on <device>")
    shown = indexes_of(client, place)
    assert shown[0] == ["title", "keyword", "ready", "8.0\xa0KB", ""]
    assert shown[1][:3] + shown[1][4:] == ["<b>", "text", "failed", "no room on <device>"]
    page = client.get(f"/admin/namespaces/namespace/{place.pk}/change/").content
    assert b"<td>&lt;b&gt;<td>" in page
    assert b"&lt;device&gt;" in page


@pytest.mark.parametrize("declared", ["5", "[5]", '[{"field_name": "vector", "type": "text"}]', '[{"field_name": "x"}]'])
def test_payload_indexes_that_can_not_be_are_refused_in_the_form(client: Client, place: Place, declared: str) -> None:
    page = change(client, "namespace", place.pk, 200, name="media", config=f'{{"payload_indexes": {declared}}}')
    assert "errorlist" in page
    assert Namespace.objects.get(pk=place.pk).config == {}


def test_a_namespace_is_deleted_after_a_question(client: Client, place: Place) -> None:
    page = staff.get(client, f"/namespaces/namespace/{place.pk}/delete/")
    assert "disappear at once" in page
    staff.post(client, f"/namespaces/namespace/{place.pk}/delete/", {"post": "yes"})
    assert Namespace.objects.get(pk=place.pk).deleted_at is not None
    staff.get(client, "/namespaces/namespace/")  # tells that it was deleted
    assert place.namespace.name not in staff.get(client, "/namespaces/namespace/")


def test_a_collection_s_page_shows_its_vector_indexes(client: Client, place: Place) -> None:
    declared = [{"name": "<b>", "dimensions": 384}, {"name": "exact", "dimensions": 3000, "metric": "dot", "type": "exact"}]
    config = jsonio.dumps({"vector_indexes": declared})
    staff.post(client, "/namespaces/collection/add/", {"namespace": place.pk, "name": "speech", "config": config})
    made = Collection.objects.get(name="speech")
    VectorIndex.objects.filter(type="hnsw").update(state="failed", error="no room on <device>")
    VectorIndex.objects.filter(type="exact").update(state="ready", error=None)
    page = client.get(f"/admin/namespaces/collection/{made.pk}/change/").content.decode()
    assert "<tr><td>&lt;b&gt;<td>384<td>cosine<td>hnsw<td>failed<td><td>no room on &lt;device&gt;" in page
    assert "<tr><td>exact<td>3000<td>dot<td>exact<td>ready<td><td>" in page


@pytest.mark.parametrize("declared", ["5", "[5]", '[{"name": "a"}]', '[{"name": "a", "dimensions": 2001}]'])
def test_vector_indexes_that_can_not_be_are_refused_in_the_form(client: Client, place: Place, declared: str) -> None:
    data = {"namespace": place.pk, "name": "speech", "config": f'{{"vector_indexes": {declared}}}'}
    assert "errorlist" in staff.post(client, "/namespaces/collection/add/", data, 200)
    assert not Collection.objects.filter(name="speech").exists()


def test_a_collection_s_extractor_follows_its_config(client: Client, place: Place) -> None:
    config = '{"feature_extractor": {"feature_extractor_name": "whisper", "version": "v2"}}'
    staff.post(client, "/namespaces/collection/add/", {"namespace": place.pk, "name": "speech", "config": config})
    made = Collection.objects.get(name="speech")
    assert made.feature_extractor_id == "whisper_v2"
    change(client, "collection", made.pk, name="words", config=config.replace("v2", "v3"))
    made.refresh_from_db()
    assert (made.name, made.feature_extractor_id) == ("words", "whisper_v3")
    assert "must be an object" in change(client, "collection", made.pk, 200, name="words", config='{"feature_extractor": 1}')


def test_a_collection_is_deleted(client: Client, place: Place) -> None:
    key = Collection.objects.get().pk
    staff.post(client, f"/namespaces/collection/{key}/delete/", {"post": "yes"})
    assert Collection.objects.get().deleted_at is not None


def test_a_bucket_is_made_and_changed(client: Client, place: Place) -> None:
    staff.post(client, "/namespaces/bucket/add/", {"namespace": place.pk, "name": "masters", "config": "{}"})
    key = Bucket.objects.get(name="masters").pk
    change(client, "bucket", key, name="tapes", config='{"bucket_schema": {}}')
    assert Bucket.objects.get(pk=key).name == "tapes"


def test_a_bucket_with_objects_goes_only_with_them(client: Client, place: Place) -> None:
    cast.bucket_object(place.api, place.bucket)
    key = Bucket.objects.get().pk
    path = f"/namespaces/bucket/{key}/delete/"
    response = client.post("/admin" + path, {"post": "yes"}, follow=True)
    assert "holds objects" in staff.text(response)
    assert Bucket.objects.exists()
    assert not AuditEntry.objects.exists()
    staff.post(client, path, {"post": "yes", "with_objects": "1"})
    assert not Bucket.objects.exists()


def test_an_object_is_made_and_its_fields_are_edited(client: Client, place: Place) -> None:
    bucket = Bucket.objects.get().pk
    data = {"bucket": bucket, "object_id": "obj_1", "fields": EXACT, "blobs": "[]"}
    staff.post(client, "/namespaces/bucketobject/add/", data)
    made = BucketObject.objects.get()
    assert jsonio.dumps(made.fields["price"]) == "1.10"
    change(client, "bucketobject", made.pk, key_prefix="/a", fields='{"title": "x", "price": 1.1}', blobs="[]")
    made = BucketObject.objects.get()
    assert (made.key_prefix, jsonio.dumps(made.fields["price"]), "big" in made.fields) == ("/a", "1.1", False)


@pytest.mark.parametrize(("blobs", "message"), [("{}", "must be a JSON array"), ("[1]", "Every blob must be an object")])
def test_blobs_are_an_array_of_objects(client: Client, place: Place, blobs: str, message: str) -> None:
    bucket = Bucket.objects.get().pk
    page = staff.post(client, "/namespaces/bucketobject/add/", {"bucket": bucket, "fields": "{}", "blobs": blobs}, 200)
    assert message in page


@pytest.mark.parametrize(("data", "left"), [({}, True), ({"with_documents": "1"}, False)])
def test_an_object_s_documents_stay_unless_chosen(client: Client, place: Place, data: dict[str, str], left: bool) -> None:
    cast.bucket_object(place.api, place.bucket, "obj_1")
    place.child(place.first("obj_1", "doc_1"))
    key = BucketObject.objects.get().pk
    staff.post(client, f"/namespaces/bucketobject/{key}/delete/", {"post": "yes", **data})
    assert not BucketObject.objects.exists()
    staff.get(client, f"/document/{place.pk}/doc_1/", 200 if left else 404)


def test_a_save_that_changes_nothing_keeps_the_config(client: Client, place: Place) -> None:
    cast.collection(place.api, "c", anything=jsonio.loads(EXACT))
    key = Collection.objects.get(name="c").pk
    page = staff.get(client, f"/namespaces/collection/{key}/change/")
    text = page.partition('name="config"')[2].partition(">\n")[2].partition("</textarea>")[0]
    before = Collection.objects.get(pk=key).config
    change(client, "collection", key, name="c", config=text)
    assert jsonio.dumps(Collection.objects.get(pk=key).config) == jsonio.dumps(before)

"""What the pages cost that no other test of theirs counts: statements, without those of session and user."""

import pytest

from documents.models import Document
from namespaces.models import ApiKey, Bucket, BucketObject, Collection
from tests import cast
from tests.admin import staff
from tests.admin.staff import Place

pytestmark = pytest.mark.django_db

COSTS = {
    "/orphans/{ns}/": 2,
    "/lineage/{ns}/": 2,
    "/find/?q=doc_": 1,
    "/find/?q=nothing": 1,
    "/documents/document/{document}/history/": 2,
    "/namespaces/namespace/{ns}/change/": 2,
    "/namespaces/namespace/{ns}/delete/": 1,
    "/namespaces/namespace/{ns}/history/": 2,
    "/namespaces/namespace/add/": 1,
    "/namespaces/collection/{collection}/change/": 3,
    "/namespaces/collection/{collection}/delete/": 1,
    "/namespaces/collection/{collection}/history/": 2,
    "/namespaces/collection/add/": 1,
    "/namespaces/bucket/{bucket}/change/": 2,
    "/namespaces/bucket/{bucket}/delete/": 1,
    "/namespaces/bucketobject/{object}/change/": 1,
    "/namespaces/bucketobject/{object}/delete/": 3,
    "/namespaces/bucketobject/add/": 1,
    "/namespaces/apikey/{key}/change/": 2,
    "/auth/group/": 3,
}


@pytest.mark.parametrize("page", COSTS)
def test_a_page_costs_the_same_however_much_there_is(page: str) -> None:
    place = Place()
    Place()
    client = staff.superuser()
    for name in ("obj_1", "obj_2"):
        cast.bucket_object(place.api, place.bucket, name)
        place.child(place.first(name, f"{name}_a"), f"{name}_b")
    for number in range(3):
        place.document(f"doc_{number}", source_document_id="doc_gone", source_collection_id=place.collection)
    keys = {
        "ns": place.pk,
        "document": Document.objects.get(document_id="doc_1").pk,
        "collection": Collection.objects.get(public_id=place.collection).pk,
        "bucket": Bucket.objects.get(public_id=place.bucket).pk,
        "object": BucketObject.objects.get(object_id="obj_1").pk,
        "key": ApiKey.objects.earliest("pk").pk,
    }
    staff.get(client, page.format(**keys))  # Django keeps content types in mind
    with staff.statements() as asked:
        staff.get(client, page.format(**keys))
    assert len(asked) == COSTS[page], asked

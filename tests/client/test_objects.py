"""Objects through the official client."""

import pytest
from mixpeek import (
    ApiClient,
    BucketCreateRequest,
    BucketObjectsApi,
    BucketsApi,
    CreateObjectRequest,
    CreateObjectsBatchRequest,
    ListObjectsRequest,
    ObjectResponse,
    PatchObjectRequest,
    SortDirection,
    SortOption,
    UpdateObjectRequest,
)
from mixpeek.exceptions import ConflictException, NotFoundException

from tests.client.checks import assert_echoed, assert_typed, typed
from tests.client.filling import filled

# Said to the one create, and kept in no answer.
DIRECTIVES = ("skip_duplicates", "canonicalize_source", "force_remirror", "idempotency_key")
# A blob's data, its checksum and metadata are answered where the answer's model has them: in properties and details.
SENT_BLOB = ("data", "checksum", "metadata", "upload_id", "canonicalize_source", "force_remirror")
USER_FIELDS = {"title": "The General", "metadata": {"year": 1926, "cast": ["Keaton", None]}, "score": 0.1}


@pytest.fixture
def objects(client: ApiClient) -> BucketObjectsApi:
    return BucketObjectsApi(client)


@pytest.fixture(scope="module")
def bucket(client: ApiClient) -> str:
    return str(BucketsApi(client).create_bucket(filled(BucketCreateRequest, unique_key=None)).bucket_id)


def new() -> CreateObjectRequest:
    sent = filled(CreateObjectRequest)
    for blob in sent.blobs or ():
        blob.upload_id = None  # a blob has data or names an upload, not both
    sent.additional_properties = dict(USER_FIELDS)
    return sent


def create(objects: BucketObjectsApi, bucket: str) -> ObjectResponse:
    return typed(objects.create_object_buckets_with_http_info(bucket, new()))


def assert_kept(sent: CreateObjectRequest, received: ObjectResponse) -> None:
    assert_echoed(sent, received, besides=(*DIRECTIVES, "blobs"))
    assert_typed(sent, received, besides=("blobs",))
    assert received.additional_properties == USER_FIELDS
    assert sent.blobs is not None
    assert received.blobs is not None
    for one, other in zip(sent.blobs, received.blobs, strict=True):
        assert_echoed(one, other, besides=SENT_BLOB)
        assert one.data is not None
        assert one.metadata is not None
        assert other.details is not None
        assert other.properties == {**one.metadata, "data": one.data.actual_instance}
        assert other.details.hash == one.checksum


def test_every_field_of_a_create_is_read_back(objects: BucketObjectsApi, bucket: str) -> None:
    sent = new()
    made = typed(objects.create_object_buckets_with_http_info(bucket, sent, policy="insert", auto_process=False))
    found = typed(objects.get_object_buckets_with_http_info(bucket, str(made.object_id), return_presigned_urls=False))
    assert_kept(sent, made)
    assert_kept(sent, found)
    assert made == found
    assert (found.bucket_id, found.status, found.document_count) == (bucket, "PENDING", 0)


def test_a_batch_says_of_each_object_what_became_of_it(objects: BucketObjectsApi, bucket: str) -> None:
    good, bad = new(), new()
    bad.additional_properties = {"_mine": 1}
    answer = typed(
        objects.create_objects_batch_buckets_with_http_info(bucket, CreateObjectsBatchRequest(objects=[good, bad, new()]))
    )
    assert (answer.total_requested, answer.succeeded_count, answer.failed_count) == (3, 2, 1)
    assert [one.object_index for one in answer.succeeded] == [0, 2]
    assert [(one.object_index, one.error_type) for one in answer.failed] == [(1, "ValidationError")]
    assert_kept(good, objects.get_object_buckets(bucket, str(answer.succeeded[0].object_id)))


def test_every_field_of_a_patch_and_of_a_put_is_read_back(objects: BucketObjectsApi, bucket: str) -> None:
    made = create(objects, bucket)
    patch = filled(PatchObjectRequest)
    patch.additional_properties = {"title": "The General (1926)"}
    patched = typed(objects.patch_object_buckets_with_http_info(bucket, str(made.object_id), patch))
    assert_echoed(patch, patched, besides=DIRECTIVES)
    put = filled(UpdateObjectRequest)
    replaced = typed(objects.update_object_buckets_with_http_info(bucket, str(made.object_id), put))
    assert_echoed(put, replaced, besides=DIRECTIVES)
    assert replaced == typed(objects.get_object_buckets_with_http_info(bucket, str(made.object_id)))
    assert replaced.blobs == made.blobs


def test_lists_by_post_and_get_hold_what_get_answers(objects: BucketObjectsApi, client: ApiClient) -> None:
    bucket = str(BucketsApi(client).create_bucket(filled(BucketCreateRequest, unique_key=None)).bucket_id)
    made = [create(objects, bucket) for _ in range(2)]
    found = [objects.get_object_buckets(bucket, str(one.object_id), include_document_count=False) for one in made]
    body = ListObjectsRequest(sort=SortOption(field="created_at", direction=SortDirection.DESC))
    posted = typed(objects.list_objects_buckets_with_http_info(bucket, list_objects_request=body, include_total=True))
    assert posted.results == found[::-1]
    assert posted.pagination.total == 2
    gotten = typed(objects.list_objects_get_buckets_with_http_info(bucket, limit=1))
    assert gotten.results == found[:1]
    assert gotten.pagination.next_cursor


def test_a_deleted_object_is_not_found(objects: BucketObjectsApi, bucket: str) -> None:
    made = create(objects, bucket)
    assert objects.delete_object_buckets_with_http_info(bucket, str(made.object_id)).status_code == 204
    with pytest.raises(NotFoundException):
        objects.get_object_buckets(bucket, str(made.object_id))


def test_a_taken_id_is_a_conflict(objects: BucketObjectsApi, bucket: str) -> None:
    sent = CreateObjectRequest(additional_properties={"object_id": "film-0042"})
    objects.create_object_buckets(bucket, sent)
    with pytest.raises(ConflictException):
        objects.create_object_buckets(bucket, sent)

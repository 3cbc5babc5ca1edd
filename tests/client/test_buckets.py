"""Buckets through the official client."""

import pytest
from mixpeek import (
    ApiClient,
    BucketCreateRequest,
    BucketPatchRequest,
    BucketResponse,
    BucketsApi,
    BucketUpdateRequest,
    ListBucketsRequest,
    UniqueKeyConfig,
)
from mixpeek.exceptions import ConflictException, NotFoundException

from tests.client.checks import assert_echoed, assert_typed, typed
from tests.client.filling import filled


@pytest.fixture
def buckets(client: ApiClient) -> BucketsApi:
    return BucketsApi(client)


def create(buckets: BucketsApi) -> BucketResponse:
    return typed(buckets.create_bucket_with_http_info(filled(BucketCreateRequest)))


def test_every_field_of_a_create_is_read_back(buckets: BucketsApi) -> None:
    sent = filled(BucketCreateRequest)
    made = typed(buckets.create_bucket_with_http_info(sent))
    found = typed(buckets.get_bucket_with_http_info(str(made.bucket_id)))
    for received in (made, found):
        assert_echoed(sent, received)
        assert_typed(sent, received)
    assert made == found


def test_every_field_of_a_patch_and_of_a_put_is_read_back(buckets: BucketsApi) -> None:
    """The fields of a unique key are fixed at the bucket's creation."""
    made = create(buckets)
    assert made.bucket_id is not None
    assert made.unique_key is not None
    key = UniqueKeyConfig(fields=made.unique_key.fields, default_policy="insert")
    patch = filled(BucketPatchRequest, unique_key=key)
    patched = typed(buckets.patch_bucket_with_http_info(made.bucket_id, patch, force_schema_break=False))
    put = filled(BucketUpdateRequest, unique_key=key)
    replaced = typed(buckets.update_bucket_with_http_info(made.bucket_id, put, force_schema_break=True))
    found = typed(buckets.get_bucket_with_http_info(made.bucket_id))
    for sent, received in ((patch, patched), (put, replaced), (put, found)):
        assert_echoed(sent, received)
        assert_typed(sent, received)


def test_lists_by_post_and_get_hold_what_get_answers(buckets: BucketsApi) -> None:
    made = [create(buckets) for _ in range(3)]
    names = {"bucket_name": [one.bucket_name for one in made]}
    by_name = ListBucketsRequest(filters={"AND": [{"field": "bucket_name", "operator": "in", "value": names["bucket_name"]}]})
    posted = typed(buckets.list_buckets_with_http_info(list_buckets_request=by_name, include_total=True))
    assert posted.results == [typed(buckets.get_bucket_with_http_info(str(one.bucket_id))) for one in made]
    assert (posted.total_count, posted.pagination.total) == (3, 3)
    gotten = buckets.list_buckets_get(search=made[0].bucket_name)
    assert gotten.results == [made[0]]


def test_pages_follow_the_cursor(buckets: BucketsApi) -> None:
    made = {create(buckets).bucket_id for _ in range(3)}
    seen, cursor = set(), None
    while True:
        page = buckets.list_buckets_get(limit=2, cursor=cursor)
        seen |= {one.bucket_id for one in page.results}
        cursor = page.pagination.next_cursor
        if cursor is None:
            break
    assert made <= seen


def test_a_deleted_bucket_is_not_found(buckets: BucketsApi) -> None:
    made = create(buckets)
    assert buckets.delete_bucket(str(made.bucket_id), force_foreclose=True) == {
        "message": "Successfully deleted",
        "success": True,
    }
    with pytest.raises(NotFoundException):
        buckets.get_bucket(str(made.bucket_id))


def test_a_taken_name_is_a_conflict(buckets: BucketsApi) -> None:
    made = create(buckets)
    with pytest.raises(ConflictException) as caught:
        buckets.create_bucket(filled(BucketCreateRequest, bucket_name=made.bucket_name))
    assert caught.value.status == 409

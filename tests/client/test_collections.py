"""Collections through the official client."""

import pytest
from mixpeek import (
    ApiClient,
    CollectionResponse,
    CollectionsApi,
    CreateCollectionRequest,
    ListCollectionsRequest,
    SortDirection,
    SortOption,
)
from mixpeek.exceptions import NotFoundException

from tests.client.checks import as_json, assert_echoed, assert_typed, typed
from tests.client.filling import filled

# Generation 2's list of names, which no answer has.
NOT_ANSWERED = ("features",)


@pytest.fixture
def collections(client: ApiClient) -> CollectionsApi:
    return CollectionsApi(client)


def create(collections: CollectionsApi) -> CollectionResponse:
    return typed(collections.create_collection_with_http_info(filled(CreateCollectionRequest)))


def test_every_field_of_a_create_is_read_back(collections: CollectionsApi) -> None:
    sent = filled(CreateCollectionRequest)
    made = typed(collections.create_collection_with_http_info(sent))
    found = typed(collections.get_collection_with_http_info(str(made.collection_id)))
    for received in (made, found):
        assert_echoed(sent, received, besides=NOT_ANSWERED)
        assert_typed(sent, received)
    assert sent.feature_extractor is not None
    extractor = sent.feature_extractor
    assert found.feature_extractor.feature_extractor_id == f"{extractor.feature_extractor_name}_{extractor.version}"
    assert made == found


def test_every_field_of_a_patch_is_read_back(collections: CollectionsApi) -> None:
    """The client's method takes a plain object; the fields are those of a create."""
    made = create(collections)
    sent = filled(CreateCollectionRequest)
    changed = typed(collections.update_collection_with_http_info(str(made.collection_id), as_json(sent)))
    found = typed(collections.get_collection_with_http_info(sent.collection_name))
    for received in (changed, found):
        assert_echoed(sent, received, besides=NOT_ANSWERED)
        assert_typed(sent, received)


def test_lists_by_post_and_get_hold_what_get_answers(collections: CollectionsApi, client: ApiClient) -> None:
    made = [create(collections) for _ in range(2)]
    body = ListCollectionsRequest(
        filters={"AND": [{"field": "collection_name", "operator": "in", "value": [one.collection_name for one in made]}]},
        sort=SortOption(field="collection_name", direction=SortDirection.DESC),
    )
    posted = typed(collections.list_collections_with_http_info(list_collections_request=body, include_total=True))
    assert posted.results == sorted(made, key=lambda one: one.collection_name, reverse=True)
    assert (posted.total_count, posted.pagination.total) == (2, 2)
    gotten = collections.list_collections_get(
        search=made[0].collection_name, include_system=False, namespace_id=client.default_headers["X-Namespace"]
    )
    assert gotten.results == [made[0]]


def test_a_deleted_collection_is_not_found(collections: CollectionsApi) -> None:
    made = create(collections)
    collections.delete_collection(str(made.collection_id))
    with pytest.raises(NotFoundException):
        collections.get_collection(str(made.collection_id))

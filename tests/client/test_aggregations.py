"""Counts, distinct values and aggregates through the official client: every field of its requests, typed answers."""

import pytest
from mixpeek import (
    AggregationFunction,
    AggregationOperation,
    ApiClient,
    CollectionDocumentsApi,
    CollectionsApi,
    CreateCollectionRequest,
    DatePartUnit,
    DateTruncUnit,
    DistinctValuesRequest,
    DocumentAggregationRequest,
    DocumentCreateRequest,
    GroupByField,
    HavingCondition,
    RangeBucket,
    RangeBucketBoundariesInner,
    Value,
)
from mixpeek.exceptions import UnprocessableEntityException

from tests.client.checks import typed
from tests.client.filling import filled

COUNT = AggregationOperation(function=AggregationFunction.COUNT, alias="n")


@pytest.fixture(scope="module")
def collection(client: ApiClient) -> str:
    made = str(CollectionsApi(client).create_collection(filled(CreateCollectionRequest)).collection_id)
    documents = CollectionDocumentsApi(client)
    for number in range(6):
        sent = DocumentCreateRequest(collection_id=made)
        sent.additional_properties = {"kind": f"k{number % 2}", "views": number * 10, "tags": ["x", f"t{number}"]}
        documents.create_document(made, sent)
    return made


@pytest.fixture
def documents(client: ApiClient) -> CollectionDocumentsApi:
    return CollectionDocumentsApi(client)


def test_a_count_is_typed(documents: CollectionDocumentsApi, collection: str) -> None:
    counted = typed(documents.count_documents_with_http_info(collection))
    assert (counted.collection_id, counted.count) == (collection, 6)


def test_distinct_values_are_typed(documents: CollectionDocumentsApi, collection: str) -> None:
    asked = DistinctValuesRequest(field="kind", filters={"views": 30}, limit=5)
    found = typed(documents.distinct_document_values_with_http_info(collection, asked))
    assert [(each.value, each.count) for each in found.values] == [("k1", 1)]
    assert (found.var_field, found.total_distinct, found.query_info) == ("kind", 1, {})


def test_an_aggregation_with_every_field_is_typed(documents: CollectionDocumentsApi, collection: str) -> None:
    asked = DocumentAggregationRequest(
        group_by=[
            GroupByField(field="kind", alias="k"),
            GroupByField(field="created_at", alias="year", date_trunc=DateTruncUnit.YEAR),
            GroupByField(field="created_at", alias="week", date_part=DatePartUnit.DAYOFWEEK),
        ],
        aggregations=[
            COUNT,
            AggregationOperation(function=AggregationFunction.SUM, field="views", alias="sum"),
            AggregationOperation(function=AggregationFunction.COUNT_DISTINCT, distinct_field="tags", alias="tags"),
        ],
        filters={"field": "views", "operator": "gte", "value": 10},
        having=[HavingCondition(field="n", operator="gte", value=Value(3))],
        unwind="tags",
        range_buckets=[
            RangeBucket(
                field="views",
                boundaries=[RangeBucketBoundariesInner(0), RangeBucketBoundariesInner(1000)],
                default_bucket="more",
            )
        ],
        sort_by="sum",
        sort_direction="desc",
        limit=10,
    )
    found = typed(documents.aggregate_documents_with_http_info(collection, asked))
    assert [(each.group["k"], each.group["views"], each.metrics) for each in found.results] == [
        ("k1", "0-1000", {"n": 6, "sum": 180, "tags": 4}),
        ("k0", "0-1000", {"n": 4, "sum": 120, "tags": 3}),
    ]
    assert found.total_groups == 2


@pytest.mark.parametrize("function", list(AggregationFunction))
def test_every_function_is_served(documents: CollectionDocumentsApi, collection: str, function: AggregationFunction) -> None:
    asked = DocumentAggregationRequest(
        group_by=[GroupByField(field="kind")],
        aggregations=[AggregationOperation(function=function, field="views", alias="m")],
    )
    found = typed(documents.aggregate_documents_with_http_info(collection, asked))
    assert all(each.metrics["m"] is not None for each in found.results)


def test_counting_without_keys_is_one_row(documents: CollectionDocumentsApi, collection: str) -> None:
    found = typed(documents.aggregate_documents_with_http_info(collection, DocumentAggregationRequest(aggregations=[COUNT])))
    assert [(each.group, each.metrics) for each in found.results] == [({}, {"n": 6})]


def test_a_wrong_alias_is_the_clients_exception(documents: CollectionDocumentsApi, collection: str) -> None:
    with pytest.raises(UnprocessableEntityException):
        documents.aggregate_documents(collection, DocumentAggregationRequest(aggregations=[COUNT], sort_by="nowhere"))

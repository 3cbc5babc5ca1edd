"""Lists of documents through the official client: every field of a request means what it says, every answer is typed."""

import json
from typing import Any

import pytest
from mixpeek import (
    AndInner,
    ApiClient,
    BatchListDocumentsRequest,
    BatchListQuery,
    BucketCreateRequest,
    BucketObjectsApi,
    BucketsApi,
    CollectionDocumentsApi,
    CollectionsApi,
    CreateCollectionRequest,
    CreateObjectRequest,
    DocumentCreateRequest,
    DocumentResponse,
    DocumentsApi,
    ErrorResponse,
    FilterCondition,
    FilterOperator,
    ListDocumentsRequest,
    ListDocumentsResponse,
    ListPartition,
    LogicalOperatorInput,
    NamespaceListDocumentsRequest,
    ObjectResponse,
    ReturnVectorNames,
    SortDirection,
    SortOption,
)
from mixpeek.exceptions import NotFoundException, UnprocessableEntityException

from tests.client.checks import as_json, typed
from tests.client.filling import filled
from tests.client.test_documents import new

pytestmark = pytest.mark.pgvector

DESCENDING = SortOption(field="metadata.n", direction=SortDirection.DESC)


@pytest.fixture
def documents(client: ApiClient) -> CollectionDocumentsApi:
    return CollectionDocumentsApi(client)


@pytest.fixture(scope="module")
def collection(client: ApiClient) -> str:
    """Of six documents: `metadata.n` 0 to 5, `metadata.kind` even or odd, and `metadata.only_odd` on the odd ones."""
    name = str(CollectionsApi(client).create_collection(filled(CreateCollectionRequest)).collection_id)
    for number in range(6):
        metadata: dict[str, Any] = {"n": number, "kind": "odd" if number % 2 else "even", "text": f"word{number} everywhere"}
        if number % 2:
            metadata["only_odd"] = None
        body = DocumentCreateRequest(
            metadata=metadata, vectors={"a": [1.5], "b": [2.5]}, additional_properties={"document_id": f"{name}.{number}"}
        )
        CollectionDocumentsApi(client).create_document(name, body)
    return name


def numbers(found: list[DocumentResponse] | None) -> list[int]:
    assert found is not None
    return [document.additional_properties["metadata"]["n"] for document in found]


def listed(documents: CollectionDocumentsApi, collection: str, **asked: Any) -> ListDocumentsResponse:
    return typed(documents.list_documents_with_http_info(collection, list_documents_request=ListDocumentsRequest(**asked)))


def group(**given: Any) -> LogicalOperatorInput:
    found = LogicalOperatorInput.from_dict(given)
    assert found is not None
    return found


# Filters. The client's FilterCondition holds a DynamicValue or null alone; these are the ways to send values all the same.

ODD = {"field": "metadata.kind", "operator": "eq", "value": "odd"}
ABOVE = {"field": "metadata.n", "operator": "gt", "value": 2}


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        # Equality in short.
        (LogicalOperatorInput(additional_properties={"metadata.kind": "odd"}), [1, 3, 5]),
        # A condition as a group with other names: the client sends what it is given.
        (LogicalOperatorInput(additional_properties=ODD), [1, 3, 5]),
        # Conditions in groups, from plain objects.
        (group(AND=[ODD, ABOVE]), [3, 5]),
        (group(OR=[ODD, {"metadata.n": 0}]), [0, 1, 3, 5]),
        (group(NOT=[ODD]), [0, 2, 4]),
        (group(AND=[ABOVE], NOT=[{"OR": [{"metadata.n": 3}, {"metadata.n": 4}]}]), [5]),
        (group(AND=[{"field": "metadata.kind", "operator": "eq", "value": "ODD"}]), [1, 3, 5]),
        # The client says `case_sensitive: false` in each condition unless told otherwise, and the innermost word counts.
        (group(AND=[{**ODD, "value": "ODD", "case_sensitive": True}]), []),
        (group(AND=[{**ODD, "value": "ODD"}], case_sensitive=True), [1, 3, 5]),
        (LogicalOperatorInput(additional_properties={"metadata.kind": "ODD"}, case_sensitive=True), []),
        # The same, built of the client's models.
        (LogicalOperatorInput(AND=[AndInner(LogicalOperatorInput(additional_properties=ABOVE))]), [3, 4, 5]),
        # The conditions that need no value are the client's own.
        (
            LogicalOperatorInput(
                AND=[AndInner(FilterCondition(field="metadata.only_odd", operator=FilterOperator.EXISTS, value=None))]
            ),
            [1, 3, 5],
        ),
        (
            LogicalOperatorInput(
                NOT=[AndInner(FilterCondition(field="metadata.only_odd", operator=FilterOperator.EXISTS, value=None))]
            ),
            [0, 2, 4],
        ),
        (LogicalOperatorInput(AND=[AndInner(FilterCondition(field="metadata.nothing", value=None))]), [0, 1, 2, 3, 4, 5]),
        # Everything.
        (LogicalOperatorInput(), [0, 1, 2, 3, 4, 5]),
    ],
    ids=lambda value: json.dumps(as_json(value)),
)
def test_filters(documents: CollectionDocumentsApi, collection: str, filters: LogicalOperatorInput, found: list[int]) -> None:
    assert numbers(listed(documents, collection, filters=filters).results) == found


@pytest.mark.parametrize(
    ("operator", "field", "value", "found"),
    [
        *(("eq", "n", 3, [3]), ("ne", "n", 3, [0, 1, 2, 4, 5]), ("gt", "n", 3, [4, 5]), ("gte", "n", 3, [3, 4, 5])),
        *(("lt", "n", 2, [0, 1]), ("lte", "n", 2, [0, 1, 2]), ("in", "n", [1, 4], [1, 4]), ("nin", "n", [1, 4], [0, 2, 3, 5])),
        *(("contains", "text", "D4 EV", [4]), ("starts_with", "kind", "od", [1, 3, 5]), ("ends_with", "kind", "en", [0, 2, 4])),
        *(
            ("regex", "text", "^word[12] ", [1, 2]),
            ("exists", "only_odd", True, [1, 3, 5]),
            ("is_null", "n", False, [0, 1, 2, 3, 4, 5]),
        ),
        ("text", "text", "everywhere word2", [2]),
    ],
)
def test_operators(
    documents: CollectionDocumentsApi, collection: str, operator: str, field: str, value: Any, found: list[int]
) -> None:
    condition = {"field": f"metadata.{field}", "operator": FilterOperator(operator).value, "value": value}
    assert numbers(listed(documents, collection, filters=group(AND=[condition])).results) == found
    by_query = typed(documents.list_documents_0_with_http_info(collection, filters=json.dumps(condition)))
    assert numbers(by_query.results) == found


def test_plain_objects_through_the_low_level_call(client: ApiClient, collection: str) -> None:
    request = client.param_serialize(
        method="POST",
        resource_path="/v1/collections/{collection_identifier}/documents/list",
        path_params={"collection_identifier": collection},
        header_params={"Content-Type": "application/json", "Accept": "application/json"},
        body={"filters": {"must": [{"key": "metadata.n", "range": {"gte": 4}}]}},
        auth_settings=["NamespaceHeader", "BearerAuth"],
    )
    response = client.call_api(*request)
    response.read()  # type: ignore[no-untyped-call]
    found: Any = client.response_deserialize(response, {"200": "ListDocumentsResponse"})
    answer: ListDocumentsResponse = typed(found)
    assert numbers(answer.results) == [4, 5]


def test_a_filter_that_the_server_refuses_is_typed(documents: CollectionDocumentsApi, collection: str) -> None:
    with pytest.raises(UnprocessableEntityException) as caught:
        listed(documents, collection, filters=group(AND=[{"field": "x", "operator": "resembles", "value": 1}]))
    assert isinstance(caught.value.data, ErrorResponse)
    assert caught.value.data.error.type == "ValidationError"


# Order and pages


def test_sort_and_pages(documents: CollectionDocumentsApi, collection: str) -> None:
    asked: dict[str, Any] = {"sort": DESCENDING, "limit": 4, "include_total": True}
    first = listed(documents, collection, **asked)
    assert numbers(first.results) == [5, 4, 3, 2]
    assert (first.pagination.total, first.total_documents, first.pagination.page, first.pagination.page_size) == (6, 6, 1, 4)
    assert (first.pagination.total_pages, first.pagination.next_page) == (2, "?page=2&page_size=4")
    rest = listed(documents, collection, **asked, cursor=first.pagination.next_cursor)
    assert numbers(rest.results) == [1, 0]
    assert rest.pagination.next_cursor is None
    assert numbers(listed(documents, collection, **asked, offset=4).results) == [1, 0]


@pytest.mark.parametrize("sort", ["metadata.n:desc", '{"field": "metadata.n", "direction": "desc"}'])
def test_by_query_parameters(documents: CollectionDocumentsApi, collection: str, sort: str) -> None:
    asked: dict[str, Any] = {"sort": sort, "filters": json.dumps({"metadata.kind": "odd"}), "search": "everywhere"}
    first = typed(documents.list_documents_0_with_http_info(collection, **asked, page_size=2, include_total=True))
    assert (numbers(first.results), first.total_documents) == ([5, 3], 3)
    cursors: list[dict[str, Any]] = [{name: first.pagination.next_cursor} for name in ("cursor", "next_cursor", "after")]
    pages = [documents.list_documents_0(collection, **asked, **cursor).results for cursor in cursors]
    assert [numbers(page) for page in pages] == [[1]] * 3
    assert numbers(documents.list_documents_0(collection, **asked, page=2, limit=2).results) == [1]
    posted = documents.list_documents(collection, sort=sort, return_vectors=True, limit=1)
    assert numbers(posted.results) == [5]
    # With a body, which says so itself, the query's parameters are of no account.
    both = documents.list_documents(collection, sort=sort, list_documents_request=ListDocumentsRequest(limit=1))
    assert numbers(both.results) == [5]
    assert both.results is not None
    assert "vectors" not in both.results[0].additional_properties


def test_partitions_are_disjoint_and_complete(documents: CollectionDocumentsApi, collection: str) -> None:
    found: list[int] = []
    for index in range(3):
        asked: dict[str, Any] = {"partition": ListPartition(index=index, count=3), "limit": 1}
        page = listed(documents, collection, **asked)
        found += numbers(page.results)
        while page.pagination.next_cursor:
            page = listed(documents, collection, limit=1, cursor=page.pagination.next_cursor)
            found += numbers(page.results)
    assert sorted(found) == [0, 1, 2, 3, 4, 5]


def test_search(documents: CollectionDocumentsApi, collection: str) -> None:
    assert numbers(listed(documents, collection, search="word4").results) == [4]
    assert sorted(numbers(listed(documents, collection, search="everywhere").results)) == [0, 1, 2, 3, 4, 5]
    assert numbers(listed(documents, collection, search="everywhere", sort=DESCENDING, limit=2).results) == [5, 4]


# Shape


def test_groups_are_typed(documents: CollectionDocumentsApi, collection: str) -> None:
    answer = listed(documents, collection, group_by="metadata.kind", include_total=True, limit=1)
    assert answer.results is None
    assert answer.groups is not None
    assert [(one.group_key, one.count, numbers(one.documents)) for one in answer.groups] == [("even", 3, [0, 2, 4])]
    assert answer.stats is not None
    assert (answer.stats.total_groups, answer.stats.total_documents, answer.stats.avg_documents_per_group) == (2, 6, 3)
    assert (answer.group_by_field, answer.pagination.total) == ("metadata.kind", 2)
    rest = listed(documents, collection, group_by="metadata.kind", cursor=answer.pagination.next_cursor)
    assert rest.groups is not None
    assert [one.group_key for one in rest.groups] == ["odd"]


def test_select_and_vectors(documents: CollectionDocumentsApi, collection: str) -> None:
    asked: dict[str, Any] = {"select": ["metadata.n", "created_at"], "limit": 1}
    (found,) = listed(documents, collection, **asked, return_vector_names=ReturnVectorNames(["b"])).results or []
    assert found.additional_properties == {"metadata": {"n": 0}, "vectors": {"b": [2.5]}}
    assert found.internal is not None
    assert found.internal.created_at is not None
    assert found.internal.updated_at is None
    (found,) = listed(documents, collection, **asked, return_vectors=True).results or []
    assert found.additional_properties["vectors"] == {"a": [1.5], "b": [2.5]}


def test_expand(documents: CollectionDocumentsApi, client: ApiClient) -> None:
    """Each of what is expanded is as the client parses it by itself."""
    collection = str(CollectionsApi(client).create_collection(filled(CreateCollectionRequest)).collection_id)
    bucket = str(BucketsApi(client).create_bucket(filled(BucketCreateRequest, unique_key=None)).bucket_id)
    objects = BucketObjectsApi(client)
    root = objects.create_object_buckets(bucket, CreateObjectRequest(additional_properties={"title": "The General"}))
    sent = new(collection, root_object_id=root.object_id, source_object_id=root.object_id, root_bucket_id=bucket)
    sent.lineage_chain = sent.lineage_path = None
    scene = documents.create_document(collection, sent)
    body = DocumentCreateRequest(
        source_type="collection",
        source_collection_id=collection,
        source_document_id=scene.document_id,
        additional_properties={"similar": [scene.document_id, "doc_nowhere"]},
    )
    frame = documents.create_document(collection, body)
    names = ["parent", "ancestors", "children", "similar", "root_object"]
    first, second = listed(documents, collection, expand=names).results or []
    expanded = second.additional_properties["_expanded"]
    assert DocumentResponse.from_dict(expanded["parent"]) == scene
    assert [DocumentResponse.from_dict(each) for each in (*expanded["ancestors"], *expanded["similar"])] == [scene, scene]
    assert [DocumentResponse.from_dict(each) for each in first.additional_properties["_expanded"]["children"]] == [frame]
    assert ObjectResponse.from_dict(expanded["root_object"]) == objects.get_object_buckets(bucket, str(root.object_id))
    alone = typed(documents.get_document_with_http_info(collection, frame.document_id, expand=",".join(names)))
    assert alone.additional_properties["_expanded"] == expanded


# In the namespace


def test_the_namespaces_list(client: ApiClient, collection: str) -> None:
    api = DocumentsApi(client)
    body = NamespaceListDocumentsRequest(
        collection_ids=[collection, "col_nowhere"], filters=group(AND=[ODD]), sort=DESCENDING, limit=2, include_total=True
    )
    found = typed(api.list_documents_ns_with_http_info(namespace_list_documents_request=body))
    assert (numbers(found.results), found.total_documents) == ([5, 3], 3)
    assert found.unknown_collection_ids == ["col_nowhere"]
    more = {"collection_ids": [collection], "limit": 10, "cursor": found.pagination.next_cursor}
    with pytest.raises(Exception, match="cursor"):  # of another list: these have other collections
        api.list_documents_ns(namespace_list_documents_request=NamespaceListDocumentsRequest.from_dict(more))
    everywhere = typed(api.list_documents_ns_with_http_info(limit=3, include_total=True))
    assert everywhere.results is not None
    assert len(everywhere.results) == 3
    with pytest.raises(NotFoundException):
        api.list_documents_ns(namespace_list_documents_request=NamespaceListDocumentsRequest(collection_ids=["col_nowhere"]))


def test_several_lists_at_once(client: ApiClient, collection: str) -> None:
    def query(key: str, **asked: Any) -> BatchListQuery:
        return BatchListQuery(key=key, request=NamespaceListDocumentsRequest(**asked))

    queries = [
        query("odd", collection_ids=[collection], filters=group(AND=[ODD]), select=["metadata.n"]),
        query("nowhere", collection_ids=["col_nowhere"]),
        query("kinds", collection_ids=[collection], group_by="metadata.kind"),
    ]
    answer = typed(DocumentsApi(client).list_documents_batch_with_http_info(BatchListDocumentsRequest(queries=queries)))
    odd, nowhere, kinds = answer.results
    assert [result.key for result in answer.results] == ["odd", "nowhere", "kinds"]
    assert odd.response is not None
    assert (numbers(odd.response.results), odd.error) == ([1, 3, 5], None)
    assert (nowhere.response, nowhere.error) == (None, "Collection col_nowhere was not found.")
    assert kinds.response is not None
    assert kinds.response.groups is not None
    assert [one.count for one in kinds.response.groups] == [3, 3]

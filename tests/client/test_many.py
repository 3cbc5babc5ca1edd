"""Many documents in one request, through the official client."""

import pytest
from mixpeek import (
    ApiClient,
    BatchDeleteDocumentsRequest,
    BatchDocumentUpdate,
    BatchGetDocumentsRequest,
    BatchUpdateDocumentsRequest,
    BulkUpdateDocumentsRequest,
    CollectionDocumentsApi,
    CollectionsApi,
    CreateCollectionRequest,
    DocumentCreateRequest,
    DocumentsApi,
    LogicalOperatorInput,
)

from tests.client.checks import typed
from tests.client.filling import filled


@pytest.fixture
def documents(client: ApiClient) -> CollectionDocumentsApi:
    return CollectionDocumentsApi(client)


@pytest.fixture(scope="module")
def collection(client: ApiClient) -> str:
    return str(CollectionsApi(client).create_collection(filled(CreateCollectionRequest)).collection_id)


@pytest.fixture
def made(documents: CollectionDocumentsApi, collection: str) -> list[str]:
    sent = [
        DocumentCreateRequest(collection_id=collection, metadata={"n": n, "status": "pending"}, document_schema_version=None)
        for n in range(4)
    ]
    return [str(documents.create_document(collection, one).document_id) for one in sent]


def pending() -> LogicalOperatorInput:
    return (
        LogicalOperatorInput.from_dict({"AND": [{"field": "metadata.status", "operator": "eq", "value": "pending"}]})
        or LogicalOperatorInput()
    )


def test_named_documents(client: ApiClient, documents: CollectionDocumentsApi, collection: str, made: list[str]) -> None:
    updates = [BatchDocumentUpdate(document_id=name, update_data={"metadata.status": name}) for name in (*made[:2], "doc_no")]
    updated = typed(documents.batch_update_with_http_info(collection, BatchUpdateDocumentsRequest(updates=updates)))
    assert (updated.updated_count, updated.failed_count) == (2, 1)
    assert updated.results is not None
    assert [(each.document_id, each.success) for each in updated.results] == [(made[0], True), (made[1], True), ("doc_no", False)]
    assert updated.results[2].error
    asked = BatchGetDocumentsRequest(document_ids=[made[1], "doc_no", made[0]])
    found = typed(DocumentsApi(client).batch_get_with_http_info(asked))
    assert found.documents is not None
    assert [document.document_id for document in found.documents] == [made[1], made[0]]
    assert [document.additional_properties["metadata"]["status"] for document in found.documents] == [made[1], made[0]]
    assert found.not_found == ["doc_no"]
    gone = typed(documents.batch_delete_with_http_info(collection, BatchDeleteDocumentsRequest(document_ids=made, reason="x")))
    assert (gone.deleted_count, gone.failed_count, gone.task_id, gone.status) == (4, 0, None, None)


def test_all_that_match(documents: CollectionDocumentsApi, collection: str, made: list[str]) -> None:
    request = BatchUpdateDocumentsRequest(filters=pending(), update_data={"metadata.seen": True})
    assert typed(documents.batch_update_with_http_info(collection, request)).updated_count == 4
    bulk = BulkUpdateDocumentsRequest(filters=pending(), update_data={"metadata.n": None})
    updated = typed(documents.bulk_update_with_http_info(collection, bulk))
    assert (updated.updated_count, updated.task_id, updated.status) == (4, None, "COMPLETED")
    whole = typed(documents.bulk_update_with_http_info(collection, BulkUpdateDocumentsRequest(update_data={"metadata.all": 1})))
    assert whole.updated_count == 4
    metadata = documents.get_document(collection, made[0]).additional_properties["metadata"]
    assert metadata == {"status": "pending", "seen": True, "all": 1}
    gone = typed(documents.batch_delete_with_http_info(collection, BatchDeleteDocumentsRequest(filters=pending())))
    assert (gone.deleted_count, gone.status) == (4, "COMPLETED")

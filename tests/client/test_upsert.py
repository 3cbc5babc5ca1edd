"""The client's methods for documents that bring their vectors along."""

import pytest
from mixpeek import (
    ApiClient,
    BYODocument,
    BYODocumentsApi,
    BYOUpsertRequest,
    CollectionsApi,
    CreateCollectionRequest,
    SourceConfigInput,
    SourceType,
    UpsertOptions,
    VectorsValue,
)

from tests.client.checks import typed
from tests.client.conftest import Session

pytestmark = pytest.mark.pgvector

OURS = frozenset({"results"})


@pytest.fixture(scope="module")
def collection(client: ApiClient) -> str:
    source = SourceConfigInput(type=SourceType.BUCKET, bucket_ids=["bkt_somewhere"])
    made = CollectionsApi(client).create_collection(CreateCollectionRequest(collection_name="upserted", source=source))
    return str(made.collection_id)


def test_documents_are_upserted_and_read_back(client: ApiClient, session: Session, collection: str) -> None:
    documents = BYODocumentsApi(client)
    sent = [
        BYODocument(
            document_id="byo:1",
            vectors={"clip": VectorsValue([0.5, -1.0])},
            payload={"title": "One"},
            metadata={"n": 1},
            content_hash="h",
            root_object_id="obj",
            source_object_id="obj",
        ),
        BYODocument(document_id="byo:2", vectors={"clip": VectorsValue([1.0, 2.0])}, payload={"lineage": 1}),
    ]
    request = BYOUpsertRequest(collection_id=collection, documents=sent, options=UpsertOptions(write_token=True))
    answer = typed(documents.upsert_documents_byo_namespaces_with_http_info(session.namespace, request), unknown=OURS)
    assert (answer.inserted, answer.document_ids) == (2, ["byo:1", "byo:2"])
    assert answer.dropped_payload_fields == {"byo:2": ["lineage"]}
    assert answer.consistency is not None
    assert answer.consistency.retriever_visible == "immediate"
    found = documents.get_document_byo_namespaces(session.namespace, "byo:1", return_vectors=True)
    assert isinstance(found, dict)
    assert (found["title"], found["metadata"], found["vectors"]) == ("One", {"n": 1}, {"clip": [0.5, -1.0]})
    plain = documents.get_document_byo_namespaces(session.namespace, "byo:1")
    assert isinstance(plain, dict)
    assert "vectors" not in plain

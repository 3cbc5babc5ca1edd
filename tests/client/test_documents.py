"""Documents and their lineage through the official client."""

from typing import Any

import pytest
from mixpeek import (
    ApiClient,
    BlobURLRef,
    CollectionDocumentsApi,
    CollectionsApi,
    CreateCollectionRequest,
    DocumentCreateRequest,
    DocumentLineageApi,
    DocumentResponse,
    DocumentsApi,
    FeatureModel,
    InternalPayloadModel,
    ListDocumentsRequest,
    ReturnVectorNames,
    Vectors,
)
from mixpeek.exceptions import NotFoundException

from tests.client.checks import as_json, assert_echoed, assert_typed, typed
from tests.client.filling import filled

pytestmark = pytest.mark.pgvector

USER_FIELDS: dict[str, Any] = {"title": "AI in Healthcare", "nested": {"deep": [1, None, {"é": "😀"}]}, "none": None, "a.b": 1.5}
# A create's name of what `_internal.lineage` calls otherwise.
RENAMED = {"lineage_path": "path", "lineage_chain": "chain"}
FLAT = ("root_object_id", "root_bucket_id", "source_type", "source_collection_id", "source_document_id", "source_object_id")


@pytest.fixture
def documents(client: ApiClient) -> CollectionDocumentsApi:
    return CollectionDocumentsApi(client)


@pytest.fixture(scope="module")
def collection(client: ApiClient) -> str:
    return str(CollectionsApi(client).create_collection(filled(CreateCollectionRequest)).collection_id)


def new(collection: str, **given: Any) -> DocumentCreateRequest:
    """Every field of a create, from an object of a bucket unless it says otherwise; native, so that the client's model fits."""
    from_bucket = {"source_type": "bucket", "source_collection_id": None, "source_document_id": None}
    root = filled(DocumentCreateRequest, **from_bucket).root_object_id
    sent = filled(
        DocumentCreateRequest,
        **{
            **from_bucket,
            "collection_id": collection,
            "document_schema_version": None,
            "root_object_id": root,
            "source_object_id": root,
            "features": [FeatureModel(feature_extractor_id="clip_v1", payload={"m": 1}, vectors=Vectors({"clip": [0.5, 0.25]}))],
            "vectors": {"title": [1.5, -2.0], "integers": [1, 2]},
            **given,
        },
    )
    sent.additional_properties = {**USER_FIELDS, **sent.additional_properties}
    return sent


def assert_kept(sent: DocumentCreateRequest, received: DocumentResponse, collection: str) -> None:
    """Each field of a create where the typed answer has it."""
    assert received.collection_id == collection
    assert received.internal is not None
    assert received.internal.lineage is not None
    lineage = as_json(received.internal.lineage)
    for name in (*FLAT, *RENAMED):
        wanted = as_json(getattr(sent, name))
        assert wanted is None or _same_times(lineage[RENAMED.get(name, name)]) == _same_times(wanted), name
    assert received.internal.content_hash == sent.content_hash
    user = {name: value for name, value in received.additional_properties.items() if name not in ("vectors", "_vectors")}
    assert user == {**USER_FIELDS, "metadata": sent.metadata}
    assert received.internal.document_id == received.document_id
    assert received.internal.collection_id == collection


def _same_times(value: Any) -> Any:
    if isinstance(value, list):
        return [{**step, "timestamp": step["timestamp"].replace("+00:00", "Z")} for step in value]
    return value


def test_every_field_of_a_create_is_read_back(documents: CollectionDocumentsApi, collection: str, client: ApiClient) -> None:
    sent = new(collection)
    made = typed(documents.create_document_with_http_info(collection, sent))
    found = typed(documents.get_document_with_http_info(collection, made.document_id, return_vectors=True))
    twin = typed(DocumentsApi(client).get_document_ns_with_http_info(made.document_id, return_vectors=True))
    assert_kept(sent, made, collection)
    assert_kept(sent, found, collection)
    assert twin == found
    assert found.internal == made.internal
    # The answer's model has no field for vectors: they are additional, each with its value.
    assert found.additional_properties["vectors"] == {"clip": [0.5, 0.25], "title": [1.5, -2.0], "integers": [1, 2]}


def test_what_comes_from_another_document_is_read_back(documents: CollectionDocumentsApi, collection: str) -> None:
    parent = documents.create_document(collection, new(collection))
    assert parent.internal is not None
    assert parent.internal.lineage is not None
    above = parent.internal.lineage
    sent = new(
        collection,
        source_type="collection",
        source_collection_id=collection,
        source_document_id=parent.document_id,
        source_object_id=None,
        root_object_id=above.root_object_id,
        root_bucket_id=above.root_bucket_id,
        lineage_path=f"{above.path}/{collection}",
        lineage_chain=None,
    )
    made = typed(documents.create_document_with_http_info(collection, sent))
    assert_kept(sent, made, collection)
    found = typed(documents.get_document_with_http_info(collection, made.document_id))
    assert_kept(sent, found, collection)


def test_the_internal_part_is_read_back(documents: CollectionDocumentsApi, collection: str) -> None:
    """Every field of the model but the server's own ids and times, lineage (above) and `_acl`, which is not served."""
    blobs = [as_json(filled(BlobURLRef, presigned_url=None, unavailable_reason=None))]
    own = dict.fromkeys(("internal_id", "namespace_id", "document_id", "collection_id", "created_at", "updated_at"))
    sent = filled(InternalPayloadModel, **own, lineage=None, acl=None, document_blobs=blobs)
    made = documents.create_document(collection, DocumentCreateRequest(additional_properties={"_internal": as_json(sent)}))
    found = typed(documents.get_document_with_http_info(collection, made.document_id))
    assert found.internal is not None
    assert_echoed(sent, found.internal)
    assert_typed(sent, found.internal)
    assert found.document_blobs is not None
    assert_echoed(blobs[0], found.document_blobs[0])
    assert found.internal.source_details == sent.source_details


def test_blobs_are_read_back(documents: CollectionDocumentsApi, collection: str) -> None:
    sent = filled(BlobURLRef, presigned_url=None, unavailable_reason=None, url="https://example.org/a.jpg")
    body = DocumentCreateRequest(additional_properties={"document_blobs": [as_json(sent)]})
    made = typed(documents.create_document_with_http_info(collection, body))
    found = typed(documents.get_document_with_http_info(collection, made.document_id, return_presigned_urls=True))
    assert found.document_blobs is not None
    assert_echoed(sent, found.document_blobs[0])
    assert_typed(sent, found.document_blobs[0])
    assert found.document_blobs[0].presigned_url == sent.url


def test_a_download_names_its_url(client: ApiClient, documents: CollectionDocumentsApi, collection: str) -> None:
    blobs = [{"field": "clip", "url": "https://example.org/a.mp4"}]
    body = DocumentCreateRequest(additional_properties={"document_blobs": blobs, "start_time": 1.5, "end_time": 4})
    made = typed(documents.create_document_with_http_info(collection, body))
    found = typed(documents.download_document_media_with_http_info(collection, made.document_id))
    assert (found.download_url, found.cached, found.start_time, found.end_time) == (blobs[0]["url"], False, 1.5, 4)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_earlier_generations_renderings_are_additional(documents: CollectionDocumentsApi, collection: str, version: str) -> None:
    """This client knows the native shape alone; a document that was created as v1 or v2 is parsed without loss all the same."""
    sent = new(collection, document_schema_version=version)
    made = documents.create_document(collection, sent)
    for name in FLAT:
        if getattr(sent, name) is not None:
            assert made.additional_properties[name] == getattr(sent, name)
    assert made.additional_properties["lineage_path"] == sent.lineage_path
    assert made.additional_properties["metadata"] == sent.metadata
    assert made.internal is None


def test_patch_changes_what_it_names(documents: CollectionDocumentsApi, collection: str, client: ApiClient) -> None:
    made = documents.create_document(collection, new(collection))
    patched = typed(documents.patch_document_with_http_info(collection, made.document_id, {"title": "New", "nested": None}))
    assert patched.additional_properties["title"] == "New"
    assert "nested" not in patched.additional_properties
    twin = typed(DocumentsApi(client).patch_document_ns_with_http_info(made.document_id, {"metadata.reviewed": True}))
    assert twin.additional_properties["metadata"] == {**made.additional_properties["metadata"], "reviewed": True}


def test_put_what_you_get(documents: CollectionDocumentsApi, collection: str, client: ApiClient) -> None:
    made = documents.create_document(collection, new(collection))
    for put in (
        typed(documents.update_document_with_http_info(collection, made.document_id, as_json(made))),
        typed(DocumentsApi(client).update_document_ns_with_http_info(made.document_id, as_json(made))),
    ):
        assert put.additional_properties == made.additional_properties
        assert put.internal is not None
        assert made.internal is not None
        assert put.internal.model_copy(update={"updated_at": made.internal.updated_at}) == made.internal
    put = documents.update_document(collection, made.document_id, {"only": "this"})
    assert put.additional_properties == {"only": "this"}


def test_lists_by_post_and_get_hold_what_get_answers(client: ApiClient) -> None:
    documents = CollectionDocumentsApi(client)
    collection = str(CollectionsApi(client).create_collection(filled(CreateCollectionRequest)).collection_id)
    made = [documents.create_document(collection, new(collection)) for _ in range(3)]
    body = ListDocumentsRequest(limit=2, include_total=True, return_vectors=False)
    first = typed(documents.list_documents_with_http_info(collection, list_documents_request=body))
    assert first.results == made[:2]
    assert (first.pagination.total, first.total_documents) == (3, 3)
    rest = typed(documents.list_documents_0_with_http_info(collection, limit=2, cursor=first.pagination.next_cursor))
    assert rest.results == made[2:]
    assert rest.pagination.next_cursor is None


def test_a_list_brings_vectors_along(documents: CollectionDocumentsApi, client: ApiClient) -> None:
    collection = str(CollectionsApi(client).create_collection(filled(CreateCollectionRequest)).collection_id)
    documents.create_document(collection, new(collection))
    body = ListDocumentsRequest(return_vectors=True, return_vector_names=ReturnVectorNames(["title"]))
    (found,) = documents.list_documents(collection, list_documents_request=body).results or []
    assert found.additional_properties["vectors"]["title"] == [1.5, -2.0]


def test_lineage_is_typed_and_complete(documents: CollectionDocumentsApi, collection: str, client: ApiClient) -> None:
    sent = new(collection)
    made = documents.create_document(collection, sent)
    answer = typed(DocumentLineageApi(client).get_document_lineage_with_http_info(collection, made.document_id))
    assert answer.lineage is not None
    for name in FLAT:
        assert getattr(answer.lineage, name) == getattr(sent, name), name
    assert sent.lineage_chain is not None
    assert answer.lineage.lineage_chain is not None
    assert_echoed(sent.lineage_chain[0], answer.lineage.lineage_chain[0])
    assert answer.total_steps == len(answer.lineage.lineage_chain)
    assert answer.depth == 1


def test_no_lineage_is_no_error(documents: CollectionDocumentsApi, collection: str, client: ApiClient) -> None:
    made = documents.create_document(collection, DocumentCreateRequest())
    answer = typed(DocumentLineageApi(client).get_document_lineage_with_http_info(collection, made.document_id))
    assert answer.lineage is None
    assert answer.message


def test_a_deleted_document_is_not_found(documents: CollectionDocumentsApi, collection: str) -> None:
    made = documents.create_document(collection, DocumentCreateRequest())
    answer = typed(documents.delete_document_with_http_info(collection, made.document_id))
    assert (answer.message, answer.success) == ("Successfully deleted", True)
    with pytest.raises(NotFoundException):
        documents.get_document(collection, made.document_id)

"""Errors raise the client's typed exceptions, each with the typed body."""

import secrets
from collections.abc import Callable

import mixpeek
import pytest
from mixpeek import (
    ApiClient,
    BucketCreateRequest,
    BucketsApi,
    CollectionDocumentsApi,
    CollectionsApi,
    CreateCollectionRequest,
    CreateNamespaceRequest,
    DocumentCreateRequest,
    ErrorResponse,
    NamespacesApi,
)
from mixpeek.exceptions import (
    ApiException,
    BadRequestException,
    ConflictException,
    ForbiddenException,
    NotFoundException,
    UnauthorizedException,
    UnprocessableEntityException,
)

from tests.client.conftest import Session
from tests.client.filling import filled


def assert_raises(error: type[ApiException], type_: str, call: Callable[[], object]) -> ErrorResponse:
    with pytest.raises(error) as caught:
        call()
    # The client parses no body at 409, though its exception for that status is typed.
    body = ErrorResponse.from_json(caught.value.body or "") if error is ConflictException else caught.value.data
    assert isinstance(body, ErrorResponse)
    assert body.success is False
    assert (body.status, body.error.type) == (caught.value.status, type_)
    assert body.error.message
    return body


@pytest.fixture
def collection(client: ApiClient) -> str:
    return str(CollectionsApi(client).create_collection(filled(CreateCollectionRequest)).collection_id)


def test_without_a_key(session: Session) -> None:
    client = mixpeek.ApiClient(mixpeek.Configuration(host=session.host))
    assert_raises(UnauthorizedException, "UnauthorizedError", BucketsApi(client).list_buckets_get)


def test_with_an_unknown_key(session: Session) -> None:
    client = session.client(token=f"sk_{secrets.token_urlsafe(32)}")
    assert_raises(UnauthorizedException, "UnauthorizedError", BucketsApi(client).list_buckets_get)


def test_in_an_unknown_namespace(session: Session) -> None:
    client = session.client(namespace="ns_000000000000000000000000")
    assert_raises(NotFoundException, "NotFoundError", BucketsApi(client).list_buckets_get)


def test_without_the_permission(reader: ApiClient) -> None:
    assert BucketsApi(reader).list_buckets_get().results is not None
    body = filled(BucketCreateRequest)
    assert_raises(ForbiddenException, "ForbiddenError", lambda: BucketsApi(reader).create_bucket(body))


def test_an_unknown_document(client: ApiClient, collection: str) -> None:
    documents = CollectionDocumentsApi(client)
    error = assert_raises(NotFoundException, "NotFoundError", lambda: documents.get_document(collection, "doc_x"))
    assert error.error.details is not None
    assert error.error.details["resource"] == "document"


def test_a_body_that_names_another_collection(client: ApiClient, collection: str) -> None:
    body = DocumentCreateRequest(collection_id="col_other")
    assert_raises(
        BadRequestException, "BadRequestError", lambda: CollectionDocumentsApi(client).create_document(collection, body)
    )


def test_an_invalid_body(client: ApiClient, collection: str) -> None:
    body = DocumentCreateRequest(source_type="signal")  # the client knows it, the contract does not
    error = assert_raises(
        UnprocessableEntityException,
        "ValidationError",
        lambda: CollectionDocumentsApi(client).create_document(collection, body),
    )
    assert error.error.details is not None
    assert error.error.details["validation_errors"][0]["location"] == ["body", "source_type"]


def test_a_taken_document_id(client: ApiClient, collection: str) -> None:
    body = DocumentCreateRequest(additional_properties={"document_id": "mine"})
    documents = CollectionDocumentsApi(client)
    documents.create_document(collection, body)
    assert_raises(ConflictException, "AlreadyExistsError", lambda: documents.create_document(collection, body))


def test_a_taken_namespace_name(client: ApiClient) -> None:
    body = filled(CreateNamespaceRequest, namespace_id=None)
    NamespacesApi(client).create_namespace(body)
    assert_raises(ConflictException, "AlreadyExistsError", lambda: NamespacesApi(client).create_namespace(body))

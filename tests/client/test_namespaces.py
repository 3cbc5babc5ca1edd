"""Namespaces through the official client."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from mixpeek import (
    ApiClient,
    CreateNamespaceRequest,
    ListNamespacesRequest,
    NamespaceModel,
    NamespacesApi,
    PatchNamespaceRequest,
    UpdateNamespaceRequest,
)
from mixpeek.exceptions import NotFoundException

from tests.client.checks import assert_echoed, assert_typed, typed
from tests.client.filling import filled

# `features` is generation 2's list of names, which no answer has; what is left to live is answered as `expires_at`;
# a vector store is not repaired here.
NOT_ANSWERED = ("features", "ttl_seconds", "repair_vectors")
OURS = frozenset({"payload_indexes.status"})


@pytest.fixture
def namespaces(client: ApiClient) -> NamespacesApi:
    return NamespacesApi(client)


def new(**given: object) -> CreateNamespaceRequest:
    return filled(CreateNamespaceRequest, **{"namespace_id": f"ns_{os.urandom(12).hex()}", **given})


def create(namespaces: NamespacesApi) -> NamespaceModel:
    return typed(namespaces.create_namespace_with_http_info(new()), unknown=OURS)


def test_every_field_of_a_create_is_read_back(namespaces: NamespacesApi) -> None:
    sent = new()
    made = typed(namespaces.create_namespace_with_http_info(sent), unknown=OURS)
    found = typed(namespaces.get_namespace_with_http_info(str(made.namespace_id)), unknown=OURS)
    for received in (made, found):
        assert_echoed(sent, received, besides=NOT_ANSWERED)
        assert_typed(sent, received)
        assert received.expires_at is not None
        assert abs(received.expires_at - datetime.now(UTC) - timedelta(seconds=sent.ttl_seconds or 0)) < timedelta(seconds=20)
    assert made == found


def test_every_field_of_a_patch_and_of_a_put_is_read_back(namespaces: NamespacesApi) -> None:
    made = create(namespaces)
    patch = filled(PatchNamespaceRequest, ttl_seconds=None)
    patched = typed(namespaces.patch_namespace_with_http_info(str(made.namespace_id), patch), unknown=OURS)
    assert_echoed(patch, patched, besides=NOT_ANSWERED)
    assert_typed(patch, patched)
    put = filled(UpdateNamespaceRequest)
    assert_echoed(put, typed(namespaces.update_namespace_with_http_info(str(made.namespace_id), put), unknown=OURS))
    found = typed(namespaces.get_namespace_with_http_info(str(put.namespace_name)), unknown=OURS)
    assert_echoed(put, found)
    assert found.description == patch.description


def test_lists_by_post_and_get_hold_what_get_answers(namespaces: NamespacesApi) -> None:
    made = create(namespaces)
    body = ListNamespacesRequest(search=made.namespace_name)
    posted = typed(
        namespaces.list_namespaces_with_http_info(
            list_namespaces_request=body, include_total=True, include_system=False, view="full"
        ),
        unknown=frozenset({"results.payload_indexes.status"}),
    )
    assert posted.results == [made]
    assert (posted.total_count, posted.pagination.total) == (1, 1)
    assert made in namespaces.list_namespaces_get(limit=1000).results


def test_stats_count(namespaces: NamespacesApi) -> None:
    made = create(namespaces)
    stats = typed(namespaces.get_namespace_stats_with_http_info(str(made.namespace_id)))
    assert (stats.namespace_id, stats.document_count, stats.bucket_count) == (made.namespace_id, 0, 0)


def test_a_deleted_namespace_is_not_found(namespaces: NamespacesApi) -> None:
    made = create(namespaces)
    assert namespaces.delete_namespace(str(made.namespace_id), force=True) == {"message": "Successfully deleted", "success": True}
    with pytest.raises(NotFoundException):
        namespaces.get_namespace(str(made.namespace_id))
